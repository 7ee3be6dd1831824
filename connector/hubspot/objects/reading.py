"""Records in pages of all and in batches by id (HUBSPOT.md 3.2, 3.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connector.errors import Refused, Unreachable
from connector.hubspot import paths
from connector.hubspot.answers import category, rows, words
from connector.hubspot.objects.associations import links
from connector.hubspot.objects.records import NOT_FOUND, PAGE, PROPERTY_MERGED_IDS, chunks, merged_ids, record
from connector.hubspot.paging import Cursor
from connector.hubspot.paging import after as next_cursor
from connector.hubspot.transport import Transport, together
from connector.model import Document, Link, Record

HISTORY_PAGE = 50  # inputs of a batch when property history is asked for
_PRIMARY = {("contacts", "companies"): "contact_to_company"}  # the others' type ends in _unlabeled
_URL = 6000  # characters of property names in a URL; 414 begins at about 16,000 with everything encoded


@dataclass(frozen=True, slots=True)
class Page:
    records: list[Record]
    after: str | None  # of the next page; None: this was the last
    links: Mapping[str, list[Link]] = field(default_factory=dict)  # of every record, if asked for


@dataclass(frozen=True, slots=True)
class Read:
    records: dict[str, Record]  # by the id asked for; a merged one's record has another id
    missing: frozenset[str]  # deleted, erased or never there


async def list_page(
    t: Transport,
    object: str,
    properties: Sequence[str],
    after: str | None = None,
    *,
    joined: str = "",
    history: Sequence[str] = (),
) -> Page:
    """One page of all records that are not archived: the only complete enumeration the CRM has.

    `joined`: an object whose associations come with it. A page with `history` has half as many records.
    """
    named = ",".join(properties)
    params: dict[str, str | int | list[str]] = {"limit": HISTORY_PAGE if history else PAGE}
    by_batch = len(named) > _URL  # too many names for a URL: the page gives the ids, a batch their properties
    if after is not None:
        params["after"] = after
    if properties and not by_batch:
        params["properties"] = named
    if history and not by_batch:
        params["propertiesWithHistory"] = ",".join(history)
    if joined:
        params["associations"] = joined
    document = await t.call("GET", paths.OBJECTS.format(object=object), params=params)
    found = rows(document)
    following = Cursor(object, after).turn(document)
    joins = await _joins(t, object, joined, found) if joined else {}
    if not by_batch:
        return Page([record(row, properties) for row in found], following, joins)
    batch = await read(t, object, [str(row["id"]) for row in found], properties, history)
    return Page(list(batch.records.values()), following, joins)


async def _joins(
    t: Transport, object: str, joined: str, found: Sequence[Document]
) -> Mapping[str, list[Link]]:
    """The associations that a page carries. A record with more than the page shows is asked for by itself,
    and one with several of which one should be the primary and none is told to be."""
    primary = _PRIMARY.get((object, joined))
    given = {str(row["id"]): (row.get("associations") or {}).get(joined) or {} for row in found}
    plain = {id: _inlined(said, primary) for id, said in given.items()}
    unclear = [
        id
        for id, some in plain.items()
        if next_cursor(given[id]) is not None
        or (primary and len(some) > 1 and not any(link.primary for link in some))
    ]
    return {**plain, **(await links(t, object, joined, unclear) if unclear else {})}


def _inlined(said: Document, primary: str | None) -> list[Link]:
    """Each record once: the page has a row for each label."""
    found: dict[str, bool] = {}
    for row in said.get("results") or ():
        id = str(row["id"])
        found[id] = found.get(id, False) or row.get("type") == primary
    return [Link(id, first) for id, first in found.items()]


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
