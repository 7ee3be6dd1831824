"""Property definitions (HUBSPOT.md 6); what one may be is in `rules/defining`."""

from __future__ import annotations

from dataclasses import replace

from connector.sandbox.clock import iso
from connector.sandbox.kinds import Kind
from connector.sandbox.rules import defining
from connector.sandbox.state import Account
from connector.sandbox.state.definitions import Definition
from connector.sandbox.wire import Body, Call, Refusal, Reply, bad_json, completed, integer, refuse, route

READ = "crm.schemas.{object}.read crm.objects.{object}.read"
WRITE = "crm.schemas.{object}.write"
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
    now = account.clock.now()
    fresh = Definition(kind.plural, name, "", "", "", "", created=now, updated=now)
    unique = bool(body.get("hasUniqueValue"))
    external = bool(body.get("externalOptions"))
    new = _edited(account, replace(fresh, unique=unique, external=external), body)
    defining.may_be_made(account, new)
    return account.definitions.keep(new)


def _edited(account: Account, old: Definition, body: Body) -> Definition:
    """A definition with the keys of a request put in, checked as a whole."""
    defining.imitated(body)
    new = replace(
        old,
        label=str(body.get("label", old.label)),
        type=str(body.get("type", old.type)),
        field_type=str(body.get("fieldType", old.field_type)),
        group=str(body.get("groupName", old.group)),
        description=str(body.get("description") or old.description),
        options=defining.options(body["options"]) if body.get("options") is not None else old.options,
        display_order=integer(body, "displayOrder", old.display_order),
        hidden=bool(body.get("hidden", old.hidden)),
        form_field=bool(body.get("formField", old.form_field)),
        updated=account.clock.now(),
    )
    defining.fits(account, new)
    return new


def update(account: Account, call: Call) -> Reply:
    """`options` replaces the whole list."""
    old = _find(account, call, call.kind())
    body = call.json(_EDITABLE)
    if old.hubspot and not (old.external and set(body) <= {"options", "label", "description"}):
        raise refuse(400, f"Property {old.name} is read only and cannot be edited.", "VALIDATION_ERROR")
    if old.hubspot:
        given = body.get("options")
        new = old if given is None else replace(old, options=defining.options(given))
    else:
        new = _edited(account, old, body)
    return Reply(200, account.definitions.keep(new).wire())


def archive(account: Account, call: Call) -> Reply:
    old = account.definitions.of(call.kind().plural).get(call.args["name"])
    if old is None:
        raise _unknown(call.kind(), call.args["name"])
    _bin(account, old)
    return Reply(204)


def _bin(account: Account, old: Definition) -> None:
    if old.archived is None:
        defining.may_go(account, old)
        account.definitions.keep(replace(old, archived=account.clock.now()))


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
    """All or none; names that there are not are passed over."""
    have = account.definitions.of(call.kind().plural)
    for item in call.inputs(100, ()):
        if (old := have.get(str(item.get("name")))) is not None:
            _bin(account, old)
    return Reply(204)


_ALL = "/crm/properties/{kind}"
_SHOWN = ("archived", "dataSensitivity", "properties", "locale")
ROUTES = (
    # `limit` does nothing: all definitions come at once, yet published pullers send it with every request
    route("GET", _ALL, every, "limit", *_SHOWN, scopes=READ),
    route("POST", _ALL, create, scopes=WRITE),
    route("POST", _ALL + "/batch/create", batch_create, scopes=WRITE),
    route("POST", _ALL + "/batch/read", batch_read, "locale", scopes=READ),
    route("POST", _ALL + "/batch/archive", batch_archive, scopes=WRITE),
    route("GET", _ALL + "/{name}", get, *_SHOWN, scopes=READ),
    route("PATCH", _ALL + "/{name}", update, scopes=WRITE),
    route("DELETE", _ALL + "/{name}", archive, scopes=WRITE),
)
