"""Every id that was modified in a window of time, however the index behaves (HUBSPOT.md 10)."""

from __future__ import annotations

from collections.abc import AsyncIterator

from connector.hubspot.objects.search import Changed, changed, changed_in_pieces
from connector.hubspot.transport import Transport
from connector.model import Document

AGAIN = 2  # times that a window with a gap is read once more before its order is given up


async def window(t: Transport, object: str, at: Document) -> AsyncIterator[tuple[Changed, Document]]:
    """Pages of {since, until}, each with the place to go on from (give it as `at`).

    Read again where fewer ids came than the CRM counted, at last without relying on any order. What leaves
    the window while it is read is in a later one. Ids may come twice.

    :raises ServerFault: the search goes round in circles, or cannot be read without a gap
    """
    here, whole = at, {"since": at["since"], "until": at["until"]}
    for _ in range(1 + AGAIN):
        async for found, place in _once(t, object, here):
            here = place
            yield found, place
        if here["seen"] >= here["total"]:
            return
        here = whole
    async for found in changed_in_pieces(t, object, at["since"], at["until"]):
        yield found, whole


async def _once(t: Transport, object: str, at: Document) -> AsyncIterator[tuple[Changed, Document]]:
    """From the id that `at` names on; the first page's count is that of the whole."""
    after_id, seen, total = at.get("after_id"), at.get("seen", 0), at.get("total")
    while True:
        found = await changed(t, object, at["since"], at["until"], after_id)
        seen, total = seen + len(found.stamps), found.total if total is None else total
        after_id = found.after_id
        yield found, {**at, "after_id": after_id, "seen": seen, "total": total}
        if after_id is None:
            return
