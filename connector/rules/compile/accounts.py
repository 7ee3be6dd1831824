"""What a company's people have together: the sum of the highest few on an axis, never of all.

Two selects: `member_query` scores the people (its `subject` holds them), `account_query` folds its rows, kept
in a table `member`, into one row per company; the score select reads those as the table `account`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from connector.rules.compile.comparison import compare_score
from connector.rules.compile.expression import column, integer, sure, when
from connector.rules.compile.inputs import accounts
from connector.rules.tree import AccountScore, Rules, Test, Total

if TYPE_CHECKING:
    from sqlglot.expressions import Expr


def member_rules(rules: Rules) -> Rules:
    """The axes alone that some account adds up: their select gives a_0, a_1... in the order of `accounts`."""
    by_id = {axis.id: axis for axis in rules.workflow.axes}
    axes = tuple(by_id[name] for name in accounts(rules))
    total = Total(tuple(axis.id for axis in axes), rules.workflow.total.place)
    alone = replace(rules.workflow, axes=axes, total=total, stages=(), recycle=(), disqualify=())
    return replace(rules, workflow=alone)


def account_query(rules: Rules) -> exp.Select:
    """company_id, a_<k> of the k-th of `accounts`, next_change_at, from member(company_id, a_<k>...,
    next_change_at)."""
    asked = [_account(rules, name) for name in accounts(rules)]
    ranked = exp.select(
        *(column(name) for name in ("company_id", "next_change_at")),
        *(column(f"a_{k}") for k in range(len(asked))),
        *(exp.alias_(_place(k), f"place_{k}") for k in range(len(asked))),
    ).from_(exp.table_("member"))
    return (
        exp.select(
            column("company_id"),
            *(exp.alias_(_capped(_highest(k, one.top), one.cap), f"a_{k}") for k, one in enumerate(asked)),
            exp.alias_(exp.Min(this=column("next_change_at")), "next_change_at"),
        )
        .from_(ranked.subquery("ranked"))
        .group_by(column("company_id"))
    )


def _account(rules: Rules, axis: str) -> AccountScore:
    return next(one for one in rules.workflow.accounts if one.axis == axis)


def _place(k: int) -> exp.Window:
    order = exp.Order(expressions=[exp.Ordered(this=column(f"a_{k}"), desc=True)])
    return exp.Window(this=exp.RowNumber(), partition_by=[column("company_id")], order=order)


def _highest(k: int, top: int) -> Expr:
    among = exp.LTE(this=column(f"place_{k}"), expression=integer(top))
    return exp.Sum(this=when(among, column(f"a_{k}"), integer(0)))


def _capped(points: Expr, cap: int | None) -> Expr:
    if cap is None:
        return points
    most = integer(cap * 100)
    return when(exp.GT(this=points.copy(), expression=most), most.copy(), points)


def of_account(rules: Rules, test: Test) -> Expr:
    """A comparison with the account's points; unknown, and so false, for a contact without a company."""
    name = f"a_{accounts(rules).index(test.name)}"
    points = column(name, "account")
    if test.op in ("known", "unknown"):
        unknown = exp.Is(this=points, expression=exp.null())
        return unknown if test.op == "unknown" else exp.Not(this=unknown)
    return sure(compare_score(test, points))
