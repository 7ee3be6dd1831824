"""The token of each request: a service key that never changes, or an OAuth app's, renewed before it expires.

OAuth: HUBSPOT.md 1.2. An access token lives 30 minutes; the refresh token may be rotated, so the latest one
is kept in tokens.json (0600) beside the database, and used as long as the settings still hold the token
that it came from.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import orjson

from connector.clock import Clock
from connector.errors import Refused, Unauthorised, Unreachable
from connector.hubspot.wire import number
from connector.model import Document, Secret
from connector.settings import OAuthApp

LEAD = 300.0  # seconds before its end at which an access token is renewed
REAUTHORISE = (
    "Install the OAuth app in the account again and put the new refresh token into .env as "
    "HUBSPOT_REFRESH_TOKEN; a service key (HUBSPOT_ACCESS_TOKEN) needs no renewal."
)
Ask = Callable[[dict[str, str]], Awaitable[Document]]


class Tokens(Protocol):
    async def current(self) -> Secret: ...

    async def renewed(self, used: Secret) -> Secret | None:
        """Another token than the one that was refused, or None where there can be none."""

    def scrub(self, text: str) -> str:
        """The text without any token in it."""


class ServiceKey:
    """A fixed token: service key or private app."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    async def current(self) -> Secret:
        return self._token

    async def renewed(self, used: Secret) -> Secret | None:  # noqa: ARG002 (a key has no successor)
        return None

    def scrub(self, text: str) -> str:
        return text.replace(self._token.reveal(), "***")


class OAuthTokens:
    """Access tokens of an OAuth app, renewed one at a time, whoever asks; `ask` posts to the CRM."""

    def __init__(self, app: OAuthApp, ask: Ask, clock: Clock, file: Path | None) -> None:
        self._app = app
        self._ask = ask
        self._clock = clock
        self._file = file
        self._refresh = _kept(file, app.refresh_token) or app.refresh_token
        self._access: Secret | None = None
        self._renew_at = 0.0
        self._one = asyncio.Lock()
        self._seen = {app.client_secret, app.refresh_token, self._refresh}

    async def current(self) -> Secret:
        async with self._one:
            if self._access is None or self._clock.monotonic() >= self._renew_at:
                return await self._renew()
            return self._access

    async def renewed(self, used: Secret) -> Secret | None:
        async with self._one:
            if self._access is None or self._access == used:
                return await self._renew()
            return self._access

    def scrub(self, text: str) -> str:
        for secret in self._seen:
            text = text.replace(secret.reveal(), "***")
        return text

    async def _renew(self) -> Secret:
        try:
            said = await self._ask(
                {
                    "grant_type": "refresh_token",
                    "client_id": self._app.client_id,
                    "client_secret": self._app.client_secret.reveal(),
                    "refresh_token": self._refresh.reveal(),
                }
            )
        except Refused as no:
            raise Unauthorised(f"The CRM gives no new access token. {no}", REAUTHORISE) from None
        if not isinstance(said.get("access_token"), str):
            raise Unreachable("The CRM answered the request for an access token without one.")
        self._access = Secret(said["access_token"])
        self._renew_at = self._clock.monotonic() + max(1.0, (number(said.get("expires_in")) or 1800) - LEAD)
        self._seen.add(self._access)
        self._rotate(str(said.get("refresh_token") or ""))
        return self._access

    def _rotate(self, refresh: str) -> None:
        if not refresh or refresh == self._refresh.reveal():
            return
        self._refresh = Secret(refresh)
        self._seen.add(self._refresh)
        if self._file is not None:
            _keep(self._file, self._app.refresh_token, self._refresh)


def _print_of(token: Secret) -> str:
    return hashlib.sha256(token.reveal().encode()).hexdigest()


def _kept(file: Path | None, configured: Secret) -> Secret | None:
    """The rotated token of the file, if it descends from the configured one."""
    if file is None or not file.is_file():
        return None
    try:
        said = orjson.loads(file.read_bytes())
        descends = said["from"] == _print_of(configured)
        return Secret(str(said["refresh_token"])) if descends else None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


def _keep(file: Path, configured: Secret, rotated: Secret) -> None:
    """Whole or not at all: written beside, then moved over."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600, exist_ok=False)
    fresh.write_bytes(orjson.dumps({"from": _print_of(configured), "refresh_token": rotated.reveal()}))
    fresh.replace(file)
