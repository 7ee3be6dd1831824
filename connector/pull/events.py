"""What contacts did: each source of engagement from its own bookmark on, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from connector.errors import Unavailable
from connector.hand_off import TOUCHES, UNDER_WAY, offers
from connector.hubspot.engagement import EngagementPage, Source, Wanted
from connector.model import DAY, HOUR, Document
from connector.pull.pulling import Pulling
from connector.rules.tree import Rules
from connector.store import bookmarks, decisions, engagement, handoffs
from connector.store.schema import write

HISTORY = 400 * DAY  # how far back engagement is read at first
BEAT = 6 * HOUR  # at most between two looks at what came late


async def pull_source(p: Pulling, source: Source, lists: Callable[[str], bool], full: bool) -> None:
    """One source of engagement from its bookmark on; one that the account lacks is noted."""
    events = sorted(source.events & events_of(p.rules))
    if not events:
        return
    reading = _Reading(p, source, events, lists, p.now - HISTORY)
    try:
        await reading.on(full)
        if not full:
            await reading.again()
    except Unavailable as error:
        p.reach(source.name, 1.0)
        with write(p.db):
            bookmarks.absent(p.db, source.name, f"{error} {error.fix}".strip())


@dataclass(frozen=True, slots=True)
class _Reading:
    p: Pulling
    source: Source
    events: list[str]
    lists: Callable[[str], bool]
    since: int

    async def on(self, full: bool) -> None:
        """What came since the bookmark, or all of it."""
        mark = bookmarks.get(self.p.db, self.source.name)
        own = mark.value["own"] if mark.value and set(self.events) <= set(mark.value["events"]) else None
        if full and own is not None:
            await self._anew(bookmarks.again(self.p.db, self.source.name))
        else:
            await self._from(self.source.name, own)

    async def _anew(self, place: str) -> None:
        """All of it, beside the pulls, which go on from where they are."""
        await self._from(place, None)
        with write(self.p.db):
            bookmarks.forget(self.p.db, place)

    async def _from(self, place: str, begin: Document | None) -> None:
        mark = bookmarks.get(self.p.db, place)
        progress = mark.progress if mark.progress and mark.progress["events"] == self.events else None
        known = {"events": self.events}
        async for page in self._pages(begin, progress, self.since, self.p.now):
            ended = page.bookmark is not None and place == self.source.name
            value = {**known, "own": page.bookmark} if ended else None
            store_events(self.p, self.source.name, place, page, known, value)

    async def again(self) -> None:
        """What had time to come late: from where the last such look ended, up to `late` ago."""
        name, until = f"{self.source.name} settled", self.p.now - self.source.late
        mark = bookmarks.get(self.p.db, name)
        if mark.value is None:
            with write(self.p.db):
                bookmarks.move(self.p.db, name, {"until": until}, self.p.now)
            return
        if until - mark.value["until"] < min(self.source.late // 2, BEAT):
            return
        bookmark, since = self.source.read_up_to(mark.value["until"], self.since)
        progress = mark.progress if mark.progress and mark.progress["events"] == self.events else None
        until = progress["until"] if progress else until
        known = {"events": self.events, "until": until}
        async for page in self._pages(bookmark, progress, since, until):
            value = None if page.bookmark is None else {"until": until}
            store_events(self.p, self.source.name, name, page, known, value)

    def _pages(
        self, bookmark: Document | None, progress: Document | None, since: int, until: int
    ) -> AsyncIterator[EngagementPage]:
        return self.source.pages(
            self.p.t,
            bookmark=bookmark,
            progress=progress["own"] if progress else None,
            since=since,
            until=until,
            wanted=Wanted(frozenset(self.events), self.lists),
        )


def store_events(
    p: Pulling, source: str, place: str, page: EngagementPage, known: Document, value: Document | None
) -> None:
    """One page and how far that is, in one transaction; `place` is the bookmark that keeps it."""
    with write(p.db):
        stored = engagement.put(p.db, page.rows, p.now)
        touches = [(r.contact_id, r.at) for r in page.rows if r.contact_id and r.event in TOUCHES]
        decisions.mark_dirty(p.db, handoffs.waiting_for(p.db, touches, UNDER_WAY) if touches else [])
        if page.progress is not None:
            bookmarks.progress(p.db, place, {**known, "own": page.progress})
        if value is not None:
            bookmarks.move(p.db, place, value, p.now)
    if page.bookmark is not None or page.share is not None:
        p.reach(source, 1.0 if page.bookmark is not None else page.share or 0.0)
    p.count(source, len(page.rows), stored)


def events_of(rules: Rules) -> frozenset[str]:
    """The events that the mapping makes signals of, and those that tell whether sales was in touch."""
    kinds = rules.mapping.signals.values()
    made = frozenset(event for kind in kinds for source in kind.sources for event in source.events)
    return made | (TOUCHES if offers(rules.workflow) else frozenset())
