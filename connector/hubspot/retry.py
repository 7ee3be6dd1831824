"""The retry policy: one named value."""

from __future__ import annotations

import random

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from connector.errors import RateLimited, Retry, ServerFault, Unreachable

LONGEST = 60.0  # seconds; who asks for a longer pause (a migration: up to a day) gets the run parked
_ATTEMPTS = 6
_BY_POLICY = {"TEN_SECONDLY_ROLLING": 10.0, "SECONDLY": 1.0}


def parked(error: BaseException) -> bool:
    """Waiting here would be no use: the day's requests are used up, or the account is being moved."""
    if isinstance(error, RateLimited):
        return error.policy == "DAILY"
    return isinstance(error, ServerFault) and error.status == 477


def worth_repeating(error: BaseException) -> bool:
    """For requests that may arrive twice: reads, and updates that set the same values again."""
    return isinstance(error, Retry) and not parked(error)


def surely_not_done(error: BaseException) -> bool:
    """For creations: repeated only when the CRM cannot have acted on the request."""
    if isinstance(error, Unreachable):
        return isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    refused = isinstance(error, RateLimited) or (isinstance(error, ServerFault) and error.status == 423)
    return refused and not parked(error)


def delay(error: BaseException | None, attempt: int) -> float:
    """Seconds to wait after the `attempt`th failure (from 1).

    What the CRM asks for (Retry-After) wins, up to 60. Else after a 429: 10 for the ten-second limit,
    `attempt` for the limit per second, 10 where it does not say which. Else 0.5 * 2^(attempt-1), up to 30.
    The last three times 1 to 1.25, so that many who failed together do not return together.
    """
    after = getattr(error, "after", None)
    if after is not None:
        return float(min(after, LONGEST))
    if isinstance(error, RateLimited):
        seconds = _BY_POLICY.get(error.policy, 10.0)
        seconds *= attempt if error.policy == "SECONDLY" else 1
    else:
        seconds = min(30.0, 0.5 * 2.0 ** (attempt - 1))
    return seconds * random.uniform(1, 1.25)


def _wait(state: RetryCallState) -> float:
    return delay(state.outcome.exception() if state.outcome else None, state.attempt_number)


# Six attempts, `delay` between them: a CRM that is down is given up after about 17 seconds.
RETRY = AsyncRetrying(
    stop=stop_after_attempt(_ATTEMPTS),
    wait=_wait,
    retry=retry_if_exception(worth_repeating),
    reraise=True,
)
RETRY_CREATION = RETRY.copy(retry=retry_if_exception(surely_not_done))
