"""Absences, methods, accounts, half-lives and caps of rules: what is read, and where it may stand."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from rulebook import codes, load, mistakes
from score_cache import NOW, ScoreCache, person, signal

from connector.model import DAY, HOUR
from connector.rules.tree import (
    AccountScore,
    All,
    HalfLife,
    MethodMet,
    Not,
    PropertyRule,
    SignalRule,
    Test,
    Without,
)
from connector.rules.words import words

Test.__test__ = False  # type: ignore[attr-defined]  # a noun of ours, not a test of pytest's

METHODS = "methods:\n  meddicc: {of: [job_title, decision_on, last_call]}\n  bant: {of: reason}\n"
DEMO = "{id: demo, signal: demo_download, points: 1}"
ACCOUNTS = "accounts: {engagement: {top: 5, cap: 150.5}}\n"


def top(body: str) -> str:
    return f"name: x\n{body}"


def stages(condition: str) -> str:
    return f"stages:\n  - id: contact\n  - id: lead\n  - id: mql\n    enter_when: {condition}\n"


def scores(fit: str, engagement: str = DEMO, decay: str = "", faded: str = "") -> str:
    group = "{{groups: {{g: {{{}rules: [{}]}}}}}}"
    axes = f"  fit: {group.format(decay, fit)}\n  engagement: {group.format(faded, engagement)}\n"
    return f"scores:\n{axes}total: {{of: [fit, engagement]}}\n"


# -- rules --------------------------------------------------------------------------------------------


def test_a_rule_may_give_points_for_an_absence(tmp_path: Path) -> None:
    both = (
        "{id: a, without: demo_download, for: 60d, points: -5},"
        "{id: b, without: [email_open, demo_download, email_open], for: 4h, points: 1}"
    )
    loaded = load(tmp_path, scores=scores(both)).workflow
    one, two, _ = loaded.rules()
    assert isinstance(one, PropertyRule) and isinstance(two, PropertyRule)
    assert isinstance(one.when, Without) and isinstance(two.when, Without)
    assert (one.points, one.when.kinds, one.when.lasting) == (-5_000, ("demo_download",), 60 * DAY)
    assert (two.when.kinds, two.when.lasting) == (("email_open", "demo_download"), 4 * HOUR)
    assert one.when.place.col == one.place.col + len("{id: a, ")


def test_a_rule_of_signals_may_have_a_cap_of_its_own(tmp_path: Path) -> None:
    rule = "{id: a, signal: email_open, points: -5, cap: 12.5}"
    (made, _) = load(tmp_path, scores=scores(rule)).workflow.rules()
    assert isinstance(made, SignalRule) and (made.points, made.cap) == (-5_000, 12_500)


@pytest.mark.parametrize(("said", "days"), [("1d", 1), ("30d", 30), ("3650d", 3_650)])
def test_a_group_may_fade_by_a_half_life(tmp_path: Path, said: str, days: int) -> None:
    rule = "{id: a, signal: email_open, points: 5}"
    body = scores(rule, decay=f"decay: {{half_life: {said}}}, ")
    (made, _) = load(tmp_path, scores=body).workflow.rules()
    assert isinstance(made, SignalRule) and made.decay == HalfLife(days * DAY)


@pytest.mark.parametrize("half_life", [DAY, 36 * HOUR, 7 * DAY, 30 * DAY, 400 * DAY + 1])
def test_a_half_life_has_a_step_on_each_day_on_which_a_per_cent_is_lost(half_life: int) -> None:
    def left(day: int) -> int:  # half up
        exact = Decimal(200) / Decimal(2) ** (Decimal(day * DAY) / half_life)
        return int((exact + 1) // 2)

    steps = HalfLife(half_life).steps()
    assert steps[0] == (0, 100) and steps[-1][1] == 0
    assert [age % DAY for age, _ in steps] == [0] * len(steps)
    for (age, percent), (later, less) in pairwise(steps):
        day, last = age // DAY, later // DAY - 1
        assert left(day) == left(last) == percent > less == left(last + 1)


def test_the_longest_half_life_is_a_hundred_steps() -> None:
    assert len(HalfLife(3_650 * DAY).steps()) == 101


def test_a_learned_card_is_a_group_like_any_other(tmp_path: Path) -> None:
    fields = ["job_title: {known: true}", "company_size: {above: N}", "newsletter: {is: true}"]
    conditions = [fields[n % 3].replace("N", str(n)) for n in range(60)]
    card = ", ".join(
        f"{{id: card_{n}, label: Card {n}, when: {{{one}}}, points: {n - 30}}}"
        for n, one in enumerate(conditions)
    )
    made = load(tmp_path, scores=scores(card)).workflow
    group = made.axes[0].groups[0]
    assert [rule.points for rule in group.rules] == [(n - 30) * 1_000 for n in range(60)]


# -- absences and methods in conditions -----------------------------------------------------------------


def test_conditions_ask_for_absences_methods_and_accounts(tmp_path: Path) -> None:
    condition = """
      all:
        - without: [email_open, demo_download]
          for: 60d
        - {method: meddicc, at_least: 2, of: 3, fresh: 180d}
        - not: {use: lapsed}
        - {method: bant, at_least: 1}
        - {account_engagement: {at_least: 50}}
