"""Property definitions, their groups and their limits (HUBSPOT.md 6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from small_account import DAY, JANE, NOW

from connector import sandbox
from connector.sandbox.rows import ListDef, PropertyDef, Submission

Ask = Callable[..., Any]
PROPERTIES = "/crm/properties/2026-03/contacts"
SCORE = {
    "name": "score",
    "label": "Score",
    "type": "number",
    "fieldType": "number",
    "groupName": "contactinformation",
}
YES_NO = [
    {"label": "Oui", "value": "true", "displayOrder": 0, "hidden": False},
    {"label": "Non", "value": "false", "displayOrder": 1, "hidden": False},
]


def _code(answer: tuple[int, Any]) -> tuple[int, str]:
    status, body = answer
    return status, body.get("subCategory", body.get("category", "")).removeprefix("PropertyValidationError.")


PAIRS = [
    ("bool", "booleancheckbox", 201),
    ("enumeration", "booleancheckbox", 201),
    ("enumeration", "checkbox", 201),
    ("enumeration", "radio", 201),
    ("enumeration", "select", 201),
    ("date", "date", 201),
    ("datetime", "date", 201),
    ("number", "number", 201),
    ("string", "text", 201),
    ("string", "textarea", 201),
    ("string", "html", 201),
    ("string", "file", 201),
    ("string", "phonenumber", 201),
    ("phone_number", "phonenumber", 201),
    ("bool", "select", 400),
    ("number", "text", 400),
    ("date", "text", 400),
    ("datetime", "datetime", 400),
    ("text", "text", 400),
    ("string", "select", 400),
]


@pytest.mark.parametrize(("kind", "field", "status"), PAIRS)
def test_type_and_field_type_go_together(ask: Ask, kind: str, field: str, status: int) -> None:
    options = YES_NO if kind in ("bool", "enumeration") else []
    answer = ask("POST", PROPERTIES, {**SCORE, "type": kind, "fieldType": field, "options": options})
    assert answer[0] == status
    if status == 400:
        assert _code(answer) == (400, "INVALID_FIELD_TYPE")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"options": []}, (400, "MISSING_OPTIONS")),
        ({"options": None}, (400, "MISSING_OPTIONS")),
        ({"options": [{"label": "A", "value": "a", "displayOrder": 0}]}, (400, "")),
        ({"options": [{"label": "A", "displayOrder": 0, "hidden": False}]}, (400, "")),
        ({"options": [{**YES_NO[0]}, {**YES_NO[0], "label": "Si"}]}, (400, "VALIDATION_ERROR")),
        ({"options": [{**YES_NO[0]}, {**YES_NO[0], "value": "x"}]}, (400, "VALIDATION_ERROR")),
        ({"options": "a"}, (400, "")),
        ({"type": "bool", "fieldType": "booleancheckbox", "options": YES_NO[:1]}, (400, "VALIDATION_ERROR")),
        ({"groupName": "nowhere"}, (400, "GROUP_DOES_NOT_EXIST")),
        ({"name": "Score"}, (400, "VALIDATION_ERROR")),
        ({"name": "1score"}, (400, "VALIDATION_ERROR")),
        ({"name": "s" * 101}, (400, "VALIDATION_ERROR")),
        ({"name": "hs_score"}, (400, "VALIDATION_ERROR")),
        ({"label": ""}, (400, "")),
        ({"calculationFormula": "a + b"}, (501, "")),
        ({"type": "number", "fieldType": "calculation_equation"}, (501, "")),
        ({"dataSensitivity": "sensitive"}, (501, "")),
    ],
)
def test_a_property_that_cannot_be_is_refused(
    ask: Ask, change: dict[str, Any], expected: tuple[int, str]
) -> None:
    wanted = {**SCORE, "type": "enumeration", "fieldType": "select", "options": YES_NO, **change}
    assert _code(ask("POST", PROPERTIES, wanted)) == expected
    assert ask("GET", f"{PROPERTIES}/score")[0] == 404


def test_new_options_replace_the_old(ask: Ask) -> None:
    ask("POST", PROPERTIES, {**SCORE, "type": "enumeration", "fieldType": "select", "options": YES_NO})
    option = {"label": "Peut-être", "value": "maybe", "displayOrder": 4, "hidden": True}
    _, changed = ask("PATCH", f"{PROPERTIES}/score", {"options": [option]})
    assert changed["options"] == [option]
    assert ask("PATCH", f"{PROPERTIES}/score", {"label": "Note"})[1]["options"] == [option]
    assert _code(ask("PATCH", f"{PROPERTIES}/score", {"options": []})) == (400, "MISSING_OPTIONS")
    assert ask("GET", f"{PROPERTIES}/score")[1]["options"] == [option]
    assert ask("PATCH", f"{PROPERTIES}/jobtitle", {"label": "Titre"})[0] == 400


def test_a_deleted_property_is_archived_and_comes_back_by_its_name(ask: Ask) -> None:
    ask("POST", PROPERTIES, SCORE)
    assert ask("DELETE", f"{PROPERTIES}/score")[0] == 204
    status, body = ask("GET", f"{PROPERTIES}/score")
    assert (status, body["category"]) == (404, "OBJECT_NOT_FOUND")
    _, gone = ask("GET", f"{PROPERTIES}?archived=true")
    assert [one["name"] for one in gone["results"]] == ["score"] and gone["results"][0]["archivedAt"]
    assert ask("GET", f"{PROPERTIES}/score?archived=true")[0] == 200
    assert ask("PATCH", f"/crm/v3/objects/contacts/{JANE}", {"properties": {"score": "1"}})[0] == 400
    status, back = ask("POST", PROPERTIES, SCORE)
    assert (status, back["archived"]) == (201, False)
    assert ask("POST", PROPERTIES, SCORE)[0] == 409
    assert ask("DELETE", f"{PROPERTIES}/jobtitle")[0] == 400
    assert ask("DELETE", f"{PROPERTIES}/nothing")[0] == 404


IN_USE = (400, "CANNOT_DELETE_PROPERTY_IN_USE")


def test_a_property_in_use_stays(portal: sandbox.Portal, ask: Ask) -> None:
    for name in ("asked", "filtered", "score"):
        ask("POST", PROPERTIES, {**SCORE, "name": name})
    portal.load([Submission("form-1", NOW - DAY, {"email": "z@x.fr", "asked": "1"}, "")])
    portal.load([ListDef(5, "High scores", "DYNAMIC", ("filtered",))])
    answer = ask("DELETE", f"{PROPERTIES}/asked")
    assert _code(answer) == IN_USE and "Démo" in answer[1]["message"]
    answer = ask("DELETE", f"{PROPERTIES}/filtered")
    assert _code(answer) == IN_USE and "High scores" in answer[1]["message"]
    batch = {"inputs": [{"name": "score"}, {"name": "filtered"}]}
    assert _code(ask("POST", f"{PROPERTIES}/batch/archive", batch)) == IN_USE
    assert ask("GET", f"{PROPERTIES}/score")[0] == 200
    ask("DELETE", "/crm/lists/2026-03/5")
    assert ask("POST", f"{PROPERTIES}/batch/archive", batch)[0] == 204
    assert ask("GET", f"{PROPERTIES}/score")[0] == 404


def test_an_object_has_at_most_ten_unique_properties(ask: Ask) -> None:
    for number in range(10):
        answer = ask("POST", PROPERTIES, {**SCORE, "name": f"key_{number}", "hasUniqueValue": True})
        assert (answer[0], answer[1]["hasUniqueValue"]) == (201, True)
    assert _code(ask("POST", PROPERTIES, {**SCORE, "hasUniqueValue": True})) == (400, "VALIDATION_ERROR")
    assert ask("POST", PROPERTIES, SCORE)[0] == 201
    other = {**SCORE, "groupName": "dealinformation", "hasUniqueValue": True}
    assert ask("POST", "/crm/properties/2026-03/deals", other)[0] == 201
    ask("DELETE", f"{PROPERTIES}/key_3")
    assert ask("POST", PROPERTIES, {**SCORE, "name": "key_11", "hasUniqueValue": True})[0] == 201


def test_a_free_account_has_ten_properties_of_its_own(portal: sandbox.Portal, ask: Ask) -> None:
    portal.load([PropertyDef("contacts", f"own_{n}", f"Own {n}", "string", "text") for n in range(8)])
    _, body = ask("GET", "/crm/limits/2026-03/custom-properties")
    (contacts,) = (one for one in body["byObjectType"] if one["objectTypeId"] == "0-1")
    assert (contacts["limit"], contacts["usage"], contacts["percentage"]) == (1000, 9, 0.9)
    assert body["overallUsage"] == 9
    portal.knobs(tier="free")
    assert ask("POST", PROPERTIES, SCORE)[0] == 201
    assert _code(ask("POST", PROPERTIES, {**SCORE, "name": "more"})) == (400, "VALIDATION_ERROR")
    _, body = ask("GET", "/crm/limits/2026-03/custom-properties")
    assert next(one["percentage"] for one in body["byObjectType"]) == 100.0


def test_groups_are_made_changed_and_taken_away(ask: Ask) -> None:
    groups = f"{PROPERTIES}/groups"
    assert ask("POST", groups, {"name": "lq", "label": "Notes", "displayOrder": 3})[0] == 201
    status, body = ask("POST", groups, {"name": "lq", "label": "Again"})
    assert (status, body["category"]) == (409, "OBJECT_ALREADY_EXISTS")
    _, changed = ask("PATCH", f"{groups}/lq", {"label": "Qualification"})
    assert changed == {"name": "lq", "label": "Qualification", "displayOrder": 3, "archived": False}
    assert ask("PATCH", f"{groups}/lq", {"displayOrder": 1})[1]["label"] == "Qualification"
    assert ask("GET", f"{groups}/lq")[1]["displayOrder"] == 1
    assert ask("PATCH", f"{groups}/none", {"label": "x"})[0] == 404
    ask("POST", PROPERTIES, {**SCORE, "groupName": "lq"})
    status, body = ask("DELETE", f"{groups}/lq")
    assert (status, body["subCategory"]) == (400, "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES")
    ask("DELETE", f"{PROPERTIES}/score")
    assert ask("DELETE", f"{groups}/lq")[0] == 204
    assert ask("DELETE", f"{groups}/lq")[0] == 404
    assert "lq" not in [one["name"] for one in ask("GET", groups)[1]["results"]]


def test_a_batch_makes_what_it_can(ask: Ask) -> None:
    wanted = {"inputs": [SCORE, {**SCORE, "name": "jobtitle"}, {**SCORE, "name": "Bad"}]}
    status, body = ask("POST", f"{PROPERTIES}/batch/create", wanted)
    assert status == 207 and [one["name"] for one in body["results"]] == ["score"]
    assert [one["context"]["name"] for one in body["errors"]] == [["jobtitle"], ["Bad"]]
    assert body["errors"][0]["subCategory"] == "Properties.PROPERTY_WITH_NAME_EXISTS"
    names = {"archived": False, "inputs": [{"name": "score"}, {"name": "none"}]}
    status, body = ask("POST", f"{PROPERTIES}/batch/read", names)
    assert (status, [one["name"] for one in body["results"]], body["numErrors"]) == (207, ["score"], 1)


def test_sensitive_properties_are_left_out_unless_asked_for(client: httpx.Client) -> None:
    every = client.get(PROPERTIES).json()["results"]
    assert len(every) > 150 and {one["dataSensitivity"] for one in every} == {"non_sensitive"}
    for level in ("sensitive", "highly_sensitive"):
        assert client.get(PROPERTIES, params={"dataSensitivity": level}).json() == {"results": []}
    few = client.get(PROPERTIES, params={"properties": "email,hubspotscore"}).json()["results"]
    shown = {one["name"]: one["modificationMetadata"]["readOnlyValue"] for one in few}
    assert shown == {"email": False, "hubspotscore": True}
