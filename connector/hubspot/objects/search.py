"""What changed in a window, by the search index (HUBSPOT.md 3.4, 10)."""

from __future__ import annotations

from dataclasses import dataclass

from connector.errors import ServerFault
from connector.hubspot import paths, wire
from connector.hubspot.answers import rows
from connector.hubspot.objects.records import modified_property, record
from connector.hubspot.paging import Cursor
from connector.hubspot.paging import after as next_cursor
from connector.hubspot.transport import Transport
from connector.model import Document

SEARCH_PAGE = 200


@dataclass(frozen=True, slots=True)
class Changed:
    """`stamps`: (id, modified at) as returned, which near now may lie outside the window asked for.

    `total` is the CRM's count of rows from `after_id` on: compare the first request's with the distinct
    ids of the whole walk, and repeat the window on a gap.
    """

    stamps: list[tuple[str, int | None]]
    after_id: str | None  # give it to the next call; None: the window is finished
    total: int | None = None


async def changed(t: Transport, object: str, since: int, until: int, after_id: str | None) -> Changed:
    """Up to 200 records modified in [since, until] (ms) whose id follows `after_id`, by id.

    Paged by id and never by offset, so that neither rows which move while we page nor the CRM's cap of
    10,000 matter; ids alone, since a search's body may have 3,000 characters.

    :raises ServerFault: the search does not advance
    """
    stamp = modified_property(object)
    filters = [
        {
            "propertyName": stamp,
            "operator": "BETWEEN",
            "value": str(max(since, wire.EARLIEST)),
            "highValue": str(until),
        }
    ]
    if after_id is not None:
        filters.append({"propertyName": "hs_object_id", "operator": "GT", "value": after_id})
    body: Document = {
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": [stamp],
        "limit": SEARCH_PAGE,
    }
    found, document = await _search(t, object, body)
    stamps = [(str(row["id"]), record(row).modified_at) for row in found]
    total = _total(document)
    if not stamps or (next_cursor(document) is None and (len(stamps) < SEARCH_PAGE or total == len(stamps))):
        return Changed(stamps, None, total)
    if after_id in {id for id, _ in stamps}:
        raise ServerFault(f"The CRM's search of {object} gives record {after_id} again; stopped there.")
    return Changed(stamps, _last([id for id, _ in stamps]), total)


async def _search(t: Transport, object: str, body: Document) -> tuple[list[Document], Document]:
    """The first page with rows in it: an empty one with a next is followed by the CRM's own cursor."""
    path, cursor = paths.OBJECT_SEARCH.format(object=object), Cursor(f"{object} search")
    while True:
        at = {} if cursor.at is None else {"after": cursor.at}
        document = await t.call("POST", path, json={**body, **at}, bucket="search", effect="read")
        found = rows(document)
        if found or cursor.turn(document) is None:
            return found, document


def _last(ids: list[str]) -> str:
    """The id to go on from: of the numeric order, or of the text order where the CRM sorts ids as text."""
    if ids == sorted(ids) or not all(id.isdecimal() for id in ids):
        return ids[-1]
    return max(ids, key=int)


async def count(t: Transport, object: str) -> int | None:
    """How many records there are, by the search index's reckoning (for progress and estimates)."""
    body = {"filterGroups": [], "limit": 1, "properties": ["hs_object_id"]}
    document = await t.call(
        "POST", paths.OBJECT_SEARCH.format(object=object), json=body, bucket="search", effect="read"
    )
    return _total(document)


def _total(document: Document) -> int | None:
    total = document.get("total")
    return total if isinstance(total, int) else None
