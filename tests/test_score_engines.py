"""One tree, two engines: DuckDB gives what SQLite gives, to the last digit; and Spark could read it."""

from __future__ import annotations

import random
from collections.abc import Iterator

import oracle
import pytest
import sqlglot
from hypothesis import given
from random_people import a_clock, people_of
from random_rules import FIELDS, profile, rule_sets, seeds
from score_cache import (
    NOW,
    ScoreCache,
    account_selects,
    cache_for,
    cache_with,
    person,
    rule_set,
    scored_at,
    signal,
)
from score_duck import ScoreDuck

from connector.model import DAY, POINT
from connector.rules.compile import points_select, score_select
from connector.rules.tree import Rules


@pytest.fixture(scope="module")
def duck() -> Iterator[ScoreDuck]:
    made = ScoreDuck()
    yield made
    made.close()


def check_equal(duck: ScoreDuck, cache: ScoreCache, rows: dict[str, dict]) -> None:
    duck.take(cache)
    found = duck.scores()
    assert found == rows
    for who, row in found.items():
        kinds = {name: type(value) for name, value in row.items() if name != "contact_id"}
        assert set(kinds.values()) <= {int, type(None)}, kinds
        assert {name for name, kind in kinds.items() if kind is not int} <= {"next_change_at"}, who
    check_lines(duck, cache)


def check_lines(duck: ScoreDuck, cache: ScoreCache) -> None:
    lines = cache.lines()
    again = duck.lines()
    assert again == lines
    assert [type(x) for line in again for x in line.values()] == [type(x) for y in lines for x in y.values()]


def check_some(duck: ScoreDuck, plain: dict, seed: int) -> None:
    people = people_of(seed, plain["unit"])
    cache = cache_with(plain, people, FIELDS)
    rows = scored_at(cache, people, a_clock(random.Random(seed), people, plain["unit"]))
    check_equal(duck, cache, rows)


@profile(60)
@given(plain=rule_sets(), seed=seeds)
def test_duckdb_gives_what_sqlite_gives(duck: ScoreDuck, plain: dict, seed: int) -> None:
    check_some(duck, plain, seed)


@pytest.mark.long
@profile(1_000)
@given(plain=rule_sets(), seed=seeds)
def test_duckdb_gives_what_sqlite_gives_at_length(duck: ScoreDuck, plain: dict, seed: int) -> None:
    check_some(duck, plain, seed)


# -- two hundred rules ----------------------------------------------------------------------------------


def a_rule(n: int) -> dict:
    """Of each kind in turn, each a little different."""
    days = (n + 1) * DAY
    return {"points": 1_000 + n} | [
        {"signal": f"k{n % 4}", "per": days, "at_most": 1 + n % 3, "once_per": "day", "cap": 2_500},
        {"when": ("test", "contact", "size", "above", [float(n)])},
        {"when": ("without", [f"k{n % 4}", "k9"], days)},
        {"when": ("method", ["opted", "persona", "timing"], 1 + n % 3, days if n % 8 else None)},
        {"when": ("test", "account", "engagement", "at_least", [n / 4])},
        {"signal": f"k{n % 4}", "once_per": "email"},
        {"when": ("deal", ("test", "deal", "closing", "within", [days]))},
        {"when": ("not", ("test", "contact", "job_title", "matches", [f"*d{n}*", "o'*"]))},
    ][n % 8]


def two_hundred() -> dict:
    rules = [a_rule(n) for n in range(200)]
    signals = [rule for rule in rules if "signal" in rule]
    half_life = {"rules": signals[:25], "decay": {"half_life": 9 * DAY}}
    steps = {"rules": signals[25:], "decay": {"after": DAY, "to": [66, 33], "every": 3 * DAY}, "cap": 40_000}
    facts = [{"rules": [rule]} for rule in rules if "when" in rule]
    plain = rule_set([{"id": "fit", "groups": facts}, {"id": "engagement", "groups": [half_life, steps]}])
    total = [("test", "score", "total", "at_least", [float(n)]) for n in range(20)]
    return plain | {"accounts": {"engagement": {"top": 3, "cap": 50_000}}, "criteria": total}


def three_people() -> dict[str, dict]:
    def one(n: int) -> dict:
        acts = [signal(f"k{k}", NOW - (k + n) * DAY, n=n, email=f"e{k % 2}") for k in range(6)]
        deals = [{"closing": NOW - n * 40 * DAY}, {"closing": None}]
        known = {"size": 75.0, "persona": "cfo", "opted": n == 1, "timing": NOW, "job_title": f"d{8 * n + 7}"}
        since = {"persona": NOW - 30 * DAY, "opted": NOW - 5 * DAY, "timing": None}
        return person(acts, deals, **known) | {"company": "acme", "since": since}

    people = {f"c{n}": one(n) for n in range(3)}
    everybody = list(people.values())
    return {who: one | {"colleagues": everybody} for who, one in people.items()}


@pytest.fixture(scope="module")
def large() -> ScoreCache:
    cache = cache_for(two_hundred())
    for who, one in three_people().items():
        cache.add_person(who, one)
    cache.at(dict.fromkeys(three_people(), NOW))
    return cache


def test_two_hundred_mixed_rules_give_the_same_in_both_engines(duck: ScoreDuck, large: ScoreCache) -> None:
    rows = large.scores()
    for who, one in three_people().items():
        want = oracle.score(two_hundred(), one, NOW)
        assert [rows[who][f"r_{n}"] for n in range(200)] == [part * POINT // 1000 for part in want["parts"]]
        assert rows[who]["points"] == want["points"] > 100
    check_equal(duck, large, rows)


def selects(rules: Rules, dialect: str) -> list[str]:
    return [
        score_select(rules, dialect),
        points_select(rules, dialect),
        *(account_selects(rules, dialect) or ()),
    ]


def test_spark_reads_back_the_tree_that_was_printed(large: ScoreCache) -> None:
    """But for `VALUES`, the rows of the rules, which sqlglot reads as a SELECT of all of them."""
    for printed in selects(large.rules, "spark"):
        tree = sqlglot.parse_one(printed, read="spark")
        again = tree.sql(dialect="spark", identify=True)
        assert not list(tree.find_all(sqlglot.exp.Command, sqlglot.exp.Anonymous))
        assert again.replace("(SELECT * FROM VALUES", "(VALUES").replace(" AS `_values`)", ")") == printed


def test_what_spark_reads_means_the_same(large: ScoreCache) -> None:
    printed = score_select(large.rules, "spark")
    [back] = sqlglot.transpile(printed, read="spark", write="sqlite", identify=True)
    assert {row["contact_id"]: dict(row) for row in large.db.execute(back)} == large.scores()
