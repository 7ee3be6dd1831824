"""Pullers of strangers, each in an environment of its own, used as their documentation says."""

from __future__ import annotations

import subprocess
import sys
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, ClassVar

import orjson
from running import PATIENCE, Done, environment, run
from tally import Address, Contacts, Run

HERE = Path(__file__).parent
Row = tuple[str, str]  # a contact's id and its witness


class Stranger(ABC):
    """A puller and its target: rows by primary key, the newest one stays."""

    package: ClassVar[str]
    version: ClassVar[str]
    program: ClassVar[str] = "tap-hubspot"

    def __init__(
        self, program: Path, folder: Path, address: Address, wanted: Collection[str] | None = None
    ) -> None:
        """`wanted`: the properties, where it can be told; all of them if it is None."""
        self.name = f"{self.package} {self.version}"
        self._program = program
        self._folder = folder
        self._held: dict[str, str] = {}
        self._state: Any = None
        # Nothing of ours but the redirection is in its environment.
        self._environment = environment(
            PYTHONPATH=str(HERE / "redirect"), PEERS_SANDBOX=address.url, NO_PROXY="127.0.0.1"
        )
        folder.mkdir(parents=True)
        self._keep("config.json", self._settings(address.token))
        self._keep("catalog.json", self._catalog(wanted))

    @classmethod
    def install(cls, cache: Path) -> Path:
        """Its program, in an environment that is made once; pip's own words where it cannot be."""
        pinned = HERE / f"{cls.package}.txt"
        home = cache / cls.package
        stamp = home / "installed.txt"
        if not stamp.is_file() or stamp.read_text("utf-8") != pinned.read_text("utf-8"):
            make = [sys.executable, "-m", "venv", "--clear", str(home)]
            pip = [str(home / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
            for command in (make, [*pip, "install", "--requirement", str(pinned)]):
                subprocess.run(command, check=True, capture_output=True, text=True)
            stamp.write_text(pinned.read_text("utf-8"), "utf-8")
        return home / "bin" / cls.program

    @property
    def held(self) -> Contacts:
        return self._held

    def run(self, patience: float = PATIENCE) -> Run:
        """One sync of the contacts, from the state that the last one left."""
        done, output = self._start(*self._reading(), patience=patience)
        given: Counter[str] = Counter()
        for message in _messages(output):
            if row := self._row(message):
                given[row[0]] += 1
                self._held[row[0]] = row[1]
        doubled = tuple(id for id, times in given.items() if times > 1)
        return Run(
            done.code, done.seconds, len(given), given.total(), doubled, self._said(done), done.stopped
        )

    @abstractmethod
    def _settings(self, token: str) -> Any: ...

    @abstractmethod
    def _catalog(self, wanted: Collection[str] | None) -> Any: ...

    @abstractmethod
    def _reading(self) -> list[str | Path]:
        """The arguments of a sync."""

    @abstractmethod
    def _row(self, message: Any) -> Row | None:
        """What a line of its output gives; the state in it is kept, as a target would."""

    def _said(self, done: Done) -> str:
        return done.said

    def _start(self, *args: str | Path, patience: float = PATIENCE) -> tuple[Done, Path]:
        output = self._folder / "output.jsonl"
        with output.open("wb") as out:
            done = run([self._program, *args], self._folder, self._environment, out, patience)
        return done, output

    def _handed_on(self, state: Any) -> list[str | Path]:
        return ["--state", self._keep("state.json", state)]

    def _keep(self, name: str, content: Any) -> Path:
        file = self._folder / name
        file.write_bytes(orjson.dumps(content))
        return file


def _messages(output: Path) -> Iterator[Any]:
    with output.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):  # one that was stopped may leave half a line
                yield orjson.loads(line)
