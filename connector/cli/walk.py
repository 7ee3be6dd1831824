"""A run: the lock, the connection, the book that it is written into, and what it says when it is done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from connector.cli.door import Door
from connector.errors import ConnectorError, Interrupted, Locked
from connector.model import Document, iso
from connector.views import Result

LET_IN = 60  # seconds that a page of a backfill may take at most, its pauses included

if TYPE_CHECKING:
    from sqlite_utils import Database

    from connector.apply import Sent
    from connector.decide import Accepted
    from connector.rules.tree import Rules
    from connector.store.lock import RunLock
    from connector.sync import Way


@contextmanager
def recorded(door: Door, db: Database, rules_hash: str) -> Iterator[Document]:
    """A run in the book: what the block puts into the document, how long it took, how it ended."""
    from connector.store import bookmarks

    clock = door.clock()
    summary: Document = {}
    began = clock.monotonic()
    run = bookmarks.start_run(db, door.verb, clock.now(), waits="backfill" if _waited_for(door) else "")
    try:
        yield summary
    except Exception as error:
        what = (
            f"{error} {error.fix}".strip() if isinstance(error, ConnectorError) else f"unexpected: {error!r}"
        )
        summary |= {"said": what, "seconds": clock.monotonic() - began}
        status = "interrupted" if isinstance(error, Interrupted) else "failed"
        bookmarks.end_run(db, run, clock.now(), status, rules_hash, summary)
        raise
    summary["seconds"] = clock.monotonic() - began
    bookmarks.end_run(db, run, clock.now(), summary.get("status", "done"), rules_hash, summary)


def _waited_for(door: Door) -> bool:
    """A backfill that has let us in stands in the queue."""
    return door.lock is not None and door.lock.wanted()


def walk(
    door: Door, work: Callable[[Way], Awaitable[Result]], *, wait: int = 0, rules: Rules | None = None
) -> Result:
    """Opens everything, takes the run lock (waiting up to `wait` seconds, a minute for who lets others in),
    does the work, writes it down. `rules`: those that the verb has read already."""
    rules = rules or door.rules()
    door.settings().need_credentials()
    db = door.open()
    try:
        return door.run(walked(door, db, rules, work, wait))
    finally:
        db.close()


async def walked(
    door: Door, db: Database, rules: Rules, work: Callable[[Way], Awaitable[Result]], wait: int = 0
) -> Result:
    from connector.sync import Way

    async with door.transport() as t, locked(door, wait):
        with recorded(door, db, rules.hash) as book:
            brake, variable = door.settings().brake, door.variable
            way = Way(t, db, rules, door.clock(), brake, door.tick, door.stopping, variable)
            try:
                result = await work(way)
            finally:
                book["requests"] = t.requests
            book |= {"status": result.status, "said": said(result)}
            return result


@asynccontextmanager
async def locked(door: Door, wait: int) -> AsyncIterator[None]:
    """The run lock. :raises Locked: naming who holds it, after `wait` seconds or a minute"""
    from connector.store.lock import RunLock

    door.lock = RunLock(door.settings().db, door.verb, lets_in=door.lets_in)
    await _take(door, door.lock, wait)
    try:
        yield
    finally:
        door.lock.leave()


@contextmanager
def alone(door: Door) -> Iterator[None]:
    """The same, for a verb that asks nothing of the CRM."""
    from connector.store.lock import RunLock

    lock = RunLock(door.settings().db, door.verb)
    door.run(_take(door, lock, 0))
    try:
        yield
    finally:
        lock.leave()


async def _take(door: Door, lock: RunLock, wait: int) -> None:
    try:
        _take_now(door, lock)
    except Locked as busy:
        wait = max(wait, LET_IN if busy.lets_in and not door.lets_in else 0)
        if not wait:
            raise
        door.say(f"waiting up to {wait} s: {busy}")
        await _take_soon(door, lock, wait)


def _take_now(door: Door, lock: RunLock) -> None:
    lock.take()
    if door.lets_in and lock.wanted():  # another backfill, which has let somebody in
        lock.leave()
        raise Locked("Another run waits for its turn.", "Wait for it to end, then run this again.")


async def _take_soon(door: Door, lock: RunLock, wait: int) -> None:
    from connector.store.lock import waiting

    with waiting(door.settings().db):
        for left in range(wait, 0, -1):
            await door.clock().sleep(1)
            try:
                lock.take()
                break
            except Locked:
                if left == 1:
                    raise


def said(result: Result) -> str:
    """A run's result in a few words, for `runs` and `status`."""
    about = result.summary
    if result.command in ("pull", "backfill"):
        return f"{about['seen']:,} rows seen, {about['changed']:,} new or changed"
    if result.status == "braked":
        return f"plan {about['plan']} would change {about['share']:.0%} of contacts: connector apply {about['plan']}"
    return (
        f"{about.get('sent', 0):,} sent, {about.get('held', 0):,} held, {about.get('dropped', 0):,} dropped"
    )


# -- what became of what was sent -----------------------------------------------------------------------


def nothing_sent() -> Document:
    return {
        **{"sent": 0, "held": 0, "dropped": 0, "already": 0, "values": 0, "stale": 0, "changed": 0},
        **{"actions": 0, "waiting": 0},
    }


def sent_figures(accepted: Accepted, sent: Sent) -> Document:
    return {
        "sent": sent.sent,
        "held": len(sent.held.keys() | accepted.held.keys()),
        "dropped": len(sent.dropped),
        "already": sent.already,
        "values": sent.values,
        "stale": len(accepted.stale),
        "actions": sent.actions,
        "waiting": len(sent.waiting),
    }


def with_exceptions(command: str, summary: Document, accepted: Accepted, sent: Sent) -> Result:
    """Exit 1 where somebody is held from this run on, or an action did not go through; those dropped are
    judged again by themselves."""
    items: list[Document] = [
        *(
            {"contact": contact, "became": "held", "why": held.why, "until": iso(held.until)}
            for contact, held in sorted(accepted.held.items())
        ),
        *({"contact": contact, "became": "held", "why": why} for contact, why in sorted(sent.held.items())),
        *(
            {"contact": contact, "became": "dropped", "why": why}
            for contact, why in sorted(sent.dropped.items())
        ),
        *(
            {"contact": contact, "became": "waiting", "why": why}
            for contact, why in sorted(sent.waiting.items())
        ),
        *(
            {"contact": contact, "became": "stale", "why": "changed since the plan"}
            for contact in accepted.stale
        ),
    ]
    items = [{"until": None, **item} for item in items]
    status = "held" if sent.held or accepted.held else "waiting" if sent.waiting else "done"
    return Result(command, status, summary, items, exit_code=0 if status == "done" else 1)
