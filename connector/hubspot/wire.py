"""Values as the CRM writes them: times, texts, addresses, pages.

Empty text and null mean the same (a cleared property comes back as either), times come as ISO-8601 with or
without milliseconds, or as milliseconds since the epoch (HUBSPOT.md 3.2, 4.6, 4.7).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_FULL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|/")
EARLIEST = 1000  # ms; the CRM answers 500 to a lower bound of 0


def text(value: object) -> str | None:
    """A property's value: None for null and for empty text; numbers and booleans as the CRM spells them."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def moment(value: object) -> int | None:
    """Milliseconds since the epoch, or None where the value is not a time."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value
    said = str(value).strip()
    if said.removeprefix("-").isdecimal():
        return int(said)
    try:
        when = datetime.fromisoformat(said)
    except ValueError:
        return None
    return ((when if when.tzinfo else when.replace(tzinfo=UTC)) - _EPOCH) // _MS


def iso(ms: int) -> str:
    """The time as the CRM's own answers spell it: `2026-11-20T08:01:02.345Z`."""
    return (_EPOCH + ms * _MS).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def address(value: object) -> str | None:
    """An e-mail address as it is joined: trimmed, lower-cased (the CRM lower-cases contacts' addresses)."""
    said = text(value)
    return said.strip().lower() or None if said else None


def page(url: object) -> tuple[str | None, str | None]:
    """A page's path (leading slash, no query) and its domain; None where the address has none."""
    said = text(url)
    if said is None:
        return None, None
    try:
        parts = urlsplit(said.strip() if _FULL.match(said.strip()) else f"//{said.strip()}")
        domain = parts.hostname
    except ValueError:
        return None, None
    return "/" + parts.path.lstrip("/"), domain


def number(value: object) -> float | None:
    """A number, or None where the value is none ('N/A' was seen in calculated numbers)."""
    said = text(value)
    try:
        found = float(said) if said is not None else None
    except ValueError:
        return None
    return found if found is not None and abs(found) < float("inf") else None
