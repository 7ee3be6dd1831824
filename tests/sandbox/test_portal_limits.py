"""Rate limits on a clock that only the test moves (HUBSPOT.md 8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_account import NOW, small

from connector import sandbox
from connector.sandbox.desk import Request
from connector.sandbox.limits import Rolling, midnight

CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture
def portal() -> Iterator[sandbox.Portal]:
    with sandbox.start(now=NOW, driven=True, rows=small()) as running:
        yield running


def _bodies(client: httpx.Client, number: int, path: str = CONTACTS) -> list[int]:
    return [client.get(path).status_code for _ in range(number)]


def test_ten_rolling_seconds_per_app(portal: sandbox.Portal, client: httpx.Client) -> None:
    assert set(_bodies(client, 100)) == {200}
    portal.advance(6)
    assert set(_bodies(client, 90)) == {200}
    refused = client.get(CONTACTS)
    body = refused.json()
    app = portal.account.find_token(portal.token)
    assert refused.status_code == 429 and app is not None
    assert list(body) == ["status", "message", "errorType", "correlationId", "policyName", "groupName"]
    assert body["message"] == "You have reached your ten_secondly_rolling limit."
    assert body["policyName"] == "TEN_SECONDLY_ROLLING"
    assert body["groupName"] == f"publicapi:private_app-api-calls-ten-secondly:{app.app_id}"
    assert refused.headers["X-HubSpot-RateLimit-Remaining"] == "0"
    assert "Retry-After" not in refused.headers
    portal.advance(4)
    assert _bodies(client, 101) == [200] * 100 + [429]


def test_headers_tell_what_is_left(client: httpx.Client) -> None:
    headers = client.get(CONTACTS).headers
    names = ("Max", "Remaining", "Interval-Milliseconds", "Daily", "Daily-Remaining")
    told = [headers[f"X-HubSpot-RateLimit-{name}"] for name in names]
    assert told == ["190", "189", "10000", "1000000", "999999"]


def test_searches_are_five_a_second_and_tell_nothing(portal: sandbox.Portal, client: httpx.Client) -> None:
    answers = [client.post(f"{CONTACTS}/search", json={}) for _ in range(6)]
    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert answers[-1].json()["policyName"] == "SECONDLY"
    assert not [name for one in answers for name in one.headers if "ratelimit" in name.lower()]
    portal.advance(1)
    assert client.post(f"{CONTACTS}/search", json={}).status_code == 200
    assert client.get(CONTACTS).headers["X-HubSpot-RateLimit-Remaining"] == "189"


def test_associations_have_a_bucket_of_their_own(portal: sandbox.Portal, client: httpx.Client) -> None:
    portal.knobs(tier="starter", burst_limit=0)
    path = "/crm/v4/associations/contacts/companies/batch/read"
    statuses = [client.post(path, json={"inputs": []}).status_code for _ in range(101)]
    assert statuses == [200] * 100 + [429]
    assert client.get(CONTACTS).status_code == 200


def test_the_day_ends_at_midnight_of_the_account(portal: sandbox.Portal, client: httpx.Client) -> None:
    portal.knobs(daily_limit=3, retry_after_on_429=True)
    assert _bodies(client, 3) == [200, 200, 200]
    refused = client.get(CONTACTS)
    assert refused.json()["policyName"] == "DAILY"
    assert portal.state()["usedToday"] == 4  # a refused call counts
    portal.advance(int(refused.headers["Retry-After"]))
    assert client.get(CONTACTS).status_code == 200


def test_retry_after_when_it_is_turned_on(portal: sandbox.Portal, client: httpx.Client) -> None:
    portal.knobs(burst_limit=1, retry_after_on_429=True)
    assert _bodies(client, 1) == [200]
    portal.advance(3.5)
    assert client.get(CONTACTS).headers["Retry-After"] == "7"


# -- any pattern of arrivals ---------------------------------------------------------------------------

GAPS = st.lists(st.one_of(st.just(0.0), st.floats(0, 0.5), st.floats(0, 11), st.just(10.0)), max_size=120)


@settings(max_examples=300, deadline=None)
@given(gaps=GAPS, most=st.integers(1, 12), span=st.sampled_from([1.0, 10.0]))
def test_no_window_ever_admits_more_and_nobody_is_refused_for_nothing(
    gaps: list[float], most: int, span: float
) -> None:
    window, now = Rolling(span), 0.0
    admitted: list[float] = []
    for gap in gaps:
        now += gap
        before = sum(now - span < at for at in admitted)
        assert window.left(now, most) == most - before
        taken = window.take(now, most)
        assert taken is (before < most)
        if not taken:
            now += window.wait(now) + 1e-9  # waiting as long as it says is enough
            assert window.take(now, most)
        admitted.append(now)
    for end in admitted:
        assert sum(end - span < at <= end for at in admitted) <= most


@settings(max_examples=60, deadline=None)
@given(gaps=st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.3, 1.0, 4.0, 9.999, 10.0]), max_size=60))
def test_the_desk_admits_no_more_whatever_is_asked_when(gaps: list[float]) -> None:
    account = sandbox.Account(now=NOW, driven=True)
    account.settings.turn(burst_limit=4, search_limit=2)
    desk, headers = (
        sandbox.Desk(account),
        {"authorization": f"Bearer {account.token}", "content-type": "json"},
    )
    times: dict[str, list[float]] = {"GET": [], "POST": []}
    for turn, gap in enumerate(gaps):
        account.advance(gap)
        method, path = ("POST", f"{CONTACTS}/search") if turn % 3 == 0 else ("GET", CONTACTS)
        if desk.answer(Request(method, path, "", headers, b"{}")).status == 200:
            times[method].append(account.clock.tick())
    account.close()
    for method, span, most in (("GET", 10.0, 4), ("POST", 1.0, 2)):
        for end in times[method]:
            assert sum(end - span < at <= end for at in times[method]) <= most


# -- who shares what -----------------------------------------------------------------------------------


def test_the_burst_is_an_apps_own_and_searches_are_the_accounts(portal: sandbox.Portal) -> None:
    portal.knobs(burst_limit=2, search_limit=2)
    portal.grant(token="pat-rotated")
    portal.grant(token="pat-other", app_id=99)
    clients = [_as(portal, token) for token in (portal.token, "pat-rotated", "pat-other")]
    mine, rotated, other = clients
    assert [client.get(CONTACTS).status_code for client in (mine, rotated, mine)] == [200, 200, 429]
    assert other.get(CONTACTS).status_code == 200
    statuses = [client.post(f"{CONTACTS}/search", json={}).status_code for client in (mine, other, other)]
    assert statuses == [200, 200, 429]
    told = other.get(CONTACTS).headers
    assert (told["X-HubSpot-RateLimit-Remaining"], told["X-HubSpot-RateLimit-Secondly"]) == ("0", "0")
    for client in clients:
        client.close()


def _as(portal: sandbox.Portal, token: str) -> httpx.Client:
    return httpx.Client(base_url=portal.url, headers={"Authorization": f"Bearer {token}"})


def test_association_calls_draw_on_the_burst_as_well(portal: sandbox.Portal, client: httpx.Client) -> None:
    portal.knobs(burst_limit=2)
    path = "/crm/v4/associations/contacts/companies/batch/read"
    statuses = [client.post(path, json={"inputs": []}).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert client.get(CONTACTS).status_code == 429


@pytest.mark.parametrize(
    ("tier", "burst", "daily", "associations"),
    [
        ("free", 100, 250_000, 100),
        ("starter", 100, 250_000, 100),
        ("professional", 190, 625_000, 150),
        ("enterprise", 190, 1_000_000, 150),
    ],
)
def test_the_tiers(
    portal: sandbox.Portal, client: httpx.Client, tier: str, burst: int, daily: int, associations: int
) -> None:
    portal.knobs(tier=tier)
    headers = client.get(CONTACTS).headers
    assert headers["X-HubSpot-RateLimit-Max"] == str(burst)
    assert headers["X-HubSpot-RateLimit-Daily"] == str(daily)
    assert headers["X-HubSpot-RateLimit-Daily-Remaining"] == str(daily - 1)
    assert (portal.account.knobs.searches, portal.account.knobs.associations) == (5, associations)


def test_nothing_is_limited_where_the_limit_is_none(portal: sandbox.Portal, client: httpx.Client) -> None:
    portal.knobs(burst_limit=0, daily_limit=0, search_limit=0)
    assert set(_bodies(client, 200)) == {200}
    headers = client.get(CONTACTS).headers
    assert headers["X-HubSpot-RateLimit-Remaining"] == headers["X-HubSpot-RateLimit-Max"] == "1000000"
    assert {client.post(f"{CONTACTS}/search", json={}).status_code for _ in range(10)} == {200}


# -- the day -------------------------------------------------------------------------------------------


def test_refused_calls_and_searches_count_for_the_day(portal: sandbox.Portal, client: httpx.Client) -> None:
    portal.knobs(burst_limit=1, search_limit=1)
    assert _bodies(client, 3) == [200, 429, 429]
    assert client.post(f"{CONTACTS}/search", json={}).status_code == 200
    assert portal.state()["usedToday"] == 4
    portal.knobs(search_counts_daily=False)
    assert client.post(f"{CONTACTS}/search", json={}).status_code == 429
    assert portal.state()["usedToday"] == 4
    portal.grant(["oauth"])
    portal.advance(10)
    assert client.get(CONTACTS).status_code == 403
    assert httpx.get(f"{portal.url}{CONTACTS}").status_code == 401  # whose it would be is not known
    assert portal.state()["usedToday"] == 5


PARIS = [
    ("2026-11-18T11:06:40Z", "2026-11-18T23:00:00Z"),
    ("2026-11-18T22:59:59Z", "2026-11-18T23:00:00Z"),
    ("2026-11-18T23:00:00Z", "2026-11-19T23:00:00Z"),
    ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),  # 23 hours: the clocks go forward
    ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),  # 25 hours: they go back
]


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(("start", "end"), PARIS)
def test_a_day_is_as_long_as_it_is_where_the_account_is(start: str, end: str) -> None:
    with sandbox.start(now=_ms(start), driven=True) as portal, _as(portal, portal.token) as client:
        portal.knobs(daily_limit=1, burst_limit=0, retry_after_on_429=True)
        assert _bodies(client, 2) == [200, 429]
        left = (_ms(end) - _ms(start)) // 1000
        assert client.get(CONTACTS).headers["Retry-After"] == str(left + 1)
        portal.advance(left - 1)
        assert client.get(CONTACTS).status_code == 429
        (usage,) = _usage(portal)
        assert usage["resetsAt"] == end.replace("Z", ".000Z")
        portal.advance(1)
        assert _bodies(client, 2) == [200, 429]


def _usage(portal: sandbox.Portal) -> list[dict[str, str]]:
    portal.knobs(daily_limit=0)
    with _as(portal, portal.token) as client:
        found: list[dict[str, str]] = client.get("/account-info/2026-09/api-usage/daily/private-apps").json()[
            "results"
        ]
    portal.knobs(daily_limit=1)
    return found


ZONES = [
    "Europe/Paris",
    "UTC",
    "America/Havana",
    "Asia/Kathmandu",
    "Africa/Cairo",
    "Pacific/Apia",
    "America/New_York",
]


@settings(max_examples=300, deadline=None)
@given(now=st.integers(_ms("2020-01-01T00:00Z"), _ms("2035-01-01T00:00Z")), zone=st.sampled_from(ZONES))
def test_midnight_is_the_first_moment_of_the_next_local_day(now: int, zone: str) -> None:
    end = midnight(now, zone)
    day = datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(zone)).date()
    last, first = (datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(zone)) for ms in (end - 1, end))
    assert last.date() == day < first.date() <= day + timedelta(days=2)
    assert 0 < end - now <= 25 * 3_600_000
