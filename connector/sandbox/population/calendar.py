"""When things happen: waking hours, office hours, and the wire's form of a time. Times are epoch ms, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from connector.sandbox.population.dice import Dice

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
YEAR = 365 * DAY

_WAKE = 6 * HOUR  # people click between 6:00 and 20:00 UTC: a French day
_AWAKE = 14 * HOUR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _awake(at: int) -> int:
    """Waking milliseconds from the epoch to `at`."""
    day, rest = divmod(at, DAY)
    return day * _AWAKE + min(max(rest - _WAKE, 0), _AWAKE)


def between(start: int, end: int, share: float) -> int:
    """The waking moment at `share` (0 to 1) of the way; grows with `share`, never leaves [start, end]."""
    low, high = _awake(start), _awake(end)
    day, rest = divmod(low + int((high - low) * share), _AWAKE)
    return max(start, min(end, day * DAY + _WAKE + rest))


def moment(dice: Dice, start: int, end: int) -> int:
    """Any waking moment of [start, end]; `start` if the two are crossed."""
    return between(start, max(start, end), dice.random())


def office(dice: Dice, at: int) -> int:
    """A half hour of the last working day before the day of `at`: always earlier than `at`."""
    day = at // DAY - 1
    weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
    return (day - max(0, weekday - 4)) * DAY + 8 * HOUR + dice.below(18) * 30 * MINUTE


def iso(at: int) -> str:
    """As the CRM's wire has a time: `2026-11-20T08:01:02.345Z`."""
    days, rest = divmod(at, DAY)
    minutes, milli = divmod(rest, MINUTE)
    seconds, milli = divmod(milli, SECOND)
    return f"{_date(days)}T{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{milli:03}Z"


@lru_cache(maxsize=4096)
def _date(days: int) -> str:
    return (_EPOCH + timedelta(days=days)).strftime("%Y-%m-%d")


def year_of(at: int) -> int:
    return (_EPOCH + timedelta(milliseconds=at)).year


def month_of(at: int) -> int:
    return (_EPOCH + timedelta(milliseconds=at)).month
