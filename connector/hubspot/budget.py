"""The account's request limits as three buckets that every call draws from.

burst         100 in 10 s until the answers' headers say more; we take a share of it (others live there too)
search        5 a second for the whole account, shared with every other app; no headers say so
associations  100 in 10 s; such a call takes a place in the burst too (whether the CRM counts it there is not
              documented)

A place in a bucket is free again one window after its answer has arrived, not after it left: the CRM
counted the request somewhere in between, so its rolling window can never see more than we meant. What every
answer took is taken off again once enough are known: the next request is on its way as long. And at least
`PACE` windows after it left: evenly paced at exactly the limit still met 429s (SYNC.md 4).
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Literal

from connector.clock import Clock

Name = Literal["burst", "search", "associations"]
Sleep = Callable[[str, float], Awaitable[None]]

PACE = 1 / 0.95  # windows between the departures of two requests that use one place
_AFTER = 1.005  # windows between an answer and the next use of its place
_KNOWN = 20  # answers before the fastest tells what the way takes: the first ones open connections
_FLYING = 10  # requests under way at once: the later ones leave knowing what the first ones' headers said
_HEADROOM = 0.05  # of the limit, kept free when other apps are at work too


class Bucket:
    """At most `limit` requests in any `window` seconds; first come, first served."""

    def __init__(self, name: str, limit: int, window: float, clock: Clock, sleep: Sleep) -> None:
        self.name = name
        self.limit = limit
        self.window = window
        self._clock = clock
        self._sleep = sleep
        self._flying = 0
        self._answers = 0
        self._fastest = float("inf")
        self._cooling: list[float] = []  # heap: when each used place is free again
        self._paused_until = 0.0
        self._turn = asyncio.Lock()
        self._landed = asyncio.Event()

    @property
    def used(self) -> int:
        """Places that the CRM may still count."""
        self._forget()
        return self._flying + len(self._cooling)

    def pause(self, seconds: float) -> None:
        """The CRM refused: nobody sends before `seconds` have passed."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        async with self._turn:
            while (wait := self._wait()) is not None:
                await self._rest(wait)
            self._flying += 1
            left = self._clock.monotonic()
        try:
            yield
        finally:
            self._flying -= 1
            landed = self._clock.monotonic()
            free = max(left + self.window * PACE, landed - self._way(landed - left) + self.window * _AFTER)
            heapq.heappush(self._cooling, free)
            self._landed.set()

    def _way(self, took: float) -> float:
        """Seconds that every request is under way, this one too."""
        self._answers += 1
        self._fastest = min(self._fastest, took)
        return self._fastest if self._answers > _KNOWN else 0.0

    def _wait(self) -> float | None:
        """Seconds until there may be a place; None: now; inf: when a request in flight lands."""
        now = self._clock.monotonic()
        if now < self._paused_until:
            return self._paused_until - now
        if self._flying >= _FLYING:
            return float("inf")
        if self.used < self.limit:
            return None
        return self._cooling[0] - now if self._cooling else float("inf")

    async def _rest(self, seconds: float) -> None:
        if seconds == float("inf"):
            self._landed.clear()
            await self._landed.wait()
        else:
            await self._sleep(f"the CRM's {self.name} limit", seconds)

    def _forget(self) -> None:
        now = self._clock.monotonic()
        while self._cooling and self._cooling[0] <= now:
            heapq.heappop(self._cooling)


class Budget:
    """The three buckets of one account."""

    def __init__(self, clock: Clock, share: float, sleep: Sleep) -> None:
        self.share = share
        self.buckets: dict[Name, Bucket] = {
            "burst": Bucket("request", max(1, int(100 * share)), 10.0, clock, sleep),
            "search": Bucket("search", 5, 1.0, clock, sleep),
            "associations": Bucket("association", max(1, int(100 * share)), 10.0, clock, sleep),
        }

    @asynccontextmanager
    async def place(self, name: Name) -> AsyncIterator[None]:
        """A place in the bucket, and in the burst for associations: always in this order."""
        async with self.buckets[name].place():
            if name != "associations":
                yield
                return
            async with self.buckets["burst"].place():
                yield

    def learn(self, name: Name, headers: Mapping[str, str]) -> None:
        """Adapt the burst bucket to what an answer's headers say.

        Our limit is our share of the account's, and never more than what the others leave: what the CRM
        has counted beyond our own requests is theirs.
        """
        most, window, left = (
            _header(headers, part) for part in ("max", "interval-milliseconds", "remaining")
        )
        if name == "search" or not most:
            return
        burst = self.buckets["burst"]
        burst.window = window / 1000 if window else burst.window
        others = max(0, most - left - burst.used) if left is not None else 0
        kept = int(most * _HEADROOM) if others else 0
        burst.limit = max(1, min(int(most * self.share), most - others - kept))


def _header(headers: Mapping[str, str], part: str) -> int | None:
    said = headers.get(f"x-hubspot-ratelimit-{part}", "").strip()
    return int(said) if said.isdecimal() else None
