"""Every source of engagement against the sandbox: complete, resumable at any page, quiet without news."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from manual_clock import NOW, ManualClock

from connector import sandbox
from connector.errors import ServerFault, Unavailable
from connector.hubspot.engagement import OVERLAP, SOURCES, EngagementPage, Source, Wanted, deal_engagement
from connector.hubspot.objects import record
from connector.hubspot.transport import Transport
from connector.model import DAY, HOUR, Document, Engagement, Secret
from connector.sandbox import Portal, rows

BY_NAME = {source.name: source for source in SOURCES}
ALL = Wanted(frozenset(event for source in SOURCES for event in source.events), lambda _: True)
YEAR = NOW - 400 * DAY
ANNE = 10_000_000_001


@pytest.fixture(scope="module")
def peopled() -> Iterator[Portal]:
    """A year of 60 people; the tests that share it only read."""
    with sandbox.start(contacts=60, seed=7, now=NOW) as running:
        running.knobs(burst_limit=0, search_limit=0, associations_limit=0)
        yield running


@pytest.fixture
async def p(peopled: Portal, clock: ManualClock) -> AsyncIterator[Transport]:
    async with Transport(peopled.url, Secret(peopled.token), clock) as transport:
        yield transport


class Reader:
    """What pull does with a source: rows upserted, progress and bookmark kept."""

    def __init__(self, source: Source, t: Transport) -> None:
        self.source = source
        self.t = t
        self.rows: dict[tuple[str, str | None], Engagement] = {}
        self.given = 0
        self.skipped = 0
        self.progress: Document | None = None
        self.bookmark: Document | None = None

    async def run(
        self, *, since: int = YEAR, until: int = NOW, stop_after: int = 10**9, wanted: Wanted = ALL
    ) -> int:
        """The number of pages, up to a kill after `stop_after` of them."""
        pages = self.source.pages(
            self.t,
            bookmark=self.bookmark,
            progress=self.progress,
            since=since,
            until=until,
            wanted=wanted,
        )
        count = 0
        async for page in pages:
            self._keep(page)
            count += 1
            if count == stop_after:
                break
        return count

    def _keep(self, page: EngagementPage) -> None:
        self.given += len(page.rows)
        self.skipped += page.skipped
        for row in page.rows:
            assert row.source == self.source.name
            assert row.event in self.source.events
            self.rows[row.id, row.contact_id or row.address] = row
        if page.progress is not None:
            self.progress = page.progress
        if page.bookmark is not None:
            self.bookmark, self.progress = page.bookmark, None

    @property
    def events(self) -> Counter[str]:
        return Counter(row.event for row in self.rows.values())


async def whole(name: str, t: Transport, **how: Any) -> Reader:
    reader = Reader(BY_NAME[name], t)
    await reader.run(**how)
    assert reader.bookmark is not None
    assert reader.progress is None
    return reader


# -- all of them ---------------------------------------------------------------------------------------


async def test_everything_that_happened_comes(peopled: Portal, p: Transport) -> None:
    counts = peopled.counts
    found = {name: (await whole(name, p)).events for name in BY_NAME}
    assert found["forms"].total() == counts["submissions"]
    assert found["page_views"].total() == counts["web_events"]
    assert found["lists"].total() == counts["memberships"]
    assert found["calls"].total() == counts["calls"]
    assert found["meetings"].total() == counts["meetings"]
    assert found["email_events"]["email_open"] > found["email_events"]["email_click"] > 0
    assert all(events.total() > 0 for events in found.values())


@pytest.mark.parametrize("name", sorted(BY_NAME))
async def test_a_walk_killed_at_any_page_goes_on(p: Transport, name: str) -> None:
    complete = await whole(name, p)
    step = 7 if name == "email_events" else 1
    reader = Reader(BY_NAME[name], p)
    for _ in range(1000):
        await reader.run(stop_after=step)
        if reader.bookmark is not None:
            break
    assert reader.rows == complete.rows
    assert reader.bookmark == complete.bookmark
    assert reader.progress is None


@pytest.mark.parametrize("name", sorted(BY_NAME))
async def test_nothing_new_costs_little_and_gives_nothing_old(p: Transport, name: str) -> None:
    reader = await whole(name, p)
    rows_before, requests = dict(reader.rows), []
    for _ in range(2):
        before, reader.given = p.requests, 0
        await reader.run()
        requests.append(p.requests - before)
    assert requests[0] == requests[1] <= 11  # the forms, and one for each
    assert reader.rows == rows_before
    assert reader.given <= len(reader.rows) / 2


@pytest.mark.parametrize("name", sorted(BY_NAME))
async def test_an_aged_cursor_begins_again(p: Transport, name: str) -> None:
    complete = await whole(name, p)
    feed = {"done": {}, "feed": next(iter(complete.bookmark or {})), "after": "aged", "newest": 0}
    window = {"type": "BOUNCE", "start": YEAR, "end": NOW, "offset": "aged"}
    aged: dict[str, Document] = {
        "forms": feed,
        "lists": feed,
        "email_events": {"until": NOW, "done": {}, "window": window},
        "page_views": {"start": YEAR, "end": NOW, "after": "aged"},
        "meetings": {"after": "aged", "until": NOW},
        "calls": {"after": "aged", "until": NOW},
    }
    reader = Reader(BY_NAME[name], p)
    reader.progress = {"from": None, "since": YEAR, "at": aged[name]}
    await reader.run()
    assert reader.rows == complete.rows


@pytest.mark.parametrize("name", sorted(BY_NAME))
async def test_a_backfill_is_not_cut_short_by_a_killed_increment(p: Transport, name: str) -> None:
    """Progress belongs to a walk from one bookmark; one that begins earlier does not go on from it."""
    complete = await whole(name, p)
    killed = Reader(BY_NAME[name], p)
    killed.bookmark = complete.bookmark
    await killed.run(stop_after=1)
    backfill = Reader(BY_NAME[name], p)
    backfill.progress = killed.progress
    await backfill.run()
    assert backfill.rows == complete.rows


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("forms", "forms"),
        ("email_events", "content"),
        ("meetings", "crm.objects.contacts.read"),
        ("calls", "crm.objects.contacts.read"),
        ("lists", "crm.lists.read"),
    ],
)
async def test_a_missing_scope_ends_the_source_alone(
    portal: Portal, t: Transport, name: str, scope: str
) -> None:
    portal.grant(["crm.objects.deals.read"])
    with pytest.raises(Unavailable, match=rf"needs the scope {scope}") as raised:
        await Reader(BY_NAME[name], t).run()
    assert scope in raised.value.fix
    assert "other sources go on" in raised.value.fix


async def test_page_views_need_enterprise(portal: Portal, t: Transport) -> None:
    portal.knobs(tier="professional")
    with pytest.raises(Unavailable, match=r"Page views cannot be read: .*an Enterprise account"):
        await Reader(BY_NAME["page_views"], t).run()


# -- forms ---------------------------------------------------------------------------------------------

FORM = rows.Form("0cabd3a8-0001", "livre-blanc-rgpd", NOW - 90 * DAY)


def submission(at: int, address: str = "Anne@ACME.fr ") -> rows.Submission:
    values = {"firstname": "Anne", "email": address}
    return rows.Submission(FORM.guid, at, values, "https://www.acme.fr/Livres-Blancs/rgpd?utm=x#top")


@pytest.mark.parametrize("with_id", [True, False], ids=["conversionId", "hashed"])
async def test_a_submission_is_joined_by_what_was_typed(portal: Portal, t: Transport, with_id: bool) -> None:
    portal.knobs(form_conversion_id=with_id)
    portal.load([FORM, submission(NOW - DAY), submission(NOW - DAY, "")])
    reader = await whole("forms", t)
    [anne, nobody] = sorted(reader.rows.values(), key=lambda row: row.address or "~")
    assert (anne.event, anne.at, anne.contact_id, anne.address) == (
        "form_submission",
        NOW - DAY,
        None,
        "anne@acme.fr",
    )
    assert anne.attrs == {
        "form": "livre-blanc-rgpd",
        "form_id": FORM.guid,
        "path": "/Livres-Blancs/rgpd",
        "domain": "www.acme.fr",
    }
    assert nobody.address is None
    assert anne.id != nobody.id


async def test_an_increment_reads_back_to_its_bookmark(portal: Portal, t: Transport) -> None:
    portal.load([FORM, *(submission(NOW - n * HOUR) for n in range(200))])
    reader = await whole("forms", t)
    assert len(reader.rows) == 200
    portal.load([submission(NOW + HOUR), submission(NOW - OVERLAP // 2)])  # a new one, a late one
    before, reader.given = t.requests, 0
    await reader.run(until=NOW + 2 * HOUR)
    assert len(reader.rows) == 202
    assert (reader.given, t.requests - before) == (3, 2)


async def test_one_form_further_back_than_another(portal: Portal, t: Transport) -> None:
    """Each has its own bookmark: a form that is new to us is read from the beginning."""
    portal.load([FORM, submission(NOW - 30 * DAY)])
    reader = await whole("forms", t)
    other = rows.Form("0cabd3a8-0000", "devis", NOW)
    older = rows.Submission(other.guid, NOW - 60 * DAY, {"email": "x@y.fr"}, "")
    portal.load([other, older])
    await reader.run()
    assert len(reader.rows) == 2


async def test_forms_without_submissions_do_not_matter(fake: Any) -> None:
    forms = [{"id": "1", "name": "a", "formType": "blog_comment"}, {"id": "2"}, {"id": "3", "name": "c"}]

    def answer(request: httpx.Request) -> httpx.Response:
        match request.url.path.rpartition("/")[2]:
            case "forms":
                return httpx.Response(200, json={"results": forms})
            case "2":
                return httpx.Response(400, json={"subCategory": "FORM_TYPE_NOT_ALLOWED"})
        return httpx.Response(200, json={"results": [{"values": []}, {"submittedAt": NOW, "values": None}]})

    reader = Reader(BY_NAME["forms"], fake(answer))
    await reader.run()
    assert (len(reader.rows), reader.skipped) == (1, 1)


# -- e-mail events -------------------------------------------------------------------------------------


def event(id: str, kind: str, at: int, **more: Any) -> rows.EmailEvent:
    return rows.EmailEvent(id, kind, at, "Anne@acme.fr", 4711, "Votre démo", **more)


async def test_an_email_event_has_campaign_and_bot_flag(portal: Portal, t: Transport) -> None:
    portal.load(
        [
            event("a", "OPEN", NOW - DAY, filtered=True),
            event("b", "CLICK", NOW - DAY, url="https://acme.fr/x"),
            *(event(f"s{n}", kind, NOW) for n, kind in enumerate(("SENT", "DELIVERED", "UNBOUNCE"))),
        ]
    )
    reader = await whole("email_events", t)
    opened, clicked = (reader.rows[f"{id}:{NOW - DAY}", "anne@acme.fr"] for id in ("a", "b"))
    assert opened.event == "email_open"
    assert opened.attrs == {"email": "4711", "subject": "Votre démo", "url": None, "crm_filtered": True}
    assert (clicked.event, clicked.attrs["url"]) == ("email_click", "https://acme.fr/x")
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


# -- page views, meetings, calls, lists ----------------------------------------------------------------


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
    assert (len(reader.rows), reader.skipped) == (0, 1)


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
    one = reader.rows[f"7:{ANNE}:{NOW}", str(ANNE)]
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
