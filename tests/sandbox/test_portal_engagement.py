"""Marketing e-mail events, web events, forms and their submissions (HUBSPOT.md 5.3-5.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from small_account import BOB, DAY, JANE, NOW

from connector import sandbox
from connector.sandbox.rows import EmailEvent, Form, Submission, WebEvent

Ask = Callable[..., Any]
EMAIL = "/email/public/v1/events"
EVENTS = "/events/event-occurrences/2026-03"
HOUR = 3_600_000


def _ids(ask: Ask, query: str = "") -> list[str]:
    return [one["id"] for one in ask("GET", f"{EMAIL}?limit=1000{query}")[1]["events"]]


def test_the_end_of_the_window_belongs_to_it(ask: Ask) -> None:
    first, second = NOW - 4 * DAY, NOW - 3 * DAY
    assert _ids(ask, f"&startTimestamp={first}&endTimestamp={second}") == ["e2", "e1"]
    assert _ids(ask, f"&startTimestamp={first}&endTimestamp={second - 1}") == ["e1"]
    assert _ids(ask, f"&startTimestamp={first + 1}&endTimestamp={second}") == ["e2"]


def test_pages_go_on_where_the_last_one_stopped(portal: sandbox.Portal, ask: Ask) -> None:
    portal.load([EmailEvent(f"m{n}", "OPEN", NOW - HOUR, "jane@acme.fr", 12, "Re") for n in range(5)])
    seen: list[str] = []
    offset, more = "", True
    while more:
        _, body = ask("GET", f"{EMAIL}?limit=2&recipient=JANE@acme.fr&offset={offset}")
        seen += [one["id"] for one in body["events"]]
        offset, more = body["offset"], body["hasMore"]
        # What happens in between comes before the pages still to be read, and moves none of them.
        portal.load([EmailEvent(f"late{len(seen)}", "OPEN", NOW, "jane@acme.fr", 12, "Re")])
    assert seen == ["m4", "m3", "m2", "m1", "m0", "e1"]
    assert ask("GET", f"{EMAIL}?offset=nonsense")[0] == 400
    assert ask("GET", f"{EMAIL}?limit=1001")[0] == 400


TYPES = (
    "SENT",
    "PROCESSED",
    "DEFERRED",
    "DROPPED",
    "DELIVERED",
    "OPEN",
    "CLICK",
    "BOUNCE",
    "PRINT",
    "FORWARD",
    "STATUSCHANGE",
    "SPAMREPORT",
    "SUPPRESSED",
    "UNBOUNCE",
)


def test_every_type_there_is(portal: sandbox.Portal, ask: Ask) -> None:
    portal.load(
        [EmailEvent(f"t{n}", kind, NOW + n, "zoe@x.fr", 9, "Bonjour") for n, kind in enumerate(TYPES)]
    )
    _, body = ask("GET", f"{EMAIL}?recipient=zoe@x.fr&limit=100")
    # UNBOUNCE comes without a type.
    assert [one.get("type") for one in reversed(body["events"])] == [*TYPES[:-1], None]
    assert [one["id"] for one in ask("GET", f"{EMAIL}?eventType=SUPPRESSED")[1]["events"]] == ["t12"]
    assert [one["id"] for one in ask("GET", f"{EMAIL}?eventType=UNBOUNCE")[1]["events"]] == ["t13"]
    clicked = next(one for one in body["events"] if one.get("type") == "CLICK")
    opened = next(one for one in body["events"] if one.get("type") == "OPEN")
    assert {"url", "linkId"} <= set(clicked) and opened["duration"] > 0 and "duration" not in clicked


def test_what_came_of_one_mail(portal: sandbox.Portal, ask: Ask) -> None:
    who = ("zoe@x.fr", 9, "Bonjour")
    portal.load(
        [
            EmailEvent("sent-1", "SENT", NOW - 3 * HOUR, *who),
            EmailEvent("open-1", "OPEN", NOW - 2 * HOUR, *who),
            EmailEvent("sent-2", "SENT", NOW - HOUR, *who),
            EmailEvent("drop-2", "DROPPED", NOW, *who, extra={"dropReason": "PREVIOUSLY_BOUNCED"}),
            EmailEvent("other", "OPEN", NOW, "zoe@x.fr", 10, "Salut"),
        ]
    )
    found = {one["id"]: one for one in ask("GET", f"{EMAIL}?recipient=zoe@x.fr&limit=100")[1]["events"]}
    assert found["open-1"]["sentBy"] == {"id": "sent-1", "created": NOW - 3 * HOUR}
    assert found["drop-2"]["sentBy"] == {"id": "sent-2", "created": NOW - HOUR}
    assert found["drop-2"]["dropReason"] == "PREVIOUSLY_BOUNCED"
    assert "sentBy" not in found["sent-1"] and "sentBy" not in found["other"]
    assert _ids(ask, f"&sentById=sent-1&sentByCreated={NOW - 3 * HOUR}") == ["open-1"]
    assert _ids(ask, f"&sentById=sent-2&sentByCreated={NOW - HOUR}") == ["drop-2"]
    assert _ids(ask, f"&sentById=sent-2&sentByCreated={NOW}") == []
    assert ask("GET", f"{EMAIL}?sentById=sent-1")[0] == 400


def test_an_event_that_arrives_late_was_there_all_along(portal: sandbox.Portal, ask: Ask) -> None:
    late = EmailEvent(
        "late", "CLICK", NOW - 5 * DAY, "bob@acme.fr", 12, "Bonjour", visible_from=NOW + 2 * HOUR
    )
    portal.happen([late])
    window = f"&startTimestamp={NOW - 6 * DAY}&endTimestamp={NOW - 4 * DAY}"
    assert _ids(ask, window) == ["e1"]
    portal.advance(2 * 3600)
    assert _ids(ask, window) == ["e1", "late"]
    assert "visible" not in str(ask("GET", f"{EMAIL}?eventType=CLICK")[1])


def test_a_late_event_can_be_told_over_http(portal: sandbox.Portal, ask: Ask, client: httpx.Client) -> None:
    row = {
        "row": "EmailEvent",
        "id": "late",
        "type": "OPEN",
        "at": NOW - DAY,
        "recipient": "bob@acme.fr",
        "campaign_id": 12,
        "subject": "Bonjour",
        "visible_from": NOW + 1000,
    }
    assert client.post("/__sandbox__/happen", json=[row]).status_code == 200
    assert "late" not in _ids(ask)
    portal.advance(1)
    assert "late" in _ids(ask)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("&campaignId=12", ["bot", "e2", "e1"]),
        ("&campaignId=13", []),
        ("&appId=113", ["bot", "e2", "e1"]),
        ("&appId=1", []),
        ("&excludeFilteredEvents=true", ["e2", "e1"]),
        ("&recipient=BOB@ACME.FR&eventType=CLICK", ["bot", "e2"]),
    ],
)
def test_events_are_chosen_by(portal: sandbox.Portal, ask: Ask, query: str, ids: list[str]) -> None:
    portal.load([EmailEvent("bot", "CLICK", NOW, "bob@acme.fr", 12, "Bonjour", filtered=True)])
    assert _ids(ask, query) == ids


def test_a_late_click_counts_on_the_contact_but_a_bots_does_not(portal: sandbox.Portal) -> None:
    click = EmailEvent("c", "CLICK", NOW, "bob@acme.fr", 12, "Bonjour")
    bot = EmailEvent("b", "CLICK", NOW, "bob@acme.fr", 12, "Bonjour", filtered=True)
    portal.happen([click, bot])
    assert portal.record("contacts", BOB)["properties"]["hs_email_click"] == "1"


def _seen(ask: Ask, query: str) -> list[str]:
    return [one["id"] for one in ask("GET", f"{EVENTS}?eventType=e_visited_page{query}")[1]["results"]]


def test_web_events_by_property_id_and_page(portal: sandbox.Portal, ask: Ask) -> None:
    url = {"hs_url": "https://x.fr/prix", "hs_title": "Prix"}
    portal.load([WebEvent(f"p{n}", JANE, "e_visited_page", NOW - n * HOUR, url) for n in range(4)])
    assert _seen(ask, "&property.hs_title=Prix") == ["p0", "p1", "p2", "p3"]
    assert _seen(ask, "&property.hs_title=Autre") == []
    assert _seen(ask, "&id=p1&id=p3") == ["p1", "p3"]
    assert _seen(ask, f"&objectType=contact&objectId={BOB}") == ["w2"]
    assert _seen(ask, "&objectType=contact&objectProperty.email=elodie@home.fr&limit=2") == ["p0", "p1"]
    _, page = ask("GET", f"{EVENTS}?eventType=e_visited_page&limit=2&properties=hs_title")
    assert [one["properties"] for one in page["results"]] == [{"hs_title": "Prix"}] * 2
    cursor = page["paging"]["next"]["after"]
    assert _seen(ask, f"&limit=2&after={cursor}") == ["p2", "p3"]
    assert _seen(ask, f"&limit=1&before={cursor}") == ["p0"]
    assert _seen(ask, "&sort=occurredAt&limit=1") == ["w1"]


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("sort=-occurredAt&sort=id", 400, "Only a single sort field 'occurredAt' is supported"),
        ("sort=id", 400, "Only a single sort field 'occurredAt' is supported"),
        ("after=x", 400, "Invalid after"),
        ("occurredAfter=hier", 400, "Invalid occurredAfter"),
        ("property.a%22b=1", 400, "Invalid property"),
        ("objectType=deal&objectId=1", 501, "object type deal"),
        ("objectProperty.phone=1", 501, "objectProperty.phone"),
    ],
)
def test_events_asked_for_wrongly(ask: Ask, query: str, status: int, words: str) -> None:
    answer = ask("GET", f"{EVENTS}?eventType=e_visited_page&{query}")
    assert answer[0] == status and words in answer[1]["message"]


def test_event_types_name_also_what_never_happened(ask: Ask) -> None:
    _, body = ask("GET", f"{EVENTS}/event-types")
    assert {"e_visited_page", "e_meeting_booked", "e_v2_contact_replied_sequence_email"} <= set(
        body["eventTypes"]
    )
    assert ask("GET", EVENTS)[0] == 400


FORMS = [
    Form("form-2", "Popup", NOW, "captured"),
    Form("form-3", "Flow", NOW, "flow"),
    Form("form-4", "Commentaires", NOW, "blog_comment"),
    Form("form-5", "Vieux", NOW, archived=True),
]


@pytest.mark.parametrize(
    ("query", "guids"),
    [
        ("", ["form-1"]),
        ("?formTypes=hubspot", ["form-1"]),
        ("?formTypes=captured,flow", ["form-2", "form-3"]),
        ("?formTypes=captured&formTypes=flow", ["form-2", "form-3"]),
        ("?formTypes=all", ["form-1", "form-2", "form-3", "form-4"]),
        ("?formTypes=all&archived=true", ["form-5"]),
    ],
)
def test_which_forms_there_are(portal: sandbox.Portal, ask: Ask, query: str, guids: list[str]) -> None:
    portal.load(FORMS)
    for path in ("/marketing/v3/forms/", "/marketing/forms/2026-09-beta"):
        assert [one["id"] for one in ask("GET", path + query)[1]["results"]] == guids


def test_forms_page_by_page(portal: sandbox.Portal, ask: Ask) -> None:
    portal.load(FORMS)
    _, first = ask("GET", "/marketing/v3/forms?formTypes=all&limit=3")
    after = first["paging"]["next"]["after"]
    _, second = ask("GET", f"/marketing/v3/forms?formTypes=all&limit=3&after={after}")
    assert [one["id"] for one in second["results"]] == ["form-4"] and "paging" not in second
    assert ask("GET", "/marketing/v3/forms?formTypes=some")[0] == 400
    assert ask("GET", "/marketing/v3/forms/form-5")[0] == 404
    assert ask("GET", "/marketing/v3/forms/form-5?archived=true")[1]["archived"] is True


SUBMISSIONS = "/form-integrations/v1/submissions/forms"


def test_submissions_newest_first_fifty_at_most(portal: sandbox.Portal, ask: Ask) -> None:
    many = [Submission("form-1", NOW - n * HOUR, {"email": f"p{n}@x.fr"}, "") for n in range(60)]
    portal.load([*reversed(many), *FORMS])
    _, usual = ask("GET", f"{SUBMISSIONS}/form-1")
    assert len(usual["results"]) == 20
    assert ask("GET", f"{SUBMISSIONS}/form-1?limit=51")[0] == 400
    times: list[int] = []
    after = "0"
    while after:
        _, page = ask("GET", f"{SUBMISSIONS}/form-1?limit=50&after={after}")
        times += [one["submittedAt"] for one in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after", "")
    assert len(times) == 62 and times == sorted(times, reverse=True)


def test_submissions_carry_values_by_field_and_no_contact(portal: sandbox.Portal, ask: Ask) -> None:
    _, body = ask("GET", f"{SUBMISSIONS}/form-1?limit=1")
    (one,) = body["results"]
    assert one["values"] == [{"name": "email", "value": "Elodie@home.fr", "objectTypeId": "0-1"}]
    assert set(one) == {"conversionId", "submittedAt", "values", "pageUrl"}
    portal.knobs(form_conversion_id=False)
    assert "conversionId" not in ask("GET", f"{SUBMISSIONS}/form-1")[1]["results"][0]


def test_comments_have_no_submissions_to_read(portal: sandbox.Portal, ask: Ask) -> None:
    portal.load(FORMS)
    status, body = ask("GET", f"{SUBMISSIONS}/form-4")
    assert (status, body["subCategory"]) == (400, "FORM_TYPE_NOT_ALLOWED")
    assert ask("GET", f"{SUBMISSIONS}/none")[0] == 404
