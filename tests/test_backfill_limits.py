"""A backfill at the account's limits: beside others who use it, down to the day's floor; and its estimate."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from accounts import NOW, House, beside, contact, form, house, rules_in, submission
from busy_clock import BusyClock, StillClock
from command_line import Folder, on

from connector import sandbox
from connector.cli.door import Door
from connector.cli.watch import watched
from connector.hubspot.transport import Transport
from connector.model import HOUR, Secret
from connector.pull import Pulling, pull
from connector.sandbox import Portal

CONTACTS = "/crm/objects/2026-03/contacts"
STEP = 10.5  # seconds between two steps of the limit
COMPANIES = "/crm/objects/2026-03/companies"


# -- others who use the account --------------------------------------------------------------------------


@asynccontextmanager
async def shared(here: House, share: float, a_second: int, **request: Any) -> AsyncIterator[BusyClock]:
    """The same house where another client with the same token is at work too."""
    headers = {"Authorization": f"Bearer {here.portal.token}"}
    with httpx.Client(base_url=here.portal.url, headers=headers) as other:
        clock = BusyClock(here.portal, other, a_second, **request)
        async with Transport(here.portal.url, Secret(here.portal.token), clock, rate_share=share) as t:
            here.t, here.clock = t, clock
            yield clock


def answered(here: House, part: str) -> Counter[int]:
    return Counter(r["status"] for r in here.requests() if part in r["path"])


async def test_beside_another_client_it_takes_what_that_one_leaves(tmp_path: Path) -> None:
    """50 requests in ten seconds, and somebody else sends 20 of them: we would take 40 alone."""
    async with house(tmp_path, [contact(1000 + n) for n in range(6_000)]) as here:
        here.portal.knobs(burst_limit=50, search_limit=0)
        here.requests()
        async with shared(here, 0.8, 2, method="GET", url=COMPANIES) as clock:
            found = await pull(here.pulling(), ["contacts"], full=True)
        assert found.changed["contacts"] == 6_000
        ours = answered(here, CONTACTS)
        assert ours[429] <= 2, "the other one's may come between an answer and what it says is left"
        assert 120 <= ours[200] <= 130, "the seams of the ranges are read twice"
        # three windows of 40 alone; five of 28 where the other one has its 20, less our reserve of 2
        assert 3 * STEP < clock.at < 6 * STEP
        assert clock.answers[200] >= 10 * (clock.at // 10)


async def test_searches_that_others_send_too_are_paced_by_what_is_refused(tmp_path: Path) -> None:
    """Three of the five searches a second are somebody else's: after a few refusals we send the other two."""
    async with house(tmp_path, [contact(1000 + n) for n in range(1_600)]) as here:
        await here.pull(["contacts"])
        here.seconds(60)
        for n in range(1_600):
            here.portal.edit(1000 + n, {"jobtitle": "Chef"})
        here.seconds(60)
        here.portal.knobs(search_limit=5)
        here.requests()
        async with shared(here, 0.8, 3, method="POST", url=f"{COMPANIES}/search", json={"limit": 1}) as clock:
            await here.pull(["contacts"])
        searches = answered(here, f"{CONTACTS}/search")
        assert searches[200] == 8
        assert searches[429] <= 5
        assert clock.at < 8  # at two a second 4
        assert clock.answers[429] <= 6
        assert here.rows("SELECT count(*) AS n FROM contact WHERE f_job_title = 'chef'")[0]["n"] == 1_600


# -- the day ---------------------------------------------------------------------------------------------


def leave(portal: Portal, above: int, used: int = 0) -> None:
    """The account's day is such that so many requests are left above a tenth of it; `used` is what is sent
    on the way there at least."""
    headers = {"Authorization": f"Bearer {portal.token}"}
    with httpx.Client(base_url=portal.url, headers=headers) as other:
        for _ in range(used):
            other.get(COMPANIES)
        said = other.get(COMPANIES).headers
    sent = int(said["X-HubSpot-RateLimit-Daily"]) - int(said["X-HubSpot-RateLimit-Daily-Remaining"])
    portal.knobs(daily_limit=round((sent + above) / 0.9))


