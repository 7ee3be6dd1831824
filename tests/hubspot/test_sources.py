"""Page views, meetings, calls, e-mails, lists and deals: what becomes of one row."""

from __future__ import annotations

import pytest
from engagement_reader import ALL, whole
from manual_clock import NOW

from connector.hubspot.engagement import OVERLAP, Wanted, deal_engagement
from connector.hubspot.objects import record
from connector.hubspot.transport import Transport
from connector.model import DAY, HOUR
from connector.sandbox import Portal, rows

ANNE = 10_000_000_001


async def test_a_page_view_has_its_path(portal: Portal, t: Transport) -> None:
    url = "https://www.acme.fr/tarifs?utm_source=x"
    viewed = rows.WebEvent("w1", ANNE, "e_visited_page", NOW - DAY, {"hs_url": url, "hs_title": "Tarifs"})
    other = rows.WebEvent("w2", ANNE, "e_meeting_booked", NOW - DAY, {})
    portal.load([rows.Object("contacts", ANNE, {}, NOW - DAY, NOW - DAY), viewed, other])
    [view] = (await whole("page_views", t)).rows.values()
    assert (view.id, view.contact_id, view.at) == ("w1", str(ANNE), NOW - DAY)
    assert view.attrs == {"path": "/tarifs", "domain": "www.acme.fr", "url": url}


