"""The one way to the CRM: credentials, time limits, retries, the request budget, counting, masking.

Every request of the product passes `Transport.call`, or `Transport.lend` when somebody else's client makes
the exchange (account.py); both obey the one policy of `retry.py` and draw on the one budget of `budget.py`.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

import httpx
import orjson

from connector.clock import Clock
from connector.errors import RateLimited, Unauthorised, Unreachable
from connector.hubspot import paths
from connector.hubspot.answers import Answer, Asked, read
from connector.hubspot.auth import REAUTHORISE, OAuthTokens, ServiceKey, Tokens
from connector.hubspot.budget import Budget, Name
from connector.hubspot.retry import RETRY, RETRY_CREATION, delay
from connector.model import Document, Secret
from connector.settings import OAuthApp

# read: changes nothing; update: sets values, may arrive twice; create: must not be repeated blindly
Effect = Literal["read", "update", "create"]
Exchange = Callable[[Secret], Awaitable[Answer]]
Params = Mapping[str, str | int | list[str]]
T = TypeVar("T")

TIMEOUT = httpx.Timeout(connect=10, read=60, write=60, pool=None)
LIMITS = httpx.Limits(max_connections=24, max_keepalive_connections=24)  # the budget lets fewer fly
_RECENT = 50  # answers
JSON = {"Content-Type": "application/json", "Accept": "application/json"}


class Transport:
    """A connection to one account. `async with Transport(...) as t`.

    :param rate_share: the share of the account's burst limit that we take
    :param day_floor: the share of the day's requests that we leave to others
    :param tokens_file: where a rotated OAuth refresh token is kept
    :param on_wait: told before each wait for the budget or a retry: what for, and how many seconds
    """

    def __init__(
        self,
        base_url: str,
        token: Secret | OAuthApp,
        clock: Clock,
        *,
        rate_share: float = 0.8,
        day_floor: float = 0.0,
        http: httpx.AsyncBaseTransport | None = None,
        tokens_file: Path | None = None,
        on_wait: Callable[[str, float], None] | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.clock = clock
        self.counts: Counter[str] = Counter()  # read, search, write, auth: requests sent, repeated ones too
        self.waits = 0.0  # seconds that calls spent waiting
        self._on_wait = on_wait
        self.answers = 0  # that came, refusals too
        self._took: deque[float] = deque(maxlen=_RECENT)
        self._budget = Budget(clock, rate_share, self._sleep, day_floor)
        self._tokens: Tokens = (
            OAuthTokens(token, self._ask_token, clock, tokens_file)
            if isinstance(token, OAuthApp)
            else ServiceKey(token)
        )
        self._http = httpx.AsyncClient(
            transport=http,
            timeout=TIMEOUT,
            limits=LIMITS,
            follow_redirects=False,
            trust_env=not _here(base_url),  # a proxy of the environment is for the outside
        )

    @property
    def requests(self) -> int:
        """Requests sent so far, repeated ones included."""
        return self.counts.total()

    @property
    def answer(self) -> float:
        """Seconds that an answer takes, of late: the median."""
        return median(self._took) if self._took else 0.0

    @property
    def rate(self) -> float:
        """Requests a second that the account's limit leaves us, searches apart."""
        return self._budget.rate

    @property
    def room(self) -> int | None:
        """Requests of today that we may still send; None where nobody counts them."""
        return self._budget.room

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: Any = None,
        bucket: Name = "burst",
        effect: Effect | None = None,
    ) -> Document:
        """The parsed body of a 2xx answer; {} of a 204.

        `effect` says how the request may be repeated; without it a GET reads, anything else creates.

        :raises Retry: still failing after the retry policy, or a failure that it does not wait out
        :raises Refused: the CRM's no (`status`, `category`): 400, 404, 409...
        :raises Unauthorised: the token is not known; :raises MissingScope: it may not do this
        """

        async def exchange(token: Secret) -> Answer:
            return await self._send(
                method,
                path,
                params=params,
                content=None if json is None else orjson.dumps(json),
                headers={**JSON, "Authorization": f"Bearer {token.reveal()}"},
            )

        effect = effect or ("read" if method == "GET" else "create")
        return await self.lend(method, path, exchange, bucket=bucket, effect=effect)

    async def lend(
        self, method: str, path: str, exchange: Exchange, *, bucket: Name = "burst", effect: Effect = "read"
    ) -> Document:
        """As `call`, for a client that makes the exchange by itself: `exchange` gets the token to use."""
        asked = Asked(method, path, writes=effect != "read")
        token = await self._tokens.current()
        try:
            return await self._insist(asked, bucket, effect, exchange, token)
        except Unauthorised:
            fresh = await self._tokens.renewed(token)
            if fresh is None:
                raise
        try:
            return await self._insist(asked, bucket, effect, exchange, fresh)
        except Unauthorised as no:  # a key that is made anew would not help an app
            raise Unauthorised(str(no), REAUTHORISE) from None

    async def _insist(
        self, asked: Asked, bucket: Name, effect: Effect, exchange: Exchange, token: Secret
    ) -> Document:
        """The request under the retry policy."""

        async def attempt() -> Document:
            answer = await self._exchange(asked, bucket, exchange, token)
            try:
                return read(asked, answer, self._tokens.scrub)
            except RateLimited as error:
                self._budget.buckets[bucket].pause(delay(error, 1))
                raise

        policy = RETRY_CREATION if effect == "create" else RETRY
        return await policy.copy(sleep=self._pause)(self._named, asked, attempt)

    async def _exchange(self, asked: Asked, bucket: Name, exchange: Exchange, token: Secret) -> Answer:
        kind = "write" if asked.writes else "search" if bucket == "search" else "read"
        async with self._budget.place(bucket):
            self._budget.keep_floor()
            self.counts[kind] += 1
            left = self.clock.monotonic()
            answer = await exchange(token)
            self.answers += 1
            self._took.append(self.clock.monotonic() - left)
            self._budget.learn(bucket, answer.headers)
            return answer

    async def _ask_token(self, form: dict[str, str]) -> Document:
        """One renewal of the access token. Asking twice is harmless, so 429 and 5xx are waited out."""
        asked = Asked("POST", paths.TOKEN)

        async def attempt() -> Document:
            self.counts["auth"] += 1
            answer = await self._send("POST", paths.TOKEN, data=form)
            # a 401 or 403 here is about the app, not about a token or a scope: all 4xx read alike
            status = 400 if answer.status in (401, 403) else answer.status
            return read(asked, Answer(status, answer.headers, answer.body), self._tokens.scrub)

        return await RETRY.copy(sleep=self._pause)(self._named, asked, attempt)

    async def _send(self, method: str, path: str, **parts: Any) -> Answer:
        answer = await self._http.request(method, self.base_url + path, **parts)
        return Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.content)

    async def _named(self, asked: Asked, attempt: Callable[[], Awaitable[Document]]) -> Document:
        """A connection that failed, as our error with the request's name."""
        try:
            return await attempt()
        except httpx.RequestError as error:
            said = self._tokens.scrub(str(error)) or type(error).__name__
            raise Unreachable(
                f"The CRM at {self.base_url} did not answer: {said} ({asked}).",
                "Check the network and HUBSPOT_BASE_URL; it is safe to run again.",
            ) from error

    async def _pause(self, seconds: float) -> None:
        await self._sleep("the next attempt", seconds)

    async def _sleep(self, what: str, seconds: float) -> None:
        self.waits += seconds
        if self._on_wait is not None:
            self._on_wait(what, seconds)
        await self.clock.sleep(seconds)


def _here(base_url: str) -> bool:
    return urlsplit(base_url).hostname in ("127.0.0.1", "localhost", "::1")


async def together(calls: Iterable[Awaitable[T]]) -> list[T]:
    """The results of calls that run at once, in their order. The first failure ends the others."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
