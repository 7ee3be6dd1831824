"""Notices, suppressions, the horizon of alerts; how a journey ends and begins again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rulebook import ACCOUNT, LEAD_STATUS, codes, load, mistakes

from connector import rules
from connector.diagnostics import draw
from connector.model import DAY, HOUR
from connector.rules.tree import AnySignal, Reached, SalesSet, Test, WorkflowRules

Test.__test__ = False  # type: ignore[attr-defined]  # a noun of ours, not a test of pytest's


def read(folder: Path, body: str) -> WorkflowRules:
    return load(folder, name=f"name: x\n{body}").workflow


def told(folder: Path, body: str) -> list[str]:
    return codes(folder, name=f"name: x\n{body}")


# -- notices ------------------------------------------------------------------------------------------

TASK = 'to: owner, subject: "New MQL: {name}", due: 4h'


def test_a_notice_is_a_task_a_status_a_webhook_or_all_of_them(tmp_path: Path) -> None:
    body = """
notify:
  sales:
    task:
      to: owner
      fallback: "sales@acme.fr"
      subject: {fr: "Nouveau : {name}, {company}", en: "New {stage}  at {score}"}
      due: 4h
    lead_status: OPEN
  ops: {webhook: {url_from: OPS_WEBHOOK_URL, secret_from: _S3}}
