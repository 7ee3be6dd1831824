"""The rules as frozen nouns: what the files say once they are read and checked.

Values are already what they are compared with: text is folded, numbers are floats, dates and durations
are milliseconds, points are thousandths. Every node knows its place in the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from math import log2
from typing import Literal

from connector.diagnostics import Place
from connector.model import DAY

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


# -- conditions ---------------------------------------------------------------------------------------


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


# -- mappings/ ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """Our name for a property of the CRM. `object` is where it lives: a contact's field may be read off
    its company. `values` are the options of a choice that `provision` makes."""

    name: str
    property: str
    object: Literal["contacts", "companies", "deals"]
    type: FieldType
    place: Place
    optional: bool = False
    provision: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventSource:
    """An event of the CRM that makes a signal when `where` holds (its tests have scope `event`)."""

    events: tuple[str, ...]
    where: Condition | None
    reject_if: tuple[str, ...]  # names of reasons: REASONS, or `bot` for those of ours together
    place: Place


@dataclass(frozen=True, slots=True)
class SignalKind:
    name: str
    sources: tuple[EventSource, ...]
    place: Place


BOT = ("honeypot", "burst", "agent")  # what tells a robot, the surest first
REASONS = (*BOT, "crm_filtered")  # of several the first is kept; the last is the CRM's own bot flag
READING = ("email_open", "email_click")  # the events that robots make; an unsubscribe is always honoured


@dataclass(frozen=True, slots=True)
class Bots:
    """How robots give themselves away, per contact and e-mail. burst: so many different links clicked in a
    span of `within` ms; honeypot: a click on a link that no person sees (patterns); agent: what opened or
    clicked names itself (patterns)."""

    links: int = 3
    within: int = 10_000
    honeypot: tuple[str, ...] = ()
    agents: tuple[str, ...] = ("*bot/*", "*crawler*", "*spider*", "*barracuda*", "*mimecast*", "*proofpoint*")


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The CRM's own stage property, moved forward only. `stages`: our stage -> the CRM's value."""

    property: str
    stages: Mapping[str, str]
    place: Place
    places: Mapping[str, Place] = field(default_factory=dict)  # of the CRM's values, by our stage


@dataclass(frozen=True, slots=True)
class WriteBack:
    """Our words (score, stage, why, an axis id...) -> the CRM property that carries them."""

    fields: Mapping[str, str]
    lifecycle: Lifecycle | None
    places: Mapping[str, Place]  # by our word


@dataclass(frozen=True, slots=True)
class MappingRules:
    """All of mappings/. `signals` keep the order of the file: an event makes the first kind that fits."""

    timezone: str
    language: str
    fields: Mapping[str, Field]  # of a contact, by our name
    deal_fields: Mapping[str, Field]
    signals: Mapping[str, SignalKind]
    write_back: WriteBack
    key: str = ""  # the property that identifies a contact; "" is the CRM's own record id
    key_place: Place | None = None
    dated: frozenset[str] = frozenset()  # contact fields of which a method asks since when they stand
    bots: Bots = Bots()


# -- workflows/ ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decay:
    """100 % of the points for `after` ms, then each percentage of `to` for `every` ms, the last for good."""

    after: int
    to: tuple[int, ...]
    every: int

    def steps(self) -> tuple[tuple[int, int], ...]:
        """(age in ms from which it holds, percent), youngest first, starting with (0, 100)."""
        return ((0, 100), *((self.after + n * self.every, percent) for n, percent in enumerate(self.to)))


