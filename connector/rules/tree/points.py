"""What earns points: rules in groups on axes, and how points fade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from math import log2
from typing import Literal

from connector.diagnostics import Place
from connector.model import DAY
from connector.rules.tree.conditions import Condition


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
