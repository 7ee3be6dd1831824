"""OAuth: tokens, introspection, revocation (HUBSPOT.md 1.2).

All parameters are a form in the body; no bearer token is needed. v1 answers 404 from 2027-02-16 on. Introspection
and revocation want the app's id and secret; a revoked refresh token leaves its access tokens alone.
"""

from __future__ import annotations

from connector.sandbox import refusals
from connector.sandbox.clock import parse
from connector.sandbox.rules import granting
from connector.sandbox.state import Account, Token
from connector.sandbox.wire import Body, Call, Handler, Refusal, Reply, refuse, route

V1_ENDS = parse("2027-02-16") or 0
_CLIENT = ("client_id", "client_secret")
_FORM = ("grant_type", *_CLIENT, "code", "redirect_uri", "refresh_token", "scope", "code_verifier")
_NAMED = (*_CLIENT, "token", "token_type_hint")
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")


def token(account: Account, call: Call) -> Reply:
    grant_type = _body(call).get("grant_type", "")
    if grant_type not in GRANT_TYPES:
        raise granting.denied(account, "BAD_GRANT_TYPE")
    form = _identified(account, call, _FORM)
    scope = form.get("scope", "")
    if grant_type == "authorization_code":
        code, redirect, verifier = (form.get(n, "") for n in ("code", "redirect_uri", "code_verifier"))
        issued = granting.redeem(account, code, redirect, verifier, scope)
    elif grant_type == "refresh_token":
        issued = granting.refresh(account, form.get("refresh_token", ""), scope)
    else:
        issued = granting.credentials(account, scope)
    return Reply(200, _issued(account, call, issued))


def introspect(account: Account, call: Call) -> Reply:
    """What is known of an access or a refresh token; of one that is not good, only that."""
    form = _identified(account, call, _NAMED)
    text = form.get("token", "")
    known = _access(account, text) or _refresh(account, text)
    if known is None:
        return Reply(200, {"active": False})
    use = known.pop("token_type")
    more = {"token_use": use, "token_type": "bearer", "client_id": form["client_id"]}
    return Reply(200, {"active": True, **known, **more})


def revoke(account: Account, call: Call) -> Reply:
    """200 whether or not there was something to revoke (RFC 7009); an access token cannot be revoked."""
    form = _identified(account, call, _NAMED)
    account.grants.revoke(form.get("token", ""), account.clock.now())
    return Reply(200)


def access_token(account: Account, call: Call) -> Reply:
    known = _access(account, call.args["token"])
    if known is None:
        raise refusals.not_found()
    return Reply(200, {**known, "token_type": "access"})


def refresh_token(account: Account, call: Call) -> Reply:
    known = _refresh(account, call.args["token"])
    if known is None:
        raise refusals.not_found()
    return Reply(200, {**known, "token_type": "refresh"})


def delete_refresh_token(account: Account, call: Call) -> Reply:
    if not account.grants.revoke(call.args["token"], account.clock.now()):
        raise refusals.not_found()
    return Reply(204)


def _body(call: Call, known: tuple[str, ...] | None = None) -> dict[str, str]:
    """The form. Raises Refusal (400) for parameters in the query, whatever the body says."""
    if call.query:
        told = f"Parameters must be in the request body, not in the query: {', '.join(sorted(call.query))}"
        raise refuse(400, told, "VALIDATION_ERROR")
    return call.form(known)


def _identified(account: Account, call: Call, known: tuple[str, ...]) -> dict[str, str]:
    """The form of the app itself. Raises Refusal for anybody else's."""
    form = _body(call, known)
    granting.identify(account, form.get("client_id", ""), form.get("client_secret", ""))
    return form


def _issued(account: Account, call: Call, issued: granting.Issued) -> Body:
    """The reply to a grant; v1 says less, and a token of the app itself has no account and no refresh token."""
    app = account.grants.app
    body: Body = {"token_type": "bearer"}
    if issued.refresh:
        body["refresh_token"] = issued.refresh
    body["access_token"] = issued.access.token
    if call.version == "v1":
        return {**body, "expires_in": granting.LIFE}
    if issued.refresh:
        body |= {"hub_id": app.hub_id, "user_id": app.user_id}
    more = {"expires_in": granting.LIFE, "token_use": issued.access.use}
    return {**body, "scopes": sorted(issued.access.scopes), **more}


def _access(account: Account, text: str) -> Body | None:
    """What is told of an access token of the app that lives."""
    found, now = account.find_token(text), account.clock.now()
    if found is None or not found.use or found.expires is None or found.expires <= now:
        return None
    app = account.grants.app
    left = {"app_id": app.app_id, "expires_in": (found.expires - now) // 1000}
    return {"token": text, **_whose(account, found), **left, "token_type": found.use}


def _refresh(account: Account, text: str) -> Body | None:
    """What is told of a refresh token that is good."""
    if not account.grants.good(text):
        return None
    told = _whose(account, None)
    return {"token": text, **told, "client_id": account.grants.app.client_id, "token_type": "refresh_token"}


def _whose(account: Account, access: Token | None) -> Body:
    app = account.grants.app
    scopes = sorted(app.scopes if access is None else access.scopes)
    if access is not None and access.use == "client_credentials":
        return {"scopes": scopes}
    who = {"user": app.user, "hub_domain": app.hub_domain, "hub_id": app.hub_id, "user_id": app.user_id}
    return {**who, "scopes": scopes}


def _until_it_ends(handler: Handler) -> Handler:
    """v1 is gone from its last day on."""

    def handled(account: Account, call: Call) -> Reply:
        if call.version == "v1" and account.clock.now() >= V1_ENDS:
            raise Refusal(404, {"status": "error", "message": "resource not found"})
        return handler(account, call)

    return handled


_NOT_V1 = "v3 2026-03 2026-09"
ROUTES = (
    route("POST", "/oauth/token", _until_it_ends(token), *_FORM, public=True),
    route("POST", "/oauth/token/introspect", introspect, *_NAMED, public=True, versions=_NOT_V1),
    route("POST", "/oauth/token/revoke", revoke, *_NAMED, public=True, versions=_NOT_V1),
    route("GET", "/oauth/access-tokens/{token}", _until_it_ends(access_token), public=True, versions="v1"),
    route("GET", "/oauth/refresh-tokens/{token}", _until_it_ends(refresh_token), public=True, versions="v1"),
    route(
        "DELETE",
        "/oauth/refresh-tokens/{token}",
        _until_it_ends(delete_refresh_token),
        public=True,
        versions="v1",
    ),
)
