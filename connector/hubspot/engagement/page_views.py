"""Page views (HUBSPOT.md 5.5): the events API by event type and time window, on Enterprise accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

from connector.hubspot import paths, wire
from connector.hubspot.answers import rows
from connector.hubspot.engagement.source import OVERLAP, EngagementPage, Wanted, allowed, passed, resuming
from connector.hubspot.paging import Cursor
from connector.hubspot.transport import Params, Transport
from connector.model import HOUR, Document, Engagement

_TYPE = "e_visited_page"
_PAGE = 100
_CONTACT = frozenset({"CONTACT", "0-1"})


@dataclass(frozen=True, slots=True)
class PageViews:
    name: str = "page_views"
    events: frozenset[str] = frozenset({"page_view"})
    late: int = HOUR

    def read_up_to(self, moment: int, since: int) -> tuple[Document, int]:
        return {"until": moment}, since

    async def pages(
        self,
        t: Transport,
        *,
        bookmark: Document | None,
        progress: Document | None,
        since: int,
        until: int,
        wanted: Wanted,  # noqa: ARG002 (one event: who asks wants it)
    ) -> AsyncIterator[EngagementPage]:
        """See Source.pages. attrs: path (without query), domain, url."""
        start = max(since, bookmark["until"] - OVERLAP) if bookmark else since
        once = partial(_walk, t, {"start": start, "end": until})
        with allowed("Page views", ["oauth"], "an Enterprise account"):
            async for page in resuming(once, bookmark=bookmark, progress=progress, since=since):
                yield page


async def _walk(t: Transport, window: Document, progress: Document | None) -> AsyncIterator[EngagementPage]:
    """One window, oldest first. Bookmark: {until}. Progress: {start, end, after}."""
    at = progress or window
    cursor = Cursor("page views", at.get("after"))
    while True:
        following: Params = {} if cursor.at is None else {"after": cursor.at}
        params: Params = {
            "eventType": _TYPE,
            "occurredAfter": wire.iso(max(at["start"], wire.EARLIEST)),
            "occurredBefore": wire.iso(at["end"]),
            "sort": "occurredAt",
            "limit": _PAGE,
            **following,
        }
        document = await t.call("GET", paths.EVENTS, params=params)
        found = [row for row in rows(document) if str(row.get("objectType")).upper() in _CONTACT]
        kept = [row for row in map(_view, found) if row is not None]
        if cursor.turn(document) is None:
            yield EngagementPage(kept, None, {"until": at["end"]}, len(found) - len(kept))
            return
        share = passed(at["start"], kept[-1].at, at["end"]) if kept else None
        yield EngagementPage(kept, {**at, "after": cursor.at}, None, len(found) - len(kept), share)


def _view(row: Document) -> Engagement | None:
    at = wire.moment(row.get("occurredAt"))
    if at is None or row.get("objectId") is None:
        return None
    properties = row.get("properties") or {}
    url = wire.text(properties.get("hs_url"))
    path, domain = wire.page(url)
    return Engagement(
        source="page_views",
        id=str(row["id"]),
        event="page_view",
        at=at,
        contact_id=str(row["objectId"]),
        address=None,
        attrs={"path": path, "domain": domain, "url": url},
        label=path or "",
    )
