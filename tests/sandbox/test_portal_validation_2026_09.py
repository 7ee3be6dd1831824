"""What admins demand of values: required properties on the 2026-09 paths, validation rules on all (3.9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from small_account import BOB, JANE

from connector import sandbox
from connector.sandbox.rows import PropertyDef

Ask = Callable[..., tuple[int, Any]]
NEW, OLD = "/crm/objects/2026-09/contacts", "/crm/objects/2026-03/contacts"


def _missing(name: str, because: str = "") -> dict[str, Any]:
    """The answer of HUBSPOT.md 3.9, but for the correlation id."""
    message = f"A value for {name} must be provided"
    if because:
        message = f"{name} is required because of a conditional property rule based on [{because}]"
    code = "MISSING_CONDITIONAL_REQUIRED_PROPERTY" if because else "MISSING_REQUIRED_PROPERTY"
    return {
        "status": "error",
        "message": "The property values provided are invalid",
        "category": "VALIDATION_ERROR",
        "errors": [{"message": message, "code": code, "context": {"propertyName": [name]}}],
    }


def _write(ask: Ask, method: str, path: str, **properties: Any) -> tuple[int, Any]:
    status, body = ask(method, path, {"properties": properties})
    body.pop("correlationId", None)
    return status, body


def test_a_required_property_must_be_given_to_a_new_record(portal: sandbox.Portal, ask: Ask) -> None:
    portal.require("firstname")
    assert _write(ask, "POST", NEW, email="n@x.fr") == (400, _missing("firstname"))
    assert _write(ask, "POST", NEW, email="n@x.fr", firstname=None) == (400, _missing("firstname"))
    assert _write(ask, "POST", NEW, email="n@x.fr", firstname="Noé")[0] == 201
    assert _write(ask, "POST", OLD, email="o@x.fr")[0] == 201
    assert _write(ask, "POST", "/crm/v3/objects/contacts", email="p@x.fr")[0] == 201


def test_a_required_property_may_not_be_cleared_but_need_not_be_repeated(
    portal: sandbox.Portal, ask: Ask
) -> None:
    portal.require("firstname")
    assert _write(ask, "PATCH", f"{NEW}/{JANE}", fax="1")[0] == 200
    assert _write(ask, "PATCH", f"{NEW}/{BOB}", fax="1")[0] == 200  # broke the rule before there was one
    assert _write(ask, "PATCH", f"{NEW}/{JANE}", firstname="") == (400, _missing("firstname"))
    assert _write(ask, "PATCH", f"{OLD}/{JANE}", firstname="")[0] == 200


def test_a_conditional_property_is_required_while_its_condition_holds(
    portal: sandbox.Portal, ask: Ask
) -> None:
    portal.require("state", when={"country": ["France", "Belgique"]})
    refused = (400, _missing("state", "country"))
    assert _write(ask, "PATCH", f"{NEW}/{BOB}", country="France") == refused
    assert _write(ask, "PATCH", f"{NEW}/{BOB}", country="Suisse")[0] == 200
    assert _write(ask, "PATCH", f"{NEW}/{BOB}", country="France", state="Île-de-France")[0] == 200
    assert _write(ask, "PATCH", f"{NEW}/{BOB}", state="") == refused
    assert _write(ask, "POST", NEW, email="n@x.fr", country="Belgique") == refused
    assert _write(ask, "POST", OLD, email="n@x.fr", country="Belgique")[0] == 201


def test_every_missing_property_is_named_at_once(portal: sandbox.Portal, ask: Ask) -> None:
    portal.require("firstname")
    portal.require("lastname")
    portal.require("name", kind="companies")
    body = _write(ask, "POST", NEW, email="n@x.fr")[1]
    assert [one["context"]["propertyName"] for one in body["errors"]] == [["firstname"], ["lastname"]]
    assert _write(ask, "POST", "/crm/objects/2026-09/companies", domain="x.fr") == (400, _missing("name"))


def test_batches_are_validated_input_by_input(portal: sandbox.Portal, ask: Ask) -> None:
    portal.require("firstname")
    inputs = [
        {"properties": {"email": "n@x.fr", "firstname": "Noé"}, "objectWriteTraceId": "good"},
        {"properties": {"email": "o@x.fr"}, "objectWriteTraceId": "bad"},
    ]
    status, body = ask("POST", f"{NEW}/batch/create", {"inputs": inputs})
    assert (status, len(body["results"])) == (207, 1)
    assert body["errors"][0]["context"] == {"objectWriteTraceId": ["bad"]}
    assert body["errors"][0]["message"] == "The property values provided are invalid"
    for item in inputs:
        del item["objectWriteTraceId"]
    inputs[0]["properties"] = {"email": "p@x.fr", "firstname": "Pia"}
    assert ask("POST", f"{NEW}/batch/create", {"inputs": inputs})[0] == 400
    assert ask("POST", f"{OLD}/batch/create", {"inputs": inputs})[0] == 201


@pytest.mark.parametrize(
    ("name", "raw", "normal"),
    [
        ("closedate", "2024-05-30", "2024-05-30T00:00:00.000Z"),
        ("birthday", "2024-05-30T07:40:35.320Z", "2024-05-30"),
        ("birthday", "1717054835320", "2024-05-30"),
    ],
)
def test_a_date_of_another_form_is_normalized_with_a_warning(
    portal: sandbox.Portal, ask: Ask, name: str, raw: str, normal: str
) -> None:
    portal.load([PropertyDef("contacts", "birthday", "Anniversaire", "date", "date")])
    status, body = _write(ask, "PATCH", f"{NEW}/{BOB}", **{name: raw})
    assert (status, body["properties"][name]) == (200, normal)
    (warning,) = body["warnings"]
    assert warning["category"] == "PROPERTY_VALUE_NORMALIZED" and raw in warning["message"]
    assert warning["context"] == {"propertyName": [name], "rawValue": [raw], "normalizedValue": [normal]}
    refused = _write(ask, "PATCH", f"{OLD}/{BOB}", **{name: raw})
    code = "INVALID_LONG" if name == "closedate" else "INVALID_DATE"
    assert (refused[0], refused[1]["errors"][0]["code"]) == (400, code)


def test_what_is_no_date_is_refused_there_too_and_a_plain_one_is_no_warning(ask: Ask) -> None:
    assert _write(ask, "PATCH", f"{NEW}/{BOB}", closedate="30/05/2024")[0] == 400
    assert "warnings" not in _write(ask, "PATCH", f"{NEW}/{BOB}", closedate="2024-05-30T00:00:00Z")[1]


def test_warnings_come_with_upserts_and_creations(ask: Ask) -> None:
    item = {"id": "n@x.fr", "idProperty": "email", "properties": {"closedate": "2024-05-30"}}
    for new in (True, False):
        (result,) = ask("POST", f"{NEW}/batch/upsert", {"inputs": [item]})[1]["results"]
        assert (result["new"], len(result["warnings"])) == (new, 1)
    assert len(_write(ask, "POST", NEW, email="o@x.fr", closedate="2024-05-30")[1]["warnings"]) == 1


@pytest.mark.parametrize(
    ("rule", "value", "good", "bad", "code"),
    [
        ("MAX_LENGTH", "5", "Zoé", "Maximilien", "MAX_LENGTH"),
        ("MIN_LENGTH", "2", "Al", "A", "MIN_LENGTH"),
        ("ALPHANUMERIC", "", "Anne 2", "Anne-Lise", "INVALID_ALPHA"),
        ("REGEX", "[A-Z][a-zé]+", "Zoé", "zoé", "INVALID_FORMAT"),
    ],
)
def test_a_validation_rule_binds_writes_on_every_path(
    portal: sandbox.Portal, ask: Ask, rule: str, value: str, good: str, bad: str, code: str
) -> None:
    portal.constrain("firstname", rule, value)
    for path in (NEW, OLD, "/crm/v3/objects/contacts"):
        assert _write(ask, "PATCH", f"{path}/{BOB}", firstname=good)[0] == 200
        status, body = _write(ask, "PATCH", f"{path}/{BOB}", firstname=bad)
        assert (status, body["category"], body["errors"][0]["code"]) == (400, "VALIDATION_ERROR", code)
        assert body["message"].startswith("Property values were not valid: [{")
        assert _write(ask, "PATCH", f"{path}/{BOB}", firstname="")[0] == 200  # nothing breaks no rule


def test_numbers_may_have_bounds(portal: sandbox.Portal, ask: Ask) -> None:
    portal.load([PropertyDef("contacts", "points", "Points", "number", "number")])
    portal.constrain("points", "MIN_NUMBER", "0")
    portal.constrain("points", "MAX_NUMBER", "100")
    codes = {text: _write(ask, "PATCH", f"{OLD}/{BOB}", points=text) for text in ("-1", "101", "100", 0)}
    assert [status for status, _ in codes.values()] == [400, 400, 200, 200]
    assert [codes[text][1]["errors"][0]["code"] for text in ("-1", "101")] == ["MIN_NUMBER", "MAX_NUMBER"]


def test_rules_are_kept_in_the_file_and_can_be_taken_back(tmp_path: Any) -> None:
    file = tmp_path / "portal.db"
    with sandbox.start(state=file) as portal:
        portal.require("firstname", when={"country": ["France"]})
        portal.constrain("firstname", "MAX_LENGTH", "9")
        rules = portal.rules()
    with sandbox.start(state=file) as portal:
        assert portal.rules() == rules
        assert rules["required"] == [
            {"kind": "contacts", "name": "firstname", "when": {"country": ["France"]}}
        ]
        portal.clear_rules()
        assert portal.rules() == {"required": [], "constraints": []}


def test_rules_are_set_over_http_and_nonsense_is_refused(portal: sandbox.Portal) -> None:
    def post(verb: str, **body: Any) -> int:
        return httpx.post(f"{portal.url}/__sandbox__/{verb}", json=body).status_code

    assert post("require", name="firstname", when={"country": ["France"]}) == 200
    assert post("constrain", name="firstname", rule="MAX_LENGTH", value="9") == 200
    assert post("require", name="nope") == post("require", name="fax", when={"nope": ["1"]}) == 400
    assert post("require", name="fax", when={"country": "France"}) == 400
    assert post("constrain", name="nope", rule="MAX_LENGTH", value="9") == 400
    assert post("constrain", name="fax", rule="SHORT") == 400
    assert post("constrain", name="fax", rule="MAX_LENGTH", value="long") == 400
    assert post("constrain", name="fax", rule="REGEX", value="(") == 400
    assert len(httpx.get(f"{portal.url}/__sandbox__/rules").json()["required"]) == 1
    assert httpx.delete(f"{portal.url}/__sandbox__/rules").status_code == 200
    assert portal.rules() == {"required": [], "constraints": []}
