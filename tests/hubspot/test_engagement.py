"""Every source of engagement against the sandbox: complete, resumable at any page, quiet without news."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from engagement_reader import BY_NAME, YEAR, Reader, whole
from manual_clock import NOW, ManualClock

from connector import sandbox
from connector.errors import Unavailable
from connector.hubspot.transport import Transport
from connector.model import HOUR, Document, Secret
from connector.sandbox import Portal, rows


def letters(number: int = 120) -> Iterator[rows.Row]:
    """More than a page of e-mails from one person to another."""
    who = 90_000_000_000
    yield rows.Object("contacts", who, {"email": "anne@acme.fr"}, YEAR, YEAR)
    for id in range(who + 1, who + 1 + number):
        at = NOW - (id - who) * HOUR
        yield rows.Object("emails", id, {"hs_timestamp": str(at), "hs_email_direction": "EMAIL"}, at, at)
        yield rows.Link("emails", id, "contacts", who)


@pytest.fixture(scope="module")
def peopled() -> Iterator[Portal]:
    """A year of 120 people, and what sales wrote to one more; the tests that share it only read."""
    with sandbox.start(contacts=120, seed=7, now=NOW, rows=letters()) as running:
        running.knobs(burst_limit=0, search_limit=0, associations_limit=0)
        yield running


@pytest.fixture
async def p(peopled: Portal, clock: ManualClock) -> AsyncIterator[Transport]:
    async with Transport(peopled.url, Secret(peopled.token), clock) as transport:
        yield transport


async def test_everything_that_happened_comes(peopled: Portal, p: Transport) -> None:
    counts = peopled.counts
    found = {name: (await whole(name, p)).events for name in BY_NAME}
    assert found["forms"].total() == counts["submissions"]
    assert found["page_views"].total() == counts["web_events"]
    assert found["lists"].total() == counts["memberships"]
    assert found["calls"].total() == counts["calls"]
    assert found["meetings"].total() == counts["meetings"]
    assert found["emails"].total() == counts["emails"] > 120
    assert found["tasks"].total() == counts["tasks"]
    assert found["marketing_events"].total() == counts["participations"]
    for kind in ("notes", "communications"):  # some are left of people who were erased
        joined = "select count(*) from links where from_kind = ? and to_kind = 'contacts'"
        assert found[kind].total() == peopled.account.db.value(joined, kind)
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
        "emails": {"after": "aged", "until": NOW},
        "communications": {"after": "aged", "until": NOW},
        "notes": {"after": "aged", "until": NOW},
        "tasks": {"after": "aged", "until": NOW},
        "marketing_events": {
            "done": {},
            "event": next(iter(complete.bookmark or {})),
            "mark": {"row": "", "since": NOW, "read": NOW},
            "after": "aged",
            "seen": 0,
        },
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
        ("communications", "crm.objects.contacts.read"),
        ("notes", "crm.objects.contacts.read"),
        ("tasks", "crm.objects.contacts.read"),
        ("lists", "crm.lists.read"),
        ("marketing_events", "crm.objects.marketing_events.read"),
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


async def test_the_emails_of_sales_have_a_scope_of_their_own(portal: Portal, t: Transport) -> None:
    portal.grant(["crm.objects.contacts.read"])
    with pytest.raises(Unavailable, match=r"E-mails of sales cannot be read: .*sales-email-read"):
        await Reader(BY_NAME["emails"], t).run()
    assert (await whole("calls", t)).progress is None


async def test_page_views_need_enterprise(portal: Portal, t: Transport) -> None:
    portal.knobs(tier="professional")
    with pytest.raises(Unavailable, match=r"Page views cannot be read: .*an Enterprise account"):
        await Reader(BY_NAME["page_views"], t).run()
