"""Property definitions and groups (HUBSPOT.md 6)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from connector.sandbox.clock import iso
from connector.sandbox.kinds import Kind
from connector.sandbox.state import Account
from connector.sandbox.state.definitions import Definition, Option
from connector.sandbox.wire import Body, Call, Refusal, Reply, bad_json, completed, integer, refuse, route

READ = "crm.schemas.{object}.read crm.objects.{object}.read"
WRITE = "crm.schemas.{object}.write"
PAIRS = {
    "bool": {"booleancheckbox", "calculation_equation"},
    "enumeration": {"booleancheckbox", "checkbox", "radio", "select", "calculation_equation"},
    "date": {"date"},
    "datetime": {"date"},
    "number": {"number", "calculation_equation"},
    "string": {"text", "textarea", "html", "file", "phonenumber", "calculation_equation"},
    "phone_number": {"phonenumber"},
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_EDITABLE = (
    "label",
    "type",
    "fieldType",
    "groupName",
    "description",
    "options",
    "displayOrder",
    "hidden",
    "formField",
)
_CREATED = ("name", "hasUniqueValue", "dataSensitivity", "externalOptions", "calculationFormula", *_EDITABLE)
_OWN_GROUPS = {
    "analyticsinformation": "Web Analytics History",
    "contactinformation": "Contact Information",
    "companyinformation": "Company Information",
    "dealinformation": "Deal Information",
}


def every(account: Account, call: Call) -> Reply:
    """All definitions; the sensitive kinds are asked for apart, and this account has none."""
    archived, names = call.flag("archived"), call.many("properties")
    if call.one("dataSensitivity", "non_sensitive") != "non_sensitive":
        return Reply(200, {"results": []})
    shown = [
        definition.wire()
        for name, definition in sorted(account.definitions.of(call.kind().plural).items())
        if (definition.archived is not None) is archived and (not names or name in names)
    ]
    return Reply(200, {"results": shown})


def _find(account: Account, call: Call, kind: Kind) -> Definition:
    name = call.args["name"]
    found = account.definitions.of(kind.plural).get(name)
    if found is None or (found.archived is not None) is not call.flag("archived"):
        raise _unknown(kind, name)
    return found


def _unknown(kind: Kind, name: str) -> Refusal:
    return refuse(
        404,
        f"Property {name} does not exist for object type {kind.type_id}",
        "OBJECT_NOT_FOUND",
        context={"propertyName": [name]},
    )


def get(account: Account, call: Call) -> Reply:
    return Reply(200, _find(account, call, call.kind()).wire())


def create(account: Account, call: Call) -> Reply:
    return Reply(201, make(account, call.kind(), call.json(_CREATED)).wire())


def make(account: Account, kind: Kind, body: Body) -> Definition:
    """A new property; a name in the archive comes back (6). Raises Refusal (400, 409)."""
    needed = ("name", "label", "type", "fieldType", "groupName")
    if missing := [name for name in needed if not isinstance(body.get(name), str) or not body[name]]:
        raise bad_json(f"Some required fields were not set: [{', '.join(missing)}]")
    name = body["name"]
    old = account.definitions.of(kind.plural).get(name)
    if old is not None and old.archived is None:
        raise refuse(
            409,
            f"A property named '{name}' already exists.",
            "OBJECT_ALREADY_EXISTS",
            subCategory="Properties.PROPERTY_WITH_NAME_EXISTS",
        )
    if not _NAME.fullmatch(name) or name.startswith("hs_"):
        raise refuse(400, f"Property name {name} is not valid.", "VALIDATION_ERROR")
    now = account.clock.now()
    fresh = Definition(kind.plural, name, "", "", "", "", created=now, updated=now)
    return account.definitions.keep(_edited(account, fresh, body))


def _edited(account: Account, old: Definition, body: Body) -> Definition:
    """A definition with the keys of a request put in, checked as a whole."""
    new = replace(
        old,
        label=str(body.get("label", old.label)),
        type=str(body.get("type", old.type)),
        field_type=str(body.get("fieldType", old.field_type)),
        group=str(body.get("groupName", old.group)),
        description=str(body.get("description") or old.description),
        options=_options(body["options"]) if body.get("options") is not None else old.options,
        display_order=integer(body, "displayOrder", old.display_order),
        hidden=bool(body.get("hidden", old.hidden)),
        form_field=bool(body.get("formField", old.form_field)),
        unique=bool(body.get("hasUniqueValue", old.unique)),
        external=bool(body.get("externalOptions", old.external)),
        updated=account.clock.now(),
    )
    _fits(account, new)
    return new


def _fits(account: Account, new: Definition) -> None:
    if new.field_type not in PAIRS.get(new.type, ()):
        raise refuse(
            400,
            f"Property type {new.type} and field type {new.field_type} are not a valid pair.",
            "VALIDATION_ERROR",
            subCategory="PropertyValidationError.INVALID_FIELD_TYPE",
        )
    listed = new.type in ("enumeration", "bool") and not new.external
    if listed and not new.options and new.field_type != "calculation_equation":
        raise refuse(
            400,
            f"Property {new.name} of type {new.type} must have options.",
            "VALIDATION_ERROR",
            subCategory="PropertyValidationError.MISSING_OPTIONS",
        )
    if new.group not in _groups(account, new.kind):
        raise refuse(
            400,
            f"Property group {new.group} does not exist.",
            "VALIDATION_ERROR",
            subCategory="PropertyValidationError.GROUP_DOES_NOT_EXIST",
        )


def _options(given: Any) -> tuple[Option, ...]:
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise bad_json("Cannot deserialize value of type `java.util.ArrayList`")
    for one in given:
        if missing := [name for name in ("label", "value") if not isinstance(one.get(name), str)]:
            raise bad_json(f"Some required fields were not set: [{', '.join(missing)}]")
    return tuple(
        Option(
            one["value"], one["label"], integer(one, "displayOrder", order), bool(one.get("hidden", False))
        )
        for order, one in enumerate(given)
    )


def update(account: Account, call: Call) -> Reply:
    """`options` replaces the whole list."""
    old = _find(account, call, call.kind())
    body = call.json(_EDITABLE)
    if old.hubspot and not (old.external and set(body) <= {"options", "label", "description"}):
        raise refuse(400, f"Property {old.name} is read only and cannot be edited.", "VALIDATION_ERROR")
    new = replace(old, options=_options(body["options"])) if old.hubspot else _edited(account, old, body)
    return Reply(200, account.definitions.keep(new).wire())


def archive(account: Account, call: Call) -> Reply:
    old = account.definitions.of(call.kind().plural).get(call.args["name"])
    if old is None:
        raise _unknown(call.kind(), call.args["name"])
    if old.hubspot:
        raise refuse(400, f"Property {old.name} cannot be deleted.", "VALIDATION_ERROR")
    account.definitions.keep(replace(old, archived=account.clock.now()))
    return Reply(204)


def batch_create(account: Account, call: Call) -> Reply:
    """Those that can be are made; the others are the errors of a 207."""
    kind = call.kind()
    results, errors = [], []
    for item in call.inputs(100, ()):
        try:
            results.append(make(account, kind, item).wire())
        except Refusal as refusal:
            errors.append({"context": {"name": [str(item.get("name"))]}, **refusal.body})
    return completed(iso(account.clock.now()), results, errors, ok=201)


def batch_read(account: Account, call: Call) -> Reply:
    kind, archived = call.kind(), bool(call.json().get("archived", False))
    names = [str(item.get("name")) for item in call.inputs(100, ("archived", "dataSensitivity"))]
    have = account.definitions.of(kind.plural)
    found = [name for name in names if name in have and (have[name].archived is not None) is archived]
    errors = [_unknown(kind, name).body for name in names if name not in found]
    return completed(iso(account.clock.now()), [have[name].wire() for name in found], errors)


def batch_archive(account: Account, call: Call) -> Reply:
    have = account.definitions.of(call.kind().plural)
    for item in call.inputs(100, ()):
        old = have.get(str(item.get("name")))
        if old is not None and not old.hubspot:
            account.definitions.keep(replace(old, archived=account.clock.now()))
    return Reply(204)


def _groups(account: Account, kind: str) -> dict[str, tuple[str, int]]:
    """Group name -> (label, order): HubSpot's own and those that were made."""
    own = {one.group for one in account.definitions.of(kind).values() if one.hubspot}
    found = {name: (_OWN_GROUPS.get(name, name.replace("_", " ").title()), -1) for name in sorted(own)}
    made = account.db.rows("select name, label, display_order from groups where kind = ? order by name", kind)
    return {**found, **{name: (label, order) for name, label, order in made}}


