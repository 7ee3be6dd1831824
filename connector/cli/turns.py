"""A long run lets others in: between two pages it leaves the cache to who waits for it, and goes on after them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from connector.errors import Interrupted, Locked

if TYPE_CHECKING:
    from connector.cli.door import Door
    from connector.pull import Pulling

T = TypeVar("T")
_FIRST = 2.0  # seconds: who waits looks every second


class _LetIn(Exception):
    """The page in hand is stored, and somebody waits."""


async def in_turns(door: Door, p: Pulling, work: Callable[[Pulling], Awaitable[T]]) -> T:
    """The work, taken up again where it was left for others. Before everything was read once nobody else has
    anything to do, and nobody is let in."""
    while True:
        try:
            return await work(replace(p, now=p.t.clock.now(), tick=_noticing(door, p)))
        except _LetIn:
            door.say("letting the run in that waits; this one goes on after it")
            await _let_in(door)


def _noticing(door: Door, p: Pulling) -> Callable[[str, int], None]:
    from connector.pull import read_before

    def tick(source: str, number: int) -> None:
        p.tick(source, number)
        if door.lock is not None and door.lock.wanted() and read_before(p):
            raise _LetIn

    return tick


async def _let_in(door: Door) -> None:
    """:raises Interrupted: when a person asked to stop"""
    from connector.store.lock import waiting

    assert door.lock is not None
    with waiting(door.settings().db):
        door.lock.leave()
        await door.clock().sleep(_FIRST)
        while not _taken(door):
            if door.stopping():
                raise Interrupted("Stopped at your word.", "Run it again: it goes on from here.")
            await door.clock().sleep(1)


def _taken(door: Door) -> bool:
    assert door.lock is not None
    try:
        door.lock.take()
    except Locked:
        return False
    return True
