"""Wanted against last seen: what is a change, what is not, and how much is too much at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_stage import rules, score, standing

from connector.model import POINT, Score
from connector.plan import Seen, Tally, decimal, item, kinds, label, parts, same, share_moved, signed, wanted
from connector.stage import Decision, Held, decide

ORDER = ("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer")


def judged(points: Score, before: str | None = "contact") -> Decision:
    return decide(rules(), points, standing(before), None, points.as_of)


def document(
    points: Score | None = None,
    decision: Decision | None = None,
    *,
    refused: dict[str, str] | None = None,
    sent: dict[str, str] | None = None,
    **properties: str | None,
) -> dict[str, Any]:
    points = points or score(0)
    seen = Seen("1", "jane@acme.fr", properties, refused=refused or {}, sent=sent or {})
    return item(rules(), seen, points, decision or judged(points), ORDER)


def changes(**more: Any) -> dict[str, tuple[str | None, str]]:
    return {c["property"]: (c["old"], c["new"]) for c in document(**more)["changes"]}


def as_wanted(points: Score, decision: Decision) -> dict[str, str | None]:
    """A contact of whom the CRM says everything already."""
    fields = rules().mapping.write_back.fields
    said = {fields[word]: value for word, value in wanted(rules(), points, decision).items()}
    return {**said, "lq_rules": rules().hash, "lifecyclestage": "lead"}


# -- values --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "value", "kind", "equal"),
    [
        ("12", "12", "number", True),
        ("12.0", "12", "number", True),
        ("1.2e1", "12", "number", True),
        ("12.5", "12", "number", False),
        (None, "0", "number", False),  # nothing is not zero
        ("", "0", "number", False),
        ("N/A", "0", "number", False),
        ("12.0", "12", "text", False),
        (None, "", "text", True),
        ("", "", "number", True),
        ("hot", "Hot", "text", False),
        ("2026-11-20T08:01:02.345Z", "1795161662345", "moment", True),
        ("1795161662345", "1795161662345", "moment", True),
        ("2026-11-20T08:01:02.346Z", "1795161662345", "moment", False),
        ("soon", "later", "moment", False),
        (None, "1795161662345", "moment", False),
    ],
)
def test_whether_the_crm_says_so_already(now: str | None, value: str, kind: Any, equal: bool) -> None:
    assert same(now, value, kind) is equal


def test_how_our_properties_are_compared() -> None:
    assert kinds(rules()) == {
        **dict.fromkeys(("lq_score", "lq_fit", "lq_engagement"), "number"),
        **dict.fromkeys(("lq_temperature", "lq_stage", "lq_why", "lq_rules"), "text"),
        "lq_epoch": "moment",
    }


@given(st.integers(-(10**12), 10**12))
def test_points_are_written_as_exact_as_they_are(points: int) -> None:
    assert round(float(decimal(points)) * POINT) == points
    assert "e" not in decimal(points)
    assert signed(points).startswith(("+", "-"))


@pytest.mark.parametrize(
    ("points", "text"),
    [(0, "0"), (1_250_000, "12.5"), (-50_000, "-0.5"), (100 * POINT, "100"), (1, "0.00001")],
)
def test_points_as_people_write_them(points: int, text: str) -> None:
    assert decimal(points) == text


def test_reasons_are_biggest_first_in_the_language_of_the_mapping() -> None:
    points = {"open": 5 * POINT, "demo": 50 * POINT, "student": -50 * POINT, "pricing": 0}
    said = parts(rules(), points, {"demo": 2, "open": 1})
    assert said == ["+50 Demo download ×2", "-50 Student", "+5 Email open"]
    french = replace(rules(), mapping=replace(rules().mapping, language="fr"))
    assert parts(french, points, {})[1] == "-50 Étudiant"
    assert label({}, "fr", "demo") == "demo"
    assert label({"de": "Vorführung"}, "fr", "demo") == "Vorführung"


# -- changes -------------------------------------------------------------------------------------------


def test_a_new_contact_gets_everything_and_the_stamp_of_the_rules() -> None:
    assert changes() == {
        "lq_stage": (None, "contact"),
        "lq_temperature": (None, "cold"),
        "lq_score": (None, "0"),
        "lq_fit": (None, "0"),
        "lq_engagement": (None, "0"),
        "lq_rules": (None, rules().hash),
    }


def test_when_the_crm_says_everything_there_is_no_change_and_no_stamp_alone() -> None:
    points = score(0)
    decision = judged(points)
    told = {**as_wanted(points, decision), "lq_rules": "older rules"}
    assert document(points, decision, **told)["changes"] == []
    told["lq_score"] = "7"
    assert list(changes(points=points, decision=decision, **told)) == ["lq_score", "lq_rules"]


@pytest.mark.parametrize(
    ("now", "moved"),
    [
        (None, True),
        ("", True),
        ("subscriber", True),
        ("lead", True),
        ("marketingqualifiedlead", False),
        ("customer", False),  # forward only
        ("our_own_stage", False),  # nobody knows what stands there
    ],
)
def test_the_crms_own_stage_is_moved_forward_only(now: str | None, moved: bool) -> None:
    points = score(120, "interest")
    found = changes(points=points, decision=judged(points), lifecyclestage=now)
    assert ("lifecyclestage" in found) is moved
    if moved:
        assert found["lifecyclestage"] == (now, "marketingqualifiedlead")


def test_a_stage_that_the_account_does_not_have_is_not_written() -> None:
    points = score(120, "interest")
    seen = Seen("1", None, {"lifecyclestage": "lead"})
    found = item(rules(), seen, points, judged(points), ("lead", "customer"))
    assert "lifecyclestage" not in {c["property"] for c in found["changes"]}


def test_what_is_held_keeps_its_stage_in_the_crm() -> None:
    points = score(120, "interest")
    decision = replace(judged(points, "mql"), hold=Held("by hand", 1, 2))
    found = document(points, decision, lifecyclestage="lead")
    assert "lifecyclestage" not in {c["property"] for c in found["changes"]}
    assert found["hold"] == {"why": "by hand", "since": 1, "until": 2}


def test_a_refused_value_is_no_change_until_another_is_wanted() -> None:
    points = score(0)
    told = as_wanted(points, judged(points)) | {"lq_score": "5"}
    found = document(points, refused={"lq_score": "0"}, **told)
    assert (found["changes"], found["refused"]) == ([], {"lq_score": "0"})
    assert list(changes(points=points, refused={"lq_score": "1"}, **told)) == ["lq_score"]
    told["lq_fit"] = "9"
    found = document(points, refused={"lq_score": "0"}, **told)
    assert [c["property"] for c in found["changes"]] == ["lq_fit"]


def test_a_property_of_ours_that_somebody_changed_is_overwritten_and_named() -> None:
    points = score(0)
    told = as_wanted(points, judged(points)) | {"lq_score": "99", "lq_fit": "7"}
    found = document(points, sent={"lq_score": "0", "lq_fit": "7"}, **told)
    assert found["overwrites"] == ["lq_score"]


def test_our_own_value_spelt_otherwise_by_the_crm_is_not_somebody_elses() -> None:
    points = score(0)
    told = as_wanted(points, judged(points)) | {"lq_score": "7.0"}
    found = document(points, sent={"lq_score": "7"}, **told)
    assert [c["property"] for c in found["changes"]][:1] == ["lq_score"]
    assert found["overwrites"] == []


# -- the tally -----------------------------------------------------------------------------------------


def test_the_summary_counts_what_the_documents_say() -> None:
    tally = Tally(contacts=10)
    for one in (document(), document(score(0), judged(score(0), "lead"), lq_stage="lead")):
        tally.add(one)
    held = document(decision=replace(judged(score(0)), hold=Held("by hand", 1, 2), transitions=()))
    tally.add({**held, "changes": []})
    assert tally.summary(rules_are_new=False) == {
        "contacts": 10,
        "judged": 3,
        "changed": 2,
        "held": 1,
        "unchanged": 7,
        "stage_changes": 0,
        "actions": 0,
        "moved": 0,
        "overwritten": 0,
        "rules_are_new": False,
    }


def test_the_digest_is_that_of_the_documents_in_their_order() -> None:
    def digest(*points: int) -> str:
        tally = Tally(contacts=2)
        for one in points:
            tally.add(document(score(one)))
        return tally.digest.hexdigest()

    assert digest(1, 2) == digest(1, 2)
    assert len({digest(1, 2), digest(2, 1), digest(1), digest()}) == 4


@pytest.mark.parametrize(
    ("contacts", "changed", "stages", "new", "share"),
    [
        (49, 49, 49, True, 0.0),
        (50, 50, 0, False, 0.0),
        (50, 0, 10, False, 0.2),
        (100, 30, 10, True, 0.3),
        (0, 0, 0, True, 0.0),
    ],
)
def test_the_share_that_the_brake_looks_at(
    contacts: int, changed: int, stages: int, new: bool, share: float
) -> None:
    said = {"contacts": contacts, "changed": changed, "stage_changes": stages, "rules_are_new": new}
    assert share_moved(said) == share
