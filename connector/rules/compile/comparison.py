"""One comparison of a condition as SQL, and the moments at which its answer changes by itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlglot import exp

from connector.model import POINT
from connector.rules.compile.expression import (
    NEVER,
    every,
    integer,
    number,
    sayable,
    some,
    sure,
    text,
    when,
)
from connector.rules.tree import All, AnyOf, Condition, FieldType, Leaf, Not, Test, Value

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_ESCAPE = "!"  # a backslash means something else to every engine


def condition(tree: Condition, leaf: Callable[[Leaf], Expr]) -> Expr:
    """The condition with every leaf, which must be true or false, as `leaf` says it."""
    match tree:
        case All(items=items):
            return every([condition(item, leaf) for item in items])
        case AnyOf(items=items):
            return some([condition(item, leaf) for item in items])
        case Not(item=item):
            return exp.Not(this=exp.Paren(this=condition(item, leaf)))
        case _:
            return leaf(tree)


def compare(test: Test, value: Expr, as_of: Expr) -> Expr:
    """True or false, never NULL. `value` is what is compared (NULL: unknown), `as_of` the moment."""
    match test.op:
        case "known":
            return exp.Not(this=exp.Is(this=value, expression=exp.null()))
        case "unknown":
            return exp.Is(this=value, expression=exp.null())
        case "matches":
            return sure(some([_like(value, str(p)) for p in test.values if sayable(str(p))]))
        case "within" | "within_next":
            return sure(_near(test, value, as_of))
        case _:
            return sure(_against(test, value))


def _against(test: Test, value: Expr) -> Expr:
    """Comparisons with what the file says alone."""
    said = [_literal(test.type, v) for v in test.values if not isinstance(v, str) or sayable(v)]
    if not said:
        return exp.false()
    match test.op:
        case "between":
            low, high = said
            over = exp.GTE(this=value.copy(), expression=low)
            return every([over, exp.LTE(this=value, expression=high)])
        case "at_least":
            return exp.GTE(this=value, expression=said[0])
        case "above":
            return exp.GT(this=value, expression=said[0])
        case "below":
            return exp.LT(this=value, expression=said[0])
        case _:
            return exp.In(this=value, expressions=said)


def _literal(kind: FieldType, value: Value) -> Expr:
    match kind:
        case "number":
            return number(float(value))
        case "bool" | "date" | "datetime":
            return integer(int(value))
        case _:
            return text(str(value))


def _like(value: Expr, pattern: str) -> Expr:
    """The whole value, `*` the only wildcard. SQLite's LIKE ignores the case of ASCII letters; both sides
    are folded, so that it does not matter."""
    if "*" not in pattern:
        return exp.EQ(this=value.copy(), expression=text(pattern))
    escaped = "".join(_ESCAPE + c if c in f"%_{_ESCAPE}" else c for c in pattern).replace("*", "%")
    return exp.Escape(
        this=exp.Like(this=value.copy(), expression=text(escaped)), expression=exp.Literal.string(_ESCAPE)
    )


def _near(test: Test, value: Expr, as_of: Expr) -> Expr:
    """`within`: the age as_of - value is in [0, d). `within_next`: the time to come, value - as_of, is."""
    d = integer(int(test.values[0]))
    early, late = (value, as_of) if test.op == "within" else (as_of, value)
    far = exp.Sub(this=late.copy(), expression=early.copy())
    return every([exp.LTE(this=early.copy(), expression=late.copy()), exp.LT(this=far, expression=d)])


def boundaries(test: Test, value: Expr, as_of: Expr) -> list[Expr]:
    """The moments after `as_of` at which the answer changes without new input, NEVER where there is none."""
    if test.op not in ("within", "within_next"):
        return []
    d = int(test.values[0])
    # the first moment at which it holds, and the first at which it holds no more
    shifts = (0, d) if test.op == "within" else (1 - d, 1)
    found = []
    for shift in shifts:
        moment = exp.Paren(this=exp.Add(this=value.copy(), expression=integer(shift)))
        found.append(when(exp.GT(this=moment, expression=as_of.copy()), moment.copy(), integer(NEVER)))
    return list(found)


def compare_score(test: Test, points: Expr, unit: int = POINT) -> Expr:
    """A comparison with a sum of points; `unit` is how much of it makes one point. NULL where unknown."""
    if test.op in ("known", "unknown"):
        return exp.true() if test.op == "known" else exp.false()
    said = [Decimal(repr(float(v))) * unit for v in test.values]
    match test.op:
        case "between":
            low, high = math.ceil(said[0]), math.floor(said[1])
            over = exp.GTE(this=points.copy(), expression=integer(low))
            return every([over, exp.LTE(this=points, expression=integer(high))])
        case "at_least":
            return exp.GTE(this=points, expression=integer(math.ceil(said[0])))
        case "above":
            return exp.GT(this=points, expression=integer(math.floor(said[0])))
        case "below":
            return exp.LT(this=points, expression=integer(math.ceil(said[0])))
        case "is" | "in":
            hit = [integer(int(v)) for v in said if v == v.to_integral_value()]
            return exp.In(this=points, expressions=hit) if hit else exp.false()
        case _:
            raise ValueError(f"{test.place}: a score has no `{test.op}`")
