"""The words people read, drawn from documents."""

from __future__ import annotations

from typing import Any

from connector.views import DRAW, Ink, Result, count, table, text

PARIS = Ink(zone="Europe/Paris")
NOTHING = {"sent": 0, "held": 0, "dropped": 0, "already": 0, "values": 0, "stale": 0, "changed": 0}


def plan_item(contact: str, **said: Any) -> dict[str, Any]:
    return {
        "contact": contact,
        "email": "a***@example.com",
        "stage": {"from": "lead", "to": "lead", "crm": "lead", "why": "", "rule": ""},
        "points": {"from": 41, "to": 41, "parts": []},
        "temperature": "warm",
        "changes": [{"property": "lq_stage", "old": "lead", "new": "mql"}],
        "hold": None,
        "note": "",
        "overwrites": [],
        **said,
    }


def plan(*items: dict[str, Any], **summary: Any) -> str:
    figures = {
        "plan": "7c1e",
        "as_of": "2026-10-02T08:02:00Z",
        "rules": "3f2a91c00000",
        "contacts": 1284,
        "changed": 18,
        "held": 1,
        "unchanged": 1265,
        "overwritten": 0,
    }
    return text(Result("plan", "changes", {**figures, **summary}, items), PARIS)


def test_a_plan_reads_as_in_the_design() -> None:
    moved = plan_item(
        "1042",
        stage={
            "from": "lead",
            "to": "mql",
            "crm": "marketingqualifiedlead",
            "why": "total 112 is at or over 100",
            "rule": "workflows/qualification.yaml:41",
        },
        points={"from": 41, "to": 112, "parts": ["+50 demo ×2", "+15 pricing", "+5 open", "+1 more"]},
    )
    hold = {
        "why": "set back to lead by hand in the CRM",
        "since": "2026-10-01T09:00:00Z",
        "until": "2026-12-30T09:00:00Z",
    }
    held = plan_item("1077", changes=[], hold=hold)
    assert plan(moved, held).splitlines() == [
        "1,284 contacts as of 2 Oct 2026 10:02. Rules 3f2a91c.",
        "",
        "  ~ 1042  a***@example.com",
        "      stage   lead -> mql (CRM: marketingqualifiedlead)   total 112 is at or over 100 "
        "(workflows/qualification.yaml:41)",
        "      score   41 -> 112   +50 demo ×2, +15 pricing, +5 open",
        "  ! 1077  a***@example.com",
        "      stage   held until 30 Dec 2026: set back to lead by hand in the CRM",
        "",
        "Plan 7c1e: 18 to change, 1 held, 1,265 unchanged.",
        "To send exactly these changes: connector apply 7c1e",
    ]


def test_a_plan_that_is_cut_says_how_many_go_where() -> None:
    moved = [
        plan_item(str(n), stage={"from": "lead", "to": "mql", "crm": None, "why": "x", "rule": ""})
        for n in range(22)
    ]
    new = [plan_item("99", stage={"from": None, "to": "lead", "crm": None, "why": "x", "rule": ""})]
    assert "Stages: 22 lead -> mql, 1 new -> lead." in plan(*moved, *new).splitlines()


def test_those_who_change_stage_come_first() -> None:
    moved = plan_item("2", stage={"from": "lead", "to": "mql", "crm": None, "why": "x", "rule": ""})
    said = plan(plan_item("1"), moved)
    assert said.index("~ 2 ") < said.index("~ 1 ")


def test_a_change_of_one_property_alone_is_one_line() -> None:
    why = {"property": "lq_why", "old": "-50 Student", "new": "-50 Student\n+3 All"}
    said = plan(plan_item("1042", changes=[why]), overwritten=1)
    assert "      lq_why   -50 Student -> -50 Student, +3 All" in said.splitlines()
    assert "1 value of ours was changed by others and will be put back." in said.splitlines()


def test_a_long_plan_is_cut_but_for_those_who_want_it_all() -> None:
    items = [plan_item(str(n)) for n in range(25)]
    assert "  ... and 5 more (-v shows all)" in plan(*items).splitlines()
    result = Result("plan", "changes", {**_figures(), "changed": 25}, items)
    assert "more" not in text(result, Ink(verbose=True))


def _figures() -> dict[str, Any]:
    return {
        "plan": "7c1e",
        "as_of": "2026-10-02T08:02:00Z",
        "rules": "3f2a91c00000",
        "contacts": 25,
        "changed": 0,
        "held": 0,
        "unchanged": 0,
        "overwritten": 0,
    }


