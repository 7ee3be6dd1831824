"""A part alone, read again: engagement of a span of time, or some fields of the records that are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from accounts import DAY, NOW, House, contact, form, house, rules_in, submission

from connector.errors import BadCommand
from connector.model import HOUR
from connector.pull import Pulled, Pulling, Span, pull, pull_fields, span_of
from connector.sandbox.rows import EmailEvent, Link, ListDef, Membership, Object, Row, WebEvent
from connector.store import bookmarks

SIGNALS = {
    "mappings/signals.yaml": [
        ("signals:\n", "signals:\n  joined: {event: list_membership, where: {list: {is: Salon}}}\n"),
    ]
}
MOMENTS = [NOW - n * DAY for n in range(1, 61)]
SOURCES = ("forms", "email_events", "page_views", "meetings", "calls", "emails", "lists")


def told(n: int, at: int) -> list[Row]:
    """One event of every source, at one moment."""
    said = {"hs_timestamp": str(at), "hs_meeting_start_time": str(at), "hs_call_direction": "INBOUND"}
    kinds = {"meetings": 50_000, "calls": 60_000, "emails": 70_000}
    rows: list[Row] = [
        submission("devis", "c1000@acme.fr", NOW - at),
        EmailEvent(f"e{n}", "CLICK", at, "c1000@acme.fr", 1, "Salon"),
        WebEvent(f"w{n}", 1000, "e_visited_page", at, {"hs_url": "https://acme.fr/tarifs"}),
        contact(2000 + n),
        Membership(50, 2000 + n, at),
    ]
    for kind, base in kinds.items():
        rows += [Object(kind, base + n, said, at, at), Link(kind, base + n, "contacts", 1000)]
    return rows


ROWS = [
    *(contact(1000), form("devis"), ListDef(50, "Salon")),
    *(row for n, at in enumerate(MOMENTS) for row in told(n, at)),
]


def moments(here: House, source: str) -> list[int]:
    return [row["at"] for row in here.rows("SELECT at FROM engagement WHERE source = ? ORDER BY at", source)]


async def again(here: House, span: Span, tick: Callable[[str, int], None] | None = None) -> Pulled:
    p = here.pulling()
    return await pull(replace(p, tick=tick) if tick else p, ["engagement"], span, full=True)


# -- a span of time --------------------------------------------------------------------------------------


async def test_a_span_has_its_first_moment_and_not_its_last_and_nothing_outside(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, edits=SIGNALS) as here:
        await here.pull(["contacts"])
        found = await again(here, Span(NOW - 30 * DAY, NOW - 10 * DAY, ends=True))
        inside = sorted(at for at in MOMENTS if NOW - 30 * DAY <= at < NOW - 10 * DAY)
        assert len(inside) == 20
        assert {source: moments(here, source) for source in SOURCES} == dict.fromkeys(SOURCES, inside)
        assert dict(found.seen) == dict.fromkeys(SOURCES, 20)


async def test_what_lies_outside_and_how_far_the_sources_were_read_stays_as_it_is(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, edits=SIGNALS) as here:
        await here.sync()
        here.db.execute("UPDATE engagement SET label = 'as it was', attrs = '{}'")
        before = bookmarks.everyone(here.db)
        here.seconds(60)
        await again(here, Span(NOW - 30 * DAY, here.clock.now(), ends=False))
        kept = here.rows("SELECT at FROM engagement WHERE label = 'as it was' AND source <> 'deals'")
        assert {row["at"] >= NOW - 30 * DAY for row in kept} == {False}
        assert len(kept) == 30 * len(SOURCES)
        assert bookmarks.everyone(here.db) == before


async def test_between_the_last_pull_and_a_span_nothing_is_lost(tmp_path: Path) -> None:
    """Somebody reads the last day again after a week without a pull: the next pull still has the week."""
    async with house(tmp_path, ROWS, edits=SIGNALS) as here:
        await here.pull()
        here.portal.advance(7 * DAY / 1000)
        here.portal.load(told(900, NOW + 3 * DAY))
        await again(here, Span(NOW + 6 * DAY, here.clock.now(), ends=False))
        assert NOW + 3 * DAY not in moments(here, "email_events")
        await here.pull()
        assert {NOW + 3 * DAY in moments(here, source) for source in SOURCES} == {True}


async def test_a_first_span_without_an_end_is_where_the_pulls_begin(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, edits=SIGNALS) as here:
        await again(here, Span(NOW - 5 * DAY, NOW, ends=False))
        here.seconds(300)
        await here.pull()
        young = sorted(at for at in MOMENTS if at >= NOW - 5 * DAY)
        assert {source: moments(here, source) for source in SOURCES} == dict.fromkeys(SOURCES, young)


async def test_a_first_span_with_an_end_is_not(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, edits=SIGNALS) as here:
        await again(here, Span(NOW - 5 * DAY, NOW - DAY, ends=True))
        await here.pull()
        found = {source: moments(here, source) for source in SOURCES}
        assert found == dict.fromkeys(SOURCES, sorted(MOMENTS))


async def test_a_span_that_was_stopped_is_the_same_one_later(tmp_path: Path) -> None:
    """`30d` names another moment at every run; it goes on with the first, and at the page."""
    rows = [
        *(contact(1000), form("devis")),
        *(submission("devis", "c1000@acme.fr", n * HOUR) for n in range(1, 241)),
    ]
    async with house(tmp_path, rows) as here:
        await here.pull(["contacts"])
        now = here.clock.now()
        said = ("30d", None)
        first = span_of(here.pulling(), said, Span(now - 30 * DAY, now, ends=False))

        def stop(source: str, _: int) -> None:
            if source == "forms":
                raise RuntimeError(f"stopped at {source}")

        with pytest.raises(RuntimeError, match="stopped"):
            await again(here, first, stop)
        here.seconds(3_600)
        later = here.clock.now()
        assert span_of(here.pulling(), said, Span(later - 30 * DAY, later, ends=False)) == first
        other = Span(later - 31 * DAY, later, ends=False)
        here.requests()
        await again(here, first)
        pages = [r["query"] for r in here.requests() if "/submissions/" in r["path"]]
        assert len(pages) == 4
        assert all("after=" in page for page in pages)
        assert len(moments(here, "forms")) == 240
        assert span_of(here.pulling(), said, other) == other, "it is done: the next one is begun anew"


async def test_a_rest_of_last_week_is_given_up(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(1000)]) as here:
        await here.pull(["contacts"])
        said = ("30d", None)
        span_of(here.pulling(), said, Span(NOW - 30 * DAY, NOW, ends=False))
        here.portal.advance(8 * DAY / 1000)
        fresh = Span(NOW - 22 * DAY, NOW + 8 * DAY, ends=False)
        assert span_of(here.pulling(), said, fresh) == fresh


# -- some fields -----------------------------------------------------------------------------------------

FIELDS = {"mappings/fields.yaml": [("    city:             city\n", "    sector:           industry\n")]}


async def test_new_fields_are_read_alone_and_the_next_pull_need_not(tmp_path: Path) -> None:
    people = [contact(10_000 + n, industry=f"i{n}", jobtitle="Chef") for n in range(230)]
    async with house(tmp_path, people) as here:
        await here.pull()
        more = rules_in(tmp_path / "more", FIELDS)
        p = Pulling(here.t, here.db, more, here.clock.now())
        here.requests()
        found = await pull_fields(p, [more.mapping.fields["sector"]])
        asked = [json.loads(r["body"]) for r in here.requests() if r["path"].endswith("/batch/read")]
        assert {tuple(one["properties"]) for one in asked} == {("industry", "hs_merged_object_ids")}
        assert sum(len(one["inputs"]) for one in asked) == 230
        assert (dict(found.seen), dict(found.changed)) == ({"contacts": 230}, {"contacts": 230})
        row = here.rows("SELECT f_sector, f_job_title FROM contact WHERE id = '10007'")[0]
        assert (row["f_sector"], row["f_job_title"]) == ("i7", "chef")
        await pull(Pulling(here.t, here.db, more, here.clock.now()))
        assert not any(r["path"].endswith("/batch/read") for r in here.requests())


async def test_fields_that_were_stopped_go_on_and_an_old_one_is_read_anew(tmp_path: Path) -> None:
    people = [contact(10_000 + n, jobtitle="Chef") for n in range(1_150)]
    async with house(tmp_path, people) as here:
        await here.pull(["contacts"])
        here.db.execute("UPDATE contact SET f_job_title = NULL, properties = '{}'")
        field = here.rules.mapping.fields["job_title"]

        def stop(source: str, _count: int) -> None:
            raise RuntimeError(f"stopped at {source}")

        with pytest.raises(RuntimeError, match="stopped"):
            await pull_fields(replace(here.pulling(), tick=stop), [field])
        before = bookmarks.get(here.db, "contacts")
        here.requests()
        reached: list[float] = []
        p = replace(here.pulling(), reach=lambda _, share: reached.append(share))
        found = await pull_fields(p, [field])
        asked = [json.loads(r["body"]) for r in here.requests() if r["path"].endswith("/batch/read")]
        assert sorted(len(one["inputs"]) for one in asked) == [50, 100]
        assert found.changed["contacts"] == 150
        assert reached == [1.0]
        assert here.rows("SELECT count(*) AS n FROM contact WHERE f_job_title = 'chef'")[0]["n"] == 1_150
        assert bookmarks.get(here.db, "contacts") == before
        assert "contacts fields" not in bookmarks.everyone(here.db)


async def test_a_window_that_was_cut_off_is_still_read_after_fields(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(1000 + n) for n in range(230)]) as here:
        await here.pull(["contacts"])
        here.seconds(60)
        for n in range(230):
            here.portal.edit(1000 + n, {"jobtitle": "Chef"})
        here.seconds(60)

        def stop(source: str, count: int) -> None:
            if count:
                raise RuntimeError(f"stopped at {source}")

        with pytest.raises(RuntimeError, match="stopped"):
            await pull(replace(here.pulling(), tick=stop), ["contacts"])
        cut_off = bookmarks.get(here.db, "contacts")
        await pull_fields(here.pulling(), [here.rules.mapping.fields["city"]])
        assert bookmarks.get(here.db, "contacts") == cut_off
        await here.pull(["contacts"])
        assert here.rows("SELECT count(*) AS n FROM contact WHERE f_job_title = 'chef'")[0]["n"] == 230


async def test_fields_of_what_was_never_read_are_refused(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(1000)]) as here:
        with pytest.raises(BadCommand, match="contacts were not read to their end") as no:
            await pull_fields(here.pulling(), [here.rules.mapping.fields["city"]])
        assert "connector backfill contacts" in no.value.fix
