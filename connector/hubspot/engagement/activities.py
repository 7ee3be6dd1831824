"""Meetings, calls and e-mails of sales (HUBSPOT.md 5.1): CRM records, linked to contacts by association.

First the list of all, then what the search shows as modified since. A changed activity gives its event
again, same id, new attributes: one event for each contact that it is linked to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from connector.hubspot import objects, wire
from connector.hubspot.engagement.source import OVERLAP, EngagementPage, Wanted, allowed, resuming
from connector.hubspot.transport import Transport
from connector.model import HOUR, Document, Engagement, Link, Record

_DISPOSITIONS = {  # the CRM's own call outcomes; an account may add others
    "f240bbac-87c9-4f6e-bf70-924b57d47db7": "connected",
    "9d9162e7-6cf3-4944-bf63-4dff82258764": "busy",
    "73a0d17f-1163-4015-bdd5-ec830791da20": "no_answer",
    "b2cf5968-551e-4856-9783-52b3da59a7d0": "voicemail",
    "a4c4c377-d246-4b32-a13b-75a56a4cd0ff": "live_message",
    "17b47fee-58de-441e-a44c-c6300d46f273": "wrong_number",
}
Told = Callable[[Record], Engagement | None]


@dataclass(frozen=True, slots=True)
class Activities:
    """One kind of activity: `told` makes its event of a record, without the contact."""

    name: str  # the CRM's object, and the source's name
    events: frozenset[str]
    properties: tuple[str, ...]
    told: Told
    scopes: tuple[str, ...] = ("crm.objects.contacts.read",)
    late: int = HOUR  # the index's disorder

    def read_up_to(self, moment: int, since: int) -> tuple[Document, int]:
        return {"until": moment}, since

    @property
    def title(self) -> str:
        return {"emails": "E-mails of sales"}.get(self.name, self.name.capitalize())

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
        """See Source.pages. Bookmark: {until}."""
        once = (
            partial(self._load, t, since, until)
            if bookmark is None
            else partial(self._increment, t, since, {"since": bookmark["until"] - OVERLAP, "until": until})
        )
        with allowed(self.title, self.scopes):
            async for page in resuming(once, bookmark=bookmark, progress=progress, since=since):
                yield page

    async def _load(
        self, t: Transport, since: int, until: int, progress: Document | None
    ) -> AsyncIterator[EngagementPage]:
        """All of them, page by page. Progress: {after, until (of the run that began), read, total}."""
        at: Document = {"read": 0, **(progress or {"after": None, "until": until})}
        after = at["after"]
        while True:
            page = await objects.list_page(t, self.name, self.properties, after, joined="contacts")
            after = page.after
            rows, skipped = self._events(page.records, page.links, since)
            if after is None:
                yield EngagementPage(rows, None, {"until": at["until"]}, skipped)
                return
            at = {**at, "after": after, "read": at["read"] + len(page.records)}
            if "total" not in at:
                at["total"] = await objects.count(t, self.name)
            share = min(1.0, at["read"] / (at["total"] or at["read"] or 1))
            yield EngagementPage(rows, at, None, skipped, share)

    async def _increment(
        self, t: Transport, since: int, window: Document, progress: Document | None
    ) -> AsyncIterator[EngagementPage]:
        """Those modified in the window. Progress: {since, until, after_id, seen, total}."""
        async for found, at in objects.window(t, self.name, progress or window):
            ids = [id for id, _ in found.stamps]
            read = await objects.read(t, self.name, ids, self.properties) if ids else None
            records = list(read.records.values()) if read else []
            links = await objects.links(t, self.name, "contacts", [record.id for record in records])
            rows, skipped = self._events(records, links, since)
            yield EngagementPage(rows, at, None, skipped)
        yield EngagementPage([], None, {"until": (progress or window)["until"]})

    async def again(self, t: Transport, ids: Sequence[str]) -> tuple[list[Engagement], frozenset[str]]:
        """These anew, with the contacts that they are linked to by now; and those that are gone."""
        read = await objects.read(t, self.name, ids, self.properties)
        records = list(read.records.values())
        links = await objects.links(
            t, self.name, "contacts", [record.id for record in records], all_named=True
        )
        return self._events(records, links, 0)[0], read.missing

    def _events(
        self, records: Sequence[Record], links: Mapping[str, Sequence[Link]], since: int
    ) -> tuple[list[Engagement], int]:
        """An event for each contact of each record, from `since` on; how many records tell no time."""
        told = [event for record in records if (event := self.told(record)) is not None]
        due = [event for event in told if event.at >= since]
        rows = [one for event in due for one in _of_contacts(event, links.get(event.id, ()))]
        return rows, len(records) - len(told)


def _of_contacts(event: Engagement, links: Sequence[Link]) -> list[Engagement]:
    """Of one that is linked to nobody, or to people in the bin alone, no more than that it is there: who
    comes back is linked to it again, and nothing tells."""
    if not links:
        return [replace(event, attrs={}, label="")]
    return [replace(event, contact_id=link.to_id) for link in links]


_BOOKED = frozenset({"SCHEDULED", "RESCHEDULED"})


def _meeting(record: Record) -> Engagement | None:
    """attrs: outcome (SCHEDULED, COMPLETED, RESCHEDULED, NO_SHOW, CANCELED), type.

    `at`: when it was booked while it is to come, its start once it was held: a booking is an act of the day
    on which it is made, and an event of the future would count for nothing yet.
    """
    said = record.properties
    start = wire.moment(said.get("hs_meeting_start_time")) or wire.moment(said.get("hs_timestamp"))
    outcome, kind = said.get("hs_meeting_outcome"), said.get("hs_activity_type")
    at = min(start, record.created_at or start) if start and outcome in _BOOKED else start
    return _event(record, "meetings", "meeting", at, {"outcome": outcome, "type": kind}, "hs_meeting_title")


def _call(record: Record) -> Engagement | None:
    """attrs: direction (inbound, outbound), outcome (the CRM's id for an account's own), seconds."""
    said = record.properties
    disposition = said.get("hs_call_disposition")
    duration = wire.number(said.get("hs_call_duration"))  # ms
    attrs = {
        "direction": (said.get("hs_call_direction") or "").lower() or None,
        "outcome": _DISPOSITIONS.get(disposition, disposition) if disposition else None,
        "seconds": None if duration is None else duration / 1000,
    }
    return _event(record, "calls", "call", wire.moment(said.get("hs_timestamp")), attrs, "hs_call_title")


_DIRECTIONS = {"EMAIL": "outbound", "INCOMING_EMAIL": "inbound"}


def _email(record: Record) -> Engagement | None:
    """attrs: direction (outbound, inbound; none for one that was forwarded to the CRM), status (SENT,
    BOUNCED, FAILED, SCHEDULED...), sequence: whether it was a step of a sequence, which sends by itself."""
    said = record.properties
    attrs: dict[str, str | float | bool | None] = {
        "direction": _DIRECTIONS.get(said.get("hs_email_direction") or ""),
        "status": said.get("hs_email_status"),
        "sequence": bool(said.get("hs_sequence_id")),
    }
    return _event(
        record, "emails", "sales_email", wire.moment(said.get("hs_timestamp")), attrs, "hs_email_subject"
    )


def _event(
    record: Record,
    source: str,
    event: str,
    at: int | None,
    attrs: dict[str, str | float | bool | None],
    title: str,
) -> Engagement | None:
    if at is None:
        return None
    return Engagement(source, record.id, event, at, None, None, attrs, record.properties.get(title) or "")


MEETINGS = Activities(
    "meetings",
    frozenset({"meeting"}),
    (
        "hs_timestamp",
        "hs_meeting_start_time",
        "hs_meeting_outcome",
        "hs_activity_type",
        "hs_meeting_title",
    ),
    _meeting,
)
CALLS = Activities(
    "calls",
    frozenset({"call"}),
    ("hs_timestamp", "hs_call_direction", "hs_call_disposition", "hs_call_duration", "hs_call_title"),
    _call,
)
EMAILS = Activities(
    "emails",
    frozenset({"sales_email"}),
    ("hs_timestamp", "hs_email_direction", "hs_email_status", "hs_email_subject", "hs_sequence_id"),
    _email,
    ("crm.objects.contacts.read", "sales-email-read"),
)
