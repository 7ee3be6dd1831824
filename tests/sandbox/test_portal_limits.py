"""Rate limits on a clock that only the test moves (HUBSPOT.md 8)."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from small_account import NOW, small

from connector import sandbox

CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture
def portal() -> Iterator[sandbox.Portal]:
    with sandbox.start(now=NOW, driven=True, rows=small()) as running:
        yield running


def _bodies(client: httpx.Client, number: int, path: str = CONTACTS) -> list[int]:
    return [client.get(path).status_code for _ in range(number)]


def test_ten_rolling_seconds_per_token(portal: sandbox.Portal, client: httpx.Client) -> None:
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