def _group(name: str, label: str, order: int) -> Body:
    return {"name": name, "label": label, "displayOrder": order, "archived": False}


def groups(account: Account, call: Call) -> Reply:
    found = _groups(account, call.kind().plural)
    return Reply(200, {"results": [_group(name, *rest) for name, rest in found.items()]})


def group(account: Account, call: Call) -> Reply:
    name = call.args["name"]
    found = _groups(account, call.kind().plural).get(name)
    if found is None:
        raise refuse(404, f"Property group {name} does not exist.", "OBJECT_NOT_FOUND")
    return Reply(200, _group(name, *found))


def create_group(account: Account, call: Call) -> Reply:
    kind, body = call.kind().plural, call.json(("name", "label", "displayOrder"))
    if missing := [key for key in ("name", "label") if not isinstance(body.get(key), str) or not body[key]]:
        raise bad_json(f"Some required fields were not set: [{', '.join(missing)}]")
    if body["name"] in _groups(account, kind):
        raise refuse(
            409,
            f"A property group named '{body['name']}' already exists.",
            "OBJECT_ALREADY_EXISTS",
            subCategory="PropertyGroupError.GROUP_WITH_NAME_EXISTS",
        )
    order = integer(body, "displayOrder", -1)
    account.db.run("insert into groups values (?, ?, ?, ?)", kind, body["name"], body["label"], order)
    return Reply(201, _group(body["name"], body["label"], order))


