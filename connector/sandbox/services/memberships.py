"""Who is on a list (HUBSPOT.md 5.7, 7). Membership moves no date, neither of the contact nor of the list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connector.sandbox.clock import iso
from connector.sandbox.services.lists import READ, WRITE, contacts_only, find
from connector.sandbox.state import Account
from connector.sandbox.state.engagement import ListRow
from connector.sandbox.wire import Body, Call, Reply, bad_json, completed, refuse, route, texts

MOST = 100_000  # records of one request, and of a list that is added from
MOST_READ = 100


def page(account: Account, call: Call) -> Reply:
    """By record id; `after` is the id of the next record."""
    row, limit, after = _asked(account, call)
    members = account.engagement.members(row.id, after, limit + 1)
    following = str(members[limit][0]) if len(members) > limit else None
    return _members(account, row, members[:limit], following)


def joined(account: Account, call: Call) -> Reply:
    """Who joined last comes first."""
    row, limit, after = _asked(account, call)
    members = account.engagement.joined(row.id, after, limit + 1)
    following = str(after + limit) if len(members) > limit else None
    return _members(account, row, members[:limit], following)


def _asked(account: Account, call: Call) -> tuple[ListRow, int, int]:
    row = find(account, call.args["id"])
    return row, call.whole("limit", 100, 250), call.whole("after", 0, 2**62, 0)


def _members(account: Account, row: ListRow, members: list[tuple[int, int]], after: str | None) -> Reply:
    results = [{"recordId": str(id), "membershipTimestamp": iso(at)} for id, at in members]
    body: Body = {"total": account.engagement.size(row.id), "results": results}
    if after is not None:
        body["paging"] = {"next": {"after": after}}
    return Reply(200, body)


def _by_hand(account: Account, call: Call) -> ListRow:
    """The list of the path. Raises Refusal (400) for one that HubSpot fills itself."""
    row = find(account, call.args["id"])
    if row.processing == "DYNAMIC":
        raise refuse(
            400,
            f"List {row.id} is dynamic: its members cannot be changed by hand.",
            "VALIDATION_ERROR",
            subCategory="ILS.INVALID_LIST_PROCESSING_TYPE",
        )
    return row


def _ids(given: Iterable[Any]) -> list[str]:
    ids = list(dict.fromkeys(str(id) for id in given))
    if len(ids) > MOST:
        raise refuse(400, f"No more than {MOST} records at once.", "VALIDATION_ERROR")
    return ids


def _change(account: Account, row: ListRow, add: list[str], remove: list[str]) -> Reply:
    numbers = [int(id) for id in (*add, *remove) if _number(id)]
    known = account.records.some("contacts", numbers)
    now = account.clock.now()
    there = {id for id in (*add, *remove) if _number(id) and int(id) in known}
    added = [id for id in add if id in there and account.engagement.join(row.id, int(id), now)]
    removed = [id for id in remove if id in there and account.engagement.leave(row.id, int(id), now)]
    lost = list(dict.fromkeys(id for id in (*add, *remove) if id not in there))
    # `recordsIdsAdded` is how HubSpot spells it (7).
    return Reply(200, {"recordsIdsAdded": added, "recordIdsRemoved": removed, "recordIdsMissing": lost})


def _number(id: str) -> bool:
    return id.isdecimal() and len(id) < 19


def add(account: Account, call: Call) -> Reply:
    return _change(account, _by_hand(account, call), _ids(call.array()), [])


def remove(account: Account, call: Call) -> Reply:
    return _change(account, _by_hand(account, call), [], _ids(call.array()))


def add_and_remove(account: Account, call: Call) -> Reply:
    body = call.json(("recordIdsToAdd", "recordIdsToRemove"))
    added, removed = texts(body, "recordIdsToAdd"), texts(body, "recordIdsToRemove")
    return _change(account, _by_hand(account, call), _ids(added), _ids(removed))


def remove_all(account: Account, call: Call) -> Reply:
    """The list stays, empty."""
    row = _by_hand(account, call)
    account.engagement.leave_all(row.id, account.clock.now())
    return Reply(204)


def add_from(account: Account, call: Call) -> Reply:
    """Everybody of another list, of whatever type that one is."""
    row, source = _by_hand(account, call), find(account, call.args["source"])
    if account.engagement.size(source.id) > MOST:
        raise refuse(400, f"List {source.id} has more than {MOST} members.", "VALIDATION_ERROR")
    account.engagement.join_from(row.id, source.id, account.clock.now())
    return Reply(204)


def of_record(account: Account, call: Call) -> Reply:
    contacts_only(call.args["kind"])
    shown = _lists_of(account, call.args["id"])
    return Reply(200, {"results": shown, "total": len(shown)})


def _lists_of(account: Account, text: str) -> list[Body]:
    id = account.records.canonical("contacts", int(text)) if _number(text) else -1
    return [
        {
            "listId": str(list_id),
            "listVersion": version,
            "firstAddedTimestamp": iso(at),
            "lastAddedTimestamp": iso(at),
        }
        for list_id, version, at in account.engagement.lists_of(id)
    ]


def of_records(account: Account, call: Call) -> Reply:
    results = []
    for item in call.inputs(MOST_READ, ()):
        kind, id = item.get("objectTypeId"), item.get("recordId")
        if not isinstance(kind, str) or id is None:
            raise bad_json("Some required fields were not set: [objectTypeId, recordId]")
        contacts_only(kind)
        lists = _lists_of(account, str(id))
        results.append({"objectTypeId": "0-1", "recordId": str(id), "recordListMemberships": lists})
    return completed(iso(account.clock.now()), results, [])


_OF_LIST, _OF_RECORD = "/crm/lists/{id}/memberships", "/crm/lists/records/"
ROUTES = (
    route("GET", _OF_LIST, page, "limit", "after", scopes=READ),
    route("GET", _OF_LIST + "/join-order", joined, "limit", "after", scopes=READ),
    route("PUT", _OF_LIST + "/add", add, scopes=WRITE),
    route("PUT", _OF_LIST + "/remove", remove, scopes=WRITE),
    route("PUT", _OF_LIST + "/add-and-remove", add_and_remove, scopes=WRITE),
    route("PUT", _OF_LIST + "/add-from/{source}", add_from, scopes=WRITE),
    route("DELETE", _OF_LIST, remove_all, scopes=WRITE),
    route("GET", _OF_RECORD + "{kind}/{id}/memberships", of_record, scopes=READ),
    route("POST", _OF_RECORD + "memberships/batch/read", of_records, scopes=READ),
)
