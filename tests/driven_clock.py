"""A clock that the tests drive, and the account's with it: waiting moves both, nobody waits for real."""

from __future__ import annotations

import asyncio

from connector.sandbox import Portal

_IDLE = 20  # turns of the loop without other news before time goes on


class DrivenClock:
    """`connector.clock.Clock` for a driven sandbox. Sleepers wake in the order of their deadlines."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self.at = 0.0
        self.slept: list[float] = []
        self._deadlines: list[float] = []

    def now(self) -> int:
        return int(self._portal.state()["now"])

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
        self._portal.advance(seconds)
