"""The outbox -> the CRM: claim, look again, send, compare the answer, settle.

Just before each batch the contacts are read once more; a stage that is no longer what the plan saw is not
overwritten. Rows that were in flight when a run died are read back before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from sqlite_utils import Database

from connector.errors import BadCommand
from connector.hubspot import objects
from connector.hubspot.transport import Transport
from connector.model import Outcome, Record, Update
from connector.plan import kinds, same
from connector.rules.compile import dependencies
from connector.rules.tree import Rules
from connector.store import bookmarks, decisions, outbox, records
from connector.store.outbox import Row, State
from connector.store.schema import write

BATCH = 100  # contacts: what the CRM takes at once


@dataclass
class Sent:
    """What became of contacts: `held` and `dropped` with the reason in words. `gone`: those dropped since
    the CRM does not have them any more; `already`: those of whom the CRM said everything before we did."""

    sent: int = 0
    already: int = 0
    held: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    values: int = 0

    def add(self, other: Sent) -> None:
        self.sent += other.sent
        self.already += other.already
        self.values += other.values
        self.held |= other.held
        self.dropped |= other.dropped
        self.gone |= other.gone


@dataclass(frozen=True, slots=True)
class Sending:
    """`stop` is asked between batches; `tick` is told how many contacts are done."""

    t: Transport
    db: Database
    rules: Rules
    now: int
    stop: Callable[[], bool] = lambda: False
    tick: Callable[[int], None] = lambda _: None

    @property
    def lifecycle(self) -> str:
        found = self.rules.mapping.write_back.lifecycle
        return found.property if found else ""

    def same(self, row: Row, value: str | None) -> bool:
        return same(value, row.new, kinds(self.rules).get(row.key, "text"))


async def settle_in_flight(s: Sending) -> int:
    """Rows that a dead run left in `sending`: what the CRM holds by now is sent, the rest pending again."""
    rows = outbox.in_flight(s.db)
    if not rows:
        return 0
    found = await objects.read(
        s.t, "contacts", sorted({r.contact_id for r in rows}), sorted({r.key for r in rows})
    )
    verdicts = []
    for row in rows:
        record = found.records.get(row.contact_id)
        there = record is not None and _holds(s, record, row)
        verdicts.append((row.seq, State.SENT if there else State.PENDING, "read back" if there else ""))
    with write(s.db):
        _record(s, rows, verdicts)
    return len(rows)


def _record(s: Sending, rows: Sequence[Row], verdicts: Sequence[tuple[int, State, str]]) -> None:
    outbox.settle(s.db, verdicts, s.now)
    sent = {seq for seq, state, _ in verdicts if state is State.SENT}
    decisions.drop_notes(s.db, [row.contact_id for row in rows if row.key == s.lifecycle and row.seq in sent])


def _leave(db: Database, done: Sent) -> None:
    """Contacts that are gone leave the cache; of those whose stage somebody set, who it was is looked up."""
    for contact in done.gone:
        records.remove(db, contact)
    left = done.dropped.keys() - done.gone
    decisions.mark_dirty(db, left)
    decisions.expect_notes(db, left)


async def send(s: Sending) -> Sent:
    """Sends everything that is pending, a batch at a time.

    :raises BadCommand: the account lacks a property that we write
    :raises Retry: the CRM did not answer; the rows stay in flight and are read back by the next run
    """
    done = Sent()
    need_properties(s.db, s.rules)
    while not s.stop():
        with write(s.db):
            rows = outbox.claim(s.db, BATCH)
        if not rows:
            break
        done.add(await _batch(s, rows))
        s.tick(len({row.contact_id for row in rows}))
    return done


def need_properties(db: Database, rules: Rules) -> None:
    """:raises BadCommand: naming the properties of ours that the account does not have yet"""
    have = (bookmarks.fact(db, "schema") or {}).get("contacts", {})
    missing = sorted(name for name in rules.mapping.write_back.fields.values() if name not in have)
    if missing:
        raise BadCommand(
            f"The account has no property {', '.join(missing)} yet, so nothing can be written.",
            "Run `connector provision`: it makes them, once.",
        )


async def _batch(s: Sending, rows: Sequence[Row]) -> Sent:
    done = Sent()
    by_contact = {contact: list(some) for contact, some in groupby(rows, key=lambda row: row.contact_id)}
    keys = sorted({row.key for row in rows} | ({s.lifecycle} if s.lifecycle else set()))
    fresh = await objects.read(s.t, "contacts", list(by_contact), keys)
    verdicts: list[tuple[int, State, str]] = []
    to_send: dict[str, list[Row]] = {}
    for contact, some in by_contact.items():
        wanted, settled = _look_again(s, contact, some, fresh.records.get(contact), done)
        verdicts += settled
        if wanted:
            to_send[contact] = wanted
    updates = [Update(contact, {row.key: row.new for row in some}) for contact, some in to_send.items()]
    outcomes = await objects.update(s.t, "contacts", updates) if updates else []
    with write(s.db):
        for outcome in outcomes:
            verdicts += _settle(s, outcome, to_send[outcome.id], done)
        _record(s, rows, verdicts)
        _leave(s.db, done)
    return done


def _look_again(
    s: Sending, contact: str, rows: Sequence[Row], fresh: Record | None, done: Sent
) -> tuple[list[Row], list[tuple[int, State, str]]]:
    """Which rows still are to be sent, and what became of the others."""
    if fresh is None or fresh.id != contact:
        said = f"merged into {fresh.id}" if fresh else "the contact is not in the CRM any more"
        done.dropped[contact] = said
        done.gone.add(contact)
        return [], [(row.seq, State.DROPPED, said) for row in rows]
    wanted: list[Row] = []
    settled: list[tuple[int, State, str]] = []
    for row in rows:
        if _holds(s, fresh, row):
            settled.append((row.seq, State.SENT, "the CRM already said so"))
        elif row.key == s.lifecycle and (fresh.properties.get(row.key) or None) != row.old:
            said = f"somebody set {row.key} to {fresh.properties.get(row.key) or 'nothing'} since the plan"
            settled.append((row.seq, State.DROPPED, said))
            done.dropped[contact] = said
        else:
            wanted.append(row)
    done.already += not wanted and contact not in done.dropped
    return wanted, settled


def _holds(s: Sending, record: Record, row: Row) -> bool:
    """Whether the CRM holds what the row wants; for the CRM's own stage, that or a later one."""
    value = record.properties.get(row.key)
    if row.key == s.lifecycle:
        return _at_or_after(bookmarks.fact(s.db, "stages") or [], value, row.new)
    return s.same(row, value)


