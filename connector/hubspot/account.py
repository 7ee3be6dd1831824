"""The account: who it is, its schema and owners, its pipelines; and our own properties made in it.

The schema goes through the official client (`official.py`), the account's details over our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

from hubspot.crm.owners import OwnersApi
from hubspot.crm.pipelines import PipelinesApi
from hubspot.crm.properties import CoreApi, GroupsApi

from connector.errors import MissingScope, Refused, Unreachable
from connector.hubspot import paths, wire
from connector.hubspot.answers import rows
from connector.hubspot.official import Official
from connector.hubspot.paging import Cursor
from connector.hubspot.transport import Transport, together
from connector.model import Account, Document, PropertyDef

GROUP = "lead_qualification"
GROUP_LABEL = "Lead qualification"
SCHEMA_SCOPE = "crm.schemas.contacts.write"
_PROPERTIES = "/crm/v3/properties/{object}"  # as the official client spells them: for messages alone
_OWNERS = "/crm/v3/owners/"
_PIPELINES = "/crm/v3/pipelines/{object}"


class Details(NamedTuple):
    portal_id: str
    ui_domain: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A pipeline's stage; `probability` is between 0 and 1, None where the CRM gives none."""

    id: str
    label: str
    probability: float | None
    closed: bool


@dataclass(frozen=True, slots=True)
class Pipeline:
    id: str
    label: str
    stages: tuple[Stage, ...]  # first to last


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What became of one property: made now, there already, or there and different (left as it is)."""

    name: str
    action: Literal["made", "there", "differs"]
    said: str


# -- reading -------------------------------------------------------------------------------------------


async def details(t: Transport) -> Details:
    """The account behind the token: its id, the domain of its pages, its time zone (HUBSPOT.md 1.3)."""
    said = await t.call("GET", paths.ACCOUNT)
    domain, zone = said.get("uiDomain"), said.get("timeZone")
    if "portalId" not in said:
        raise Unreachable("The CRM did not say which account it is.", "It is safe to run again.")
    return Details(str(said["portalId"]), str(domain or "app.hubspot.com"), str(zone or "UTC"))


async def account(t: Transport, objects: Sequence[str] = ("contacts", "companies", "deals")) -> Account:
    """Details, property definitions of `objects`, owners. What no scope allows is left out, but contacts.

    :raises MissingScope: the properties of contacts may not be read
    """
    async with Official(t) as crm:
        asked = (details(t), _owners(crm), *(_readable(crm, object) for object in objects))
        who, owners, *schemas = cast(tuple[Any, ...], await together(asked))
    properties = {
        object: {str(row["name"]): definition(row) for row in schema}
        for object, schema in zip(objects, schemas, strict=True)
        if schema is not None
    }
    return Account(who.portal_id, who.ui_domain, who.time_zone, properties, owners)


async def pipelines(t: Transport, object: str = "deals") -> list[Pipeline]:
    """The object's pipelines with their stages, in display order (HUBSPOT.md 5.9)."""
    async with Official(t) as crm:
        document = await crm.ask(("GET", _PIPELINES.format(object=object)), PipelinesApi, "get_all", object)
    return [
        Pipeline(
            str(row["id"]),
            str(row.get("label") or row["id"]),
            tuple(_stage(stage) for stage in _in_order(row.get("stages") or [])),
        )
        for row in _in_order(rows(document))
    ]


def definition(row: Document) -> PropertyDef:
    """A property as the properties API shows it."""
    return PropertyDef(
        name=str(row["name"]),
        label=str(row.get("label") or row["name"]),
        type=str(row.get("type") or ""),
        field_type=str(row.get("fieldType") or ""),
        read_only=bool((row.get("modificationMetadata") or {}).get("readOnlyValue")),
        options=tuple(
            (str(o["value"]), str(o.get("label") or o["value"])) for o in _in_order(row.get("options") or [])
        ),
        calculated=bool(row.get("calculated")),
    )


async def _properties(crm: Official, object: str) -> list[Document]:
    return rows(await crm.ask(("GET", _PROPERTIES.format(object=object)), CoreApi, "get_all", object))


async def _readable(crm: Official, object: str) -> list[Document] | None:
    """None: neither the scope of its schema nor that of the object itself is granted."""
    try:
        return await _properties(crm, object)
    except MissingScope:
        if object == "contacts":
            raise
        return None


