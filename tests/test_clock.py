"""The only place that reads the time or sleeps."""

from __future__ import annotations

from connector.clock import Held, SystemClock


async def test_the_systems_clock_goes_forward() -> None:
    clock = SystemClock()
    now, tick = clock.now(), clock.monotonic()
    await clock.sleep(0)
    assert clock.now() >= now > 1_700_000_000_000
    assert clock.monotonic() >= tick


async def test_a_held_clock_stands_still_but_waiting_waits() -> None:
    clock = Held(5)
    tick = clock.monotonic()
    await clock.sleep(0.001)
    assert clock.now() == 5
    assert clock.monotonic() > tick
