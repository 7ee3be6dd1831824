"""Marketing e-mail events against the sandbox."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from engagement_reader import BY_NAME, YEAR, Reader, whole
from manual_clock import NOW

from connector.errors import ServerFault
from connector.hubspot.engagement import OVERLAP, Wanted
from connector.hubspot.transport import Transport
from connector.model import DAY, HOUR
from connector.sandbox import Portal, rows


def event(id: str, kind: str, at: int, **more: Any) -> rows.EmailEvent:
    return rows.EmailEvent(id, kind, at, "Anne@acme.fr", 4711, "Votre démo", **more)


async def test_an_email_event_has_campaign_and_bot_flag(portal: Portal, t: Transport) -> None:
    portal.load(
        [
            event("a", "OPEN", NOW - DAY, filtered=True),
            event("b", "CLICK", NOW - DAY, url="https://acme.fr/x", user_agent="Mozilla/5.0 (iPhone)"),
            *(event(f"s{n}", kind, NOW) for n, kind in enumerate(("SENT", "DELIVERED", "UNBOUNCE"))),
        ]
    )
    reader = await whole("email_events", t)
    opened, clicked = (reader.rows[f"{id}:{NOW - DAY}", "anne@acme.fr"] for id in ("a", "b"))
    assert opened.event == "email_open"
    assert opened.attrs == {"email": "4711", "subject": "Votre démo", "url": None, "crm_filtered": True}
    assert (clicked.event, clicked.attrs["url"]) == ("email_click", "https://acme.fr/x")
    assert clicked.attrs["agent"] == "Mozilla/5.0 (iPhone)"
    assert len(reader.rows) == 2


async def test_only_wanted_types_are_asked_for(portal: Portal, t: Transport) -> None:
    reader = Reader(BY_NAME["email_events"], t)
    clicks = Wanted(frozenset({"email_click"}), lambda _: True)
    await reader.run(since=NOW - 29 * DAY, wanted=clicks)
    assert ["eventType=CLICK" in entry["query"] for entry in portal.journal()] == [True]
    assert reader.bookmark == {"CLICK": NOW}
    await reader.run(since=NOW - 29 * DAY)
    assert reader.bookmark == dict.fromkeys(("BOUNCE", "CLICK", "OPEN", "SPAMREPORT", "STATUSCHANGE"), NOW)


async def test_windows_meet_without_gap_or_overlap(portal: Portal, t: Transport) -> None:
    edges = [YEAR + n * 30 * DAY + d for n in range(14) for d in (-1, 0, 1)]
    portal.load(event(str(at), "OPEN", at) for at in [*edges, NOW, NOW + 1] if at <= NOW + 1)
    reader = await whole("email_events", t)
    assert {row.at for row in reader.rows.values()} == {at for at in [*edges, NOW] if YEAR <= at <= NOW}
    assert reader.given == len(reader.rows)


async def test_a_walk_that_goes_on_later_leaves_no_gap(portal: Portal, t: Transport) -> None:
    """The horizon moves with the clock; the windows of a walk that was killed do not."""
    portal.load(event(f"a{n}", "OPEN", YEAR + DAY + n) for n in range(2100))  # three pages of one window
    portal.load(event(f"b{n}", "OPEN", YEAR + n * DAY) for n in range(20, 45))
    reader = Reader(BY_NAME["email_events"], t)
    await reader.run(stop_after=2, wanted=Wanted(frozenset({"email_open"}), lambda _: True))
    assert 0 < len(reader.rows) < 2100
    await reader.run(since=YEAR + DAY // 2, until=NOW + DAY // 2)
    assert len(reader.rows) == 2125
    assert reader.bookmark is not None
    assert reader.bookmark["OPEN"] == NOW  # what came since is for the next increment


async def test_a_late_event_is_in_the_next_increment(portal: Portal, t: Transport) -> None:
    reader = await whole("email_events", t)
    portal.load([event("late", "OPEN", NOW - OVERLAP // 2), event("new", "OPEN", NOW + 5)])
    await reader.run(until=NOW + HOUR)
    assert len(reader.rows) == 2


async def test_only_the_end_of_a_subscription_is_an_unsubscribe(fake: Any) -> None:
    base = {"type": "STATUSCHANGE", "recipient": "a@b.fr", "created": NOW}
    events = [
        {**base, "id": "1", "portalSubscriptionStatus": "UNSUBSCRIBED"},
        {**base, "id": "2", "portalSubscriptionStatus": "SUBSCRIBED"},
        {**base, "id": "3"},
        {  # one kind of mail only, asked for by somebody of the account
            **base,
            "id": "6",
            "portalSubscriptionStatus": "SUBSCRIBED",
            "subscriptions": [{"id": 2849, "status": "UNSUBSCRIBED"}],
            "requestedBy": "sales@acme.fr",
        },
        {"id": "4", "recipient": "a@b.fr", "created": NOW},
        {**base, "id": "5", "portalSubscriptionStatus": "UNSUBSCRIBED", "created": None},
    ]
    t = fake(lambda _: httpx.Response(200, json={"hasMore": False, "offset": "x", "events": events}))
    reader = Reader(BY_NAME["email_events"], t)
    wanted = Wanted(frozenset({"email_unsubscribe"}), lambda _: True)
    await reader.run(since=NOW - DAY, wanted=wanted)
    assert [row.id for row in reader.rows.values()] == [f"1:{NOW}"]
    assert reader.skipped == 1


async def test_an_offset_that_comes_again_is_a_loop(fake: Any) -> None:
    t = fake(lambda _: httpx.Response(200, json={"hasMore": True, "offset": "x", "events": []}))
    with pytest.raises(ServerFault, match="again and again"):
        await Reader(BY_NAME["email_events"], t).run()
