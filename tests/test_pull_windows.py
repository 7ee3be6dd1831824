"""What changed, by an index that lags, forgets and keeps no order: both windows, now and an hour behind."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest
from accounts import DAY, NOW, House, contact, house, rules_in
from manual_clock import ManualClock

from connector.errors import ServerFault, Unreachable
from connector.hubspot.transport import Transport
from connector.model import Account, Secret
from connector.pull import Pulling, remember
from connector.pull.windows import Window
from connector.sandbox import Fault
from connector.store import bookmarks
from connector.store.schema import open_store

SEARCH = "/contacts/search"
HOUR = 3_600


def titles(here: House) -> dict[str, str | None]:
    rows = here.rows("SELECT id, properties FROM contact")
    return {row["id"]: json.loads(row["properties"]).get("jobtitle") for row in rows}


def searches(here: House) -> list[dict[str, Any]]:
    """The windows that were asked for, in minutes before now."""
    now = here.clock.now()
    bodies = [json.loads(r["body"]) for r in here.requests() if r["path"].endswith(SEARCH)]
    edges = [body["filterGroups"][0]["filters"][0] for body in bodies]
    ago = [[(now - int(edge[side])) // 60_000 for side in ("value", "highValue")] for edge in edges]
    return [{"from": first, "to": last} for first, last in ago]


async def test_the_second_look_is_at_what_is_an_hour_old_every_half_hour(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(7)]) as here:
        await here.pull(["contacts"])
        asked = []
        for _ in range(10):
            here.seconds(1_200)
            here.requests()
            await here.pull(["contacts"])
            asked.append(searches(here))
        first = {"from": 30, "to": 0}  # 20 minutes, and the overlap
        assert [one[0] for one in asked] == [first] * 10
        assert [one[1:] for one in asked] == [
            [], [], [], [], [{"from": 110, "to": 60}], [],
            [{"from": 110, "to": 60}], [], [{"from": 110, "to": 60}], [],
        ]  # fmt: skip


async def test_what_the_index_shows_after_the_overlap_is_seen_by_the_second_look(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(7), contact(8)]) as here:
        await here.pull(["contacts"])
        here.portal.lag(3_000)
        here.portal.edit(7, {"jobtitle": "late"})
        for _ in range(5):
            here.seconds(1_200)
            await here.pull(["contacts"])
        assert titles(here)["7"] == "late"


async def test_the_second_look_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(1_000 + n) for n in range(450)]) as here:
        await here.pull(["contacts"])
        here.portal.lag(3_000)
        for n in range(450):
            here.portal.edit(1_000 + n, {"jobtitle": "late"})
        here.seconds(900)
        await here.pull(["contacts"])
        here.seconds(6_000)
        here.portal.faults([Fault("POST", SEARCH, skip=2, times=99, cut="before")])
        with pytest.raises(Unreachable):
            await here.pull(["contacts"])
        assert 0 < list(titles(here).values()).count("late") < 450
        here.portal.clear_faults()
        await here.pull(["contacts"])
        assert list(titles(here).values()).count("late") == 450


async def test_a_window_that_lacks_a_row_of_the_crms_own_count_is_read_again(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(1_000 + n) for n in range(3)]) as here:
        await here.pull(["contacts"])
        here.seconds(60)
        for n in range(3):
            here.portal.edit(1_000 + n, {"jobtitle": "new"})
        here.seconds(60)
        torn = {"total": 3, "results": [{"id": "1001", "properties": {}}]}
        here.portal.faults([Fault("POST", SEARCH, status=200, body=torn)])
        await here.pull(["contacts"])
        assert set(titles(here).values()) == {"new"}


async def test_with_nobody_changed_one_search_is_all(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(7)]) as here:
        await here.pull(["contacts"])
        here.seconds(DAY / 1_000 - HOUR)
        await here.pull(["contacts"])
        here.seconds(300)
        here.requests()
        await here.pull(["contacts"])
        kinds = [urlsplit(r["path"]).path.split("/")[1] for r in here.requests()]
        assert sorted(kinds) == [
            "account-info",
            "crm",
            "crm",
            "crm",
            "crm",
            "crm",
        ]  # schemas, owners, a search


# -- an index without any order -------------------------------------------------------------------------


class Shuffled:
    """A search that filters and counts as it should, and sorts by nothing."""

    def __init__(self, stamps: dict[int, int]) -> None:
        self.stamps = stamps

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = orjson.loads(request.content)
        if not request.url.path.endswith("/search"):
            found = [self._row(int(one["id"])) for one in asked.get("inputs", ())]
            return httpx.Response(200, json={"results": found if "properties" in asked else []})
        filters = {one["propertyName"]: one for one in asked["filterGroups"][0]["filters"]}
        window, above = filters["lastmodifieddate"], filters.get("hs_object_id", {"value": "0"})
        low, high = int(window["value"]), int(window["highValue"])
        ids = [i for i, at in self.stamps.items() if low <= at <= high and i > int(above["value"])]
        random.Random(7).shuffle(ids)
        skip, limit = int(asked.get("after", 0)), asked["limit"]
        page = [self._row(i) for i in ids[skip : skip + limit]]
        body: dict[str, Any] = {"total": len(ids), "results": page}
        if skip + limit < len(ids):
            body["paging"] = {"next": {"after": str(skip + limit)}}
        return httpx.Response(200, json=body)

    def _row(self, id: int) -> dict[str, Any]:
        return {"id": str(id), "properties": {"lastmodifieddate": str(self.stamps[id])}}


async def window(folder: Path, crm: Shuffled) -> set[int]:
    """The ids that a window of the last day brings."""
    rules = rules_in(folder)
    db = open_store(folder / "connector.db")
    schema: dict[str, Any] = {"contacts": {}, "companies": {}, "deals": {}}
    remember(db, rules, Account("1", "x", "UTC", schema))
    transport = httpx.MockTransport(crm)
    try:
        async with Transport("http://crm.test", Secret("pat-x"), ManualClock(), http=transport) as t:
            known = {"properties": ["email"]}
            one = Window(Pulling(t, db, rules, NOW), "contacts", "contacts", ["email"], known)
            await one.read({"since": NOW - DAY, "until": NOW})
        assert bookmarks.get(db, "contacts").value == {"until": NOW, "properties": ["email"]}
        return {int(row["id"]) for row in db.query("SELECT id FROM contact")}
    finally:
        db.close()


async def test_an_index_without_order_is_read_in_pieces_that_need_none(tmp_path: Path) -> None:
    crm = Shuffled({1_000 + n: NOW - DAY + n * 20_000 for n in range(900)})
    assert await window(tmp_path, crm) == set(crm.stamps)


async def test_more_rows_than_one_cursor_goes_through_are_halved_by_time(tmp_path: Path) -> None:
    crm = Shuffled({1_000 + n: NOW - DAY + n * 5_000 for n in range(10_400)})
    assert await window(tmp_path, crm) == set(crm.stamps)


async def test_without_order_and_all_in_one_moment_it_says_so_and_moves_no_bookmark(tmp_path: Path) -> None:
    with pytest.raises(ServerFault, match="10,400 of them were modified in one moment"):
        await window(tmp_path, Shuffled(dict.fromkeys(range(1_000, 11_400), NOW - 5)))
