"""What stands in the rules or in the CRM is data: no text, pattern, number or name leaves its place."""

from __future__ import annotations

import random

import pytest
from score_cache import FIELDS, NOW, cache_for, criterion, one_group, person, rule_set, signal, to_rules

from connector.model import POINT
from connector.rules.compile import score_select

NASTY = (
    "'); DROP TABLE contact; --",
    '" OR 1=1',
    "o''hara",
    "back\\slash\\'",
    "100%_sure!",
    "[a-z]?",
    "🙂 ça va 日本",
    ":name ?1 @x $y {0}",
    "line\nbreak\ttab",
    "-- comment //",
    "x" * 65_536,
    "'" * 65_536,
)


@pytest.mark.parametrize("value", NASTY, ids=lambda v: v[:12])
@pytest.mark.parametrize("op", ["is", "in", "matches"])
def test_no_value_leaves_its_place(value: str, op: str) -> None:
    who = person([], job_title=value)
    assert criterion(("test", "contact", "job_title", op, [value]), who)
    assert not criterion(("test", "contact", "job_title", op, [value + "x"]), who)
    assert not criterion(("test", "contact", "job_title", op, [value[1:]]), who)


def test_the_star_is_the_only_wildcard() -> None:
    cases = [
        ("a_c", "abc", False),
        ("a%c", "abbc", False),
        ("a[b]c", "abc", False),
        ("a?c", "abc", False),
        ("a!_*", "a!_b", True),
        ("a\\*", "a\\b", True),
        ("*b*", "abc", True),
        ("b*", "abc", False),
        ("*", "", True),
        ("*'*'*", "it's o'hara", True),
    ]
    for pattern, value, fits in cases:
        leaf = ("test", "contact", "job_title", "matches", [pattern])
        assert criterion(leaf, person([], job_title=value)) == fits, (pattern, value)


def test_a_long_pattern_on_a_long_text_answers() -> None:
    leaf = ("test", "contact", "job_title", "matches", ["*a" * 499 + "*b"])
    assert not criterion(leaf, person([], job_title="a" * 65_536))
    assert criterion(leaf, person([], job_title="a" * 65_536 + "b"))


def test_what_no_text_can_hold_equals_nothing() -> None:
    for impossible in ("a\0b", "\ud800"):
        for op in ("is", "matches"):
            leaf = ("test", "contact", "job_title", op, [impossible])
            assert not criterion(leaf, person([], job_title="a"))


def test_kinds_and_fields_are_data_too() -> None:
    # the loader allows no such names; the compiler does not rely on it
    field, kind = 'a" OR 1', "it's; --"
    facts = {"points": 1_000, "when": ("test", "contact", field, "is", ["x"])}
    plain = rule_set(one_group({"points": 1_000, "signal": kind}, facts), [("any_signal", [kind])])
    cache = cache_for(plain, {field: ("contacts", "text"), "select": ("companies", "number")})
    cache.add("contact", id="c1", **{f"f_{field}": "x"})
    cache.add("signal", contact_id="c1", **signal(kind, NOW))
    cache.at({"c1": NOW})
    row = cache.scores()["c1"]
    assert (row["points"], row["c_0"]) == (2, 1)


def test_numbers_compare_as_the_doubles_they_are() -> None:
    r = random.Random(7)
    values = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -688984.708713, 2.0**53 + 2, 1e22, -0.0]
    values += [round(r.uniform(-1e6, 1e6), 6) for _ in range(500)]
    values += [r.uniform(-1, 1) * 10.0 ** r.randint(-300, 300) for _ in range(200)]
    rules = [{"points": 1_000, "when": ("test", "contact", "n", "is", [value])} for value in values]
    for start in range(0, len(rules), 400):
        plain = rule_set(one_group(*rules[start : start + 400]))
        cache = cache_for(plain, {"n": ("contacts", "number")})
        for n, value in enumerate(values[start : start + 400]):
            cache.add("contact", id=str(n), f_n=value)
        cache.at({str(n): NOW for n in range(len(rules[start : start + 400]))})
        assert all(row[f"r_{who}"] == POINT for who, row in cache.scores().items())


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_what_is_no_number_is_refused(value: float) -> None:
    plain = rule_set(one_group({"points": 1, "when": ("test", "contact", "size", "above", [value])}))
    with pytest.raises(ValueError, match="no number that can be compared"):
        score_select(to_rules(plain, FIELDS))


def test_a_score_cannot_depend_on_itself() -> None:
    plain = rule_set(one_group({"points": 1, "when": ("test", "score", "total", "above", [1.0])}))
    with pytest.raises(ValueError, match=r"workflows/q\.yaml:\d+"):
        score_select(to_rules(plain, FIELDS))