def _at_or_after(order: Sequence[str], value: str | None, wanted: str) -> bool:
    return value == wanted or (
        value in order and wanted in order and order.index(value) >= order.index(wanted)
    )


def _settle(s: Sending, outcome: Outcome, rows: Sequence[Row], done: Sent) -> list[tuple[int, State, str]]:
    if not outcome.ok or outcome.record is None:
        gone = outcome.category == "OBJECT_NOT_FOUND"
        done.gone |= {outcome.id} if gone else set()
        (done.dropped if gone else done.held)[outcome.id] = outcome.message
        return [(row.seq, State.DROPPED if gone else State.HELD, outcome.message) for row in rows]
    verdicts = [_compare(s, outcome.record, row) for row in rows]
    values: Mapping[str, str | None] = {
        row.key: outcome.record.properties.get(row.key, row.new) for row in rows
    }
    read = records.patch(s.db, outcome.id, values, s.rules.mapping)
    if dependencies(s.rules).contact.intersection(read):
        decisions.mark_dirty(s.db, [outcome.id])
    kept = next((said for _, state, said in verdicts if state is State.HELD), None)
    if kept:
        done.held[outcome.id] = kept
    done.sent += 1
    done.values += sum(state is State.SENT for _, state, _ in verdicts)
    return verdicts


def _compare(s: Sending, answered: Record, row: Row) -> tuple[int, State, str]:
    """A 2xx is not yet success: a stage that the CRM did not take stands unchanged in its answer."""
    if row.key not in answered.properties or _holds(s, answered, row):
        return row.seq, State.SENT, ""
    kept = answered.properties.get(row.key) or "nothing"
    return row.seq, State.HELD, f"the CRM answered that {row.key} is {kept}, not {row.new}"
