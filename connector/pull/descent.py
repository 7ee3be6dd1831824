"""The other end of a list that has one cursor: ids from the highest down, by the search index.

Searches have a limit of their own, and each gives twice as many ids as a page of the list. What the index
does not show (yet) is not lost by it: what was made in the last hours is in the windows by time, and the
list is walked to its end in the pulls that follow (`load`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise

from connector.hubspot import objects
from connector.hubspot.transport import together
from connector.pull.pulling import Pulling


class Descent:
    """`floor`: every id from here up that the index showed is stored. `over`: nothing more comes from here,
    because both ends have met or because the index does not go by ids (`floor` is None then). `below`: how
    many rows the index has under it."""

    def __init__(self, p: Pulling, object_type: str, floor: int | None) -> None:
        self.p = p
        self.object_type = object_type
        self.floor = floor
        self.over = False
        self.below: int | None = None

    def give_up(self) -> None:
        self.floor, self.over = None, True

    async def pages(self) -> AsyncIterator[list[str]]:
        """Ids, two searches at once: the second leaves out the rows of the first."""
        below = None if self.floor is None else str(self.floor)
        left = 0  # rows that there should be at least
        while not self.over:
            pair = await together(
                objects.highest(self.p.t, self.object_type, below, skip=skip, limit=objects.SEARCH_PAGE)
                for skip in (0, objects.SEARCH_PAGE)
            )
            if pair[0].total < left:  # a row between two pages was not shown, or was deleted: who knows
                self.give_up()
            left = pair[0].total
            # rows that come or go between the two shift the second: it is not used then
            ids = [id for found in (pair if pair[1].total == left else pair[:1]) for id in found.ids]
            if not _falling([*([below] if below else []), *ids]):
                self.give_up()
            if self.over or not ids:
                return
            self.below = left - len(ids)
            yield ids
            below, left = ids[-1], left - len(ids)


def _falling(ids: list[str]) -> bool:
    return all(id.isdecimal() for id in ids) and all(int(a) > int(b) for a, b in pairwise(ids))
