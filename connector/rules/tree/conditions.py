"""Conditions: what a rule asks, as a tree of comparisons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from connector.diagnostics import Place

FieldType = Literal["text", "number", "bool", "date", "datetime", "choice"]
Op = Literal[
    "is",
    "in",
    "matches",
    "between",
    "at_least",
    "above",
    "below",
    "within",
    "within_next",
    "known",
    "unknown",
]
Scope = Literal["contact", "deal", "event", "score", "account"]
Value = str | float | bool | int


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison. `scope` says of what: a contact field (our name), a deal field, an attribute of an
    event, the score (`total` or an axis id), or the account's (an axis id). `values` by operator:

    is: one; in, matches: one or more; between: low, high (both inclusive); at_least, above, below: one;
    within, within_next: one duration in ms; known, unknown: none. Any comparison with an unknown is false.
    """

    scope: Scope
    name: str
    type: FieldType
    op: Op
    values: tuple[Value, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class AnySignal:
    """At least one accepted signal of one of these kinds, since the journey began."""

    kinds: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Without:
    """No accepted signal of any of these kinds in the last `lasting` ms, or never since the journey began."""

    kinds: tuple[str, ...]
    lasting: int
    place: Place


@dataclass(frozen=True, slots=True)
class MethodMet:
    """At least so many of a method's criteria have evidence: the field is known and not false. With `fresh`
    (ms) only evidence that was set less than so long ago counts."""

    method: str
    fields: tuple[str, ...]  # contact fields, as the method lists them
    at_least: int
    fresh: int | None
    place: Place


@dataclass(frozen=True, slots=True)
class Reached:
    """The contact has reached this stage in its journey."""

    stage: str
    place: Place


@dataclass(frozen=True, slots=True)
class SalesSet:
    """A person set this stage (or a later one) in the CRM."""

    stage: str
    place: Place


@dataclass(frozen=True, slots=True)
class DealIs:
    """Some one deal of the contact meets all of it; the tests inside have scope `deal`."""

    item: Condition
    place: Place


@dataclass(frozen=True, slots=True)
class All:
    items: tuple[Condition, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class AnyOf:
    items: tuple[Condition, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Not:
    item: Condition
    place: Place


Leaf = Test | AnySignal | Without | MethodMet | Reached | SalesSet | DealIs
Condition = Leaf | All | AnyOf | Not


def leaves(condition: Condition) -> Iterator[Leaf]:
    """The leaves, left to right. What a DealIs holds inside is part of that one leaf."""
    match condition:
        case All(items=items) | AnyOf(items=items):
            for item in items:
                yield from leaves(item)
        case Not(item=item):
            yield from leaves(item)
        case _:
            yield condition
