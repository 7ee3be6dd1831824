"""Records in pages of all and in batches by id (HUBSPOT.md 3.2, 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.errors import Refused, Unreachable
from connector.hubspot import paths
from connector.hubspot.answers import category, rows, words
from connector.hubspot.objects.records import NOT_FOUND, PAGE, PROPERTY_MERGED_IDS, chunks, merged_ids, record
from connector.hubspot.paging import Cursor
from connector.hubspot.transport import Transport, together
from connector.model import Document, Record

HISTORY_PAGE = 50  # inputs of a batch when property history is asked for
_URL = 6000  # characters of property names in a URL; 414 begins at about 16,000 with everything encoded


@dataclass(frozen=True, slots=True)
class Page:
    records: list[Record]
    after: str | None  # of the next page; None: this was the last


@dataclass(frozen=True, slots=True)
class Read:
    records: dict[str, Record]  # by the id asked for; a merged one's record has another id
    missing: frozenset[str]  # deleted, erased or never there


async def list_page(
    t: Transport, object: str, properties: Sequence[str], after: str | None = None, limit: int = PAGE
) -> Page:
    """One page of all records that are not archived: the only complete enumeration the CRM has."""
    named = ",".join(properties)
    params: dict[str, str | int | list[str]] = {"limit": limit}
    if after is not None:
        params["after"] = after
    if properties and len(named) <= _URL:
        params["properties"] = named
    document = await t.call("GET", paths.OBJECTS.format(object=object), params=params)
    found = rows(document)
    following = Cursor(object, after).turn(document)
    if len(named) <= _URL:
        return Page([record(row, properties) for row in found], following)
    # too many names for a URL: the page gives the ids, a batch their properties
    batch = await read(t, object, [str(row["id"]) for row in found], properties)
    return Page(list(batch.records.values()), following)


async def read(
    t: Transport, object: str, ids: Sequence[str], properties: Sequence[str], history: Sequence[str] = ()
) -> Read:
    """Records by id, 100 a request (50 with history); `history` names properties whose versions are read.

    An id that was merged away gives the surviving record, whose `id` differs.
    """
    wanted = list(dict.fromkeys(ids))
    size = HISTORY_PAGE if history else PAGE
    parts = await together(_read(t, object, chunk, properties, history) for chunk in chunks(wanted, size))
    found = {id: part.records[id] for part in parts for id in part.records}
    return Read(
        {id: found[id] for id in wanted if id in found},
        frozenset(id for part in parts for id in part.missing),
    )


async def _read(
    t: Transport, object: str, ids: list[str], properties: Sequence[str], history: Sequence[str]
) -> Read:
    body: Document = {
        "inputs": [{"id": id} for id in ids],
        "properties": list(dict.fromkeys([*properties, PROPERTY_MERGED_IDS])),
        "propertiesWithHistory": list(history),
    }
    document = await t.call("POST", paths.OBJECT_READ.format(object=object), json=body, effect="read")
    records: dict[str, Record] = {}
    asked = set(ids)
    for found in (record(row, properties) for row in rows(document)):
        for id in [found.id, *merged_ids(found)]:
            if id in asked:
                records[id] = found
    missing = _missing(document)
    unclear = [id for id in ids if id not in records and id not in missing]
    if len(ids) == 1 and unclear:
        return Read(dict.fromkeys(ids, _only(object, ids[0], document, properties)), missing)
    # survivors that do not say whom they absorbed: asked one by one, the answer is plain
    alone = await together(_read(t, object, [id], properties, history) for id in unclear)
    for part in alone:
        records.update(part.records)
    return Read(records, missing.union(*(part.missing for part in alone)) - records.keys())


def _only(object: str, id: str, document: Document, properties: Sequence[str]) -> Record:
    """The record that answers a question for one id, whatever id it has.

    :raises Unreachable: the CRM gave neither a record nor an error; to believe that would delete the record
    """
    for row in rows(document):
        return record(row, properties)
    raise Unreachable(
        f"The CRM answered with success but says nothing of record {id} ({object}).",
        "Nothing is lost; run the command again.",
    )


def _missing(document: Document) -> frozenset[str]:
    """Ids that a 207 names as not found.

    :raises Refused: the 207 holds another error than that
    """
    missing: set[str] = set()
    for error in document.get("errors") or ():
        if error.get("category") != NOT_FOUND:
            raise Refused(f"The CRM could not read some records: {words(error)}", category=category(error))
        missing.update(str(id) for id in (error.get("context") or {}).get("ids") or ())
    return frozenset(missing)
