"""Mapping -> which signal an event of the CRM makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from connector.rules.compile.comparison import compare, condition
from connector.rules.compile.expression import column, integer, text, when
from connector.rules.tree import EventSource, Leaf, MappingRules, Test

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_FLAGGED = "crm_filtered"  # the CRM's own bot flag: an attribute, and the name of the reason


def kind_query(mapping: MappingRules) -> exp.Select:
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
            exp.alias_(_rejected([source for _, source in sources]), "rejected"),
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


def _rejected(sources: list[EventSource]) -> Expr:
    careful = [integer(n) for n, source in enumerate(sources) if _FLAGGED in source.reject_if]
    if not careful:
        return exp.null()
    flagged = exp.EQ(this=_value(_FLAGGED, "event"), expression=integer(1))
    return when(exp.and_(exp.In(this=column("made", "event"), expressions=careful), flagged), text(_FLAGGED))
