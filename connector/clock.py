"""The only place that reads the time or sleeps.

A clock is passed to the transport, the sync and the schedule. `Held` stands still at one moment (the
demo's figures are the same every time); a test's clock moves when somebody sleeps.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> int:
        """Milliseconds since the epoch, UTC."""

    def monotonic(self) -> float:
        """Seconds from some fixed moment; never goes back."""

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Held(SystemClock):
    """The date stands still; waiting still waits."""

    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        return self._now
