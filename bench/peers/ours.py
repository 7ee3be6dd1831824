"""The connector as a reader: its command line in a process of its own, default rules and settings."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import orjson
from running import PATIENCE, Done, environment, run
from tally import WITNESS, Address, Contacts, Run

from connector import __version__

CHECKOUT = Path(__file__).parents[2]


class Ours:
    """`backfill contacts`, then `sync --dry-run`: all that reads, nothing that writes to a contact."""

    def __init__(self, folder: Path, address: Address) -> None:
        self.name = f"connector {__version__}"
        self._folder = folder
        self._verbs = ("backfill", "contacts")
        account = {"HUBSPOT_BASE_URL": address.url, "HUBSPOT_ACCESS_TOKEN": address.token}
        more = {"PYTHONPATH": str(CHECKOUT), "PYTHONUTF8": "1"}
        # Every contact is new to the plan, which is of no interest here: no brake.
        self._environment = environment(**account, **more, CONNECTOR_BRAKE="1")
        folder.mkdir(parents=True)
        for verbs in (("init",), ("provision", "--yes")):
            done = self._start(*verbs)
            if done.code:
                raise RuntimeError(f"connector {' '.join(verbs)}: {done.said[-2_000:]}")

    @property
    def held(self) -> Contacts:
        with closing(sqlite3.connect(self._folder / "connector.db")) as cache:
            rows = cache.execute("select id, properties from contact").fetchall()
        return {str(id): orjson.loads(properties).get(WITNESS) or "" for id, properties in rows}

    def run(self, patience: float = PATIENCE) -> Run:
        """What is read is a row of the cache by its id: nothing can be there twice."""
        done = self._start(*self._verbs, patience=patience)
        self._verbs = ("sync", "--dry-run")
        read = len(self.held)
        return Run(done.code, done.seconds, read, read, (), done.said, done.stopped)

    def _start(self, *verbs: str, patience: float = PATIENCE) -> Done:
        command = [sys.executable, "-m", "connector", *verbs]
        return run(command, self._folder, self._environment, patience=patience)
