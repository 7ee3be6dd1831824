"""Associations: pages per input, labels, caps, what follows from them (HUBSPOT.md 5.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from small_account import ACME, BOB, DEAL, JANE, NOW, ZOE

from connector import sandbox
from connector.sandbox.rows import Link, Object

Ask = Callable[..., Any]
BATCH = "/crm/associations/2026-03/contacts/companies"


def _pair(id: int, to_id: int, *types: tuple[str, int]) -> dict[str, Any]:
    specs = [{"associationCategory": category, "associationTypeId": number} for category, number in types]
    return {"from": {"id": str(id)}, "to": {"id": str(to_id)}, "types": specs}


def _types(ask: Ask, id: int, of: str = BATCH) -> list[int]:
    _, body = ask("POST", f"{of}/batch/read", {"inputs": [{"id": str(id)}]})
    return [kind["typeId"] for row in body["results"] for to in row["to"] for kind in to["associationTypes"]]


def test_every_input_has_pages_of_its_own(portal: sandbox.Portal, ask: Ask) -> None:
    portal.knobs(association_page=2)
    companies = [Object("companies", ACME + n, {"name": f"C{n}"}, NOW, NOW) for n in range(1, 5)]
    portal.load([*companies, *(Link("contacts", BOB, "companies", ACME + n) for n in range(1, 5))])
    seen: list[int] = []
    inputs = [{"id": str(BOB)}, {"id": str(JANE)}]
    for _ in range(5):
        _, body = ask("POST", f"{BATCH}/batch/read", {"inputs": inputs})
        rows = {row["from"]["id"]: row for row in body["results"]}
        row = rows[str(BOB)]
        seen += [one["toObjectId"] for one in row["to"]]
        if "paging" not in row:
            break
        inputs = [{"id": str(BOB), "after": row["paging"]["next"]["after"]}]
    assert seen == [ACME + n for n in range(5)]


def test_nothing_joined_is_an_error_that_means_nothing_bad(ask: Ask) -> None:
    inputs = [{"id": str(JANE)}, {"id": str(ZOE)}, {"id": "12"}]
    status, body = ask("POST", f"{BATCH}/batch/read", {"inputs": inputs})
    assert (status, body["numErrors"]) == (207, 2)
    assert body["errors"][0] == {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No company is associated with contact {ZOE}.",
        "context": {
            "fromObjectId": [str(ZOE)],
            "fromObjectType": ["contact"],
            "toObjectType": ["company"],
        },
    }


@pytest.mark.parametrize(("verb", "most"), [("read", 1_000), ("create", 2_000), ("archive", 2_000)])
def test_how_many_inputs_there_may_be(ask: Ask, verb: str, most: int) -> None:
    one = {
        "read": {"id": str(ZOE)},
        "create": _pair(ZOE, ACME, ("HUBSPOT_DEFINED", 279)),
        "archive": {"from": {"id": str(ZOE)}, "to": [{"id": str(ACME)}]},
    }[verb]
    assert ask("POST", f"{BATCH}/batch/{verb}", {"inputs": [one] * most})[0] in (200, 201, 207)
    status, body = ask("POST", f"{BATCH}/batch/{verb}", {"inputs": [one] * (most + 1)})
    assert (status, body["category"]) == (400, "VALIDATION_ERROR") and f"is {most}." in body["message"]


def test_an_archive_answers_204_on_v4_and_200_on_a_dated_path(ask: Ask) -> None:
    inputs = {"inputs": [{"from": {"id": str(BOB)}, "to": [{"id": str(ACME)}]}]}
    assert ask("POST", "/crm/v4/associations/contacts/companies/batch/archive", inputs) == (204, None)
    status, body = ask("POST", f"{BATCH}/batch/archive", inputs)
    assert status == 200 and set(body) == {"status", "startedAt", "completedAt"}
    assert _types(ask, BOB) == [] and _types(ask, JANE) == [1, 279]


def test_a_batch_joins_those_that_are_there(ask: Ask) -> None:
    inputs = [_pair(ZOE, ACME, ("HUBSPOT_DEFINED", 279)), _pair(ZOE, 12, ("HUBSPOT_DEFINED", 279))]
    status, body = ask("POST", f"{BATCH}/batch/create", {"inputs": inputs})
    assert (status, body["numErrors"], len(body["results"])) == (207, 1, 1)
    assert body["errors"][0]["subCategory"] == "crm.associations.TO_OBJECT_NOT_FOUND"
    assert body["errors"][0]["message"] == "No company with ID 12 exists"
    assert body["results"][0]["fromObjectId"] == str(ZOE) and _types(ask, ZOE) == [279]


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ([("HUBSPOT_DEFINED", 4)], "invalid from object type 0-1"),
        ([("HUBSPOT_DEFINED", 341)], "expected: 0-3"),
        ([("USER_DEFINED", 279)], "invalid from object type 0-1"),
        ([], "invalid from object type 0-1"),
        ([("OURS", 279)], "Cannot deserialize"),
    ],
)
def test_types_of_another_pair_are_refused(ask: Ask, types: list[tuple[str, int]], message: str) -> None:
    status, body = ask("POST", f"{BATCH}/batch/create", {"inputs": [_pair(ZOE, ACME, *types)]})
    assert status == 400 and message in body["message"]
    assert _types(ask, ZOE) == []


def test_a_label_of_ones_own(ask: Ask) -> None:
    wanted = {"name": "manager", "label": "Responsable", "inverseLabel": "Géré par"}
    status, body = ask("POST", f"{BATCH}/labels", wanted)
    there, back = body["results"]
    assert status == 200
    assert [one["label"] for one in (there, back)] == ["Responsable", "Géré par"]
    assert {one["category"] for one in (there, back)} == {"USER_DEFINED"}
    assert ask("POST", f"{BATCH}/labels", wanted)[0] == 409

    types = [{"associationCategory": "USER_DEFINED", "associationTypeId": there["typeId"]}]
    path = f"/crm/objects/2026-03/contacts/{ZOE}/associations/companies/{ACME}"
    assert ask("PUT", path, types)[1]["labels"] == ["Responsable"]
    assert _types(ask, ZOE) == [279, there["typeId"]]
    other_way = "/crm/associations/2026-03/companies/contacts"
    assert back["typeId"] in _types(ask, ACME, other_way)

    changed = {"associationTypeId": there["typeId"], "label": "Dirige"}
    assert ask("PUT", f"{BATCH}/labels", changed)[0] == 204
    shown = {one["typeId"]: one["label"] for one in ask("GET", f"{BATCH}/labels")[1]["results"]}
    assert shown == {1: "Primary", 279: None, there["typeId"]: "Dirige"}

    gone = {"inputs": [_pair(ZOE, ACME, ("USER_DEFINED", there["typeId"]))]}
    assert ask("POST", f"{BATCH}/batch/labels/archive", gone)[0] == 204
    assert _types(ask, ZOE) == [279] and back["typeId"] not in _types(ask, ACME, other_way)

    ask("PUT", path, types)
    assert ask("DELETE", f"{BATCH}/labels/{there['typeId']}")[0] == 204
    assert ask("DELETE", f"{BATCH}/labels/{there['typeId']}")[0] == 404
    assert _types(ask, ZOE) == [279] and len(ask("GET", f"{BATCH}/labels")[1]["results"]) == 2


def test_taking_the_primary_label_leaves_the_association(ask: Ask) -> None:
    inputs = {"inputs": [_pair(JANE, ACME, ("HUBSPOT_DEFINED", 1))]}
    assert ask("POST", f"{BATCH}/batch/labels/archive", inputs)[0] == 204
    assert _types(ask, JANE) == [279]
    inputs = {"inputs": [_pair(JANE, ACME, ("HUBSPOT_DEFINED", 279))]}
    ask("POST", f"{BATCH}/batch/labels/archive", inputs)
    assert _types(ask, JANE) == []


def test_the_pages_of_one_record(ask: Ask) -> None:
    path = f"/crm/objects/2026-03/companies/{ACME}/associations/contacts"
    _, first = ask("GET", f"{path}?limit=1")
    _, second = ask("GET", f"{path}?limit=1&after={first['paging']['next']['after']}")
    assert [one["toObjectId"] for one in (*first["results"], *second["results"])] == [JANE, BOB]
    assert "paging" not in second
    assert ask("GET", f"{path}?limit=501")[0] == 400
    assert ask("GET", "/crm/objects/2026-03/companies/12/associations/contacts")[0] == 404


def test_counters_follow_and_no_date_moves(portal: sandbox.Portal, ask: Ask) -> None:
    before = portal.record("companies", ACME)["updatedAt"]
    portal.advance(60)
    ask("PUT", f"/crm/v4/objects/contacts/{ZOE}/associations/default/companies/{ACME}")
    company = portal.record("companies", ACME)
    assert (company["properties"]["num_associated_contacts"], company["updatedAt"]) == ("3", before)
    ask("PUT", f"/crm/v4/objects/deals/{DEAL}/associations/default/companies/{ACME}")
    assert portal.record("companies", ACME)["properties"]["num_associated_deals"] == "1"
    ask("DELETE", f"/crm/v4/objects/contacts/{ZOE}/associations/companies/{ACME}")
    assert portal.record("companies", ACME)["properties"]["num_associated_contacts"] == "2"


@pytest.mark.parametrize(
    ("pair", "type_ids"),
    [
        ("contacts/companies", {1, 279}),
        ("companies/contacts", {2, 280}),
        ("contacts/deals", {4}),
        ("deals/contacts", {3}),
        ("deals/companies", {5, 341}),
        ("companies/deals", {6, 342}),
        ("notes/contacts", {202}),
        ("contacts/notes", {201}),
        ("tasks/contacts", {204}),
        ("contacts/tasks", {203}),
        ("calls/contacts", {194}),
        ("contacts/calls", {193}),
        ("emails/contacts", {198}),
        ("contacts/emails", {197}),
        ("meetings/contacts", {200}),
        ("contacts/meetings", {199}),
        ("communications/contacts", {81}),
        ("contacts/communications", {82}),
        ("notes/deals", {214}),
        ("tasks/deals", {216}),
        ("notes/companies", {190}),
        ("tasks/companies", {192}),
        ("contacts/contacts", {449}),
    ],
)
def test_the_type_ids_are_hubspots(ask: Ask, pair: str, type_ids: set[int]) -> None:
    _, body = ask("GET", f"/crm/associations/2026-03/{pair}/labels")
    assert {one["typeId"] for one in body["results"]} == type_ids


def test_a_contact_in_the_bin_keeps_its_counters(portal: sandbox.Portal, ask: Ask) -> None:
    ask("PUT", f"/crm/v4/objects/contacts/{JANE}/associations/default/deals/{DEAL}")
    before = portal.record("contacts", JANE)["properties"]["num_conversion_events"]
    portal.archive(JANE)
    ask("DELETE", f"/crm/v4/objects/contacts/{JANE}/associations/deals/{DEAL}")
    ask("DELETE", f"/crm/v4/objects/contacts/{JANE}/associations/companies/{ACME}")
    portal.restore(JANE)
    values = portal.record("contacts", JANE)["properties"]
    assert values["num_conversion_events"] == before == "2" and "num_associated_deals" not in values
