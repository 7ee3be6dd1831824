"""Marketing events and who took part (HUBSPOT.md 5.6): pages, states, people who merge and leave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from small_account import BOB, DAY, JANE, NOW, WEBINAR, ZOE

from connector import sandbox
from connector.sandbox.rows import MarketingEvent, Object, Participation

Ask = Callable[..., Any]
EVENTS = "/marketing/marketing-events/2026-03"
OF = f"{EVENTS}/participations/{WEBINAR}/breakdown"


def states(ask: Ask, path: str) -> dict[str, str]:
    _, body = ask("GET", path)
    told = [(row["associations"]["contact"], row["properties"]) for row in body["results"]]
    return {contact["contactId"]: said["attendanceState"] for contact, said in told}


def test_an_event_counts_its_people(ask: Ask) -> None:
    _, body = ask("GET", EVENTS)
    (shown,) = body["results"]
    assert "paging" not in body
    assert shown["objectId"] == str(WEBINAR)
    assert (shown["eventName"], shown["eventCompleted"]) == ("Webinaire RGPD", True)
    assert [shown[name] for name in ("registrants", "attendees", "cancellations", "noShows")] == [2, 1, 0, 0]
    assert ask("GET", f"{EVENTS}/{WEBINAR}")[1] == shown
    _, counted = ask("GET", f"{EVENTS}/participations/{WEBINAR}")
    assert counted == {"attended": 1, "registered": 1, "cancelled": 0, "noShows": 0}


def test_events_page_by_page(portal: sandbox.Portal, ask: Ask) -> None:
    portal.load(MarketingEvent(WEBINAR + n, f"w{n}", NOW, NOW, NOW) for n in range(1, 13))
    _, first = ask("GET", EVENTS)
    assert len(first["results"]) == 10  # as many as without a limit
    _, rest = ask("GET", f"{EVENTS}?limit=100&after={first['paging']['next']['after']}")
    ids = [row["objectId"] for row in (*first["results"], *rest["results"])]
    assert ids == [str(WEBINAR + n) for n in range(13)]
    assert ask("GET", f"{EVENTS}?limit=101")[0] == 400


def test_a_participation_has_its_state_and_since_when(ask: Ask) -> None:
    _, body = ask("GET", f"{OF}?contactIdentifier={JANE}")
    (shown,) = body["results"]
    assert body["total"] == 1
    assert shown["properties"] == {"attendanceState": "ATTENDED", "occurredAt": NOW - 2 * DAY}
    assert shown["createdAt"] == "2026-11-12T11:06:40.000Z"
    assert shown["associations"]["contact"]["email"] == "jane@acme.fr"
    assert shown["associations"]["marketingEvent"]["name"] == "Webinaire RGPD"


def test_a_change_of_state_is_the_same_participation(portal: sandbox.Portal, ask: Ask) -> None:
    def bobs() -> tuple[str, str, str]:
        _, body = ask("GET", f"{OF}?contactIdentifier=bob@acme.fr")
        (row,) = body["results"]
        return row["id"], row["createdAt"], row["properties"]["attendanceState"]

    id, created, state = bobs()
    assert state == "REGISTERED"
    portal.load([Participation(WEBINAR, BOB, "NO_SHOW", NOW)])
    assert bobs() == (id, created, "NO_SHOW")


def test_participations_page_by_page_and_by_state(portal: sandbox.Portal, ask: Ask) -> None:
    people = [Object("contacts", 80_000_000_000 + n, {}, NOW, NOW) for n in range(25)]
    portal.load([*people, *(Participation(WEBINAR, row.id, "CANCELLED", NOW) for row in people)])
    seen: list[str] = []
    after = "0"
    while after:
        _, page = ask("GET", f"{OF}?after={after}")
        assert page["total"] == 27
        seen += [row["associations"]["contact"]["contactId"] for row in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after", "")
    assert len(seen) == len(set(seen)) == 27
    assert states(ask, f"{OF}?state=ATTENDED") == {str(JANE): "ATTENDED"}
    assert len(states(ask, f"{OF}?state=CANCELLED&limit=100")) == 25


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{OF}?limit=101", 400),
        (f"{OF}?limit=0", 400),
        (f"{OF}?state=LATE", 400),
        (f"{OF}?after=x", 400),
        (f"{EVENTS}/9", 404),
        (f"{EVENTS}/participations/9/breakdown", 404),
        (f"{EVENTS}/participations/x", 404),
    ],
)
def test_asked_for_wrongly(ask: Ask, path: str, status: int) -> None:
    assert ask("GET", path)[0] == status


def test_of_a_contact_by_id_and_by_any_address(ask: Ask) -> None:
    for name in (str(JANE), "jane@acme.fr", "elodie@home.fr"):
        path = f"{EVENTS}/participations/contacts/{name}/breakdown"
        assert states(ask, path) == {str(JANE): "ATTENDED"}
    assert states(ask, f"{EVENTS}/participations/contacts/{ZOE}/breakdown") == {}


def test_a_merge_takes_both_along_and_an_erasure_takes_all(portal: sandbox.Portal, ask: Ask) -> None:
    new = portal.merge(JANE, BOB)
    _, body = ask("GET", OF)
    contacts = [row["associations"]["contact"]["contactId"] for row in body["results"]]
    assert contacts == [str(new), str(new)]
    assert [row["properties"]["attendanceState"] for row in body["results"]] == ["ATTENDED", "REGISTERED"]
    portal.erase(new)
    assert ask("GET", OF)[1]["results"] == []


def test_people_in_the_bin_are_not_told_of(portal: sandbox.Portal, ask: Ask) -> None:
    portal.archive(BOB)
    assert states(ask, OF) == {str(JANE): "ATTENDED"}


def test_it_takes_a_scope_of_its_own(portal: sandbox.Portal, ask: Ask) -> None:
    portal.grant(["crm.objects.contacts.read"])
    status, body = ask("GET", EVENTS)
    assert (status, body["category"]) == (403, "MISSING_SCOPES")
    assert "crm.objects.marketing_events.read" in str(body)


def test_one_can_be_made_over_http(ask: Ask, client: httpx.Client) -> None:
    event = {"row": "MarketingEvent", "id": 71, "name": "Salon", "start": NOW, "end": NOW, "created": NOW}
    took_part = {"row": "Participation", "event_id": 71, "contact_id": ZOE, "state": "EMPTY", "at": NOW}
    assert client.post("/__sandbox__/rows", json=[event, took_part]).status_code == 200
    assert states(ask, f"{EVENTS}/participations/71/breakdown") == {str(ZOE): "EMPTY"}
    assert ask("GET", f"{EVENTS}/71")[1]["registrants"] == 0
