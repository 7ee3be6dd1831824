"""Everything there is of an object, by the list endpoint: page by page, resumable at the page.

Where the list's cursor may be any record's id, it is read in ranges at once (`ranges`). Else its one cursor
goes up from the lowest id while searches come down from the highest (`descent`); when they have met, the rest
of the list is walked all the same, a few pages a pull: the list alone is complete.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

from connector.errors import Refused
from connector.hubspot import objects
from connector.hubspot.objects.records import PAGE, chunks
from connector.hubspot.transport import together
from connector.model import HOUR, Record
from connector.pull import histories
from connector.pull.ahead import ahead
from connector.pull.descent import Descent
from connector.pull.pages import Links, links_of, store_page
from connector.pull.pulling import Pulling, joined_with
from connector.pull.ranges import NoOrder, Range, Ranges
from connector.store import bookmarks, records
from connector.store.schema import write

READERS = 8  # as many as keep the account's limit busy at a quarter of a second an answer
REST = 20  # pages of what is left of a list, in a pull


def settled(object_type: str) -> str:
    """The bookmark of the window that runs an hour behind."""
    return f"{object_type} settled"


def rest(object_type: str) -> str:
    """The bookmark of the part of a list that a load has left to the searches."""
    return f"{object_type} listed"


async def load(p: Pulling, object_type: str, wanted: list[str], place: str) -> None:
    """Goes on where an earlier load stopped (the bookmark `place` knows), if it asked for the same; from the
    beginning where the CRM does not know that place any more."""
    mark = bookmarks.get(p.db, place)
    progress = mark.progress if mark.progress and mark.progress.get("properties") == wanted else None
    if progress is None or "since" in progress:
        progress = {"started": p.now, "history": _history(p, object_type)}
    loading = Loading(p, object_type, wanted, place, progress)
    try:
        await loading.read()
    except Refused:
        if loading.pages or not mark.progress:
            raise
        anew = {"started": p.now, "history": progress.get("history")}
        loading = Loading(p, object_type, wanted, place, anew)
        await loading.read()
    with write(p.db):
        if place != object_type:
            bookmarks.forget(p.db, place)
            bookmarks.know(p.db, object_type, wanted)
        else:
            _begin(p, object_type, wanted, loading)
        if loading.rest:
            bookmarks.progress(p.db, rest(object_type), {"after": loading.rest, "properties": wanted})


def _begin(p: Pulling, object_type: str, wanted: list[str], loading: Loading) -> None:
    """The windows begin where the load began."""
    started, joined = loading.progress["started"], joined_with(p, object_type)
    value = {"until": started, "properties": wanted, "joined": joined}
    bookmarks.move(p.db, object_type, value, p.now)
    # the list shows what is, the index what was an hour ago
    since = started - HOUR if loading.rest else started
    bookmarks.move(p.db, settled(object_type), {"until": since}, p.now)


async def walk_rest(p: Pulling, object_type: str, wanted: list[str]) -> None:
    """The next pages of what a load has left to the searches; a cursor that has aged is given up: what it
    would show is in the windows, but for what the index never knew."""
    mark = bookmarks.get(p.db, rest(object_type))
    if mark.progress is None:
        return
    after: str | None = mark.progress["after"]
    for _ in range(REST):
        try:
            page = await objects.list_page(
                p.t, object_type, wanted, after, joined=joined_with(p, object_type)
            )
        except Refused:
            page = objects.Page([], None)
        after = page.after
        if after is None:
            break
        store_page(p, object_type, page.records, page.links, rest(object_type), {"after": after})
    else:
        return
    store_page(p, object_type, page.records, page.links, rest(object_type), {"after": after})
    with write(p.db):
        bookmarks.move(p.db, rest(object_type), {}, p.now)


def _history(p: Pulling, object_type: str) -> Sequence[str]:
    """Where nobody's history is known, it comes with the page: half as many on one, but none twice."""
    first = object_type == "contacts" and records.count(p.db) == 0
    return histories.questions(p).histories if first else ()


