"""Business time: the clock of a hand-off runs while the business is open, and stands still otherwise.

A calendar's hours are those of the wall, in the mapping's time zone: a day on which the clocks change has an
hour more or less where that hour is one of them. Times are milliseconds since the epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from connector.model import MINUTE
from connector.rules.tree import Calendar

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def add(calendar: Calendar, zone: ZoneInfo, at: int, duration: int) -> int:
    """The first moment by which the business was open for `duration` ms since `at`."""
    left = duration
    if left <= 0:
        return at
    for opens, closes in _open(calendar, zone, _day(at, zone)):
        start = max(opens, at)
        if left <= closes - start:
            return start + left
        left -= max(0, closes - start)
    raise AssertionError("a calendar never ends")


def between(calendar: Calendar, zone: ZoneInfo, start: int, end: int) -> int:
    """How long the business was open from `start` to `end`; 0 if that is backwards."""
    passed = 0
    for opens, closes in _open(calendar, zone, _day(start, zone)):
        if opens >= end:
            break
        passed += max(0, min(closes, end) - max(opens, start))
    return passed


def _open(calendar: Calendar, zone: ZoneInfo, first: date) -> Iterator[tuple[int, int]]:
    """The hours of every day on which the business opens, from `first` on.

    :raises ValueError: it never opens
    """
    if not calendar.days or calendar.opens >= calendar.closes:
        raise ValueError("this calendar has no hours")
    day = first
    while True:
        if day.weekday() in calendar.days and day.isoformat() not in calendar.holidays:
            opens = _at(day, calendar.opens, zone)
            yield opens, max(opens, _at(day, calendar.closes, zone))
        day += timedelta(days=1)


def _day(at: int, zone: ZoneInfo) -> date:
    return (_EPOCH + at * _MS).astimezone(zone).date()


def _at(day: date, minute: int, zone: ZoneInfo) -> int:
    """A time of the day; one that the clocks jump over is as long after the jump, of two the first."""
    wall = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(milliseconds=minute * MINUTE)
    return (wall - _EPOCH) // _MS
