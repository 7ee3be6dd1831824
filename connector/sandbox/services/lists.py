"""Lists and who is on them (HUBSPOT.md 5.7, 7). Membership moves no date of a contact."""

from __future__ import annotations

from typing import Any

from connector.sandbox import kinds
from connector.sandbox.clock import iso
from connector.sandbox.state import Account
from connector.sandbox.state.engagement import LIST
from connector.sandbox.wire import (
    Body,
    Call,
    Reply,
    Unimitated,
    bad_json,
    decode,
    integer,
    refuse,
    route,
    texts,
    within,
)

READ, WRITE = "crm.lists.read", "crm.lists.write"
CAP = 10_000
Row = tuple[int, str, str, int, int, int]


def _show(row: Row) -> Body:
    id, name, processing, created, updated, members = row
    return {
        "listId": str(id),
        "listVersion": 1,
        "name": name,
        "objectTypeId": "0-1",
        "processingType": processing,
        "processingStatus": "COMPLETE",
        "size": members,
        "createdAt": iso(created),
        "updatedAt": iso(updated),
        "additionalProperties": {"hs_list_size": str(members)},
    }


def _missing(id: str) -> Exception:
    return refuse(
        404, f"List does not exist with ID {id}.", "OBJECT_NOT_FOUND", subCategory="ILS.LIST_NOT_FOUND"
    )


def _find(account: Account, call: Call) -> Row:
    id = call.args["id"]
    rows = account.engagement.lists("id = ?", (int(id),), "id") if id.isdecimal() and len(id) < 19 else []
    if not rows:
        raise _missing(id)
    return rows[0]


def search(account: Account, call: Call) -> Reply:
    body = call.json(
        (
            "query",
            "processingTypes",
            "listIds",
            "offset",
            "count",
            "sort",
            "additionalProperties",
            "objectTypeId",
        )
    )
    offset, count = integer(body, "offset", 0), within("count", integer(body, "count", 20), 500)
    if offset < 0 or offset + count > CAP:
        raise refuse(400, f"offset must not exceed {CAP}", "VALIDATION_ERROR")
    order = {"HS_UPDATED_AT": "updated, id", "-HS_UPDATED_AT": "updated desc, id"}.get(
        str(body.get("sort")), "id"
    )
    found = account.engagement.lists("instr(lower(name), ?) or ? = ''", _twice(body), order)
    types, ids = texts(body, "processingTypes"), texts(body, "listIds")
    kept = [row for row in found if (not types or row[2] in types) and (not ids or str(row[0]) in ids)]
    shown = [_show(row) for row in kept[offset : offset + count]]
    more = offset + count < len(kept)
    return Reply(200, {"offset": offset + len(shown), "hasMore": more, "lists": shown, "total": len(kept)})


def _twice(body: Body) -> tuple[str, str]:
    text = str(body.get("query") or "").lower()
    return text, text


def get(account: Account, call: Call) -> Reply:
    return Reply(200, {"list": _show(_find(account, call))})


def every(account: Account, call: Call) -> Reply:
    wanted = call.many("listIds")
    rows = account.engagement.lists("1", (), "id")
    return Reply(200, {"lists": [_show(row) for row in rows if str(row[0]) in wanted]})


def by_name(account: Account, call: Call) -> Reply:
    _contacts_only(call.args["kind"])
    rows = account.engagement.lists("name = ?", (call.args["name"],), "id")
    if not rows:
        raise refuse(404, f"List does not exist with name {call.args['name']}.", "OBJECT_NOT_FOUND")
    return Reply(200, {"list": _show(rows[0])})


def _contacts_only(name: str) -> None:
    kind = kinds.find(name)
    if kind is None or kind.plural != "contacts":
        raise Unimitated(f"lists of {name}")


def create(account: Account, call: Call) -> Reply:
    body = call.json(("name", "objectTypeId", "processingType"))
    needed = ("name", "objectTypeId", "processingType")
    if missing := [name for name in needed if not isinstance(body.get(name), str) or not body[name]]:
        raise bad_json(f"Some required fields were not set: [{', '.join(missing)}]")
    _contacts_only(body["objectTypeId"])
    if account.db.value("select 1 from lists where name = ?", body["name"]):
        raise refuse(
            400,
            f"List with name {body['name']} already exists.",
            "VALIDATION_ERROR",
            subCategory="ILS.DUPLICATE_LIST_NAMES",
        )
    now = account.clock.now()
    id = int(account.db.value("select coalesce(max(id), 0) + 1 from lists"))
    account.db.run(LIST, id, body["name"], body["processingType"], now, now)
    return Reply(200, {"list": _show((id, body["name"], body["processingType"], now, now, 0))})


