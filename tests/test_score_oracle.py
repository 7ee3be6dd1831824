"""The SQL of the rules and the plain evaluator agree: random rules, histories and moments.

An example is one contact's history; fifty share a rule set and a query.
"""

from __future__ import annotations

import random

import oracle
import pytest
from hypothesis import given
from random_people import a_clock, a_moment, companies_of, people_of, shuffled
from random_rules import FIELDS, profile, rule_sets, seeds
from score_cache import ScoreCache, cache_with, scored_at

from connector.model import POINT

UNIT = POINT // 1_000  # of the SQL in a thousandth of a point
People = dict[str, dict]


def said(row: dict, prefix: str) -> list[int]:
    return [value for name, value in row.items() if name.startswith(prefix)]


def rules_of(plain: dict) -> list[dict]:
    return [rule for axis in plain["axes"] for group in axis["groups"] for rule in group["rules"]]


def counted_by_rule(plain: dict, lines: list[tuple]) -> list[int]:
    """How many signals count under each signal rule."""
    numbers = [n for n, rule in enumerate(rules_of(plain)) if "signal" in rule]
    return [sum(line[0] == n and line[3] is None for line in lines) for n in numbers]


def outcome(row: dict) -> dict:
    return {name: value for name, value in row.items() if name not in ("as_of", "next_change_at")}


# -- agreement ------------------------------------------------------------------------------------------


def check_agreement(plain: dict, cache: ScoreCache, people: People, clock: dict[str, int]) -> None:
    rows = scored_at(cache, people, clock)
    lines: dict[str, list[tuple]] = {who: [] for who in people}
    for x in cache.lines():
        line = (x["rule"], x["id"], x["at"], x["why_not"], x["nth"], x["percent"], x["points"])
        lines[x["contact_id"]].append(line)
    for who, person in people.items():
        want, row = oracle.score(plain, person, clock[who]), rows[who]
        assert said(row, "r_") == [part * UNIT for part in want["parts"]], (who, person)
        assert said(row, "g_") == [part * UNIT for part in want["groups"]], (who, person)
        assert said(row, "a_") == [part * UNIT for part in want["axes"]], (who, person)
        assert row["total"] == want["total"] * UNIT, (who, person)
        assert row["points"] == want["points"], (who, person)
        assert said(row, "c_") == want["criteria"], (who, person)
        assert said(row, "n_") == counted_by_rule(plain, want["lines"]), (who, person)
        assert lines[who] == [(*line[:-1], line[-1] * UNIT) for line in want["lines"]], (who, person)
        check_sums(plain, row, lines[who])


def check_sums(plain: dict, row: dict, lines: list[tuple]) -> None:
    """The lines of an explanation add up to the rule, and where they do not, to its cap exactly."""
    for n, rule in enumerate(rules_of(plain)):
        if "when" in rule:
            continue
        raw = sum(line[-1] for line in lines if line[0] == n)
        assert sum(line[0] == n and line[3] is None for line in lines) == row[f"n_{n}"]
        remainder = row[f"r_{n}"] - raw
        if remainder:
            assert abs(raw) > abs(row[f"r_{n}"]) == rule["cap"] * UNIT


# -- time -----------------------------------------------------------------------------------------------


def check_constant(
    cache: ScoreCache, people: People, clock: dict[str, int], unit: int, r: random.Random
) -> None:
    """Nothing changes before `next_change_at`. Colleagues share a moment, but not the next change: each of
    them has its turn to say when."""
    rows = scored_at(cache, people, clock)
    ends = {who: row["next_change_at"] or clock[who] + 500 * unit for who, row in rows.items()}
    assert all(clock[who] < end for who, end in ends.items())
    groups = list(companies_of(people).values())
    for turn in range(max(map(len, groups)) if cache.accounts else 1):
        says = {who: group[turn % len(group)] if cache.accounts else who for group in groups for who in group}
        last = {who: ends[says[who]] - 1 for who in people}
        some = {who: r.randint(clock[who], last[who]) for who in people}
        for later in (last, {who: some[says[who]] for who in people}):
            again = scored_at(cache, people, later)
            for who in people:
                if later[who] < ends[who]:
                    assert outcome(again[who]) == outcome(rows[who]), (who, later[who], people[who])
                    assert (again[who]["next_change_at"] or ends[who]) == ends[who]


def steps_until(
    cache: ScoreCache, people: People, clock: dict[str, int], end: int
) -> dict[str, list[tuple[int, dict]]]:
    """What everybody has from when on, woken by `next_change_at` alone."""
    steps: dict[str, list[tuple[int, dict]]] = {who: [] for who in people}
    while clock:
        rows = scored_at(cache, people, clock)
        for who, row in rows.items():
            steps[who].append((clock[who], outcome(row)))
        for members in companies_of({who: people[who] for who in clock}).values():
            woken = min(rows[who]["next_change_at"] or end for who in members)
            clock |= dict.fromkeys(members, woken)
        clock = {who: at for who, at in clock.items() if at < end}
    return steps


def check(plain: dict, seed: int) -> None:
    unit = plain["unit"]
    people = people_of(seed, unit)
    cache = cache_with(plain, people, FIELDS)
    r = random.Random(seed)
    clock = a_clock(r, people, unit)
    check_agreement(plain, cache, people, clock)
    check_constant(cache, people, clock, unit, r)


@profile(120)
@given(rule_sets(), seeds)
def test_sql_and_plain_evaluator_agree_and_nothing_changes_before_its_time(plain: dict, seed: int) -> None:
    check(plain, seed)


@pytest.mark.long
@profile(2_000)
@given(rule_sets(), seeds)
def test_sql_and_plain_evaluator_agree_at_length(plain: dict, seed: int) -> None:
    check(plain, seed)


@profile(20)
@given(rule_sets(), seeds)
def test_the_order_of_arrival_does_not_matter(plain: dict, seed: int) -> None:
    unit, r = plain["unit"], random.Random(seed)
    people = people_of(seed, unit)
    clock = a_clock(r, people, unit)
    first = scored_at(cache_with(plain, people, FIELDS), people, clock)
    assert scored_at(cache_with(plain, shuffled(r, people), FIELDS), people, clock) == first


@profile(20)
@given(rule_sets(), seeds)
def test_who_wakes_at_the_next_change_alone_meets_every_value(plain: dict, seed: int) -> None:
    unit, r = plain["unit"], random.Random(seed)
    people = people_of(seed, unit)
    start, end = a_moment(r, unit, -60, -40), a_moment(r, unit, 30, 60)
    steps = steps_until(cache_with(plain, people, FIELDS), people, dict.fromkeys(people, start), end)
    for who, person in people.items():
        for at in [r.randrange(start, end) for _ in range(4)] + [steps[who][-1][0]]:
            had = [row for since, row in steps[who] if since <= at][-1]
            want = oracle.score(plain, person, at)
            assert said(had, "r_") == [part * UNIT for part in want["parts"]], (who, at)
            assert (had["total"], said(had, "c_")) == (want["total"] * UNIT, want["criteria"]), (who, at)
