"""How long a first load takes: the account's real limits on, every answer kept back, one reader at a time.

The account, the connector and the delay are those of `bench/sync.py`: the sandbox in a process of its own,
the connector with the whole of the limit. Each reader has a fresh copy; its setting up is not measured.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import parse_qs

from sandbox import Server, serving
from strangers import Stranger
from sync import Reader as Connector
from sync import made, told, turned
from tally import PAGE, Address, table

LATENCIES = (0.25, 0.08)
PATIENCE = 1_200.0  # seconds: Airbyte's source takes several minutes on a busy machine
WANTED = 4.0  # times ours that the others should need with the first of the latencies
HEADS = ("reader", "contacts", "seconds", "requests", "429s", "times ours", "end")


@dataclass(frozen=True, slots=True)
class Load:
    """One first load."""

    name: str
    contacts: int
    seconds: float
    requests: int
    refused: int
    end: str = "0"


class Track:
    """One account, copied for every load."""

    def __init__(self, folder: Path, contacts: int) -> None:
        self._folder = folder
        self._state = made(folder, contacts)
        self._numbers = count(1)
        self.wanted: Collection[str] = ()  # the properties that the connector asks for

    @contextmanager
    def _account(self) -> Iterator[tuple[Path, Server]]:
        home = self._folder / str(next(self._numbers))
        home.mkdir()
        shutil.copy(self._state, home / "portal.db")
        with serving("--state", str(home / "portal.db")) as server:
            yield home, server
        shutil.rmtree(home)

    def ours(self, latency: float, *, ids: bool) -> Load:
        """`ids`: whether `after` takes any id, so that several parts of the list are read at once."""
        with self._account() as (home, server):
            turned(server, latency, list_after_is_id=ids)
            run = Connector(home / "reader", server, plain=True)("backfill", "contacts")
            self.wanted = _properties(server)
            with closing(sqlite3.connect(home / "reader" / "connector.db")) as cache:
                [[held]] = cache.execute("select count(*) from contact")
        name = f"connector, {'ranges' if ids else 'one cursor'}"
        return Load(name, held, run.seconds, run.asked.total(), run.asked["refused"])

    def theirs(self, puller: type[Stranger], program: Path, latency: float) -> Load:
        with self._account() as (home, server):
            there = Address(server.address, server.token)
            reader = puller(program, home / "reader", there, self.wanted)
            turned(server, latency)
            told(server, "DELETE", "journal")
            run = reader.run(PATIENCE)
            statuses = [entry["status"] for entry in told(server, "GET", "journal")]
        return Load(reader.name, run.read, run.seconds, len(statuses), statuses.count(429), run.end)


def _properties(server: Server) -> Collection[str]:
    pages = [entry for entry in told(server, "GET", "journal") if PAGE.search(entry["path"])]
    [names] = parse_qs(next(entry["query"] for entry in pages if entry["query"]))["properties"]
    return frozenset(names.split(","))


def compare(folder: Path, contacts: int, strangers: Sequence[tuple[type[Stranger], Path]]) -> bool:
    """Prints a table for each latency. False if ours lost a contact, or another was nearly as fast."""
    track, good = Track(folder, contacts), True
    for latency in LATENCIES:
        ours = [track.ours(latency, ids=True), track.ours(latency, ids=False)]
        theirs = [track.theirs(puller, program, latency) for puller, program in strangers]
        least = WANTED if latency == LATENCIES[0] else 0.0
        good &= all(one.contacts == contacts for one in ours)
        good &= all(one.seconds >= least * ours[0].seconds for one in theirs)
        rows = [
            (one.name, one.contacts, one.seconds, one.requests, one.refused, times, one.end)
            for one in (*ours, *theirs)
            for times in [one.seconds / ours[0].seconds]
        ]
        print(f"\nA first load of {contacts:,} contacts, every answer {latency * 1000:.0f} ms later\n")
        print(table(HEADS, rows), flush=True)
    return good
