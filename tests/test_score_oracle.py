"""The SQL of the rules and the plain evaluator agree: random rules, histories and moments.

An example is a rule set; fifty histories are drawn from its seed and share one query. Times are small
numbers, so that every boundary is hit often: the SQL knows no unit.
"""

from __future__ import annotations

import random

import oracle
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from score_cache import ScoreCache, to_rules

from connector.model import POINT

PEOPLE = 50
NOW = 1_000
UNIT = POINT // 1_000  # of the SQL in a thousandth of a point
FIELDS = {
    "title": ("contacts", "text"),
    "persona": ("contacts", "choice"),
    "seats": ("contacts", "number"),
    "opted": ("contacts", "bool"),
    "timing": ("contacts", "date"),
    "industry": ("companies", "text"),
    "size": ("companies", "number"),
    "renewal": ("companies", "datetime"),
    "amount": ("deals", "number"),
    "won": ("deals", "bool"),
    "closing": ("deals", "date"),
    "pipe": ("deals", "text"),
}
KINDS = ("visit", "demo", "open's")
TEXTS = (
    "",
    "etudiant",
    "student 100%",
    "a_b",
    "a!b",
    "o'hara",
    "chef de projet",
    "cafe ☕",
    "\\",
    "[x]",
    "a*b",
)
PATTERNS = (
    *TEXTS,
    "*",
    "*etud*",
    "stud*",
    "*%",
    "a_*",
    "*'*",
    "*a*b*",
    "c*e*t",
    "**",
    "*☕",
    "[*]",
    "\\*",
    "!*",
)
NUMBERS = (-1.5, 0.0, 0.1, 1 / 3, 50.0, 1000.0, -688984.708713, 1e300)

moments = st.integers(NOW - 60, NOW + 40)
durations = st.integers(1, 45)
points = st.sampled_from([-50_000, -7_333, 0, 1, 333, 2_250, 5_000, 15_000, 25_000])
bounds = st.none() | st.sampled_from([-20_000, -500, 0, 499, 12_345, 25_000, 60_000])


def values_of(kind: str) -> st.SearchStrategy:
    return {
        "number": st.sampled_from(NUMBERS),
        "bool": st.booleans(),
        "date": moments,
        "datetime": moments,
    }.get(kind, st.sampled_from(TEXTS))


@st.composite
def field_tests(draw: st.DrawFn, scope: str) -> tuple:
    on = ("deals",) if scope == "deal" else ("contacts", "companies")
    name = draw(st.sampled_from([n for n, (where, _) in FIELDS.items() if where in on]))
    kind = FIELDS[name][1]
    value = values_of(kind)
    ops = ["is", "in", "known", "unknown"]
    ops += {"number": ["between", "at_least", "above", "below"], "bool": []}.get(kind, ["matches"])
    if kind in ("date", "datetime"):
        ops = ["known", "unknown", "between", "at_least", "above", "below", "within", "within_next"]
    op = draw(st.sampled_from(ops))
    match op:
        case "known" | "unknown":
            values = []
        case "within" | "within_next":
            values = [draw(durations)]
        case "matches":
            values = draw(st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3))
        case "between":
            values = sorted([draw(value), draw(value)])
        case "in":
            values = draw(st.lists(value, min_size=1, max_size=3))
        case _:
            values = [draw(value)]
    return ("test", scope, name, op, values)


def blocks(leaf: st.SearchStrategy) -> st.SearchStrategy:
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.tuples(st.just("all"), st.lists(inner, max_size=3)),
            st.tuples(st.just("any"), st.lists(inner, max_size=3)),
            st.tuples(st.just("not"), inner),
        ),
        max_leaves=4,
    )


any_signal = st.tuples(st.just("any_signal"), st.lists(st.sampled_from(KINDS), min_size=1, max_size=2))
deal = st.tuples(st.just("deal"), blocks(field_tests("deal")))
dated_deal = st.tuples(
    st.just("deal"),
    st.tuples(
        st.just("test"),
        st.just("deal"),
        st.just("closing"),
        st.sampled_from(["within", "within_next"]),
        st.lists(durations, min_size=1, max_size=1),
    ),
)
facts = st.one_of(field_tests("contact"), field_tests("contact"), any_signal, deal)
decays = st.none() | st.fixed_dictionaries(
    {
        "after": st.integers(0, 30),
        "to": st.lists(st.sampled_from([0, 25, 33, 50, 100]), min_size=1, max_size=3),
        "every": st.integers(1, 20),
    }
)
property_rule = st.fixed_dictionaries({"points": points, "when": blocks(facts)})
signal_rule = st.fixed_dictionaries(
    {
        "points": points,
        "signal": st.sampled_from(KINDS),
        "at_most": st.none() | st.integers(1, 3),
        "per": st.none() | durations,
        "once_per": st.none() | st.sampled_from(["day", "email", "form"]),
    }
)
rule = st.one_of(signal_rule, signal_rule, property_rule)
group = st.fixed_dictionaries(
    {"cap": bounds, "decay": decays, "rules": st.lists(rule, min_size=1, max_size=3)}
)


@st.composite
def score_tests(draw: st.DrawFn, names: list[str]) -> tuple:
    op = draw(st.sampled_from(["is", "in", "between", "at_least", "above", "below", "known"]))
    many = {"between": 2, "in": 2, "known": 0}.get(op, 1)
    said = draw(
        st.lists(st.sampled_from([-20, -0.5, 0, 0.33, 5, 12.345, 15, 25]), min_size=many, max_size=many)
    )
    return ("test", "score", draw(st.sampled_from(names)), op, sorted(said))


