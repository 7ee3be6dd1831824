"""Participation in marketing events (HUBSPOT.md 5.6): who registered, attended, stayed away or cancelled.

There is no filter by time and no promised order, and only the present state of somebody in an event is told:
an event's participations are read whole or not at all. Which ones: those of an event whose row in the list
says something else than when they were read. What is assumed, for the vendor does not say:

- a change of state moves a counter of the row (`registrants`, `attendees`, ...) or its `updatedAt`. What
  moves neither is found by the second look, which reads them all;
- it may be seen in the row a little before the participation itself shows it: after a change they are read
  again until OVERLAP has passed;
- a participation keeps its id when its state changes: the new state then takes the old one's place, so that a
  cache that is made anew says the same;
- `occurredAt` is when the present state came about.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial

from connector.errors import Refused
from connector.hubspot import paths, wire
from connector.hubspot.answers import rows
from connector.hubspot.engagement.source import OVERLAP, EngagementPage, Wanted, allowed, resuming
from connector.hubspot.objects.records import chunks
from connector.hubspot.paging import Cursor
from connector.hubspot.transport import Params, Transport, together
from connector.model import DAY, Document, Engagement

_PAGE = 100  # the endpoints' maximum
_AT_ONCE = 8  # events: a second look at a thousand of them takes half a minute, not four
_BEGIN: Document = {"after": None, "seen": 0}
_COUNTERS = ("registrants", "attendees", "cancellations", "noShows")
_NO_STATE = "EMPTY"


@dataclass(frozen=True, slots=True)
class MarketingEvents:
    name: str = "marketing_events"
    events: frozenset[str] = frozenset({"marketing_event"})
    late: int = DAY

    def read_up_to(self, moment: int, since: int) -> tuple[Document, int]:  # noqa: ARG002 (no time bounds it)
        return {}, since

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
        """See Source.pages. attrs: name (the event's), state (REGISTERED, ATTENDED, NO_SHOW, CANCELLED).

        Whatever state is told comes, also one dated after `until`: it may not be told a second time.
        """
        once = partial(_walk, t, bookmark, since, until)
        with allowed("Participation in marketing events", ["crm.objects.marketing_events.read"]):
            async for page in resuming(once, bookmark=bookmark, progress=progress, since=since):
                yield page


async def _walk(
    t: Transport, bookmark: Document | None, since: int, until: int, progress: Document | None
) -> AsyncIterator[EngagementPage]:
    """Event by event, the one that begins last first.

    Bookmark: event id -> {row (what the list said of it), since (when that was new), read}, of those that
    are listed. Progress: {done (the same, of what this walk has read), event, mark (its own), after, seen}.
    """
    at: Document = progress or {"done": {}, "event": None}
    done: dict[str, Document] = dict(at["done"])
    before: Document = bookmark or {}
    listed = {str(event["objectId"]): event for event in await _events(t)}
    due = [
        (event, at if at["event"] == id else {"mark": _mark(before.get(id), event, until), **_BEGIN})
        for id, event in listed.items()
        if id not in done and (at["event"] == id or id not in before or _due(before[id], event))
    ]
    unread = len(due)
    async for event, place, first in _begun(t, due):
        async for found, skipped, here in _participations(t, event, place, first):
            id = str(event["objectId"])
            if here["after"] is None:
                done[id] = here["mark"]
                unread -= 1
            kept = [row for row in found if row.at >= since]
            share = 1 - unread / len(listed)
            yield EngagementPage(kept, {"done": dict(done), "event": id, **here}, None, skipped, share)
    marks = {**before, **done}
    yield EngagementPage([], None, {id: marks[id] for id in listed})


async def _begun(
    t: Transport, due: list[tuple[Document, Document]]
) -> AsyncIterator[tuple[Document, Document, Document]]:
    """Each event and its place with the page there, in order; some are asked for at once: most events have no
    second one."""
    for some in chunks(due, _AT_ONCE):
        pages = await together(_page(t, event, place["after"]) for event, place in some)
        for (event, place), page in zip(some, pages, strict=True):
            yield event, place, page


async def _events(t: Transport) -> list[Document]:
    """All of them: the list knows no filter."""
    found: list[Document] = []
    cursor = Cursor("marketing events")
    while True:
        at: Params = {} if cursor.at is None else {"after": cursor.at}
        document = await t.call("GET", paths.MARKETING_EVENTS, params={"limit": _PAGE, **at})
        found += (row for row in rows(document) if row.get("objectId") is not None)
        if cursor.turn(document) is None:
            break
    return sorted(found, key=lambda row: (_begins(row), str(row["objectId"])), reverse=True)


def _begins(event: Document) -> int:
    return wire.moment(event.get("startDateTime")) or wire.moment(event.get("createdAt")) or 0


def _said(event: Document) -> str | None:
    """What the list says of it that may change with a participation; None if it counts nobody."""
    counted = [event.get(name) for name in _COUNTERS]
    if all(number is None for number in counted):
        return None
    return "|".join(str(value) for value in (event.get("updatedAt"), event.get("eventName"), *counted))


def _due(known: Document, event: Document) -> bool:
    """Whether its participations are to be read (again)."""
    fresh = known["read"] < known["since"] + OVERLAP
    return fresh or known["row"] is None or known["row"] != _said(event)


def _mark(known: Document | None, event: Document, until: int) -> Document:
    """What is kept of an event that is read now."""
    row, since = _said(event), until
    if known is None:
        since = wire.moment(event.get("updatedAt")) or until
    elif known["row"] in (row, None):
        since = known["since"]
    return {"row": row, "since": since, "read": until}


async def _participations(
    t: Transport, event: Document, place: Document, page: Document
) -> AsyncIterator[tuple[list[Engagement], int, Document]]:
    """(events, rows that cannot be one, {mark, after, seen}) of each page, from the one at `place` on. Where
    fewer came than the CRM counts (pages shift while people come and go), the mark forgets the list's words:
    read again next time."""
    cursor = Cursor(f"participations in {event['objectId']}", place["after"])
    mark, seen = place["mark"], int(place["seen"])
    while True:
        told = rows(page) if page else []
        kept = [row for row in (_participation(event, one) for one in told) if row is not None]
        seen += len(told)
        if cursor.turn(page) is None and seen < int(page.get("total") or 0):
            mark = {**mark, "row": None}
        yield kept, len(told) - len(kept), {"mark": mark, "after": cursor.at, "seen": seen}
        if cursor.at is None:
            return
        page = await _page(t, event, cursor.at)


async def _page(t: Transport, event: Document, after: str | None) -> Document:
    """{}: the event was deleted since it was listed."""
    path = paths.PARTICIPATIONS.format(event=event["objectId"])
    at: Params = {} if after is None else {"after": after}
    try:
        return await t.call("GET", path, params={"limit": _PAGE, **at})
    except Refused as no:
        if no.status != 404 or after is not None:
            raise
        return {}


def _participation(event: Document, row: Document) -> Engagement | None:
    said = _part(row, "properties")
    contact = _part(_part(row, "associations"), "contact")
    at = wire.moment(said.get("occurredAt")) or wire.moment(row.get("createdAt"))
    if at is None or row.get("id") is None:
        return None
    who = wire.text(contact.get("contactId"))
    name = wire.text(event.get("eventName")) or ""
    state = wire.text(said.get("attendanceState"))
    return Engagement(
        source="marketing_events",
        id=str(row["id"]),
        event="marketing_event",
        at=at,
        contact_id=who,
        address=None if who else wire.address(contact.get("email")),
        attrs={"name": name, "state": None if state == _NO_STATE else state},
        label=name,
    )


def _part(of: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}
