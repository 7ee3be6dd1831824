"""The connector as a reader: its command line in a process of its own, default rules and settings."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import orjson
from strangers import PATIENCE
from tally import WITNESS, Contacts, Run

from connector import __version__
from connector.sandbox import Portal

CHECKOUT = Path(__file__).parents[2]


class Ours:
    """`backfill contacts`, then `sync --dry-run`: all that reads, nothing that writes to a contact."""

    def __init__(self, folder: Path, portal: Portal) -> None:
        self.name = f"connector {__version__}"
        self._folder = folder
        self._verbs = ("backfill", "contacts")
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        account = {"HUBSPOT_BASE_URL": portal.url, "HUBSPOT_ACCESS_TOKEN": portal.token}
        more = {"PYTHONPATH": str(CHECKOUT), "PYTHONUTF8": "1"}
        # Every contact is new to the plan, which is of no interest here: no brake.
        self._environment = {**kept, **account, **more, "CONNECTOR_BRAKE": "1"}
        folder.mkdir(parents=True)
        for verbs in (("init",), ("provision", "--yes")):
            done = self._start(*verbs)
            if done.returncode:
                raise RuntimeError(f"connector {' '.join(verbs)}: {done.stderr[-2_000:]}")

    @property
    def held(self) -> Contacts:
        with closing(sqlite3.connect(self._folder / "connector.db")) as cache:
            rows = cache.execute("select id, properties from contact").fetchall()
        return {str(id): orjson.loads(properties).get(WITNESS) or "" for id, properties in rows}

    def run(self) -> Run:
        """What is read is a row of the cache by its id: nothing can be there twice."""
        began = time.monotonic()
        done = self._start(*self._verbs)
        seconds = time.monotonic() - began
        self._verbs = ("sync", "--dry-run")
        return Run(done.returncode, seconds, len(self.held), (), done.stdout + done.stderr)

    def _start(self, *verbs: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "connector", *verbs]
        return subprocess.run(
            command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
