"""Lists: making, finding, renaming, deleting (HUBSPOT.md 5.7, 7). Who is on them is `memberships`.

A deleted list can be brought back for 90 days, members and all; after that it is gone. Lists of other objects
than contacts, filters and folders are not imitated.
"""

from __future__ import annotations

from connector.sandbox import kinds
from connector.sandbox.clock import DAY, iso
from connector.sandbox.state import Account
from connector.sandbox.state.engagement import LIST, ListRow
from connector.sandbox.wire import (
    Body,
    Call,
    Refusal,
    Reply,
    Unimitated,
    bad_json,
    integer,
    refuse,
    route,
    texts,
    within,
)

READ, WRITE = "crm.lists.read", "crm.lists.write"
CAP = 10_000  # no search goes further
BIN = 90 * DAY
PROCESSING = ("MANUAL", "DYNAMIC", "SNAPSHOT")
_ORDERS = {"": "id", "HS_UPDATED_AT": "updated, id", "-HS_UPDATED_AT": "updated desc, id"}


def show(row: ListRow) -> Body:
    body: Body = {
        "listId": str(row.id),
        "listVersion": row.version,
        "name": row.name,
        "objectTypeId": "0-1",
        "processingType": row.processing,
        "processingStatus": "COMPLETE",
        "createdAt": iso(row.created),
        "updatedAt": iso(row.updated),
    }
    if row.processing != "MANUAL":
        body["filtersUpdatedAt"] = iso(row.created)
    return body


def _full(account: Account, row: ListRow) -> Body:
    """A list that was asked for itself; a search gives its size as an additional property."""
    return {**show(row), "size": account.engagement.size(row.id)}


def _found(account: Account, row: ListRow) -> Body:
    """Properties that are empty are not there; those that nobody knows neither."""
    last = account.engagement.last_joined(row.id)
    known = {
        "hs_list_size": str(account.engagement.size(row.id)),
        "hs_last_record_added_at": str(last) if last is not None else "",
        "hs_last_record_removed_at": str(row.removed) if row.removed is not None else "",
        "hs_list_reference_count": "0",
    }
    return {**show(row), "additionalProperties": {name: value for name, value in known.items() if value}}


def missing(id: str) -> Refusal:
    return refuse(
        404, f"List does not exist with ID {id}.", "OBJECT_NOT_FOUND", subCategory="ILS.LIST_NOT_FOUND"
    )


def find(account: Account, id: str, *, deleted: bool = False) -> ListRow:
    """A list that is there (or, asked so, one that was deleted). Raises Refusal (404)."""
    row = account.engagement.find_list(int(id)) if id.isdecimal() and len(id) < 19 else None
    if row is None or (row.deleted is not None) is not deleted:
        raise missing(id)
    return row


def contacts_only(name: str) -> None:
    kind = kinds.find(name)
    if kind is None or kind.plural != "contacts":
        raise Unimitated(f"lists of {name}")


def _free_name(account: Account, name: str, own: int = 0) -> None:
    if any(row.id != own for row in account.engagement.lists("name = ?", (name,), "id")):
        raise refuse(
            400,
            f"List with name {name} already exists.",
            "VALIDATION_ERROR",
            subCategory="ILS.DUPLICATE_LIST_NAMES",
        )


_SEARCHED = (
    "query",
    "processingTypes",
    "listIds",
    "offset",
    "count",
    "sort",
    "additionalProperties",
    "objectTypeId",
)


def search(account: Account, call: Call) -> Reply:
    """By part of the name, ids and types; nothing beyond the 10,000th."""
    body = call.json(_SEARCHED)
    offset, count = integer(body, "offset", 0), within("count", integer(body, "count", 20), 500)
    if offset < 0 or offset + count > CAP:
        raise refuse(400, f"offset must not exceed {CAP}", "VALIDATION_ERROR")
    order = _ORDERS.get(str(body.get("sort") or ""))
    if order is None:
        raise Unimitated(f"sort {body['sort']} of a list search")
    if body.get("objectTypeId"):
        contacts_only(str(body["objectTypeId"]))
    kept = _matching(account, body, order)
    shown = [_found(account, row) for row in kept[offset : offset + count]]
    more = offset + count < len(kept)
    return Reply(200, {"offset": offset + len(shown), "hasMore": more, "lists": shown, "total": len(kept)})


