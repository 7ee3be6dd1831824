"""Rules -> the one SELECT: a column per rule, sums, criteria, and when they next change by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from connector.model import POINT
from connector.rules.compile.accounts import of_account
from connector.rules.compile.comparison import boundaries, compare, compare_score, condition
from connector.rules.compile.evidence import (
    AS_OF,
    absent,
    absent_from,
    dealt,
    distinct,
    ever,
    evidence_moments,
    met,
)
from connector.rules.compile.expression import (
    NEVER,
    column,
    earliest,
    flag,
    integer,
    total,
    when,
    whole,
)
from connector.rules.compile.inputs import accounts, any_signals, conditions, deal_conditions
from connector.rules.compile.lines import Ctes, earned, line_ctes
from connector.rules.tree import (
    AnySignal,
    Axis,
    DealIs,
    Leaf,
    MethodMet,
    Rules,
    SignalRule,
    Test,
    Without,
    leaves,
)

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_ROW = ("contact_id", "as_of")


def score_ctes(rules: Rules) -> Ctes:
    return [
        *line_ctes(rules, ids=False),
        ("earned", earned(rules)),
        ("pivot", _pivot(rules)),
        ("ever", ever(rules)),
        ("dealt", dealt(rules)),
        ("part", _part(rules)),
        ("grouped", _grouped(rules)),
        ("axed", _axed(rules)),
        ("totalled", _totalled(rules)),
        ("rounded", _rounded()),
    ]


def score_query(rules: Rules) -> exp.Select:
    workflow, out = rules.workflow, [column(name) for name in _ROW]
    groups = sum(len(axis.groups) for axis in workflow.axes)
    out += [column(f"r_{i}") for i in range(len(workflow.rules()))]
    out += [column(f"n_{i}") for i in _signal_rules(rules)]
    out += [column(f"g_{i}") for i in range(groups)]
    out += [column(f"a_{i}") for i in range(len(workflow.axes))]
    out += [column("total"), column("points")]
    criteria = [
        exp.alias_(flag(_score_leaf(rules, leaf)) if _of_score(leaf) else column(f"c_{i}"), f"c_{i}")
        for i, leaf in enumerate(workflow.stage_leaves())
    ]
    return exp.select(*out, *criteria, column("next_change_at")).from_(exp.table_("rounded"))


# -- one row per contact out of many ---------------------------------------------------------------------


def _pivot(rules: Rules) -> exp.Select:
    def one(n: int, name: str) -> Expr:
        mine = exp.EQ(this=column("n"), expression=integer(n))
        return exp.Sum(this=when(mine, column(name), integer(0)))

    scored = [exp.alias_(one(n, "points"), f"r_{n}") for n in _signal_rules(rules)]
    scored += [exp.alias_(one(n, "counted"), f"n_{n}") for n in _signal_rules(rules)]
    until = exp.alias_(exp.Min(this=column("until")), "until")
    return (
        exp.select(column("contact_id"), *scored, until)
        .from_(exp.table_("earned"))
        .group_by(column("contact_id"))
    )


def _signal_rules(rules: Rules) -> list[int]:
    return [n for n, rule in enumerate(rules.workflow.rules()) if isinstance(rule, SignalRule)]


# -- one row per contact ---------------------------------------------------------------------------------


def _part(rules: Rules) -> exp.Select:
    """Every rule's points, every criterion that is no score's, the next change."""
    scored = [exp.alias_(_rule(rules, n), f"r_{n}") for n in range(len(rules.workflow.rules()))]
    scored += [exp.alias_(_or_none(column(f"n_{n}", "pivot")), f"n_{n}") for n in _signal_rules(rules)]
    criteria = [
        exp.alias_(flag(_leaf(rules, leaf)), f"c_{i}")
        for i, leaf in enumerate(rules.workflow.stage_leaves())
        if not _of_score(leaf)
    ]
    query = exp.select(*(column(name, "subject") for name in _ROW), *scored, *criteria, _next_change(rules))
    query = query.from_(exp.table_("subject"))
    mine = column("contact_id", "subject")
    for table in ("pivot", "ever", "dealt"):
        query = _left(query, table, column("contact_id", table), mine)
    query = _left(query, "contact", column("id", "contact"), mine)
    query = _left(query, "company", column("id", "company"), column("company_id", "contact"))
    if accounts(rules):
        query = _left(query, "account", column("company_id", "account"), column("company_id", "contact"))
    return query


def _left(query: exp.Select, table: str, key: Expr, value: Expr) -> exp.Select:
    return query.join(
        exp.table_(table), on=exp.EQ(this=key, expression=value.copy()), join_type="left", copy=False
    )


def _rule(rules: Rules, n: int) -> Expr:
    rule = rules.workflow.rules()[n]
    if isinstance(rule, SignalRule):
        most = None if rule.cap is None else rule.cap
        low, high = (None, most) if rule.points >= 0 else (None if most is None else -most, None)
        return _bounded(_or_none(column(f"r_{n}", "pivot")), low, high)
    holds = condition(rule.when, lambda leaf: _leaf(rules, leaf))
    return when(holds, integer(rule.points * 100), integer(0))


def _or_none(tree: Expr) -> Expr:
    return exp.Coalesce(this=tree, expressions=[integer(0)])


def _leaf(rules: Rules, leaf: Leaf) -> Expr:
    """A leaf that is answered from what is known of the contact."""
    match leaf:
        case Test(scope="contact"):
            return compare(leaf, _field(rules, leaf), column(*AS_OF))
        case Test(scope="account"):
            return of_account(rules, leaf)
        case AnySignal(kinds=kinds):
            return _yes(f"any_{any_signals(rules).index(kinds)}", "ever")
        case Without():
            return absent(rules, leaf)
        case MethodMet():
            return met(rules, leaf)
        case DealIs(item=item):
            return _yes(f"deal_{deal_conditions(rules).index(item)}", "dealt")
        case _:
            raise ValueError(f"{leaf.place}: a rule that makes the score cannot ask for this")


def _yes(name: str, table: str) -> Expr:
    known = exp.Coalesce(this=column(name, table), expressions=[integer(0)])
    return exp.EQ(this=known, expression=integer(1))


def _field(rules: Rules, test: Test) -> exp.Column:
    on_company = rules.mapping.fields[test.name].object == "companies"
    return column(f"f_{test.name}", "company" if on_company else "contact")


def _next_change(rules: Rules) -> Expr:
    asked = dict.fromkeys(leaf for condition in conditions(rules) for leaf in leaves(condition))
    dated = distinct(moment for leaf in asked for moment in _moments(rules, leaf))
    known = [("until", "pivot"), ("future", "ever"), ("until", "dealt")]
    known += [("next_change_at", "account")] if accounts(rules) else []
    moments = [exp.Coalesce(this=column(*one), expressions=[integer(NEVER)]) for one in known]
    first = exp.Nullif(this=earliest([*moments, *dated]), expression=integer(NEVER))
    return exp.alias_(first, "next_change_at")


def _moments(rules: Rules, leaf: Leaf) -> list[Expr]:
    """The moments after `as_of` at which the leaf's answer changes without new input, NEVER where none."""
    match leaf:
        case Test(scope="contact"):
            return boundaries(leaf, _field(rules, leaf), column(*AS_OF))
        case Without():
            return [absent_from(rules, leaf)]
        case MethodMet():
            return evidence_moments(leaf)
    return []


