"""Criteria as short phrases, for explanations and reasons."""

from __future__ import annotations

from connector.model import DAY, HOUR, MINUTE, POINT, Score
from connector.rules.tree import (
    All,
    AnyOf,
    AnySignal,
    Condition,
    DealIs,
    MethodMet,
    Not,
    Reached,
    SalesSet,
    Test,
    Without,
)


def words(condition: Condition, score: Score | None = None, kinds: frozenset[str] = frozenset()) -> str:
    """A criterion as a short phrase; with the `kinds` of signals that a contact has, the one that counts."""
    match condition:
        case Test(scope="score", name=name):
            have = None if score is None else score.points if name == "total" else score.axes[name] / POINT
            return f"{name} {'' if have is None else f'{have:g} '}{_comparison(condition)}"
        case Test(scope="account", name=name):
            return f"the account's {name} {_comparison(condition)}"
        case Test(name=name):
            return f"{name} {_comparison(condition)}"
        case AnySignal(kinds=asked):
            known = [kind for kind in asked if kind in kinds]
            if known or len(asked) == 1:
                return f"signal {', '.join(known or asked)}"
            return f"one of the signals {', '.join(asked)}"
        case Without(kinds=asked, lasting=lasting):
            return f"no {' or '.join(asked)} for {_span(lasting)}"
        case MethodMet(method=method, fields=fields, at_least=least, fresh=fresh):
            young = f" less than {_span(fresh)} old" if fresh else ""
            return f"{method} has evidence{young} for {least} of its {len(fields)} fields or more"
        case Reached(stage=stage):
            return f"{stage} reached"
        case SalesSet(stage=stage):
            return f"sales set {stage}"
        case DealIs(item=item):
            return f"a deal whose {words(item)}"
        case Not(item=Without(kinds=asked, lasting=lasting)):
            return f"{' or '.join(asked)} within the last {_span(lasting)}"
        case Not(item=item):
            return f"not ({words(item, score, kinds)})"
        case All(items=items):
            return " and ".join(words(item, score, kinds) for item in items)
        case AnyOf(items=items):
            return " or ".join(words(item, score, kinds) for item in items)


_WORDS = {
    "is": "is",
    "in": "is one of",
    "matches": "matches",
    "at_least": "is at or over",
    "above": "is over",
    "below": "is under",
    "within": "within the last",
    "within_next": "within the next",
    "known": "is known",
    "unknown": "is unknown",
}


def _comparison(test: Test) -> str:
    if test.op == "between":
        return f"is between {_value(test.values[0])} and {_value(test.values[1])}"
    if test.op in ("within", "within_next"):
        return f"{_WORDS[test.op]} {_span(int(test.values[0]))}"
    return f"{_WORDS[test.op]} {', '.join(_value(v) for v in test.values)}".strip()


def _span(lasting: int) -> str:
    """A duration in the largest unit that it is whole in; files are no finer than minutes."""
    for unit, name in ((DAY, "day"), (HOUR, "hour")):
        if lasting % unit == 0:
            return _counted(lasting // unit, name)
    return _counted(lasting // MINUTE, "minute")


def _counted(number: int, name: str) -> str:
    return f"{number:,} {name}" + ("" if number == 1 else "s")


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