"""
    define = "define:\n  lapsed: {without: email_open, for: 1d}\n"
    loaded = load(tmp_path, name=top(METHODS + ACCOUNTS + define), stages=stages(condition)).workflow
    made = loaded.stages[2].enter_when
    assert isinstance(made, All)
    without, meddicc, negated, bant, account = made.items
    assert isinstance(without, Without) and isinstance(meddicc, MethodMet) and isinstance(bant, MethodMet)
    assert (without.kinds, without.lasting) == (("email_open", "demo_download"), 60 * DAY)
    assert (without.place.line, without.place.col) == (8, 11)
    assert (meddicc.method, meddicc.fields) == ("meddicc", ("job_title", "decision_on", "last_call"))
    assert (meddicc.at_least, meddicc.fresh) == (2, 180 * DAY)
    assert (bant.fields, bant.at_least, bant.fresh) == (("reason",), 1, None)
    assert isinstance(negated, Not) and isinstance(negated.item, Without)
    assert isinstance(account, Test)
    assert (account.scope, account.name, account.type) == ("account", "engagement", "number")
    assert (account.op, account.values) == ("at_least", (50.0,))
    assert len(loaded.stage_leaves()) == 5
    assert dict(loaded.methods) == {"meddicc": meddicc.fields, "bant": ("reason",)}
    assert loaded.accounts == (AccountScore("engagement", 5, loaded.accounts[0].place, 150_500),)
    assert [words(item) for item in made.items] == [
        "no email_open or demo_download for 60 days",
        "meddicc has evidence less than 180 days old for 2 of its 3 fields or more",
        "email_open within the last 1 day",
        "bant has evidence for 1 of its 1 fields or more",
        "the account's engagement is at or over 50",
    ]


def test_rules_may_ask_for_them_too(tmp_path: Path) -> None:
    rules = (
        "{id: a, when: {without: email_open, for: 60d}, points: 1},"
        "{id: b, when: {method: bant, at_least: 1}, points: 1},"
        "{id: c, when: {not: {use: busy}}, points: 1}"
    )
    define = "define:\n  busy: {account_engagement: {above: 50}}\n"
    made = load(tmp_path, name=top(METHODS + ACCOUNTS + define), scores=scores(rules)).workflow
    leaves = [rule.when for rule in made.rules() if isinstance(rule, PropertyRule)]
    assert [type(leaf) for leaf in leaves] == [Without, MethodMet, Not]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("{without: email_open}", ["missing-key"]),
        ("{for: 60d}", ["missing-key"]),
        ("{without: email_open, fro: 60d}", ["unknown-key"]),
        ("{without: email_open, within: 60d}", ["unknown-key"]),
        ("{witout: email_open, for: 60d}", ["unknown-key"]),
        ("{witout: email_open}", ["unknown-field"]),
        ("{without: [email_open, demo], for: 0d}", ["unknown-signal", "out-of-range"]),
        ("{without: email_open, for: 60d, job_title: {known: true}}", ["two-conditions"]),
        ("{job_title: {known: true}, for: 60d}", ["misplaced-key"]),
        ("{total: {below: 70}, for: 14d}", ["misplaced-key"]),
        ("{for: 14d, total: {below: 70}}", ["misplaced-key"]),
        ("{without: email_open, method: bant}", ["two-conditions"]),
        ("{without: email_open, account_engagement: {above: 5}}", ["two-conditions"]),
        ("{method: bant}", ["missing-key"]),
        ("{method: bant, at_least: 2}", ["out-of-range"]),
        ("{method: bant, at_least: 0}", ["out-of-range"]),
        ("{method: meddicc, at_least: 2, of: 2}", ["wrong-count"]),
        ("{method: meddicc, at_least: 2, freshness: 180d}", ["unknown-key"]),
        ("{method: meddicc, at_least: 2, fresh: 180}", ["missing-unit"]),
        ("{methd: meddicc, at_least: 2}", ["unknown-key"]),
        ("{method: medic, at_least: 2, of: x}", ["unknown-method", "not-a-number"]),
        ("{deal: {without: email_open, for: 60d}}", ["misplaced-condition"]),
        ("{deal: {method: bant, at_least: 1}}", ["misplaced-condition"]),
        ("{deal: {account_engagement: {above: 5}}}", ["unknown-field"]),
        ("{account_engagement: {known: true}}", ["wrong-operator"]),
        ("{account_engagment: {above: 5}}", ["unknown-field"]),
        ("{account_fit: {above: 5}}", ["unknown-account"]),
    ],
)
def test_mistakes_in_them(tmp_path: Path, condition: str, expected: list[str]) -> None:
    assert codes(tmp_path, name=top(METHODS + ACCOUNTS), stages=stages(condition)) == expected


@pytest.mark.parametrize(
    ("condition", "near"),
    [
        ("{account_engagment: {above: 5}}", "account_engagement"),
        ("{witout: email_open}", "without"),
        ("{witout: email_open, for: 60d}", "without"),
        ("{methd: meddicc, at_least: 2}", "method"),
        ("{method: medic, at_least: 2}", "meddicc"),
        ("{method: meddicc, min: 2}", "at_least"),
        ("{without: email_open, since: 60d}", "for"),
    ],
)
def test_a_slip_leads_to_the_word(tmp_path: Path, condition: str, near: str) -> None:
    (found,) = mistakes(tmp_path, name=top(METHODS + ACCOUNTS), stages=stages(condition))
    assert found.label == f"did you mean `{near}`?"


def test_events_know_none_of_them(tmp_path: Path) -> None:
    where = "{without: email_open, for: 60d}"
    source = f"{{event: email_open, where: {where}}}"
    body = f"signals:\n  email_open: {source}\n  demo_download: {{event: page_view}}"
    assert codes(tmp_path, signals=body) == ["misplaced-condition"]


# -- methods --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        ("{}", ["empty-list"]),
        ("[bant]", ["wrong-shape"]),
        ("{bant: {of: []}}", ["empty-list"]),
        ("{bant: {}}", ["missing-key"]),
        ("{bant: {fields: [reason]}}", ["unknown-key"]),
        ("{BANT: {of: [reason]}}", ["unusable-name"]),
        ("{bant: {of: [job_titel, reason]}}", ["unknown-field"]),
        ("{bant: {of: [reason, company_size]}}", ["misplaced-condition"]),
        ("{bant: {of: [reason, job_title, reason, reason]}}", ["repeated-field", "repeated-field"]),
        (f"{{bant: {{of: [{', '.join(['reason'] * 51)}]}}}}", ["too-long"]),
    ],
)
def test_mistakes_in_methods(tmp_path: Path, methods: str, expected: list[str]) -> None:
    assert codes(tmp_path, name=top(f"methods: {methods}\n")) == expected


def test_a_method_that_cannot_be_read_makes_no_second_mistake(tmp_path: Path) -> None:
    broken = top("methods: {bant: {of: [job_titel]}}\n")
    condition = stages("{method: bant, at_least: 4, of: 4}")
    assert codes(tmp_path / "a", name=broken, stages=condition) == ["unknown-field"]
    misspelt = top("method: {bant: {of: [reason]}}\n")
    assert codes(tmp_path / "b", name=misspelt, stages=condition) == ["unknown-key"]


def test_methods_and_accounts_belong_in_workflows(tmp_path: Path) -> None:
    body = f"crm: hubspot\ntimezone: Europe/Paris\n{METHODS}{ACCOUNTS}"
    found = mistakes(tmp_path, account=body)
    assert [one.code for one in found] == ["unknown-key", "unknown-key"]
    assert {one.label for one in found} == {"it belongs in a file of workflows/"}


# -- accounts -------------------------------------------------------------------------------------------


def test_the_top_three_count_unless_said(tmp_path: Path) -> None:
    made = load(tmp_path, name=top("accounts: {engagement: {}, fit: {cap: 0}}\n")).workflow.accounts
    assert [(one.axis, one.top, one.cap) for one in made] == [("engagement", 3, None), ("fit", 3, 0)]
    assert (made[1].place.line, made[1].place.col) == (3, 28)


@pytest.mark.parametrize(
    ("accounts", "expected"),
    [
        ("{}", ["empty-list"]),
        ("{engagment: {top: 3}}", ["unknown-axis"]),
        ("{total: {top: 3}}", ["unknown-axis"]),
        ("{engagement: 3}", ["wrong-shape"]),
        ("{engagement: {top: 0}}", ["out-of-range"]),
        ("{engagement: {top: 101}}", ["out-of-range"]),
        ("{engagement: {cap: -1}}", ["out-of-range"]),
        ("{engagement: {best: 3}}", ["unknown-key"]),
    ],
)
def test_mistakes_in_accounts(tmp_path: Path, accounts: str, expected: list[str]) -> None:
    condition = stages("{account_engagement: {above: 5}}")
    found = codes(tmp_path, name=top(f"accounts: {accounts}\n"), stages=condition)
    assert [code for code in found if code != "unknown-account"] == expected


def test_an_entry_with_a_mistake_is_asked_without_another(tmp_path: Path) -> None:
    condition = stages("{account_engagement: {above: 5}}")
    assert codes(tmp_path, name=top("accounts: {engagement: {top: 0}}\n"), stages=condition) == [
        "out-of-range"
    ]


def test_a_score_that_an_account_adds_up_does_not_ask_accounts(tmp_path: Path) -> None:
    asks = "{id: a, when: {account_engagement: {above: 5}}, points: 1}"
    name = top(ACCOUNTS)
    assert load(tmp_path / "a", name=name, scores=scores(asks)).workflow.accounts
    (found,) = mistakes(
        tmp_path / "b", name=name, scores=scores("{id: f, signal: email_open, points: 1}", asks)
    )
    assert found.code == "misplaced-condition"
    assert "depend on itself" in found.why


def test_nor_does_it_by_a_named_condition(tmp_path: Path) -> None:
    asks = "{id: a, when: {not: {use: busy}}, points: 1}"
    name = top(ACCOUNTS + "define:\n  busy: {account_engagement: {above: 50}}\n")
    (found,) = mistakes(tmp_path, name=name, scores=scores("{id: f, signal: email_open, points: 1}", asks))
    assert (found.code, found.file, found.text[found.col - 1 :][:4]) == (
        "misplaced-condition",
        "workflows/scores.yaml",
        "busy",
    )
    assert "`busy` asks `account_engagement`" in found.what


def test_no_score_is_called_like_that_of_an_account(tmp_path: Path) -> None:
    group = "{groups: {g: {rules: [{id: ID, signal: email_open, points: 1}]}}}"
    both = f"scores:\n  fit: {group.replace('ID', 'a')}\n  account_fit: {group.replace('ID', 'b')}\n"
    assert codes(tmp_path, scores=both + "total: {of: [fit]}\n") == ["reserved-name"]


# -- from the file to the points ------------------------------------------------------------------------


def test_what_is_read_is_scored(tmp_path: Path) -> None:
    name = (
        "methods: {bant: {of: [job_title, newsletter, last_call]}}\n"
        "accounts: {engagement: {top: 2, cap: 40}}\n"
        "define: {lapsed: {without: [email_open, pricing_visit], for: 10d}}\n"
    )
    fit = (
        "{id: busy, when: {account_engagement: {at_least: 40}}, points: 7},"
        "{id: validated, when: {method: bant, at_least: 2, fresh: 30d}, points: 3},"
        "{id: awake, when: {not: {use: lapsed}}, points: 2}"
    )
    engagement = (
        "{id: demo, signal: demo_download, points: 20, cap: 25},"
        "{id: silent, without: demo_download, for: 5d, points: -4}"
    )
    decay = "decay: {half_life: 10d}, "
    cache = ScoreCache(load(tmp_path, name=top(name), scores=scores(fit, engagement, faded=decay)))
    demos = [signal("demo_download", NOW - age) for age in (0, 10 * DAY)]  # 20 and 10, capped
    ann = person([*demos, signal("email_open", NOW - 3 * DAY)], job_title="x", newsletter=1)
    ann |= {"company": "acme", "since": {"job_title": NOW - DAY, "newsletter": NOW - 29 * DAY}}
    bob = person(demos[:1], job_title="y", newsletter=0)  # false is no evidence
    bob |= {"company": "acme", "since": {"job_title": NOW, "newsletter": NOW}}
    cyd = person([signal("demo_download", NOW - 10 * DAY)])
    for who, one in {"ann": ann, "bob": bob, "cyd": cyd}.items():
        cache.add_person(who, one)
    cache.at(dict.fromkeys(("ann", "bob", "cyd"), NOW))
    found = cache.scores()
    # the account has 25 + 20, of which 40 count
    assert {who: row["points"] for who, row in found.items()} == {
        "ann": 25 + 7 + 3 + 2,
        "bob": 20 + 7,
        "cyd": 10 - 4,
    }
