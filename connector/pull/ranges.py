"""A list read in several places at once, where its cursor may be any record's id.

A range follows the CRM's own cursors from its start and ends when it has come to a row that the next range
has read: whether the row of the start itself is given or not, nothing between two ranges can be missed. Who
is done takes half of the longest rest. Ids that do not rise show that a cursor is no id after all: then the
first range, which began at the beginning, goes on alone to the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

LEAST = 400  # rows: a shorter rest is not divided, its reader is nearly done


class NoOrder(Exception):
    """The list does not go by ids, or its cursors are none."""


@dataclass(slots=True)
class Range:
    """`start`: the id that it was begun with; 0: the beginning. `after`: the next page's cursor. `first` and
    `last`: ids read so far. `ceiling`: from here to the next range there is nothing."""

    start: int
    after: str | None
    first: int | None = None
    last: int | None = None
    rows: int = 0
    ceiling: int | None = None
    ended: bool = False
    taken: bool = False

    def document(self) -> list[Any]:
        return [self.start, self.after, self.first, self.last, self.rows, self.ceiling, self.ended]


class Ranges:
    """`top`: about the highest id (None: the list has one reader); `total`: about how many rows there are."""

    def __init__(self, ranges: Sequence[Range], top: int | None, total: int = 0) -> None:
        self.all = list(ranges)
        self.top = top
        self.total = total

    @classmethod
    def of(cls, document: dict[str, Any]) -> Ranges:
        """As `document` said; an empty one is a list that was not begun."""
        found = [Range(*fields) for fields in document.get("ranges", ())]
        return cls(found or [Range(0, None)], document.get("top"), document.get("total", 0))

    def document(self) -> dict[str, Any]:
        return {"ranges": [one.document() for one in self.all], "top": self.top, "total": self.total}

    def divide(self, parts: int) -> None:
        """The beginning is read: the rest is begun in equal parts, as if ids were everywhere as close."""
        first = self.all[0]
        rest, step = self._rest(first)
        for part in range(1, parts):
            start = (first.last or 0) + int(rest * step * part / parts)
            if rest >= LEAST and start > self.all[-1].start and start < (self.top or 0):
                self.all.append(Range(start, str(start)))

    def take(self) -> Range | None:
        """A range that nobody reads, or half of the longest rest; None: there is nothing worth a reader."""
        found = next((one for one in self.all if not one.taken and not self.reached(one)), None)
        found = found or self._split()
        if found is not None:
            found.taken = True
        return found

    def reached(self, one: Range) -> bool:
        """Whether this range is read: to the end of the list, or to a row of the next one."""
        if one not in self.all or one.ended:
            return True
        after = self._next(one)
        seam = after.first if after else None
        return seam is not None and one.last is not None and one.last >= seam

    def note(self, one: Range, ids: Sequence[str], after: str | None) -> bool:
        """A page of this range was read. False: its rows are another range's.

        :raises NoOrder: the ids do not rise, or begin before the start
        """
        one.after, one.ended = after, after is None
        if not ids:
            return self._keep(one)
        if self.top is not None:
            if not all(id.isdecimal() for id in ids):
                raise NoOrder
            numbers = [int(id) for id in ids]
            floor = max(one.start, one.last or 0)
            if numbers[0] < floor or any(a >= b for a, b in pairwise(numbers)):
                raise NoOrder
            one.first = numbers[0] if one.first is None else one.first
            one.last = numbers[-1]
        one.rows += len(ids)
        return self._keep(one)

    def _keep(self, one: Range) -> bool:
        """A range in which there is nothing is none; the one before it learns where its rows end."""
        following = self._next(one)
        seam = following.first if following else None
        empty = one.ended if one.first is None else seam is not None and one.first >= seam
        if not empty or one is self.all[0]:
            return True
        before = self.all[self.all.index(one) - 1]
        before.ceiling = one.start
        if following is None:
            self.top = one.start
        self.all.remove(one)
        return one.first is None or following is None

    def alone(self) -> None:
        """The first range goes on to the end of the list by the CRM's own cursors."""
        first = self.all[0]
        first.ceiling = None
        self.all, self.top = [first], None

    def _next(self, one: Range) -> Range | None:
        place = self.all.index(one) + 1
        return self.all[place] if place < len(self.all) else None

    def _split(self) -> Range | None:
        rests = [(self._rest(one)[0], place) for place, one in enumerate(self.all)]
        most, place = max(rests)
        if most < LEAST:
            return None
        one = self.all[place]
        start = (one.last or one.start) + int(most * self._rest(one)[1] / 2)
        made = Range(start, str(start))
        self.all.insert(place + 1, made)
        return made

    def _rest(self, one: Range) -> tuple[float, float]:
        """About how many rows are left, and how many ids there are to a row: as it was in this range so far,
        and never more rows than are left of all. Nothing is known of a range that was not begun."""
        if self.top is None or self.reached(one) or one.last is None or one.first is None:
            return 0, 1
        following = self._next(one)
        high = following.start if following else self.top
        span = (high if one.ceiling is None else min(high, one.ceiling)) - one.last
        step = max(1.0, (one.last - one.first) / one.rows)
        return min(span / step, max(0, self.total - sum(each.rows for each in self.all))), step
