"""What a stage says beside its entry: leaving, who is told, how soon sales is in touch, what stops."""

from __future__ import annotations

from pathlib import Path

import pytest
from rulebook import codes, load, mistakes

from connector.model import DAY, HOUR, MINUTE
from connector.rules.condition import MOST_LEAVES
from connector.rules.tree import All, AnyOf, MethodMet, Not, Reached, SalesSet, StageRule, Test, Without
from connector.rules.words import leaving

Test.__test__ = False  # type: ignore[attr-defined]  # a noun of ours, not a test of pytest's

METHODS = "methods: {bant: {of: [job_title, decision_on]}}\n"
NAMES = """
notify:
  sales: {lead_status: OPEN}
  ops: {webhook: {url_from: OPS_URL, secret_from: OPS_SECRET}}
suppress:
  marketing_email: {leave_list: Nurturing}
calendar:
  business: {days: [mon], hours: "09:00-18:00"}
"""


def stages(said: str) -> str:
    """The base's three stages with this beside the second's id."""
    last = "  - id: mql\n    enter_when: {total: {above: 9}}\n"
    return f"stages:\n  - id: contact\n  - id: lead\n    {said}\n{last}"


def lead(folder: Path, said: str, name: str = NAMES) -> StageRule:
    return load(folder, name=f"name: x\n{name}", stages=stages(said)).workflow.stages[1]


def told(folder: Path, said: str, name: str = NAMES) -> list[str]:
    return codes(folder, name=f"name: x\n{name}", stages=stages(said))


# -- leaving ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kind", "lasting", "phrase"),
    [
        ("{total: {below: 70}, for: 14d}", Test, 14 * DAY, "total is under 70 for 14 days"),
        ("{for: 90m, total: {below: 70}}", Test, 90 * MINUTE, "total is under 70 for 90 minutes"),
        ("{total: {below: 70}}", Test, 0, "total is under 70"),
        ("{without: email_open, for: 60d}", Without, 0, "no email_open for 60 days"),
        (
            "{all: [{without: email_open, for: 60d}], for: 1d}",
            All,
            DAY,
            "no email_open for 60 days for 1 day",
        ),
        (
            "{any: [{total: {below: 5}}, {fit: {below: 0}}], for: 1d}",
            AnyOf,
            DAY,
            "(total is under 5 or fit is under 0) for 1 day",
        ),
        ("{not: {stage: {reached: lead}}, for: 4h}", Not, 4 * HOUR, "not (lead reached) for 4 hours"),
        (
            "{method: bant, at_least: 1, for: 1d}",
            MethodMet,
            DAY,
            "bant has evidence for 1 of its 2 fields or more for 1 day",
        ),
        ("{use: silent, for: 2w}", Without, 14 * DAY, "no email_open for 30 days for 14 days"),
        ("{stage: {reached: contact}}", Reached, 0, "contact reached"),
        ("{sales_set: mql}", SalesSet, 0, "sales set mql"),
    ],
)
def test_a_stage_is_left_when_a_condition_has_held(
    tmp_path: Path, said: str, kind: type, lasting: int, phrase: str
) -> None:
    define = METHODS + "define: {silent: {without: email_open, for: 30d}}\n"
    made = lead(tmp_path, f"leave_when: {said}", define)
    assert isinstance(made.leave_when, kind)
    assert made.leave_for == lasting
    assert leaving(made) == phrase


def test_a_stage_that_nobody_leaves(tmp_path: Path) -> None:
    made = lead(tmp_path, "enter_when: {any_signal: demo_download}")
    assert (made.leave_when, made.leave_for, leaving(made)) == (None, 0, "")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("{for: 14d}", ["missing-value"]),
        ("{total: {below: 70}, for: 14}", ["missing-unit"]),
        ("{total: {below: 70}, for: 0d}", ["out-of-range"]),
        ("{total: {below: 70}, during: 14d}", ["unknown-key"]),
        ("{total: {below: 70}, fro: 14d}", ["unknown-key"]),
        ("{total: {below: 70}, fit: {below: 0}, for: 14d}", ["two-conditions"]),
        ("{total: {below: 70}, fit: {below: 0}}", ["two-conditions"]),
        ("{total: {below: 70}, without: email_open, for: 14d}", ["two-conditions"]),
        ("{witout: email_open, for: 14d}", ["unknown-key"]),
        ("{totl: {below: 70}, for: 14d}", ["unknown-field"]),
        ("{all: [{total: {below: 70}, for: 14d}]}", ["misplaced-key"]),
        ("{not: {for: 14d, total: {below: 70}}}", ["misplaced-key"]),
        ("{methd: bant, at_least: 1, for: 14d}", ["unknown-key"]),
        ("{stage: {reached: mql}}", ["later-stage"]),
        ("{use: far, for: 14d}", ["later-stage"]),
        ("[{total: {below: 70}}]", ["wrong-shape"]),
        ("14d", ["wrong-shape"]),
        ("{}", ["missing-value"]),
    ],
)
def test_mistakes_in_leaving(tmp_path: Path, said: str, expected: list[str]) -> None:
    define = METHODS + "define: {far: {stage: {reached: mql}}}\n"
    assert told(tmp_path, f"leave_when: {said}", define) == expected


