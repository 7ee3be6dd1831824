"""OAuth as an app meets it (HUBSPOT.md 1.1, 1.2, 8); the refusals' wording is in `errors/`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oauth_app import Tokens, access_of, listing, refusal_of
from small_account import BOB, NOW, small

from connector import sandbox
from connector.sandbox.desk import Request

CONTACTS = "/crm/v3/objects/contacts"
V1_ENDS = 1_802_736_000_000  # 2027-02-16
VERSIONS = ("v3", "2026-03", "2026-09")


@pytest.fixture
def portal() -> Iterator[sandbox.Portal]:
    with sandbox.start(now=NOW, driven=True, rows=small()) as running:
        running.knobs(grant_limit=0)
        yield running


# -- refreshing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_refresh_gives_half_an_hour(
    portal: sandbox.Portal, web: httpx.Client, tokens: Tokens, version: str
) -> None:
    body = tokens(f"/oauth/{version}/token").json()
    app = portal.app
    assert {name: value for name, value in body.items() if name not in ("access_token", "scopes")} == {
        "token_type": "bearer",
        "refresh_token": app.refresh_token,
        "hub_id": portal.account.portal_id,
        "user_id": app.user_id,
        "expires_in": 1800,
        "token_use": "access_token",
    }
    assert frozenset(body["scopes"]) == app.scopes
    assert len(body["access_token"]) >= 512
    portal.advance(1799)
    assert listing(web, body["access_token"]).status_code == 200
    portal.advance(4)
    refused = listing(web, body["access_token"]).json()
    assert refused["category"] == "EXPIRED_AUTHENTICATION"
    assert refused["message"].endswith("expired 3 second(s) ago.")


@pytest.mark.parametrize("version", ["v1", *VERSIONS])
def test_a_secret_in_the_address_is_refused(portal: sandbox.Portal, tokens: Tokens, version: str) -> None:
    path = f"/oauth/{version}/token"
    assert tokens(path).status_code == 200
    assert tokens(f"{path}?refresh_token={portal.app.refresh_token}").status_code == 400


def test_v1_says_less(portal: sandbox.Portal, tokens: Tokens) -> None:
    body = tokens("/oauth/v1/token").json()
    assert sorted(body) == ["access_token", "expires_in", "refresh_token", "token_type"]
    assert body["refresh_token"] == portal.app.refresh_token


def test_an_older_access_token_lives_on_beside_the_new_one(web: httpx.Client, tokens: Tokens) -> None:
    old, new = access_of(tokens()), access_of(tokens())
    assert old != new
    assert [listing(web, one).status_code for one in (old, new)] == [200, 200]


def test_the_app_is_a_function_of_the_seed() -> None:
    def app(seed: int) -> object:
        account = sandbox.Account(seed=seed, now=NOW)
        found = account.grants.app
        account.close()
        return found

    assert app(7) == app(7)
    assert app(7) != app(8)


def test_the_app_is_kept_in_the_file(tmp_path: Path) -> None:
    with sandbox.start(now=NOW, state=tmp_path / "state.db") as portal:
        portal.knobs(refresh_token_rotates=True)
        form = {"client_id": portal.app.client_id, "client_secret": portal.app.client_secret}
        form |= {"grant_type": "refresh_token", "refresh_token": portal.app.refresh_token}
        access = access_of(httpx.post(f"{portal.url}/oauth/v3/token", data=form))
        told = portal.state()["app"]
    with sandbox.start(state=tmp_path / "state.db") as portal:
        assert portal.state()["app"] == told
        assert portal.app.refresh_token == told["refresh_token"] != form["refresh_token"]
        with httpx.Client(base_url=portal.url) as web:
            assert listing(web, access).status_code == 200


@pytest.mark.parametrize("rotates", [False, True])
def test_the_refresh_token_rotates_when_it_is_turned_on(
    portal: sandbox.Portal, tokens: Tokens, *, rotates: bool
) -> None:
    portal.knobs(refresh_token_rotates=rotates)
    first = portal.app.refresh_token
    given = tokens().json()["refresh_token"]
    assert (given != first) is rotates
    assert portal.app.refresh_token == given
    again = tokens(refresh_token=first)
    assert again.status_code == (400 if rotates else 200)
    assert tokens().status_code == 200


def test_scopes_may_be_narrowed(web: httpx.Client, tokens: Tokens) -> None:
    body = tokens(scope="oauth forms").json()
    assert body["scopes"] == ["forms", "oauth"]
    assert listing(web, body["access_token"]).status_code == 403


@pytest.mark.parametrize(("scopes", "status"), [("oauth", 200), ("forms", 403)])
def test_an_app_needs_a_scope_where_a_key_needs_none(
    portal: sandbox.Portal, web: httpx.Client, tokens: Tokens, scopes: str, status: int
) -> None:
    portal.grant(["forms"])
    for token, expected in ((portal.token, 200), (access_of(tokens(scope=scopes)), status)):
        headers = {"Authorization": f"Bearer {token}"}
        assert web.get("/account-info/v3/details", headers=headers).status_code == expected


def test_writes_are_the_app_s(portal: sandbox.Portal, web: httpx.Client, tokens: Tokens) -> None:
    headers = {"Authorization": f"Bearer {access_of(tokens())}"}
    web.patch(f"{CONTACTS}/{BOB}", json={"properties": {"jobtitle": "DSI"}}, headers=headers)
    newest = portal.history("contacts", BOB, "jobtitle")[0]
    assert (newest["sourceType"], newest["sourceId"]) == ("INTEGRATION", str(portal.app.app_id))


# -- the end of it -------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_revoking_ends_the_refresh_token_and_nothing_else(
    portal: sandbox.Portal, web: httpx.Client, tokens: Tokens, version: str
) -> None:
    access, refresh = access_of(tokens()), portal.app.refresh_token
    path = f"/oauth/{version}/token"
    assert tokens(f"{path}/introspect", token=refresh).json()["active"] is True
    for _ in range(2):  # the second time there is nothing left to revoke
        answer = tokens(f"{path}/revoke", token=refresh, token_type_hint="refresh_token")
        assert (answer.status_code, answer.content) == (200, b"")
    assert tokens(f"{path}/introspect", token=refresh).json() == {"active": False}
    assert refusal_of(tokens(refresh_token=refresh)) == (400, "BAD_REFRESH_TOKEN", "invalid_grant")
    assert listing(web, access).status_code == 200
    portal.advance(1800)
    assert listing(web, access).status_code == 401


def test_an_access_token_cannot_be_revoked(web: httpx.Client, tokens: Tokens) -> None:
    access = access_of(tokens())
    assert tokens("/oauth/v3/token/revoke", token=access).status_code == 200
    assert listing(web, access).status_code == 200


def test_introspection_tells_of_both_kinds(portal: sandbox.Portal, tokens: Tokens) -> None:
    access, app = access_of(tokens()), portal.app
    portal.advance(100)
    who = {"user": app.user, "hub_domain": app.hub_domain, "hub_id": app.hub_id, "user_id": app.user_id}
    who |= {"client_id": app.client_id, "scopes": sorted(app.scopes), "token_type": "bearer", "active": True}
    path = "/oauth/2026-03/token/introspect"
    told = {"token": access, "token_use": "access_token", "app_id": app.app_id, "expires_in": 1700}
    assert tokens(path, token=access).json() == who | told
    told = {"token": app.refresh_token, "token_use": "refresh_token"}
    assert tokens(path, token=app.refresh_token).json() == who | told
    portal.advance(1700)
    for nothing in (access, portal.token, "x", ""):
        assert tokens(path, token=nothing).json() == {"active": False}
    assert tokens(path, token=access, client_secret="x").json()["status"] == "BAD_CLIENT_SECRET"


@pytest.mark.parametrize(("setting", "status", "client"), [("400", 400, 400), ("rfc", 403, 401)])
def test_an_app_taken_out_of_the_account_has_nothing_left(
    portal: sandbox.Portal, web: httpx.Client, tokens: Tokens, setting: str, status: int, client: int
) -> None:
    portal.knobs(oauth_denial_status=setting)
    access, code = access_of(tokens()), portal.authorise()
    portal.uninstall()
    assert listing(web, access).json()["category"] == "INVALID_AUTHENTICATION"
    assert refusal_of(tokens()) == (status, "BAD_HUB", "access_denied")
    assert tokens(client_id="x").status_code == client
    spent = {"grant_type": "authorization_code", "code": code, "redirect_uri": portal.app.redirect_uri}
    assert refusal_of(tokens(**spent))[1] == "BAD_AUTH_CODE"
    refresh = portal.app.refresh_token
    anew = {"grant_type": "authorization_code", "redirect_uri": portal.app.redirect_uri}
    assert tokens(**anew, code=portal.authorise()).status_code == 200
    assert refusal_of(tokens(refresh_token=refresh))[1] == "BAD_REFRESH_TOKEN"
    assert tokens().status_code == 200


def test_a_token_can_be_made_to_expire(portal: sandbox.Portal, web: httpx.Client, tokens: Tokens) -> None:
    first, second = access_of(tokens()), access_of(tokens())
    portal.grant(token="pat-other", expires=NOW + 60_000)
    portal.expire(first)
    assert listing(web, first).json()["message"].endswith("expired 0 second(s) ago.")
    assert listing(web, second).status_code == 200
    assert web.post("/__sandbox__/expire", json={}).status_code == 200
    assert listing(web, second).json()["category"] == "EXPIRED_AUTHENTICATION"
    assert [listing(web, one).status_code for one in (portal.token, "pat-other")] == [200, 200]
    with pytest.raises(ValueError, match="name the token"):
        portal.expire()
    with pytest.raises(ValueError, match="does not know"):
        portal.expire("x")
    portal.expire(portal.token)
    assert listing(web, portal.token).status_code == 401


# -- limits --------------------------------------------------------------------------------------------


def test_an_app_has_a_window_of_its_own_and_no_day(
    portal: sandbox.Portal, web: httpx.Client, tokens: Tokens
) -> None:
    access = access_of(tokens())
    headers = listing(web, access).headers
    told = {name: value for name, value in headers.items() if name.startswith("x-hubspot-ratelimit")}
    assert told == {
        "x-hubspot-ratelimit-interval-milliseconds": "10000",
        "x-hubspot-ratelimit-max": "110",
        "x-hubspot-ratelimit-remaining": "109",
        "x-hubspot-ratelimit-secondly": "11",
        "x-hubspot-ratelimit-secondly-remaining": "10",
    }
    assert {listing(web, access).status_code for _ in range(109)} == {200}
    refused = listing(web, access_of(tokens()))  # another token of the same app is no way around it
    assert refused.status_code == 429
    assert refused.json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert listing(web, portal.token).status_code == 200
    assert portal.state()["usedToday"] == 1
    portal.advance(10)
    assert listing(web, access).status_code == 200


@pytest.mark.parametrize("knobs", [{"grant_limit": None}, {"grant_limit": 2}])
def test_the_token_endpoint_has_a_limit_that_says_how_long(
    portal: sandbox.Portal, tokens: Tokens, knobs: dict[str, int | None]
) -> None:
    portal.knobs(**knobs, retry_after_on_429=False)
    most = knobs["grant_limit"] or 10
    assert {tokens(refresh_token="x").status_code for _ in range(most)} == {400}
    refused = tokens()
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2")
    assert refused.json()["message"] == "You have reached your rate limit."
    portal.advance(1)
    assert tokens().status_code == 200


# -- what is where -------------------------------------------------------------------------------------


def test_v1_ends(portal: sandbox.Portal, web: httpx.Client, tokens: Tokens) -> None:
    portal.advance((V1_ENDS - NOW) / 1000 - 1)
    assert tokens("/oauth/v1/token").status_code == 200
    assert web.get(f"/oauth/v1/refresh-tokens/{portal.app.refresh_token}").status_code == 200
    portal.advance(1)
    gone = [tokens("/oauth/v1/token")]
    gone += [web.get(f"/oauth/v1/{kind}-tokens/{portal.app.refresh_token}") for kind in ("access", "refresh")]
    assert [one.status_code for one in gone] == [404, 404, 404]
    assert tokens("/oauth/v3/token").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/oauth/2026-03/token", 405),
        ("POST", "/oauth/v1/token/introspect", 501),
        ("GET", "/oauth/2026-03/access-tokens/x", 501),
        ("POST", "/oauth/v2/token", 501),
        ("POST", "/oauth/2026-03/token?odd=1", 501),
        ("GET", "/oauth/v1/access-tokens/x", 404),
        ("DELETE", "/oauth/v1/refresh-tokens/x", 404),
    ],
)
def test_what_is_not_there(web: httpx.Client, method: str, path: str, status: int) -> None:
    assert web.request(method, path).status_code == status


# -- anything --------------------------------------------------------------------------------------------

NAMES = ["grant_type", "client_id", "client_secret", "code", "redirect_uri", "refresh_token", "scope"]
NAMES += ["code_verifier", "token", "token_type_hint", "é"]
PATHS = [f"/oauth/{v}/token{what}" for v in (*VERSIONS, "v1") for what in ("", "/introspect", "/revoke")]
KINDS = [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded;charset=latin-1",
    "text/plain",
]


@pytest.fixture(scope="module")
def desk() -> Iterator[sandbox.Desk]:
    account = sandbox.Account(now=NOW, driven=True)
    account.settings.turn(grant_limit=0)
    yield sandbox.Desk(account)
    account.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_form_breaks_it(desk: sandbox.Desk, data: st.DataObject) -> None:
    app = desk.account.grants.app
    words = st.one_of(
        st.sampled_from(["authorization_code", "refresh_token", "client_credentials", "oauth", "\x00"]),
        st.sampled_from([app.client_id, app.client_secret, app.refresh_token]),
        st.text(max_size=6),
    )
    form = data.draw(st.dictionaries(st.sampled_from(NAMES), words, max_size=6))
    if data.draw(st.booleans()):
        form |= {"client_id": app.client_id, "client_secret": app.client_secret}
    raw = data.draw(st.one_of(st.just(urlencode(form, errors="replace").encode()), st.binary(max_size=20)))
    headers = {"content-type": data.draw(st.sampled_from(KINDS))}
    answer = desk.answer(Request("POST", data.draw(st.sampled_from(PATHS)), "", headers, raw))
    assert answer.status in (200, 400, 415, 501), answer.raw
    assert not desk.account.db.con.in_transaction
