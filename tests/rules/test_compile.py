"""The SQL of the rules: its arithmetic, its null logic, what it refuses to be talked into, how it is run."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
import sqlglot
from score_cache import (
    FIELDS,
    NOW,
    ScoreCache,
    cache_for,
    criterion,
    one_group,
    person,
    rule_set,
    score_of,
    signal,
    to_rules,
)

from connector.model import DAY, POINT
from connector.rules.compile import (
    Dependencies,
    dependencies,
    points_select,
    score_select,
)

STUDENT = ("any", [("test", "contact", "job_title", "matches", ["*etudiant*", "*student*"])])
INTENT = {"after": 30 * DAY, "to": [50, 25, 0], "every": 30 * DAY}
EMAIL = {"after": 30 * DAY, "to": [50, 0], "every": 30 * DAY}


def default_rules() -> dict:
    """The scores of QUALIFICATION.md 3.2."""
    profile = [
        {"points": -50_000, "when": STUDENT},
        {"points": 20_000, "when": ("test", "contact", "persona", "is", ["decision_maker"])},
        {"points": 10_000, "when": ("test", "contact", "size", "between", [50.0, 1000.0])},
    ]
    pages = {"points": 15_000, "signal": "pricing_visit", "at_most": 3, "per": 30 * DAY, "once_per": "day"}
    demos = {"points": 25_000, "signal": "demo_download", "at_most": 3, "per": 90 * DAY, "once_per": "day"}
    opens = {"points": 5_000, "signal": "email_open", "once_per": "email"}
    clicks = {"points": 5_000, "signal": "email_click", "once_per": "email"}
    engagement = [
        {"decay": INTENT, "rules": [pages, demos]},
        {"cap": 25_000, "decay": EMAIL, "rules": [opens, clicks]},
    ]
    return rule_set(
        [
            {"id": "fit", "floor": -50_000, "ceiling": 50_000, "groups": [{"rules": profile}]},
            {"id": "engagement", "floor": 0, "ceiling": 200_000, "groups": engagement},
        ],
        [("test", "score", "total", "at_least", [100.0]), ("any_signal", ["demo_download", "email_click"])],
    )


def history() -> list[dict]:
    """Two pricing visits and two demo downloads on two days each, four e-mails opened."""
    days = [NOW - 2 * DAY, NOW - DAY]
    opens = [signal("email_open", NOW - DAY, n=n, email=f"mail{n}") for n in range(4)]
    return [signal(kind, day) for kind in ("pricing_visit", "demo_download") for day in days] + opens


# -- the arithmetic that must hold -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "points"), [("pricing_visit", 15), ("demo_download", 25), ("email_open", 5), ("email_click", 5)]
)
def test_one_signal_brings_its_points(kind: str, points: int) -> None:
    assert score_of(default_rules(), person([signal(kind, NOW)]))["points"] == points


def test_a_full_history_is_a_hundred_and_for_a_student_fifty() -> None:
    row = score_of(default_rules(), person(history()))
    assert (row["points"], row["c_0"]) == (100, 1)
    student = score_of(default_rules(), person(history(), job_title="etudiant en droit"))
    assert (student["points"], student["c_0"], student["a_0"]) == (50, 0, -50 * POINT)


def test_a_demo_download_decays_by_steps() -> None:
    days = (0, 29, 30, 60, 89, 90)
    demo = person([signal("demo_download", NOW)])
    rows = [score_of(default_rules(), demo, NOW + day * DAY) for day in days]
    assert [row["points"] for row in rows] == [25, 25, 13, 6, 6, 0]
    steps = [NOW + day * DAY for day in (30, 30, 60, 90, 90)]
    assert [row["next_change_at"] for row in rows] == [*steps, None]


def test_the_step_is_exact_to_the_millisecond() -> None:
    demo = person([signal("demo_download", NOW)])
    at = [score_of(default_rules(), demo, NOW + 30 * DAY + ms)["r_4"] for ms in (-1, 0)]
    assert at == [25 * POINT, 25 * POINT // 2]


def test_opens_are_once_per_email_and_capped() -> None:
    fifty_of_one = [signal("email_open", NOW - n, n=n, email="mail") for n in range(50)]
    fifty = [signal("email_open", NOW - n, n=n, email=f"mail{n}") for n in range(50)]
    assert score_of(default_rules(), person(fifty_of_one))["points"] == 5
    capped = score_of(default_rules(), person(fifty))
    assert (capped["points"], capped["r_5"], capped["g_2"]) == (25, 250 * POINT, 25 * POINT)


def test_a_signal_without_its_key_counts_for_itself() -> None:
    unnamed = [signal("email_open", NOW, n=n) for n in range(3)]
    assert score_of(default_rules(), person(unnamed))["points"] == 15


def test_only_the_total_is_rounded_and_half_goes_away_from_zero() -> None:
    for points, whole in ((499, 0), (500, 1), (-499, 0), (-500, -1), (-1_500, -2), (2_500, 3)):
        plain = rule_set(one_group({"points": points, "signal": "x"}), floor=None)
        assert score_of(plain, person([signal("x", NOW)]))["points"] == whole
    halves = rule_set(one_group(*({"points": 250, "signal": "x"} for _ in range(2)), decay=None))
    assert score_of(halves, person([signal("x", NOW)]))["points"] == 1


def test_decay_loses_no_fraction() -> None:
    third = {"after": DAY, "to": [33], "every": DAY}
    plain = rule_set(one_group({"points": 1, "signal": "x"}, decay=third))
    row = score_of(plain, person([signal("x", NOW - DAY, n=n) for n in range(3)]))
    assert Fraction(row["total"], POINT) == Fraction(3 * 33, 100 * 1000)


def test_decisions_on_the_total_are_rounded_those_on_an_axis_exact() -> None:
    asked = [
        ("test", "score", name, op, [value])
        for name in ("total", "only")
        for op, value in (("at_least", 1.0), ("above", 0.5), ("below", 0.5), ("is", 1.0))
    ]
    row = score_of(rule_set(one_group({"points": 500, "signal": "x"}), asked), person([signal("x", NOW)]))
    assert [row[f"c_{n}"] for n in range(8)] == [1, 1, 0, 1, 0, 0, 0, 0]


def test_signals_after_the_epoch_up_to_now_count_and_rejected_ones_never() -> None:
    old, new = signal("demo_download", NOW - 5 * DAY), signal("demo_download", NOW - DAY)
    bot, later = signal("demo_download", NOW, rejected="crm_filtered"), signal("demo_download", NOW + DAY)
    row = score_of(default_rules(), person([old, new, bot, later]), epoch=old["at"])
    assert (row["points"], row["c_1"], row["next_change_at"]) == (25, 1, later["at"])
    assert score_of(default_rules(), person([old]), epoch=old["at"])["c_1"] == 0
    assert score_of(default_rules(), person([bot]))["next_change_at"] is None


def test_the_lines_of_an_explanation_add_up() -> None:
    cache = cache_for(default_rules())
    cache.add_person("c1", person([*history(), signal("demo_download", NOW - 2 * DAY, n=9)]))
    cache.at({"c1": NOW})
    row, lines = cache.scores()["c1"], cache.lines()
    for rule in (3, 4, 5, 6):
        mine = [line for line in lines if line["rule"] == rule]
        assert sum(line["points"] for line in mine) == row[f"r_{rule}"]
        assert sum(line["counted"] for line in mine) == row[f"n_{rule}"]
        assert [line["at"] for line in mine] == sorted((line["at"] for line in mine), reverse=True)
    demos = [(x["counted"], x["why_not"], x["nth"], x["percent"]) for x in lines if x["rule"] == 4]
    assert demos == [(1, None, 1, 100), (1, None, 2, 100), (0, "once_per", None, 100)]


# -- null logic ----------------------------------------------------------------------------------------


def test_an_unknown_is_false_and_its_negation_true() -> None:
    compared = [
        ("persona", "is", ["x"]),
        ("job_title", "matches", ["*"]),
        ("job_title", "in", ["x", "y"]),
        ("size", "between", [0.0, 9.0]),
        ("size", "below", [9.0]),
        ("opted", "is", [False]),
        ("timing", "within_next", [DAY]),
        ("timing", "known", []),
    ]
    for name, op, values in compared:
        test = ("test", "contact", name, op, values)
        leaves = [test, ("not", test)]
        plain = rule_set(one_group(*({"points": 1_000, "when": leaf} for leaf in leaves)))
        row = score_of(plain, person([]))
        assert (row["r_0"], row["r_1"]) == (0, POINT), (name, op)
    assert criterion(("test", "contact", "persona", "unknown", []), person([]))


def test_a_contact_without_company_row_or_signals_scores_by_what_is_known() -> None:
    cache = cache_for(default_rules())
    cache.add("contact", id="c1", company_id=None, f_persona="decision_maker")
    cache.add("contact", id="c2", company_id="gone", f_persona="decision_maker")
    cache.at({"c1": NOW, "c2": NOW, "nobody": NOW})
    assert {who: row["points"] for who, row in cache.scores().items()} == {"c1": 20, "c2": 20, "nobody": 0}


def test_some_one_deal_meets_all_of_it() -> None:
    both = [("test", "deal", name, "above", [0.0]) for name in ("probability", "amount")]
    leaf = ("deal", ("all", both))
    apart = [{"probability": 0.5, "amount": None}, {"probability": 0.0, "amount": 100.0}]
    assert not criterion(leaf, person([], apart))
    assert criterion(leaf, person([], [*apart, {"probability": 0.1, "amount": 1.0}]))
    assert not criterion(("deal", ("not", both[0])), person([]))
    assert criterion(("deal", ("not", both[0])), person([], [{"amount": 1.0}]))


def test_within_and_within_next_are_half_open() -> None:
    def answers(op: str, at: tuple[int, ...]) -> list[bool]:
        leaf = ("test", "contact", "timing", op, [DAY])
        return [criterion(leaf, person([], timing=NOW), NOW + ms) for ms in at]

    assert answers("within", (-1, 0, DAY - 1, DAY)) == [False, True, True, False]
    assert answers("within_next", (-DAY, 1 - DAY, 0, 1)) == [False, True, True, False]


def test_the_next_change_of_dates_on_deals_is_known() -> None:
    plain = rule_set(
        one_group({"points": 0, "signal": "x"}), [("deal", ("test", "deal", "closing", "within", [DAY]))]
    )
    deals = person([], [{"closing": NOW + 5}, {"closing": NOW - DAY + 3}, {"closing": None}])
    assert score_of(plain, deals)["next_change_at"] == NOW + 3


# -- size ----------------------------------------------------------------------------------------------


def test_two_hundred_rules_of_each_kind_are_one_pass() -> None:
    signals = [
        {"points": 1_000 + n, "signal": f"k{n % 3}", "per": (n + 1) * DAY, "at_most": 2, "once_per": "day"}
        for n in range(200)
    ]
    facts = [{"points": 1_000, "when": ("test", "contact", "size", "above", [float(n)])} for n in range(200)]
    plain = rule_set(
        [
            {"id": "fit", "groups": [{"rules": facts}]},
            {"id": "engagement", "groups": [{"rules": [s], "decay": INTENT} for s in signals]},
        ],
        [("test", "score", "total", "at_least", [float(n)]) for n in range(50)],
    )
    row = score_of(plain, person([signal(f"k{n}", NOW - 3 * DAY) for n in range(3)], size=150.0))
    want = 150_000 + sum(rule["points"] for n, rule in enumerate(signals) if n >= 3)
    assert row["total"] == want * (POINT // 1_000)
    assert sum(row[f"c_{n}"] for n in range(50)) == 50
    assert row["next_change_at"] == NOW + DAY


def test_a_condition_of_two_thousand_parts_fits() -> None:
    parts = [("test", "contact", "job_title", "is", [f"t{n}"]) for n in range(2_000)]
    assert criterion(("deal", ("any", [])), person([])) is False
    plain = rule_set(one_group({"points": 1_000, "when": ("any", parts)}))
    assert score_of(plain, person([], job_title="t1999"))["points"] == 1


def test_five_hundred_dates_have_one_next_change() -> None:
    rules = [
        {"points": 1_000, "when": ("test", "contact", "timing", "within", [n * DAY])} for n in range(1, 501)
    ]
    row = score_of(rule_set(one_group(*rules)), person([], timing=NOW - 3 * DAY))
    assert (row["points"], row["next_change_at"]) == (497, NOW + DAY)


def test_rules_without_signals_and_signals_without_rules() -> None:
    facts = rule_set(one_group({"points": 1_000, "when": ("all", [])}))
    assert score_of(facts, person([signal("x", NOW)]))["points"] == 1
    cache = cache_for(facts)
    cache.add_person("c1", person([signal("", NOW), signal("x", NOW)]))
    cache.at({"c1": NOW})
    assert cache.lines() == []


# -- how it is run -------------------------------------------------------------------------------------


BIG = ("signal", "deal", "deal_contact", "contact", "company")


def plan_of(cache: ScoreCache, select: str) -> list[str]:
    return [row["detail"] for row in cache.db.execute("EXPLAIN QUERY PLAN " + select)]


def test_no_increment_scans_what_it_can_seek() -> None:
    plain = default_rules()
    plain["criteria"].append(("deal", ("test", "deal", "is_won", "is", [True])))
    cache = cache_for(plain)
    for select in (score_select(cache.rules), points_select(cache.rules)):
        steps = plan_of(cache, select)
        read = {
            s for s in steps if re.match(r"(SCAN|SEARCH) (signal|deal|deal_contact|contact|company)\b", s)
        }
        assert [s for s in read if s.startswith("SCAN")] == []
        assert any(s.startswith("SEARCH signal USING PRIMARY KEY (contact_id=?") for s in read)
    reached = {s.split()[1] for s in plan_of(cache, score_select(cache.rules)) if s.startswith("SEARCH")}
    assert set(BIG) <= reached


@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
def test_the_same_tree_prints_for_other_engines(dialect: str) -> None:
    rules = to_rules(default_rules(), FIELDS)
    for select in (score_select(rules, dialect), points_select(rules, dialect)):
        assert sqlglot.parse_one(select, read=dialect).find(sqlglot.exp.Select) is not None
        assert "MATERIALIZED" not in select


def test_the_same_rules_are_the_same_text() -> None:
    first, again = (to_rules(default_rules(), FIELDS) for _ in range(2))
    assert score_select(first) == score_select(again)
    assert points_select(first) == points_select(again)


# -- dependencies ----------------------------------------------------------------------------------------


def test_dependencies_are_read_off_the_tree() -> None:
    plain = default_rules()
    plain["criteria"] += [
        ("deal", ("not", ("test", "deal", "amount", "above", [0.0]))),
        ("test", "contact", "opted", "is", [True]),
    ]
    assert dependencies(to_rules(plain, FIELDS)) == Dependencies(
        contact=frozenset({"job_title", "persona", "opted"}),
        company=frozenset({"size"}),
        deal=frozenset({"amount"}),
        signals=frozenset({"pricing_visit", "demo_download", "email_open", "email_click"}),
    )
