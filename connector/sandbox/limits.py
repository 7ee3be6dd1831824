"""Rate limits (HUBSPOT.md 8): 10 rolling seconds per token, searches per second, associations, the day.

They run on the clock's `tick`, the day on its `now` in the account's time zone. A refused call counts for the
day, not for the rolling windows. An association call draws on its own window and on the token's; whether real
accounts add the two is not known, and this is the stricter reading.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from connector.sandbox import refusals
from connector.sandbox.state import Account, Token
from connector.sandbox.wire import Body, Refusal

BURST, SECOND = 10.0, 1.0


class Rolling:
    """At most `most` in any `span` seconds; `most` 0 is no limit."""

    def __init__(self, span: float) -> None:
        self._span = span
        self._taken: deque[float] = deque()

    def take(self, now: float, most: int) -> bool:
        """Takes one if there is one."""
        left = self.left(now, most)
        if left > 0:
            self._taken.append(now)
        return left > 0

    def left(self, now: float, most: int) -> int:
        while self._taken and self._taken[0] <= now - self._span:
            self._taken.popleft()
        return most - len(self._taken) if most else 1_000_000

    def wait(self, now: float) -> float:
        """Seconds until the oldest one is forgotten."""
        return max(0.0, self._taken[0] + self._span - now) if self._taken else 0.0


class Limits:
    """Every limit of the account. They are not kept in its file: opened again, the windows are empty."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._bursts: dict[str, Rolling] = {}
        self._searches = Rolling(SECOND)
        self._associations = Rolling(BURST)
        self._day: tuple[int, int] = (0, 0)  # when it ends, used

    def take(self, token: Token, bucket: str) -> None:
        """Counts a call. Raises Refusal (429)."""
        knobs, tick = self._account.knobs, self._account.clock.tick()
        self._take_day(bucket)
        if bucket == "search":
            if not self._searches.take(tick, knobs.searches):
                raise self._refused(refusals.search_limit(token.app_id), self._searches.wait(tick))
            return
        burst = self._burst(token)
        if burst.left(tick, knobs.burst) <= 0:
            raise self._refused(refusals.rolling_limit(token.app_id), burst.wait(tick))
        if bucket == "associations" and not self._associations.take(tick, knobs.associations):
            body = {**refusals.rolling_limit(token.app_id), "groupName": "publicapi:crm:associations"}
            raise self._refused(body, self._associations.wait(tick))
        burst.take(tick, knobs.burst)

    def headers(self, token: Token, bucket: str) -> dict[str, str]:
        """What every answer says of the limits; a search says nothing."""
        if bucket == "search":
            return {}
        knobs = self._account.knobs
        left = self._burst(token).left(self._account.clock.tick(), knobs.burst)
        return {
            "X-HubSpot-RateLimit-Daily": str(knobs.daily),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, knobs.daily - self._day[1])),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Max": str(knobs.burst or 1_000_000),
            "X-HubSpot-RateLimit-Remaining": str(max(0, left)),
            "X-HubSpot-RateLimit-Secondly": str((knobs.burst or 1_000_000) // 10),
            "X-HubSpot-RateLimit-Secondly-Remaining": str(max(0, left) // 10),
        }

    def _take_day(self, bucket: str) -> None:
        account = self._account
        now = account.clock.now()
        if now >= self._day[0]:
            self._day = (midnight(now, account.time_zone), 0)
        if bucket == "search" and not account.knobs.search_counts_daily:
            return
        self._day = (self._day[0], self._day[1] + 1)
        account.used_today = self._day[1]
        if account.knobs.daily and self._day[1] > account.knobs.daily:
            raise self._refused(refusals.daily_limit(str(uuid4())), (self._day[0] - now) / 1000)

    def _burst(self, token: Token) -> Rolling:
        return self._bursts.setdefault(token.token, Rolling(BURST))

    def _refused(self, body: Body, wait: float) -> Refusal:
        after = {"Retry-After": str(int(wait) + 1)} if self._account.knobs.retry_after_on_429 else {}
        return Refusal(429, body, after)


def midnight(now: int, zone: str) -> int:
    """The next midnight of a time zone, milliseconds."""
    local = datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(zone))
    day = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(day.timestamp() * 1000)


def offset(now: int, zone: str) -> int:
    """Milliseconds that a time zone is ahead of UTC."""
    shift = datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return int(shift.total_seconds() * 1000) if shift else 0
