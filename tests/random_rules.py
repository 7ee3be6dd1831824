"""Random rule sets in the oracle's words, for hypothesis.

Times are counted in a unit: 1, so that every boundary is hit often (the SQL knows no unit), or a day where a
half-life, which steps once a day, shall be among the rules.
"""

from __future__ import annotations

from functools import cache

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from oracle import DAY

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
OF_CONTACT = tuple(name for name, (where, _) in FIELDS.items() if where == "contacts")
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
HOUR = DAY // 24

points = st.sampled_from([-50_000, -7_333, 0, 1, 333, 2_250, 5_000, 15_000, 25_000])
bounds = st.none() | st.none() | st.sampled_from([-20_000, -500, 0, 499, 12_345, 25_000, 60_000])
caps = st.none() | st.none() | st.sampled_from([0, 499, 12_345, 25_000])
kinds = st.lists(st.sampled_from(KINDS), min_size=1, max_size=2)


seeds = st.integers(0, 2**32)


def profile(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def now(unit: int) -> int:
    return 1_000 * unit


def times(unit: int, low: int, high: int) -> st.SearchStrategy:
    return st.integers(low, high).map(lambda n: n * unit)


def durations(unit: int) -> st.SearchStrategy:
    return times(unit, 1, 45)


def values_of(kind: str, unit: int) -> st.SearchStrategy:
    return {
        "number": st.sampled_from(NUMBERS),
        "bool": st.booleans(),
        "date": times(unit, 940, 1_040),
        "datetime": times(unit, 940, 1_040),
    }.get(kind, st.sampled_from(TEXTS))


# -- conditions ---------------------------------------------------------------------------------------


@st.composite
def field_tests(draw: st.DrawFn, scope: str, unit: int) -> tuple:
    on = ("deals",) if scope == "deal" else ("contacts", "companies")
    name = draw(st.sampled_from([n for n, (where, _) in FIELDS.items() if where in on]))
    kind = FIELDS[name][1]
    value = values_of(kind, unit)
    ops = ["is", "in", "known", "unknown"]
    ops += {"number": ["between", "at_least", "above", "below"], "bool": []}.get(kind, ["matches"])
    if kind in ("date", "datetime"):
        ops = ["known", "unknown", "between", "at_least", "above", "below", "within", "within_next"]
    op = draw(st.sampled_from(ops))
    match op:
        case "known" | "unknown":
            values = []
        case "within" | "within_next":
            values = [draw(durations(unit))]
        case "matches":
            values = draw(st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3))
        case "between":
            values = sorted([draw(value), draw(value)])
        case "in":
            values = draw(st.lists(value, min_size=1, max_size=3))
        case _:
            values = [draw(value)]
    return ("test", scope, name, op, values)


@st.composite
def points_tests(draw: st.DrawFn, scope: str, names: list[str]) -> tuple:
    """Comparisons with sums of points: the score's, or the account's."""
    ops = ["is", "in", "between", "at_least", "above", "below", "known"]
    op = draw(st.sampled_from([*ops, "unknown"] if scope == "account" else ops))
    many = {"between": 2, "in": 2, "known": 0, "unknown": 0}.get(op, 1)
    said = draw(
        st.lists(st.sampled_from([-20, -0.5, 0, 0.33, 5, 12.345, 15, 25]), min_size=many, max_size=many)
    )
    return ("test", scope, draw(st.sampled_from(names)), op, sorted(said))


@st.composite
def methods(draw: st.DrawFn, unit: int) -> tuple:
    names = draw(st.lists(st.sampled_from(OF_CONTACT), min_size=1, max_size=4, unique=True))
    fresh = draw(st.none() | durations(unit))
    return ("method", names, draw(st.integers(1, len(names))), fresh)


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


@cache
def facts(unit: int) -> st.SearchStrategy:
    """What can be asked of a person but for points."""
    field = field_tests("contact", unit)
    any_signal = st.tuples(st.just("any_signal"), kinds)
    without = st.tuples(st.just("without"), kinds, durations(unit))
    deal = st.tuples(st.just("deal"), blocks(field_tests("deal", unit)))
    return st.one_of(field, field, any_signal, without, methods(unit), deal)


@cache
def dated_deals(unit: int) -> st.SearchStrategy:
    op = st.sampled_from(["within", "within_next"])
    said = st.lists(durations(unit), min_size=1, max_size=1)
    test = st.tuples(st.just("test"), st.just("deal"), st.just("closing"), op, said)
    return st.tuples(st.just("deal"), test)


# -- rules --------------------------------------------------------------------------------------------


@cache
def decays(unit: int) -> st.SearchStrategy:
    steps = st.fixed_dictionaries(
        {
            "after": times(unit, 0, 30),
            "to": st.lists(st.sampled_from([0, 25, 33, 50, 100]), min_size=1, max_size=3),
            "every": times(unit, 1, 20),
        }
    )
    if unit != DAY:
        return st.none() | steps
    half_lives = times(DAY, 1, 20) | st.sampled_from([7 * HOUR, 36 * HOUR, 61 * HOUR])
    return st.one_of(st.none(), steps, st.fixed_dictionaries({"half_life": half_lives}))


@cache
def signal_rules(unit: int) -> st.SearchStrategy:
    return st.fixed_dictionaries(
        {
            "points": points,
            "signal": st.sampled_from(KINDS),
            "at_most": st.none() | st.integers(1, 3),
            "per": st.none() | durations(unit),
            "once_per": st.none() | st.sampled_from(["day", "email", "form"]),
            "cap": caps,
        }
    )


def groups(unit: int, asked: st.SearchStrategy) -> st.SearchStrategy:
    by_property = st.fixed_dictionaries({"points": points, "when": blocks(asked)})
    rule = st.one_of(signal_rules(unit), signal_rules(unit), by_property)
    rules = st.lists(rule, min_size=1, max_size=3)
    group = st.fixed_dictionaries({"cap": bounds, "decay": decays(unit), "rules": rules})
    return st.lists(group, min_size=1, max_size=2)


@st.composite
def rule_sets(draw: st.DrawFn) -> dict:
    """An axis may ask for the account's points on another; that other one may not."""
    unit = draw(st.sampled_from([1, 1, DAY]))
    names = ["fit", "engagement"][: draw(st.integers(1, 2))]
    asking = len(names) == 2 and draw(st.booleans())
    added_up = names[1:] if asking else names
    account = points_tests("account", added_up)
    asked = facts(unit)
    axes = []
    for name in names:
        mine = st.one_of(asked, account) if asking and name == "fit" else asked
        low, high = draw(bounds), draw(bounds)
        low, high = sorted([low, high]) if None not in (low, high) else (low, high)
        axes.append({"id": name, "floor": low, "ceiling": high, "groups": draw(groups(unit, mine))})
    accounts = {name: {"top": draw(st.integers(1, 3)), "cap": draw(caps)} for name in added_up}
    score = points_tests("score", ["total", "total", *names])
    fields = field_tests("contact", unit)
    in_stages = st.one_of(asked, asked, fields, dated_deals(unit), score, account, account)
    return {
        "unit": unit,
        "axes": axes,
        "total": {"of": draw(st.sampled_from([names, names[:1]])), "floor": draw(bounds)},
        "accounts": accounts,
        "criteria": draw(st.lists(in_stages, min_size=2, max_size=9)),
    }