class Loading:
    """One load on its way. `place` keeps its `progress`; `pages` were read in this run."""

    def __init__(
        self, p: Pulling, object_type: str, wanted: list[str], place: str, progress: dict[str, Any]
    ) -> None:
        self.p, self.object_type, self.wanted, self.place = p, object_type, wanted, place
        self.progress = {"properties": wanted, **progress}
        self.joined = joined_with(p, object_type)
        self.ranges = Ranges.of(progress)
        self.descent = Descent(p, object_type, progress.get("floor"))
        self.pages = 0
        self.rest: str | None = None  # where the list is to be walked on from

    async def read(self) -> None:
        first = self.ranges.all[0]
        if first.after is None and not first.ended:
            await self._begin(first)
        while (one := self.ranges.take()) is not None:
            one.taken = False
            if self.ranges.top is None:
                await together([self._follow(one), self._descend()])
                if self.descent.gave_up and not self.ranges.reached(one):
                    await self._follow(one)  # what was claimed, too
                return
            await together(self._reader() for _ in range(READERS))

    async def _begin(self, first: Range) -> None:
        """The first page; and whether there may be ranges: the cursor looks like an id, the next in order."""
        highest = objects.highest(self.p.t, self.object_type, limit=objects.SEARCH_PAGE)
        asking = (self._page(None), highest)
        page, top = cast(tuple[objects.Page, objects.Highest], await together(asking))
        ids = [record.id for record in page.records]
        rising = len(set(ids)) == len(ids) and _rising([*ids, page.after or ""])
        if ids and rising and top.ids and top.ids[0].isdecimal():
            self.ranges.top, self.ranges.total = int(top.ids[0]), top.total
        self._store(first, page)  # a load that goes on from here is to know it too
        if self.ranges.top is not None:
            self.ranges.divide(READERS)
        elif ids and top.ids:
            self.descent.first = top

    async def _reader(self) -> None:
        while self.ranges.top is not None and (one := self.ranges.take()) is not None:
            try:
                await self._walk(one)
            finally:
                one.taken = False

    async def _walk(self, one: Range) -> None:
        """A range to its end. A start that the CRM does not take, or rows that do not rise from it, show that
        cursors are no ids: the first range reads on alone."""
        while not self.ranges.reached(one):
            try:
                page = await self._page(one.after)
                self._store(one, page)
            except (Refused, NoOrder) as wrong:
                if isinstance(wrong, Refused) and (one is self.ranges.all[0] or one.first is not None):
                    raise
                self.ranges.alone()
                return

    async def _follow(self, one: Range) -> None:
        """The list by its one cursor, until it comes to what the searches have read or are about to."""

        async def pages() -> AsyncIterator[objects.Page]:
            after = one.after
            while True:
                page = await self._page(after)
                yield page
                after = page.after
                if after is None:
                    return

        self.rest = None
        async for page, _ in ahead(pages(), _nothing, 1):
            self._store(one, page)
            if not _rising([*([str(one.last)] if one.last else []), *(r.id for r in page.records)]):
                self.descent.give_up()
            one.last = int(page.records[-1].id) if page.records and not self.descent.gave_up else one.last
            if self.descent.claimed is not None and (one.last or 0) >= self.descent.claimed:
                self.rest = page.after
                break
        self.descent.over = True

    async def _descend(self) -> None:
        async for ids, (found, links) in ahead(
            self.descent.pages(lambda: self.ranges.all[0].rows), self._values, 1
        ):
            if self.descent.gave_up:
                return
            for some in chunks(ids, PAGE):
                self.descent.floor = int(some[-1])
                ours = {id: links[id] for id in some if id in links}
                self._put([found.records[id] for id in some if id in found.records], ours)
                await asyncio.sleep(0)  # the list's next page does not wait for all of them

    async def _values(self, ids: list[str]) -> tuple[objects.Read, Links]:
        history = self.progress.get("history") or ()
        links = asyncio.ensure_future(links_of(self.p, self.object_type, ids))
        try:
            return await objects.read(self.p.t, self.object_type, ids, self.wanted, history), await links
        finally:
            links.cancel()

    async def _page(self, after: str | None) -> objects.Page:
        history = self.progress.get("history") or ()
        return await objects.list_page(
            self.p.t, self.object_type, self.wanted, after, joined=self.joined, history=history
        )

    def _store(self, one: Range, page: objects.Page) -> None:
        """A page that came too late, when the range was read by others, is not needed."""
        ids = [record.id for record in page.records]
        if self.ranges.reached(one) or not self.ranges.note(one, ids, page.after):
            return
        self.pages += 1
        self._put(page.records, page.links)

    def _put(self, records: Sequence[Record], links: Links) -> None:
        progress = {**self.progress, **self.ranges.document(), "floor": self.descent.floor}
        if total := self.ranges.total:
            below = total if self.descent.below is None else self.descent.below
            left = max(0, below - sum(one.rows for one in self.ranges.all))
            self.p.reach(self.object_type, 1 - min(left, total) / total)
        store_page(self.p, self.object_type, records, links, self.place, progress)


async def _nothing(_: objects.Page) -> None:
    """The page is the whole work."""


def _rising(ids: Sequence[str]) -> bool:
    return all(id.isdecimal() for id in ids) and list(map(int, ids)) == sorted(map(int, ids))