def archive_group(account: Account, call: Call) -> Reply:
    kind, name = call.kind().plural, call.args["name"]
    used = (one for one in account.definitions.of(kind).values() if one.archived is None)
    if any(one.group == name for one in used):
        raise refuse(
            400,
            f"Property group {name} has active properties.",
            "VALIDATION_ERROR",
            subCategory="PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES",
        )
    account.db.run("delete from groups where kind = ? and name = ?", kind, name)
    return Reply(204)


_ALL = "/crm/properties/{kind}"
_SHOWN = ("archived", "dataSensitivity", "properties", "locale")
ROUTES = (
    route("GET", _ALL, every, *_SHOWN, scopes=READ),
    route("POST", _ALL, create, scopes=WRITE),
    route("GET", _ALL + "/groups", groups, "locale", scopes=READ),
    route("POST", _ALL + "/groups", create_group, scopes=WRITE),
    route("GET", _ALL + "/groups/{name}", group, "locale", scopes=READ),
    route("DELETE", _ALL + "/groups/{name}", archive_group, scopes=WRITE),
    route("POST", _ALL + "/batch/create", batch_create, scopes=WRITE),
    route("POST", _ALL + "/batch/read", batch_read, "locale", scopes=READ),
    route("POST", _ALL + "/batch/archive", batch_archive, scopes=WRITE),
    route("GET", _ALL + "/{name}", get, *_SHOWN, scopes=READ),
    route("PATCH", _ALL + "/{name}", update, scopes=WRITE),
    route("DELETE", _ALL + "/{name}", archive, scopes=WRITE),
)
