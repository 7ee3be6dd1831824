"""The request budget, on a clock that moves when everybody waits."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from manual_clock import ManualClock

from connector.hubspot.transport import Transport, together

PATH = "/crm/objects/2026-03/contacts"


def fine(headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.Response(200, json={}, headers=headers)


def limits(most: int, left: int) -> dict[str, str]:
    return {
        "X-HubSpot-RateLimit-Max": str(most),
        "X-HubSpot-RateLimit-Remaining": str(left),
        "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
    }


async def fire(t: Transport, clock: ManualClock, count: int, **how: Any) -> list[float]:
    """The moments at which `count` calls that start together were answered."""

    async def one() -> float:
        await t.call("GET", PATH, **how)
        return clock.at

    return sorted(await together([one() for _ in range(count)]))


def most_in(moments: list[float], window: float) -> int:
    return max(sum(at <= other < at + window for other in moments) for at in moments)


async def test_the_burst_stays_under_our_share(fake: Any, clock: ManualClock) -> None:
    t = fake(lambda _: fine())
    moments = await fire(t, clock, 200)
    assert most_in(moments, 10.4) == 80  # of 100
    assert 20 < clock.at < 22


async def test_searches_are_paced_below_five_a_second(fake: Any, clock: ManualClock) -> None:
    t = fake(lambda _: fine())
    moments = await fire(t, clock, 20, bucket="search")
    assert most_in(moments, 1.05) == 5
    assert dict(t.counts) == {"search": 20}


async def test_the_buckets_do_not_wait_for_each_other(fake: Any, clock: ManualClock) -> None:
    t = fake(lambda _: fine())
    full = {"search": 5, "burst": 40, "associations": 40}
    await together(fire(t, clock, count, bucket=bucket) for bucket, count in full.items())
    assert clock.at == 0


async def test_however_long_the_answers_take_the_crm_sees_no_more(fake: Any, clock: ManualClock) -> None:
    """It counts a request when that arrives: the slow ones of one window stand in the next one."""
    counted: list[float] = []

    async def answer(_: httpx.Request) -> httpx.Response:
        await clock.sleep(0.9 if len(counted) % 3 else 0.05)
        counted.append(clock.at)
        return fine()

    t = fake(answer)
    await fire(t, clock, 40, bucket="search")
    assert len(counted) == 40
    assert most_in(counted, 1.0) == 5


@pytest.mark.parametrize("slow", [0.0, 0.6], ids=["alike", "slow at first"])
async def test_the_way_that_every_request_takes_costs_no_places(
    fake: Any, clock: ManualClock, slow: float
) -> None:
    """The CRM counts a request when it arrives, a quarter of a second after it left; the answer is quick."""
    counted: list[float] = []

    async def answer(_: httpx.Request) -> httpx.Response:
        await clock.sleep(0.25 + (slow if clock.at < 1 else 0))
        counted.append(clock.at)
        return fine()

    t = fake(answer)
    await fire(t, clock, 100, bucket="search")
    assert most_in(counted, 1.0) == 5
    assert clock.at < 23.5  # 20 windows of 1.05 s; a window after each answer would be 25


async def test_what_one_bucket_learns_of_the_way_serves_the_others(fake: Any, clock: ManualClock) -> None:
    async def answer(_: httpx.Request) -> httpx.Response:
        await clock.sleep(0.25)
        return fine()

    t = fake(answer)
    await fire(t, clock, 20)
    began = clock.at
    await fire(t, clock, 20, bucket="search")
    assert clock.at - began < 4 * 1.06  # three windows and the last answer; with no way known 4 * 1.25


async def test_associations_have_a_limit_of_their_own_within_the_burst(fake: Any, clock: ManualClock) -> None:
    t = fake(lambda _: fine(limits(190, 189)))
    moments = await fire(t, clock, 100, bucket="associations")
    assert most_in(moments, 10.4) == 80


async def test_the_headers_raise_the_limit(fake: Any, clock: ManualClock) -> None:
    t = fake(lambda _: fine(limits(190, 189)))
    await fire(t, clock, 1)
    assert len(await fire(t, clock, 150)) == 150
    assert clock.at == 0  # 152 of 190


async def test_it_slows_down_for_other_apps(fake: Any, clock: ManualClock) -> None:
    """Others take 70 of 100 in every window; what is left is ours, and the CRM has nothing to refuse."""
    counted: list[float] = []

    def answer(_: httpx.Request) -> httpx.Response:
        ours = sum(at > clock.at - 10 for at in counted)
        counted.append(clock.at)
        return httpx.Response(429) if ours >= 30 else fine(limits(100, 29 - ours))

    t = fake(answer)
    await fire(t, clock, 60)
    assert t.requests == 60
    assert most_in(counted, 10) <= 25


async def test_a_429_pauses_everybody(fake: Any, clock: ManualClock) -> None:
    answers = iter([httpx.Response(429, json={}, headers={"Retry-After": "7"}), *(fine() for _ in range(6))])
    t = fake(lambda _: next(answers))
    first = asyncio.ensure_future(fire(t, clock, 1))
    others = await fire(t, clock, 5)
    assert min(*others, *(await first)) == pytest.approx(7)
    assert t.requests == 7


async def test_a_call_that_is_cancelled_gives_its_place_back(fake: Any, clock: ManualClock) -> None:
    hangs, arrived = True, asyncio.Event()

    async def answer(_: httpx.Request) -> httpx.Response:
        if hangs:
            arrived.set()
            await asyncio.Event().wait()
        return fine()

    t = fake(answer)
    tasks = [asyncio.ensure_future(t.call("GET", PATH)) for _ in range(100)]
    await arrived.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    hangs = False
    await fire(t, clock, 80)
    assert clock.at < 11
