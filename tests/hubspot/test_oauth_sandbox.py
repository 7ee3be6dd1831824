"""The OAuth app at work in an account that ends its tokens, limits them, rotates them and throws it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from driven_clock import DrivenClock
from manual_clock import NOW

from connector import sandbox
from connector.errors import ConnectorError, RateLimited, Unauthorised
from connector.hubspot import account, objects
from connector.hubspot.transport import Transport, together
from connector.model import DAY, Record, Secret, Update
from connector.sandbox import Fault, Portal, rows
from connector.settings import OAuthApp

FIRST = 10_000_000_000  # ids: eleven digits, as the CRM's
EVERYBODY = [str(FIRST + number) for number in range(450)]
TOKEN, PAGE = "/oauth/2026-03/token", "/crm/objects/2026-03/contacts"
Connect = Callable[..., Transport]


@pytest.fixture
def portal() -> Iterator[Portal]:
    """450 contacts, HubSpot's own limits; its clock moves only when told, ours with it."""
    people = [
        rows.Object("contacts", FIRST + n, {"email": f"c{n}@example.fr"}, NOW - 30 * DAY, NOW - DAY)
        for n in range(450)
    ]
    with sandbox.start(now=NOW, driven=True, rows=people) as running:
        yield running


@pytest.fixture
def clock(portal: Portal) -> DrivenClock:
    return DrivenClock(portal)


@pytest.fixture
def connect(portal: Portal, clock: DrivenClock) -> Connect:
    app = portal.app
    own = OAuthApp(app.client_id, Secret(app.client_secret), Secret(app.refresh_token))

    def to(file: Path | None = None) -> Transport:
        return Transport(portal.url, own, clock, tokens_file=file)

    return to


def statuses(portal: Portal, path: str) -> list[int]:
    return [entry["status"] for entry in portal.journal() if entry["path"] == path]


async def read_all(t: Transport, between: Callable[[int], object]) -> list[str]:
    """The ids of all contacts, page by page; `between` is called before each page with its number."""
    after, found = None, list[Record]()
    for number in range(10):
        between(number)
        page = await objects.list_page(t, "contacts", ["email"], after)
        found += page.records
        after = page.after
        if after is None:
            return [record.id for record in found]
    raise AssertionError("ten pages and no end")


def spoken(portal: Portal, error: ConnectorError) -> str:
    """What a person is told, with no secret of the app in it."""
    told = f"{error} {error.fix}"
    app = portal.app
    assert app.client_secret not in told and app.refresh_token not in told
    return told


# -- an access token ends ------------------------------------------------------------------------------


async def test_a_token_that_ends_in_mid_paging_loses_and_doubles_nothing(
    portal: Portal, connect: Connect
) -> None:
    async with connect() as t:
        found = await read_all(t, lambda number: portal.expire() if number in (2, 4) else None)
    assert found == EVERYBODY
    assert statuses(portal, PAGE) == [200, 200, 401, 200, 200, 401, 200]
    assert statuses(portal, TOKEN) == [200, 200, 200]


async def test_the_account_s_clock_may_run_ahead_of_ours(portal: Portal, connect: Connect) -> None:
    async with connect() as t:
        found = await read_all(t, lambda number: portal.advance(1801) if number == 3 else None)
    assert found == EVERYBODY
    assert statuses(portal, PAGE) == [200, 200, 200, 401, 200, 200]


async def test_hours_of_reading_never_meet_an_ended_token(
    portal: Portal, connect: Connect, clock: DrivenClock
) -> None:
    async with connect() as t:
        for _ in range(6):
            assert await read_all(t, lambda _number: clock.advance(700)) == EVERYBODY
    assert set(statuses(portal, PAGE)) == {200}
    assert statuses(portal, TOKEN) == [200] * 10  # every third page, of thirty


async def test_ten_calls_at_once_share_one_renewal(portal: Portal, connect: Connect) -> None:
    async with connect() as t:
        await t.call("GET", PAGE)
        portal.expire()
        answers = await together(t.call("GET", PAGE, params={"limit": 1}) for _ in range(10))
    assert [len(one["results"]) for one in answers] == [1] * 10
    assert statuses(portal, TOKEN) == [200, 200]


async def test_a_write_whose_token_ended_is_done_once(portal: Portal, connect: Connect) -> None:
    async with connect() as t:
        await t.call("GET", PAGE)
        portal.expire()
        wanted = [Update(id, {"jobtitle": "Directrice générale"}) for id in EVERYBODY[:3]]
        outcomes = await objects.update(t, "contacts", wanted)
    assert [one.ok for one in outcomes] == [True] * 3
    assert statuses(portal, f"{PAGE}/batch/update") == [401, 200]
    assert [len(portal.history("contacts", id, "jobtitle")) for id in EVERYBODY[:4]] == [1, 1, 1, 0]


async def test_the_vendor_s_client_is_lent_a_new_token(portal: Portal, connect: Connect) -> None:
    async with connect() as t:
        before = await account.pipelines(t)
        portal.expire()
        assert await account.pipelines(t) == before
    assert [one.id for one in before] == ["default"]
    assert statuses(portal, "/crm/v3/pipelines/deals") == [200, 401, 200]
    assert statuses(portal, TOKEN) == [200, 200]


