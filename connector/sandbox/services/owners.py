"""Owners (HUBSPOT.md 7): who records may belong to; those who left are in the archive, without a user id."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import orjson

from connector.sandbox.clock import iso
from connector.sandbox.state import Account
from connector.sandbox.wire import Body, Call, Reply, refuse, route

READ = "crm.objects.owners.read"
_COLUMNS = "select id, email, first_name, last_name, user_id, archived, teams from owners "


def _show(row: tuple[Any, ...]) -> Body:
    id, email, first, last, user, archived, teams = row
    body: Body = {
        "id": str(id),
        "email": email,
        "type": "PERSON",
        "firstName": first,
        "lastName": last,
        "userId": None if archived else user,
        "userIdIncludingInactive": user,
        "createdAt": iso(0),
        "updatedAt": iso(0),
        "archived": bool(archived),
    }
    if names := orjson.loads(teams):
        body["teams"] = [_team(name, place == 0) for place, name in enumerate(names)]
    return body


def _team(name: str, primary: bool) -> Body:
    return {"id": str(100 + crc32(name.encode()) % 900), "name": name, "primary": primary}


def every(account: Account, call: Call) -> Reply:
    after = call.one("after", "0")
    if not after.isdecimal():
        raise refuse(400, f"Invalid after: {after}", "VALIDATION_ERROR")
    limit, email = call.whole("limit", 100, 500), call.one("email").lower()
    where = "where archived = ? and id >= ? and (? = '' or email = ?) order by id limit ?"
    rows = account.db.rows(_COLUMNS + where, call.flag("archived"), int(after[:18]), email, email, limit + 1)
    body: Body = {"results": [_show(row) for row in rows[:limit]]}
    if len(rows) > limit:
        next_id = str(rows[limit][0])
        body["paging"] = {
            "next": {"after": next_id, "link": f"https://api.hubapi.com{call.path}?after={next_id}"}
        }
    return Reply(200, body)


def get(account: Account, call: Call) -> Reply:
    id = call.args["id"]
    column = "user_id" if call.one("idProperty", "id") == "userId" else "id"
    number = int(id) if id.isdecimal() and len(id) < 19 else -1
    where = f"where {column} = ? and archived = ?"
    row = account.db.row(_COLUMNS + where, number, call.flag("archived"))
    if row is None:
        raise refuse(404, f"Owner {id} was not found", "OBJECT_NOT_FOUND")
    return Reply(200, _show(row))


ROUTES = (
    route("GET", "/crm/owners", every, "limit", "after", "email", "archived", scopes=READ),
    route("GET", "/crm/owners/{id}", get, "idProperty", "archived", scopes=READ),
)
