"""The first load: in ranges where cursors are ids, from both ends where they are not; nobody is missed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
import pytest
from accounts import DAY, NOW, contact, house, rules_in
from manual_clock import ManualClock
from sqlite_utils import Database

from connector.errors import Unreachable
from connector.hubspot.transport import Transport
from connector.model import Account, Secret
from connector.pull import Pulling, pull, remember
from connector.pull.load import load
from connector.rules.tree import Rules
from connector.sandbox import Fault
from connector.sandbox.rows import Link, Object
from connector.store import bookmarks, decisions, records
from connector.store.schema import open_store, write

LIST = "/crm/objects/2026-03/contacts"
SKEWED = [
    *range(51, 1_851),
    *range(10_000_000_000, 10_000_700_000, 1_000),
    82_000_000_000,
]  # as years leave them


def afters(requests: list[dict[str, Any]]) -> list[str]:
    """The cursors of the pages that were asked for."""
    pages = [parse_qs(r["query"]) for r in requests if r["path"] == LIST]
    return [page.get("after", [""])[0] for page in pages]


async def test_it_reads_in_several_places_at_once_and_hardly_any_page_twice(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(id) for id in SKEWED]) as here:
        await here.pull(["contacts"])
        assert records.count(here.db) == len(SKEWED)
        asked = afters(here.requests())
        back = [one for one, other in pairwise(asked[1:]) if int(other) < int(one)]
        assert len(back) >= 7  # one cursor never goes back
        assert len(asked) <= len(SKEWED) / 50 * 1.3  # 50 with their histories on a page
        assert bookmarks.get(here.db, "contacts").progress is None


@pytest.mark.parametrize("skip", [2, 3, 5, 11, 20])
@pytest.mark.parametrize("ids", [True, False], ids=["ranges", "one cursor"])
async def test_cut_off_anywhere_it_goes_on_from_there(tmp_path: Path, ids: bool, skip: int) -> None:
    async with house(tmp_path, [contact(id) for id in SKEWED[:1_500]]) as here:
        here.portal.knobs(list_after_is_id=ids)
        here.portal.faults([Fault(path=LIST, skip=skip, times=999, cut="before")])
        with pytest.raises(Unreachable):
            await here.pull(["contacts"])
        known = records.count(here.db)
        assert 0 < known < 1_500
        here.portal.clear_faults()
        here.requests()
        await here.pull(["contacts"])
        assert records.count(here.db) == 1_500
        assert len(afters(here.requests())) <= (1_500 - known) / 50 + 10


async def test_short_and_empty_pages_end_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(id) for id in SKEWED[1_400:]]) as here:
        here.portal.knobs(short_or_empty_pages_with_next=True)
        await here.pull(["contacts"])
        assert records.count(here.db) == len(SKEWED) - 1_400


# -- one cursor ------------------------------------------------------------------------------------------


async def test_where_cursors_are_no_ids_the_other_half_comes_by_searches(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(id) for id in SKEWED]) as here:
        here.portal.knobs(list_after_is_id=False)
        await here.pull(["contacts"])
        assert records.count(here.db) == len(SKEWED)
        assert len(afters(here.requests())) < len(SKEWED) / 50


async def test_whom_the_index_does_not_know_the_list_shows_in_the_end(tmp_path: Path) -> None:
    """Contacts of the upper half that no search shows for hours, of which nothing says that they changed."""
    async with house(tmp_path, [contact(id) for id in SKEWED]) as here:
        here.portal.knobs(list_after_is_id=False)
        hidden = [*SKEWED[-900::100]]
        for id in hidden:
            here.portal.archive(id)
        here.portal.lag(30 * 86_400)
        for id in hidden:
            here.portal.restore(id)
        await here.pull(["contacts"])
        assert records.count(here.db) < len(SKEWED)
        for _ in range(3):
            here.seconds(300)
            await here.pull(["contacts"])
        assert records.count(here.db) == len(SKEWED)
        here.requests()
        await here.pull(["contacts"])
        assert afters(here.requests()) == []  # the list was walked to its end


async def test_whom_the_index_shows_late_is_there_within_two_hours(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(id) for id in SKEWED[:1_500]]) as here:
        here.portal.knobs(list_after_is_id=False)
        here.portal.lag([600.0, 3_300.0])
        made = [here.portal.create("contacts", {"email": f"n{n}@acme.fr"}) for n in range(5)]
        for seconds in (0, 300, 1_800, 1_800, 1_800):
            here.seconds(seconds)
            await here.pull(["contacts"])
        assert {str(id) for id in made} <= {row["id"] for row in here.rows("SELECT id FROM contact")}


# -- lists that are not what they seem ------------------------------------------------------------------


class OddList:
    """A list of contacts whose cursors are numbers. `start` gives the place of the first row of a cursor."""

    def __init__(self, ids: list[int], start: Callable[[list[int], int], int | None], offsets: bool) -> None:
        self.ids = ids
        self.start = start
        self.offsets = offsets
        self.pages = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        url = urlsplit(str(request.url))
        if url.path.endswith("/search"):
            asked = orjson.loads(request.content)
            found = [] if asked["filterGroups"] else [{"id": str(max(self.ids))}]
            return httpx.Response(200, json={"total": len(self.ids), "results": found})
        if url.path.endswith("/batch/read"):
            inputs = orjson.loads(request.content)["inputs"]
            rows = [{"id": one["id"], "properties": {}, "from": one, "to": []} for one in inputs]
            return httpx.Response(200, json={"results": rows})
        self.pages += 1
        after = parse_qs(url.query).get("after")
        place = 0 if after is None else self.start(self.ids, int(after[0]))
        if place is None:
            return httpx.Response(400, json={"status": "error", "message": "Invalid after"})
        page = self.ids[place : place + 100]
        body: dict[str, Any] = {"results": [{"id": str(id), "properties": {}} for id in page]}
        if place + 100 < len(self.ids):
            following = place + 100 if self.offsets else self.ids[place + 99]
            body["paging"] = {"next": {"after": str(following)}}
        return httpx.Response(200, json=body)


def exclusive(ids: list[int], after: int) -> int | None:
    return next((n for n, id in enumerate(ids) if id > after), len(ids))


def known_alone(ids: list[int], after: int) -> int | None:
    return ids.index(after) + 1 if after in ids else None


def unknown_is_the_beginning(ids: list[int], after: int) -> int | None:
    return ids.index(after) + 1 if after in ids else 0


def unknown_is_anywhere(ids: list[int], after: int) -> int | None:
    """Rises from some place above: what is between is not told."""
    return ids.index(after) + 1 if after in ids else len(ids) - 150


def offset(_: list[int], after: int) -> int | None:
    return after


@contextmanager
def cache(folder: Path) -> Iterator[tuple[Database, Rules]]:
    rules = rules_in(folder)
    db = open_store(folder / "connector.db")
    schema: dict[str, Any] = {"contacts": {}, "companies": {}, "deals": {}}
    remember(db, rules, Account("1", "x", "UTC", schema))
    try:
        yield db, rules
    finally:
        db.close()


ODD = {
    "exclusive": (exclusive, False),
    "only cursors that were given": (known_alone, False),
    "others are the beginning": (unknown_is_the_beginning, False),
    "others are anywhere": (unknown_is_anywhere, False),
    "offsets": (offset, True),
    "not by ids": (known_alone, False),
}


@pytest.mark.parametrize("kind", ODD)
async def test_a_list_that_is_not_what_it_seems_is_read_whole(tmp_path: Path, kind: str) -> None:
    start, offsets = ODD[kind]
    ids = list(range(20_000, 26_000, 3))
    if kind == "not by ids":
        ids = [id for pair in zip(ids[:1_000], ids[1_000:], strict=True) for id in pair]
    odd = OddList(ids, start, offsets)
    with cache(tmp_path) as (db, rules):
        async with Transport(
            "http://crm.test", Secret("pat-x"), ManualClock(), http=httpx.MockTransport(odd)
        ) as t:
            await load(Pulling(t, db, rules, NOW), "contacts", ["email"], "contacts")
        assert {row["id"] for row in db.query("SELECT id FROM contact")} == {str(id) for id in ids}


async def test_a_cursor_that_the_crm_knows_no_more_begins_anew(tmp_path: Path) -> None:
    odd = OddList(list(range(20_000, 20_500)), known_alone, offsets=False)
    stale = {"properties": ["email"], "started": NOW, "ranges": [[0, "7", None, None, 0, None, False]]}
    with cache(tmp_path) as (db, rules):
        async with Transport(
            "http://crm.test", Secret("pat-x"), ManualClock(), http=httpx.MockTransport(odd)
        ) as t:
            p = Pulling(t, db, rules, NOW)
            with write(db):
                bookmarks.progress(db, "contacts", stale)
            await load(p, "contacts", ["email"], "contacts")
            assert records.count(db) == 500


# -- what comes with a page -----------------------------------------------------------------------------


def office(id: int, *companies: tuple[int, bool]) -> list[Object | Link]:
    made = [Object("companies", to, {"name": f"n{to}"}, NOW - DAY, NOW - DAY) for to, _ in companies]
    return [*made, *(Link("contacts", id, "companies", to, primary) for to, primary in companies)]


async def test_a_page_brings_the_companies_as_a_search_does(tmp_path: Path) -> None:
    rows = [
        *(contact(id) for id in (7, 8, 9, 10)),
        *office(7, (70, True)),
        *office(8, (80, False), (81, True)),
        *office(9, (90, False), (91, False)),
        *office(10, *((1_000 + n, n == 120) for n in range(130))),
    ]
    async with house(tmp_path, rows) as here:
        await here.pull()
        sql = "SELECT id, company_id FROM contact ORDER BY id"
        loaded = here.rows(sql)
        assert {row["id"]: row["company_id"] for row in loaded} == {
            "7": "70",
            "8": "81",
            "9": "90",
            "10": "1120",
        }
        for id in (7, 8, 9, 10):
            here.portal.edit(id, {"jobtitle": "x"})
        here.seconds(60)
        await here.pull()
        assert here.rows(sql) == loaded


async def test_a_page_brings_the_history_that_a_batch_brings(tmp_path: Path) -> None:
    async with house(tmp_path, contacts=120) as here:
        seen = (await here.pull(["contacts"])).seen
        assert seen.get("property history", 0) < 3  # who never had a stage is asked for once more
        ids = [row["id"] for row in here.rows("SELECT id FROM contact")]
        paged = decisions.notes(here.db, ids)
        assert len({note.writer for note in paged.values()}) > 1
        here.db.execute("DELETE FROM stage_note")
        here.db.execute("INSERT INTO unwitnessed SELECT id FROM contact")
        await here.pull(["contacts"])
        assert decisions.notes(here.db, ids) == paged


async def test_companies_and_deals_out_of_reach_are_said_and_contacts_come(tmp_path: Path) -> None:
    rows = [contact(7), *office(7, (70, True))]
    async with house(tmp_path, rows) as here:
        scopes = here.portal.grant().scopes - {"crm.objects.companies.read", "crm.objects.deals.read"}
        here.portal.grant(scopes)
        found = await here.pull()
        assert {"companies", "deals"} <= set(found.absent)
        assert "crm.objects.companies.read" in found.absent["companies"]
        assert records.count(here.db) == 1
        here.portal.grant([*scopes, "crm.objects.companies.read", "crm.objects.deals.read"])
        assert (await here.pull()).absent == {}
        assert here.rows("SELECT company_id FROM contact")[0]["company_id"] == "70"


async def test_a_field_of_companies_that_is_mapped_later_joins_everybody(tmp_path: Path) -> None:
    without = {
        "mappings/fields.yaml": [
            ("    company_size:     {property: numberofemployees, object: company, type: number}\n", "")
        ],
        "workflows/qualification.yaml": [("{company_size: {between: [50, 1000]}}", "{city: {is: paris}}")],
    }
    async with house(tmp_path, [contact(7), *office(7, (70, True))], edits=without) as here:
        await here.pull()
        assert here.rows("SELECT company_id FROM contact")[0]["company_id"] is None
        here.seconds(60)
        whole = rules_in(tmp_path / "whole")
        await pull(Pulling(here.t, here.db, whole, here.clock.now()))
        assert here.rows("SELECT company_id FROM contact")[0]["company_id"] == "70"
