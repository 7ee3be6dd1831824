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


async def pull_source(
    p: Pulling, source: Source, lists: Callable[[str], bool], since: int | None, full: bool
) -> None:
    """One source of engagement from its bookmark on; one that the account lacks is noted."""
    events = sorted(source.events & _events(p.rules))
    if not events:
        return
    reading = _Reading(p, source, events, lists, p.now - HISTORY if since is None else since)
    try:
        await reading.on(full)
        if not full and since is None:
            await reading.again()
    except Unavailable as error:
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
        progress = mark.progress if mark.progress and mark.progress["events"] == self.events else None
        known = {"events": self.events}
        begin = None if full else own
        async for page in self._pages(begin, progress, self.since, self.p.now):
            value = None if page.bookmark is None else {**known, "own": page.bookmark}
            self._store(self.source.name, page, known, value)

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
            self._store(name, page, known, None if page.bookmark is None else {"until": until})

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

    def _store(self, name: str, page: EngagementPage, known: Document, value: Document | None) -> None:
        """One page and how far that is, in one transaction."""
        db, now = self.p.db, self.p.now
        with write(db):
            stored = engagement.put(db, page.rows, now)
            touches = [(r.contact_id, r.at) for r in page.rows if r.contact_id and r.event in TOUCHES]
            decisions.mark_dirty(db, handoffs.waiting_for(db, touches, UNDER_WAY) if touches else [])
            if page.progress is not None:
                bookmarks.progress(db, name, {**known, "own": page.progress})
            if value is not None:
                bookmarks.move(db, name, value, now)
        self.p.count(self.source.name, len(page.rows), stored)


def _events(rules: Rules) -> frozenset[str]:
    """The events that the mapping makes signals of, and those that tell whether sales was in touch."""
    kinds = rules.mapping.signals.values()
    made = frozenset(event for kind in kinds for source in kind.sources for event in source.events)
    return made | (TOUCHES if offers(rules.workflow) else frozenset())
