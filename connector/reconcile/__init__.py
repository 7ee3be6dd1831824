"""What the CRM does not announce: merges, deletes, restores, erasures, computed values, removed associations.

At each sync one count tells whether contacts came or went unseen (`counting`); and a slice of everything is
read again, so that it has all been seen once a day (`walking`). What is not there is asked for by its id
before it is believed to be gone (`leaving`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from connector.pull import Pulling
from connector.pull.histories import read_histories
from connector.reconcile.counting import look
from connector.reconcile.leaving import resolve
from connector.reconcile.walking import walk
from connector.store import decisions, erasure
from connector.store.bookmarks import RECONCILIATION

__all__ = ["RECONCILIATION", "reconcile"]


async def reconcile(p: Pulling) -> None:
    """The count, whoever is known to have left, and the slice of the day's walk that is due."""
    p = replace(p, tick=partial(_tick, p.tick), seen={}, changed={})
    if erasure.owed(p.db):
        erasure.scrub(p.db)
    if unclear := erasure.unclear(p.db, 100):
        await resolve(p, unclear)
    await look(p)
    await walk(p)
    if decisions.unwitnessed(p.db, 1):
        await read_histories(p)


def _tick(tick: Callable[[str, int], None], _source: str, count: int) -> None:
    tick(RECONCILIATION, count)
