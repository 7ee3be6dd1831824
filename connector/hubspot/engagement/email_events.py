"""Marketing e-mail events (HUBSPOT.md 5.3): legacy v1, the only source of them, joined by recipient."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial

from connector.hubspot import paths, wire
from connector.hubspot.answers import rows
from connector.hubspot.engagement.source import OVERLAP, EngagementPage, Wanted, allowed, passed, resuming
from connector.hubspot.paging import Cursor
from connector.hubspot.transport import Params, Transport
from connector.model import DAY, Document, Engagement

_EVENTS = {  # the CRM's type -> ours
    "BOUNCE": "email_bounce",
    "CLICK": "email_click",
    "OPEN": "email_open",
    "SPAMREPORT": "email_spam_report",
    "STATUSCHANGE": "email_unsubscribe",  # those that end a subscription
}
_WINDOW = 30 * DAY
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class EmailEvents:
    name: str = "email_events"
    events: frozenset[str] = frozenset(_EVENTS.values())
    late: int = DAY

    def read_up_to(self, moment: int, since: int) -> tuple[Document, int]:
        return dict.fromkeys(_EVENTS, moment), since

    async def pages(
        self,
        t: Transport,
        *,
        bookmark: Document | None,
        progress: Document | None,
        since: int,
        until: int,
        wanted: Wanted,
    ) -> AsyncIterator[EngagementPage]:
        """See Source.pages. attrs: email (campaign id), subject, url, crm_filtered (the CRM's own bot flag);
        agent (what opened or clicked says that it is) where it is told.

        The types that the mapping wants alone: the others (sent, delivered) are most of the feed.
        """
        types = [kind for kind, event in _EVENTS.items() if event in wanted.events]
        with allowed("Marketing e-mail events", ["content"], "Marketing Hub"):
            once = partial(_walk, t, types, bookmark, since, until)
            async for page in resuming(once, bookmark=bookmark, progress=progress, since=since):
                yield page


async def _walk(
    t: Transport,
    types: list[str],
    bookmark: Document | None,
    since: int,
    until: int,
    progress: Document | None,
) -> AsyncIterator[EngagementPage]:
    """Type by type, each in windows of 30 days, oldest first, up to the `until` of the run that began.

    Bookmark: type -> end of its last window. Progress: {until, done (the same, in this walk), window
    ({type, start, end, offset}, the one under way)}.
    """
    at: Document = progress or {"until": until, "done": {}, "window": None}
    end: int = at["until"]
    done: dict[str, int] = dict(at["done"])
    for kind in types:
        mark = (bookmark or {}).get(kind)
        start = since if mark is None else max(since, mark - OVERLAP)
        under_way = at["window"] if at["window"] and at["window"]["type"] == kind else None
        if under_way or kind in done:
            start = under_way["start"] if under_way else done[kind] + 1
        for window in _windows(kind, start, end):
            async for found, skipped, offset in _pages(t, under_way or window):
                done |= {kind: window["end"]} if offset is None else {}
                under_way = None if offset is None else {**window, "offset": offset}
                here = {"until": end, "done": dict(done), "window": under_way}
                share = (types.index(kind) + passed(since, window["end"], end)) / len(types)
                yield EngagementPage(found, here, None, skipped, share)
    yield EngagementPage([], None, {**(bookmark or {}), **done})


def _windows(kind: str, start: int, until: int) -> Iterator[Document]:
    """Both ends of a window belong to it."""
    for begin in range(start, until + 1, _WINDOW):
        yield {"type": kind, "start": begin, "end": min(begin + _WINDOW - 1, until)}


async def _pages(t: Transport, window: Document) -> AsyncIterator[tuple[list[Engagement], int, str | None]]:
    """(events, rows that cannot be one, offset of the next page) of each page of a window."""
    cursor = Cursor(f"e-mail events {window['type']}", window.get("offset"))
    while True:
        at: Params = {} if cursor.at is None else {"offset": cursor.at}
        params: Params = {
            "eventType": window["type"],
            "startTimestamp": max(window["start"], wire.EARLIEST),
            "endTimestamp": window["end"],
            "limit": _PAGE,
            **at,
        }
        document = await t.call("GET", paths.EMAIL_EVENTS, params=params)
        given = [_event(row) for row in rows(document, "events") if _counts(row, window["type"])]
        kept = [row for row in given if row is not None]
        following = document.get("offset") if document.get("hasMore") else None
        cursor.go(None if following is None else str(following))
        yield kept, len(given) - len(kept), cursor.at
        if cursor.at is None:
            return


def _counts(row: Document, kind: str) -> bool:
    """Some events of the feed have no type; a change of status may also be a subscription."""
    ends = kind != "STATUSCHANGE" or row.get("portalSubscriptionStatus") == "UNSUBSCRIBED"
    return row.get("type") == kind and ends


def _event(row: Document) -> Engagement | None:
    at = wire.moment(row.get("created"))
    if at is None:
        return None
    subject, agent = wire.text(row.get("subject")), wire.text(row.get("userAgent"))
    return Engagement(
        source="email_events",
        id=f"{row.get('id')}:{row.get('created')}",
        event=_EVENTS[str(row["type"])],
        at=at,
        contact_id=None,
        address=wire.address(row.get("recipient")),
        attrs={
            "email": wire.text(row.get("emailCampaignId")),
            "subject": subject,
            "url": wire.text(row.get("url")),
            "crm_filtered": bool(row.get("filteredEvent")),
            **({"agent": agent} if agent else {}),
        },
        label=subject or "",
    )
