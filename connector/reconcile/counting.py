"""One count tells whether contacts came or went unseen; where it differs, halves tell which.

The search index lags: contacts made in the last minutes are not counted. It may be wrong for longer: whoever
it shows or does not show is asked for by id, a look has a limit, and one that found nothing is not repeated
soon.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connector.hubspot.objects.presence import MOST, count_created, ids_created
from connector.model import HOUR, MINUTE
from connector.pull import Pulling
from connector.reconcile.leaving import bring, resolve
from connector.store import bookmarks, presence
from connector.store.identity import Gate
from connector.store.schema import write

BEHIND = 10 * MINUTE
SEARCHES = 16  # of one look
VAIN = HOUR // 2  # before the next look after one that found nothing ...
SAME = 6 * HOUR  # ... and if the difference is the same
VAINLY, FORGOTTEN = "counted", "forgotten there"  # facts


async def look(p: Pulling) -> None:
    """Counts, and looks into a difference."""
    last = p.now - BEHIND
    there, here = await count_created(p.t, "contacts", 0, last), presence.count_created(p.db, 0, last)
    forgotten = int(bookmarks.fact(p.db, FORGOTTEN) or 0)
    difference = there - here - forgotten
    if not difference or _vain(p, difference):
        return
    halves = _Halves(p, forgotten)
    await halves.look(0, last, there, here)
    before = presence.count_created(p.db, 0, last)
    if halves.only_here:
        await resolve(p, halves.only_here)
    if halves.only_there:
        await bring(p, halves.only_there)
    after = presence.count_created(p.db, 0, last)
    with write(p.db):
        if after == before:
            bookmarks.set_fact(p.db, VAINLY, {"difference": difference, "at": p.now})
        else:
            bookmarks.drop_fact(p.db, VAINLY)


def _vain(p: Pulling, difference: int) -> bool:
    """Whether a look was had at it, for nothing, not long ago."""
    last = bookmarks.fact(p.db, VAINLY)
    return last is not None and p.now - last["at"] < (SAME if last["difference"] == difference else VAIN)


@dataclass
class _Halves:
    """Contacts that only one side has, found by halving the time in which they were made. Who was forgotten
    is there and not here: so many more may be there in any half, and hide as many who left."""

    p: Pulling
    forgotten: int
    left: int = SEARCHES
    only_here: list[str] = field(default_factory=list)
    only_there: list[str] = field(default_factory=list)

    async def look(self, first: int, last: int, there: int, here: int) -> None:
        """Where somebody is to be found for certain."""
        if self.left <= 0:
            return
        self.left -= 1
        if max(there, here) <= MOST or first == last:
            await self._compare(first, last)
            return
        middle = presence.middle(self.p.db, first, last, here)
        middle = min(max(first, (first + last) // 2 if middle is None else middle), last - 1)
        mine = presence.count_created(self.p.db, first, middle)
        theirs = await count_created(self.p.t, "contacts", first, middle)
        halves = [(first, middle, theirs, mine), (middle + 1, last, there - theirs, here - mine)]
        certain = [half for half in halves if not 0 <= half[2] - half[3] <= self.forgotten]
        for half in certain or halves:
            await self.look(*half)

    async def _compare(self, first: int, last: int) -> None:
        theirs, all_of_them = await ids_created(self.p.t, "contacts", first, last)
        mine, gate = set(presence.ids_created(self.p.db, first, last)), Gate(self.p.db)
        self.only_there += [id for id in theirs if id not in mine and not gate.is_erased(id)]
        self.only_here += sorted(mine.difference(theirs)) if all_of_them else []
