"""Authorization codes, the consent screen, and the vendor's own client through all of it (HUBSPOT.md 1.2)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256

import httpx
import pytest
from hubspot import HubSpot
from hubspot.oauth.exceptions import ApiException, NotFoundException
from oauth_app import Tokens, listing, refusal_of

from connector import sandbox


def test_a_code_installs_the_app_with_its_scopes_once(
    portal: sandbox.Portal, web: httpx.Client, tokens: Tokens
) -> None:
    before = portal.app.refresh_token
    code = portal.authorise(["oauth", "crm.objects.contacts.read"])
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": portal.app.redirect_uri}
    body = tokens(**fields).json()
    assert body["scopes"] == ["crm.objects.contacts.read", "oauth"]
    assert body["refresh_token"] == portal.app.refresh_token != before
    assert listing(web, body["access_token"]).status_code == 200
    assert tokens().json()["scopes"] == body["scopes"]
    assert refusal_of(tokens(**fields)) == (400, "BAD_AUTH_CODE", "invalid_grant")


def test_a_code_is_short_lived(portal: sandbox.Portal, tokens: Tokens) -> None:
    code = portal.authorise()
    portal.advance(600)
    answer = tokens(grant_type="authorization_code", code=code, redirect_uri=portal.app.redirect_uri)
    assert refusal_of(answer) == (400, "BAD_AUTH_CODE", "invalid_grant")


def test_a_code_belongs_to_its_address(portal: sandbox.Portal, tokens: Tokens) -> None:
    code = portal.authorise(redirect_uri="http://127.0.0.1:4000/back")
    fields = {"grant_type": "authorization_code", "code": code}
    assert refusal_of(tokens(**fields)) == (400, "BAD_REDIRECT_URI", "invalid_grant")
    assert tokens(**fields, redirect_uri="http://127.0.0.1:4000/back").status_code == 200


@pytest.mark.parametrize("method", ["S256", "plain"])
def test_a_code_with_a_challenge_wants_its_verifier(
    portal: sandbox.Portal, tokens: Tokens, method: str
) -> None:
    verifier = "a" * 43
    digest = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    challenge = digest if method == "S256" else verifier
    code = portal.authorise(code_challenge=challenge, code_challenge_method=method)
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": portal.app.redirect_uri}
    assert tokens(**fields).json()["status"] == "BAD_AUTH_CODE"
    assert tokens(**fields, code_verifier="b" * 43).json()["status"] == "BAD_AUTH_CODE"
    assert tokens(**fields, code_verifier=verifier).status_code == 200


def test_the_consent_screen_over_http(web: httpx.Client, tokens: Tokens) -> None:
    given = web.post("/__sandbox__/authorise", json={"scopes": ["oauth"]}).json()
    app = web.get("/__sandbox__/state").json()["app"]
    fields = {"grant_type": "authorization_code", "redirect_uri": app["redirect_uri"]}
    assert tokens(**fields, code=given["code"]).json()["scopes"] == ["oauth"]
    assert web.post("/__sandbox__/uninstall").status_code == 200
    assert web.get("/__sandbox__/state").json()["app"]["installed"] is False


def test_the_consent_screen_refuses_what_the_app_may_not_ask(portal: sandbox.Portal) -> None:
    with pytest.raises(ValueError, match="tickets"):
        portal.authorise(["oauth", "tickets"])
    with pytest.raises(ValueError, match="S256"):
        portal.authorise(code_challenge="x", code_challenge_method="S512")


def test_the_app_s_own_token_has_no_account(web: httpx.Client, tokens: Tokens) -> None:
    body = tokens(grant_type="client_credentials").json()
    assert body["token_use"] == "client_credentials"
    assert "refresh_token" not in body and "hub_id" not in body
    assert listing(web, body["access_token"]).json()["category"] == "MISSING_SCOPES"
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    assert web.get("/account-info/v3/details", headers=headers).status_code == 403
    answer = tokens(grant_type="client_credentials", scope="crm.objects.contacts.read")
    assert refusal_of(answer) == (400, "BAD_SCOPES", "invalid_scope")


def test_the_official_client_goes_all_the_way(portal: sandbox.Portal) -> None:
    hubspot, app = HubSpot(host=portal.url, base_url=portal.url), portal.app
    own = {"client_id": app.client_id, "client_secret": app.client_secret}
    given = hubspot.oauth.tokens_api.create(
        grant_type="authorization_code", code=portal.authorise(), redirect_uri=app.redirect_uri, **own
    )
    assert (given.token_type, given.expires_in) == ("bearer", 1800)
    access = hubspot.oauth.access_tokens_api.get(given.access_token)
    assert (access.hub_id, access.user_id, access.app_id) == (app.hub_id, app.user_id, app.app_id)
    assert (access.token, access.token_type, access.expires_in) == (given.access_token, "access", 1800)
    assert access.scopes == sorted(app.scopes)
    refresh = hubspot.oauth.refresh_tokens_api.get(given.refresh_token)
    assert (refresh.client_id, refresh.token_type, refresh.user) == (app.client_id, "refresh", app.user)
    reading = HubSpot(host=portal.url, base_url=portal.url, access_token=given.access_token)
    assert len(reading.crm.contacts.get_all()) == 3
    hubspot.oauth.refresh_tokens_api.archive(given.refresh_token)
    with pytest.raises(NotFoundException):
        hubspot.oauth.refresh_tokens_api.get(given.refresh_token)
    with pytest.raises(ApiException) as caught:
        hubspot.oauth.tokens_api.create(grant_type="refresh_token", refresh_token=given.refresh_token, **own)
    assert caught.value.status == 400
    assert "BAD_REFRESH_TOKEN" in caught.value.body
