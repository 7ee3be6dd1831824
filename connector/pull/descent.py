"""The other end of a list that has one cursor: ids from the highest down, by the search index.

Searches have a limit of their own, and each gives twice as many ids as a page of the list. What the index
does not show (yet) is not lost by it: what was made in the last hours is in the windows by time, and the
list is walked to its end in the pulls that follow (`load`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from math import ceil

from connector.hubspot import objects
from connector.hubspot.transport import together
from connector.pull.pulling import Pulling

_AT_ONCE = 5  # searches: a thousand ids, whose associations are one request


class Descent:
    """`claimed`: every id from here up is stored or on its way; `floor`: is stored. `over`: no more is asked
    for, because both ends have met or because the index does not go by ids (`gave_up`: nothing is claimed
    then). `below`: how many rows the index has under what is claimed."""

    def __init__(self, p: Pulling, object_type: str, floor: int | None) -> None:
        self.p = p
        self.object_type = object_type
        self.floor = self.claimed = floor
        self.over = self.gave_up = False
        self.below: int | None = None
        self.first: objects.Highest | None = None  # what was asked for before anything was claimed

    def give_up(self) -> None:
        self.floor = self.claimed = None
        self.over = self.gave_up = True

    async def pages(self, listed: Callable[[], int]) -> AsyncIterator[list[str]]:
        """Ids, some searches at once: each leaves out the rows of those before it. The nearer the other end,
        which has `listed` so many rows, the fewer: both shall come to the same row at the same time."""
        left = 0  # rows that there should be at least
        many = 2
        while not self.over and many:
            below = None if self.claimed is None else str(self.claimed)
            found = [self.first] if self.first else await self._search(below, many)
            self.first = None
            if found[0].total < left:  # a row between two pages was not shown, or was deleted: who knows
                self.give_up()
            left = found[0].total
            ids = _steady(found)
            if not _falling([*([below] if below else []), *ids]):
                self.give_up()
            if self.over or not ids:
                return
            self.claimed, left = int(ids[-1]), left - len(ids)
            self.below = left
            yield ids
            between = max(0, left - listed())
            many = min(_AT_ONCE, ceil(between / 2 / objects.SEARCH_PAGE))

    async def _search(self, below: str | None, many: int) -> list[objects.Highest]:
        size = objects.SEARCH_PAGE
        return await together(
            objects.highest(self.p.t, self.object_type, below, skip=n * size, limit=size) for n in range(many)
        )


def _steady(found: list[objects.Highest]) -> list[str]:
    """Rows that come or go between two searches shift the later ones: those are not used then."""
    ids: list[str] = []
    for one in found:
        if one.total != found[0].total:
            break
        ids += one.ids
    return ids


def _falling(ids: list[str]) -> bool:
    return all(id.isdecimal() for id in ids) and all(int(a) > int(b) for a, b in pairwise(ids))
