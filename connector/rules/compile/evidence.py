"""What conditions ask beside a contact's fields: signals that came or did not, deals, evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from connector.rules.compile.comparison import boundaries, compare, condition
from connector.rules.compile.expression import (
    NEVER,
    column,
    earliest,
    every,
    flag,
    integer,
    text,
    total,
    when,
)
from connector.rules.compile.inputs import absences, any_signals, deal_conditions, signal_kinds, tests
from connector.rules.compile.lines import accepted
from connector.rules.tree import Leaf, MethodMet, Rules, Test, Without

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

AS_OF = ("as_of", "subject")


def distinct(trees: Iterable[Expr]) -> list[Expr]:
    """Each once: several rules often ask the same of the same field."""
    return list({tree.sql(): tree for tree in trees}.values())


def ever(rules: Rules) -> exp.Select:
    """Per contact: which `any_signal` hold, the last signal of each `without`, and the first signal that is
    dated in the future."""
    at, as_of = column("at", "signal"), column(*AS_OF)
    future = when(exp.GT(this=at.copy(), expression=as_of.copy()), at.copy())
    past = exp.LTE(this=at.copy(), expression=as_of)
    kinds = [text(kind) for kind in signal_kinds(rules)] or [text("")]
    return (
        exp.select(
            column("contact_id", "subject"),
            *(
                exp.alias_(exp.Max(this=flag(exp.and_(past.copy(), _of_kind(asked)))), f"any_{i}")
                for i, asked in enumerate(any_signals(rules))
            ),
            *(
                exp.alias_(exp.Max(this=when(exp.and_(past.copy(), _of_kind(asked)), at.copy())), f"last_{i}")
                for i, asked in enumerate(absences(rules))
            ),
            exp.alias_(exp.Min(this=future), "future"),
        )
        .from_(exp.table_("subject"))
        .join(exp.table_("signal"), join_type="cross")
        .where(exp.and_(*[*accepted(), exp.In(this=column("kind", "signal"), expressions=kinds)]))
        .group_by(column("contact_id", "subject"))
    )


def _of_kind(kinds: Sequence[str]) -> Expr:
    return exp.In(this=column("kind", "signal"), expressions=[text(kind) for kind in kinds] or [text("")])


def dealt(rules: Rules) -> exp.Select:
    """Per contact: which conditions some one deal of it meets, and when a deal may answer otherwise."""
    asked = deal_conditions(rules)
    met = [exp.Max(this=flag(condition(c, _deal_leaf))) for c in asked]
    found = [exp.alias_(tree, f"deal_{i}") for i, tree in enumerate(met)]
    moments = distinct(
        m for c in asked for t in tests(c) for m in boundaries(t, _deal_field(t), column(*AS_OF))
    )
    linked = [
        exp.EQ(this=column("contact_id", "deal_contact"), expression=column("contact_id", "subject")),
        exp.EQ(this=column("id", "deal"), expression=column("deal_id", "deal_contact")),
    ]
    return (
        exp.select(
            column("contact_id", "subject"),
            *found,
            exp.alias_(exp.Min(this=earliest(moments)), "until"),
        )
        .from_(exp.table_("subject"))
        .join(exp.table_("deal_contact"), join_type="cross")
        .join(exp.table_("deal"), join_type="cross")
        .where(exp.and_(*linked))
        .group_by(column("contact_id", "subject"))
    )


def _deal_field(test: Test) -> exp.Column:
    return column(f"f_{test.name}", "deal")


def _deal_leaf(leaf: Leaf) -> Expr:
    if not isinstance(leaf, Test):
        raise ValueError(f"{leaf.place}: a condition on a deal asks for the deal's fields alone")
    return compare(leaf, _deal_field(leaf), column(*AS_OF))


def absent(rules: Rules, leaf: Without) -> Expr:
    """A signal ends the absence until it is `lasting` old; one that never came ends none."""
    age = exp.Paren(this=exp.Sub(this=column(*AS_OF), expression=_last(rules, leaf)))
    long_ago = exp.GTE(this=age, expression=integer(leaf.lasting))
    return exp.Coalesce(this=long_ago, expressions=[exp.true()])


def absent_from(rules: Rules, leaf: Without) -> Expr:
    """The moment at which the absence begins; NEVER where it has, or nothing ever came."""
    return _later(_last(rules, leaf), leaf.lasting)


def _last(rules: Rules, leaf: Without) -> exp.Column:
    return column(f"last_{absences(rules).index(leaf.kinds)}", "ever")


def _later(moment: Expr, shift: int) -> Expr:
    moved = exp.Paren(this=exp.Add(this=moment, expression=integer(shift)))
    return when(exp.GT(this=moved, expression=column(*AS_OF)), moved.copy(), integer(NEVER))


def met(rules: Rules, leaf: MethodMet) -> Expr:
    """Whether enough of the method's criteria have evidence."""
    counted = total([flag(_evident(rules, name, leaf.fresh)) for name in leaf.fields])
    return exp.GTE(this=exp.Paren(this=counted), expression=integer(leaf.at_least))


def _evident(rules: Rules, name: str, fresh: int | None) -> Expr:
    value, since = column(f"f_{name}", "contact"), column(f"t_{name}", "contact")
    said: Expr = exp.Not(this=exp.Is(this=value, expression=exp.null()))
    if rules.mapping.fields[name].type == "bool":
        said = exp.EQ(this=value.copy(), expression=integer(1))
    if fresh is None:
        return exp.Coalesce(this=said, expressions=[exp.false()])
    age = exp.Paren(this=exp.Sub(this=column(*AS_OF), expression=since.copy()))
    recent = [exp.LTE(this=since, expression=column(*AS_OF)), exp.LT(this=age, expression=integer(fresh))]
    return exp.Coalesce(this=every([said, *recent]), expressions=[exp.false()])


def evidence_moments(leaf: MethodMet) -> list[Expr]:
    """When evidence begins to count, and when it is fresh no more."""
    if leaf.fresh is None:
        return []
    return [
        _later(column(f"t_{name}", "contact"), shift) for name in leaf.fields for shift in (0, leaf.fresh)
    ]
