"""Which records belong together (HUBSPOT.md 5.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connector.errors import Refused, Unreachable
from connector.hubspot import paths
from connector.hubspot.answers import category, rows, words
from connector.hubspot.objects.records import NOT_FOUND, chunks
from connector.hubspot.paging import Cursor
from connector.hubspot.transport import Transport, together
from connector.model import Document, Link

LINK_INPUTS = 1000
_PRIMARY = frozenset({1, 2, 5, 6})  # typeIds: contact-company, company-contact, deal-company, company-deal


async def links(
    t: Transport, from_object: str, to_object: str, ids: Sequence[str], *, all_named: bool = False
) -> dict[str, list[Link]]:
    """The associations of each id, in full; [] where there are none or the record is gone. `all_named`: an
    answer that names nobody at all, twice, is not taken for "none"."""
    wanted = list(dict.fromkeys(ids))
    path = paths.ASSOCIATIONS_READ.format(from_object=from_object, to_object=to_object)
    parts = await together(_links(t, path, chunk, all_named) for chunk in chunks(wanted, LINK_INPUTS))
    found = {id: part[id] for part in parts for id in part}
    return {id: [Link(to, primary) for to, primary in found.get(id, {}).items()] for id in wanted}


async def _links(t: Transport, path: str, ids: list[str], all_named: bool) -> dict[str, dict[str, bool]]:
    """from id -> to id -> primary. Every input has its own pages; those with more are asked on."""
    found: dict[str, dict[str, bool]] = {}
    cursors = {id: Cursor(f"the associations of {id}") for id in ids}
    while cursors:
        inputs = [{"id": id} | ({"after": c.at} if c.at else {}) for id, c in cursors.items()]
        document = await _named(t, path, inputs, all_named)
        more: dict[str, Cursor] = {}
        for row in rows(document):
            id = str(row["from"]["id"])
            _add_links(found.setdefault(id, {}), row.get("to") or ())
            if id in cursors and cursors[id].turn(row) is not None:
                more[id] = cursors[id]
        _only_absent(document)
        cursors = more
    return found


async def _named(t: Transport, path: str, inputs: list[Document], all_named: bool) -> Document:
    """An answer that names somebody. Who has none is an error by name; where nobody is, we ask again."""
    for _ in range(2):
        document = await t.call("POST", path, json={"inputs": inputs}, bucket="associations", effect="read")
        if rows(document) or document.get("errors"):
            return document
    if all_named:
        raise Unreachable("The CRM answered with success but named none of the records it was asked for.")
    return document


def _add_links(found: dict[str, bool], to: Iterable[Document]) -> None:
    for link in to:
        primary = any(
            kind.get("typeId") in _PRIMARY and kind.get("category", "HUBSPOT_DEFINED") == "HUBSPOT_DEFINED"
            for kind in link.get("associationTypes") or ()
        )
        id = str(link["toObjectId"])  # text or number
        found[id] = found.get(id, False) or primary


def _only_absent(document: Document) -> None:
    """No associations is an "error" to the CRM, and none to us.

    :raises Refused: the 207 holds an error of another kind
    """
    for error in document.get("errors") or ():
        if error.get("category") != NOT_FOUND:
            raise Refused(
                f"The CRM could not read some associations: {words(error)}", category=category(error)
            )
