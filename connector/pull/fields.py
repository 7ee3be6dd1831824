"""Some properties for everybody: those alone, by the ids that we know. A pull does it for a field that the
mapping names anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from connector.hubspot import objects
from connector.pull import histories
from connector.pull.ahead import ahead
from connector.pull.pages import Links, links_of
from connector.pull.pulling import Pulling, joined_with
from connector.store import bookmarks, decisions, filling, records
from connector.store.schema import write

_IDS = 1_000  # at a time: ten requests that run at once


async def learn_fields(p: Pulling, object_type: str, wanted: list[str]) -> None:
    """Goes on where it was stopped. What changes meanwhile is in the next window, with all its values."""
    mark = bookmarks.get(p.db, object_type)
    value: dict[str, Any] = mark.value or {}
    joined = joined_with(p, object_type)
    new = sorted(set(wanted) - set(value["properties"]))
    links = joined if joined and value.get("joined", joined) != joined else ""
    if not new and not links:
        return
    ours = mark.progress if mark.progress and mark.progress.get("new") == new else None
    learning = _Learning(p, object_type, new, links, object_type)
    await learning.read(ours["after"] if ours else "")
    with write(p.db):
        bookmarks.move(p.db, object_type, {**value, "properties": wanted, "joined": joined}, p.now)


async def read_fields(p: Pulling, object_type: str, properties: list[str]) -> None:
    """These anew, whether or not they were read before; with a place of its own to go on from."""
    source = f"{object_type} fields"
    mark = bookmarks.get(p.db, source)
    ours = mark.progress if mark.progress and mark.progress["new"] == properties else None
    learning = _Learning(p, object_type, properties, "", source)
    await learning.read(ours["after"] if ours else "")
    with write(p.db):
        bookmarks.forget(p.db, source)
        bookmarks.know(p.db, object_type, properties)


class _Learning:
    """`source`: the bookmark whose progress says how far it came."""

    def __init__(self, p: Pulling, object_type: str, new: list[str], joined: str, source: str) -> None:
        self.p, self.object_type, self.new, self.joined = p, object_type, new, joined
        self.source = source
        self.total = self.left = filling.count_after(p.db, object_type, "")

    async def read(self, after: str) -> None:
        self.left = filling.count_after(self.p.db, self.object_type, after)
        async for ids, (values, links) in ahead(self._ids(after), self._ask, 1):
            self._store(ids, values, links)

    async def _ids(self, after: str) -> AsyncIterator[list[str]]:
        while ids := filling.ids_after(self.p.db, self.object_type, after, _IDS):
            yield ids
            after = ids[-1]

    async def _ask(self, ids: list[str]) -> tuple[filling.Values, Links]:
        links = await links_of(self.p, self.object_type, ids) if self.joined else {}
        if not self.new:
            return {}, links
        read = await objects.read(self.p.t, self.object_type, ids, self.new)
        known = {id: one for id, one in read.records.items() if one.id == id}
        return {id: {n: one.properties.get(n) for n in self.new} for id, one in known.items()}, links

    def _store(self, ids: list[str], values: filling.Values, links: Links) -> None:
        p = self.p
        with write(p.db):
            changed = filling.fill(p.db, self.object_type, values, p.rules.mapping, p.now)
            touched = set(records.members(p.db, self.object_type, changed))
            if self.object_type == "contacts":
                touched |= set(records.put_companies(p.db, links))
                waiting = records.undated(p.db, changed, p.rules.mapping)
                strange = changed if histories.questions(p).stage in self.new else []
                decisions.expect_notes(p.db, sorted({*waiting, *strange}))
            decisions.mark_dirty(p.db, touched)
            bookmarks.progress(p.db, self.source, {"new": self.new, "after": ids[-1]})
        self.left -= len(ids)
        p.reach(self.object_type, 1 - max(0, self.left) / self.total)
        p.count(self.object_type, len(ids), len(changed))
