"""What the tests of hubspot/ share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
from manual_clock import NOW, ManualClock

from connector import sandbox
from connector.hubspot.transport import Transport
from connector.model import Secret
from connector.sandbox import Portal


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def portal() -> Iterator[Portal]:
    """An empty account at NOW, without limits: its clock is held, ours is driven."""
    with sandbox.start(now=NOW) as running:
        running.knobs(burst_limit=0, search_limit=0, associations_limit=0)
        yield running


@pytest.fixture
async def t(portal: Portal, clock: ManualClock) -> AsyncIterator[Transport]:
    async with Transport(portal.url, Secret(portal.token), clock) as transport:
        yield transport


Fake = Callable[[Callable[[httpx.Request], httpx.Response]], Transport]


@pytest.fixture
async def fake(clock: ManualClock) -> AsyncIterator[Fake]:
    """A transport to a function, for answers that the sandbox does not give."""
    made: list[Transport] = []

    def connect(answer: Callable[[httpx.Request], httpx.Response]) -> Transport:
        made.append(Transport("http://crm.test", Secret("pat-x"), clock, http=httpx.MockTransport(answer)))
        return made[-1]

    yield connect
    for transport in made:
        await transport.__aexit__(None, None, None)
