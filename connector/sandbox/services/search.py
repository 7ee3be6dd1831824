"""Search (HUBSPOT.md 3.4): its caps, its operators, its pages. What it can find is `state/index`."""

from __future__ import annotations

from typing import Any

from connector.sandbox import refusals
from connector.sandbox.kinds import Kind
from connector.sandbox.services.filters import Conditions, comparable
from connector.sandbox.services.objects import READ
from connector.sandbox.services.rendering import View
from connector.sandbox.state import Account
from connector.sandbox.state.index import Query
from connector.sandbox.wire import Body, Call, Reply, bad_json, refuse, route, texts, within

CAP, MOST = 10_000, 200
GROUPS, PER_GROUP, IN_ALL = 5, 6, 18
STRETCH = 40  # rows between two empty pages, with the knob short_or_empty_pages_with_next
_KNOWN = ("filterGroups", "filters", "sorts", "query", "properties", "limit", "after")


def search(account: Account, call: Call) -> Reply:
    """Matches on the index, answers with present values: rows may lie outside the window asked for."""
    kind = call.kind()
    body = call.json(_KNOWN)
    longest = account.knobs.search_body_limit
    if 0 < longest < len(call.raw.decode(errors="replace")):
        raise refuse(400, f"The request body must not exceed {longest} characters.", "VALIDATION_ERROR")
    limit, after = _whole(body, "limit", 10), _whole(body, "after", 0)
    within("limit", limit, MOST, 0)
    first, size, following = _rows(account, after, limit)
    if first >= CAP or first + limit > CAP:
        raise refusals.bare()
    total, ids = account.index.search(kind.plural, _query(account, kind, body), first, size)
    records = account.records.some(kind.plural, ids)
    view = View(account, kind.plural, texts(body, "properties"))
    found: Body = {"total": total, "results": [view.show(records[id]) for id in ids if id in records]}
    if first + size < total and limit:
        found["paging"] = {"next": {"after": str(following)}}
    return Reply(200, found)


def _rows(account: Account, after: int, limit: int) -> tuple[int, int, int]:
    """(first row, number of rows, the next `after`) of a page.

    `after` is the number of rows before; with the knob pages are half full at most, and after every STRETCH rows
    comes a page with none, which counts as one more.
    """
    if not account.knobs.short_or_empty_pages_with_next:
        return after, limit, after + limit
    block, place = divmod(after, STRETCH + 1)
    size = min(max(1, limit // 2), STRETCH - place)
    return block * STRETCH + place, size, after + max(1, size)


def _whole(body: Body, name: str, default: int) -> int:
    value = body.get(name)
    if value is None or value == "":
        return default
    text = str(value)
    if isinstance(value, bool) or not text.isdecimal() or len(text) > 12:
        raise bad_json(f'Cannot deserialize value of type `int` from "{text}": not a valid `int` value')
    return int(text)


def _query(account: Account, kind: Kind, body: Body) -> Query:
    groups = _groups(body)
    conditions = Conditions(account, kind)
    parts = [" and ".join(conditions.add(one) for one in group) for group in groups if group]
    where = " or ".join(f"({part})" for part in parts) or "1"
    if text := str(body.get("query") or ""):
        where = f"({where}) and {conditions.words(text)}"
    return Query(where, tuple(conditions.values), _order(account, kind, body))


def _groups(body: Body) -> list[list[Body]]:
    groups = body.get("filterGroups") or []
    if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
        raise bad_json("Cannot deserialize value of type `java.util.ArrayList`")
    found = [group.get("filters") or [] for group in groups]
    if body.get("filters"):
        found.append(body["filters"])
    if not all(isinstance(group, list) and all(isinstance(one, dict) for one in group) for group in found):
        raise bad_json("Cannot deserialize value of type `java.util.ArrayList`")
    _caps(found)
    return found


def _caps(groups: list[list[Body]]) -> None:
    if len(groups) > GROUPS:
        raise _too_many(f"too many filter groups (count: {len(groups)}, max allowed: {GROUPS})")
    for group in groups:
        if len(group) > PER_GROUP:
            raise _too_many(
                f"too many filters per filter group (count: {len(group)}, max allowed: {PER_GROUP})"
            )
    if (number := sum(map(len, groups))) > IN_ALL:
        raise _too_many(f"too many filters (count: {number}, max allowed: {IN_ALL})")


def _too_many(message: str) -> Exception:
    return refuse(400, message, "VALIDATION_ERROR")


def _order(account: Account, kind: Kind, body: Body) -> str:
    sorts = body.get("sorts") or []
    if not isinstance(sorts, list):
        raise bad_json("Cannot deserialize value of type `java.util.ArrayList`")
    if len(sorts) > 1:
        raise _too_many(f"too many sorts (count: {len(sorts)}, max allowed: 1)")
    name, down = _sort(sorts[0]) if sorts else (kind.created, False)
    definition = account.definitions.find(kind.plural, name)
    if definition is None:
        raise refusals.bare()
    by = comparable(account, kind, definition)
    if not account.knobs.search_keeps_sort and by in ("modified", "created"):
        # Off by up to an hour, the same way each time (HUBSPOT.md 10, row 41).
        by = f"{by} + (id * 1640531) % 3600000"
    return f"{by} {'desc' if down else 'asc'}, id"


def _sort(one: Any) -> tuple[str, bool]:
    if isinstance(one, str):
        return one.removeprefix("-"), one.startswith("-")
    if not isinstance(one, dict) or "propertyName" not in one:
        raise bad_json("Some required fields were not set: [propertyName]")
    direction = one.get("direction", "ASCENDING")
    if direction not in ("ASCENDING", "DESCENDING"):
        raise bad_json(f'Cannot deserialize value of type `Direction` from "{direction}"')
    return str(one["propertyName"]), direction == "DESCENDING"


ROUTES = (route("POST", "/crm/objects/{kind}/search", search, scopes=READ, bucket="search"),)
