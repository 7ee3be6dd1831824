"""The sandbox's clock: the only file here that reads the time or waits.

Two times are kept. `now()` is what the account writes on records: milliseconds since the epoch, UTC; live,
or held at a moment until it is advanced. `tick()` is what the rate limiters and the index lag run on: seconds
that pass by themselves, plus everything that was advanced, so that a held clock does not freeze the limiters.
A driven clock has no time of its own at all: both move only when told to.
"""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime
from functools import lru_cache

DAY = 86_400_000
_DIGITS = re.compile(r"-?\d{1,18}")


class Clock:
    """A moment that moves. `held` is the moment it stands at (milliseconds), None for the real time."""

    def __init__(self, held: int | None = None, *, driven: bool = False, advanced: int = 0) -> None:
        self.held = held
        self.driven = driven
        self.advanced = advanced  # milliseconds, over the life of the account
        self._started = time.monotonic()

    def now(self) -> int:
        """Milliseconds since the epoch, UTC."""
        start = time.time_ns() // 1_000_000 if self.held is None else self.held
        return start + self.advanced

    def tick(self) -> float:
        """Seconds for limiters and lag; never goes back."""
        passed = 0.0 if self.driven else time.monotonic() - self._started
        return passed + self.advanced / 1000

    def advance(self, seconds: float) -> int:
        """Moves both times forward and gives the new `now()`. Raises ValueError for a step back."""
        if seconds < 0:
            raise ValueError("the clock goes forward only")
        self.advanced += round(seconds * 1000)
        return self.now()


async def pause(seconds: float) -> None:
    """Keeps an answer back for real seconds (a scripted delay)."""
    await asyncio.sleep(seconds)


@lru_cache(maxsize=4096)
def _day(number: int) -> str:
    return datetime.fromtimestamp(number * 86_400, UTC).strftime("%Y-%m-%d")


@lru_cache(maxsize=32_768)
def iso(ms: int) -> str:
    """`2026-11-20T08:01:02.345Z`, as every time on the wire (HUBSPOT.md 4.6)."""
    day, rest = divmod(ms, DAY)
    hours, rest = divmod(rest, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    seconds, milli = divmod(rest, 1000)
    return f"{_day(day)}T{hours:02}:{minutes:02}:{seconds:02}.{milli:03}Z"


def parse(text: str) -> int | None:
    """Milliseconds of an ISO date-time or of digits; None where it is neither. Microseconds are cut off."""
    if _DIGITS.fullmatch(text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 1000 + moment.microsecond // 1000
