"""The few ways back: set back, undone by the CRM, left, recycled, disqualified; and the way on from there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from accounts import DAY, NOW
from judging import IN_CRM, agreed, agreement, judged, rules, score, standing, steps, witness

from connector.model import OUT, Standing, Writer
from connector.rules.tree import Overrides
from connector.stage import Witness, decide

# -- set back ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("writer", "who"), [("person", "by hand"), ("app", "by another app")])
def test_a_person_or_an_app_that_sets_back_closes_the_journey_and_is_left_alone_for_90_days(
    writer: Writer, who: str
) -> None:
    back = witness("lead", writer, undone=True)
    found = judged(score(150, "interest", "won"), "mql", back)
    assert found.hold is not None
    assert found.hold.until == back.at + 90 * DAY
    assert who in found.hold.why
    assert steps(found) == [("mql", "lead", "sales" if writer == "person" else "crm", False)]
    assert (found.standing.journey, found.standing.epoch_at, found.again) == (2, back.at, True)
    then = decide(rules(), score(150, "interest", "won"), found.standing, back, NOW)
    assert (then.standing.stage, then.transitions) == ("lead", ())
    assert then.standing.wake_at == back.at + 90 * DAY


def test_during_a_hold_the_temperature_goes_on() -> None:
    back = judged(score(150), "mql", witness("lead", undone=True))
    assert decide(rules(), score(150), back.standing, None, NOW).standing.temperature == "hot"


def test_when_the_hold_is_over_the_rules_decide_again() -> None:
    word = witness("lead", undone=True, at=NOW - 90 * DAY)
    back = decide(rules(), score(at=NOW - 1), standing("mql"), word, NOW - 1).standing
    still = decide(rules(), score(0, "won", at=NOW - 1), back, word, NOW)
    assert (still.standing.stage, still.hold is None) == ("lead", False)
    over = decide(rules(), score(0, "won"), back, word, NOW)
    assert (over.standing.stage, over.hold) == ("customer", None)


def test_a_set_back_that_is_older_than_a_hold_lasts_closes_the_journey_all_the_same() -> None:
    found = judged(score(0), "mql", witness("lead", undone=True, at=NOW - 90 * DAY))
    assert (found.standing.stage, found.standing.journey, found.hold) == ("lead", 2, None)


def test_a_cleared_stage_is_a_step_back_to_nothing() -> None:
    found = judged(score(150, "interest"), "mql", witness("", undone=True))
    assert found.hold is not None
    assert found.hold.why == "set back to nothing by hand in the CRM"
    assert found.standing.stage == "contact"


def test_a_later_word_forward_ends_the_hold() -> None:
    back = judged(score(0), "mql", witness("lead", undone=True, at=NOW - 2 * DAY)).standing
    found = decide(rules(), score(0), back, witness("sql"), NOW)
    assert (found.standing.stage, found.hold) == ("sql", None)
    note = decide(rules(), score(0), back, witness("mql", "default"), NOW)
    assert (note.standing.stage, note.hold is None) == ("lead", False)


def test_where_sales_does_not_win_nothing_is_held() -> None:
    stubborn = replace(rules(), workflow=replace(rules().workflow, overrides=Overrides(False, 90 * DAY)))
    found = decide(stubborn, score(150, "interest"), standing("mql"), witness("lead", undone=True), NOW)
    assert (found.hold, found.standing.stage) == (None, "mql")


def test_a_word_from_before_the_journey_or_from_the_future_says_nothing() -> None:
    begun = replace(standing("lead"), epoch_at=NOW - DAY, journey=2)
    assert decide(rules(), score(), begun, witness("sql", at=NOW - DAY), NOW).standing.stage == "lead"
    assert decide(rules(), score(), begun, witness("sql", at=NOW - DAY + 1), NOW).standing.stage == "sql"
    assert decide(rules(), score(), begun, witness("sql", at=NOW + 1), NOW + 2).standing.stage == "lead"


# -- undone by the CRM ---------------------------------------------------------------------------------


def test_the_crms_automation_that_undoes_a_stage_is_accepted_and_reported() -> None:
    word = witness("qualified_prospect", "crm", undone=True)
    found = judged(score(0, "deal"), "customer", word)
    assert steps(found) == [("customer", "qualified_prospect", "crm", False)]
    assert (found.standing.stage, found.standing.journey) == ("qualified_prospect", 1)
    assert "customer" in found.standing.reached
    assert decide(rules(), score(0, "deal"), found.standing, word, NOW).transitions == ()


def test_what_the_crm_undid_and_the_rules_gave_again_is_undone_by_a_new_word_alone() -> None:
    word = witness("qualified_prospect", "crm", undone=True)
    found = judged(score(0, "won"), "customer", word)
    assert [to for _, to, _, _ in steps(found)] == ["qualified_prospect", "customer"]
    assert decide(rules(), score(0, "won"), found.standing, word, NOW).transitions == ()


@pytest.mark.parametrize(("later", "held"), [(DAY, True), (DAY + 1, False)])
def test_twice_within_a_day_is_a_ping_pong(later: int, held: bool) -> None:
    first = judged(score(0, "won"), "customer", witness("lead", "crm", undone=True, at=NOW)).standing
    again = witness("lead", "crm", undone=True, at=NOW + later)
    found = decide(rules(), score(0, "won", at=again.at), first, again, again.at)
    assert (found.hold is not None, found.standing.journey) == ((True, 2) if held else (False, 1))
    if found.hold is not None:
        assert found.hold.why == "set back to lead by the CRM's own automation, twice within a day"


def test_an_import_that_sets_back_is_a_note() -> None:
    found = judged(score(), "mql", witness("lead", "default", undone=True))
    assert (found.hold, found.standing.stage) == (None, "mql")
    assert found.note == "the CRM says lead (by default, an import or a form)"


# -- left ----------------------------------------------------------------------------------------------


def test_a_stage_is_left_once_what_says_so_has_held_long_enough() -> None:
    low = agreed(60, "interest", before=standing("mql")).standing
    assert (low.stage, low.leaving_since, low.wake_at) == ("mql", NOW, NOW + 14 * DAY)
    early = agreed(60, "interest", before=low, at=NOW + 14 * DAY - 1)
    assert early.standing.stage == "mql"
    found = agreed(60, "interest", before=low, at=NOW + 14 * DAY)
    assert steps(found) == [("mql", "lead", "rule", False)]
    assert found.transitions[0].why == "total 60 is under 70"
    assert (found.standing.reached, found.standing.leaving_since) == ({"contact", "lead"}, None)
    assert agreed(100, "interest", before=found.standing).standing.stage == "mql"


def test_a_good_day_in_between_starts_the_time_anew() -> None:
    low = agreed(60, "interest", before=standing("mql")).standing
    good = agreed(70, "interest", before=low, at=NOW + 13 * DAY).standing
    assert (good.leaving_since, good.wake_at) == (None, None)
    assert agreed(60, "interest", before=good, at=NOW + 15 * DAY).standing.stage == "mql"


def test_nobody_leaves_a_stage_that_sales_accepted() -> None:
    low = agreed(0, before=standing("sql")).standing
    assert (low.stage, low.leaving_since) == ("sql", None)


def test_nobody_leaves_a_stage_that_somebody_elses_word_gives() -> None:
    word = witness("mql")
    low = agreed(60, before=standing("mql"), word=word).standing
    assert agreed(60, before=low, at=NOW + 14 * DAY, word=word).standing.stage == "mql"


# -- recycled ------------------------------------------------------------------------------------------


def test_recycling_closes_the_journey_and_nothing_moves_while_it_cools_down() -> None:
    before = replace(standing("sql"), fired=frozenset())
    found = agreed(150, "interest", "not_now", before=before, word=witness("sql"))
    assert steps(found) == [("sql", "lead", "rule", False)]
    assert found.transitions[0].why.startswith("recycled: ")
    now = found.standing
    assert (now.journey, now.epoch_at, now.cool_until) == (2, NOW, NOW + 30 * DAY)
    assert (now.reached, now.wake_at) == ({"contact", "lead"}, NOW + 30 * DAY)
    cooling = agreed(150, "interest", "not_now", before=now, at=NOW + 30 * DAY - 1)
    assert cooling.standing.stage == "lead"
    assert agreed(150, "interest", "not_now", before=now, at=NOW + 30 * DAY).standing.stage == "mql"


def test_a_rule_recycles_when_it_begins_to_hold_and_not_again() -> None:
    first = agreed(0, "not_now", before=standing("mql")).standing
    still = agreed(0, "not_now", before=first, at=NOW + DAY)
    assert (still.transitions, still.standing.journey) == ((), 2)
    gone = agreed(0, before=first, at=NOW + DAY).standing
    assert agreed(0, "not_now", before=gone, at=NOW + 2 * DAY).standing.journey == 3


def test_who_stands_before_the_rules_stage_stays_there() -> None:
    assert agreed(0, "not_now", before=standing("contact")).standing.stage == "contact"


@pytest.mark.parametrize("stage", [None, "customer", OUT])
def test_who_has_no_journey_to_close_is_not_recycled(stage: str | None) -> None:
    before = replace(standing(stage), stage_since=NOW)
    assert agreed(0, "not_now", "competitor" if stage == OUT else "", before=before).standing.journey == 1


def test_without_a_reset_what_was_done_counts_on_and_what_was_said_does_not() -> None:
    [rule] = agreement().workflow.recycle
    gentle = replace(
        agreement(),
        workflow=replace(agreement().workflow, recycle=(replace(rule, reset=False, cool_down=0),)),
    )
    told = score(0, "interest", "not_now", by=gentle)
    found = decide(gentle, told, standing("sql"), witness("sql"), NOW)
    assert (found.standing.epoch_at, found.standing.journey, found.again) == (None, 2, True)
    assert decide(gentle, told, found.standing, witness("sql"), NOW).standing.stage == "lead"


def test_a_line_that_moved_or_a_list_that_grew_recycles_nobody() -> None:
    before = agreed(0, "not_now", before=standing("mql")).standing
    [rule] = agreement().workflow.recycle
    moved = replace(rule, place=replace(rule.place, line=1))
    longer = replace(rule, when=replace(rule.when, values=("not_now", "no_budget", "later")))
    for edited in (moved, longer):
        by = replace(agreement(), workflow=replace(agreement().workflow, recycle=(edited,)))
        assert decide(by, score(0, "not_now", by=by), before, None, NOW).standing.journey == 2


# -- disqualified --------------------------------------------------------------------------------------


def test_the_disqualified_stand_outside_whatever_happens() -> None:
    found = agreed(150, "interest", "competitor", before=standing("mql"))
    assert steps(found) == [("mql", OUT, "rule", False)]
    assert found.transitions[0].why == "rejection_reason is one of competitor, student, bad_data"
    later = agreed(200, "interest", "won", "competitor", before=found.standing, at=NOW + DAY)
    assert (later.standing.stage, later.transitions, later.standing.temperature) == (OUT, (), "hot")


def test_a_competitor_is_disqualified_at_first_sight_and_a_customer_never() -> None:
    assert steps(agreed(0, "competitor", before=standing(None))) == [(None, OUT, "rule", False)]
    assert agreed(0, "competitor", before=standing("customer")).standing.stage == "customer"


def test_when_nothing_disqualifies_any_more_the_next_journey_begins_with_what_was_done() -> None:
    out = agreed(120, "interest", "competitor", before=standing("lead")).standing
    found = agreed(120, "interest", before=out, at=NOW + DAY)
    assert [to for _, to, _, _ in steps(found)] == ["contact", "lead", "mql"]
    assert found.transitions[0].from_stage == OUT
    assert (found.standing.journey, found.standing.epoch_at) == (2, None)


def test_a_person_reopens_by_a_stage_in_the_crm_whatever_the_reason_says() -> None:
    out = agreed(0, "competitor", before=standing("sql")).standing
    assert agreed(0, "competitor", before=out, word=witness("sql", at=NOW - 1)).standing.stage == OUT
    later = NOW + DAY
    word = witness("lead", at=later)
    found = agreed(0, "competitor", before=out, at=later, word=word)
    assert steps(found) == [(OUT, "lead", "sales", False)]
    on = agreed(
        120, "interest", "competitor", before=found.standing, at=later + 1, word=replace(word, undone=True)
    )
    assert (on.standing.stage, on.standing.journey, on.hold) == ("mql", 2, None)


@pytest.mark.parametrize("word", [witness("", at=NOW + 1), witness("sql", "app", at=NOW + 1)])
def test_nobody_else_reopens(word: Witness) -> None:
    out = agreed(0, "competitor", before=standing("lead")).standing
    assert agreed(0, "competitor", before=out, at=NOW + 1, word=word).standing.stage == OUT


# -- remembered by the CRM alone -------------------------------------------------------------------------


def test_what_only_the_crm_remembers_has_been_acted_on() -> None:
    known = Standing("1", 2, NOW - DAY, "lead", reached=frozenset({"contact", "lead"}), fired=None)
    found = agreed(150, "interest", "not_now", before=known)
    assert (found.transitions, found.standing.journey) == ((), 2)
    assert found.standing.cool_until == NOW + 29 * DAY
    out = replace(known, stage=OUT, reached=frozenset())
    found = agreed(0, "competitor", before=out, word=witness("sql", at=NOW - 1))
    assert (found.standing.stage, found.transitions) == (OUT, ())
    assert agreed(
        0, "competitor", before=found.standing, at=NOW + 2, word=witness("sql", at=NOW + 1)
    ).transitions


def test_stages_of_the_crm_by_which_words_are_judged_are_those_of_the_mapping() -> None:
    lifecycle = rules().mapping.write_back.lifecycle
    assert lifecycle is not None
    assert dict(lifecycle.stages) == IN_CRM
