"""All of workflows/: the team's agreement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from connector.model import DAY
from connector.rules.tree.conditions import Condition, Leaf, Reached, SalesSet, leaves
from connector.rules.tree.points import AccountScore, Axis, Rule, Total
from connector.rules.tree.stages import (
    Band,
    Calendar,
    Disqualify,
    Notify,
    Overrides,
    Recycle,
    StageRule,
    Suppress,
)


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
    recycle: tuple[Recycle, ...] = ()
    disqualify: tuple[Disqualify, ...] = ()
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    notify: Mapping[str, Notify] = field(default_factory=dict)
    suppress: Mapping[str, Suppress] = field(default_factory=dict)
    alert_horizon: int = DAY  # ms; nobody is told of older transitions
    _leaves: tuple[Leaf, ...] = field(init=False, repr=False, compare=False)
    _numbers: Mapping[int, int] = field(init=False, repr=False, compare=False)  # by the identity of a leaf

    def __post_init__(self) -> None:
        """Leaves are looked up at every decision: comparing them by what they say would take longest."""
        asked = [leaf for condition in self.criteria() for leaf in leaves(condition)]
        numbers: dict[Leaf, int] = {}
        for leaf in asked:
            if not isinstance(leaf, Reached | SalesSet):
                numbers.setdefault(leaf, len(numbers))
        object.__setattr__(self, "_leaves", tuple(numbers))
        object.__setattr__(self, "_numbers", {id(leaf): numbers[leaf] for leaf in asked if leaf in numbers})

    def rules(self) -> tuple[Rule, ...]:
        """Every scoring rule in file order; a rule's number is its index here."""
        return tuple(rule for axis in self.axes for group in axis.groups for rule in group.rules)

    def stages_named(self) -> tuple[str, ...]:
        return tuple(stage.id for stage in self.stages)

    def stage_leaves(self) -> tuple[Leaf, ...]:
        """Every distinct leaf of the criteria that decide on stages, which the score query answers; its
        number is its index. `Reached` and `SalesSet` are not among them: they are answered from the
        standing."""
        return self._leaves

    def leaf_number(self, leaf: Leaf) -> int:
        """:param leaf: a leaf of these criteria"""
        found = self._numbers.get(id(leaf))
        return self._leaves.index(leaf) if found is None else found

    def criteria(self) -> Iterator[Condition]:
        """Every condition that decides where a contact stands."""
        for stage in self.stages:
            yield from (c for c in (stage.enter_when, stage.leave_when) if c is not None)
        yield from (rule.when for rule in self.recycle)
        yield from (rule.when for rule in self.disqualify)
