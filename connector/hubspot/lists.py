"""Static lists: found by name, joined and left (HUBSPOT.md 5.7, 7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from connector.errors import MissingScope, Refused, Unreachable
from connector.hubspot import paths
from connector.hubspot.transport import Transport, together

_DYNAMIC = "DYNAMIC"
_SAID = frozenset({"recordsIdsAdded", "recordIdsAdded", "recordIdsRemoved", "recordIdsMissing"})


@dataclass(frozen=True, slots=True)
class ContactList:
    """`dynamic`: the CRM alone decides who is on it."""

    id: str
    name: str
    dynamic: bool


async def find_list(t: Transport, name: str) -> ContactList | None:
    """The contacts' list of this name; None where there is none."""
    path = paths.LIST_BY_NAME.format(name=quote(name, safe=""))
    try:
        document = await t.call("GET", path)
    except Refused as no:
        if no.status != 404:
            raise
        return None
    found = document.get("list")
    if not isinstance(found, dict) or not found.get("listId"):
        raise Unreachable(f"The CRM answered without the list {name!r} that it was asked for.")
    return ContactList(str(found["listId"]), name, found.get("processingType") == _DYNAMIC)


async def kinds_of(t: Transport, names: Iterable[str]) -> dict[str, Literal["static", "dynamic", "absent"]]:
    """What these lists are; nothing where the token may not read lists."""
    wanted = list(names)
    try:
        found = await together(find_list(t, name) for name in wanted)
    except MissingScope:
        return {}
    return {name: _kind(one) for name, one in zip(wanted, found, strict=True)}


def _kind(found: ContactList | None) -> Literal["static", "dynamic", "absent"]:
    if found is None:
        return "absent"
    return "dynamic" if found.dynamic else "static"


async def change_list(
    t: Transport, list_id: str, do: Literal["join", "leave"], contact_ids: Sequence[str]
) -> frozenset[str]:
    """Puts contacts on a list, or takes them off; who is there (or gone) already stays so. Gives those whom
    the CRM does not have."""
    verb = {"join": "add", "leave": "remove"}[do]
    path = paths.LIST_CHANGE.format(list_id=list_id, verb=verb)
    document = await t.call("PUT", path, json=list(contact_ids), effect="update")
    if not document.keys() & _SAID:
        raise Unreachable("The CRM answered with success but did not say who is on the list now.")
    return frozenset(str(id) for id in document.get("recordIdsMissing") or ())