@st.composite
def rule_sets(draw: st.DrawFn) -> dict:
    names = ["fit", "engagement"][: draw(st.integers(1, 2))]
    groups = st.lists(group, min_size=1, max_size=2)
    axes = [{"id": n, "floor": draw(bounds), "ceiling": draw(bounds), "groups": draw(groups)} for n in names]
    for axis in axes:
        if None not in (axis["floor"], axis["ceiling"]):
            axis["floor"], axis["ceiling"] = sorted([axis["floor"], axis["ceiling"]])
    of = draw(st.sampled_from([names, names[:1]]))
    asked = st.one_of(facts, field_tests("contact"), dated_deal, score_tests(["total", "total", *names]))
    criteria = draw(st.lists(asked, min_size=2, max_size=9))
    return {"axes": axes, "total": {"of": of, "floor": draw(bounds)}, "criteria": criteria}


# -- histories ----------------------------------------------------------------------------------------


def a_value(r: random.Random, kind: str) -> object:
    if r.random() < 0.25:
        return None
    match kind:
        case "number":
            return r.choice(NUMBERS)
        case "bool":
            return r.random() < 0.5
        case "date" | "datetime":
            return r.randint(NOW - 60, NOW + 60)
    return r.choice(TEXTS)


def a_signal(r: random.Random, n: int) -> dict:
    at = r.randint(NOW - 60, NOW + 15)
    return {
        "id": f"s{r.randint(0, 9)}-{n}",
        "kind": r.choice(KINDS),
        "at": at,
        "day": at // 10,
        "email": r.choice([None, "e1", "e2"]),
        "form": r.choice([None, "f1"]),
        "rejected": "crm_filtered" if r.random() < 0.1 else None,
    }


def a_person(r: random.Random) -> dict:
    def some(on: tuple[str, ...]) -> dict:
        return {name: a_value(r, kind) for name, (where, kind) in FIELDS.items() if where in on}

    return {
        "fields": some(("contacts", "companies")),
        "deals": [some(("deals",)) for _ in range(r.choice([0, 0, 1, 2]))],
        "signals": [a_signal(r, n) for n in range(r.choice([0, 1, 3, 6, 12]))],
        "epoch": r.choice([None, None, r.randint(NOW - 50, NOW)]),
    }


def people_of(seed: int) -> dict[str, dict]:
    r = random.Random(seed)
    return {f"c{n}": a_person(r) for n in range(PEOPLE)}


def cache_of(plain: dict, people: dict[str, dict]) -> ScoreCache:
    cache = ScoreCache(to_rules(plain, FIELDS))
    for who, person in people.items():
        cache.add_person(who, person)
    return cache


def scored_at(cache: ScoreCache, people: dict[str, dict], moments: dict[str, int]) -> dict[str, dict]:
    cache.at(moments, {who: person["epoch"] for who, person in people.items()})
    return cache.scores()


def said(row: dict, prefix: str) -> list[int]:
    return [value for name, value in row.items() if name.startswith(prefix)]


def counted_by_rule(plain: dict, lines: list[tuple]) -> list[int]:
    """How many signals count under each signal rule."""
    rules = [rule for axis in plain["axes"] for group in axis["groups"] for rule in group["rules"]]
    numbers = [n for n, rule in enumerate(rules) if "signal" in rule]
    return [sum(line[0] == n and line[3] is None for line in lines) for n in numbers]


def outcome(row: dict) -> dict:
    return {name: value for name, value in row.items() if name not in ("as_of", "next_change_at")}


def check_agreement(plain: dict, seed: int) -> None:
    people = people_of(seed)
    cache = cache_of(plain, people)
    r = random.Random(seed)
    clock = {who: r.randint(NOW - 10, NOW + 30) for who in people}
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


def check_constant(plain: dict, seed: int) -> None:
    people = people_of(seed)
    cache = cache_of(plain, people)
    r = random.Random(seed)
    clock = {who: r.randint(NOW - 10, NOW + 30) for who in people}
    rows = scored_at(cache, people, clock)
    ends = {who: row["next_change_at"] or clock[who] + 500 for who, row in rows.items()}
    assert all(clock[who] < end for who, end in ends.items())
    for later in (
        {who: end - 1 for who, end in ends.items()},
        {who: r.randint(clock[who], end - 1) for who, end in ends.items()},
        {who: (clock[who] + end) // 2 for who, end in ends.items()},
    ):
        again = scored_at(cache, people, later)
        for who in people:
            assert outcome(again[who]) == outcome(rows[who]), (who, later[who], people[who])
            assert (again[who]["next_change_at"] or ends[who]) == ends[who]


def profile(examples: int):
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


seeds = st.integers(0, 2**32)


@profile(60)
@given(rule_sets(), seeds)
def test_sql_and_plain_evaluator_agree(plain: dict, seed: int) -> None:
    check_agreement(plain, seed)


@profile(40)
@given(rule_sets(), seeds)
def test_nothing_changes_before_next_change_at(plain: dict, seed: int) -> None:
    check_constant(plain, seed)


@profile(20)
@given(rule_sets(), seeds)
def test_the_order_of_arrival_does_not_matter(plain: dict, seed: int) -> None:
    people = people_of(seed)
    first = scored_at(cache_of(plain, people), people, dict.fromkeys(people, NOW))
    r = random.Random(seed)
    shuffled = {
        who: person | {k: r.sample(person[k], len(person[k])) for k in ("signals", "deals")}
        for who, person in r.sample(list(people.items()), len(people))
    }
    assert scored_at(cache_of(plain, shuffled), people, dict.fromkeys(people, NOW)) == first


@pytest.mark.long
@profile(2_000)
@given(rule_sets(), seeds)
def test_sql_and_plain_evaluator_agree_at_length(plain: dict, seed: int) -> None:
    check_agreement(plain, seed)
    check_constant(plain, seed)
