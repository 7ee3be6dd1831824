"""What was modified in a window of time, by the search index: ids, then the values of those that differ.

The index lags, and shows rows twice or not at all for a while. So windows overlap, and a second one an hour
behind sees what the first one was shown too late.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from connector.hubspot import objects
from connector.model import HOUR, MINUTE, Record
from connector.pull.ahead import ahead
from connector.pull.fields import learn_fields
from connector.pull.load import load, settled, walk_rest
from connector.pull.pages import Links, links_of, store_page
from connector.pull.pulling import Pulling, joined_with, properties_of
from connector.store import bookmarks, records
from connector.store.schema import write

OVERLAP = 10 * MINUTE  # the search index lags: what it did not show yet is in the next window
SETTLED = HOUR  # by then the index shows everything (disorder of nearly as much was observed)
BEAT = 30 * MINUTE  # between two looks at what has settled
_AHEAD = 3  # pages of ids whose values are on their way


async def pull_records(p: Pulling, object_type: str, full: bool) -> None:
    wanted = properties_of(p.rules, object_type)
    if full or bookmarks.get(p.db, object_type).value is None:
        await load(p, object_type, wanted, bookmarks.again(p.db, object_type))
        if (bookmarks.get(p.db, object_type).value or {})["until"] == p.now:
            return  # the list was read from now on: what changed since is in the next window
    else:
        await learn_fields(p, object_type, wanted)
        await walk_rest(p, object_type, wanted)
    await _increment(p, object_type, wanted)
    await _settle(p, object_type, wanted)


async def _increment(p: Pulling, object_type: str, wanted: list[str]) -> None:
    """What was modified since, up to now; a window that was cut off is read to its end first."""
    mark = bookmarks.get(p.db, object_type)
    known = {"properties": wanted, "joined": joined_with(p, object_type)}
    cut_off = mark.progress if mark.progress and "since" in mark.progress else None
    window = Window(p, object_type, object_type, wanted, known)
    if cut_off:
        await window.read(cut_off)
    since = cut_off["until"] if cut_off else (mark.value or {})["until"]
    await window.read({"since": since - OVERLAP, "until": p.now})


async def _settle(p: Pulling, object_type: str, wanted: list[str]) -> None:
    """The same once more for what is an hour old, every half hour."""
    mark = bookmarks.get(p.db, settled(object_type))
    window = Window(p, object_type, settled(object_type), wanted, {})
    if mark.progress:
        await window.read(mark.progress)
        mark = bookmarks.get(p.db, settled(object_type))
    until = p.now - SETTLED
    since = mark.value["until"] if mark.value else until - BEAT
    if until - since >= BEAT:
        await window.read({"since": since - OVERLAP, "until": until})


@dataclass(frozen=True, slots=True)
class Window:
    """Reads windows of an object for the bookmark `source`, whose value keeps `known` beside its moment."""

    p: Pulling
    object_type: str
    source: str
    wanted: list[str]
    known: dict[str, Any]

    async def read(self, at: dict[str, Any]) -> None:
        """One window, from where it was cut off. The bookmark moves when all of it is stored."""
        pages = objects.window(self.p.t, self.object_type, at)
        async for (found, here), fresh in ahead(pages, self._values, _AHEAD):
            self._store(found, fresh, here)
        with write(self.p.db):
            bookmarks.move(self.p.db, self.source, {"until": at["until"], **self.known}, self.p.now)

    async def _values(self, page: tuple[objects.Changed, Any]) -> tuple[list[Record], Links]:
        """The values of those rows whose stamp is not the one that we know."""
        found, _ = page
        known = records.stamps(self.p.db, self.object_type, [id for id, _ in found.stamps])
        fresh = [id for id, stamp in found.stamps if stamp is None or known.get(id) != stamp]
        if not fresh:
            return [], {}
        links = asyncio.ensure_future(links_of(self.p, self.object_type, fresh))
        try:
            got = await objects.read(self.p.t, self.object_type, fresh, self.wanted)
            return list(got.records.values()), await links
        finally:
            links.cancel()

    def _store(self, found: objects.Changed, fresh: tuple[list[Record], Links], at: dict[str, Any]) -> None:
        rows, links = fresh
        if self.source == self.object_type:
            self.p.count(self.object_type, max(0, len(found.stamps) - len(rows)), 0)
        if rows or at.get("after_id") is not None:
            store_page(self.p, self.object_type, rows, links, self.source, at)
