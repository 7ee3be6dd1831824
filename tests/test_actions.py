"""What entering a stage leads to: values in, values out."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from accounts import CHECKOUT, NOW, QUIET, WORKFLOW, rules_in
from hypothesis import given
from hypothesis import strategies as st

from connector.actions import Office, Person, led_to, overtaken, says
from connector.model import DAY, HOUR, OUT, POINT, HandOff, Score, Standing, Transition
from connector.plan import Led
from connector.rules.tree import Rules
from connector.stage import Decision

STAGES = ("contact", "lead", "mql", "sql", "qualified_prospect", "customer")
AGREED = """
notify:
  sales:
    task:
      to: owner
      fallback: "Sales@acme.fr"
      subject: {fr: "Nouveau : {name} de {company}", en: "New {stage}: {name} ({company}), {score}"}
      due: 4h
    lead_status: OPEN
  desk: {task: {to: owner, subject: "Call {name}", due: 1d}, lead_status: CONNECTED}
  ops: {webhook: {url_from: OPS_URL, secret_from: OPS_SECRET}}
suppress:
  marketing_email: {leave_list: "Nurturing", join_list: "Sales owned"}
  back: {leave_list: "Sales owned", join_list: "Nurturing"}
"""
OVERRIDES = "overrides: {sales_wins: true, hold: 90d}\n"
EDITS = [
    QUIET,
    ("        - meeting_request\n", "        - meeting_request\n    suppress: back\n"),
    ("        - fit: {at_least: 0}\n", "        - fit: {at_least: 0}\n    notify: [sales, desk, ops]\n"),
    (
        "        - sales_set: sql\n",
        "        - sales_set: sql\n    notify: ops\n    suppress: marketing_email\n",
    ),
    (OVERRIDES, OVERRIDES + AGREED),
]
OFFICE = Office("4711", {"7": "sales@acme.fr", "8": "olga@acme.fr"})
ANA = Person("101", "Ana Lima", "Acme", "8", "https://crm/101", "status")


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    return rules_in(tmp_path_factory.mktemp("rules"), {WORKFLOW: EDITS})


def score(points: int = 112) -> Score:
    parts = {"demo": 50 * POINT, "open": 5 * POINT}
    return Score("101", NOW, points, points * POINT, {}, {}, parts, {"demo": 2, "open": 1}, (), None)


def moved(*stages: str | None, journey: int = 1, at: int = NOW, actor: Any = "rule") -> list[Transition]:
    """From the first of the stages over all the others, which are passed over, to the last."""
    pairs = list(pairwise(stages))
    return [
        Transition(
            "101", journey, old, new or "", "x.yaml:1", f"because of {new}", actor, at, NOW, imputed=n > 1
        )
        for n, (old, new) in zip(range(len(pairs), 0, -1), pairs, strict=True)
    ]


def led(
    rules: Rules, moves: list[Transition], person: Person = ANA, *, epoch: int | None = None, **more: Any
) -> Led:
    standing = Standing("101", journey=moves[-1].journey, epoch_at=epoch, stage=moves[-1].to_stage)
    return led_to(rules, OFFICE, person, score(), Decision(standing, tuple(moves), **more))


def of(found: Led, kind: str) -> dict[str, dict[str, Any]]:
    return {one.key: orjson.loads(one.value) for one in found.actions if one.kind == kind}


# -- when ----------------------------------------------------------------------------------------------


def test_one_alert_for_the_last_stage_when_several_are_passed(rules: Rules) -> None:
    found = led(rules, moved(None, "contact", "lead", "mql", "sql"))
    assert list(of(found, "webhook")) == ["1:sql:ops"]
    assert of(found, "task") == {}
    assert found.status is None


@pytest.mark.parametrize(("age", "told"), [(0, True), (DAY, True), (DAY + 1, False)])
def test_what_is_older_than_the_horizon_is_recorded_and_not_told(rules: Rules, age: int, told: bool) -> None:
    found = led(rules, moved("lead", "mql", at=NOW - age))
    assert (bool(found.actions), found.status is not None) == (told, told)


@pytest.mark.parametrize(
    "moves",
    [
        moved("sql", "mql"),  # left, recycled or set back: that is no news
        moved("mql", OUT),
        moved("lead", "mql", actor="edit"),
        moved("lead", "mql") + moved("mql", "contact", journey=2),
    ],
)
def test_nobody_is_told_of_a_way_back(rules: Rules, moves: list[Transition]) -> None:
    found = led(rules, moves)
    assert (of(found, "task"), of(found, "webhook"), found.status) == ({}, {}, None)


def test_nothing_happened_and_nothing_is_led_to(rules: Rules) -> None:
    assert led_to(rules, OFFICE, ANA, score(), Decision(Standing("101"), ())) == Led()
    assert led(rules, moved("qualified_prospect", "customer")) == Led()


# -- tasks ---------------------------------------------------------------------------------------------


def test_a_task_says_who_why_and_what_it_is_about(rules: Rules) -> None:
    first = of(led(rules, moved("lead", "mql")), "task")["1:mql"]
    assert first == {
        "subject": "New mql: Ana Lima (Acme), 112",
        "lines": [
            "lead -> mql: because of mql",
            "112 points: +50 Demo download ×2, +5 Email open",
            "https://crm/101",
        ],
        "marker": "[connector 4711 101 1 mql]",
        "owner": "8",
        "to": "olga@acme.fr",
        "due_at": NOW + 4 * HOUR,
        "since": None,
    }


def test_each_notice_has_a_task_of_its_own(rules: Rules) -> None:
    found = of(led(rules, moved("lead", "mql", journey=3)), "task")
    assert {key: task["marker"] for key, task in found.items()} == {
        "3:mql": "[connector 4711 101 3 mql]",
        "3:mql:desk": "[connector 4711 101 3 mql desk]",
    }


def test_the_offer_to_sales_says_when_and_to_whom(rules: Rules) -> None:
    offer = HandOff("101", 1, "mql", NOW - HOUR, owner="7")  # whose it was when it was offered
    other = replace(offer, journey=2, offered_at=0)
    found = led(rules, moved("lead", "mql", at=NOW - HOUR), handoffs=(other, offer))
    task = of(found, "task")["1:mql"]
    assert (task["due_at"], task["owner"], task["to"]) == (NOW + 3 * HOUR, "7", "sales@acme.fr")


@pytest.mark.parametrize(
    ("owner", "owners", "key", "whose"),
    [
        ("8", OFFICE.owners, "1:mql", "8"),
        ("99", OFFICE.owners, "1:mql", "7"),  # who has left
        (None, OFFICE.owners, "1:mql", "7"),
        (None, OFFICE.owners, "1:mql:desk", None),  # no fallback
        (None, {"9": ""}, "1:mql", None),
        ("8", {}, "1:mql", "8"),  # owners may not be read: the CRM knows
    ],
)
def test_whose_task_it_is(rules: Rules, owner: str | None, owners: Any, key: str, whose: str | None) -> None:
    decision = Decision(Standing("101", stage="mql"), tuple(moved("lead", "mql")))
    found = led_to(rules, Office("4711", owners), replace(ANA, owner=owner), score(), decision)
    assert of(found, "task")[key]["owner"] == whose


def test_the_subject_is_in_the_language_of_the_mapping(tmp_path: Path) -> None:
    text = (CHECKOUT / "mappings" / "fields.yaml").read_text("utf-8")
    line = next(line for line in text.splitlines() if line.startswith("language:"))
    french = {"mappings/fields.yaml": [(line, "language: fr")], WORKFLOW: EDITS}
    found = led(rules_in(tmp_path, french), moved("lead", "mql"), replace(ANA, company=""))
    assert of(found, "task")["1:mql"]["subject"] == "Nouveau : Ana Lima de société inconnue"


@given(name=st.text(max_size=30), company=st.text(max_size=30))
def test_whatever_people_are_called(rules: Rules, name: str, company: str) -> None:
    """A name with a placeholder in it stays a name."""
    found = led(rules, moved("lead", "mql"), replace(ANA, name=f"{name}{{score}}", company=company))
    subject = of(found, "task")["1:mql"]["subject"]
    assert subject.startswith("New mql: ")
    assert "(score)" in subject
    assert subject.endswith(", 112")
    assert "\n" not in subject


# -- lead status ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "sent", "becomes"),
    [
        (None, None, "CONNECTED"),  # of several notices the last
        ("", None, "CONNECTED"),
        ("OPEN", "OPEN", "CONNECTED"),
        ("OPEN", None, None),  # somebody else's
        ("NEW", "OPEN", None),
        ("CONNECTED", "CONNECTED", None),
    ],
)
def test_a_lead_status_goes_on_from_nothing_or_from_ours(
    rules: Rules, now: str | None, sent: str | None, becomes: str | None
) -> None:
    found = led(rules, moved("lead", "mql"), replace(ANA, status=now, status_sent=sent)).status
    assert (found.new if found else None) == becomes
    assert found is None or (found.property, found.old) == ("status", now or None)


# -- lists ---------------------------------------------------------------------------------------------


def test_what_a_stage_stops_is_stopped_when_it_is_passed_over(rules: Rules) -> None:
    found = led(rules, moved("contact", "lead", "mql", "sql", "qualified_prospect", "customer"))
    assert of(found, "list") == {"Nurturing": {"do": "leave"}, "Sales owned": {"do": "join"}}
    assert len(found.actions) == 2


def test_who_goes_back_belongs_on_the_lists_of_the_stage_entered(rules: Rules) -> None:
    found = led(rules, [*moved("mql", "sql"), *moved("sql", "lead", journey=2)])
    assert of(found, "list") == {"Nurturing": {"do": "join"}, "Sales owned": {"do": "leave"}}


# -- webhooks ------------------------------------------------------------------------------------------


def test_a_webhook_tells_from_where_to_where(rules: Rules) -> None:
    told = of(led(rules, moved("contact", "lead", "mql")), "webhook")["1:mql:ops"]
    body = told.pop("body")
    assert told == {"notice": "ops", "url_from": "OPS_URL", "secret_from": "OPS_SECRET"}
    assert body == {
        "id": body["id"],
        "contact": "101",
        "stage": "mql",
        "from": "contact",
        "score": 112,
        "why": "because of mql",
        "effective_at": "2026-11-16T09:00:00Z",
        "rules": rules.hash,
    }


def key_of(rules: Rules, stage: str = "mql", contact: str = "101", portal: str = "4711", **more: Any) -> str:
    moves = moved("lead", stage, journey=more.get("journey", 1))
    standing = Standing("101", epoch_at=more.get("epoch"), stage=stage)
    office, person = replace(OFFICE, portal=portal), replace(ANA, id=contact)
    found = led_to(rules, office, person, score(more.get("points", 1)), Decision(standing, tuple(moves)))
    [told] = of(found, "webhook").values()
    return str(told["body"]["id"])


def test_the_key_names_the_event_and_nothing_else(rules: Rules) -> None:
    same = {key_of(rules), key_of(rules, points=99)}
    others = [
        *(key_of(rules, "sql"), key_of(rules, contact="102"), key_of(rules, portal="1")),
        *(key_of(rules, journey=2), key_of(rules, epoch=NOW)),
    ]
    assert len(same) == 1
    assert len(same | set(others)) == 6


# -- afterwards ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moves", "kinds"),
    [
        ([], ()),
        (moved("lead", "mql", "sql"), ()),
        (moved("mql", "lead"), ("task", "list")),
        (moved("mql", OUT), ("task",)),
        (moved("mql", "sql") + moved("sql", "contact", journey=2), ("task", "list")),
        (moved("mql", "mql", journey=2), ("task", "list")),  # recycled to where it stood
    ],
)
def test_which_actions_are_not_right_any_more(
    rules: Rules, moves: list[Transition], kinds: tuple[str, ...]
) -> None:
    assert overtaken(rules, moves) == kinds


def test_actions_in_words(rules: Rules) -> None:
    found = led(rules, moved("lead", "mql", "sql"))
    first = led(rules, moved("lead", "mql"))
    said = [says(one.kind, one.key, one.value, lambda _: "x") for one in (*first.actions, *found.actions)]
    assert said == [
        "task for x: New mql: Ana Lima (Acme), 112",
        "task for x: Call Ana Lima",
        "webhook ops (OPS_URL)",
        "list Nurturing: leave",
        "list Sales owned: join",
        "webhook ops (OPS_URL)",
    ]
