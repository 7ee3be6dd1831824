"""What the rules read: fields, deals, kinds of signals. Everything else can change without a new score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connector.rules.tree import (
    AnySignal,
    Condition,
    DealIs,
    Leaf,
    MethodMet,
    PropertyRule,
    Rules,
    SignalRule,
    Test,
    Without,
    leaves,
)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Our names of the fields that scoring and the stages' criteria read, and the kinds of signals.

    `contact` live on the contact, `company` are a contact's fields that live on its company, `deal` on
    its deals. `dated` are those of `contact` of which it matters since when they stand; `accounts`:
    whether a contact's score reads those of its company's other people.
    """

    contact: frozenset[str]
    company: frozenset[str]
    deal: frozenset[str]
    signals: frozenset[str]
    dated: frozenset[str] = frozenset()
    accounts: bool = False


def dependencies(rules: Rules) -> Dependencies:
    asked = [leaf for condition in conditions(rules) for leaf in leaves(condition)]
    fields = {t.name for t in asked if isinstance(t, Test) and t.scope == "contact"}
    methods = [leaf for leaf in asked if isinstance(leaf, MethodMet)]
    fields.update(name for method in methods for name in method.fields)
    on_company = {name for name in fields if rules.mapping.fields[name].object == "companies"}
    deal = {t.name for leaf in asked if isinstance(leaf, DealIs) for t in tests(leaf.item)}
    return Dependencies(
        contact=frozenset(fields - on_company),
        company=frozenset(on_company),
        deal=frozenset(deal),
        signals=frozenset(signal_kinds(rules)),
        dated=frozenset(name for method in methods if method.fresh for name in method.fields),
        accounts=bool(accounts(rules)),
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


def absences(rules: Rules) -> tuple[tuple[str, ...], ...]:
    """The distinct sets of kinds that a `without` asks for."""
    return tuple(dict.fromkeys(leaf.kinds for leaf in _leaves(rules) if isinstance(leaf, Without)))


def accounts(rules: Rules) -> tuple[str, ...]:
    """The axes of which some condition asks the account's."""
    asked = [leaf for leaf in _leaves(rules) if isinstance(leaf, Test) and leaf.scope == "account"]
    return tuple(dict.fromkeys(leaf.name for leaf in asked))


def deal_conditions(rules: Rules) -> tuple[Condition, ...]:
    """The distinct conditions that some one deal has to meet."""
    return tuple(dict.fromkeys(leaf.item for leaf in _leaves(rules) if isinstance(leaf, DealIs)))


def signal_kinds(rules: Rules) -> tuple[str, ...]:
    scored = [rule.signal for rule in rules.workflow.rules() if isinstance(rule, SignalRule)]
    asked = [kind for kinds in (*any_signals(rules), *absences(rules)) for kind in kinds]
    return tuple(dict.fromkeys(scored + asked))


def tests(condition: Condition) -> Iterator[Test]:
    """The comparisons of a condition, those on deals left out."""
    return (leaf for leaf in leaves(condition) if isinstance(leaf, Test))


def _leaves(rules: Rules) -> Iterator[Leaf]:
    return (leaf for condition in conditions(rules) for leaf in leaves(condition))
