"""The account's request limits as three buckets that every call draws from.

burst         100 in 10 s until the answers' headers say more; we take a share of it (others live there too)
search        5 a second for the whole account, shared with every other app; no headers say so: what is
              refused tells how many others take, and every twenty answers one more is tried
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
from connector.errors import RateLimited

Name = Literal["burst", "search", "associations"]
Sleep = Callable[[str, float], Awaitable[None]]

PACE = 1 / 0.95  # windows between the departures of two requests that use one place
_AFTER = 1.005  # windows between an answer and the next use of its place
_KNOWN = 12  # answers before the fastest tells what the way takes: the first ones open connections
_FLYING = 16  # requests under way at once: the later ones leave knowing what the first ones' headers said
_AGAIN = 20  # answers after which a bucket that was refused tries one place more
_HEADROOM = 0.05  # of the limit, kept free when other apps are at work too


class Way:
    """Seconds that every request is under way at least, whatever it asks for."""

    def __init__(self) -> None:
        self._answers = 0
        self._fastest = float("inf")

    def learn(self, took: float) -> float:
        """What is known of it with one answer more."""
        self._answers += 1
        self._fastest = min(self._fastest, took)
        return self._fastest if self._answers > _KNOWN else 0.0


class Bucket:
    """At most `limit` requests in any `window` seconds; first come, first served.

    `way`: what all buckets learn from their answers. `most`: what the limit goes back to after refusals; None
    where headers say what it is.
    """

    def __init__(
        self,
        name: str,
        limit: int,
        window: float,
        clock: Clock,
        sleep: Sleep,
        way: Way,
        most: int | None = None,
    ) -> None:
        self.name = name
        self.limit = limit
        self.most = most
        self._accepted = 0  # since the last refusal
        self.window = window
        self._clock = clock
        self._sleep = sleep
        self._flying = 0
        self._way = way
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
        """The CRM refused: nobody sends before `seconds` have passed, and the others keep their place."""
        if self.most is not None:
            self.limit, self._accepted = max(1, self.limit - 1), 0
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
            way = self._way.learn(landed - left)
            free = max(left + self.window * PACE, landed - way + self.window * _AFTER)
            heapq.heappush(self._cooling, free)
            self._grow()
            self._landed.set()

    def _grow(self) -> None:
        self._accepted += 1
        if self.most is not None and self.limit < self.most and self._accepted > _AGAIN:
            self.limit, self._accepted = self.limit + 1, 0

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
    """The three buckets of one account, and its day: what is left of it as the last answer said, less what
    was sent since. Apps by OAuth have no day, and are told none.

    :param floor: the share of the day's requests that are left to others
    """

    def __init__(self, clock: Clock, share: float, sleep: Sleep, floor: float = 0.0) -> None:
        self.share = share
        self.floor = floor
        self.day: int | None = None
        self.left: int | None = None
        way, first = Way(), max(1, int(100 * share))
        self.buckets: dict[Name, Bucket] = {
            "burst": Bucket("request", first, 10.0, clock, sleep, way),
            "search": Bucket("search", 5, 1.0, clock, sleep, way, most=5),
            "associations": Bucket("association", first, 10.0, clock, sleep, way),
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

    @property
    def rate(self) -> float:
        """Requests a second that the burst bucket lets through in the long run."""
        burst = self.buckets["burst"]
        return burst.limit / (burst.window * PACE)

    @property
    def room(self) -> int | None:
        """Requests of today that are left above the floor; None where nobody counts them."""
        return None if self.left is None or not self.day else self.left - int(self.day * self.floor)

    def keep_floor(self) -> None:
        """:raises RateLimited: what is left of the day is not for us"""
        if self.floor and self.room is not None and self.room <= 0:
            raise RateLimited(
                f"{self.left:,} of the account's {self.day:,} requests of today are left; "
                f"the last {self.floor:.0%} are kept for the daily sync and for other apps.",
                policy="DAILY",
            )

    def _learn_day(self, headers: Mapping[str, str]) -> None:
        """Searches count too, and say nothing."""
        self.day = _header(headers, "daily") or self.day
        left = _header(headers, "daily-remaining")
        self.left = left if left is not None else self.left and self.left - 1

    def learn(self, name: Name, headers: Mapping[str, str]) -> None:
        """Adapt the burst bucket to what an answer's headers say.

        Our limit is our share of the account's, and never more than what the others leave: what the CRM
        has counted beyond our own requests is theirs.
        """
        most, window, left = (
            _header(headers, part) for part in ("max", "interval-milliseconds", "remaining")
        )
        self._learn_day(headers)
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
