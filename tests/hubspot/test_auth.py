"""OAuth: renewed in time, once for everybody, kept when it rotates; and what ends it."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import orjson
import pytest
from manual_clock import ManualClock

from connector.errors import ServerFault, Unauthorised
from connector.hubspot.transport import Transport, together
from connector.model import Secret
from connector.settings import OAuthApp

APP = OAuthApp("client-1", Secret("shh-client"), Secret("na1-first"))
PATH = "/crm/objects/2026-03/contacts"


class Crm:
    """A token endpoint and one data path behind it. `valid` are the access tokens it takes at this moment."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.valid: set[str] = set()
        self.rotates = False
        self.token_faults: list[httpx.Response] = []
        self.seen: list[str] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)  # so that calls overlap
        if request.url.path == "/oauth/2026-03/token":
            return self._token(request)
        token = request.headers["authorization"].removeprefix("Bearer ")
        self.seen.append(token)
        if token in self.valid:
            return httpx.Response(200, json={"results": []})
        said = {"status": "error", "category": "EXPIRED_AUTHENTICATION", "message": f"token {token} expired"}
        return httpx.Response(401, json=said)

    def _token(self, request: httpx.Request) -> httpx.Response:
        self.forms.append({name: values[0] for name, values in parse_qs(request.content.decode()).items()})
        if self.token_faults:
            return self.token_faults.pop(0)
        access = f"CL-{len(self.forms)}"
        self.valid = {access}
        refresh = f"na1-{len(self.forms)}" if self.rotates else self.forms[-1]["refresh_token"]
        return httpx.Response(
            200, json={"access_token": access, "refresh_token": refresh, "expires_in": 1800}
        )


@pytest.fixture
def crm() -> Crm:
    return Crm()


@pytest.fixture
def connect(crm: Crm, clock: ManualClock) -> Callable[..., Transport]:
    def to(app: OAuthApp = APP, file: Path | None = None) -> Transport:
        return Transport("http://crm.test", app, clock, http=httpx.MockTransport(crm), tokens_file=file)

    return to


async def test_one_renewal_serves_everybody(crm: Crm, connect: Callable[..., Transport]) -> None:
    async with connect() as t:
        await together(t.call("GET", PATH) for _ in range(8))
        assert len(crm.forms) == 1
        assert dict(t.counts) == {"read": 8, "auth": 1}
    assert crm.forms[0] == {
        "grant_type": "refresh_token",
        "client_id": "client-1",
        "client_secret": "shh-client",
        "refresh_token": "na1-first",
    }


async def test_it_is_renewed_five_minutes_before_its_end(
    crm: Crm, connect: Callable[..., Transport], clock: ManualClock
) -> None:
    async with connect() as t:
        await t.call("GET", PATH)
        clock.at = 1499
        await t.call("GET", PATH)
        assert crm.seen == ["CL-1", "CL-1"]
        clock.at = 1500
        await t.call("GET", PATH)
    assert crm.seen == ["CL-1", "CL-1", "CL-2"]


async def test_a_401_renews_once_and_replays_once(crm: Crm, connect: Callable[..., Transport]) -> None:
    async with connect() as t:
        await t.call("GET", PATH)
        crm.valid = set()
        assert await together(t.call("GET", PATH) for _ in range(5)) == [{"results": []}] * 5
    assert len(crm.forms) == 2


async def test_a_401_after_the_renewal_stops(crm: Crm, connect: Callable[..., Transport]) -> None:
    async with connect() as t:
        await t.call("GET", PATH)
        crm.valid = set()
        crm.token_faults = [httpx.Response(200, json={"access_token": "CL-none", "expires_in": 1800})]
        with pytest.raises(Unauthorised) as raised:
            await t.call("GET", PATH)
        assert "CL-" not in str(raised.value)
    assert len(crm.forms) == 2
    assert crm.seen == ["CL-1", "CL-1", "CL-none"]


async def test_the_token_endpoint_has_limits_too(
    crm: Crm, connect: Callable[..., Transport], clock: ManualClock
) -> None:
    limit = {"message": "You have reached your rate limit."}
    crm.token_faults = [httpx.Response(429, json=limit, headers={"Retry-After": "4"}), httpx.Response(502)]
    async with connect() as t:
        await t.call("GET", PATH)
        assert dict(t.counts) == {"auth": 3, "read": 1}
    assert clock.at >= 4


async def test_a_dead_token_endpoint_is_given_up_once(crm: Crm, connect: Callable[..., Transport]) -> None:
    crm.token_faults = [httpx.Response(503)] * 50
    async with connect() as t:
        with pytest.raises(ServerFault, match="/oauth/"):
            await t.call("GET", PATH)
        assert dict(t.counts) == {"auth": 6}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            400,
            {"status": "BAD_REFRESH_TOKEN", "error": "invalid_grant", "message": "na1-first is gone"},
        ),
        (403, {"status": "BAD_HUB", "error": "access_denied", "message": "portal deleted"}),
        (401, {"status": "BAD_CLIENT_SECRET", "error_description": "shh-client is wrong"}),
    ],
)
async def test_some_refusals_end_it(
    crm: Crm, connect: Callable[..., Transport], status: int, said: dict[str, str]
) -> None:
    crm.token_faults = [httpx.Response(status, json=said)]
    async with connect() as t:
        with pytest.raises(Unauthorised) as raised:
            await t.call("GET", PATH)
    assert "HUBSPOT_REFRESH_TOKEN" in raised.value.fix
    assert "na1-first" not in str(raised.value)
    assert "shh-client" not in str(raised.value)
    assert len(crm.forms) == 1


async def test_an_answer_without_a_token_is_no_token(crm: Crm, connect: Callable[..., Transport]) -> None:
    crm.token_faults = [httpx.Response(200, json={"token_type": "bearer"})]
    async with connect() as t:
        with pytest.raises(Exception, match="without one"):
            await t.call("GET", PATH)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


async def test_a_rotated_refresh_token_is_kept_for_the_next_run(
    crm: Crm, connect: Callable[..., Transport], tmp_path: Path
) -> None:
    crm.rotates = True
    file = tmp_path / "tokens.json"
    async with connect(file=file) as t:
        await t.call("GET", PATH)
    assert modes(tmp_path) == {"tokens.json": 0o600}
    async with connect(file=file) as t:
        await t.call("GET", PATH)
    assert [form["refresh_token"] for form in crm.forms] == ["na1-first", "na1-1"]


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"from": "another app", "refresh_token": "x"}', b""])
async def test_a_tokens_file_that_is_not_ours_is_not_used(
    crm: Crm, connect: Callable[..., Transport], tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "tokens.json"
    file.write_bytes(content)
    async with connect(file=file) as t:
        await t.call("GET", PATH)
    assert crm.forms[0]["refresh_token"] == "na1-first"
    assert file.read_bytes() == content


async def test_new_settings_win_over_the_kept_token(
    crm: Crm, connect: Callable[..., Transport], tmp_path: Path
) -> None:
    crm.rotates = True
    file = tmp_path / "tokens.json"
    async with connect(file=file) as t:
        await t.call("GET", PATH)
    anew = OAuthApp(APP.client_id, APP.client_secret, Secret("na1-installed-again"))
    async with connect(anew, file) as t:
        await t.call("GET", PATH)
    assert crm.forms[-1]["refresh_token"] == "na1-installed-again"
    assert orjson.loads(file.read_bytes())["refresh_token"] == "na1-2"
