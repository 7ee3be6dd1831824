"""What changed in a window, by the search index (HUBSPOT.md 3.4, 10)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from connector.errors import ServerFault, Unreachable
from connector.hubspot import paths, wire
from connector.hubspot.answers import rows
from connector.hubspot.objects.records import modified_property, record
from connector.hubspot.paging import Cursor
from connector.hubspot.paging import after as next_cursor
from connector.hubspot.transport import Transport
from connector.model import Document

SEARCH_PAGE = 200
CAP = 10_000  # rows that the CRM goes through for one query


@dataclass(frozen=True, slots=True)
class Changed:
    """`stamps`: (id, modified at) as returned, which near now may lie outside the window asked for.

    `total` is the CRM's count of rows from `after_id` on: compare the first request's with the distinct
    ids of the whole walk, and repeat the window on a gap.
    """

    stamps: list[tuple[str, int | None]]
    after_id: str | None  # give it to the next call; None: the window is finished
    total: int


async def changed(t: Transport, object: str, since: int, until: int, after_id: str | None) -> Changed:
    """Up to 200 records modified in [since, until] (ms) whose id follows `after_id`, by id.

    Paged by id and never by offset, so that neither rows which move while we page nor the CRM's cap of
    10,000 matter; ids alone, since a search's body may have 3,000 characters.

    :raises ServerFault: the search does not advance
    """
    filters = _between(object, since, until)
    if after_id is not None:
        filters.append({"propertyName": "hs_object_id", "operator": "GT", "value": after_id})
    body = _body(object, filters)
    found, document = await _search(t, object, body)
    stamps = [(str(row["id"]), record(row).modified_at) for row in found]
    total = total_of(document)
    if not stamps or (next_cursor(document) is None and (len(stamps) < SEARCH_PAGE or total == len(stamps))):
        return Changed(stamps, None, total)
    ids = [id for id, _ in stamps]
    orders = _orders(ids)
    if after_id is not None and not any(order(id) > order(after_id) for order in orders for id in ids):
        raise ServerFault(f"The CRM's search of {object} gives record {after_id} again; stopped there.")
    return Changed(stamps, max(ids, key=orders[0]), total)


async def changed_in_pieces(t: Transport, object: str, since: int, until: int) -> AsyncIterator[Changed]:
    """The same without relying on any order: windows that the CRM's own cursor can walk whole, halved by time
    until they have no more rows than it goes through. Rows may come twice.

    :raises ServerFault: a single moment has more rows than that, and the CRM does not keep their order
    """
    waiting = [(since, until)]
    while waiting:
        low, high = waiting.pop()
        total = await _count(t, object, _between(object, low, high))
        if total <= CAP:
            async for found in _walk(t, object, low, high):
                yield found
        elif low == high:
            raise ServerFault(
                f"The CRM gives {object} out of order, and {total:,} of them were modified in one moment: "
                "they cannot be read without a gap.",
                "Nothing is lost; run the command again later, or read all again: connector backfill.",
            )
        else:
            middle = (low + high) // 2
            waiting += [(middle + 1, high), (low, middle)]


async def _walk(t: Transport, object: str, since: int, until: int) -> AsyncIterator[Changed]:
    """One window by the CRM's own cursor."""
    body = _body(object, _between(object, since, until))
    path, cursor = paths.OBJECT_SEARCH.format(object=object), Cursor(f"{object} search")
    while True:
        at = {} if cursor.at is None else {"after": cursor.at}
        document = await t.call("POST", path, json={**body, **at}, bucket="search", effect="read")
        stamps = [(str(row["id"]), record(row).modified_at) for row in rows(document)]
        yield Changed(stamps, None, total_of(document))
        if cursor.turn(document) is None:
            return


def _between(object: str, since: int, until: int) -> list[Document]:
    edges = {"value": str(max(since, wire.EARLIEST)), "highValue": str(until)}
    return [{"propertyName": modified_property(object), "operator": "BETWEEN", **edges}]


def _body(object: str, filters: list[Document]) -> Document:
    return {
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": [modified_property(object)],
        "limit": SEARCH_PAGE,
    }


def _orders(ids: list[str]) -> list[Callable[[str], Any]]:
    """What the CRM sorts ids as, number or text, as far as a page shows; it may show neither."""
    if not all(id.isdecimal() for id in ids):
        return [str]
    return [order for order in (int, str) if ids == sorted(ids, key=order)] or [int, str]


async def _search(t: Transport, object: str, body: Document) -> tuple[list[Document], Document]:
    """The first page with rows in it: an empty one with a next is followed by the CRM's own cursor."""
    path, cursor = paths.OBJECT_SEARCH.format(object=object), Cursor(f"{object} search")
    while True:
        at = {} if cursor.at is None else {"after": cursor.at}
        document = await t.call("POST", path, json={**body, **at}, bucket="search", effect="read")
        found = rows(document)
        if found or cursor.turn(document) is None:
            return found, document


@dataclass(frozen=True, slots=True)
class Highest:
    """Ids from the highest down, and how many there are in all of those that were asked for."""

    ids: list[str]
    total: int


async def highest(
    t: Transport, object: str, below: str | None = None, *, skip: int = 0, limit: int = 1
) -> Highest:
    """The highest ids that the search index knows, all of them or those below one, some of them left out."""
    under = {"propertyName": "hs_object_id", "operator": "LT", "value": below}
    body: Document = {
        "filterGroups": [] if below is None else [{"filters": [under]}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "DESCENDING"}],
        "properties": ["hs_object_id"],
        "limit": limit,
        **({"after": str(skip)} if skip else {}),
    }
    path = paths.OBJECT_SEARCH.format(object=object)
    document = await t.call("POST", path, json=body, bucket="search", effect="read")
    return Highest([str(row["id"]) for row in rows(document)], total_of(document))


async def count(t: Transport, object: str) -> int:
    """How many records there are, by the search index's reckoning (for progress and estimates)."""
    return await _count(t, object, [])


async def _count(t: Transport, object: str, filters: list[Document]) -> int:
    groups = [{"filters": filters}] if filters else []
    body = {"filterGroups": groups, "limit": 1, "properties": ["hs_object_id"]}
    document = await t.call(
        "POST", paths.OBJECT_SEARCH.format(object=object), json=body, bucket="search", effect="read"
    )
    return total_of(document)


def total_of(document: Document) -> int:
    """How many rows the search has in all: what is missing is told by it alone.

    :raises Unreachable: the answer does not say
    """
    total = document.get("total")
    if not isinstance(total, int):
        raise Unreachable("The CRM's search answered without its total, so its page cannot be trusted.")
    return total
