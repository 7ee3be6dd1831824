"""The clock of the storm, and the way on which it blows: requests take their turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
from driven_clock import DrivenClock

from connector.sandbox import Portal


class Steady(DrivenClock):
    """Requests and waits take their turns, so that the same seed gives the same story."""

    def __init__(self, portal: Portal) -> None:
        super().__init__(portal)
        self.turn = asyncio.Lock()
        self._account = portal.account

    def now(self) -> int:
        return int(self._account.clock.now())

    async def sleep(self, seconds: float) -> None:
        async with self.turn:
            self.advance(seconds)


class Gusts(httpx.AsyncBaseTransport):
    """The way to the account; something may happen there before each request arrives."""

    def __init__(self, blow: Callable[[httpx.Request], None], turn: asyncio.Lock) -> None:
        self._blow, self._turn = blow, turn
        self._way = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async with self._turn:
            self._blow(request)
            answer = await self._way.handle_async_request(request)
            body = await answer.aread()
            await answer.aclose()
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)

    async def aclose(self) -> None:
        await self._way.aclose()