@dataclass(frozen=True, slots=True)
class HalfLife:
    """Half of the points after `half_life` ms, half of that after as long again; whole per cents, one step a
    day counted from the event, so that a score changes once a day and not every second."""

    half_life: int

    def steps(self) -> tuple[tuple[int, int], ...]:
        """As of Decay; days of the same per cent are one step, the last is 0."""
        found, day = [(0, 100)], 0
        while left := found[-1][1]:
            # less is left once half a per cent under it is passed: the days before that need no look
            halvings = log2(100 / (left - 0.5))
            day = max(day + 1, int(halvings * self.half_life / DAY) - 1)
            while self._percent(day) >= left:
                day += 1
            found.append((day * DAY, self._percent(day)))
        return tuple(found)

    def _percent(self, day: int) -> int:
        halvings = Decimal(day * DAY) / Decimal(self.half_life)
        return int((100 / Decimal(2) ** halvings).to_integral_value(ROUND_HALF_UP))


@dataclass(frozen=True, slots=True)
class PropertyRule:
    id: str
    label: Mapping[str, str]  # language -> text
    points: int  # thousandths
    when: Condition
    place: Place


@dataclass(frozen=True, slots=True)
class SignalRule:
    """Points per occurrence: those younger than `per`, newest first, one per `once_per`, `at_most`; all of
    them together give no more than `cap` (with negative points: take no more)."""

    id: str
    label: Mapping[str, str]
    points: int  # thousandths
    signal: str
    place: Place
    at_most: int | None = None
    per: int | None = None  # ms
    once_per: Literal["day", "email", "form"] | None = None
    decay: Decay | HalfLife | None = None  # its group's
    cap: int | None = None  # thousandths, not negative


Rule = PropertyRule | SignalRule


@dataclass(frozen=True, slots=True)
class Group:
    id: str
    rules: tuple[Rule, ...]
    place: Place
    cap: int | None = None  # thousandths


@dataclass(frozen=True, slots=True)
class Axis:
    id: str
    groups: tuple[Group, ...]
    place: Place
    floor: int | None = None  # thousandths
    ceiling: int | None = None


@dataclass(frozen=True, slots=True)
class Total:
    of: tuple[str, ...]
    place: Place
    floor: int | None = None  # thousandths


@dataclass(frozen=True, slots=True)
class AccountScore:
    """What a company's people have of an axis: the sum of the `top` highest, at most `cap`. Never all of
    them: that would reward headcount."""

    axis: str
    top: int
    place: Place
    cap: int | None = None  # thousandths


@dataclass(frozen=True, slots=True)
class Band:
    """Hottest first; the last has neither `enter` nor `leave`. Whole points."""

    name: str
    place: Place
    enter: int | None = None
    leave: int | None = None


@dataclass(frozen=True, slots=True)
class StageRule:
    id: str
    place: Place
    enter_when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Overrides:
    sales_wins: bool
    hold: int  # ms


@dataclass(frozen=True, slots=True)
class WorkflowRules:
    """All of workflows/."""

    name: str
    axes: tuple[Axis, ...]
    total: Total
    bands: tuple[Band, ...]
    stages: tuple[StageRule, ...]  # first to last
    overrides: Overrides
    accounts: tuple[AccountScore, ...] = ()
    methods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # method -> its fields

    def rules(self) -> tuple[Rule, ...]:
        """Every scoring rule in file order; a rule's number is its index here."""
        return tuple(rule for axis in self.axes for group in axis.groups for rule in group.rules)

    def stages_named(self) -> tuple[str, ...]:
        return tuple(stage.id for stage in self.stages)

    def stage_leaves(self) -> tuple[Leaf, ...]:
        """Every distinct leaf of the stages' criteria that the score query answers; its number is its
        index. `Reached` and `SalesSet` are not among them: they are answered from the standing."""
        found: dict[Leaf, None] = {}
        for stage in self.stages:
            if stage.enter_when is not None:
                found.update(
                    (x, None) for x in leaves(stage.enter_when) if not isinstance(x, Reached | SalesSet)
                )
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything the files say. `hash` changes when any of them does (12 hex digits)."""

    mapping: MappingRules
    workflow: WorkflowRules
    hash: str
    files: tuple[str, ...]
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the files' text, to show a place
