"""Feeds that give the newest first and know no time filter: read until what was read before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from connector.hubspot.engagement.source import OVERLAP, EngagementPage
from connector.hubspot.paging import Cursor
from connector.model import Document, Engagement


@dataclass(frozen=True, slots=True)
class FeedPage:
    rows: list[Engagement]
    after: str | None
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Feed:
    """One form's submissions, one list's members. `read` takes a cursor and gives that page."""

    key: str
    read: Callable[[str | None], Awaitable[FeedPage]]


async def walk(
    feeds: Sequence[Feed], *, bookmark: Document | None, progress: Document | None, since: int, until: int
) -> AsyncIterator[EngagementPage]:
    """Every feed back to its own bookmark, which moves when that feed is finished.

    Bookmark: feed key -> newest time given. Progress: {feed, after, newest}.
    """
    marks: Document = dict(bookmark or {})
    for feed in feeds:
        at: Document = progress if progress and progress["feed"] == feed.key else {}
        newest: int = at.get("newest") or marks.get(feed.key, 0)
        floor = max(since, marks.get(feed.key, 0) - OVERLAP)
        cursor: Cursor | None = Cursor(feed.key, at.get("after"))
        while cursor is not None:
            page = await feed.read(cursor.at)
            kept = [row for row in page.rows if floor <= row.at <= until]
            newest = max([newest, *(row.at for row in kept)])
            if cursor.go(page.after) is None or any(row.at < floor for row in page.rows):
                marks[feed.key] = newest
                yield EngagementPage(kept, None, dict(marks), page.skipped)
                cursor = None
            else:
                here = {"feed": feed.key, "after": cursor.at, "newest": newest}
                yield EngagementPage(kept, here, None, page.skipped)
    yield EngagementPage([], None, marks)