def pages(portal: Portal, since: int) -> list[str]:
    """The queries of the pages of contacts that were read."""
    return [r["query"] for r in portal.journal(since) if r["path"] == CONTACTS]


def last(portal: Portal) -> int:
    return max((int(r["n"]) for r in portal.journal()), default=0)


def test_at_the_days_floor_it_stops_says_when_it_goes_on_and_goes_on_there(tmp_path: Path) -> None:
    rows = [contact(10_000 + n) for n in range(2_000)]
    with sandbox.start(0, now=NOW, driven=True, rows=rows) as portal:
        portal.knobs(burst_limit=0, search_limit=0, associations_limit=0)
        folder = on(portal, tmp_path / "rules")
        leave(portal, above=25, used=150)
        mark = last(portal)
        stopped = folder("backfill", "contacts")
        begun = pages(portal, mark)
        assert stopped.code == 4, stopped
        said = r"1\d of the account's 1\d\d requests of today are left; the last 10%"
        assert re.search(said, stopped.stderr), stopped.stderr
        assert "Run the same command from 2026-11-17 00:00 on (Europe/Paris, " in stopped.stderr
        assert 12 <= len(begun) <= 30, "about twenty, some of them under way at once"

        mark = last(portal)
        assert folder("backfill", "contacts").code == 4
        assert pages(portal, mark) == [], "not one below the floor"

        folder.advance(24 * 3_600)
        portal.knobs(daily_limit=10_000)
        mark = last(portal)
        assert folder("backfill", "contacts").code == 0
        rest = pages(portal, mark)
        assert all("after=" in query for query in rest)
        assert 40 <= len(begun) + len(rest) <= 40 + 16, "none again but those under way and the seams"
        assert folder.json("status")["summary"]["cached"]["contact"] == 2_000


def test_the_sync_keeps_working_below_the_floor_of_a_backfill(applied: Folder) -> None:
    portal = applied.portal
    assert portal is not None
    leave(portal, above=-5, used=600)
    refused = applied("backfill", "contacts", "--json")
    assert (refused.code, refused.document["status"]) == (4, "failed")
    assert refused.document["diagnostics"][0]["code"] == "rate-limited"
    assert applied("sync").code == 0


# -- how long ----------------------------------------------------------------------------------------------


async def test_after_a_minute_it_knows_when_it_will_be_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Contacts, then forms, at seven requests in ten seconds: a line a minute, each right within a fifth."""
    rows = [
        *(contact(1000 + n) for n in range(3_000)),
        form("devis"),
        *(submission("devis", f"c{1000 + n}@acme.fr", 6 * n * HOUR // 5) for n in range(6_000)),
    ]
    rules = rules_in(tmp_path)
    with sandbox.start(0, now=NOW, driven=True, rows=rows) as portal:
        async with beside(portal, rules, tmp_path / "connector.db") as here:
            await here.pull()
            portal.knobs(burst_limit=9, search_limit=0, associations_limit=0)
            clock = StillClock(portal)
            door, who = Door("backfill", _clock=clock), (portal.url, Secret(portal.token))
            async with Transport(*who, clock, http=clock.http, on_wait=door._waiting) as t:
                p = await watched(door, Pulling(t, here.db, rules, clock.now()), None, ())
                began = clock.monotonic()
                said: list[tuple[float, str]] = []

                def tick(source: str, count: int) -> None:
                    p.tick(source, count)
                    if line := capsys.readouterr().err:
                        said.append((clock.monotonic(), line))

                await pull(replace(p, tick=tick), full=True)
                end = clock.monotonic()
    settled = began + 4 * STEP  # it begins with more than this account takes
    said = [(at, line) for at, line in said if at > settled]
    moments = [at for at, _ in said]
    assert len(said) >= 4
    assert all(line.count("\n") == 1 and " rows: " in line for _, line in said), said
    assert all(later - earlier >= 60 for earlier, later in pairwise([began, *moments]))
    sure = [(at, line) for at, line in said if "about" in line]
    assert len(sure) >= 3
    for at, line in sure:
        told = re.search(r"about (?:(\d+) min )?(\d+) s to go", line)
        assert told, line
        seconds = 60 * int(told[1] or 0) + int(told[2])
        assert abs(seconds - (end - at)) <= max(0.2 * (end - at), 1.5 * STEP), said
