"""A backfill reads everything again, once: however often it is stopped, and from where it was stopped."""

from __future__ import annotations

from pathlib import Path

import pytest
from accounts import DAY, contact, form, house, submission

from connector.errors import Unreachable
from connector.pull import pull
from connector.sandbox import Fault
from connector.store import bookmarks

LIST = "/crm/objects/2026-03/contacts"
ROWS = [
    form("newsletter"),
    *(contact(1000 + n) for n in range(230)),
    *(submission("newsletter", f"c{1000 + n}@acme.fr", n * DAY) for n in range(60)),
]


async def test_all_is_read_again_and_nothing_is_new(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as h:
        await h.sync()
        before = h.tables("bookmark", "contact")
        again = await pull(h.pulling(), full=True)
        assert (again.seen["contacts"] >= 230, again.seen["forms"]) == (True, 60)
        assert sum(again.changed.values()) == 0
        assert h.tables("bookmark", "contact", "fact") == {k: v for k, v in before.items() if k != "fact"}
        assert (await h.sync()).plan.summary["changed"] == 0


async def test_stopped_it_goes_on_at_its_page_and_reads_no_source_twice(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as h:
        await h.sync()
        h.portal.faults([Fault("GET", LIST, skip=1, times=99, cut="before")])
        with pytest.raises(Unreachable):
            await pull(h.pulling(), full=True)
        h.portal.clear_faults()
        h.portal.faults([Fault("GET", "/form-integrations", times=99, cut="before")])
        h.requests()
        with pytest.raises(Unreachable):
            await pull(h.pulling(), full=True)
        pages = [r["query"] for r in h.requests() if r["path"] == LIST]
        assert len(pages) == 2
        assert all("after=" in page for page in pages)

        h.portal.clear_faults()
        await pull(h.pulling(), full=True)
        assert [r for r in h.requests() if r["path"] == LIST] == []
        assert bookmarks.fact(h.db, "backfill") == []
