"""Participation in marketing events: every change of state is seen, and little is read for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpx
import pytest
from engagement_reader import BY_NAME, YEAR, Reader, whole
from manual_clock import NOW

from connector.hubspot.engagement import OVERLAP
from connector.hubspot.transport import Transport
from connector.model import DAY, HOUR
from connector.sandbox import Portal, rows

ANNE, WEBINAR, FAIR = 10_000_000_001, 30_000_000_001, 30_000_000_002
MINUTE = 60_000


def took_part(contact: int, state: str, at: int, event: int = WEBINAR) -> rows.Participation:
    return rows.Participation(event, contact, state, at)


def people(number: int) -> Iterable[rows.Object]:
    return (rows.Object("contacts", ANNE + n, {}, NOW - 9 * DAY, NOW - 9 * DAY) for n in range(number))


@pytest.fixture
def events(portal: Portal) -> Portal:
    """A webinar that was held and a fair to come, with two people each."""
    portal.load(
        [
            *people(3),
            rows.MarketingEvent(WEBINAR, "Webinaire RGPD", NOW - 5 * DAY, NOW - 5 * DAY, NOW - 60 * DAY),
            rows.MarketingEvent(FAIR, "Salon de Lyon", NOW + 9 * DAY, NOW + 11 * DAY, NOW - 30 * DAY),
            took_part(ANNE, "REGISTERED", NOW - 20 * DAY),
            took_part(ANNE + 1, "ATTENDED", NOW - 5 * DAY),
            took_part(ANNE + 1, "CANCELLED", NOW - 2 * DAY, FAIR),
            took_part(ANNE + 2, "EMPTY", NOW - 3 * DAY, FAIR),
        ]
    )
    return portal


def told(reader: Reader) -> dict[tuple[str | None, str], str | None]:
    """(contact, event) -> state"""
    return {(row.contact_id, row.label): row.attrs["state"] for row in reader.rows.values()}  # type: ignore[misc]


@pytest.mark.usefixtures("events")
async def test_a_participation_tells_its_event_and_its_state(t: Transport) -> None:
    reader = await whole("marketing_events", t)
    assert told(reader) == {
        (str(ANNE), "Webinaire RGPD"): "REGISTERED",
        (str(ANNE + 1), "Webinaire RGPD"): "ATTENDED",
        (str(ANNE + 1), "Salon de Lyon"): "CANCELLED",
        (str(ANNE + 2), "Salon de Lyon"): None,
    }
    [one] = [row for row in reader.rows.values() if row.contact_id == str(ANNE)]
    assert (one.event, one.at, one.address) == ("marketing_event", NOW - 20 * DAY, None)
    assert one.attrs == {"name": "Webinaire RGPD", "state": "REGISTERED"}


@pytest.mark.usefixtures("events")
async def test_what_is_older_than_wanted_is_left_out(t: Transport) -> None:
    reader = await whole("marketing_events", t, since=NOW - 4 * DAY)
    assert {row.at for row in reader.rows.values()} == {NOW - 2 * DAY, NOW - 3 * DAY}


async def test_a_change_of_state_is_seen_however_far_back_and_replaces(events: Portal, t: Transport) -> None:
    reader = await whole("marketing_events", t)
    events.load([took_part(ANNE, "ATTENDED", NOW - 5 * DAY)])
    reader.given = 0
    await reader.run(until=NOW + HOUR)
    assert told(reader)[str(ANNE), "Webinaire RGPD"] == "ATTENDED"
    assert len(reader.rows) == 4
    assert reader.given == 2  # the fair was not read again


async def test_one_that_shows_after_its_counter_is_found_while_the_overlap_lasts(
    events: Portal, t: Transport
) -> None:
    """The event's row moved, was read, and only then did somebody's state: counted the same."""
    reader = await whole("marketing_events", t)
    events.load([took_part(ANNE, "ATTENDED", NOW)])
    await reader.run(until=NOW + HOUR)
    events.load([took_part(ANNE, "REGISTERED", NOW), took_part(ANNE + 1, "REGISTERED", NOW)])
    events.load([took_part(ANNE + 1, "ATTENDED", NOW + 1), took_part(ANNE, "ATTENDED", NOW + 1)])
    await reader.run(until=NOW + HOUR + 5 * MINUTE)
    assert {row.at for row in reader.rows.values() if row.label == "Webinaire RGPD"} == {NOW + 1}


async def test_once_settled_only_the_list_is_asked_for(events: Portal, t: Transport) -> None:
    reader = await whole("marketing_events", t)
    events.load([took_part(ANNE, "ATTENDED", NOW)])
    asked = []
    for minutes in (1, 6, 11, 16, 21):
        before = t.requests
        await reader.run(until=NOW + minutes * MINUTE)
        asked.append(t.requests - before)
    assert asked == [2, 2, 2, 1, 1]  # seen at minute 1, read until OVERLAP has passed
    assert OVERLAP == 10 * MINUTE


async def test_the_second_look_finds_what_no_counter_shows(events: Portal, t: Transport) -> None:
    reader = await whole("marketing_events", t)
    swapped = [took_part(ANNE, "ATTENDED", NOW - 4 * DAY), took_part(ANNE + 1, "REGISTERED", NOW - 4 * DAY)]
    events.load(swapped)
    await reader.run(until=NOW + HOUR)
    assert told(reader)[str(ANNE), "Webinaire RGPD"] == "REGISTERED"
    reader.bookmark, since = BY_NAME["marketing_events"].read_up_to(NOW - DAY, YEAR)
    await reader.run(since=since, until=NOW + HOUR)
    assert told(reader)[str(ANNE), "Webinaire RGPD"] == "ATTENDED"
    assert told(reader)[str(ANNE + 1), "Webinaire RGPD"] == "REGISTERED"


async def test_a_big_event_killed_in_the_middle_goes_on_there(portal: Portal, t: Transport) -> None:
    portal.load(
        [
            *people(250),
            rows.MarketingEvent(WEBINAR, "Webinaire RGPD", NOW, NOW, NOW - 60 * DAY),
            *(took_part(ANNE + n, "REGISTERED", NOW - DAY - n) for n in range(250)),
        ]
    )
    reader = Reader(BY_NAME["marketing_events"], t)
    await reader.run(stop_after=1)
    assert str(ANNE + 240) in {row.contact_id for row in reader.rows.values()}
    portal.load([took_part(ANNE + 240, "ATTENDED", NOW)])
    before = t.requests
    await reader.run(stop_after=100)
    assert (len(reader.rows), t.requests - before) == (250, 3)  # the list, two pages
    await reader.run(until=NOW + MINUTE)  # the list said something else when the first page was read
    assert told(reader)[str(ANNE + 240), "Webinaire RGPD"] == "ATTENDED"


async def test_one_that_slipped_between_two_pages_is_looked_for(fake: Any) -> None:
    """Pages are offsets: who goes moves the others up, and one of them is on no page that is read."""
    contacts, asked = [str(ANNE + n) for n in range(4)], 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        if not request.url.path.endswith("/breakdown"):
            event = {"objectId": "7", "registrants": 4, "updatedAt": "2026-01-01T00:00:00Z"}
            return httpx.Response(200, json={"results": [event]})
        after, asked = int(request.url.params.get("after", 0)), asked + 1
        shown = contacts[after : after + 2] if asked != 2 else contacts[3:]
        page = {"total": 4, "results": [participation(who) for who in shown]}
        more = {"paging": {"next": {"after": str(after + 2)}}} if after == 0 else {}
        return httpx.Response(200, json={**page, **more})

    reader = Reader(BY_NAME["marketing_events"], fake(answer))
    await reader.run()
    assert len(reader.rows) == 3
    await reader.run(until=NOW + DAY)
    assert len(reader.rows) == 4
    before = asked
    await reader.run(until=NOW + 2 * DAY)
    assert asked == before


def participation(contact: str | None, **more: Any) -> dict[str, Any]:
    who = {"contactId": contact, "email": "Anne@ACME.fr"}
    said = {"attendanceState": "ATTENDED", "occurredAt": NOW}
    return {"id": f"p{contact}", "associations": {"contact": who}, "properties": said, **more}


async def test_what_the_vendor_may_leave_out(fake: Any) -> None:
    """Without a contact's id its address stands for it; without a moment of the state, that of its making; an
    event that counts nobody is read each time; one without any time tells nothing."""
    nameless = {"objectId": 7, "eventName": None}
    bare = {"attendanceState": "REGISTERED"}
    told = [
        participation(None),
        participation("51", properties=bare, createdAt="2026-11-16T09:00:00Z"),
        participation("52", properties=bare),
        {"id": "odd"},
    ]
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path.rpartition("/")[2])
        return httpx.Response(200, json={"results": told if asked[-1] == "breakdown" else [nameless, {}]})

    reader = Reader(BY_NAME["marketing_events"], fake(answer))
    await reader.run()
    by_address, by_id = sorted(reader.rows.values(), key=lambda row: row.contact_id or "")
    assert (by_address.contact_id, by_address.address) == (None, "anne@acme.fr")
    assert (by_id.contact_id, by_id.address, by_id.at) == ("51", None, 1_794_819_600_000)
    assert (by_id.attrs, reader.skipped) == ({"name": "", "state": "REGISTERED"}, 2)
    await reader.run(until=NOW + DAY)
    assert asked == ["2026-03", "breakdown"] * 2


async def test_an_event_deleted_after_it_was_listed_does_no_harm(fake: Any) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/breakdown"):
            return httpx.Response(404, json={"status": "error", "message": "resource not found"})
        return httpx.Response(200, json={"results": [{"objectId": "7", "registrants": 1}]})

    reader = Reader(BY_NAME["marketing_events"], fake(answer))
    await reader.run()
    assert (reader.rows, list(reader.bookmark or {})) == ({}, ["7"])
