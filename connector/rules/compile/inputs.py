"""What the rules read: fields, deals, kinds of signals. Everything else can change without a new score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connector.rules.tree import (
    AnySignal,
    Condition,
    DealIs,
    Leaf,
    PropertyRule,
    Rules,
    SignalRule,
    Test,
    leaves,
)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Our names of the fields that scoring and the stages' criteria read, and the kinds of signals.

    `contact` live on the contact, `company` are a contact's fields that live on its company, `deal` on
    its deals.
    """

    contact: frozenset[str]
    company: frozenset[str]
    deal: frozenset[str]
    signals: frozenset[str]


def dependencies(rules: Rules) -> Dependencies:
    asked = [leaf for condition in conditions(rules) for leaf in leaves(condition)]
    fields = {t.name for t in asked if isinstance(t, Test) and t.scope == "contact"}
    on_company = {name for name in fields if rules.mapping.fields[name].object == "companies"}
    deal = {t.name for leaf in asked if isinstance(leaf, DealIs) for t in tests(leaf.item)}
    return Dependencies(
        contact=frozenset(fields - on_company),
        company=frozenset(on_company),
        deal=frozenset(deal),
        signals=frozenset(signal_kinds(rules)),
    )


def conditions(rules: Rules) -> Iterator[Condition]:
    """Every condition that the score query answers: of the property rules, then of the stages."""
    for rule in rules.workflow.rules():
        if isinstance(rule, PropertyRule):
            yield rule.when
    yield from rules.workflow.stage_leaves()


def any_signals(rules: Rules) -> tuple[tuple[str, ...], ...]:
    """The distinct sets of kinds that an `any_signal` asks for."""
    return tuple(dict.fromkeys(leaf.kinds for leaf in _leaves(rules) if isinstance(leaf, AnySignal)))


def deal_conditions(rules: Rules) -> tuple[Condition, ...]:
    """The distinct conditions that some one deal has to meet."""
    return tuple(dict.fromkeys(leaf.item for leaf in _leaves(rules) if isinstance(leaf, DealIs)))


def signal_kinds(rules: Rules) -> tuple[str, ...]:
    scored = [rule.signal for rule in rules.workflow.rules() if isinstance(rule, SignalRule)]
    asked = [kind for kinds in any_signals(rules) for kind in kinds]
    return tuple(dict.fromkeys(scored + asked))


def tests(condition: Condition) -> Iterator[Test]:
    """The comparisons of a condition, those on deals left out."""
    return (leaf for leaf in leaves(condition) if isinstance(leaf, Test))


def _leaves(rules: Rules) -> Iterator[Leaf]:
    return (leaf for condition in conditions(rules) for leaf in leaves(condition))