"""
    made = read(tmp_path, body).notify
    assert list(made) == ["sales", "ops"]
    sales, ops = made["sales"], made["ops"]
    assert sales.task is not None and sales.webhook is None and sales.lead_status == "OPEN"
    assert (sales.task.due, sales.task.fallback) == (4 * HOUR, "sales@acme.fr")
    assert dict(sales.task.subject) == {
        "fr": "Nouveau : {name}, {company}",
        "en": "New {stage} at {score}",
    }
    assert (ops.task, ops.lead_status) == (None, None)
    assert ops.webhook is not None
    assert (ops.webhook.url_from, ops.webhook.secret_from) == ("OPS_WEBHOOK_URL", "_S3")
    assert (sales.place.line, ops.place.line, ops.place.col) == (5, 12, 3)


def test_one_subject_stands_for_all_languages(tmp_path: Path) -> None:
    task = read(tmp_path, f"notify: {{sales: {{task: {{{TASK}}}}}}}").notify["sales"].task
    assert task is not None and task.fallback is None
    assert dict(task.subject) == {"en": "New MQL: {name}", "fr": "New MQL: {name}"}


@pytest.mark.parametrize(
    ("notice", "expected"),
    [
        ("{}", ["empty-list"]),
        ("OPEN", ["wrong-shape"]),
        ("{lead_status: }", ["missing-value"]),
        ("{status: OPEN}", ["unknown-key"]),
        ("{task: {}}", ["missing-key"] * 3),
        (f"{{task: {{{TASK}, cc: bob}}}}", ["unknown-key"]),
        (f"{{task: {{{TASK.replace('owner', 'bob')}}}}}", ["unknown-value"]),
        (f"{{task: {{{TASK.replace('4h', '4')}}}}}", ["missing-unit"]),
        (f"{{task: {{{TASK}, fallback: owner}}}}", ["not-an-address"]),
        (f"{{task: {{{TASK}, fallback: 'a@acme.fr, b@acme.fr'}}}}", ["not-an-address"]),
        (f"{{task: {{{TASK}, fallback: [a@acme.fr]}}}}", ["wrong-shape"]),
        ("{task: {to: owner, due: 4h, subject: {}}}", ["empty-list"]),
        ("{task: {to: owner, due: 4h, subject: {de: Neu}}}", ["unknown-key"]),
        ("{task: {to: owner, due: 4h, subject: [New]}}", ["wrong-shape"]),
        (f"{{task: {{to: owner, due: 4h, subject: {'x' * 201}}}}}", ["too-long"]),
        ("{webhook: {url_from: OPS_URL}}", ["missing-key"]),
        ("{webhook: {url_from: OPS_URL, secret_from: 0123}}", ["not-a-variable"]),
        ("{webhook: {url_from: OPS URL, secret_from: OPS_SECRET}}", ["not-a-variable"]),
        ("{webhook: {url: OPS_URL, secret: OPS_SECRET}}", ["unknown-key", "unknown-key"]),
        ("{webhook: OPS_URL}", ["wrong-shape"]),
    ],
)
def test_mistakes_in_notices(tmp_path: Path, notice: str, expected: list[str]) -> None:
    assert told(tmp_path, f"notify: {{sales: {notice}}}") == expected


def test_a_notice_has_a_name_like_any_other(tmp_path: Path) -> None:
    assert told(tmp_path / "a", "notify: {Équipe: {lead_status: OPEN}}") == ["unusable-name"]
    assert told(tmp_path / "b", "notify: {}") == ["empty-list"]


@pytest.mark.parametrize(
    ("subject", "named", "near"),
    [
        ("{nom} de {company}", ["{nom}"], "{name}"),
        ("{societe}: {points}", ["{societe}", "{points}"], "{company}"),
        ("{zzz} {name}", ["{zzz}"], ""),
        ("{name", ["{"], ""),
        ("name} {{score}}", ["{", "}"], ""),
        ("{}", ["{}"], ""),
    ],
)
def test_a_subject_has_four_things_in_braces(
    tmp_path: Path, subject: str, named: list[str], near: str
) -> None:
    body = f'name: x\nnotify: {{sales: {{task: {{to: owner, due: 4h, subject: {{fr: "{subject}"}}}}}}}}'
    (found,) = mistakes(tmp_path, name=body)
    assert found.code == "unknown-placeholder"
    assert found.what.split("`")[3::2] == named
    assert found.label == (f"did you mean `{near}`?" if near else "")


@pytest.mark.parametrize("key", ["url_from", "secret_from", "url", "secret"])
@pytest.mark.parametrize("typed", ["https://ops.example/hook", "'8f3a 55c1'", "whsec+8f3a/55c1="])
def test_an_address_or_a_secret_is_never_shown(tmp_path: Path, key: str, typed: str) -> None:
    other = "secret_from" if key.startswith("url") else "url_from"
    line = f"    webhook: {{{key}: {typed}, {other}: OPS, lead: OPEN}}"
    found = mistakes(tmp_path, name=f"name: x\nnotify:\n  ops:\n{line}\n")
    assert {one.code for one in found} == {
        "unknown-key",
        *(["not-a-variable"] if key.endswith("_from") else []),
    }
    for one in found:
        assert typed.strip("'") not in draw(one)
        assert one.text == line.replace(typed, "*" * len(typed))


@pytest.mark.parametrize(
    ("typed", "near"),
    [("ops_url", "OPS_URL"), ("$OPS_URL", "OPS_URL"), ("${ops_url}", "OPS_URL"), ("ops-url", "OPS_URL")],
)
def test_the_name_of_a_variable_is_in_capitals(tmp_path: Path, typed: str, near: str) -> None:
    body = f"name: x\nnotify:\n  ops:\n    webhook:\n      url_from: {typed}\n      secret_from: OPS\n"
    (found,) = mistakes(tmp_path, name=body)
    assert (found.code, found.label) == ("not-a-variable", f"did you mean `{near}`?")
    assert found.text.endswith(typed)


def status(folder: Path, value: str, prop: str = LEAD_STATUS) -> list[tuple[str, str]]:
    body = f"notify: {{sales: {{lead_status: {value}}}}}"
    stages = "stages: [{id: contact}, {id: lead}, {id: mql}]"
    found = rules.against(load(folder, name=f"name: x\n{body}", stages=stages), ACCOUNT, prop)
    return [(one.code, one.label) for one in found]


@pytest.mark.parametrize(
    ("value", "prop", "expected"),
    [
        ("OPEN", LEAD_STATUS, []),
        ("open", LEAD_STATUS, [("unknown-status", "did you mean `OPEN`?")]),
        ("CLOSED", LEAD_STATUS, [("unknown-status", "")]),
        ("CLOSED", "", []),
        ("CLOSED", "no_such_property", []),
        ("CLOSED", "jobtitle", []),
    ],
)
def test_a_lead_status_is_one_of_the_accounts(
    tmp_path: Path, value: str, prop: str, expected: list[tuple[str, str]]
) -> None:
    assert status(tmp_path, value, prop) == expected


# -- suppressions -------------------------------------------------------------------------------------


def test_a_suppression_leaves_a_list_joins_one_or_both(tmp_path: Path) -> None:
    body = 'suppress: {mail: {leave_list: "À  nourrir"}, all: {leave_list: A, join_list: "Sales owned"}}'
    made = read(tmp_path, body).suppress
    assert [(name, one.leave_list, one.join_list) for name, one in made.items()] == [
        ("mail", "À nourrir", None),
        ("all", "A", "Sales owned"),
    ]


@pytest.mark.parametrize(
    ("suppression", "expected"),
    [
        ("{}", ["empty-list"]),
        ("Nurturing", ["wrong-shape"]),
        ("{leave: Nurturing}", ["unknown-key"]),
        ("{leave_list: [A, B]}", ["wrong-shape"]),
        ("{join_list: }", ["missing-value"]),
    ],
)
def test_mistakes_in_suppressions(tmp_path: Path, suppression: str, expected: list[str]) -> None:
    assert told(tmp_path, f"suppress: {{mail: {suppression}}}") == expected


# -- recycle, disqualify ------------------------------------------------------------------------------


def test_a_journey_ends_and_begins_again(tmp_path: Path) -> None:
    body = """
