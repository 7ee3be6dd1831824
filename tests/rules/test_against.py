"""The rules against what an account has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rulebook import ACCOUNT, ROOT, load

from connector import rules
from connector.model import PropertyDef


def told(folder: Path, **files: str) -> list[tuple[str, str]]:
    return [(one.severity, one.code) for one in rules.against(load(folder, **files), ACCOUNT)]


def contact(field: str) -> str:
    sized = "company_size: {property: numberofemployees, object: company, type: number}"
    return f"contact:\n  fields:\n    {sized}\n    {field}"


def test_rules_that_fit_the_account(tmp_path: Path) -> None:
    base = "stages: [{id: contact}, {id: lead}, {id: mql}]"
    assert told(tmp_path, stages=base) == []


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("x: nothing_like_it", ("error", "unknown-property")),
        ("x: {property: nothing, optional: true}", ("note", "optional-property")),
        ("x: {property: nothing, provision: true}", ("note", "unprovisioned")),
        ("x: {property: email, type: bool}", ("error", "wrong-type")),
        ("x: {property: decision_date, type: datetime}", ("error", "wrong-type")),
        (
            "x: {property: rejection_reason, type: choice, values: [not_now, lost]}",
            ("note", "missing-option"),
        ),
    ],
)
def test_fields(tmp_path: Path, field: str, expected: tuple[str, str]) -> None:
    assert told(tmp_path, contact=contact(field)) == [expected]


def test_text_is_read_from_any_property_and_yes_or_no_from_a_list_of_true_and_false(tmp_path: Path) -> None:
    body = "x: rejection_reason\n    y: visits\n    z: {property: newsletter_consent, type: bool}"
    assert told(tmp_path, contact=contact(body)) == []


def test_a_label_leads_to_the_name(tmp_path: Path) -> None:
    (found,) = rules.against(load(tmp_path, contact=contact("x: Job-Title")), ACCOUNT)
    assert found.label == "did you mean `jobtitle`?"
    assert found.text == "    x: Job-Title"
    assert (found.line, found.col, found.width) == (5, 8, 9)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{fields: {score: lq_points}}", [("note", "unprovisioned")]),
        ("{fields: {score: points}}", [("error", "unknown-property")]),
        ("{fields: {score: visits}}", [("error", "read-only-property")]),
        ("{fields: {epoch: decision_date}}", [("error", "wrong-type")]),
        ("{fields: {why: email}}", []),
        ("{lifecycle: {property: lifecyclestage, stages: {lead: Lead}}}", [("error", "unknown-stage")]),
        ("{lifecycle: {property: lifecycle_stage, stages: {lead: lead}}}", [("error", "unknown-property")]),
        ("{lifecycle: {property: lifecyclestage, stages: {lead: lead, mql: customer}}}", []),
    ],
)
def test_what_is_written(tmp_path: Path, body: str, expected: list[tuple[str, str]]) -> None:
    assert told(tmp_path, write_back=f"write_back: {body}") == expected


def test_the_place_of_a_quoted_word_includes_its_quotes(tmp_path: Path) -> None:
    body = "write_back: {lifecycle: {property: lifecyclestage, stages: {lead: 'sql'}}}"
    (found,) = rules.against(load(tmp_path, write_back=body), ACCOUNT)
    assert found.text[found.col - 1 :][: found.width] == "'sql'"
    assert "salesqualifiedlead" in found.label


@pytest.mark.parametrize(
    ("key", "expected"),
    [("hs_object_id", []), ("email", ["changeable-key"]), ("hs_object", ["unknown-property"])],
)
def test_the_key_of_a_contact(tmp_path: Path, key: str, expected: list[str]) -> None:
    body = contact("x: jobtitle").replace("contact:\n", f"contact:\n  key: {key}\n")
    assert [one.code for one in rules.against(load(tmp_path, contact=body), ACCOUNT)] == expected


def test_what_was_not_read_of_the_account_is_not_judged(tmp_path: Path) -> None:
    loaded = load(tmp_path, contact=contact("x: nothing"))
    assert rules.against(loaded, replace(ACCOUNT, properties={})) == []


def test_mistakes_come_in_the_order_of_the_files() -> None:
    nothing: dict[str, dict[str, PropertyDef]] = {"contacts": {}, "companies": {}, "deals": {}}
    found = rules.against(rules.load(ROOT), replace(ACCOUNT, properties=nothing))
    assert [(one.file, one.line) for one in found] == sorted((one.file, one.line) for one in found)
    assert {one.code for one in found} == {"unknown-property", "unprovisioned", "optional-property"}


def compared(folder: Path, field: str, condition: str, deal: str = "amount: amount") -> list[str]:
    """What is noted of a criterion's values."""
    stages = f"stages: [{{id: contact}}, {{id: lead}}, {{id: mql, enter_when: {condition}}}]"
    loaded = load(folder, contact=contact(field), stages=stages, deal=f"deal: {{fields: {{{deal}}}}}")
    tags = PropertyDef("tags", "Tags", "enumeration", "checkbox", False, (("a", "A"), ("b", "B")))
    phase = PropertyDef("phase", "Phase", "enumeration", "select", False, (("open", "Open"),))
    there = {name: dict(known) for name, known in ACCOUNT.properties.items()}
    there["contacts"]["tags"] = tags
    there["deals"]["phase"] = phase
    found = rules.against(loaded, replace(ACCOUNT, properties=there))
    assert {one.severity for one in found} <= {"note"}
    return [one.what for one in found if one.code == "unmatched-option"]


@pytest.mark.parametrize(
    ("field", "condition", "values"),
    [
        ("x: rejection_reason", "{x: {is: Competitor}}", []),
        ("x: rejection_reason", "{x: {in: [not_now, lost, gone]}}", ["lost", "gone"]),
        ("x: rejection_reason", "{any: [{not: {x: {is: lost}}}, {x: {known: true}}]}", ["lost"]),
        ("x: rejection_reason", '{x: {matches: ["los*"]}}', []),
        ("x: jobtitle", "{x: {is: anything}}", []),
        ("x: {property: newsletter_consent, type: bool}", "{x: {is: yes}}", []),
        # what the mapping lists is told there, as an option that is missing
        ("x: {property: rejection_reason, type: choice, values: [lost]}", "{x: {is: lost}}", []),
        ("x: tags", "{x: {in: [a;b, a]}}", []),
        ("x: tags", "{x: {is: a;c}}", ["a;c"]),
        ("x: jobtitle", "{deal: {phase: {is: won}}}", ["won"]),
    ],
)
def test_values_that_are_no_option(tmp_path: Path, field: str, condition: str, values: list[str]) -> None:
    told = compared(tmp_path, field, condition, "phase: phase")
    assert [what.split("`")[3] for what in told] == values


def test_the_fields_of_a_method_are_checked(tmp_path: Path) -> None:
    name = "name: x\nmethods: {bant: {of: [budget]}}"
    assert told(tmp_path, contact=contact("budget: no_such_budget"), name=name) == [
        ("error", "unknown-property")
    ]
