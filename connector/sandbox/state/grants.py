"""The account's OAuth app: its installation, its authorization codes and refresh tokens (HUBSPOT.md 1.1, 1.2).

Who the app is and its first refresh token are functions of the seed; so is the row of tokens that it is given.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import shake_256
from uuid import UUID

from connector.sandbox.state.schema import Database


@dataclass(frozen=True, slots=True)
class App:
    """The app, and how it is installed at this moment."""

    client_id: str
    client_secret: str
    refresh_token: str  # the latest that it was given
    app_id: int
    redirect_uri: str
    hub_id: int
    hub_domain: str
    user_id: int  # who installed it
    user: str
    scopes: frozenset[str]  # of the installation
    installed: bool


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code: what the consent screen sends back. `expires` in milliseconds."""

    code: str
    redirect_uri: str
    scopes: frozenset[str]
    challenge: str  # PKCE; empty: none
    method: str
    expires: int


class Grants:
    """What the app was given. Access tokens are the account's tokens with a `use` (`account.Token`)."""

    def __init__(self, db: Database, seed: int, portal_id: int) -> None:
        self._db = db
        self._seed = seed
        self._portal_id = portal_id

    def found(self, scopes: Iterable[str]) -> None:
        """Installs the app in a new account."""
        self.install(scopes)
        self.refresh_token()

    @property
    def app(self) -> App:
        latest = self._db.value("select refresh_token from grants order by n desc limit 1")
        installation = self._db.noted("installation", {"installed": False, "scopes": []})
        domain = f"dev-{self._portal_id}.com"
        return App(
            client_id=self._uuid("client id"),
            client_secret=self._uuid("client secret"),
            refresh_token=latest or "",
            app_id=3_210_000 + self._seed,
            redirect_uri="http://localhost:3000/oauth-callback",
            hub_id=self._portal_id,
            hub_domain=domain,
            user_id=9_000_000 + self._seed,
            user=f"admin@{domain}",
            scopes=frozenset(installation["scopes"]),
            installed=installation["installed"],
        )

    def install(self, scopes: Iterable[str]) -> None:
        self._db.note("installation", {"installed": True, "scopes": sorted(scopes)})

    def uninstall(self, now: int) -> None:
        """Nothing that the app holds is good for anything from now on."""
        self._db.note("installation", {"installed": False, "scopes": []})
        self._db.run("update grants set revoked = ? where revoked is null", now)
        self._db.run("delete from tokens where use = 'access_token'")
        self._db.run("delete from codes")

    def refresh_token(self) -> str:
        """A new one."""
        text = f"eu1-{self._uuid('refresh token', self._next())}"
        self._db.run("insert into grants values (null, ?, null)", text)
        return text

    def known(self, refresh_token: str) -> bool:
        """True if it was ever given."""
        return self._db.value("select 1 from grants where refresh_token = ?", refresh_token) is not None

    def good(self, refresh_token: str) -> bool:
        sql = "select 1 from grants where refresh_token = ? and revoked is null"
        return self._db.value(sql, refresh_token) is not None

    def revoke(self, refresh_token: str, now: int) -> bool:
        """False where there was nothing to revoke."""
        sql = "update grants set revoked = ? where refresh_token = ? and revoked is null"
        return self._db.run(sql, now, refresh_token) > 0

    def access_token(self) -> str:
        """The text of a new one: as long as HubSpot says that they may become."""
        return "CL" + self._text("access token", self._next(), 510)

    def offer(
        self, redirect_uri: str, scopes: Iterable[str], challenge: str, method: str, expires: int
    ) -> str:
        """A new authorization code."""
        text = f"eu1-{self._uuid('code', self._next())}"
        row = (text, redirect_uri, " ".join(sorted(scopes)), challenge, method, expires)
        self._db.run("insert into codes values (?, ?, ?, ?, ?, ?)", *row)
        return text

    def code(self, text: str) -> Code | None:
        row = self._db.row("select * from codes where code = ?", text)
        return None if row is None else Code(row[0], row[1], frozenset(row[2].split()), *row[3:])

    def spend(self, code: str) -> None:
        """A code is good for one exchange."""
        self._db.run("delete from codes where code = ?", code)

    def expire(self, now: int) -> int:
        """Ends the access tokens that still live; gives how many there were."""
        sql = "update tokens set expires = ? where use = 'access_token' and expires > ?"
        return self._db.run(sql, now, now)

    def _next(self) -> int:
        number = int(self._db.noted("tokens given", 0)) + 1
        self._db.note("tokens given", number)
        return number

    def _bytes(self, what: str, number: int, size: int) -> bytes:
        return shake_256(f"{self._seed} {what} {number}".encode()).digest(size)

    def _uuid(self, what: str, number: int = 0) -> str:
        return str(UUID(bytes=self._bytes(what, number, 16), version=4))

    def _text(self, what: str, number: int, length: int) -> str:
        return urlsafe_b64encode(self._bytes(what, number, length)).decode()[:length]