def test_nobody_leaves_the_first_stage(tmp_path: Path) -> None:
    body = "stages:\n  - {id: contact, leave_when: {total: {below: 5}}, enter_when: {total: {above: 5}}}\n"
    body += "  - {id: lead}\n  - {id: mql}\n"
    assert codes(tmp_path, stages=body) == ["first-stage", "first-stage"]


def test_what_is_named_may_not_wait(tmp_path: Path) -> None:
    name = "name: x\ndefine: {low: {total: {below: 5}, for: 14d}}\n"
    assert codes(tmp_path, name=name) == ["misplaced-key"]


def test_leaving_counts_among_the_things_that_are_asked(tmp_path: Path) -> None:
    made = load(tmp_path, stages=stages("leave_when: {total: {below: 5}, for: 1d}")).workflow
    assert len(made.stage_leaves()) == 2
    many = ", ".join(f"{{total: {{below: {n}}}}}" for n in range(MOST_LEAVES + 1))
    assert told(tmp_path / "b", f"leave_when: {{any: [{many}], for: 1d}}") == ["too-long"]


def test_twenty_deep_at_most_as_everywhere(tmp_path: Path) -> None:
    for depth, expected in ((19, []), (20, ["too-deep"])):
        inner = "{not: " * (depth - 1) + "{total: {below: 5}}" + "}" * (depth - 1)
        assert told(tmp_path / str(depth), f"leave_when: {{not: {inner}, for: 1d}}") == expected


# -- who is told, and what stops ------------------------------------------------------------------------


def test_a_stage_names_what_it_leads_to(tmp_path: Path) -> None:
    one = lead(tmp_path / "a", "notify: sales\n    suppress: marketing_email\n    sla: {first_touch: 4h}")
    assert (one.notify, one.suppress) == (("sales",), ("marketing_email",))
    assert one.sla is not None and (one.sla.first_touch, one.sla.calendar) == (4 * HOUR, None)
    more = lead(tmp_path / "b", "notify: [sales, ops, sales]\n    sla: {first_touch: 1d, calendar: business}")
    assert (more.notify, more.suppress) == (("sales", "ops"), ())
    assert more.sla is not None and (more.sla.first_touch, more.sla.calendar) == (DAY, "business")
    assert (more.sla.place.line, more.sla.place.col) == (6, 10)


@pytest.mark.parametrize(
    ("said", "expected", "near"),
    [
        ("notify: slaes", "unknown-notice", "sales"),
        ("notify: [sales, opps]", "unknown-notice", "ops"),
        ("suppress: [marketing_mail]", "unknown-suppression", "marketing_email"),
        ("sla: {first_touch: 4h, calendar: busness}", "unknown-calendar", "business"),
        ("sla: {within: 4h}", "unknown-key", "first_touch"),
        ("alert: sales", "unknown-key", "notify"),
        ("exit_when: {total: {below: 5}}", "unknown-key", "leave_when"),
    ],
)
def test_a_slip_leads_to_the_name(tmp_path: Path, said: str, expected: str, near: str) -> None:
    (found,) = mistakes(tmp_path, name=f"name: x\n{NAMES}", stages=stages(said))
    assert (found.code, found.label) == (expected, f"did you mean `{near}`?")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("notify: []", ["empty-list"]),
        ("notify: {sales: {}}", ["wrong-shape"]),
        ("notify: ", ["missing-value"]),
        ("suppress: []", ["empty-list"]),
        ("sla: 4h", ["wrong-shape"]),
        ("sla: {calendar: business}", ["missing-key"]),
        ("sla: {first_touch: 4}", ["missing-unit"]),
        ("sla: {first_touch: 0h}", ["out-of-range"]),
    ],
)
def test_mistakes_in_what_it_leads_to(tmp_path: Path, said: str, expected: list[str]) -> None:
    assert told(tmp_path, said) == expected


def test_names_of_what_has_a_mistake_are_known_all_the_same(tmp_path: Path) -> None:
    said = (
        "notify: [sales, ops]\n    suppress: marketing_email\n    sla: {first_touch: 4h, calendar: business}"
    )
    broken = (
        "notify: {sales: {task: 1}, ops: {}}\nsuppress: {marketing_email: {}}\ncalendar: {business: {}}\n"
    )
    assert told(tmp_path / "a", said, broken) == [
        "wrong-shape",
        "empty-list",
        "empty-list",
        "missing-key",
        "missing-key",
    ]
    misspelt = NAMES.replace("notify", "notfy").replace("suppress", "supress").replace("calendar", "calender")
    assert told(tmp_path / "b", said, misspelt) == ["unknown-key"] * 3


def test_without_a_definition_every_name_is_unknown(tmp_path: Path) -> None:
    said = "notify: sales\n    suppress: marketing_email\n    sla: {first_touch: 4h, calendar: business}"
    assert told(tmp_path, said, "") == ["unknown-notice", "unknown-suppression", "unknown-calendar"]
