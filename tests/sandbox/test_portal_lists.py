"""Lists and their members (HUBSPOT.md 5.7, 7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from small_account import BOB, DAY, JANE, NOW, ZOE

from connector import sandbox
from connector.sandbox.clock import iso
from connector.sandbox.rows import ListDef, Membership

Ask = Callable[..., Any]
LISTS = "/crm/lists/2026-03"


def _members(ask: Ask, id: int | str) -> list[str]:
    return [one["recordId"] for one in ask("GET", f"{LISTS}/{id}/memberships")[1]["results"]]


def test_a_list_is_made_renamed_deleted_and_brought_back(portal: sandbox.Portal, ask: Ask) -> None:
    wanted = {"name": "Salon", "objectTypeId": "0-1", "processingType": "MANUAL"}
    status, made = ask("POST", LISTS, wanted)
    id = made["list"]["listId"]
    assert (status, made["list"]["size"], made["list"]["listVersion"]) == (200, 0, 1)
    ask("PUT", f"{LISTS}/{id}/memberships/add", [str(BOB)])
    portal.advance(60)
    _, renamed = ask("PUT", f"{LISTS}/{id}/update-list-name?listName=Salon%202026")
    assert renamed["updatedList"]["name"] == "Salon 2026"
    assert renamed["updatedList"]["updatedAt"] == iso(NOW + 60_000)
    assert ask("DELETE", f"{LISTS}/{id}")[0] == 204
    status, body = ask("GET", f"{LISTS}/{id}")
    assert (status, body["subCategory"]) == (404, "ILS.LIST_NOT_FOUND")
    assert ask("GET", f"{LISTS}/object-type-id/0-1/name/Salon%202026")[0] == 404
    assert ask("POST", f"{LISTS}/search", {"listIds": [id]})[1]["total"] == 0
    assert ask("GET", f"{LISTS}/records/0-1/{BOB}/memberships")[1]["total"] == 1
    assert ask("PUT", f"{LISTS}/{id}/restore")[0] == 204
    assert _members(ask, id) == [str(BOB)]
    assert ask("PUT", f"{LISTS}/{id}/restore")[0] == 204


def test_a_deleted_list_is_gone_for_good_after_ninety_days(portal: sandbox.Portal, ask: Ask) -> None:
    ask("DELETE", f"{LISTS}/1")
    portal.advance(90 * 86_400)
    assert ask("PUT", f"{LISTS}/1/restore")[0] == 404


def test_a_name_is_taken_only_by_a_list_that_is_there(ask: Ask) -> None:
    wanted = {"name": "Newsletter", "objectTypeId": "0-1", "processingType": "SNAPSHOT"}
    status, body = ask("POST", LISTS, wanted)
    assert (status, body["subCategory"]) == (400, "ILS.DUPLICATE_LIST_NAMES")
    status, body = ask("PUT", f"{LISTS}/2/update-list-name?listName=Newsletter")
    assert (status, body["subCategory"]) == (400, "ILS.DUPLICATE_LIST_NAMES")
    assert ask("PUT", f"{LISTS}/1/update-list-name?listName=Newsletter")[0] == 200
    ask("DELETE", f"{LISTS}/1")
    assert ask("POST", LISTS, wanted)[0] == 200
    status, body = ask("PUT", f"{LISTS}/1/restore")
    assert (status, body["subCategory"]) == (400, "ILS.DUPLICATE_LIST_NAMES")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"processingType": "SOMETIMES"}, None),
        ({"name": ""}, "name"),
        ({"processingType": None}, "processingType"),
    ],
)
def test_a_list_that_cannot_be_is_refused(ask: Ask, change: dict[str, Any], field: str | None) -> None:
    wanted = {"name": "N", "objectTypeId": "0-1", "processingType": "MANUAL", **change}
    status, body = ask("POST", LISTS, wanted)
    assert status == 400
    assert body.get("category") == "VALIDATION_ERROR" if field is None else field in body["message"]


WRITES = [
    ("PUT", "memberships/add", [str(ZOE)]),
    ("PUT", "memberships/remove", [str(BOB)]),
    ("PUT", "memberships/add-and-remove", {"recordIdsToAdd": [str(ZOE)], "recordIdsToRemove": []}),
    ("PUT", "memberships/add-from/1", None),
    ("DELETE", "memberships", None),
]


@pytest.mark.parametrize(("method", "verb", "body"), WRITES, ids=[verb for _, verb, _ in WRITES])
def test_only_hubspot_changes_a_dynamic_list(
    portal: sandbox.Portal, ask: Ask, method: str, verb: str, body: Any
) -> None:
    portal.load([Membership(2, BOB, NOW - DAY), ListDef(3, "Snapshot", "SNAPSHOT"), Membership(3, BOB, NOW)])
    status, refused = ask(method, f"{LISTS}/2/{verb}", body)
    assert (status, refused["category"]) == (400, "VALIDATION_ERROR")
    assert _members(ask, 2) == [str(BOB)]
    assert ask(method, f"{LISTS}/3/{verb}", body)[0] in (200, 204)
    assert ask(method, f"{LISTS}/9/{verb}", body)[0] == 404


def test_members_come_and_go(portal: sandbox.Portal, ask: Ask) -> None:
    path = f"{LISTS}/1/memberships"
    before = portal.record("contacts", BOB)["updatedAt"], ask("GET", f"{LISTS}/1")[1]["list"]["updatedAt"]
    body = {"recordIdsToAdd": [str(ZOE), "12", "x"], "recordIdsToRemove": [str(BOB), "13"]}
    _, told = ask("PUT", f"{path}/add-and-remove", body)
    assert told == {
        "recordsIdsAdded": [str(ZOE)],
        "recordIdsRemoved": [str(BOB)],
        "recordIdsMissing": ["12", "x", "13"],
    }
    assert _members(ask, 1) == [str(JANE), str(ZOE)]
    after = portal.record("contacts", BOB)["updatedAt"], ask("GET", f"{LISTS}/1")[1]["list"]["updatedAt"]
    assert after == before
    assert ask("PUT", f"{LISTS}/1/memberships/add-from/2")[0] == 204
    assert ask("DELETE", path)[0] == 204
    assert ask("GET", path)[1] == {"total": 0, "results": []}


def test_a_list_takes_everybody_of_another(portal: sandbox.Portal, ask: Ask) -> None:
    portal.load([ListDef(3, "Salon"), Membership(3, ZOE, NOW - DAY), Membership(3, JANE, NOW - DAY)])
    portal.advance(1)
    assert ask("PUT", f"{LISTS}/1/memberships/add-from/3")[0] == 204
    joined = ask("GET", f"{LISTS}/1/memberships/join-order")[1]["results"]
    # Jane was on it: she keeps the moment she joined.
    assert [(one["recordId"], one["membershipTimestamp"]) for one in joined] == [
        (str(ZOE), iso(NOW + 1000)),
        (str(BOB), iso(NOW - 5 * DAY)),
        (str(JANE), iso(NOW - 6 * DAY)),
    ]
    assert ask("PUT", f"{LISTS}/1/memberships/add-from/99")[0] == 404


def test_members_page_by_page(ask: Ask) -> None:
    for path in (f"{LISTS}/1/memberships", f"{LISTS}/1/memberships/join-order"):
        _, first = ask("GET", f"{path}?limit=1")
        _, second = ask("GET", f"{path}?limit=1&after={first['paging']['next']['after']}")
        assert {one["recordId"] for one in (*first["results"], *second["results"])} == {str(JANE), str(BOB)}
        assert "paging" not in second
        assert ask("GET", f"{path}?limit=251")[0] == 400


def test_an_archived_contact_is_on_no_list(portal: sandbox.Portal, ask: Ask) -> None:
    portal.archive(BOB)
    assert _members(ask, 1) == [str(JANE)]
    assert ask("GET", f"{LISTS}/1")[1]["list"]["size"] == 1
    assert ask("GET", f"{LISTS}/records/0-1/{BOB}/memberships")[1]["results"] == []


def test_the_lists_of_some_records(ask: Ask) -> None:
    inputs = [{"objectTypeId": "0-1", "recordId": str(id)} for id in (JANE, ZOE, 12)]
    status, body = ask("POST", f"{LISTS}/records/memberships/batch/read", {"inputs": inputs})
    found = {
        one["recordId"]: [row["listId"] for row in one["recordListMemberships"]] for one in body["results"]
    }
    assert (status, body["status"]) == (200, "COMPLETE")
    assert found == {str(JANE): ["1"], str(ZOE): [], "12": []}
    status, body = ask("POST", f"{LISTS}/records/memberships/batch/read", {"inputs": [{"recordId": "1"}]})
    assert status == 400


def test_a_search_gives_pages_and_additional_properties(portal: sandbox.Portal, ask: Ask) -> None:
    portal.load([ListDef(id, f"Salon {id}") for id in range(3, 8)])
    portal.advance(5)
    ask("PUT", f"{LISTS}/1/memberships/remove", [str(BOB)])
    _, body = ask("POST", f"{LISTS}/search", {"query": "SALON", "count": 3})
    assert (body["total"], body["hasMore"], body["offset"]) == (5, True, 3)
    _, body = ask("POST", f"{LISTS}/search", {"query": "salon", "count": 3, "offset": 3})
    assert [one["name"] for one in body["lists"]] == ["Salon 6", "Salon 7"] and body["hasMore"] is False
    _, body = ask("POST", f"{LISTS}/search", {"listIds": ["1"], "additionalProperties": ["hs_nothing"]})
    assert body["lists"][0]["additionalProperties"] == {
        "hs_list_size": "1",
        "hs_last_record_added_at": str(NOW - 6 * DAY),
        "hs_last_record_removed_at": str(NOW + 5000),
        "hs_list_reference_count": "0",
    }
    _, body = ask("POST", f"{LISTS}/search", {"processingTypes": ["DYNAMIC"]})
    assert [one["listId"] for one in body["lists"]] == ["2"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"offset": 9_980}, 200),
        ({"offset": 9_981}, 400),
        ({"offset": 10_000, "count": 1}, 400),
        ({"count": 500}, 200),
        ({"count": 501}, 400),
        ({"sort": "-HS_UPDATED_AT"}, 200),
        ({"sort": "HS_LIST_NAME"}, 501),
        ({"objectTypeId": "0-2"}, 501),
    ],
)
def test_how_far_a_search_goes(ask: Ask, body: dict[str, Any], status: int) -> None:
    assert ask("POST", f"{LISTS}/search", body)[0] == status


def test_several_lists_at_once_leave_out_what_is_not_there(ask: Ask) -> None:
    _, body = ask("GET", f"{LISTS}?listIds=2&listIds=1&listIds=77")
    assert [one["listId"] for one in body["lists"]] == ["1", "2"]


def test_folders_filters_and_mappings_are_said_to_be_missing(client: httpx.Client) -> None:
    for path in (f"{LISTS}/folders", f"{LISTS}/idmapping"):
        assert client.get(path).status_code == 501
    assert client.put(f"{LISTS}/1/update-list-filters", json={}).status_code == 501
    wanted = {"name": "F", "objectTypeId": "0-1", "processingType": "DYNAMIC", "filterBranch": {}}
    assert client.post(LISTS, json=wanted).status_code == 501
