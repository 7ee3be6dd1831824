"""A clock that the tests drive: time passes when everybody waits, and only then."""

from __future__ import annotations

import asyncio

NOW = 1_790_000_000_000  # ms
_IDLE = 20  # turns of the loop without other news before time goes on


class ManualClock:
    """Sleepers wake in the order of their deadlines; nobody waits for real."""

    def __init__(self, now: int = NOW) -> None:
        self._start = now
        self.at = 0.0
        self.slept: list[float] = []
        self._deadlines: list[float] = []

    def now(self) -> int:
        return self._start + int(self.at * 1000)

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        deadline = self.at + seconds
        self._deadlines.append(deadline)
        try:
            idle = 0
            while self.at < deadline:
                await asyncio.sleep(0)
                idle = idle + 1 if deadline == min(self._deadlines) else 0
                if idle > _IDLE:
                    self.advance(deadline - self.at)
        finally:
            self._deadlines.remove(deadline)

    def advance(self, seconds: float) -> None:
        self.at += seconds