async def _owners(crm: Official) -> dict[str, str]:
    found: dict[str, str] = {}
    cursor = Cursor("owners")
    try:
        while True:
            at: dict[str, Any] = {} if cursor.at is None else {"after": cursor.at}
            document = await crm.ask(("GET", _OWNERS), OwnersApi, "get_page", limit=100, **at)
            found.update((str(row["id"]), str(row.get("email") or "")) for row in rows(document))
            if cursor.turn(document) is None:
                return found
    except MissingScope:
        return {}  # names beside ids are a nicety


def _stage(row: Document) -> Stage:
    metadata = row.get("metadata") or {}
    return Stage(
        str(row["id"]),
        str(row.get("label") or row["id"]),
        wire.number(metadata.get("probability")),
        wire.text(metadata.get("isClosed")) == "true",
    )


def _in_order(given: Sequence[Document]) -> list[Document]:
    """By displayOrder; those at -1 come last, as the CRM shows them."""

    def place(row: Document) -> tuple[bool, int]:
        order = row.get("displayOrder")
        return (False, order) if isinstance(order, int) and order >= 0 else (True, 0)

    return sorted(given, key=place)


# -- making our properties -----------------------------------------------------------------------------


async def provision(
    t: Transport, wanted: Sequence[PropertyDef], group: str = GROUP, group_label: str = GROUP_LABEL
) -> list[Provisioned]:
    """Make the contact properties that are missing, and missing options of those that are there.

    Idempotent (HUBSPOT.md 6). A property of another type is never changed: `differs`.

    :raises MissingScope: the token may not make properties; the fix lists them, to be made by hand
    """
    async with Official(t) as crm:
        there = {str(row["name"]): row for row in await _properties(crm, "contacts")}
        try:
            if any(one.name not in there for one in wanted):
                await _ensure_group(crm, group, group_label)
            return [await _ensure(crm, one, there.get(one.name), group) for one in wanted]
        except MissingScope as no:
            missing = [f"{one.name} ({one.type})" for one in wanted if one.name not in there]
            raise MissingScope(
                f"The token may not make properties: it needs {SCHEMA_SCOPE}.",
                f"Add the scope {SCHEMA_SCOPE} to the key (Settings > Development > Keys > Service keys), "
                f"or make these contact properties by hand in Settings > Properties: {', '.join(missing)}.",
                scopes=no.scopes or (SCHEMA_SCOPE,),
            ) from no


async def _ensure_group(crm: Official, group: str, label: str) -> None:
    path = _PROPERTIES.format(object="contacts") + "/groups"
    document = await crm.ask(("GET", path), GroupsApi, "get_all", "contacts")
    if all(row.get("name") != group for row in rows(document)):
        body = {"name": group, "label": label, "displayOrder": -1}
        await _create(crm, path, GroupsApi, body)


async def _ensure(crm: Official, one: PropertyDef, there: Document | None, group: str) -> Provisioned:
    path = _PROPERTIES.format(object="contacts")
    if there is None and await _create(crm, path, CoreApi, _body(one, group)):
        return Provisioned(one.name, "made", f"made as {one.type}")
    if there is None:  # somebody made it since we looked
        there = await crm.ask(("GET", f"{path}/{one.name}"), CoreApi, "get_by_name", "contacts", one.name)
    has = definition(there)
    if has.type != one.type or has.read_only:
        what = "read-only" if has.type == one.type else f"of type {has.type or 'unknown'}, not {one.type}"
        return Provisioned(
            one.name, "differs", f"is {what}; rename or remove it in the CRM: it is left as it is"
        )
    missing = [option for option in one.options if option[0] not in dict(has.options)]
    if not missing:
        return Provisioned(one.name, "there", "is there already")
    options = [*(there.get("options") or []), *_options(missing, first=len(has.options))]
    change = {"options": options}  # the CRM replaces the whole list
    await crm.ask(
        ("PATCH", f"{path}/{one.name}"), CoreApi, "update", "contacts", one.name, change, effect="update"
    )
    return Provisioned(one.name, "made", f"options added: {', '.join(value for value, _ in missing)}")


async def _create(crm: Official, path: str, api: type, body: dict[str, Any]) -> bool:
    """False: there is one of that name already."""
    try:
        await crm.ask(("POST", path), api, "create", "contacts", body, effect="create")
    except Refused as no:
        if no.status != 409:
            raise
        return False
    return True


def _body(one: PropertyDef, group: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": one.name,
        "label": one.label,
        "type": one.type,
        "fieldType": one.field_type,
        "groupName": group,
    }
    return body | ({"options": _options(one.options)} if one.options else {})


def _options(options: Sequence[tuple[str, str]], first: int = 0) -> list[dict[str, Any]]:
    return [
        {"value": value, "label": label, "displayOrder": place, "hidden": False}
        for place, (value, label) in enumerate(options, start=first)
    ]
