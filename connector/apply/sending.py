"""What sending needs, and what became of contacts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlite_utils import Database

from connector.errors import Retry
from connector.hubspot.lists import ContactList
from connector.hubspot.transport import Transport
from connector.model import Secret
from connector.plan import Kind, kinds
from connector.rules.compile import dependencies
from connector.rules.tree import Rules
from connector.store import bookmarks
from connector.store.outbox import Row, State

BATCH = 100  # contacts: what the CRM takes at once
Verdict = tuple[int, State, str]  # of a row: its number, what became of it, why


@dataclass
class Sent:
    """What became of contacts: `held` and `dropped` with the reason in words; `waiting`: an action failed
    that the next run tries again. `gone`: those dropped since the CRM does not have them any more
    under their id, `merged` into which;
    `already`: those of whom the CRM said everything before we did. `actions`: how many were done."""

    sent: int = 0
    already: int = 0
    held: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    merged: dict[str, str] = field(default_factory=dict)
    values: int = 0
    actions: int = 0
    waiting: dict[str, str] = field(default_factory=dict)

    def add(self, other: Sent) -> None:
        self.sent += other.sent
        self.already += other.already
        self.values += other.values
        self.actions += other.actions
        self.held |= other.held
        self.dropped |= other.dropped
        self.gone |= other.gone
        self.merged |= other.merged
        self.waiting |= other.waiting


@dataclass(frozen=True, slots=True)
class Sending:
    """`stop` is asked between batches; `tick` is told how many contacts are done; `variable` gives what the
    environment says under a name that a webhook gives. `lists` by name and `silent`, the variables of
    addresses that did not answer, are remembered for one run. What values are compared by is made once: the
    `kinds` of our properties, the fields that are `judged`, the CRM's stages in their `order`."""

    t: Transport
    db: Database
    rules: Rules
    now: int
    stop: Callable[[], bool] = lambda: False
    tick: Callable[[int], None] = lambda _: None
    variable: Callable[[str], Secret | None] = lambda _: None
    lists: dict[str, ContactList | None] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    kinds: Mapping[str, Kind] = field(init=False)
    judged: frozenset[str] = field(init=False)
    order: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        put = partial(object.__setattr__, self)
        put("kinds", kinds(self.rules))
        put("judged", dependencies(self.rules).contact)
        put("order", bookmarks.fact(self.db, "stages") or [])

    @property
    def lifecycle(self) -> str:
        found = self.rules.mapping.write_back.lifecycle
        return found.property if found else ""


def sent(rows: Sequence[Row], done: Sent, said: str = "") -> list[Verdict]:
    """Actions that are done; `said`: that they were before."""
    done.actions += 0 if said else len(rows)
    return [(row.seq, State.SENT, said) for row in rows]


def held(rows: Sequence[Row], done: Sent, why: str) -> list[Verdict]:
    """Rows that wait for a person."""
    done.held |= {row.contact_id: why for row in rows}
    return [(row.seq, State.HELD, why) for row in rows]


def later(rows: Sequence[Row], done: Sent, why: Retry | str) -> list[Verdict]:
    """Rows that the next run sends again."""
    done.waiting |= {row.contact_id: str(why) for row in rows}
    return [(row.seq, State.PENDING, str(why)) for row in rows]
