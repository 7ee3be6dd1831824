"""Environment and `.env` -> one frozen Settings. The only reader of os.environ."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values

from connector.clock import Clock, Held, SystemClock
from connector.errors import BadSettings
from connector.model import Secret, moment

VENDOR = "https://api.hubapi.com"
MAKE_A_TOKEN = (
    "In HubSpot: Settings > Development > Keys > Service keys > Create, "
    "with the scopes that the README lists; "
    "then put HUBSPOT_ACCESS_TOKEN=pat-... into .env"
)
LONGEST = 30 * 86_400  # seconds between two syncs
_DURATION = re.compile(r"([0-9]{1,9})\s*(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class OAuthApp:
    client_id: str
    client_secret: Secret
    refresh_token: Secret


@dataclass(frozen=True, slots=True)
class Settings:
    """`token` or `app` is None where the environment has none; `need_credentials` says so."""

    token: Secret | None = None
    app: OAuthApp | None = None
    base_url: str = VENDOR
    db: Path = Path("connector.db")
    rules: Path = Path()
    rate_share: float = 0.8  # of the account's burst limit
    sync_every: int = 300  # seconds
    brake: float = 0.20  # share of contacts
    held_at: int | None = None  # ms; the clock stands still here
    unknown: tuple[str, ...] = field(default=())  # CONNECTOR_* names that nobody reads

    def clock(self) -> Clock:
        return SystemClock() if self.held_at is None else Held(self.held_at)

    def need_credentials(self) -> Secret | OAuthApp:
        """:raises BadSettings: when there is no token"""
        credentials = self.token or self.app
        if credentials is None:
            raise BadSettings(
                "HUBSPOT_ACCESS_TOKEN is not set, so there is no account to speak to.", MAKE_A_TOKEN
            )
        return credentials


KNOWN = (
    "HUBSPOT_ACCESS_TOKEN",
    "HUBSPOT_CLIENT_ID",
    "HUBSPOT_CLIENT_SECRET",
    "HUBSPOT_REFRESH_TOKEN",
    "HUBSPOT_BASE_URL",
    "CONNECTOR_DB",
    "CONNECTOR_RULES",
    "CONNECTOR_RATE_SHARE",
    "CONNECTOR_SYNC_EVERY",
    "CONNECTOR_BRAKE",
    "CONNECTOR_NOW",
)


def load(db: Path | None = None, rules: Path | None = None, env_file: Path | None = None) -> Settings:
    """Settings of the environment over those of `.env` (in the rules folder, else here).

    :raises BadSettings: naming the variable, what it says, and what it may say
    """
    return read(_said(rules, env_file), db=db, rules=rules)


def variable(name: str, rules: Path | None = None) -> Secret | None:
    """An address or a secret under the name that the rules give; None where it is not set.

    :raises BadSettings: `.env` cannot be read
    """
    value = _said(rules, None).get(name)
    return Secret(value) if value else None


def _said(rules: Path | None, env_file: Path | None) -> dict[str, str]:
    folder = rules or Path(os.environ.get("CONNECTOR_RULES", ""))
    file = env_file or next((f for f in (folder / ".env", Path(".env")) if f.is_file()), None)
    try:
        said = dict(dotenv_values(file, interpolate=False)) if file else {}
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{file} cannot be read: {error}.", "Save it as UTF-8 text.") from error
    said.update(os.environ)
    return {name: value.strip() for name, value in said.items() if value}


def no_color() -> bool:
    """Whether the terminal asked for no colour (no-color.org)."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def read(said: Mapping[str, str], *, db: Path | None = None, rules: Path | None = None) -> Settings:
    """Settings out of names and values; see `load`."""
    token = said.get("HUBSPOT_ACCESS_TOKEN")
    return Settings(
        token=Secret(_printable("HUBSPOT_ACCESS_TOKEN", token)) if token else None,
        app=None if token else _app(said),
        base_url=_url("HUBSPOT_BASE_URL", said.get("HUBSPOT_BASE_URL", VENDOR)),
        db=db or Path(said.get("CONNECTOR_DB", "connector.db")),
        rules=rules or Path(said.get("CONNECTOR_RULES", ".")),
        rate_share=_share("CONNECTOR_RATE_SHARE", said.get("CONNECTOR_RATE_SHARE", "0.8")),
        sync_every=_duration("CONNECTOR_SYNC_EVERY", said.get("CONNECTOR_SYNC_EVERY", "5m")),
        brake=_share("CONNECTOR_BRAKE", said.get("CONNECTOR_BRAKE", "0.20")),
        held_at=_moment("CONNECTOR_NOW", said["CONNECTOR_NOW"]) if "CONNECTOR_NOW" in said else None,
        unknown=tuple(sorted(k for k in said if k.startswith("CONNECTOR_") and k not in KNOWN)),
    )


def _app(said: Mapping[str, str]) -> OAuthApp | None:
    names = ("HUBSPOT_CLIENT_ID", "HUBSPOT_CLIENT_SECRET", "HUBSPOT_REFRESH_TOKEN")
    missing = [name for name in names if not said.get(name)]
    if len(missing) == len(names):
        return None
    if missing:
        raise BadSettings(
            f"{' and '.join(missing)} is not set, but the rest of the OAuth app is.", "Set all three."
        )
    client_id, secret, refresh = (_printable(name, said[name]) for name in names)
    return OAuthApp(client_id, Secret(secret), Secret(refresh))


def _printable(name: str, value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise BadSettings(
            f"{name} holds a character that no token has.", "Copy the token again, without quotes."
        )
    return value


def _url(name: str, value: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", value):
        raise BadSettings(f"{name} is {value!r}, not an address.", f"Write {name}={VENDOR} or leave it out.")
    return value.rstrip("/")


def _share(name: str, value: str) -> float:
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise BadSettings(f"{name} is {value!r}; it is a share above 0 and at most 1.", f"Write {name}=0.8")
    return share


def _duration(name: str, value: str) -> int:
    found = _DURATION.fullmatch(value)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 0 < seconds <= LONGEST:
        raise BadSettings(
            f"{name} is {value!r}; it is a number and a unit (s, m, h or d), at most 30d.",
            f"Write {name}=5m",
        )
    return seconds


def _moment(name: str, value: str) -> int:
    found = moment(value)
    if found is None:
        raise BadSettings(f"{name} is {value!r}, not a date.", f"Write {name}=2026-11-16T09:00Z")
    return found