def _matching(account: Account, body: Body, order: str) -> list[ListRow]:
    words = str(body.get("query") or "").lower()
    types, ids = texts(body, "processingTypes"), texts(body, "listIds")
    texts(body, "additionalProperties")
    return [
        row
        for row in account.engagement.lists("1", (), order)
        if words in row.name.lower()
        and (not types or row.processing in types)
        and (not ids or str(row.id) in ids)
    ]


def get(account: Account, call: Call) -> Reply:
    return Reply(200, {"list": _full(account, find(account, call.args["id"]))})


def several(account: Account, call: Call) -> Reply:
    """Those of `listIds` that are there; the others are left out without a word."""
    wanted = call.many("listIds")
    rows = account.engagement.lists("1", (), "id")
    return Reply(200, {"lists": [_full(account, row) for row in rows if str(row.id) in wanted]})


def by_name(account: Account, call: Call) -> Reply:
    contacts_only(call.args["kind"])
    name = call.args["name"]
    rows = account.engagement.lists("name = ?", (name,), "id")
    if not rows:
        raise refuse(
            404,
            f"List does not exist with name {name}.",
            "OBJECT_NOT_FOUND",
            subCategory="ILS.LIST_NOT_FOUND",
        )
    return Reply(200, {"list": _full(account, rows[0])})


def create(account: Account, call: Call) -> Reply:
    body = call.json(("name", "objectTypeId", "processingType"))
    needed = ("name", "objectTypeId", "processingType")
    if missed := [name for name in needed if not isinstance(body.get(name), str) or not body[name]]:
        raise bad_json(f"Some required fields were not set: [{', '.join(missed)}]")
    contacts_only(body["objectTypeId"])
    if body["processingType"] not in PROCESSING:
        raise refuse(400, f"Invalid processingType: {body['processingType']}", "VALIDATION_ERROR")
    _free_name(account, body["name"])
    now = account.clock.now()
    id = int(account.db.value("select coalesce(max(id), 0) + 1 from lists"))
    account.db.run(LIST, id, body["name"], body["processingType"], now, now, "[]")
    return Reply(200, {"list": _full(account, find(account, str(id)))})


def rename(account: Account, call: Call) -> Reply:
    """The name stands in the query; without one nothing changes."""
    row, name = find(account, call.args["id"]), call.one("listName")
    if name and name != row.name:
        _free_name(account, name, row.id)
        sql = "update lists set name = ?, updated = ?, version = version + 1 where id = ?"
        account.db.run(sql, name, account.clock.now(), row.id)
    return Reply(200, {"updatedList": _full(account, find(account, call.args["id"]))})


def delete(account: Account, call: Call) -> Reply:
    row = find(account, call.args["id"])
    account.db.run("update lists set deleted = ? where id = ?", account.clock.now(), row.id)
    return Reply(204)


def restore(account: Account, call: Call) -> Reply:
    """Back with its members, for 90 days; its name must still be free. A list that is there stays so."""
    id = call.args["id"]
    try:
        row = find(account, id, deleted=True)
    except Refusal:
        find(account, id)
        return Reply(204)
    if row.deleted is None or row.deleted <= account.clock.now() - BIN:
        raise missing(id)
    _free_name(account, row.name, row.id)
    account.db.run("update lists set deleted = null where id = ?", row.id)
    return Reply(204)


_ONE = "/crm/lists/{id}"
ROUTES = (
    route("POST", "/crm/lists/search", search, scopes=READ),
    route("GET", "/crm/lists", several, "listIds", "includeFilters", scopes=READ),
    route("POST", "/crm/lists", create, scopes=WRITE),
    route("GET", "/crm/lists/object-type-id/{kind}/name/{name}", by_name, "includeFilters", scopes=READ),
    route("GET", _ONE, get, "includeFilters", scopes=READ),
    route("DELETE", _ONE, delete, scopes=WRITE),
    route("PUT", _ONE + "/restore", restore, scopes=WRITE),
    route("PUT", _ONE + "/update-list-name", rename, "listName", "includeFilters", scopes=WRITE),
)
