"""What contacts did: each source's own trap, and what the CRM shows too late for an increment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from accounts import DAY, NOW, House, contact, form, house

from connector.sandbox.rows import (
    EmailEvent,
    Link,
    ListDef,
    Membership,
    Object,
    Row,
    Submission,
    WebEvent,
)
from connector.store import bookmarks

MINUTE, HOUR = 60, 3_600
SIGNALS = {
    "mappings/signals.yaml": [
        ("signals:\n", "signals:\n  joined: {event: list_membership, where: {list: {is: Salon}}}\n"),
    ]
}
PEOPLE = [
    *(contact(7), contact(8), form("devis"), ListDef(50, "Salon")),
    Submission("guid-devis", NOW, {"email": "c8@acme.fr"}, "https://acme.fr"),
    Membership(50, 8, NOW),
]


def events(here: House, source: str) -> list[str]:
    return [r["contact_id"] for r in here.rows("SELECT contact_id FROM engagement WHERE source = ?", source)]


async def hours(here: House, number: int) -> None:
    """Pulls every half hour."""
    for _ in range(2 * number):
        here.seconds(30 * MINUTE)
        await here.pull(["engagement"])


def ago(seconds: int) -> int:
    return NOW - seconds * 1_000


LATE: dict[str, tuple[list[Row], int]] = {  # what appears only now though it is older, hours until it is seen
    "email_events": ([EmailEvent("e", "CLICK", ago(20 * HOUR), "c7@acme.fr", 1, "x")], 10),
    "forms": ([Submission("guid-devis", ago(20 * HOUR), {"email": "c7@acme.fr"}, "https://acme.fr")], 10),
    "page_views": (
        [WebEvent("w", 7, "e_visited_page", ago(50 * MINUTE), {"hs_url": "https://a.fr/x"})],
        1,
    ),
    "lists": ([Membership(50, 7, ago(50 * MINUTE))], 1),
    "calls": (
        [
            Object("calls", 9, {"hs_timestamp": "2026-11-10T09:00:00Z"}, ago(50 * MINUTE), ago(50 * MINUTE)),
            Link("calls", 9, "contacts", 7),
        ],
        1,
    ),
}


@pytest.mark.parametrize("source", LATE)
async def test_what_comes_late_is_seen_by_the_second_look(tmp_path: Path, source: str) -> None:
    rows, number = LATE[source]
    async with house(tmp_path, PEOPLE, edits=SIGNALS) as here:
        await here.pull()
        here.portal.load(rows)
        here.seconds(MINUTE)
        await here.pull()
        assert "7" not in events(here, source)  # it is older than what an increment looks back
        await hours(here, number)
        assert "7" in events(here, source)


async def test_the_second_look_keeps_its_own_bookmark_and_costs_nothing_between(tmp_path: Path) -> None:
    async with house(tmp_path, PEOPLE, edits=SIGNALS) as here:
        await here.pull()
        counts = []
        for _ in range(8):
            here.seconds(10 * MINUTE)
            here.requests()
            await here.pull(["engagement"])
            asked = [r["path"] for r in here.requests()]
            counts.append(len([path for path in asked if path.endswith("/calls/search")]))
        assert counts == [1, 1, 2, 1, 1, 2, 1, 1]
        mark = bookmarks.get(here.db, "calls settled")
        assert mark.value is not None
        assert NOW <= mark.value["until"] < NOW + 60_000


async def test_a_second_look_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    rows = [EmailEvent(f"e{n}", "CLICK", ago(20 * HOUR) + n, "c7@acme.fr", 1, "x") for n in range(2_500)]
    async with house(tmp_path, PEOPLE) as here:
        await here.pull()
        here.portal.load(rows)
        here.seconds(8 * HOUR)

        def stop(source: str, count: int) -> None:
            if source == "email_events" and count:
                raise RuntimeError("stopped")

        with pytest.raises(RuntimeError, match="stopped"):
            await pulled(here, stop)
        assert len(events(here, "email_events")) == 1_000
        here.requests()
        await here.pull(["engagement"])
        assert len(events(here, "email_events")) == 2_500
        clicks = [r for r in here.requests() if "eventType=CLICK" in r["query"]]
        assert sum("offset=" in r["query"] for r in clicks) == 2


async def pulled(here: House, tick: Any) -> None:
    from connector.pull import Pulling, pull

    await pull(Pulling(here.t, here.db, here.rules, here.clock.now(), tick), ["engagement"])


async def test_an_event_of_another_address_of_a_contact_counts(tmp_path: Path) -> None:
    """Engagement of an address that nobody has is parked, and claimed when a contact has it, first or not."""
    rows = [EmailEvent("e", "CLICK", NOW - DAY, "Ancienne@Acme.fr", 1, "x")]
    async with house(tmp_path, [*PEOPLE, *rows]) as here:
        await here.pull()
        assert events(here, "email_events") == [None]
        here.seconds(MINUTE)
        here.portal.load(
            [contact(9, age=-MINUTE * 1_000, hs_additional_emails="ancienne@acme.fr;autre@acme.fr")]
        )
        here.seconds(MINUTE)
        await here.pull()
        assert events(here, "email_events") == ["9"]


@pytest.mark.parametrize("when", ["at first", "later"])
async def test_everybody_of_a_meeting_has_it_however_many(tmp_path: Path, when: str) -> None:
    """A list page shows a hundred associations, a batch a page of them."""
    guests = [contact(1_000 + n) for n in range(130)]
    meeting: list[Row] = [
        Object("meetings", 70, {"hs_timestamp": "2026-11-10T09:00:00Z"}, NOW - DAY, NOW - DAY),
        *(Link("meetings", 70, "contacts", 1_000 + n) for n in range(130)),
    ]
    async with house(tmp_path, guests) as here:
        here.portal.knobs(association_page=40)
        if when == "at first":
            here.portal.load(meeting)
        await here.pull()
        if when == "later":
            here.seconds(MINUTE)
            here.portal.load(meeting)
            here.portal.edit(70, {"hs_meeting_title": "Démo"}, kind="meetings")
            here.seconds(MINUTE)
            await here.pull()
        assert set(events(here, "meetings")) == {str(1_000 + n) for n in range(130)}


async def test_more_calls_in_a_millisecond_than_a_search_goes_through(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(7)]) as here:
        await here.pull()
        here.portal.load(
            row
            for n in range(10_250)
            for row in (
                Object("calls", 100_000 + n, {"hs_timestamp": "2026-11-10T09:00:00Z"}, NOW - DAY, NOW + 5),
                Link("calls", 100_000 + n, "contacts", 7),
            )
        )
        here.seconds(MINUTE)
        await here.pull(["engagement"])
        assert len(events(here, "calls")) == 10_250
