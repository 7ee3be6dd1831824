"""Record ids: 11 digits, one space per kind, growing with the time of creation."""

from __future__ import annotations

from connector.sandbox.population.dice import Dice


class Serial:
    """Ids for records that are made in the order of their creation; with gaps, as in a real account."""

    __slots__ = ("_dice", "_last")

    def __init__(self, first: int, dice: Dice) -> None:
        self._last = first
        self._dice = dice

    def next(self) -> int:
        self._last += 1 + self._dice.below(40)
        return self._last


class Dated:
    """Ids for records that are made out of order: two numbers for each millisecond from `start` on.

    The ids given are remembered (some 60 bytes each), so that none is given twice.
    """

    __slots__ = ("_given", "_start")

    def __init__(self, start: int) -> None:
        self._start = start
        self._given: set[int] = set()

    def at(self, created: int) -> int:
        number = 20_000_000_000 + 2 * (created - self._start)
        while number in self._given:
            number += 1
        self._given.add(number)
        return number
