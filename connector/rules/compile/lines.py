"""From signals to lines: what each signal is worth to each rule, in one pass over the signals.

The rules are rows of a table (`age`): one per rule and span of ages with the points that a signal of that
age brings. Two hundred rules are two hundred rows more, not two hundred joins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from connector.rules.compile.expression import NEVER, column, every, flag, integer, text, when
from connector.rules.tree import Rule, Rules, SignalRule

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

Ctes = list[tuple[str, "exp.Query | exp.Values"]]

_AGE = "age(n, kind, since, until, percent, points, once_per, at_most)"


def line_ctes(rules: Rules) -> Ctes:
    """`line`: one row per contact, rule and signal that is in the rule's window."""
    return [(_AGE, _ages(rules.workflow.rules())), ("hit", _hit()), ("turn", _turn()), ("line", _line())]


def spans(rule: SignalRule) -> list[tuple[int, int | None, int]]:
    """(age from which, age until which or None, percent), youngest first, cut at the rule's window."""
    steps = rule.decay.steps() if rule.decay else ((0, 100),)
    found: list[tuple[int, int | None, int]] = []
    for (since, percent), (until, _) in zip(steps, [*steps[1:], (None, 0)], strict=True):
        if rule.per is not None:
            until = rule.per if until is None else min(until, rule.per)
        if until is not None and until <= since:
            continue
        if found and found[-1][2] == percent:
            since = found.pop()[0]  # nothing changes between the two
        found.append((since, until, percent))
    return found


def _ages(rules: tuple[Rule, ...]) -> exp.Values:
    rows = [
        exp.Tuple(
            expressions=[
                integer(n),
                exp.cast(text(rule.signal), "TEXT"),  # a typed column, else SQLite makes no index of it
                integer(since),
                exp.null() if until is None else integer(until),
                integer(percent),
                integer(rule.points * percent),  # thousandths by hundredths: no remainder is ever lost
                text(rule.once_per or ""),
                integer(NEVER if rule.at_most is None else rule.at_most),
            ]
        )
        for n, rule in enumerate(rules)
        if isinstance(rule, SignalRule)
        for since, until, percent in spans(rule)
    ]
    return exp.Values(expressions=rows or [_no_rule()])


def _no_rule() -> exp.Tuple:
    none = [integer(-1), text(""), integer(0), integer(0), integer(0), integer(0), text(""), integer(0)]
    return exp.Tuple(expressions=none)


def accepted() -> list[Expr]:
    """What makes a signal of a subject one that may count: not rejected, since the journey began."""
    since = exp.Coalesce(this=column("epoch_at", "subject"), expressions=[integer(-NEVER)])
    return [
        exp.EQ(this=column("contact_id", "signal"), expression=column("contact_id", "subject")),
        exp.Is(this=column("rejected", "signal"), expression=exp.null()),
        exp.GT(this=column("at", "signal"), expression=since),
    ]


def _hit() -> exp.Select:
    at, until = column("at", "signal"), column("until", "age")
    age = exp.Paren(this=exp.Sub(this=column("as_of", "subject"), expression=at.copy()))
    in_span = [
        exp.EQ(this=column("kind", "age"), expression=column("kind", "signal")),
        exp.LTE(this=at.copy(), expression=column("as_of", "subject")),
        exp.GTE(this=age.copy(), expression=column("since", "age")),
        exp.Or(
            this=exp.Is(this=until.copy(), expression=exp.null()),
            expression=exp.LT(this=age.copy(), expression=until.copy()),
        ),
    ]
    return (
        exp.select(
            column("contact_id", "subject"),
            column("kind", "signal"),
            at,
            column("id", "signal"),
            *(column(name, "age") for name in ("n", "percent", "points", "at_most")),
            exp.alias_(exp.Add(this=at.copy(), expression=until), "until"),
            exp.alias_(_key(), "key"),
        )
        # the order matters to SQLite: from the few subjects by index to their signals, then to the rules
        .from_(exp.table_("subject"))
        .join(exp.table_("signal"), join_type="cross")
        .join(exp.table_("age"), join_type="cross")
        .where(exp.and_(*accepted(), *in_span))
    )


def _key() -> Expr:
    once = column("once_per", "age")
    keys = {
        "day": exp.cast(column("day", "signal"), "TEXT"),
        "email": column("email", "signal"),
        "form": column("form", "signal"),
    }
    ifs = [exp.If(this=exp.EQ(this=once.copy(), expression=text(k)), true=v) for k, v in keys.items()]
    return exp.Case(ifs=ifs, default=exp.null())


def _newest_first() -> exp.Order:
    plain = exp.Ordered(this=column("id"), desc=False, nulls_first=True)
    return exp.Order(expressions=[exp.Ordered(this=column("at"), desc=True), plain])


def _turn() -> exp.Select:
    """`turn` 1 is the newest of its key; a signal without a key is a key of its own."""
    alone = exp.Is(this=column("key"), expression=exp.null())
    own = [when(alone.copy(), column("at")), when(alone.copy(), column("id"))]
    ranked = exp.Window(
        this=exp.RowNumber(),
        partition_by=[column("contact_id"), column("n"), column("key"), *own],
        order=_newest_first(),
    )
    names = ("contact_id", "kind", "at", "id", "n", "percent", "points", "at_most", "until")
    return exp.select(*(column(name) for name in names), exp.alias_(ranked, "turn")).from_(exp.table_("hit"))


def _line() -> exp.Select:
    """`nth` numbers the newest of each key, newest first; those beyond `at_most` do not count."""
    first = exp.EQ(this=column("turn"), expression=integer(1))
    nth = exp.Window(
        this=exp.Sum(this=flag(first)),
        partition_by=[column("contact_id"), column("n")],
        order=_newest_first(),
        spec=exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW"),
    )
    names = ("contact_id", "kind", "at", "id", "n", "percent", "points", "at_most", "until", "turn")
    return exp.select(*(column(name) for name in names), exp.alias_(nth, "nth")).from_(exp.table_("turn"))


def counts() -> Expr:
    """Whether a row of `line` brings its points."""
    return every(
        [
            exp.EQ(this=column("turn"), expression=integer(1)),
            exp.LTE(this=column("nth"), expression=column("at_most")),
        ]
    )


def points_query() -> exp.Select:
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
        column("percent"),
        exp.alias_(when(counts(), column("points"), integer(0)), "points"),
    ).from_(exp.table_("line"))
    order = [exp.Ordered(this=column(name), desc=False, nulls_first=True) for name in ("contact_id", "n")]
    return query.order_by(*order, *_newest_first().expressions)
