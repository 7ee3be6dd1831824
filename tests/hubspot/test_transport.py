"""The transport against single answers: what is repeated, what is raised, what is said, what never is."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
import respx
from manual_clock import ManualClock

from connector.errors import (
    ConnectorError,
    MissingScope,
    RateLimited,
    Refused,
    ServerFault,
    Unauthorised,
    Unreachable,
)
from connector.hubspot.transport import Transport
from connector.model import Secret

BASE = "http://crm.test"
TOKEN = "pat-eu1-0000-secret"
PATH = "/crm/objects/2026-03/contacts"


@pytest.fixture
def crm() -> Any:
    with respx.mock(base_url=BASE, assert_all_called=False) as router:
        yield router


@pytest.fixture
async def t(clock: ManualClock) -> AsyncIterator[Transport]:
    async with Transport(BASE, Secret(TOKEN), clock) as transport:
        yield transport


def answers(crm: respx.Router, *given: Any, method: str = "GET", path: str = PATH) -> respx.Route:
    return crm.request(method, path).mock(side_effect=list(given))


def refusal(status: int, headers: dict[str, str] | None = None, **said: Any) -> httpx.Response:
    body = {"status": "error", "message": "no", "correlationId": "c-1", **said}
    return httpx.Response(status, json=body, headers=headers)


FINE = httpx.Response(200, json={"results": []})


async def test_token_goes_out_as_bearer_and_the_body_comes_back(crm: respx.Router, t: Transport) -> None:
    route = answers(crm, FINE)
    assert await t.call("GET", PATH, params={"limit": 3}) == {"results": []}
    request = route.calls.last.request
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.url.query == b"limit=3"
    assert (t.requests, dict(t.counts)) == (1, {"read": 1})


async def test_no_content_is_an_empty_document(crm: respx.Router, t: Transport) -> None:
    answers(crm, httpx.Response(204), method="POST")
    assert await t.call("POST", PATH, json={}) == {}
    assert dict(t.counts) == {"write": 1}


PASSING = [
    pytest.param(httpx.Response(500, text="<html>"), id="500"),
    pytest.param(httpx.Response(502), id="502"),
    pytest.param(refusal(503), id="503"),
    pytest.param(refusal(524), id="524"),
    pytest.param(refusal(423), id="423"),
    pytest.param(refusal(429, policyName="SECONDLY"), id="429"),
    pytest.param(httpx.Response(200, content=b'{"results": [{"id'), id="cut-json"),
    pytest.param(httpx.Response(200, content=b""), id="empty-body"),
    pytest.param(httpx.Response(200, text="<html>Bad gateway</html>"), id="html-with-200"),
    pytest.param(httpx.Response(200, json=[1]), id="no-object"),
    pytest.param(httpx.ConnectError("refused"), id="refused"),
    pytest.param(httpx.ReadTimeout("slow"), id="timeout"),
    pytest.param(httpx.RemoteProtocolError("cut"), id="cut-connection"),
]


@pytest.mark.parametrize("fault", PASSING)
async def test_a_read_is_repeated_after_a_passing_fault(crm: respx.Router, t: Transport, fault: Any) -> None:
    answers(crm, fault, fault, FINE)
    assert await t.call("GET", PATH) == {"results": []}
    assert t.requests == 3
    assert t.waits > 0


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (refusal(503), ServerFault),
        (httpx.ReadTimeout("slow"), Unreachable),
        (httpx.Response(200, content=b"{"), Unreachable),
        (refusal(429, policyName="TEN_SECONDLY_ROLLING"), RateLimited),
    ],
)
async def test_after_six_attempts_it_gives_up(
    crm: respx.Router, t: Transport, fault: Any, error: type[ConnectorError]
) -> None:
    answers(crm, *[fault] * 7)
    with pytest.raises(error, match=PATH):
        await t.call("GET", PATH)
    assert t.requests == 6


@pytest.mark.parametrize("fault", [refusal(500), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("cut")])
async def test_a_creation_that_may_have_arrived_is_not_repeated(
    crm: respx.Router, t: Transport, fault: Any
) -> None:
    answers(crm, fault, httpx.Response(201, json={"id": "1"}), method="POST")
    with pytest.raises((ServerFault, Unreachable)):
        await t.call("POST", PATH, json={}, effect="create")
    assert t.requests == 1


@pytest.mark.parametrize("fault", [httpx.ConnectError("refused"), refusal(429), refusal(423)])
async def test_a_creation_that_surely_did_not_arrive_is_repeated(
    crm: respx.Router, t: Transport, fault: Any
) -> None:
    answers(crm, fault, httpx.Response(201, json={"id": "1"}), method="POST")
    assert await t.call("POST", PATH, json={}, effect="create") == {"id": "1"}
    assert t.requests == 2


async def test_an_update_is_repeated(crm: respx.Router, t: Transport) -> None:
    answers(crm, refusal(502), httpx.ReadError("cut"), FINE, method="POST")
    assert await t.call("POST", PATH, json={}, effect="update") == {"results": []}
    assert dict(t.counts) == {"write": 3}


# -- how long it waits ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "waited"), [("3", 3.0), ("0", 0.0), ("600", 60.0)], ids=["as asked", "not at all", "capped"]
)
async def test_retry_after_wins(
    crm: respx.Router, t: Transport, clock: ManualClock, asked: str, waited: float
) -> None:
    answers(crm, refusal(429, {"Retry-After": asked}), FINE)
    await t.call("GET", PATH)
    assert clock.at == pytest.approx(waited)


@pytest.mark.parametrize(
    ("policy", "low", "high"), [("TEN_SECONDLY_ROLLING", 10, 12.5), ("SECONDLY", 1, 1.25), ("", 10, 12.5)]
)
async def test_without_retry_after_the_policy_says_how_long(
    crm: respx.Router, t: Transport, clock: ManualClock, policy: str, low: float, high: float
) -> None:
    answers(crm, refusal(429, policyName=policy, errorType="RATE_LIMIT"), FINE)
    await t.call("GET", PATH)
    assert low <= clock.at <= high


async def test_waits_grow_and_are_told(crm: respx.Router, clock: ManualClock) -> None:
    told: list[tuple[str, float]] = []
    answers(crm, *[refusal(500)] * 4, FINE)
    async with Transport(BASE, Secret(TOKEN), clock, on_wait=lambda *wait: told.append(wait)) as t:
        await t.call("GET", PATH)
        assert [what for what, _ in told] == ["the next attempt"] * 4
        for (_, seconds), base in zip(told, (0.5, 1, 2, 4), strict=True):
            assert base <= seconds <= base * 1.25
        assert t.waits == pytest.approx(sum(seconds for _, seconds in told)) == pytest.approx(clock.at)


async def test_the_daily_limit_is_not_waited_for(crm: respx.Router, t: Transport, clock: ManualClock) -> None:
    answers(crm, refusal(429, policyName="DAILY", message="You have reached your daily limit."))
    with pytest.raises(RateLimited, match="You have reached your daily limit") as raised:
        await t.call("GET", PATH)
    assert raised.value.policy == "DAILY"
    assert (t.requests, clock.at) == (1, 0)


async def test_a_migrating_account_parks_the_run(crm: respx.Router, t: Transport, clock: ManualClock) -> None:
    answers(crm, refusal(477, {"Retry-After": "7200"}))
    with pytest.raises(ServerFault, match="data centres") as raised:
        await t.call("GET", PATH)
    assert (raised.value.after, raised.value.status) == (7200, 477)
    assert "120 minutes" in raised.value.fix
    assert (t.requests, clock.at) == (1, 0)


# -- what it raises ------------------------------------------------------------------------------------


async def test_a_refusal_carries_the_crms_own_words(crm: respx.Router, t: Transport) -> None:
    inner = orjson.dumps([{"isValid": False, "message": 'Property "x" does not exist'}]).decode()
    answers(
        crm, refusal(400, message=f"Property values were not valid: {inner}", category="VALIDATION_ERROR")
    )
    with pytest.raises(Refused) as raised:
        await t.call("GET", PATH)
    error = raised.value
    assert (error.status, error.category, error.correlation_id) == (400, "VALIDATION_ERROR", "c-1")
    assert 'Property values were not valid: Property "x" does not exist' in str(error)
    assert f"GET {PATH}: 400, correlation c-1" in str(error)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b"not json"),
        (404, b"<html>Not found</html>"),
        (409, b"[]"),
        (414, b""),
        (400, b'{"errors": null, "context": null, "message": null}'),
        (418, b'{"message": {"deep": 1}, "errors": ["text"]}'),
    ],
)
async def test_a_refusal_of_any_shape_is_a_refusal(
    crm: respx.Router, t: Transport, status: int, body: bytes
) -> None:
    answers(crm, httpx.Response(status, content=body, headers={"X-HubSpot-Correlation-Id": "c-9"}))
    with pytest.raises(Refused, match=f"{status}, correlation c-9") as raised:
        await t.call("GET", PATH)
    assert raised.value.status == status
    assert t.requests == 1


async def test_a_missing_scope_names_scope_and_place(crm: respx.Router, t: Transport) -> None:
    scopes = ["crm.objects.contacts.read"]
    detail = {"message": "One or more of the following", "context": {"requiredGranularScopes": scopes}}
    answers(crm, refusal(403, category="MISSING_SCOPES", errors=[detail]))
    with pytest.raises(MissingScope, match=r"crm\.objects\.contacts\.read") as raised:
        await t.call("GET", PATH)
    assert raised.value.scopes == ("crm.objects.contacts.read",)
    assert "Service keys" in raised.value.fix
    assert raised.value.exit_code == 4


@pytest.mark.parametrize(
    ("path", "effect", "scope"),
    [
        ("/crm/objects/2026-03/deals/search", "read", "crm.objects.deals.read"),
        ("/crm/objects/2026-03/companies/batch/update", "update", "crm.objects.companies.write"),
        ("/crm/objects/2026-03/meetings", "read", "crm.objects.contacts.read"),
        ("/crm/v3/properties/contacts", "create", "crm.schemas.contacts.write"),
        ("/marketing/v3/forms", "read", "forms"),
        ("/email/public/v1/events", "read", "content"),
        ("/crm/lists/2026-03/search", "read", "crm.lists.read"),
    ],
)
async def test_a_scope_that_the_crm_does_not_name_is_known(
    crm: respx.Router, t: Transport, path: str, effect: Any, scope: str
) -> None:
    answers(crm, refusal(403), method="POST", path=path)
    with pytest.raises(MissingScope) as raised:
        await t.call("POST", path, effect=effect)
    assert raised.value.scopes == (scope,)


@pytest.mark.parametrize("status", [401, 530])
async def test_an_unknown_token_stops(crm: respx.Router, t: Transport, status: int) -> None:
    answers(crm, refusal(status, category="INVALID_AUTHENTICATION"))
    with pytest.raises(Unauthorised) as raised:
        await t.call("GET", PATH)
    assert "HUBSPOT_ACCESS_TOKEN" in raised.value.fix
    assert t.requests == 1


async def test_redirects_are_not_followed(crm: respx.Router, t: Transport) -> None:
    elsewhere = crm.get("http://elsewhere.test/").mock(return_value=FINE)
    answers(crm, httpx.Response(302, headers={"Location": "http://elsewhere.test/"}))
    with pytest.raises(Refused, match="redirects elsewhere") as raised:
        await t.call("GET", PATH)
    assert "HUBSPOT_BASE_URL" in raised.value.fix
    assert not elsewhere.called


SAID = [
    *(refusal(status, message=f"This oauth-token ({TOKEN}) no") for status in (400, 401, 403, 429, 477, 500)),
    httpx.ConnectError(f"could not connect with {TOKEN}"),
]


@pytest.mark.parametrize("answer", SAID)
async def test_the_token_is_in_no_message(
    crm: respx.Router, t: Transport, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    answers(crm, *[answer] * 6)
    with pytest.raises(ConnectorError) as raised:
        await t.call("GET", PATH)
    error = raised.value
    said = [str(error), error.fix, repr(error), repr(vars(error)), repr(t), repr(vars(t)), caplog.text]
    assert TOKEN not in "\n".join([*said, *traceback.format_exception_only(error)])
    assert "GET" in str(error)


async def test_half_a_surrogate_pair_does_not_lose_the_page(crm: respx.Router, t: Transport) -> None:
    answers(crm, httpx.Response(200, content=b'{"results": [{"id": "1", "n": "\\ud83d ok"}]}'))
    assert await t.call("GET", PATH) == {"results": [{"id": "1", "n": "\ufffd ok"}]}
