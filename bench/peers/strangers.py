"""Two pullers of strangers, each in an environment of its own, used as their documentation says."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from tally import WITNESS, Contacts, Run

from connector.sandbox import Portal

HERE = Path(__file__).parent
PATIENCE = 600  # seconds after which a run is taken for stuck


@dataclass(frozen=True, slots=True)
class Puller:
    """A published package. `token`: what its settings call the key; `catalog`: the flag for the catalog."""

    package: str
    version: str
    token: str
    catalog: str
    settings: dict[str, str]

    @property
    def name(self) -> str:
        return f"{self.package} {self.version}"


PULLERS = (
    Puller("tap-hubspot", "4.5.0", "api_key", "--properties", {"start_date": "2000-01-01T00:00:00Z"}),
    Puller("meltano-tap-hubspot", "0.10.1", "access_token", "--catalog", {}),
)


def install(puller: Puller, cache: Path) -> Path:
    """The puller's program, in an environment that is made once; pip's own words where it cannot be."""
    pinned = HERE / f"{puller.package}.txt"
    home = cache / puller.package
    stamp = home / "installed.txt"
    if not stamp.is_file() or stamp.read_text("utf-8") != pinned.read_text("utf-8"):
        make = [sys.executable, "-m", "venv", "--clear", str(home)]
        pip = [str(home / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
        for command in (make, [*pip, "--requirement", str(pinned)]):
            subprocess.run(command, check=True, capture_output=True, text=True)
        stamp.write_text(pinned.read_text("utf-8"), "utf-8")
    return home / "bin" / "tap-hubspot"


class Stranger:
    """A puller and its target: rows by primary key, the newest one stays."""

    def __init__(self, puller: Puller, program: Path, folder: Path, portal: Portal) -> None:
        self.name = puller.name
        self._puller = puller
        self._program = program
        self._folder = folder
        self._held: dict[str, str] = {}
        self._state: Any = None
        # Nothing of ours but the redirection is in its environment.
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        there = {"PYTHONPATH": str(HERE / "redirect"), "PEERS_SANDBOX": portal.url, "NO_PROXY": "127.0.0.1"}
        self._environment = {**kept, **there}
        folder.mkdir(parents=True)
        self._keep("config.json", {puller.token: portal.token, **puller.settings})
        self._choose_contacts()

    @property
    def held(self) -> Contacts:
        return self._held

    def run(self) -> Run:
        """One sync of the contacts, from the state that the last one left."""
        state = ["--state", str(self._keep("state.json", self._state))] if self._state else []
        output = self._folder / "output.jsonl"
        began = time.monotonic()
        with output.open("wb") as out:
            done = self._start(self._puller.catalog, self._folder / "catalog.json", *state, out=out)
        seconds = time.monotonic() - began
        given = Counter(self._take(output))
        doubled = tuple(id for id, times in given.items() if times > 1)
        return Run(done.returncode, seconds, len(given), doubled, done.stderr.decode(errors="replace"))

    def _choose_contacts(self) -> None:
        """Discovery, then the contacts with every field, as its documentation has a user choose."""
        output = self._folder / "discovered.json"
        with output.open("wb") as out:
            done = self._start("--discover", out=out)
        if done.returncode:
            raise RuntimeError(f"{self.name} --discover: {done.stderr.decode(errors='replace')[-2_000:]}")
        catalog = orjson.loads(output.read_bytes())
        streams = [one for one in catalog["streams"] if one["tap_stream_id"] == "contacts"]
        for entry in streams[0]["metadata"]:
            entry["metadata"]["selected"] = True
        self._keep("catalog.json", {"streams": streams})

    def _start(self, *args: str | Path, out: Any) -> subprocess.CompletedProcess[bytes]:
        command = [self._program, "--config", self._folder / "config.json", *args]
        return subprocess.run(
            command, env=self._environment, stdout=out, stderr=subprocess.PIPE, timeout=PATIENCE, check=False
        )

    def _take(self, output: Path) -> Iterator[str]:
        """The ids of a run in the order given; rows and state are kept, as a target would."""
        with output.open("rb") as lines:
            for line in lines:
                message = orjson.loads(line)
                if message["type"] == "STATE":
                    self._state = message["value"]
                elif message["type"] == "RECORD" and message["stream"] == "contacts":
                    row = message["record"]
                    self._held[row["id"]] = row["properties"].get(WITNESS) or ""
                    yield row["id"]

    def _keep(self, name: str, content: Any) -> Path:
        file = self._folder / name
        file.write_bytes(orjson.dumps(content))
        return file
