"""Marketing e-mail events (HUBSPOT.md 5.3): legacy v1, the only source of them, joined by recipient."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

from connector.hubspot import paths, wire
from connector.hubspot.answers import rows
from connector.hubspot.engagement.source import OVERLAP, EngagementPage, Wanted, allowed, resuming
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
        """See Source.pages. attrs: email (campaign id), subject, url, crm_filtered (the CRM's own bot flag).

        The types that the mapping wants alone: the others (sent, delivered) are most of the feed.
        """
        types = [kind for kind, event in _EVENTS.items() if event in wanted.events]
        with allowed("Marketing e-mail events", ["content"], "Marketing Hub"):
            async for page in resuming(partial(_walk, t, types, bookmark, since, until), progress):
                yield page


async def _walk(
    t: Transport,
    types: list[str],
    bookmark: Document | None,
    since: int,
    until: int,
    progress: Document | None,
) -> AsyncIterator[EngagementPage]:
    """Type by type, each in windows of 30 days, oldest first.

    Bookmark: type -> end of its last finished window. Progress: {type, start, end, offset}.
    """
    marks: Document = dict(bookmark or {})
    for kind in types:
        start = max(since, marks[kind] - OVERLAP) if kind in marks else since
        at = progress if progress and progress["type"] == kind else None
        if at and at["start"] > marks.get(kind, since - 1) + 1:
            at = None  # of a walk that began later: it left out what this one asks for
        while at or start <= until:
            window = at or {"type": kind, "start": start, "end": min(start + _WINDOW - 1, until)}
            async for page in _window(t, window):
                yield page
            marks[kind] = window["end"]
            yield EngagementPage([], None, dict(marks))
            at, start = None, window["end"] + 1
    yield EngagementPage([], None, marks)


async def _window(t: Transport, window: Document) -> AsyncIterator[EngagementPage]:
    """The pages of one window; both of its ends are inclusive."""
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
        yield EngagementPage(kept, {**window, "offset": cursor.at}, None, len(given) - len(kept))
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
    subject = wire.text(row.get("subject"))
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
        },
        label=subject or "",
    )
