"""Mapping -> which signal an event of the CRM makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from connector.rules.compile.bots import SPANS, inside, matching, span_ctes
from connector.rules.compile.comparison import compare, condition
from connector.rules.compile.expression import column, integer, text, when
from connector.rules.compile.lines import Ctes
from connector.rules.tree import BOT, REASONS, Bots, EventSource, Leaf, MappingRules, Test

if TYPE_CHECKING:
    from sqlglot.expressions import Expr


def kind_ctes(mapping: MappingRules) -> Ctes:
    """What `kind_query` reads where neighbours are asked: nothing if no source rejects by them."""
    asked = _spans(_sources(mapping), mapping.bots)
    email, url = _attribute("email", "engagement"), _attribute("url", "engagement")
    return span_ctes(mapping.bots, asked, email, url) if asked else []


def _sources(mapping: MappingRules) -> list[EventSource]:
    return [source for kind in mapping.signals.values() for source in kind.sources]


def _spans(sources: list[EventSource], bots: Bots) -> tuple[str, ...]:
    said = [name for name in SPANS if any(_rejects(source, name) for source in sources)]
    return tuple(name for name in said if name != "honeypot" or bots.honeypot)


def _rejects(source: EventSource, reason: str) -> bool:
    return reason in source.reject_if or (reason in BOT and "bot" in source.reject_if)


def kind_query(mapping: MappingRules, *, neighbours: bool = True) -> exp.Select:
    """`neighbours`: whether events are also rejected for what happened around them."""
    sources = [(kind.name, source) for kind in mapping.signals.values() for source in kind.sources]
    fits = [exp.If(this=_fits(source), true=integer(n)) for n, (_, source) in enumerate(sources)]
    made = exp.Case(ifs=fits, default=exp.null()) if fits else exp.null()
    names = ("id", "party", "contact_id", "at")
    inner = (
        exp.select(*(column(name, "engagement") for name in (*names, "attrs")), exp.alias_(made, "made"))
        .from_(exp.table_("engagement"))
        .where(_one_of([event for _, source in sources for event in source.events]))
    )
    form = exp.Coalesce(this=_attribute("form_id", "event"), expressions=[_attribute("form", "event")])
    return (
        exp.select(
            *(column(name, "event") for name in names),
            exp.alias_(_by_source({n: kind for n, (kind, _) in enumerate(sources)}), "kind"),
            exp.alias_(_attribute("email", "event"), "email"),
            exp.alias_(form, "form"),
            exp.alias_(_rejected(_sources(mapping), mapping.bots, neighbours), "rejected"),
        )
        .from_(inner.subquery("event"))
        .where(exp.Not(this=exp.Is(this=column("made", "event"), expression=exp.null())))
    )


def _one_of(events: list[str]) -> Expr:
    named = [text(event) for event in dict.fromkeys(events)]
    return exp.In(this=column("event", "engagement"), expressions=named) if named else exp.false()


def _fits(source: EventSource) -> Expr:
    event = _one_of(list(source.events))
    return event if source.where is None else exp.and_(event, exp.Paren(this=condition(source.where, _leaf)))


def _leaf(leaf: Leaf) -> Expr:
    if not isinstance(leaf, Test):
        raise ValueError(f"{leaf.place}: a condition on an event asks for the event's attributes alone")
    typed = _number(leaf.name) if leaf.type == "number" else None
    if leaf.type in ("text", "choice"):
        typed = _attribute(leaf.name, "engagement")
    return compare(leaf, typed or _value(leaf.name, "engagement"), column("at", "engagement"))


def _value(name: str, table: str) -> exp.JSONExtractScalar:
    path = exp.JSONPath(expressions=[exp.JSONPathRoot(), exp.JSONPathKey(this=name)])
    return exp.JSONExtractScalar(this=column("attrs", table), expression=path)


def _attribute(name: str, table: str) -> Expr:
    """As text; empty text is unknown."""
    return exp.Nullif(this=exp.cast(_value(name, table), "TEXT"), expression=text(""))


def _number(name: str) -> Expr:
    """Text in the place of a number is unknown: SQLite would call it greater than every number."""
    kind = exp.func("JSON_TYPE", column("attrs", "engagement"), text(f'$."{name}"'))
    numeric = exp.In(this=kind, expressions=[text("integer"), text("real")])
    return when(numeric, _value(name, "engagement"))


def _by_source(values: dict[int, str]) -> Expr:
    made = column("made", "event")
    ifs = [
        exp.If(this=exp.EQ(this=made.copy(), expression=integer(n)), true=text(value))
        for n, value in values.items()
    ]
    return exp.Case(ifs=ifs, default=exp.null()) if ifs else exp.null()


def _rejected(sources: list[EventSource], bots: Bots, neighbours: bool) -> Expr:
    """The first of the reasons that holds, of those that the source asks for."""
    yes = [text("1"), text("true")]  # what the engines make of a `true`
    flagged = exp.In(this=_attribute("crm_filtered", "event"), expressions=yes)
    holds: dict[str, Expr] = {"crm_filtered": flagged}
    if bots.agents:
        holds["agent"] = matching("agent", bots.agents, _attribute("agent", "event"))
    if neighbours:
        holds |= {name: inside(name, "event") for name in _spans(sources, bots)}
    ifs = []
    for reason in REASONS:
        careful = [integer(n) for n, source in enumerate(sources) if _rejects(source, reason)]
        if careful and reason in holds:
            asked = exp.In(this=column("made", "event"), expressions=careful)
            ifs.append(exp.If(this=exp.and_(asked, holds[reason]), true=text(reason)))
    return exp.Case(ifs=ifs, default=exp.null()) if ifs else exp.null()
