"""Batches that create or change: their keys, their duplicates, their silence (HUBSPOT.md 3.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from small_account import BOB, JANE, ZOE

from connector import sandbox

Ask = Callable[..., tuple[int, Any]]
CONTACTS = "/crm/v3/objects/contacts"
UPSERT, UPDATE = f"{CONTACTS}/batch/upsert", f"{CONTACTS}/batch/update"


def _item(id: str, name: str = "email", trace: str = "", **properties: Any) -> dict[str, Any]:
    traced = {"objectWriteTraceId": trace} if trace else {}
    return {"id": id, **({"idProperty": name} if name else {}), "properties": properties, **traced}


def _contacts(ask: Ask) -> int:
    return len(ask("GET", f"{CONTACTS}?limit=100")[1]["results"])


@pytest.fixture
def unique(ask: Ask) -> str:
    """A property of the account whose values are unique."""
    body = {
        "name": "customer_number",
        "label": "N° client",
        "type": "string",
        "fieldType": "text",
        "groupName": "contactinformation",
        "hasUniqueValue": True,
    }
    assert ask("POST", "/crm/v3/properties/contacts", body)[0] == 201
    return "customer_number"


def test_a_unique_property_of_the_account_is_a_key_everywhere(ask: Ask, unique: str) -> None:
    for new in (True, False):
        (result,) = ask("POST", UPSERT, {"inputs": [_item("A-1", unique, fax="1")]})[1]["results"]
        assert result["new"] is new
    assert ask("GET", f"{CONTACTS}/A-1?idProperty={unique}")[1]["id"] == result["id"]
    assert ask("PATCH", f"{CONTACTS}/A-1?idProperty={unique}", {"properties": {"fax": "2"}})[0] == 200
    (updated,) = ask("POST", UPDATE, {"inputs": [_item("A-1", unique, fax="3")]})[1]["results"]
    assert updated["id"] == result["id"] and updated["properties"]["fax"] == "3"


@pytest.mark.parametrize("name", ["hs_object_id", "firstname", "nope"])
def test_what_is_not_unique_is_no_key(portal: sandbox.Portal, ask: Ask, name: str) -> None:
    words = f"Unable to perform update/upsert by non-unique 0-1 property {name} in portal ID "
    for path in (UPSERT, UPDATE):
        status, body = ask("POST", path, {"inputs": [_item(str(BOB), name, fax="1")]})
        assert (status, body["message"]) == (400, f"{words}{portal.account.portal_id}")


@pytest.mark.parametrize(
    ("ids", "named"),
    [
        (["jane@acme.fr", "elodie@home.fr"], ["jane@acme.fr", "elodie@home.fr"]),
        (["jane@acme.fr", "JANE@acme.fr", "bob@acme.fr"], ["jane@acme.fr", "JANE@acme.fr"]),
        (["new@x.fr", "New@X.fr"], ["new@x.fr", "New@X.fr"]),
        (["new@x.fr", "new@x.fr"], ["new@x.fr"]),
    ],
)
def test_two_names_of_one_record_refuse_the_whole_batch(ask: Ask, ids: list[str], named: list[str]) -> None:
    inputs = [_item(id, trace=str(n), fax="1") for n, id in enumerate(ids)]
    status, body = ask("POST", UPSERT, {"inputs": inputs})
    assert (status, body["context"], body["category"]) == (400, {"ids": named}, "VALIDATION_ERROR")
    assert body["message"] == f"Duplicate IDs found in batch input: [{', '.join(named)}]. IDs must be unique"
    assert _contacts(ask) == 3


def test_a_merged_away_id_and_the_new_one_are_one_record(portal: sandbox.Portal, ask: Ask) -> None:
    new = portal.merge(BOB, JANE)
    inputs = [_item(str(id), "", fax="1") for id in (new, JANE)]
    assert ask("POST", UPDATE, {"inputs": inputs})[0] == 400
    portal.knobs(merged_ids_are_duplicates=False)
    status, body = ask("POST", UPDATE, {"inputs": inputs})
    assert (status, [one["id"] for one in body["results"]]) == (207, [str(new)])
    assert body["errors"][0]["context"] == {"ids": [str(JANE)]}


def test_with_trace_ids_the_good_ones_are_written_and_the_bad_ones_listed(
    portal: sandbox.Portal, ask: Ask
) -> None:
    portal.knobs(batch_update_trace_ids_207=False)  # of updates only: for the others it is known
    inputs = [_item("bob@acme.fr", trace="a", fax="1"), _item("n@x.fr", trace="b", missing="1")]
    status, body = ask("POST", UPSERT, {"inputs": inputs})
    assert (status, [one["objectWriteTraceId"] for one in body["results"]]) == (207, ["a"])
    assert body["errors"][0]["context"] == {"objectWriteTraceId": ["b"]}
    assert (portal.record("contacts", BOB)["properties"]["fax"], _contacts(ask)) == ("1", 3)
    created = [
        {"properties": {"email": "o@x.fr"}, "objectWriteTraceId": "a"},
        {"properties": {"missing": "1"}, "objectWriteTraceId": "b"},
    ]
    assert ask("POST", f"{CONTACTS}/batch/create", {"inputs": created})[0] == 207
    for item in inputs:
        item["objectWriteTraceId"] = "the same"
    inputs[0]["properties"] = {"fax": "2"}
    assert ask("POST", UPSERT, {"inputs": inputs})[0] == 400
    assert portal.record("contacts", BOB)["properties"]["fax"] == "1"


@pytest.mark.parametrize("path", [UPSERT, UPDATE])
def test_an_address_without_a_word_of_what_it_is_is_written_nowhere(
    portal: sandbox.Portal, ask: Ask, path: str
) -> None:
    inputs = [_item("bob@acme.fr", "", "a", fax="1")]
    status, body = ask("POST", path, {"inputs": inputs})
    assert (status, body["results"], "errors" in body) == (200, [], False)
    portal.knobs(malformed_input="empty")
    (result,) = ask("POST", path, {"inputs": inputs})[1]["results"]
    assert (result["properties"], result["objectWriteTraceId"]) == ({}, "a")
    assert "fax" not in portal.record("contacts", BOB)["properties"] and _contacts(ask) == 3


def test_one_bad_input_may_refuse_all_that_come_by_address(portal: sandbox.Portal, ask: Ask) -> None:
    portal.knobs(partial_upsert_by_email="all_or_nothing")
    inputs = [_item("n@x.fr", trace="a", fax="1"), _item("o@x.fr", trace="b", missing="1")]
    assert ask("POST", UPSERT, {"inputs": inputs})[0] == 400
    assert _contacts(ask) == 3


def test_two_upserts_at_once_conflict(portal: sandbox.Portal, ask: Ask) -> None:
    portal.knobs(upsert_race=2.0)
    body = {"inputs": [_item("n@x.fr", fax="1")]}
    (made,) = ask("POST", UPSERT, body)[1]["results"]
    status, answer = ask("POST", UPSERT, body)
    assert (status, answer["message"]) == (409, f"Contact already exists. Existing ID: {made['id']}")
    portal.advance(2)
    (again,) = ask("POST", UPSERT, body)[1]["results"]
    assert (again["id"], again["new"]) == (made["id"], False)


def test_an_upsert_of_another_s_address_is_a_conflict(ask: Ask) -> None:
    status, body = ask("POST", UPSERT, {"inputs": [_item("bob@acme.fr", email="elodie@home.fr")]})
    assert (status, body["category"]) == (409, "CONFLICT")


def test_a_hundred_at_most_and_none_is_nothing(ask: Ask) -> None:
    inputs = [_item(f"n{n}@x.fr") for n in range(101)]
    words = "The maximum number of inputs supported in a batch is 100. "
    words += "Please reduce the number of items and try again"
    for path in (UPSERT, UPDATE, f"{CONTACTS}/batch/read", f"{CONTACTS}/batch/archive"):
        status, body = ask("POST", path, {"inputs": inputs})
        assert (status, body["message"]) == (400, words)
    assert ask("POST", UPSERT, {"inputs": []})[1]["results"] == []


def test_a_unique_value_belongs_to_one_record(portal: sandbox.Portal, ask: Ask, unique: str) -> None:
    portal.edit(ZOE, {unique: "A-1"})
    status, body = ask("PATCH", f"{CONTACTS}/{BOB}", {"properties": {unique: "A-1"}})
    assert (status, body["errors"][0]["code"]) == (400, "CONFLICTING_UNIQUE_VALUE")
    assert ask("POST", CONTACTS, {"properties": {unique: "A-1"}})[0] == 400
    assert ask("PATCH", f"{CONTACTS}/{ZOE}", {"properties": {unique: "A-1", "fax": "1"}})[0] == 200


def test_a_key_in_the_bin_is_free(portal: sandbox.Portal, ask: Ask, unique: str) -> None:
    portal.edit(ZOE, {unique: "A-1"})
    portal.archive(ZOE)
    (result,) = ask("POST", UPSERT, {"inputs": [_item("A-1", unique)]})[1]["results"]
    assert result["new"] is True and result["id"] != str(ZOE)
