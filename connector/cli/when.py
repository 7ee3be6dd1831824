"""WHEN on the command line: an ISO date or time in the mapping's time zone, or `30d` ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from connector.errors import BadCommand
from connector.model import DAY, HOUR, MINUTE

EARLIEST = 1_000  # the CRM fails on the first moment of 1970 itself
_AGO = re.compile(r"(\d+)([mhd])")
_UNITS = {"m": MINUTE, "h": HOUR, "d": DAY}


def moment(text: str, now: int, zone: str) -> int:
    """:raises BadCommand: saying what may be written"""
    found = _moment(text.strip(), now, zone)
    if found is None or not found >= EARLIEST:
        raise BadCommand(
            f"`{text}` is no date that we can look at.",
            "Write 2026-11-16, 2026-11-16T09:00, or 30d for 30 days ago.",
        )
    return found


def _moment(text: str, now: int, zone: str) -> int | None:
    ago = _AGO.fullmatch(text)
    if ago:
        return now - int(ago[1]) * _UNITS[ago[2]]
    try:
        when = datetime.fromisoformat(text)
        return int((when if when.tzinfo else when.replace(tzinfo=ZoneInfo(zone))).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def midnight(now: int, zone: str) -> tuple[str, str]:
    """The next one there, as it is written, and the time zone: UTC for one that nobody knows here."""
    try:
        there = ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        there, zone = ZoneInfo("UTC"), "UTC"
    day = datetime.fromtimestamp(now / 1000, UTC).astimezone(there).date() + timedelta(days=1)
    return f"{day.isoformat()} 00:00", zone
