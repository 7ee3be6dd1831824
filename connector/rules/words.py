"""Criteria as short phrases, for explanations and reasons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from connector.model import DAY, HOUR, MINUTE, POINT, Score
from connector.rules.phrases import phrase
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
    StageRule,
    Test,
    Without,
)


def words(
    condition: Condition,
    score: Score | None = None,
    kinds: frozenset[str] = frozenset(),
    language: str = "en",
) -> str:
    """A criterion as a short phrase; with the `kinds` of signals that a contact has, the one that counts."""
    return _Words(language, score, kinds).of(condition)


def leaving(
    stage: StageRule,
    score: Score | None = None,
    kinds: frozenset[str] = frozenset(),
    language: str = "en",
) -> str:
    """When somebody leaves the stage, as a short phrase; "" for a stage that nobody leaves."""
    if stage.leave_when is None:
        return ""
    say = _Words(language, score, kinds)
    said = say.of(stage.leave_when)
    if not stage.leave_for:
        return said
    several = isinstance(stage.leave_when, All | AnyOf) and len(stage.leave_when.items) > 1
    return phrase(language, "lasting", f"({said})" if several else said, say.span(stage.leave_for))


@dataclass(frozen=True, slots=True)
class _Words:
    language: str
    score: Score | None
    kinds: frozenset[str]

    def of(self, condition: Condition) -> str:
        match condition:
            case Test(scope="score", name=name):
                return f"{name} {self._have(name)}{self._comparison(condition)}"
            case Test(scope="account", name=name):
                return f"{self._say('account', name)} {self._comparison(condition)}"
            case Test(name=name):
                return f"{name} {self._comparison(condition)}"
            case AnySignal(kinds=asked):
                return self._signal(asked)
            case Without(kinds=asked, lasting=lasting):
                return self._say("without", self._joined("or", asked), self.span(lasting))
            case MethodMet():
                return self._method(condition)
            case Reached(stage=stage):
                return self._say("reached", stage)
            case SalesSet(stage=stage):
                return self._say("sales_set", stage)
            case DealIs(item=item):
                return self._say("deal", _Words(self.language, None, frozenset()).of(item))
            case Not(item=Without(kinds=asked, lasting=lasting)):
                return self._say("lately", self._joined("or", asked), self.span(lasting))
            case Not(item=item):
                return self._say("not", self.of(item))
            case All(items=items):
                return self._joined("and", map(self.of, items))
            case AnyOf(items=items):
                return self._joined("or", map(self.of, items))

    def _say(self, name: str, *values: object) -> str:
        return phrase(self.language, name, *values)

    def _joined(self, name: str, parts: Iterable[str]) -> str:
        return reduce(lambda one, other: self._say(name, one, other), parts)

    def _have(self, name: str) -> str:
        if self.score is None:
            return ""
        return f"{self.score.points if name == 'total' else self.score.axes[name] / POINT:g} "

    def _signal(self, asked: tuple[str, ...]) -> str:
        known = [kind for kind in asked if kind in self.kinds]
        if known or len(asked) == 1:
            return self._say("signal", ", ".join(known or asked))
        return self._say("one_signal", ", ".join(asked))

    def _method(self, asked: MethodMet) -> str:
        many = (asked.at_least, len(asked.fields))
        if asked.fresh:
            return self._say("fresh_method", asked.method, self.span(asked.fresh), *many)
        return self._say("method", asked.method, *many)

    def _comparison(self, test: Test) -> str:
        if test.op == "between":
            return self._say("between", *map(self._value, test.values))
        if test.op in ("within", "within_next"):
            return self._say(test.op, self.span(int(test.values[0])))
        return self._say(test.op, ", ".join(map(self._value, test.values)))

    def span(self, lasting: int) -> str:
        """A duration in the largest unit that it is whole in; files are no finer than minutes."""
        units = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"))
        unit, name = next((one for one in units if lasting % one[0] == 0), units[-1])
        number = lasting // unit
        return f"{number:,} {self._say(name if number == 1 else f'{name}s')}"

    def _value(self, value: object) -> str:
        if isinstance(value, bool):
            return self._say("true" if value else "false")
        return f"{value:g}" if isinstance(value, float) else str(value)