async def test_a_token_that_is_refused_twice_is_not_tried_again(portal: Portal, connect: Connect) -> None:
    async with connect() as t:
        portal.faults([Fault(path=PAGE, status=401, times=5)])
        with pytest.raises(Unauthorised) as raised:
            await t.call("GET", PAGE)
    assert statuses(portal, PAGE) == [401, 401]
    assert "HUBSPOT_REFRESH_TOKEN" in spoken(portal, raised.value)


# -- limits --------------------------------------------------------------------------------------------


async def test_the_token_endpoint_s_limit_is_waited_out(
    portal: Portal, connect: Connect, clock: DrivenClock
) -> None:
    portal.knobs(grant_limit=1)
    for _ in range(2):
        async with connect() as t:
            await t.call("GET", PAGE)
    assert statuses(portal, TOKEN) == [200, 429, 200]
    assert clock.slept == [2.0]  # as long as Retry-After says


async def test_a_token_endpoint_that_stays_busy_is_given_up(portal: Portal, connect: Connect) -> None:
    portal.faults([Fault(path=TOKEN, status=429, headers={"Retry-After": "3"}, times=50)])
    async with connect() as t:
        with pytest.raises(RateLimited, match="/oauth/"):
            await t.call("GET", PAGE)
    assert statuses(portal, TOKEN) == [429] * 6


async def test_an_answer_of_the_token_endpoint_that_is_lost_is_asked_for_again(
    portal: Portal, connect: Connect
) -> None:
    portal.faults([Fault(path=TOKEN, cut="after"), Fault(path=TOKEN, truncate=True)])
    async with connect() as t:
        await t.call("GET", PAGE)
    assert len(statuses(portal, TOKEN)) == 3


async def test_an_app_s_limit_is_kept_across_renewals(
    portal: Portal, connect: Connect, clock: DrivenClock
) -> None:
    async with connect() as t:
        for number in range(250):
            if number % 60 == 50:
                portal.expire()
            await t.call("GET", PAGE, params={"limit": 1})
    assert set(statuses(portal, PAGE)) == {200, 401}
    assert clock.slept  # it waited by itself: not one 429


# -- it is over ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", ["400", "rfc"])
async def test_an_app_that_was_taken_out_is_told_to_be_installed_again(
    portal: Portal, connect: Connect, setting: str
) -> None:
    portal.knobs(oauth_denial_status=setting)
    async with connect() as t:
        await t.call("GET", PAGE)
        portal.uninstall()
        with pytest.raises(Unauthorised) as raised:
            await t.call("GET", PAGE)
    assert "HUBSPOT_REFRESH_TOKEN" in spoken(portal, raised.value)
    assert len(statuses(portal, TOKEN)) == 2  # one no is enough


async def test_a_revoked_refresh_token_ends_it_with_the_access_token(
    portal: Portal, connect: Connect, clock: DrivenClock
) -> None:
    app = portal.app
    form = {"client_id": app.client_id, "client_secret": app.client_secret, "token": app.refresh_token}
    async with connect() as t:
        await t.call("GET", PAGE)
        async with httpx.AsyncClient(base_url=portal.url) as other:
            assert (await other.post(f"{TOKEN}/revoke", data=form)).status_code == 200
        await t.call("GET", PAGE)
        clock.advance(1500)
        with pytest.raises(Unauthorised, match="no new access token") as raised:
            await t.call("GET", PAGE)
    assert "Install the OAuth app" in spoken(portal, raised.value)


@pytest.mark.parametrize("setting", ["400", "rfc"])
@pytest.mark.parametrize("wrong", ["client_id", "client_secret", "refresh_token"])
async def test_wrong_settings_end_it_at_once(
    portal: Portal, clock: DrivenClock, wrong: str, setting: str
) -> None:
    portal.knobs(oauth_denial_status=setting)
    app = portal.app
    given = {"client_id": app.client_id, "client_secret": app.client_secret}
    given |= {"refresh_token": app.refresh_token} | {wrong: "mistyped"}
    own = OAuthApp(given["client_id"], Secret(given["client_secret"]), Secret(given["refresh_token"]))
    async with Transport(portal.url, own, clock) as t:
        with pytest.raises(Unauthorised, match=wrong.replace("_", " ")) as raised:
            await t.call("GET", PAGE)
    assert spoken(portal, raised.value)
    assert len(statuses(portal, TOKEN)) == 1
    assert clock.slept == []


# -- rotation --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rotates", [False, True])
async def test_the_next_run_goes_on_with_the_latest_refresh_token(
    portal: Portal, connect: Connect, tmp_path: Path, *, rotates: bool
) -> None:
    portal.knobs(refresh_token_rotates=rotates)
    file = tmp_path / "tokens.json"
    for _ in range(3):
        async with connect(file) as t:
            await t.call("GET", PAGE)
            portal.expire()
            await t.call("GET", PAGE)
    assert statuses(portal, TOKEN) == [200] * 6
    assert file.exists() is rotates
