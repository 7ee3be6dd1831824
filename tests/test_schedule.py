"""When sync runs: at once, one at a time, and to the end of the run in hand."""

from __future__ import annotations

import asyncio

import pytest

from connector.schedule import every

SOON = 0.01  # seconds: the schedule runs on the machine's own clock


class Runs:
    """A run that lasts until the test lets it end."""

    def __init__(self) -> None:
        self.started = 0
        self.ended = 0
        self.at_work = 0
        self.most = 0
        self.begun: asyncio.Queue[int] = asyncio.Queue()
        self.go = asyncio.Event()

    async def __call__(self) -> None:
        self.started += 1
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        self.begun.put_nowait(self.started)
        try:
            await self.go.wait()
        finally:
            self.at_work -= 1
            self.ended += 1


async def test_it_runs_at_once_however_long_the_interval() -> None:
    runs, stopped = Runs(), asyncio.Event()
    task = asyncio.create_task(every(86_400, runs, stopped))
    assert await runs.begun.get() == 1
    stopped.set()
    runs.go.set()
    await task
    assert (runs.started, runs.ended) == (1, 1)


async def test_it_runs_again_and_again() -> None:
    runs, stopped = Runs(), asyncio.Event()
    runs.go.set()
    task = asyncio.create_task(every(SOON, runs, stopped))  # type: ignore[arg-type]
    for n in (1, 2, 3):
        assert await runs.begun.get() == n
    stopped.set()
    await task
    assert runs.started == runs.ended


@pytest.mark.parametrize("during", [1, 2])
async def test_a_run_that_is_due_while_one_is_at_work_is_skipped(during: int) -> None:
    runs, stopped, ticks = Runs(), asyncio.Event(), asyncio.Event()
    if during == 2:
        runs.go.set()
    task = asyncio.create_task(every(SOON, runs, stopped))  # type: ignore[arg-type]
    for n in range(1, during + 1):
        assert await runs.begun.get() == n
        if n == 1 and during == 2:
            runs.go.clear()
    loop = asyncio.get_running_loop()
    loop.call_later(5 * SOON, ticks.set)  # several moments at which a run would be due
    await ticks.wait()
    assert (runs.most, runs.at_work) == (1, 1)
    assert runs.started - runs.ended == 1
    stopped.set()
    runs.go.set()
    await task
    assert runs.started == runs.ended == during


async def test_stopping_waits_for_the_run_in_hand_and_begins_no_other() -> None:
    runs, stopped = Runs(), asyncio.Event()
    task = asyncio.create_task(every(SOON, runs, stopped))  # type: ignore[arg-type]
    await runs.begun.get()
    stopped.set()
    done, _ = await asyncio.wait([task], timeout=3 * SOON)
    assert done == set()
    runs.go.set()
    await task
    assert (runs.started, runs.ended) == (1, 1)


async def test_a_stop_that_was_asked_for_before_runs_nothing() -> None:
    runs, stopped = Runs(), asyncio.Event()
    stopped.set()
    await every(60, runs, stopped)
    assert runs.started == 0


async def test_a_first_run_that_fails_is_told_and_leaves_no_schedule_behind() -> None:
    async def broken() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await every(60, broken, asyncio.Event())
    assert len(asyncio.all_tasks()) == 1