async def test_a_late_page_view_is_in_the_next_increment(portal: Portal, t: Transport) -> None:
    reader = await whole("page_views", t)
    late = rows.WebEvent("late", ANNE, "e_visited_page", NOW - OVERLAP // 2, {"hs_url": "https://acme.fr/"})
    portal.load([rows.Object("contacts", ANNE, {}, NOW - DAY, NOW - DAY), late])
    await reader.run(until=NOW + HOUR)
    assert [row.id for row in reader.rows.values()] == ["late"]


def activity(kind: str, id: int, contacts: list[int], **properties: str) -> list[rows.Row]:
    said = {"hs_timestamp": str(NOW - DAY), **properties}
    made = rows.Object(kind, id, said, NOW - DAY, NOW - DAY)
    people = [rows.Object("contacts", contact, {}, NOW - 9 * DAY, NOW - 9 * DAY) for contact in contacts]
    return [*people, made, *(rows.Link(kind, id, "contacts", contact) for contact in contacts)]


@pytest.mark.parametrize(
    ("properties", "attrs"),
    [
        ({"hs_email_direction": "EMAIL", "hs_email_status": "SENT"}, ("outbound", "SENT", False)),
        ({"hs_email_direction": "INCOMING_EMAIL"}, ("inbound", None, False)),
        ({"hs_email_direction": "FORWARDED_EMAIL"}, (None, None, False)),
        ({"hs_email_direction": "EMAIL", "hs_sequence_id": "77"}, ("outbound", None, True)),
    ],
)
async def test_an_email_of_sales_says_which_way_it_went_and_whether_a_sequence_sent_it(
    portal: Portal, t: Transport, properties: dict[str, str], attrs: tuple[str | None, str | None, bool]
) -> None:
    portal.load(activity("emails", 777, [ANNE], **properties, hs_email_subject="Suite à notre échange"))
    [email] = (await whole("emails", t)).rows.values()
    assert (email.event, email.at, email.contact_id) == ("sales_email", NOW - DAY, str(ANNE))
    assert email.label == "Suite à notre échange"
    assert email.attrs == dict(zip(("direction", "status", "sequence"), attrs, strict=True))


async def test_a_meeting_is_an_event_of_everyone_in_it(portal: Portal, t: Transport) -> None:
    """At the time of booking while it is to come, at its start once it was held."""
    meeting = {
        "hs_meeting_start_time": str(NOW + DAY),
        "hs_meeting_outcome": "SCHEDULED",
        "hs_activity_type": "Démo",
        "hs_meeting_title": "Démo ACME",
    }
    portal.load(activity("meetings", 555, [ANNE, ANNE + 1], **meeting))
    reader = await whole("meetings", t)
    both = [("555", str(ANNE)), ("555", str(ANNE + 1))]
    assert {key: row.at for key, row in reader.rows.items()} == dict.fromkeys(both, NOW - DAY)
    portal.advance(2 * DAY / 1000)
    portal.edit(555, {"hs_meeting_outcome": "COMPLETED"}, kind="meetings")
    await reader.run(until=NOW + 3 * DAY)
    assert {key: row.at for key, row in reader.rows.items()} == dict.fromkeys(both, NOW + DAY)
    for row in reader.rows.values():
        assert (row.attrs, row.label) == ({"outcome": "COMPLETED", "type": "Démo"}, "Démo ACME")


async def test_a_call_that_search_shows_late_is_in_the_next_increment(portal: Portal, t: Transport) -> None:
    portal.load([rows.Object("contacts", ANNE, {}, NOW - DAY, NOW - DAY)])
    reader = await whole("calls", t)
    portal.lag(120)
    made = {"hs_timestamp": str(NOW), "hs_call_direction": "INBOUND"}
    portal.create("calls", made, links=[("contacts", ANNE)])
    portal.advance(60)
    await reader.run(until=NOW + 60_000)
    assert not reader.rows
    portal.advance(120)
    await reader.run(until=NOW + 180_000)
    assert [row.attrs["direction"] for row in reader.rows.values()] == ["inbound"]


async def test_a_meeting_of_nobody_and_one_without_a_time_do_no_harm(portal: Portal, t: Transport) -> None:
    portal.load([*activity("meetings", 555, []), *activity("meetings", 556, [ANNE], hs_timestamp="")])
    reader = await whole("meetings", t)
    (kept,) = reader.rows.values()  # whose contact may come out of the bin
    assert (kept.contact_id, dict(kept.attrs), kept.label, reader.skipped) == (None, {}, "", 1)


async def test_a_call_speaks_plainly(portal: Portal, t: Transport) -> None:
    known = "73a0d17f-1163-4015-bdd5-ec830791da20"
    portal.load(
        [
            *activity(
                "calls",
                1,
                [ANNE],
                hs_call_direction="OUTBOUND",
                hs_call_disposition=known,
                hs_call_duration="61500",
            ),
            *activity("calls", 2, [ANNE], hs_call_disposition="an-account-s-own"),
        ]
    )
    reader = await whole("calls", t)
    assert reader.rows["1", str(ANNE)].attrs == {
        "direction": "outbound",
        "outcome": "no_answer",
        "seconds": 61.5,
    }
    assert reader.rows["2", str(ANNE)].attrs == {
        "direction": None,
        "outcome": "an-account-s-own",
        "seconds": None,
    }


async def test_lists_that_the_mapping_cares_for(portal: Portal, t: Transport) -> None:
    people = [rows.Object("contacts", ANNE + n, {}, NOW - DAY, NOW - DAY) for n in range(300)]
    portal.load(
        [
            *people,
            rows.ListDef(7, "salon-lyon-2026"),
            rows.ListDef(8, "Newsletter"),
            *(rows.Membership(7, ANNE + n, NOW - n * HOUR) for n in range(300)),
            rows.Membership(8, ANNE, NOW),
        ]
    )
    fairs = Wanted(ALL.events, lambda name: name.startswith("salon-"))
    reader = await whole("lists", t, wanted=fairs)
    assert len(reader.rows) == 300
    one = reader.rows[f"7:{NOW}", str(ANNE)]
    assert (one.attrs, one.label) == ({"list": "salon-lyon-2026", "list_id": "7"}, "salon-lyon-2026")
    before = t.requests
    await reader.run(wanted=fairs)
    assert t.requests - before == 2


# -- deals ---------------------------------------------------------------------------------------------

ENTERED = {"hs_v2_date_entered_current_stage": "2026-09-01T10:00:00.000Z"}


@pytest.mark.parametrize(("more", "at"), [(ENTERED, 1788256800000), ({}, NOW)], ids=["entered", "modified"])
def test_a_deal_is_an_event_of_its_contacts(more: dict[str, str], at: int) -> None:
    said = {
        "dealname": "ACME 2026",
        "dealstage": "contractsent",
        "pipeline": "default",
        "hs_deal_stage_probability": "0.9",
        "amount": "12000.50",
        "hs_lastmodifieddate": str(NOW),
    }
    given = deal_engagement(record({"id": 9, "properties": {**said, **more}}), ["51", "52"])
    assert [(row.id, row.event, row.at, row.contact_id) for row in given] == [
        ("9:contractsent", "deal_stage", at, contact) for contact in ("51", "52")
    ]
    assert given[0].attrs == {
        "pipeline": "default",
        "stage": "contractsent",
        "probability": 0.9,
        "amount": 12000.5,
    }


@pytest.mark.parametrize("said", [{"dealstage": "won"}, {"hs_lastmodifieddate": str(NOW)}])
def test_a_deal_without_stage_or_time_is_none(said: dict[str, str]) -> None:
    assert deal_engagement(record({"id": 9, "properties": said}), ["51"]) == []
