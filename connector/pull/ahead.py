"""Work done ahead of whoever takes it: the next page is on its way while this one is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def ahead(
    source: AsyncIterator[T], work: Callable[[T], Awaitable[R]], depth: int
) -> AsyncIterator[tuple[T, R]]:
    """Each item of `source` with what `work` makes of it, in order; at most `depth` are ahead of the taker.

    One task feeds the queue and only the taker takes: whatever fails, the taker hears of it in its turn, and
    whoever stops taking ends all that is under way.
    """
    waiting: asyncio.Queue[tuple[T, asyncio.Future[R]] | BaseException | None] = asyncio.Queue(depth)
    begun: set[asyncio.Future[R]] = set()

    async def feed() -> None:
        try:
            async for item in source:
                doing = asyncio.ensure_future(work(item))
                begun.add(doing)
                doing.add_done_callback(begun.discard)
                await waiting.put((item, doing))
            await waiting.put(None)
        except Exception as error:
            await waiting.put(error)

    feeder = asyncio.create_task(feed())
    try:
        while (found := await waiting.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            item, doing = found
            yield item, await doing
    finally:
        feeder.cancel()
        for doing in begun:
            doing.cancel()
        await asyncio.gather(feeder, *begun, return_exceptions=True)
