"""Every point of one contact: the lines add up to what is shown, and say where each of them comes from."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from accounts import DAY, NOW, contact, form, house, rules_in, submission
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database
from test_score import AGREED, Act, cache_of, closing, rules

from connector.errors import BadCommand
from connector.explain import Explanation, explain, find
from connector.rules.tree import Rules
from connector.store import records
from connector.store.schema import write

__all__ = ["closing"]  # the caches of test_score are closed here too

# fractions, caps, floors and ceilings that bite
CROOKED = {
    "workflows/qualification.yaml": [
        ("            points: 15\n", "            points: 15.333\n"),
        ("        cap: 25                   ", "        cap: 7.5   "),
        ("    ceiling: 200\n", "    ceiling: 40.7\n"),
        ("    floor: -50                    ", "    floor: -12.25    "),
    ]
}
STUDENT = {"jobtitle": "Étudiante en marketing"}


@cache
def crooked() -> Rules:
    with TemporaryDirectory() as folder:
        return rules_in(Path(folder), CROOKED)


def told(db: Database, at: int = NOW, by: Rules | None = None) -> Explanation:
    return explain(db, by or rules(), "1", at)


def total(found: Explanation) -> Decimal:
    return sum((Decimal(str(line["points"])) for line in found.items), Decimal(0))


def lines(found: Explanation) -> list[tuple[str, str, float]]:
    return [(line["kind"], line["label"], line["points"]) for line in found.items]


# -- the lines -----------------------------------------------------------------------------------------


def test_the_agreements_example_line_by_line() -> None:
    found = told(cache_of(AGREED))
    assert lines(found) == [
        ("rule", "Pricing page visit", 30.0),
        ("rule", "Demo download", 50.0),
        ("rule", "Email open", 20.0),
    ]
    assert found.summary["points"] == 100
    assert found.summary["axes"] == {"fit": 0.0, "engagement": 100.0}
    pricing = found.items[0]
    assert (pricing["counted"], pricing["of"], pricing["each"]) == (2, 2, 15.0)
    assert pricing["place"].startswith("workflows/qualification.yaml:")
    assert {signal["label"] for signal in pricing["signals"]} == {"pricing"}


def test_caps_floors_and_the_rounding_are_lines_of_their_own() -> None:
    opens: list[Act] = [("open", 1, str(n)) for n in range(8)]
    student = told(cache_of([*opens, ("demo", 31, "")], **STUDENT))
    assert lines(student) == [
        ("rule", "Student", -50.0),
        ("rule", "Demo download", 12.5),
        ("rule", "Email open", 40.0),
        ("cap", "cap of email", -15.0),
        ("floor", "floor of the total", 12.5),
    ]
    assert student.summary["points"] == 0
    lukewarm = told(cache_of([("demo", 31, "")]))
    assert lines(lukewarm)[-1] == ("rounded", "rounded", 0.5)
    assert lukewarm.summary["points"] == 13


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["pricing", "demo", "open", "click", "robot"]),
            st.integers(-2, 95),
            st.sampled_from("12345678"),
        ),
        max_size=25,
    ),
    st.sampled_from([{}, STUDENT, {"hs_persona": "decision_maker"}]),
    st.integers(0, 100),
    st.booleans(),
)
def test_the_lines_add_up_to_the_total_and_the_signals_to_their_line(
    history: list[Act], values: dict[str, str], day: int, bent: bool
) -> None:
    found = told(cache_of(history, **values), NOW + day * DAY, crooked() if bent else rules())
    assert total(found) == found.summary["points"]
    for line in found.items:
        signals = line["signals"]
        assert len(signals) == line["of"]
        assert sum(signal["counted"] for signal in signals) == line["counted"]
        if signals:
            assert sum(Decimal(str(s["points"])) for s in signals) == Decimal(str(line["points"]))
        assert all((signal["why_not"] is None) == signal["counted"] for signal in signals)


# -- what comes next -----------------------------------------------------------------------------------


def test_the_next_change_is_told_with_its_reason() -> None:
    assert told(cache_of([("demo", 0, "")])).summary["next"] == {
        "at": "2026-12-16T09:00:00Z",
        "points": 13,
        "from": 25,
        "because": ["Demo download 25 -> 12.5"],
    }


def test_moments_at_which_the_total_stays_are_passed_over() -> None:
    found = told(cache_of([("open", age, str(age)) for age in range(20)]))  # 20 opens, capped at 25 points
    assert (found.summary["points"], found.summary["next"]["points"]) == (25, 23)
    assert found.summary["next"]["at"] > "2026-12-01"


def test_who_did_nothing_has_no_next_change() -> None:
    assert told(cache_of([])).summary["next"] is None


# -- the stage -----------------------------------------------------------------------------------------


async def test_a_decided_contact_with_its_journey_its_criteria_and_the_crms_word(tmp_path: Path) -> None:
    rows = [contact(101), form("newsletter"), submission("newsletter", "c101@acme.fr", 3 * DAY)]
    async with house(tmp_path, rows) as here:
        await here.sync()
        found = explain(here.db, here.rules, "C101@acme.fr", NOW)
        assert (found.summary["stage"], found.summary["temperature"]) == ("lead", "cold")
        assert [(step["from"], step["to"], step["why"]) for step in found.summary["journey"]] == [
            (None, "contact", "coordinates only"),
            ("contact", "lead", "signal newsletter_signup"),
        ]
        mql = found.summary["stages"][2]
        assert [(c["says"], c["true"]) for c in mql["criteria"]] == [
            ("lead reached", True),
            ("total 0 is at or over 100", False),
            ("fit 0 is at or over 0", True),
        ]
        assert (
            found.summary["note"] == "the CRM's own stage is lead, by default, an import or a form (IMPORT)"
        )
        assert found.summary["hold"] is None

        here.seconds(60)
        here.portal.edit(101, {"lifecyclestage": "customer"})
        here.seconds(60)
        await here.sync()
        here.portal.edit(101, {"lifecyclestage": ""})
        here.seconds(60)
        await here.sync()
        held = explain(here.db, here.rules, "101", here.clock.now()).summary
        assert held["hold"]["why"] == "set back to nothing by hand in the CRM"
        assert held["note"].startswith("the CRM's own stage is nothing, set by hand")
        assert (held["stage"], held["journey_number"]) == ("contact", 2)
        assert held["counts_since"] == held["hold"]["since"]


# -- who -----------------------------------------------------------------------------------------------


def test_nobody_and_several_of_one_address() -> None:
    db = cache_of([])
    with write(db):
        records.put(db, "contacts", [records.Record("2", {})], rules().mapping, NOW)
        records.put_email(db, {"1": "jane@acme.fr", "2": "jane@acme.fr"})
    assert find(db, " 2 ")["id"] == "2"
    with pytest.raises(BadCommand, match=r"No contact n\*\*\*@acme\.fr") as nobody:
        find(db, "nobody@acme.fr")
    assert "connector pull" in nobody.value.fix
    with pytest.raises(BadCommand, match="several contacts") as several:
        find(db, "JANE@acme.fr")
    assert several.value.fix == "Name one by id: 1, 2"