def memberships(account: Account, call: Call) -> Reply:
    row, limit, after = _find(account, call), call.whole("limit", 100, 250), call.whole("after", 0, 2**62, 0)
    members = account.engagement.members(row[0], after, limit + 1)
    return _members(members, limit, row[5], str(members[limit][0]) if len(members) > limit else None)


def joined(account: Account, call: Call) -> Reply:
    """Who joined last comes first."""
    row, limit, after = _find(account, call), call.whole("limit", 100, 250), call.whole("after", 0, 2**62, 0)
    members = account.engagement.joined(row[0], after, limit + 1)
    return _members(members, limit, row[5], str(after + limit) if len(members) > limit else None)


def _members(members: list[tuple[int, int]], limit: int, total: int, after: str | None) -> Reply:
    results = [{"recordId": str(id), "membershipTimestamp": iso(at)} for id, at in members[:limit]]
    body: Body = {"total": total, "results": results}
    if after is not None:
        body["paging"] = {"next": {"after": after}}
    return Reply(200, body)


def _manual(account: Account, call: Call) -> int:
    row = _find(account, call)
    if row[2] == "DYNAMIC":
        raise refuse(
            400,
            f"List {row[0]} is dynamic: its members cannot be changed by hand.",
            "VALIDATION_ERROR",
            subCategory="ILS.INVALID_LIST_PROCESSING_TYPE",
        )
    return row[0]


def _ids(given: Any) -> list[str]:
    if not isinstance(given, list):
        raise bad_json("Cannot deserialize value of type `java.util.LinkedHashSet<java.lang.Long>`")
    return list(dict.fromkeys(str(id) for id in given))


def _change(account: Account, list_id: int, add: list[str], remove: list[str]) -> Reply:
    numbers = [int(id) for id in (*add, *remove) if id.isdecimal() and len(id) < 19]
    known = account.records.some("contacts", numbers)
    now = account.clock.now()
    there = {id for id in (*add, *remove) if id.isdecimal() and len(id) < 19 and int(id) in known}
    added = [id for id in add if id in there and account.engagement.join(list_id, int(id), now)]
    removed = [id for id in remove if id in there and account.engagement.leave(list_id, int(id))]
    missing = [id for id in (*add, *remove) if id not in there]
    # `recordsIdsAdded` is how HubSpot spells it (7).
    return Reply(200, {"recordsIdsAdded": added, "recordIdsRemoved": removed, "recordIdsMissing": missing})


def add(account: Account, call: Call) -> Reply:
    return _change(account, _manual(account, call), _ids(decode(call.raw)), [])


def remove(account: Account, call: Call) -> Reply:
    return _change(account, _manual(account, call), [], _ids(decode(call.raw)))


def add_and_remove(account: Account, call: Call) -> Reply:
    body = call.json(("recordIdsToAdd", "recordIdsToRemove"))
    added, removed = texts(body, "recordIdsToAdd"), texts(body, "recordIdsToRemove")
    return _change(account, _manual(account, call), _ids(added), _ids(removed))


def of_record(account: Account, call: Call) -> Reply:
    _contacts_only(call.args["kind"])
    text = call.args["id"]
    id = account.records.canonical("contacts", int(text)) if text.isdecimal() and len(text) < 19 else -1
    shown = [
        {
            "listId": str(list_id),
            "listVersion": 1,
            "firstAddedTimestamp": iso(at),
            "lastAddedTimestamp": iso(at),
        }
        for list_id, at in account.engagement.lists_of(id)
    ]
    return Reply(200, {"results": shown, "total": len(shown)})


_ONE = "/crm/lists/{id}"
ROUTES = (
    route("POST", "/crm/lists/search", search, scopes=READ),
    route("GET", "/crm/lists", every, "listIds", "includeFilters", scopes=READ),
    route("POST", "/crm/lists", create, scopes=WRITE),
    route("GET", "/crm/lists/object-type-id/{kind}/name/{name}", by_name, "includeFilters", scopes=READ),
    route("GET", "/crm/lists/records/{kind}/{id}/memberships", of_record, scopes=READ),
    route("GET", _ONE, get, "includeFilters", scopes=READ),
    route("GET", _ONE + "/memberships", memberships, "limit", "after", scopes=READ),
    route("GET", _ONE + "/memberships/join-order", joined, "limit", "after", scopes=READ),
    route("PUT", _ONE + "/memberships/add", add, scopes=WRITE),
    route("PUT", _ONE + "/memberships/remove", remove, scopes=WRITE),
    route("PUT", _ONE + "/memberships/add-and-remove", add_and_remove, scopes=WRITE),
)
