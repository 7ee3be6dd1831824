"""What a reader holds against what the account holds, and the tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from connector.sandbox import Portal

WITNESS = "jobtitle"  # the property that is edited and compared
PAGE = re.compile(r"/objects/(?:[0-9-]+/)?contacts?(?:/search)?$")  # a page of contacts, listed or found

Contacts = Mapping[str, str]  # id -> the witness, "" where it is not set


@dataclass(frozen=True, slots=True)
class Address:
    """Where an account is, and its key."""

    url: str
    token: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a reader. `read`: contacts; `records`: how often it gave one; `doubled`: ids that it gave
    more than once, which a target stores once; `stopped`: it had come to no end by itself."""

    code: int
    seconds: float
    read: int
    records: int
    doubled: tuple[str, ...]
    said: str
    stopped: bool = False

    @property
    def end(self) -> str:
        if not self.stopped:
            return str(self.code)
        return f"stopped after {self.seconds:.0f} s, {self.records:,} records of {self.read:,} contacts"


class Reader(Protocol):
    """Something that copies the contacts of an account; `held` is its copy after the runs so far."""

    name: str

    def run(self, patience: float = ...) -> Run:
        """One that has come to no end after `patience` seconds is stopped."""
        ...

    @property
    def held(self) -> Contacts: ...


@dataclass(frozen=True, slots=True)
class Gap:
    """What the copy lacks. `gone`: contacts that it still has and the account has not."""

    never: int
    stale: int
    gone: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a reader asked, out of the account's journal."""

    requests: int
    refused: int  # 429s
    cut: int  # connections
    endpoints: Counter[str]


def living(portal: Portal) -> dict[str, str]:
    """The contacts that the account has now."""
    with portal.account.db.lock:
        records = portal.account.records.page("contacts", 0, 1_000_000, archived=False)
        return {str(record.id): record.props.get(WITNESS, "") for record in records}


def gap(held: Contacts, there: Contacts) -> Gap:
    return Gap(
        never=len(there.keys() - held.keys()),
        stale=sum(held[id] != value for id, value in there.items() if id in held),
        gone=len(held.keys() - there.keys()),
    )


def traffic(portal: Portal, since: int = 0) -> Traffic:
    """Of the requests with numbers above `since`."""
    entries = portal.journal(since)
    statuses = Counter(entry["status"] for entry in entries)
    endpoints = Counter(f"{entry['method']} {entry['path']}" for entry in entries)
    return Traffic(len(entries), statuses[429], statuses[0], endpoints)


def last(portal: Portal) -> int:
    """The number of the latest request."""
    entries = portal.journal()
    return int(entries[-1]["n"]) if entries else 0


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns as wide as they need; numbers to the right."""
    cells = [list(heads), *([_cell(one) for one in row] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heads))]
    numeric = [all(isinstance(row[column], int | float) for row in rows) for column in range(len(heads))]
    lines = [
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in cells
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _cell(one: Any) -> str:
    if isinstance(one, float):
        return f"{one:,.1f}"
    return f"{one:,}" if isinstance(one, int) else str(one)
