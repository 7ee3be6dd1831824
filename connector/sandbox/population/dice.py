"""Chance that falls the same on every machine.

Only `Random.random` and `getrandbits` are used (the parts that Python promises to keep between versions), and
arithmetic that IEEE 754 fixes to the bit: no logarithm, no power, no bell curve of the C library.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


class Weights(Generic[T]):
    """Values to draw from, each as often as its weight says."""

    __slots__ = ("bounds", "values")

    def __init__(self, weights: dict[T, float]) -> None:
        self.values = tuple(weights)
        self.bounds = tuple(accumulate(weights.values()))


class Dice:
    """One stream of chance. Each subject has its own: a change in one leaves the others as they are."""

    __slots__ = ("_bits", "random")

    def __init__(self, seed: int, subject: str) -> None:
        stream = Random(f"{seed}/{subject}")
        self.random = stream.random
        self._bits = stream.getrandbits

    def chance(self, share: float) -> bool:
        return self.random() < share

    def below(self, end: int) -> int:
        """A whole number from 0 up to, not including, `end`."""
        return int(self.random() * end)

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.random() * (high - low + 1))

    def pick(self, values: Sequence[T]) -> T:
        return values[int(self.random() * len(values))]

    def draw(self, weights: Weights[T]) -> T:
        at = bisect_right(weights.bounds, self.random() * weights.bounds[-1])
        return weights.values[min(at, len(weights.values) - 1)]

    def count(self, mean: float) -> int:
        """A whole number around `mean`, never below 0, at most about twice as many."""
        return int((self.random() + self.random()) * mean + self.random())

    def uuid(self) -> str:
        text = self._bits(128).to_bytes(16, "big").hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