# -- sums ------------------------------------------------------------------------------------------------


def _grouped(rules: Rules) -> exp.Select:
    n = 0
    sums: list[Expr] = []
    for group in (group for axis in rules.workflow.axes for group in axis.groups):
        points = total([column(f"r_{n + i}") for i in range(len(group.rules))])
        sums.append(exp.alias_(_bounded(points, None, group.cap), f"g_{len(sums)}"))
        n += len(group.rules)
    return exp.select(exp.Star(), *sums).from_(exp.table_("part"))


def _axed(rules: Rules) -> exp.Select:
    n = 0
    sums: list[Expr] = []
    for axis in rules.workflow.axes:
        points = total([column(f"g_{n + i}") for i in range(len(axis.groups))])
        sums.append(exp.alias_(_bounded(points, axis.floor, axis.ceiling), f"a_{len(sums)}"))
        n += len(axis.groups)
    return exp.select(exp.Star(), *sums).from_(exp.table_("grouped"))


def _totalled(rules: Rules) -> exp.Select:
    of = [axis_column(rules.workflow.axes, axis_id) for axis_id in rules.workflow.total.of]
    points = _bounded(total(of), rules.workflow.total.floor, None)
    return exp.select(exp.Star(), exp.alias_(points, "total")).from_(exp.table_("axed"))


def _bounded(points: Expr, floor: int | None, ceiling: int | None) -> Expr:
    """`floor` and `ceiling` in thousandths of a point."""
    ifs = []
    if floor is not None:
        low = integer(floor * 100)
        ifs.append(exp.If(this=exp.LT(this=points.copy(), expression=low), true=low.copy()))
    if ceiling is not None:
        high = integer(ceiling * 100)
        ifs.append(exp.If(this=exp.GT(this=points.copy(), expression=high), true=high.copy()))
    return exp.Case(ifs=ifs, default=points) if ifs else points


def _rounded() -> exp.Select:
    """To whole points, half away from zero. Only non-negative numbers are divided: engines differ."""
    points, half = column("total"), integer(POINT // 2)
    up = exp.Paren(this=exp.Add(this=points.copy(), expression=half))
    down = exp.Paren(this=exp.Sub(this=half.copy(), expression=points.copy()))
    positive = exp.GTE(this=points, expression=integer(0))
    rounded = when(positive, whole(up, POINT), exp.Neg(this=whole(down, POINT)))
    return exp.select(exp.Star(), exp.alias_(rounded, "points")).from_(exp.table_("totalled"))


def _of_score(leaf: Leaf) -> bool:
    return isinstance(leaf, Test) and leaf.scope == "score"


def _score_leaf(rules: Rules, leaf: Leaf) -> Expr:
    """Decisions on the total are taken on the rounded points, those on an axis on its exact ones."""
    if not isinstance(leaf, Test):
        raise TypeError(leaf)
    if leaf.name == "total":
        return compare_score(leaf, column("points"), 1)
    return compare_score(leaf, axis_column(rules.workflow.axes, leaf.name))


def axis_column(axes: Sequence[Axis], axis_id: str) -> exp.Column:
    return column(f"a_{[axis.id for axis in axes].index(axis_id)}")
