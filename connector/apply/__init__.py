"""The outbox -> the CRM: claim, look again, send, compare the answer, settle.

Just before each batch the contacts are read once more; a stage that is no longer what the plan saw is not
overwritten, and what it would have led to is not done. Rows that were in flight when a run died are read
back before anything is sent again.

Tasks and lists go before the values: should the cache be lost in between, the values that are missing in the
CRM lead to the same actions again, which are known there by then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlite_utils import Database

from connector.apply.lists import send_lists
from connector.apply.properties import learn, look_again, read_back, record_verdicts, send_properties, settle
from connector.apply.sending import BATCH, Sending, Sent, Verdict
from connector.apply.tasks import send_tasks
from connector.apply.webhooks import send_webhooks
from connector.errors import BadCommand
from connector.hubspot import objects
from connector.hubspot.transport import together
from connector.model import Record
from connector.rules.tree import Rules
from connector.store import bookmarks, decisions, erasure, identity, outbox
from connector.store.merging import merge
from connector.store.outbox import LIST, PROPERTY, TASK, WEBHOOK, Row, State
from connector.store.schema import write

__all__ = ["BATCH", "Sending", "Sent", "need_properties", "send", "settle_in_flight"]

SENDERS = 10  # batches under way: as many as keep the account's limit busy at a quarter of a second an answer
Rows = Mapping[str, Sequence[Row]]  # by contact


@dataclass(frozen=True, slots=True)
class Settled:
    """What a dead run had left under way: how many rows, and the contacts of whom something had arrived."""

    rows: int
    arrived: frozenset[str]


async def settle_in_flight(s: Sending) -> Settled:
    """Rows that a dead run left in `sending`: values that the CRM holds by now are sent, the rest is pending
    again, a stage that was taken back decided anew. A task is looked for once more before it is made, but not
    before what was sent must have arrived; a list or a webhook may be told twice."""
    settled, arrived = 0, set[str]()
    while rows := outbox.in_flight(s.db):
        values = [row for row in rows if row.kind == PROPERTY]
        verdicts, fresh = await read_back(s, values) if values else ([], {})
        verdicts += [(row.seq, State.PENDING, "") for row in rows if row.kind != PROPERTY]
        dropped = {seq for seq, state, _ in verdicts if state is State.DROPPED}
        back = [row.contact_id for row in values if row.seq in dropped]
        with write(s.db):
            record_verdicts(s, rows, verdicts)
            _learn(s, values, verdicts, fresh)
            decisions.expect_notes(s.db, back)
            decisions.mark_dirty(s.db, back)
        settled += len(rows)
        there = {seq for seq, state, _ in verdicts if state is State.SENT}
        arrived |= {row.contact_id for row in values if row.seq in there}
    return Settled(settled, frozenset(arrived))


def _learn(s: Sending, rows: Sequence[Row], verdicts: Sequence[Verdict], fresh: Mapping[str, Record]) -> None:
    """What of these rows the CRM turned out to have. To be called inside a transaction."""
    there = {seq for seq, state, _ in verdicts if state is State.SENT}
    for contact, some in groupby([row for row in rows if row.seq in there], key=lambda row: row.contact_id):
        learn(s, contact, fresh.get(contact), list(some))


async def send(s: Sending) -> Sent:
    """Sends everything that is pending, batches of contacts side by side, each once.

    :raises BadCommand: the account lacks a property that we write
    :raises Retry: the CRM did not answer; the rows stay in flight and are read back by the next run
    """
    need_properties(s.db, s.rules)
    queue = _Queue(s)
    ended = await asyncio.gather(*(queue.work() for _ in range(SENDERS)), return_exceptions=True)
    for failure in ended:
        if failure is not None:
            raise failure
    return queue.done


class _Queue:
    """The pending rows, a batch of contacts to whoever is free: first those about whom sales is told or a
    list changes, then values alone. Where one fails nobody begins another: what the others have under way
    is brought to its end."""

    def __init__(self, s: Sending) -> None:
        self.done = Sent()
        self._s = s
        self._acting, self._after = True, ""
        self._failed = False

    async def work(self) -> None:
        try:
            while rows := self._claim():
                self.done.add(await _batch(self._s, rows))
                self._s.tick(len({row.contact_id for row in rows}))
        except BaseException:
            self._failed = True
            raise

    def _claim(self) -> Sequence[Row]:
        if self._failed or self._s.stop():
            return []
        rows = self._next()
        if not rows and self._acting:
            self._acting, self._after = False, ""
            rows = self._next()
        return rows

    def _next(self) -> Sequence[Row]:
        with write(self._s.db):
            rows = outbox.claim(self._s.db, BATCH, self._s.now, self._after, acting=self._acting)
        self._after = rows[-1].contact_id if rows else self._after
        return rows


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
    values = {c: [row for row in some if row.kind == PROPERTY] for c, some in by_contact.items()}
    keys = {row.key for some in values.values() for row in some} | ({s.lifecycle} if s.lifecycle else set())
    fresh = (await objects.read(s.t, "contacts", list(by_contact), sorted(keys))).records
    verdicts = _gone(by_contact, fresh, done)
    here = {contact: some for contact, some in values.items() if contact not in done.gone}
    to_send, settled = look_again(s, here, fresh, done)
    verdicts += settled + _overtaken(by_contact, done)
    with write(s.db):
        record_verdicts(s, rows, verdicts)
        _learn(s, [row for some in here.values() for row in some], settled, fresh)
        outbox.put_back(s.db, _following(by_contact, done), "its contact was merged")
        _leave(s, done)
    actions = [row for row in rows if row.kind != PROPERTY and row.contact_id not in done.dropped]
    await together(
        _act(s, [row for row in actions if row.kind == kind], act, done)
        for kind, act in ((TASK, send_tasks), (LIST, send_lists))
    )
    await _write(s, to_send, done)
    await _act(s, [row for row in actions if row.kind == WEBHOOK], send_webhooks, done)
    return done


def _gone(by_contact: Rows, fresh: Mapping[str, Record], done: Sent) -> list[Verdict]:
    """Contacts that the CRM does not have any more, or under another id."""
    verdicts: list[Verdict] = []
    for contact, rows in by_contact.items():
        found = fresh.get(contact)
        if found is not None and found.id == contact:
            continue
        said = f"merged into {found.id}" if found else "the contact is not in the CRM any more"
        done.dropped[contact] = said
        done.gone.add(contact)
        done.merged |= {contact: found.id} if found else {}
        gone = [row for row in rows if not (found and _follows(row))]
        verdicts += [(row.seq, State.DROPPED, said) for row in gone]
    return verdicts


def _follows(row: Row) -> bool:
    """After a merge values are decided anew; what tells a thing once follows to the new id."""
    return row.kind != PROPERTY


def _following(by_contact: Rows, done: Sent) -> list[int]:
    return [row.seq for contact in done.merged for row in by_contact.get(contact, ()) if _follows(row)]


def _overtaken(by_contact: Rows, done: Sent) -> list[Verdict]:
    """Actions on a stage that somebody took back meanwhile: what they said is judged first."""
    return [
        (row.seq, State.DROPPED, said)
        for contact, said in done.dropped.items()
        if contact not in done.gone
        for row in by_contact[contact]
        if row.kind != PROPERTY
    ]


Act = Callable[[Sending, Sequence[Row], Sent], Awaitable[list[Verdict]]]


async def _act(s: Sending, rows: Sequence[Row], act: Act, done: Sent) -> None:
    if rows:
        verdicts = await act(s, rows, done)
        with write(s.db):
            record_verdicts(s, rows, verdicts)


async def _write(s: Sending, to_send: Rows, done: Sent) -> None:
    """The values; contacts that turn out to be gone leave the cache."""
    outcomes = await send_properties(s, to_send)
    rows = [row for some in to_send.values() for row in some]
    with write(s.db):
        verdicts = [v for outcome in outcomes for v in settle(s, outcome, to_send[outcome.id], done)]
        record_verdicts(s, rows, verdicts)
        _leave(s, done)


def _leave(s: Sending, done: Sent) -> None:
    """Contacts that are gone leave the cache; of those whose stage somebody set, who it was is looked up."""
    for contact in done.gone:
        new = done.merged.get(contact)
        if new is None:
            erasure.leave(s.db, contact, s.now, binned=False)
        elif identity.survivor(s.db, contact) != new:
            merge(s.db, contact, new, s.now)
    left = done.dropped.keys() - done.gone
    decisions.mark_dirty(s.db, left)
    decisions.expect_notes(s.db, left)
