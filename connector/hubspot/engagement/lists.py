"""List memberships (HUBSPOT.md 5.7): who joined the lists that the mapping speaks of, and when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

from connector.errors import Refused
from connector.hubspot import paths, wire
from connector.hubspot.answers import rows
from connector.hubspot.engagement.newest_first import Feed, FeedPage, walk
from connector.hubspot.engagement.source import EngagementPage, Wanted, allowed, resuming
from connector.hubspot.paging import Cursor, after
from connector.hubspot.transport import Params, Transport
from connector.model import HOUR, Document, Engagement

_LISTS_PAGE = 500
_MEMBERS_PAGE = 250
_CONTACTS = "0-1"


@dataclass(frozen=True, slots=True)
class Lists:
    name: str = "lists"
    events: frozenset[str] = frozenset({"list_membership"})
    late: int = HOUR

    def read_up_to(self, moment: int, since: int) -> tuple[Document, int]:
        return {}, max(moment, since)

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
        """See Source.pages. attrs: list (its name), list_id."""
        with allowed("List memberships", ["crm.lists.read"]):
            feeds = [
                Feed(str(one["listId"]), partial(_joins, t, one), wire.moment(one.get("createdAt")))
                for one in await _lists(t, wanted)
            ]
            once = partial(walk, feeds, bookmark, since, until)
            async for page in resuming(once, bookmark=bookmark, progress=progress, since=since):
                yield page


async def _lists(t: Transport, wanted: Wanted) -> list[Document]:
    """The contact lists whose name the mapping cares for, by id."""
    found: list[Document] = []
    cursor = Cursor("lists")
    while True:
        body = {"count": _LISTS_PAGE, "offset": int(cursor.at or 0)}
        document = await t.call("POST", paths.LISTS_SEARCH, json=body, effect="read")
        found += rows(document, "lists")
        more = document.get("hasMore") and document.get("offset") is not None
        if cursor.go(str(document["offset"]) if more else None) is None:
            break
    ours = [row for row in found if str(row.get("objectTypeId") or _CONTACTS) == _CONTACTS]
    cared_for = [row for row in ours if wanted.lists(str(row.get("name")))]
    return sorted(cared_for, key=lambda row: str(row["listId"]))


async def _joins(t: Transport, one: Document, cursor: str | None) -> FeedPage:
    """One page of members, who joined last first."""
    at: Params = {} if cursor is None else {"after": cursor}
    path = paths.LIST_JOINS.format(list_id=one["listId"])
    try:
        document = await t.call("GET", path, params={"limit": _MEMBERS_PAGE, **at})
    except Refused as no:
        if no.status != 404 or cursor is not None:
            raise
        return FeedPage([], None)  # deleted since it was listed
    found = rows(document)
    given = [row for row in (_join(one, row) for row in found) if row is not None]
    return FeedPage(given, after(document), len(found) - len(given))


def _join(one: Document, row: Document) -> Engagement | None:
    at = wire.moment(row.get("membershipTimestamp"))
    if at is None:
        return None
    list_id, record_id, name = str(one["listId"]), str(row["recordId"]), str(one.get("name") or "")
    return Engagement(
        source="lists",
        id=f"{list_id}:{at}",
        event="list_membership",
        at=at,
        contact_id=record_id,
        address=None,
        attrs={"list": name, "list_id": list_id},
        label=name,
    )
