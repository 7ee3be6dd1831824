"""Groups of properties (HUBSPOT.md 6)."""

from __future__ import annotations

from connector.sandbox.state import Account
from connector.sandbox.wire import Body, Call, Reply, bad_json, integer, refuse, route

READ = "crm.schemas.{object}.read crm.objects.{object}.read"
WRITE = "crm.schemas.{object}.write"


def _show(name: str, label: str, order: int) -> Body:
    return {"name": name, "label": label, "displayOrder": order, "archived": False}


def every(account: Account, call: Call) -> Reply:
    found = account.definitions.groups(call.kind().plural)
    return Reply(200, {"results": [_show(name, *rest) for name, rest in found.items()]})


def _find(account: Account, call: Call) -> tuple[str, int]:
    name = call.args["name"]
    found = account.definitions.groups(call.kind().plural).get(name)
    if found is None:
        raise refuse(404, f"Property group {name} does not exist.", "OBJECT_NOT_FOUND")
    return found


def get(account: Account, call: Call) -> Reply:
    return Reply(200, _show(call.args["name"], *_find(account, call)))


def create(account: Account, call: Call) -> Reply:
    kind, body = call.kind().plural, call.json(("name", "label", "displayOrder"))
    if missing := [key for key in ("name", "label") if not isinstance(body.get(key), str) or not body[key]]:
        raise bad_json(f"Some required fields were not set: [{', '.join(missing)}]")
    if body["name"] in account.definitions.groups(kind):
        raise refuse(
            409,
            f"A property group named '{body['name']}' already exists.",
            "OBJECT_ALREADY_EXISTS",
            subCategory="PropertyGroupError.GROUP_WITH_NAME_EXISTS",
        )
    order = integer(body, "displayOrder", -1)
    _keep(account, kind, body["name"], body["label"], order)
    return Reply(201, _show(body["name"], body["label"], order))


def update(account: Account, call: Call) -> Reply:
    """Label and order; a group keeps its name."""
    old_label, old_order = _find(account, call)
    body = call.json(("label", "displayOrder"))
    label = body.get("label") if body.get("label") is not None else old_label
    if not isinstance(label, str) or not label:
        raise bad_json("Cannot deserialize value of type `java.lang.String`")
    order = integer(body, "displayOrder", old_order)
    _keep(account, call.kind().plural, call.args["name"], label, order)
    return Reply(200, _show(call.args["name"], label, order))


def _keep(account: Account, kind: str, name: str, label: str, order: int) -> None:
    account.db.run("insert or replace into groups values (?, ?, ?, ?)", kind, name, label, order)


def archive(account: Account, call: Call) -> Reply:
    kind, name = call.kind().plural, call.args["name"]
    _find(account, call)
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


_ALL = "/crm/properties/{kind}/groups"
ROUTES = (
    route("GET", _ALL, every, "locale", scopes=READ),
    route("POST", _ALL, create, scopes=WRITE),
    route("GET", _ALL + "/{name}", get, "locale", scopes=READ),
    route("PATCH", _ALL + "/{name}", update, scopes=WRITE),
    route("DELETE", _ALL + "/{name}", archive, scopes=WRITE),
)
