"""Rules -> SQL: one SELECT that scores, one that explains, one that says which signal an event makes.

The trees are sqlglot's and print in any engine's dialect. They read these tables, a row of `subject` per
contact to score (fill it with the few that changed, or with everybody):

    subject       contact_id (unique), as_of, epoch_at or NULL
    contact       id, company_id, f_<field>...      company, deal    id, f_<field>...
                  t_<field> since when it stands    account          company_id, a_<n>, next_change_at
    deal_contact  deal_id, contact_id               signal           contact_id, kind, at, id, day, email,
                                                                     form, rejected or NULL
    engagement    id, party, event, at, contact_id, attrs (JSON)     (`kind_select` alone)

Text in `f_` columns and attributes is folded, holds no NUL, and is NULL where unknown; numbers are doubles,
booleans 0 or 1, dates and datetimes milliseconds, as are all moments.

Points are integers in hundred-thousandths of a point (`model.POINT` of them are one): the files say
thousandths, a decay hundredths of those, so every line and every sum is exact and an explanation adds up to
the last digit. Only `points` is whole points, rounded once.
"""

from __future__ import annotations

from sqlglot import exp

from connector.rules.compile.accounts import account_query, member_rules
from connector.rules.compile.event import kind_ctes, kind_query
from connector.rules.compile.inputs import Dependencies, dependencies
from connector.rules.compile.lines import Ctes, line_ctes, points_query
from connector.rules.compile.score import score_ctes, score_query
from connector.rules.tree import MappingRules, Rules

__all__ = [
    "Dependencies",
    "account_select",
    "dependencies",
    "kind_select",
    "member_select",
    "points_select",
    "score_select",
]

# used several times over: computed once. SQLite would copy their expressions into every use
_MATERIALIZED = ("part", "totalled", "mail")


def score_select(rules: Rules, dialect: str = "sqlite") -> str:
    """One row per subject:

    contact_id, as_of; r_<i> the points of rule i of `workflow.rules()` after window, once_per, at_most and
    decay; n_<i> how many signals count under a signal rule; g_<n> of the groups in file order, capped;
    a_<n> of the axes, within floor and ceiling; total of the axes, not below its floor (r, g, a and total in
    units of 1 / POINT); points, the total in whole points, half away from zero; c_<n> 1 or 0 for leaf n of
    `workflow.stage_leaves()`; next_change_at, the earliest moment after as_of at which any of this may
    change without new input, NULL if none.

    Raises ValueError for a tree that the loader lets nobody write (a scoring rule that asks for the score, a
    number that is none).
    """
    return _printed(score_ctes(rules), score_query(rules), dialect)


def member_select(rules: Rules, dialect: str = "sqlite") -> str:
    """The people of companies, who are the subjects: their points on the axes that accounts add up, one row
    each as of `score_select`, of which a_<n> (in the order of `accounts`) and next_change_at matter."""
    return score_select(member_rules(rules), dialect)


def account_select(rules: Rules, dialect: str = "sqlite") -> str:
    """One row per company of member(company_id, a_<n>, next_change_at): what `score_select` reads as the
    table `account`. Only rules whose `dependencies` say `accounts` read it."""
    return account_query(rules).sql(dialect=dialect, identify=True)


def points_select(rules: Rules, dialect: str = "sqlite") -> str:
    """The lines behind r_<i>, from the same tree: one row per subject, signal rule and signal in the rule's
    window, ordered by contact, rule, newest first:

    contact_id, rule (its index), id, kind, at of the signal; counted 1 or 0; why_not `once_per` or `at_most`;
    nth among those that count, 1 the newest; percent left by decay; points (1 / POINT), 0 where not counted.
    The points of a contact's rule i sum to its r_<i>.
    """
    return _printed(line_ctes(rules, ids=True), points_query(rules), dialect)


def kind_select(mapping: MappingRules, dialect: str = "sqlite", *, neighbours: bool = True) -> str:
    """One row per event of `engagement` that makes a signal: id, party, contact_id, at, kind, email, form,
    rejected (one of `tree.REASONS`, or NULL).

    Whether a robot opened or clicked is told by all that its contact opened and clicked: `engagement` must
    hold it. Without `neighbours` each event is judged by itself alone, which is final for all other events;
    if no rule asks for neighbours, it is the same text.

    To derive a part of them put a table expression of that name in front: `WITH engagement AS (SELECT * FROM
    main.engagement WHERE ...) SELECT ... FROM (<this>)`. Conditions on the columns above may also stand
    outside; SQLite carries them in.
    """
    ctes = kind_ctes(mapping) if neighbours else []
    return _printed(ctes, kind_query(mapping, neighbours=neighbours), dialect)


def _printed(ctes: Ctes, query: exp.Select, dialect: str) -> str:
    for name, body in ctes:
        # Spark has no such hint, and the others keep what is computed once by themselves
        once = name in _MATERIALIZED if dialect == "sqlite" else None
        query = query.with_(name, as_=body, materialized=once or None, copy=False)
    return query.sql(dialect=dialect, identify=True)
