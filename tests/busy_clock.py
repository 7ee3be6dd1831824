"""Driven clocks for what the limits do: one in an account that somebody else uses too, whose requests come as
its seconds pass; one that stands still while a request is under way, so that answers take no time."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
from driven_clock import DrivenClock

from connector.sandbox import Portal


class BusyClock(DrivenClock):
    """Every second another client sends so many requests, whatever it is answered."""

    def __init__(self, portal: Portal, other: httpx.Client, a_second: int, **request: Any) -> None:
        super().__init__(portal)
        self.answers: Counter[int] = Counter()
        self._other, self._a_second, self._request = other, a_second, request
        self._send()

    def advance(self, seconds: float) -> None:
        end = self.at + seconds
        while self.at < end:
            step = min(int(self.at) + 1, end) - self.at
            super().advance(step)
            if abs(self.at - round(self.at)) < 1e-9:
                self._send()

    def _send(self) -> None:
        for _ in range(self._a_second):
            self.answers[self._other.request(**self._request).status_code] += 1


class StillClock(DrivenClock):
    """Its transport is `http`: give it to the client whose requests are not to take time."""

    def __init__(self, portal: Portal) -> None:
        super().__init__(portal)
        self.http = _Counted()

    def advance(self, seconds: float) -> None:
        if not self.http.under_way:
            super().advance(seconds)


class _Counted(httpx.AsyncHTTPTransport):
    def __init__(self) -> None:
        super().__init__()
        self.under_way = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.under_way += 1
        try:
            response = await super().handle_async_request(request)
            await response.aread()
            return response
        finally:
            self.under_way -= 1
