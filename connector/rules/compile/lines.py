"""From signals to lines: what each signal is worth to each rule, in one pass over the signals.

The rules are rows of a table (`rule`). Two hundred rules are two hundred rows more, not two hundred joins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from connector.rules.compile.decay import decays, lasts_until, percent
from connector.rules.compile.expression import NEVER, column, every, flag, integer, text, when
from connector.rules.tree import Rules, SignalRule

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

Ctes = list[tuple[str, "exp.Query | exp.Values"]]

_RULE = "rule(n, kind, per, decay, points, once_per, at_most)"
_CARRIED = ("per", "decay", "points", "at_most")


def line_ctes(rules: Rules, *, ids: bool) -> Ctes:
    """`line`: one row per contact, rule and signal that is in the rule's window.

    `ids`: with the signals' ids, the newest first and ties by id. Points need none of it: signals of the same
    moment are worth the same, whichever of them counts.
    """
    return [(_RULE, _rules(rules)), ("hit", _hit(ids)), ("turn", _turn(ids)), ("line", _line(ids))]


def _rules(rules: Rules) -> exp.Values:
    numbers = {decay: n for n, decay in enumerate(decays(rules))}
    rows = [
        exp.Tuple(
            expressions=[
                integer(n),
                exp.cast(text(rule.signal), "TEXT"),  # a typed column, else SQLite makes no index of it
                integer(NEVER if rule.per is None else rule.per),
                integer(numbers[rule.decay]),
                integer(rule.points),
                text(rule.once_per or ""),
                integer(NEVER if rule.at_most is None else rule.at_most),
            ]
        )
        for n, rule in enumerate(rules.workflow.rules())
        if isinstance(rule, SignalRule)
    ]
    none = [integer(-1), text(""), integer(0), integer(0), integer(0), text(""), integer(0)]
    return exp.Values(expressions=rows or [exp.Tuple(expressions=none)])


def accepted() -> list[Expr]:
    """What makes a signal of a subject one that may count: not rejected, since the journey began."""
    since = exp.Coalesce(this=column("epoch_at", "subject"), expressions=[integer(-NEVER)])
    return [
        exp.EQ(this=column("contact_id", "signal"), expression=column("contact_id", "subject")),
        exp.Is(this=column("rejected", "signal"), expression=exp.null()),
        exp.GT(this=column("at", "signal"), expression=since),
    ]


def _hit(ids: bool) -> exp.Select:
    at = column("at", "signal")
    age = exp.Paren(this=exp.Sub(this=column("as_of", "subject"), expression=at.copy()))
    in_window = [
        exp.EQ(this=column("kind", "rule"), expression=column("kind", "signal")),
        exp.LTE(this=at.copy(), expression=column("as_of", "subject")),
        exp.LT(this=age.copy(), expression=column("per", "rule")),
    ]
    named = [column("kind", "signal"), column("id", "signal")] if ids else []
    return (
        exp.select(
            column("contact_id", "subject"),
            *named,
            at,
            exp.alias_(age, "age"),
            column("n", "rule"),
            *(column(name, "rule") for name in _CARRIED),
            exp.alias_(_key(), "key"),
        )
        # the order matters to SQLite: from the few subjects by index to their signals, then to the rules
        .from_(exp.table_("subject"))
        .join(exp.table_("signal"), join_type="cross")
        .join(exp.table_("rule"), join_type="cross")
        .where(exp.and_(*accepted(), *in_window))
    )


def _key() -> Expr:
    once = column("once_per", "rule")
    keys = {
        "day": exp.cast(column("day", "signal"), "TEXT"),
        "email": column("email", "signal"),
        "form": column("form", "signal"),
    }
    ifs = [exp.If(this=exp.EQ(this=once.copy(), expression=text(k)), true=v) for k, v in keys.items()]
    return exp.Case(ifs=ifs, default=exp.null())


def _newest_first(ids: bool) -> exp.Order:
    plain = [exp.Ordered(this=column("id"), desc=False, nulls_first=True)] if ids else []
    return exp.Order(expressions=[exp.Ordered(this=column("at"), desc=True), *plain])


def _turn(ids: bool) -> exp.Select:
    """`turn` 1 is the newest of its key; a signal without a key is a key of its own."""
    ranked = exp.Window(
        this=exp.RowNumber(),
        partition_by=[column("contact_id"), column("n"), column("key")],
        order=_newest_first(ids),
    )
    alone = exp.Is(this=column("key"), expression=exp.null())
    turn = exp.alias_(when(alone, integer(1), ranked), "turn")
    return exp.select(*_columns(ids), turn).from_(exp.table_("hit"))


def _columns(ids: bool) -> list[Expr]:
    named = ("kind", "id") if ids else ()
    return [column(name) for name in ("contact_id", *named, "at", "age", "n", *_CARRIED)]


def _line(ids: bool) -> exp.Select:
    """`nth` numbers the newest of each key, newest first; those beyond `at_most` do not count."""
    first = exp.EQ(this=column("turn"), expression=integer(1))
    nth = exp.Window(
        this=exp.Sum(this=flag(first)),
        partition_by=[column("contact_id"), column("n")],
        order=_newest_first(ids),
        spec=exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW"),
    )
    return exp.select(*_columns(ids), column("turn"), exp.alias_(nth, "nth")).from_(exp.table_("turn"))


def counts() -> Expr:
    """Whether a row of `line` brings its points."""
    return every(
        [
            exp.EQ(this=column("turn"), expression=integer(1)),
            exp.LTE(this=column("nth"), expression=column("at_most")),
        ]
    )


def worth(rules: Rules) -> Expr:
    """The points of a row of `line`: thousandths by hundredths, no remainder is ever lost."""
    return exp.Mul(this=column("points"), expression=exp.Paren(this=percent(rules)))


def earned(rules: Rules) -> exp.Select:
    """Per contact and rule: how many count, their points, and when the first of them is worth something else
    or leaves the rule's window (NEVER: never)."""
    ends = exp.Least(this=lasts_until(rules), expressions=[column("per")])
    counted = (
        exp.select(
            *(column(name) for name in ("contact_id", "n", "at")),
            exp.alias_(worth(rules), "points"),
            exp.alias_(ends, "ends"),
        )
        .from_(exp.table_("line"))
        .where(counts())
    )
    forever = exp.EQ(this=column("ends"), expression=integer(NEVER))
    until = when(forever, integer(NEVER), exp.Add(this=column("at"), expression=column("ends")))
    return (
        exp.select(
            column("contact_id"),
            column("n"),
            exp.alias_(exp.Sum(this=column("points")), "points"),
            exp.alias_(exp.Count(this=exp.Star()), "counted"),
            exp.alias_(exp.Min(this=until), "until"),
        )
        .from_(counted.subquery("counted"))
        .group_by(column("contact_id"), column("n"))
    )


def points_query(rules: Rules) -> exp.Select:
    late = exp.GT(this=column("turn"), expression=integer(1))
    over = exp.GT(this=column("nth"), expression=column("at_most"))
    why_not = exp.Case(
        ifs=[exp.If(this=late, true=text("once_per")), exp.If(this=over, true=text("at_most"))],
        default=exp.null(),
    )
    query = exp.select(
        column("contact_id"),
        exp.alias_(column("n"), "rule"),
        column("id"),
        column("kind"),
        column("at"),
        exp.alias_(flag(counts()), "counted"),
        exp.alias_(why_not, "why_not"),
        exp.alias_(when(counts(), column("nth")), "nth"),
        exp.alias_(percent(rules), "percent"),
        exp.alias_(when(counts(), worth(rules), integer(0)), "points"),
    ).from_(exp.table_("line"))
    order = [exp.Ordered(this=column(name), desc=False, nulls_first=True) for name in ("contact_id", "n")]
    return query.order_by(*order, *_newest_first(ids=True).expressions)
