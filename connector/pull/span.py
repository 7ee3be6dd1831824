"""Engagement of a span of time, read again beside what the pulls read: it has a place of its own to go on
from, and neither what happened outside of it nor the sources' bookmarks are touched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlite_utils import Database

from connector.errors import Unavailable
from connector.hubspot.engagement import Source, Wanted
from connector.model import DAY
from connector.pull.events import events_of, store_events
from connector.pull.pulling import Pulling
from connector.store import bookmarks
from connector.store.schema import write

_FACT = "span"
_KEPT = 7 * DAY  # an older rest is not what somebody means who asks for the last 30 days


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` up to, and without, `until` (ms). `ends`: whether somebody said where; else it is now."""

    since: int
    until: int
    ends: bool


def span_of(p: Pulling, asked: Sequence[str | None], span: Span) -> Span:
    """What is read: `span`, or, where the same words were said for one that was stopped, that one: `30d`
    names another moment at every run."""
    begun = bookmarks.fact(p.db, _FACT)
    if begun and begun["asked"] == list(asked) and begun["began"] > p.now - _KEPT:
        return Span(begun["since"], begun["until"], span.ends)
    with write(p.db):
        said = {"asked": list(asked), "since": span.since, "until": span.until, "began": p.now, "done": []}
        bookmarks.set_fact(p.db, _FACT, said)
    return span


def forget_span(db: Database) -> None:
    """To be called inside a transaction."""
    bookmarks.drop_fact(db, _FACT)


async def read_span(p: Pulling, source: Source, lists: Callable[[str], bool], span: Span) -> None:
    """One source, if a span that was stopped had not read it yet; one that the account lacks is noted."""
    events = sorted(source.events & events_of(p.rules))
    done = source.name in (bookmarks.fact(p.db, _FACT) or {"done": []})["done"]
    try:
        if events and not done:
            await _read(p, source, Wanted(frozenset(events), lists), span)
    except Unavailable as error:
        with write(p.db):
            bookmarks.absent(p.db, source.name, f"{error} {error.fix}".strip())
    p.reach(source.name, 1.0)
    with write(p.db):
        bookmarks.forget(p.db, _place(source))
        begun = bookmarks.fact(p.db, _FACT)
        if begun:
            bookmarks.set_fact(p.db, _FACT, {**begun, "done": [*begun["done"], source.name]})


def _place(source: Source) -> str:
    return f"{source.name} span"


async def _read(p: Pulling, source: Source, wanted: Wanted, span: Span) -> None:
    known = {"events": sorted(wanted.events), "since": span.since, "until": span.until}
    mark = bookmarks.get(p.db, _place(source)).progress
    ours = mark["own"] if mark and {**mark, **known} == mark else None
    async for page in source.pages(
        p.t, bookmark=None, progress=ours, since=span.since, until=span.until - 1, wanted=wanted
    ):
        inside = [row for row in page.rows if span.since <= row.at < span.until]
        store_events(p, source.name, _place(source), replace(page, rows=inside), known, None)
        if page.bookmark is not None and not span.ends:
            _begin(p, source, {"events": known["events"], "own": page.bookmark})


def _begin(p: Pulling, source: Source, value: dict[str, object]) -> None:
    """A source that nobody read before goes on from here; what is older than the span is not asked for."""
    mark = bookmarks.get(p.db, source.name)
    if mark.value is None and mark.progress is None:
        with write(p.db):
            bookmarks.move(p.db, source.name, value, p.now)
