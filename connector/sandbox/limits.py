"""Rate limits (HUBSPOT.md 8): 10 rolling seconds per app, searches, associations, the day.

They run on the clock's `tick`, the day on its `now` in the account's time zone. A refused call counts for the
day, not for the rolling windows. An association call draws on its own window and on the app's; whether real
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
UNLIMITED = 1_000_000  # what is told where there is no limit


class Rolling:
    """At most `most` in any `span` seconds; `most` 0 is no limit."""

    def __init__(self, span: float) -> None:
        self._span = span
        self._taken: deque[float] = deque()

    def take(self, now: float, most: int) -> bool:
        """Takes one if there is one."""
        left = self.left(now, most)
        if left > 0 and most:  # without a limit there is nothing to remember
            self._taken.append(now)
        return left > 0

    def left(self, now: float, most: int) -> int:
        while self._taken and self._taken[0] <= now - self._span:
            self._taken.popleft()
        return most - len(self._taken) if most else UNLIMITED

    def wait(self, now: float) -> float:
        """Seconds until the oldest one is forgotten."""
        return max(0.0, self._taken[0] + self._span - now) if self._taken else 0.0


class Limits:
    """Every limit of the account. They are not kept in its file: opened again, the windows are empty."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._bursts: dict[tuple[bool, int], Rolling] = {}
        self._searches = Rolling(SECOND)
        self._associations = Rolling(BURST)
        self._grants = Rolling(SECOND)
        self._day: tuple[int, int] = (0, 0)  # when it ends, used

    def take(self, token: Token | None, bucket: str) -> None:
        """Counts a call; without a token it is one of `/oauth`. Raises Refusal (429)."""
        knobs, tick = self._account.knobs, self._account.clock.tick()
        if token is None:
            self._take_grant(tick)
            return
        if not token.oauth:  # OAuth apps have no day
            self._take_day(bucket)
        if bucket == "search":
            if not self._searches.take(tick, knobs.searches):
                body = refusals.search_limit(token.app_id, plain=knobs.search_429_body == "category")
                raise self._refused(body, self._searches.wait(tick))
            return
        burst, most = self._burst(token), knobs.oauth_burst if token.oauth else knobs.burst
        if burst.left(tick, most) <= 0:
            raise self._refused(_rolling(token), burst.wait(tick))
        if bucket == "associations" and not self._associations.take(tick, knobs.associations):
            body = {**refusals.rolling_limit(token.app_id), "groupName": "publicapi:crm:associations"}
            raise self._refused(body, self._associations.wait(tick))
        burst.take(tick, most)

    def headers(self, token: Token | None, bucket: str) -> dict[str, str]:
        """What every answer says of the limits; a search and `/oauth` say nothing, to an app nothing of the day."""
        if bucket == "search" or token is None:
            return {}
        knobs = self._account.knobs
        most = knobs.oauth_burst if token.oauth else knobs.burst
        left = max(0, self._burst(token).left(self._account.clock.tick(), most))
        daily = {
            "X-HubSpot-RateLimit-Daily": str(knobs.daily or UNLIMITED),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, (knobs.daily or UNLIMITED) - self._day[1])),
        }
        return {
            **({} if token.oauth else daily),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Max": str(most or UNLIMITED),
            "X-HubSpot-RateLimit-Remaining": str(left),
            "X-HubSpot-RateLimit-Secondly": str((most or UNLIMITED) // 10),
            "X-HubSpot-RateLimit-Secondly-Remaining": str(left // 10),
        }

    def _take_grant(self, tick: float) -> None:
        """The OAuth endpoints' own limit, whose 429 always says for how long (1.2)."""
        if not self._grants.take(tick, self._account.knobs.grants):
            after = {"Retry-After": str(int(self._grants.wait(tick)) + 1)}
            raise Refusal(429, refusals.grant_limit(), after)

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
        # An app has one window in the account, however many tokens it was given or has rotated through.
        return self._bursts.setdefault((token.oauth, token.app_id), Rolling(BURST))

    def _refused(self, body: Body, wait: float) -> Refusal:
        after = {"Retry-After": str(int(wait) + 1)} if self._account.knobs.retry_after_on_429 else {}
        return Refusal(429, body, after)


def _rolling(token: Token) -> Body:
    """The group's name for an OAuth app is a guess, made after that of searches."""
    body = refusals.rolling_limit(token.app_id)
    if token.oauth:
        body["groupName"] = f"publicapi:api-calls-ten-secondly:oauth:{token.app_id}"
    return body


def midnight(now: int, zone: str) -> int:
    """The next midnight of a time zone, milliseconds."""
    local = datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(zone))
    day = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(day.timestamp() * 1000)


def offset(now: int, zone: str) -> int:
    """Milliseconds that a time zone is ahead of UTC."""
    shift = datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return int(shift.total_seconds() * 1000) if shift else 0
