"""When sync runs: APScheduler 3 in the foreground, in memory, one run at a time.

A run that is due while one is at work is skipped, not queued; after a pause of the machine one run makes
up for all that were missed. The schedule stands in the settings alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger


async def every(seconds: int, run: Callable[[], Awaitable[None]], stopped: asyncio.Event) -> None:
    """Runs at once, then every `seconds`, until `stopped` is set; the run in hand is waited for."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    busy = asyncio.Lock()

    async def one() -> None:
        if busy.locked() or stopped.is_set():
            return
        async with busy:
            await run()

    scheduler.add_job(
        one, IntervalTrigger(seconds=seconds), max_instances=1, coalesce=True, misfire_grace_time=None
    )
    scheduler.start()
    try:
        await one()
        await stopped.wait()
    finally:
        scheduler.pause()
        async with busy:
            scheduler.shutdown(wait=False)
