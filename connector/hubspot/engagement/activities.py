"""Activities (HUBSPOT.md 5.1): CRM records, linked to contacts by association. What each kind tells is in
`activity_kinds`.

First the list of all, then what the search shows as modified since. A changed activity gives its event
again, same id, new attributes: one event for each contact that it is linked to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from connector.hubspot import objects
from connector.hubspot.engagement.source import OVERLAP, EngagementPage, Wanted, allowed, resuming
from connector.hubspot.transport import Transport
from connector.model import HOUR, Document, Engagement, Link, Record

Told = Callable[[Record], Engagement | None]


def nobodys(_record: Record) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Activities:
    """One kind of activity: `told` makes its event of a record, without the contact; `ours` says which
    records were made here: they are no act of anybody."""

    name: str  # the CRM's object, and the source's name
    events: frozenset[str]
    properties: tuple[str, ...]
    told: Told
    scopes: tuple[str, ...] = ("crm.objects.contacts.read",)
    late: int = HOUR  # the index's disorder
    ours: Callable[[Record], bool] = nobodys

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
        theirs = [record for record in records if not self.ours(record)]
        told = [event for record in theirs if (event := self.told(record)) is not None]
        due = [event for event in told if event.at >= since]
        rows = [one for event in due for one in _of_contacts(event, links.get(event.id, ()))]
        return rows, len(theirs) - len(told)


def _of_contacts(event: Engagement, links: Sequence[Link]) -> list[Engagement]:
    """Of one that is linked to nobody, or to people in the bin alone, no more than that it is there: who
    comes back is linked to it again, and nothing tells."""
    if not links:
        return [replace(event, attrs={}, label="")]
    return [replace(event, contact_id=link.to_id) for link in links]
