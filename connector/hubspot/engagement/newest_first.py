"""Feeds that give the newest first and know no time filter: read until what was read before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from connector.hubspot.engagement.source import OVERLAP, EngagementPage, passed
from connector.hubspot.paging import Cursor
from connector.model import Document, Engagement


@dataclass(frozen=True, slots=True)
class FeedPage:
    rows: list[Engagement]
    after: str | None
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Feed:
    """One form's submissions, one list's members. `read` takes a cursor and gives that page; `made`: when the
    form or list was, where it says so: nothing in it is older."""

    key: str
    read: Callable[[str | None], Awaitable[FeedPage]]
    made: int | None = None


async def walk(
    feeds: Sequence[Feed], bookmark: Document | None, since: int, until: int, progress: Document | None
) -> AsyncIterator[EngagementPage]:
    """Every feed back to its own mark.

    Bookmark: feed key -> newest time given. Progress: {done (the same, of feeds finished in this walk),
    feed, after, newest (of the one under way)}.
    """
    at: Document = progress or {"done": {}, "feed": None}
    done: dict[str, int] = dict(at["done"])
    for feed in feeds:
        if feed.key in done:
            continue
        under_way = at if at["feed"] == feed.key else {}
        mark: int = (bookmark or {}).get(feed.key, 0)
        floor = max(since, mark - OVERLAP)
        newest: int = under_way.get("newest", mark)
        cursor = Cursor(feed.key, under_way.get("after"))
        while feed.key not in done:
            page = await feed.read(cursor.at)
            kept = [row for row in page.rows if floor <= row.at <= until]
            newest = max([newest, *(row.at for row in kept)])
            if cursor.go(page.after) is None or any(row.at < floor for row in page.rows):
                done[feed.key] = newest
            here = {"done": dict(done), "feed": feed.key, "after": cursor.at, "newest": newest}
            read = min((row.at for row in page.rows), default=floor)
            part = 0.0 if feed.key in done else 1 - passed(max(floor, feed.made or 0), read, until)
            yield EngagementPage(kept, here, None, page.skipped, (len(done) + part) / len(feeds))
    yield EngagementPage([], None, {**(bookmark or {}), **done})
