"""Which opens and clicks of e-mails a robot made, as far as their neighbours tell: bursts and honeypots.

Both are spans of time of one contact and one e-mail, and whatever was opened or clicked in one is rejected.
No event is compared with each of the others: spans are counted as they open and close, in one pass by time,
so that a gateway with thousands of clicks costs no more than as many people.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlglot import exp, parse_one

from connector.diagnostics import Place
from connector.rules.compile.comparison import compare
from connector.rules.compile.expression import column, integer
from connector.rules.compile.lines import Ctes
from connector.rules.tree import Bots, Test

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

SPANS = ("burst", "honeypot")  # each a table of (id, party) among the queries below

# an open or click of which the e-mail is unknown stands alone
_MAIL = """
    SELECT id, party, contact_id, at, COALESCE(:email, '?' || id) AS email,
        CASE WHEN event = 'email_click' THEN :url END AS url
    FROM engagement WHERE event IN ('email_open', 'email_click') AND NOT contact_id IS NULL"""

# A window of `within` that begins at s holds a click at t if t - within <= s <= t. These s, of one link, are
# one interval as long as its clicks are no further apart; where `links` intervals overlap is a burst.
_CLICK = """
    SELECT contact_id, email, at,
        LAG(at) OVER (PARTITION BY contact_id, email, url ORDER BY at) AS earlier,
        LEAD(at) OVER (PARTITION BY contact_id, email, url ORDER BY at) AS later
    FROM mail WHERE NOT url IS NULL"""
_EDGE = """
    SELECT contact_id, email, moment, SUM(step) AS step FROM (
        SELECT contact_id, email, at - :within AS moment, 1 AS step FROM click
        WHERE earlier IS NULL OR at - earlier > :within
        UNION ALL
        SELECT contact_id, email, at + 1 AS moment, -1 AS step FROM click
        WHERE later IS NULL OR later - at > :within
    ) AS step GROUP BY contact_id, email, moment"""
_LEVEL = """
    SELECT contact_id, email, moment,
        SUM(step) OVER (PARTITION BY contact_id, email ORDER BY moment) AS links,
        LEAD(moment) OVER (PARTITION BY contact_id, email ORDER BY moment) AS following
    FROM edge"""
_BURST_SPAN = """
    SELECT contact_id, email, moment AS since, following - 1 + :within AS until FROM level
    WHERE links >= :links"""
_HONEYPOT_SPAN = """
    SELECT contact_id, email, at - :within AS since, at + :within AS until FROM mail WHERE :baited"""

# the spans that began before an event or with it: does one of them reach it?
_INSIDE = """
    SELECT id, party FROM (
        SELECT id, party, at, MAX(until) OVER (PARTITION BY contact_id, email ORDER BY at) AS until FROM (
            SELECT contact_id, email, since AS at, until, NULL AS id, NULL AS party FROM {span}
            UNION ALL
            SELECT contact_id, email, at, NULL AS until, id, party FROM mail
            WHERE (contact_id, email) IN (SELECT contact_id, email FROM {span})
        ) AS moment
    ) AS reached WHERE NOT id IS NULL AND until >= at"""


def span_ctes(bots: Bots, asked: tuple[str, ...], email: Expr, url: Expr) -> Ctes:
    """The queries that `asked` (of SPANS) need, by name. `email`, `url`: of an event, as text."""
    found: Ctes = [("mail", _tree(_MAIL, email=email, url=url))]
    within = integer(bots.within)
    if "burst" in asked:
        found += [("click", _tree(_CLICK)), ("edge", _tree(_EDGE, within=within)), ("level", _tree(_LEVEL))]
        found.append(("burst_span", _tree(_BURST_SPAN, within=within, links=integer(bots.links))))
    if "honeypot" in asked:
        baited = matching("url", bots.honeypot, column("url"))
        found.append(("honeypot_span", _tree(_HONEYPOT_SPAN, within=within, baited=baited)))
    return [*found, *((name, _tree(_INSIDE.format(span=f"{name}_span"))) for name in asked)]


def inside(name: str, table: str) -> Expr:
    """Whether an event lies in such a span."""
    key = exp.Tuple(expressions=[column("id", table), column("party", table)])
    rows = exp.select(column("id"), column("party")).from_(exp.table_(name))
    return exp.In(this=key, query=rows.subquery())


def matching(name: str, patterns: tuple[str, ...], value: Expr) -> Expr:
    """As `matches` in a condition."""
    return compare(Test("event", name, "text", "matches", patterns, Place("", 0)), value, exp.null())


def _tree(sql: str, **values: Expr) -> exp.Query:
    """The query with values in their places: they are trees, so no text of theirs is ever read as SQL."""
    tree = exp.replace_placeholders(_parsed(sql).copy(), **values)
    assert isinstance(tree, exp.Query)
    return tree


@cache
def _parsed(sql: str) -> Expr:
    return parse_one(sql, dialect="sqlite")
