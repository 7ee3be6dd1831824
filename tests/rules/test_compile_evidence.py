"""The SQL of what people did not do, of methods, of accounts, of half-lives and of the caps of rules."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import oracle
import pytest
from score_cache import (
    FIELDS,
    NOW,
    ScoreCache,
    cache_for,
    one_group,
    person,
    rule_set,
    score_of,
    signal,
    to_rules,
)

from connector.model import DAY, POINT
from connector.rules.compile import Dependencies, dependencies
from connector.rules.tree import HalfLife


def leaf_rule(leaf: tuple) -> dict:
    return rule_set(one_group({"points": 1_000, "when": leaf}))


# -- absence -------------------------------------------------------------------------------------------


def test_an_absence_begins_when_the_last_act_is_old_enough() -> None:
    plain = leaf_rule(("without", ["visit", "demo"], 60 * DAY))
    acts = person([signal("visit", NOW - 9 * DAY), signal("demo", NOW), signal("open", NOW + DAY)])
    for at, points, change in (
        (NOW, 0, NOW + 60 * DAY),
        (NOW + 60 * DAY - 1, 0, NOW + 60 * DAY),
        (NOW + 60 * DAY, 1, None),
    ):
        row = score_of(plain, acts, at)
        assert (row["points"], row["next_change_at"]) == (points, change)


def test_who_never_did_it_is_absent_and_who_did_before_the_epoch_or_as_a_robot_too() -> None:
    plain = leaf_rule(("without", ["visit"], DAY))
    robot = signal("visit", NOW, rejected="crm_filtered")
    for acts, epoch in (([], None), ([robot], None), ([signal("visit", NOW)], NOW)):
        row = score_of(plain, person(acts), NOW, epoch)
        assert (row["points"], row["next_change_at"]) == (1, None)
    assert score_of(plain, person([signal("visit", NOW)]), NOW, NOW - 1)["points"] == 0


def test_what_is_dated_ahead_ends_an_absence_then() -> None:
    plain = leaf_rule(("without", ["visit"], DAY))
    ahead = person([signal("visit", NOW + 5)])
    assert score_of(plain, ahead)["next_change_at"] == NOW + 5
    assert [score_of(plain, ahead, NOW + ms)["points"] for ms in (4, 5, 4 + DAY, 5 + DAY)] == [1, 0, 0, 1]


# -- methods -------------------------------------------------------------------------------------------


def test_evidence_is_known_and_not_false() -> None:
    for fields, points in (
        ({"opted": True}, 1),
        ({"opted": False}, 0),
        ({"opted": None}, 0),
        ({"job_title": ""}, 1),
        ({"timing": 0}, 1),
    ):
        assert (
            score_of(leaf_rule(("method", list(fields), 1, None)), person([], **fields))["points"] == points
        )


def test_fresh_evidence_is_younger_than_that() -> None:
    plain = leaf_rule(("method", ["job_title", "persona", "timing"], 2, 10 * DAY))
    who = person([], job_title="cto", persona="x", timing=NOW)
    since = {"job_title": NOW, "persona": NOW + 5 * DAY, "timing": None}
    for at, points, change in (
        (NOW, 0, NOW + 5 * DAY),
        (NOW + 5 * DAY, 1, NOW + 10 * DAY),
        (NOW + 10 * DAY - 1, 1, NOW + 10 * DAY),
        (NOW + 10 * DAY, 0, NOW + 15 * DAY),
        (NOW + 15 * DAY, 0, None),
    ):
        row = score_of(plain, who | {"since": since}, at)
        assert (row["points"], row["next_change_at"]) == (points, change)


# -- accounts ------------------------------------------------------------------------------------------


def account_rules(*asked: tuple, top: int = 3, cap: int | None = None) -> dict:
    fit = [{"rules": [{"points": 1_000, "when": leaf} for leaf in asked]}]
    acts = [{"rules": [{"points": 10_000, "signal": "visit"}, {"points": -4_000, "signal": "bounce"}]}]
    plain = rule_set([{"id": "fit", "groups": fit}, {"id": "engagement", "groups": acts}])
    return plain | {"accounts": {"engagement": {"top": top, "cap": cap}}}


def points_are(points: float) -> tuple:
    return ("test", "account", "engagement", "is", [points])


def company_of(plain: dict, *people: list[dict]) -> ScoreCache:
    """These histories, all in one company; and c-1, who has none."""
    cache = cache_for(plain)
    cache.add_person("c-1", person([]) | {"company": None})
    for n, acts in enumerate(people):
        cache.add_person(f"c{n}", person(acts) | {"company": "acme"})
    cache.at(dict.fromkeys(["c-1", *(f"c{n}" for n in range(len(people)))], NOW))
    return cache


def visits(number: int, *, at: int = NOW - 1) -> list[dict]:
    return [signal("visit", at, n=n) for n in range(number)]


@pytest.mark.parametrize(
    ("people", "top", "cap", "points"),
    [
        ([1, 2, 3, 4], 3, None, 90),
        ([4, 3, 2, 1], 1, None, 40),
        ([2, 2, 2, 2], 3, None, 60),
        ([1, 2], 3, None, 30),
        ([0, 0], 3, None, 0),
        ([4, 4, 4], 3, 75_500, 75.5),
    ],
)
def test_an_account_has_what_its_highest_few_have(
    people: list[int], top: int, cap: int | None, points: float
) -> None:
    plain = account_rules(points_are(points), top=top, cap=cap)
    rows = company_of(plain, *map(visits, people)).scores()
    assert {who: row["r_0"] for who, row in rows.items()} == {
        "c-1": 0,
        **{f"c{n}": POINT for n in range(len(people))},
    }


def test_negative_points_are_the_last_to_be_among_the_highest() -> None:
    bounced = [signal("bounce", NOW)]
    plain = account_rules(points_are(10), points_are(6), top=2)
    assert company_of(plain, visits(1), bounced, []).scores()["c0"]["r_0"] == POINT
    assert company_of(plain, visits(1), bounced).scores()["c0"]["r_1"] == POINT


def test_who_has_no_company_has_no_account() -> None:
    asked = [points_are(0), ("not", points_are(0))]
    asked += [("test", "account", "engagement", op, []) for op in ("known", "unknown")]
    rows = company_of(account_rules(*asked), []).scores()
    assert [rows["c-1"][f"r_{n}"] // POINT for n in range(4)] == [0, 1, 0, 1]
    assert [rows["c0"][f"r_{n}"] // POINT for n in range(4)] == [1, 0, 1, 0]


def test_a_colleague_s_next_change_is_everybody_s() -> None:
    plain = account_rules(points_are(10))
    plain["axes"][1]["groups"][0]["decay"] = {"after": DAY, "to": [0], "every": DAY}
    rows = company_of(plain, visits(1), []).scores()
    assert [rows[who]["next_change_at"] for who in ("c0", "c1", "c-1")] == [NOW - 1 + DAY] * 2 + [None]


# -- half-lives and caps -------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [5, 24, 36, 48, 30 * 24, 90 * 24])
def test_a_half_life_steps_where_its_whole_per_cent_does(hours: int) -> None:
    half_life = hours * DAY // 24
    steps = HalfLife(half_life).steps()
    assert (steps[0], steps[-1][1]) == ((0, 100), 0)
    last = steps[-1][0] // DAY
    want = [oracle.halved(Fraction(day * DAY, half_life)) for day in range(last + 1)]
    assert [next(p for age, p in reversed(steps) if age <= day * DAY) for day in range(last + 1)] == want
    assert all(later < before for (_, before), (_, later) in pairwise(steps))


def test_a_half_life_changes_on_the_hour_of_its_event() -> None:
    plain = rule_set(one_group({"points": 100_000, "signal": "x"}, decay={"half_life": 7 * DAY}))
    row = score_of(plain, person([signal("x", NOW)]), NOW + 7 * DAY - 1)
    assert (row["points"], row["next_change_at"]) == (55, NOW + 7 * DAY)
    assert score_of(plain, person([signal("x", NOW)]), NOW + 7 * DAY)["points"] == 50


@pytest.mark.parametrize(("points", "capped"), [(10_000, 12_500), (-10_000, -12_500)])
def test_a_rule_gives_and_takes_no_more_than_its_cap(points: int, capped: int) -> None:
    rule = {"points": points, "signal": "x", "cap": 12_500}
    plain = rule_set(one_group(rule), floor=None)
    row = score_of(plain, person([signal("x", NOW, n=n) for n in range(3)]))
    assert (row["r_0"], row["n_0"]) == (capped * POINT // 1_000, 3)
    assert score_of(plain, person([signal("x", NOW)]))["r_0"] == points * POINT // 1_000


# -- dependencies --------------------------------------------------------------------------------------


def test_methods_absences_and_accounts_are_dependencies() -> None:
    plain = account_rules(points_are(1), ("without", ["call"], DAY))
    plain["criteria"] = [("method", ["opted", "persona"], 1, DAY), ("method", ["timing"], 1, None)]
    assert dependencies(to_rules(plain, FIELDS)) == Dependencies(
        contact=frozenset({"opted", "persona", "timing"}),
        company=frozenset(),
        deal=frozenset(),
        signals=frozenset({"visit", "bounce", "call"}),
        dated=frozenset({"opted", "persona"}),
        accounts=True,
    )
