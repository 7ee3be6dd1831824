"""A backfill as it is watched: how much of what is read, how fast, and about how long it will go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from connector.cli.eta import Left, Outlook
from connector.errors import MissingScope

if TYPE_CHECKING:
    from connector.cli.door import Door
    from connector.pull import Pulling
    from connector.rules.tree import Field

_WORTH = 15  # seconds: a shorter "at least" says nothing
_PAGE, _PAGE_WITH_HISTORY = 100, 50  # contacts a request; the first load reads their histories too


async def watched(door: Door, p: Pulling, only: Sequence[str] | None, fields: Sequence[Field]) -> Pulling:
    """The same pull, with somebody who watches it: where nobody does, nothing is counted for it."""
    if door.quiet or door.json:
        return p
    from connector.pull import OBJECTS

    names = {f.object for f in fields} if fields else _sources(p, only)
    expected: dict[str, float | None] = dict.fromkeys(names)
    if "contacts" in names and not fields:
        expected["contacts"] = await _contact_pages(p)
    watch = Watch(door, p, Outlook(expected, OBJECTS))
    return replace(p, tick=watch.tick, reach=watch.outlook.reached)


def _sources(p: Pulling, only: Sequence[str] | None) -> set[str]:
    from connector.hubspot.engagement import SOURCES
    from connector.pull import OBJECTS
    from connector.pull.events import events_of
    from connector.pull.pulling import properties_of

    found = {name for name in OBJECTS if properties_of(p.rules, name) and (only is None or name in only)}
    if only is None or "engagement" in only:
        found |= {source.name for source in SOURCES if source.events & events_of(p.rules)}
    return found


async def _contact_pages(p: Pulling) -> float | None:
    """They come last of the records: their number is known while the others are read."""
    from connector.hubspot import objects
    from connector.store import records

    try:
        total = await objects.count(p.t, "contacts")
    except MissingScope:
        return None  # said where it is read
    size = _PAGE if records.count(p.db) else _PAGE_WITH_HISTORY
    return total / size


@dataclass
class Watch:
    door: Door
    p: Pulling
    outlook: Outlook

    def tick(self, source: str, number: int) -> None:
        """:raises Interrupted: when a person asked to stop"""
        t = self.p.t
        sent = max(1, t.requests)
        besides = 1 - t.counts["search"] / sent  # searches have a limit of their own
        now = t.clock.monotonic()
        self.outlook.took(source, now, t.answers, limit=t.rate / max(besides, 0.01), answer=t.answer)
        self.door.tick(source, number, self._ahead(source, self.outlook.left(now)))

    def _ahead(self, source: str, left: Left | None) -> str:
        share = self.outlook.share(source)
        said = [f"{source} {share:.0%}" if share else source]
        if left is not None and (left.all_known or left.seconds >= _WORTH):
            said.append(f"{'about' if left.all_known else 'at least'} {duration(left.seconds)} to go")
            if self.p.t.room is not None and left.requests > self.p.t.room:
                said.append("more than today's requests allow")
        return ", ".join(said)


def duration(seconds: float) -> str:
    """`45 s`, `2 min 40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 600:
        tens = round(seconds / 10)
        return f"{tens // 6} min {10 * (tens % 6)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