def test_a_plan_tells_what_a_stage_leads_to() -> None:
    actions = [
        {"kind": "task", "key": "1:mql", "says": "task for o***@acme.fr: Ana"},
        {"kind": "list", "key": "Nurturing", "says": "list Nurturing: leave"},
        {"kind": "webhook", "key": "1:mql:ops", "says": "webhook ops (OPS_URL)"},
    ]
    actions = [{**one, "due_at": None} for one in actions]
    actions[0]["due_at"] = "2026-10-02T12:00:00Z"
    item = plan_item("1042", changes=[], actions=actions, lead_status={"old": None, "new": "OPEN"})
    assert plan(item).splitlines()[2:7] == [
        "  ~ 1042  a***@example.com",
        "      task    for o***@acme.fr: Ana, due 2 Oct 2026 14:00",
        "      list    Nurturing: leave",
        "      webhook ops (OPS_URL)",
        "      lead status   nothing -> OPEN",
    ]


def test_what_is_tried_again_is_told() -> None:
    done = {**NOTHING, "plan": "7c1e", "sent": 1, "actions": 1, "waiting": 1}
    late = {"contact": "7", "became": "waiting", "why": "the address in OPS_URL answered 500", "until": None}
    assert text(Result("apply", "waiting", done, [late]), PARIS).splitlines() == [
        "  - 7  waiting: the address in OPS_URL answered 500",
        "Applied 7c1e: 1 sent, 0 held, 0 dropped, 1 action done, 1 waiting.",
    ]


def test_nothing_to_do_is_one_sentence() -> None:
    said = text(Result("plan", "empty", _figures()), PARIS)
    assert said.splitlines()[-1] == "No changes. The CRM already says what the rules want."


def test_apply_tells_what_it_did_and_repeats_itself_gladly() -> None:
    done = {**NOTHING, "plan": "7c1e", "changed": 18, "sent": 16, "stale": 2, "held": 0}
    stale = [
        {"contact": str(n), "became": "stale", "why": "changed since the plan", "until": None} for n in (1, 2)
    ]
    assert text(Result("apply", "done", done, stale), PARIS).splitlines() == [
        "  - 1  stale: changed since the plan",
        "  - 2  stale: changed since the plan",
        "2 of the 18 contacts of plan 7c1e changed since it was made; they were left out (listed above). "
        "Run connector plan again for them.",
        "Applied 7c1e: 16 sent, 0 held, 0 dropped.",
    ]
    again = text(Result("apply", "already", {**NOTHING, "plan": "7c1e"}), PARIS)
    assert again == "already applied 7c1e; nothing sent"
    empty = text(Result("apply", "empty", {**NOTHING, "plan": "7c1e"}), PARIS)
    assert empty == "Plan 7c1e has no changes; nothing was sent."


def test_the_brake_says_how_to_look_and_how_to_go_on() -> None:
    summary = {
        **NOTHING,
        "plan": "9a02",
        "seen": 1,
        "changed_rows": 0,
        "requests": 4,
        "absent": {},
        "share": 0.61,
        "brake": 0.2,
    }
    assert text(Result("sync", "braked", summary), PARIS).splitlines() == [
        "Pulled 1 row (0 new or changed) with 4 requests.",
        "Plan 9a02 would change 61% of contacts (limit 20%). Nothing was sent.",
        "To see what it would do: connector plan",
        "If this is intended: connector apply 9a02",
    ]


def test_columns_stand_below_each_other_with_accents_and_colour() -> None:
    ink = Ink(color=True)
    decomposed = "e\u0301te\u0301"  # two letters with accents of their own
    rows = table([["été", "1"], [ink.good("ok"), "12"], [decomposed, "123"]], right=(1,))
    assert rows == ["été    1", f"{ink.good('ok')}    12", f"{decomposed}  123"]
    assert table([]) == []


def test_numbers_agree_with_their_noun() -> None:
    assert count(1, "contact") == "1 contact"
    assert count(1284, "contact") == "1,284 contacts"
    assert count(2, "property", "properties") == "2 properties"


def test_moments_are_told_in_the_readers_time_zone() -> None:
    assert PARIS.minute("2026-12-31T23:30:00Z") == "1 Jan 2027 00:30"
    assert PARIS.day(None) == PARIS.minute(None) == "-"


def test_colour_is_never_the_only_carrier() -> None:
    item = plan_item("1042")
    plain = text(Result("plan", "changes", {**_figures(), "changed": 1}, [item]), Ink())
    coloured = text(Result("plan", "changes", {**_figures(), "changed": 1}, [item]), Ink(color=True))
    assert "\x1b" not in plain
    assert "\x1b" in coloured
    assert "  ~ 1042" in plain


def test_every_verb_has_its_words() -> None:
    from connector.cli import VERBS

    assert set(DRAW) == set(VERBS)