define: {lost: {reason: {is: competitor}}}
recycle:
  - {when: {reason: {is: not_now}}, to: lead, reset: engagement, cool_down: 30d}
  - {when: {all: [{stage: {reached: mql}}, {sales_set: lead}]}, to: contact, reset: none}
  - {when: {any_signal: email_open}, to: lead, cool_down: 0d}
disqualify:
  - {when: {use: lost}}
"""
    made = read(tmp_path, body)
    assert [(one.to, one.reset, one.cool_down) for one in made.recycle] == [
        ("lead", True, 30 * DAY),
        ("contact", False, 0),
        ("lead", False, 0),
    ]
    assert isinstance(made.recycle[2].when, AnySignal)
    assert (made.recycle[0].place.line, made.recycle[0].place.col) == (6, 5)
    (out,) = made.disqualify
    assert isinstance(out.when, Test) and out.when.values == ("competitor",)
    # what the score query is asked: the base's two entries and three of these; two stand in the standing
    assert len(made.stage_leaves()) == 5
    assert not any(isinstance(leaf, Reached | SalesSet) for leaf in made.stage_leaves())


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("{to: lead}", ["missing-key"]),
        ("{when: {total: {below: 5}}}", ["missing-key"]),
        ("{when: {total: {below: 5}}, to: mql}", ["last-stage"]),
        ("{when: {total: {below: 5}}, to: leed}", ["unknown-stage"]),
        ("{when: {total: {below: 5}}, to: lead, reset: engagment}", ["unknown-axis"]),
        ("{when: {total: {below: 5}}, to: lead, reset: total}", ["unknown-axis"]),
        ("{when: {total: {below: 5}}, to: lead, reset: fit}", ["no-signals"]),
        ("{when: {total: {below: 5}}, to: lead, reset: [engagement]}", ["wrong-shape"]),
        ("{when: {total: {below: 5}}, to: lead, cool_down: 30}", ["missing-unit"]),
        ("{when: {total: {below: 5}}, to: lead, cooldown: 30d}", ["unknown-key"]),
        ("{when: {total: {below: 5}, for: 3d}, to: lead}", ["misplaced-key"]),
        ("{if: {compny: {is: x}}, to: lead}", ["unknown-key"]),
        ("{when: {compny: {is: x}}, to: lead}", ["unknown-field"]),
        ("lead", ["wrong-shape"]),
    ],
)
def test_mistakes_in_recycling(tmp_path: Path, said: str, expected: list[str]) -> None:
    assert told(tmp_path, f"recycle:\n  - {said}") == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("{when: {reason: {is: competitor}}}", ["wrong-shape"]),
        ("[]", ["empty-list"]),
        ("[{when: {reason: {is: bad_data}}}]", ["unknown-option"]),
        ("[{when: {reason: {is: competitor}}, to: lead}]", ["unknown-key"]),
        ("[{}]", ["missing-key"]),
    ],
)
def test_mistakes_in_disqualifying(tmp_path: Path, said: str, expected: list[str]) -> None:
    assert told(tmp_path, f"disqualify: {said}") == expected


@pytest.mark.parametrize(
    "rule",
    ["{id: a, when: {newsletter: {is: yes}}, points: 1}", "{id: a, without: email_open, for: 9d, points: 1}"],
)
def test_a_reset_changes_a_score_of_signals_alone(tmp_path: Path, rule: str) -> None:
    scores = f"scores: {{web: {{groups: {{g: {{rules: [{rule}]}}}}}}}}\ntotal: {{of: [web]}}"
    name = "name: x\nrecycle:\n  - {when: {total: {below: 5}}, to: lead, reset: web}\n"
    (found,) = mistakes(tmp_path, name=name, scores=scores)
    assert found.code == "no-signals"
    assert "No score here is made of signals." in found.why


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ("{g: {rules: [{id: a, signal: demo_downlod, points: 1}]}}", ["unknown-signal"]),
        ("{g: {rules: [a]}}", ["wrong-shape"]),
        ("{g: {rule: [{id: a, signal: email_open, points: 1}]}}", ["unknown-key"]),
        ("[]", ["wrong-shape"]),
    ],
)
def test_a_score_with_a_mistake_may_be_reset(tmp_path: Path, groups: str, expected: list[str]) -> None:
    scores = f"scores: {{web: {{groups: {groups}}}}}\ntotal: {{of: [web]}}"
    name = "name: x\nrecycle:\n  - {when: {total: {below: 5}}, to: lead, reset: web}\n"
    assert codes(tmp_path, name=name, scores=scores) == expected


def test_the_values_that_end_a_journey_are_held_against_the_account(tmp_path: Path) -> None:
    body = "recycle: [{when: {x: {is: lost}}, to: lead}]\ndisqualify: [{when: {x: {is: gone}}}]"
    contact = (
        "contact:\n  fields:\n    x: rejection_reason\n"
        "    company_size: {property: numberofemployees, object: company, type: number}"
    )
    stages = "stages: [{id: contact}, {id: lead, leave_when: {x: {is: left}, for: 3d}}, {id: mql}]"
    made = load(tmp_path, name=f"name: x\n{body}", contact=contact, stages=stages)
    found = rules.against(made, replace(ACCOUNT, owners={}))
    assert [(one.code, one.what.split("`")[3]) for one in found] == [
        ("missing-option", "disqualified"),
        ("unmatched-option", "lost"),
        ("unmatched-option", "gone"),
        ("unmatched-option", "left"),
    ]


# -- the horizon of alerts ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "expected"), [("", DAY), ("1h", HOUR), ("30d", 30 * DAY), ("36h", 36 * HOUR)]
)
def test_nobody_is_told_of_what_is_older_than_a_day_unless_said(
    tmp_path: Path, said: str, expected: int
) -> None:
    assert read(tmp_path, f"alert_horizon: {said}" if said else "").alert_horizon == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [("59m", "out-of-range"), ("31d", "out-of-range"), ("0h", "out-of-range"), ("24", "missing-unit")],
)
def test_a_horizon_lasts_from_an_hour_to_a_month(tmp_path: Path, said: str, expected: str) -> None:
    assert told(tmp_path, f"alert_horizon: {said}") == [expected]
