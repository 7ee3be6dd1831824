"""Who is there, by the search index's count, and who is in the bin (HUBSPOT.md 3.3, 3.4, 3.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.errors import Refused
from connector.hubspot import paths, wire
from connector.hubspot.answers import category, rows, words
from connector.hubspot.objects.records import NOT_FOUND, PAGE, PROPERTY_MERGED_IDS, chunks, record
from connector.hubspot.objects.search import total_of
from connector.hubspot.transport import Transport, together
from connector.model import Document, Record

MOST = 200  # rows of a search


@dataclass(frozen=True, slots=True)
class Binned:
    """What the bin says of ids: the record, by the id asked for, or that it has none."""

    records: dict[str, Record]
    missing: frozenset[str]


async def binned(t: Transport, object: str, ids: Sequence[str]) -> Binned:
    """Which of these records are archived. Of an id in neither nothing is known."""
    parts = await together(_binned(t, object, some) for some in chunks(dict.fromkeys(ids), PAGE))
    found = {id: one for part in parts for id, one in part.records.items()}
    return Binned(found, frozenset(id for part in parts for id in part.missing))


async def _binned(t: Transport, object: str, ids: list[str]) -> Binned:
    body: Document = {
        "inputs": [{"id": id} for id in ids],
        "properties": [PROPERTY_MERGED_IDS],
        "propertiesWithHistory": [],
    }
    path = paths.OBJECT_READ.format(object=object)
    document = await t.call("POST", path, params={"archived": "true"}, json=body, effect="read")
    found: dict[str, Record] = {}
    for one in map(record, rows(document)):
        found |= {id: one for id in (one.id, *one.merged) if id in ids}
    missing: set[str] = set()
    for error in document.get("errors") or ():
        if error.get("category") != NOT_FOUND:
            raise Refused(f"The CRM could not read its bin: {words(error)}", category=category(error))
        missing.update(str(id) for id in (error.get("context") or {}).get("ids") or ())
    return Binned(found, frozenset(missing) - found.keys())


async def count_created(t: Transport, object: str, first: int, last: int) -> int:
    """How many records were made from `first` to `last` (ms)."""
    return total_of(await _created(t, object, first, last, 1))


async def ids_created(t: Transport, object: str, first: int, last: int) -> tuple[list[str], bool]:
    """Up to MOST ids of records made in this time, and whether these are all."""
    document = await _created(t, object, first, last, MOST)
    ids = [str(row["id"]) for row in rows(document)]
    return ids, total_of(document) == len(set(ids))


async def _created(t: Transport, object: str, first: int, last: int, limit: int) -> Document:
    name = "createdate" if object == "contacts" else "hs_createdate"
    edges = {"value": str(max(first, wire.EARLIEST)), "highValue": str(last)}
    body: Document = {
        "filterGroups": [{"filters": [{"propertyName": name, "operator": "BETWEEN", **edges}]}],
        "properties": ["hs_object_id"],
        "limit": limit,
    }
    path = paths.OBJECT_SEARCH.format(object=object)
    return await t.call("POST", path, json=body, bucket="search", effect="read")
