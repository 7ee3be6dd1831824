"""A reader of one engagement source, as pull is one."""

from __future__ import annotations

from collections import Counter
from typing import Any

from manual_clock import NOW

from connector.hubspot.engagement import SOURCES, EngagementPage, Source, Wanted
from connector.hubspot.transport import Transport
from connector.model import DAY, Document, Engagement

BY_NAME = {source.name: source for source in SOURCES}
ALL = Wanted(frozenset(event for source in SOURCES for event in source.events), lambda _: True)
YEAR = NOW - 400 * DAY


class Reader:
    """What pull does with a source: rows upserted, progress and bookmark kept."""

    def __init__(self, source: Source, t: Transport) -> None:
        self.source = source
        self.t = t
        self.rows: dict[tuple[str, str | None], Engagement] = {}
        self.given = 0
        self.skipped = 0
        self.progress: Document | None = None
        self.bookmark: Document | None = None

    async def run(
        self, *, since: int = YEAR, until: int = NOW, stop_after: int = 10**9, wanted: Wanted = ALL
    ) -> int:
        """The number of pages, up to a kill after `stop_after` of them."""
        pages = self.source.pages(
            self.t,
            bookmark=self.bookmark,
            progress=self.progress,
            since=since,
            until=until,
            wanted=wanted,
        )
        count = 0
        async for page in pages:
            self._keep(page)
            count += 1
            if count == stop_after:
                break
        return count

    def _keep(self, page: EngagementPage) -> None:
        self.given += len(page.rows)
        self.skipped += page.skipped
        for row in page.rows:
            assert row.source == self.source.name
            assert row.event in self.source.events
            self.rows[row.id, row.contact_id or row.address] = row
        if page.progress is not None:
            self.progress = page.progress
        if page.bookmark is not None:
            self.bookmark, self.progress = page.bookmark, None

    @property
    def events(self) -> Counter[str]:
        return Counter(row.event for row in self.rows.values())


async def whole(name: str, t: Transport, **how: Any) -> Reader:
    reader = Reader(BY_NAME[name], t)
    await reader.run(**how)
    assert reader.bookmark is not None
    assert reader.progress is None
    return reader
