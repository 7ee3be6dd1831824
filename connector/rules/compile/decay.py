"""How much of a signal's points is left at an age, and at what age that changes next.

Every distinct decay of the rules has a number; its steps are a tree of comparisons, halved each time, so that
a half-life of a hundred steps costs seven of them and no join.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from connector.rules.compile.expression import NEVER, column, integer, when
from connector.rules.tree import Decay, HalfLife, Rules, SignalRule

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

Steps = Sequence[tuple[int, int]]  # (age in ms from which it holds, percent), youngest first


def decays(rules: Rules) -> tuple[Decay | HalfLife | None, ...]:
    """The distinct ones, None for no decay; a decay's number is its index."""
    found = [rule.decay for rule in rules.workflow.rules() if isinstance(rule, SignalRule)]
    return tuple(dict.fromkeys([None, *found]))


def percent(rules: Rules) -> Expr:
    """Of a line, by its columns `decay` and `age`."""
    return _by_decay(rules, lambda steps: _search(steps, 0, len(steps) - 1, lambda n: integer(steps[n][1])))


def lasts_until(rules: Rules) -> Expr:
    """The age at which that per cent is another; NEVER where it is the last."""

    def ages(steps: Steps) -> Expr:
        later = [age for age, _ in steps[1:]]
        return _search(steps, 0, len(later), lambda n: integer(later[n] if n < len(later) else NEVER))

    return _by_decay(rules, ages)


def _by_decay(rules: Rules, tree: Callable[[Steps], Expr]) -> Expr:
    numbered = [(n, _steps(one)) for n, one in enumerate(decays(rules))]
    (_, first), *others = numbered
    ifs = [
        exp.If(this=exp.EQ(this=column("decay"), expression=integer(n)), true=tree(steps))
        for n, steps in others
    ]
    return exp.Case(ifs=ifs, default=tree(first)) if ifs else tree(first)


def _steps(decay: Decay | HalfLife | None) -> Steps:
    """Steps at which something changes."""
    steps: list[tuple[int, int]] = []
    for age, left in decay.steps() if decay else ((0, 100),):
        if steps and steps[-1][0] == age:
            steps.pop()  # a step of no length: `after: 0d`
        if not steps or steps[-1][1] != left:
            steps.append((age, left))
    return steps


def _search(steps: Steps, low: int, high: int, value: Callable[[int], Expr]) -> Expr:
    """`value` of the step that the age is in, found by halving."""
    if low == high:
        return value(low)
    middle = (low + high + 1) // 2
    younger = exp.LT(this=column("age"), expression=integer(steps[middle][0]))
    return when(younger, _search(steps, low, middle - 1, value), _search(steps, middle, high, value))
