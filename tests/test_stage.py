"""From a score to a stage and a temperature: forward only, people win, and every step has its row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from accounts import DAY, NOW
from hypothesis import given
from hypothesis import strategies as st
from judging import ACTS, IN_CRM, STAGES, judged, rules, score, standing, steps, witness

from connector.model import Standing, Transition, Writer
from connector.stage import Witness, criteria, crm_stage, decide, our_stage

# -- forward -------------------------------------------------------------------------------------------


def test_everybody_begins_at_the_first_stage() -> None:
    found = judged(score())
    assert steps(found) == [(None, "contact", "rule", False)]
    assert found.transitions[0].why == "coordinates only"
    assert found.standing.reached == {"contact"}


def test_several_stages_in_one_evaluation_leave_a_row_each() -> None:
    found = judged(score(120, "interest"), "contact")
    assert steps(found) == [("contact", "lead", "rule", False), ("lead", "mql", "rule", False)]
    lead, mql = found.transitions
    assert lead.why.startswith("one of the signals newsletter_signup")
    assert mql.why == "total 120 is at or over 100; fit 0 is at or over 0"
    assert mql.rule.startswith("workflows/qualification.yaml:")
    assert found.standing.stage_since == NOW


def test_stages_that_are_passed_over_are_reached_and_imputed() -> None:
    found = judged(score(0, "won"), "contact")
    assert [(t.to_stage, t.imputed) for t in found.transitions] == [
        ("lead", True),
        ("mql", True),
        ("sql", True),
        ("qualified_prospect", True),
        ("customer", False),
    ]
    assert found.transitions[0].why == "passed over on the way to customer"
    assert found.standing.reached == set(STAGES)


@pytest.mark.parametrize(("points", "stage"), [(99, "lead"), (100, "mql")])
def test_exactly_at_the_threshold_is_at_it(points: int, stage: str) -> None:
    assert judged(score(points, "interest")).standing.stage == stage


def test_points_alone_make_no_mql_nor_do_they_for_a_student() -> None:
    assert judged(score(150)).standing.stage == "contact"
    assert judged(score(150, "interest", fit=-50)).standing.stage == "lead"


def test_a_score_that_falls_takes_nobody_back() -> None:
    found = judged(score(0), "mql")
    assert (found.standing.stage, found.transitions) == ("mql", ())


def test_a_boundary_that_is_replayed_is_the_effective_moment() -> None:
    found = judged(score(120, "interest", at=NOW - DAY), "contact", now=NOW)
    assert {(t.effective_at, t.decided_at) for t in found.transitions} == {(NOW - DAY, NOW)}
    assert found.standing.stage_since == NOW - DAY


# -- who wrote it --------------------------------------------------------------------------------------


def test_a_person_who_sets_a_later_stage_is_believed() -> None:
    found = judged(score(), "contact", witness("sql"))
    assert found.standing.stage == "sql"
    assert steps(found)[-1] == ("mql", "sql", "sales", False)
    assert found.transitions[-1].why == "sales set sql"  # the workflow asks for just that
    assert steps(judged(score(), "contact", witness("customer")))[-1][2] == "sales"


@pytest.mark.parametrize("writer", ["crm", "app"])
def test_the_crms_automation_and_another_app_are_believed_forward(writer: Writer) -> None:
    found = judged(score(), "lead", witness("qualified_prospect", writer))
    assert found.standing.stage == "qualified_prospect"
    assert steps(found)[-1] == ("sql", "qualified_prospect", "crm", False)


def test_rules_may_go_further_than_a_person_on_hard_facts() -> None:
    assert judged(score(0, "won"), "lead", witness("sql")).standing.stage == "customer"


@pytest.mark.parametrize(
    ("value", "stage"), [("lead", "contact"), ("mql", "contact"), ("sql", "sql"), ("customer", "customer")]
)
def test_a_default_an_import_or_a_form_is_evidence_only_from_sql_on(value: str, stage: str) -> None:
    found = judged(score(), None, witness(value, "default"))
    assert found.standing.stage == stage
    if stage == "contact":
        assert found.note == f"the CRM says {IN_CRM[value]} (by default, an import or a form)"


def test_without_a_stage_called_sql_the_next_known_one_is_where_an_import_counts() -> None:
    few = tuple(s for s in rules().workflow.stages if s.id in ("contact", "lead", "customer"))
    fewer = replace(rules(), workflow=replace(rules().workflow, stages=few))
    facts = tuple(False for _ in fewer.workflow.stage_leaves())

    def stage(value: str) -> str | None:
        bare = replace(score(), facts=facts)
        return decide(fewer, bare, Standing("1"), witness(value, "default"), NOW).standing.stage

    assert (stage("lead"), stage("customer")) == ("contact", "customer")


def test_a_stage_that_is_none_of_ours_is_a_note() -> None:
    found = judged(score(), "lead", witness("evangelist"))
    assert found.standing.stage == "lead"
    assert found.note.startswith("the CRM says evangelist")


def test_stages_of_both_sides() -> None:
    assert {stage: crm_stage(rules(), stage) for stage in STAGES if stage != "contact"} == IN_CRM
    assert crm_stage(rules(), "contact") is None
    assert our_stage(rules(), "marketingqualifiedlead") == "mql"
    assert our_stage(rules(), "subscriber") is None


def test_criteria_are_the_parts_and_whether_one_will_do() -> None:
    parts = {stage.id: (criteria(stage)[0], len(criteria(stage)[1])) for stage in rules().workflow.stages}
    assert parts == {
        "contact": ("all", 0),
        "lead": ("all", 1),
        "mql": ("all", 3),
        "sql": ("any", 3),
        "qualified_prospect": ("any", 2),
        "customer": ("all", 1),
    }


# -- temperature ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "band"),
    [
        ([120], "hot"),
        ([120, 80, 95], "warm"),  # the dip was seen
        ([120, 95], "hot"),
        ([120, 85], "hot"),
        ([120, 84], "warm"),
        ([99], "warm"),
        ([30, 20], "warm"),
        ([30, 19], "cold"),
        ([30, 19, 29], "cold"),
        ([120, 25], "warm"),
        ([120, 0], "cold"),
        ([29], "cold"),
    ],
)
def test_bands_are_entered_higher_than_they_are_left(history: list[int], band: str) -> None:
    now = standing(None)
    for points in history:
        now = decide(rules(), score(points), now, None, NOW).standing
    assert now.temperature == band


def test_since_when_it_is_so_is_kept() -> None:
    first = decide(rules(), score(120, at=NOW), standing(None), None, NOW).standing
    later = decide(rules(), score(110, at=NOW + DAY), first, None, NOW + DAY).standing
    assert (first.temperature_since, later.temperature_since) == (NOW, NOW)
    assert (first.stage_since, later.stage_since) == (NOW, NOW)


# -- for whatever happens ------------------------------------------------------------------------------

writers = st.sampled_from(["default", "crm", "person", "app"])
values = st.sampled_from(["", "subscriber", "evangelist", *STAGES[1:]])
witnesses = st.none() | st.builds(
    witness, values, writers, undone=st.booleans(), at=st.integers(NOW - 100 * DAY, NOW)
)
evaluations = st.tuples(
    st.integers(-50, 200), st.sets(st.sampled_from(ACTS)), st.integers(-50, 50), witnesses
)


@given(st.lists(evaluations, max_size=6))
def test_stages_go_forward_but_by_others_word(
    history: list[tuple[int, set[str], int, Witness | None]],
) -> None:
    now = Standing("1")
    for n, (points, acts, fit, by) in enumerate(history):
        at = NOW + n * DAY
        before = now
        found = decide(rules(), score(points, *sorted(acts), fit=fit, at=at), before, by, at)
        now = found.standing
        assert before.reached <= now.reached or now.journey == before.journey + 1
        forward = STAGES.index(now.stage or "contact") >= STAGES.index(before.stage or "contact")
        assert forward or (by is not None and by.undone and by.writer in ("crm", "person", "app"))
        assert found.hold is None or all(move.actor != "rule" for move in found.transitions)
        one_by_one(before, found.transitions, now)


def one_by_one(before: Standing, moves: Sequence[Transition], after: Standing) -> None:
    """Every step starts where the last one ended, and goes to the next stage but for a step back."""
    at = before.stage
    for move in moves:
        assert move.from_stage == at
        step = STAGES.index(move.to_stage) - (STAGES.index(at) if at else -1)
        assert step == 1 or (step < 0 and move.actor in ("crm", "sales") and move is moves[0])
        at = move.to_stage
    assert at == after.stage


@given(evaluations, st.sampled_from([None, *STAGES]))
def test_the_same_input_gives_the_same_decision_and_a_second_look_changes_nothing(
    evaluation: tuple[int, set[str], int, Witness | None], stage: str | None
) -> None:
    points, acts, fit, by = evaluation
    if by is not None and by.undone:  # only what stands behind ours can have been set back
        said = our_stage(rules(), by.value)
        behind = stage is not None and STAGES.index(said or "contact") < STAGES.index(stage)
        by = replace(by, undone=behind)
    told = score(points, *sorted(acts), fit=fit)
    first = decide(rules(), told, standing(stage), by, NOW)
    assert decide(rules(), told, standing(stage), by, NOW) == first
    settled = decide(rules(), told, first.standing, by, NOW) if first.again else first
    again = decide(rules(), told, settled.standing, by, NOW)
    assert (again.standing, again.hold, again.note, again.transitions) == (
        *(settled.standing, settled.hold, settled.note),
        (),
    )
