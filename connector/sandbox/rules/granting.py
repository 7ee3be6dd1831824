"""How an OAuth app is given tokens, and how it loses them (HUBSPOT.md 1.2).

The words of BAD_REFRESH_TOKEN, BAD_AUTH_CODE and BAD_GRANT_TYPE were seen on real accounts; those of the others
are made after them.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from connector.sandbox.state import SCOPES, Account, Token
from connector.sandbox.state.grants import App, Code
from connector.sandbox.wire import Refusal

LIFE = 1800  # seconds of an access token
CODE_LIFE = (
    600  # seconds of an authorization code; HubSpot does not say, and 600 is the most that RFC 6749 wants
)
METHODS = ("S256", "plain")
# What client_credentials is for: the webhooks journal (9.2), never the account's records.
JOURNAL_SCOPES = (
    "developer.webhooks_journal.read",
    "developer.webhooks_journal.subscriptions.read",
    "developer.webhooks_journal.subscriptions.write",
)
DENIALS = {  # status of the body -> error (RFC 6749), message
    "BAD_GRANT_TYPE": ("unsupported_grant_type", "missing or unknown grant type"),
    "BAD_CLIENT_ID": ("invalid_client", "missing or unknown client id"),
    "BAD_CLIENT_SECRET": ("invalid_client", "missing or invalid client secret"),
    "BAD_AUTH_CODE": ("invalid_grant", "missing or unknown auth code"),
    "BAD_REDIRECT_URI": ("invalid_grant", "redirect URI does not match initial auth code URI"),
    "BAD_REFRESH_TOKEN": ("invalid_grant", "missing or invalid refresh token"),
    "BAD_SCOPES": ("invalid_scope", "missing or unknown scopes"),
    "BAD_HUB": ("access_denied", "missing or unknown hub id"),
}
DESCRIPTIONS = {"BAD_REFRESH_TOKEN": "refresh token is invalid, expired or revoked"}


@dataclass(frozen=True, slots=True)
class Issued:
    """What a grant gives."""

    access: Token
    refresh: str = ""


def denied(account: Account, status: str) -> Refusal:
    """A no of the token endpoint; whether the HTTP status is always 400 is a knob."""
    error, message = DENIALS[status]
    told = DESCRIPTIONS.get(status, message)
    rfc = account.knobs.oauth_denial_status == "rfc"
    code = {"invalid_client": 401, "access_denied": 403}.get(error, 400) if rfc else 400
    return Refusal(code, {"status": status, "error": error, "error_description": told, "message": message})


def identify(account: Account, client_id: str, client_secret: str) -> App:
    """The app, if it is the one. Raises Refusal."""
    app = account.grants.app
    if client_id != app.client_id:
        raise denied(account, "BAD_CLIENT_ID")
    if client_secret != app.client_secret:
        raise denied(account, "BAD_CLIENT_SECRET")
    return app


def redeem(account: Account, code: str, redirect_uri: str, verifier: str, scopes: str) -> Issued:
    """Installs the app with the scopes of the code. Raises Refusal; the code is kept then."""
    found = account.grants.code(code)
    if found is None or found.expires <= account.clock.now():
        raise denied(account, "BAD_AUTH_CODE")
    if redirect_uri != found.redirect_uri:
        raise denied(account, "BAD_REDIRECT_URI")
    if found.challenge and not _proves(found, verifier):
        raise denied(account, "BAD_AUTH_CODE")
    narrowed = _narrowed(account, found.scopes, scopes)
    account.grants.spend(code)
    account.grants.install(found.scopes)
    return Issued(_issue(account, narrowed), account.grants.refresh_token())


def refresh(account: Account, token: str, scopes: str) -> Issued:
    """Another access token; the refresh token stays the same unless the knob says that it rotates."""
    grants = account.grants
    if not grants.known(token):
        raise denied(account, "BAD_REFRESH_TOKEN")
    if not grants.app.installed:
        raise denied(account, "BAD_HUB")
    if not grants.good(token):
        raise denied(account, "BAD_REFRESH_TOKEN")
    narrowed = _narrowed(account, grants.app.scopes, scopes)
    if not account.knobs.refresh_token_rotates:
        return Issued(_issue(account, narrowed), token)
    grants.revoke(token, account.clock.now())
    return Issued(_issue(account, narrowed), grants.refresh_token())


def credentials(account: Account, scopes: str) -> Issued:
    """A token of the app itself, with no account behind it."""
    narrowed = _narrowed(account, frozenset(JOURNAL_SCOPES), scopes)
    return Issued(_issue(account, narrowed, "client_credentials"))


def authorise(
    account: Account, scopes: Iterable[str] | None, redirect_uri: str, challenge: str, method: str
) -> str:
    """The consent screen: an authorization code. Raises ValueError for what the screen would not show."""
    wanted = set(SCOPES if scopes is None else scopes)
    if odd := sorted(wanted.difference(SCOPES)):
        raise ValueError(f"the app may not ask for {', '.join(odd)}")
    if method not in METHODS:
        raise ValueError(f"a code challenge's method is one of {', '.join(METHODS)}")
    grants = account.grants
    until = account.clock.now() + CODE_LIFE * 1000
    return grants.offer(redirect_uri or grants.app.redirect_uri, wanted, challenge, method, until)


def expire(account: Account, token: str) -> None:
    """Ends one token now, or all access tokens of the app. Raises ValueError where there is none to end."""
    now = account.clock.now()
    if not token:
        if not account.grants.expire(now):
            raise ValueError("the app has no access token that lives; name the token that is to expire")
        return
    found = account.find_token(token)
    if found is None:
        raise ValueError("the account does not know this token")
    account.keep_token(Token(found.token, found.app_id, found.scopes, now, found.use))


def _proves(code: Code, verifier: str) -> bool:
    """PKCE (RFC 7636)."""
    if code.method == "plain":
        return verifier == code.challenge
    digest = sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode() == code.challenge


def _narrowed(account: Account, granted: frozenset[str], asked: str) -> frozenset[str]:
    """The granted scopes, or those of them that are asked for. Raises Refusal for more."""
    wanted = frozenset(asked.split())
    if not wanted <= granted:
        raise denied(account, "BAD_SCOPES")
    return wanted or granted


def _issue(account: Account, scopes: frozenset[str], use: str = "access_token") -> Token:
    grants = account.grants
    until = account.clock.now() + LIFE * 1000
    token = Token(grants.access_token(), grants.app.app_id, scopes, until, use)
    account.keep_token(token)
    return token
