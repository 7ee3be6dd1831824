"""Small pieces of SQL as trees that every dialect can print. Values enter as literals, never as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from sqlglot import exp

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

    Node = TypeVar("Node", bound=type[exp.Binary])

NEVER = 2**63 - 1  # stands for "no moment" where a NULL would swallow a LEAST

_EXACT = 2**53  # integers up to here are doubles without loss
_POWER = 2**62  # the largest power of two that is written out


def column(name: str, table: str = "") -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True), table=table or None)


def integer(value: int) -> Expr:
    return exp.Literal.number(int(value))


def number(value: float) -> Expr:
    """The double itself, on every engine: a decimal literal may be read one step off (SQLite does, now and
    then, from the seventh digit on), a whole number divided by a power of two cannot.

    Raises ValueError for what cannot be compared (infinite, not a number).
    """
    try:
        above, below = float(value).as_integer_ratio()
    except (OverflowError, ValueError) as e:
        raise ValueError(f"{value} is no number that can be compared") from e
    times = 1
    while abs(above) > _EXACT:
        above, times = above // 2, times * 2
    tree: Expr = _double(above)
    tree = _scaled(tree, times, lambda a, b: exp.Mul(this=a, expression=b))
    return _scaled(tree, below, _divided)


def _scaled(tree: Expr, power: int, join: Callable[[Expr, Expr], Expr]) -> Expr:
    while power > 1:
        tree, power = join(tree, _double(min(power, _POWER))), power // _POWER
    return tree


def _double(value: int) -> Expr:
    return exp.Literal.number(f"{value}e0")  # the exponent makes it a double where `1.0` is a decimal


def _divided(above: Expr, below: Expr) -> Expr:
    return exp.Div(this=above, expression=below, typed=True, safe=False)  # printed as it is, without casts


def text(value: str) -> Expr:
    return exp.Literal.string(value)


def sayable(value: str) -> bool:
    """Whether a text can stand in a statement at all; one with a NUL or half a surrogate equals nothing."""
    return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)


def whole(tree: Expr, divisor: int) -> Expr:
    """Integer division without remainder loss on any engine. `tree` must not be negative."""
    rest = exp.Mod(this=tree.copy(), expression=integer(divisor))
    exact = exp.Paren(this=exp.Sub(this=tree.copy(), expression=exp.Paren(this=rest)))
    return exp.cast(_divided(exact, integer(divisor)), "BIGINT")


def when(condition: Expr, value: Expr, otherwise: Expr | None = None) -> exp.Case:
    return exp.Case(ifs=[exp.If(this=condition, true=value)], default=otherwise or exp.null())


def flag(condition: Expr) -> exp.Case:
    """1 or 0, never NULL."""
    return when(condition, integer(1), integer(0))


def sure(condition: Expr) -> Expr:
    """True or false: a comparison with an unknown is false."""
    return exp.Coalesce(this=condition, expressions=[exp.false()])


def every(conditions: Sequence[Expr]) -> Expr:
    return _balanced(conditions, exp.And, exp.true())


def some(conditions: Sequence[Expr]) -> Expr:
    return _balanced(conditions, exp.Or, exp.false())


def total(terms: Sequence[Expr]) -> Expr:
    return _balanced(terms, exp.Add, integer(0))


def _balanced(items: Sequence[Expr], node: Node, empty: Expr) -> Expr:
    """One tree over all items, as flat as can be: SQLite refuses depths over 1,000."""
    if not items:
        return empty
    level = [exp.Paren(this=item) if isinstance(item, exp.Binary) else item for item in items]
    while len(level) > 1:
        pairs: list[Expr] = [
            exp.Paren(this=node(this=a, expression=b)) for a, b in zip(level[::2], level[1::2], strict=False)
        ]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0]


def earliest(moments: Sequence[Expr]) -> Expr:
    """The least of moments that are never NULL. In pieces: SQLite takes 127 arguments at once, and its MIN of
    one is another function."""
    if not moments:
        return integer(NEVER)
    pieces: list[Expr] = [
        exp.Least(this=integer(NEVER), expressions=[m.copy() for m in moments[i : i + 100]])
        for i in range(0, len(moments), 100)
    ]
    return pieces[0] if len(pieces) == 1 else earliest(pieces)
