"""When contacts come in: a daily flow, broken by imports (an old CRM, bought lists, trade fairs)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connector.sandbox.population.calendar import DAY, HOUR, MINUTE, YEAR, between
from connector.sandbox.population.dice import Dice, Weights
from connector.sandbox.population.personas import BOUGHT, DAILY, FAIR, OLD_CRM, Persona

_BATCH = 100  # an import creates this many records in the same millisecond


@dataclass(frozen=True, slots=True)
class Wave:
    """`share` of all contacts, from `start` (share of the year) on, for `length` ms; 0: until the next."""

    name: str
    share: float
    start: float
    cast: Weights[Persona]
    length: int = 0


WAVES = (
    Wave("old_crm", 0.11, 0.0, OLD_CRM, 30 * MINUTE),
    Wave("daily", 0.175, 0.002, DAILY),
    Wave("bought_1", 0.08, 0.3, BOUGHT, 20 * MINUTE),
    Wave("daily", 0.09, 0.302, DAILY),
    Wave("fair_1", 0.04, 0.45, FAIR, 2 * DAY),
    Wave("daily", 0.105, 0.458, DAILY),
    Wave("bought_2", 0.09, 0.62, BOUGHT, 20 * MINUTE),
    Wave("daily", 0.165, 0.622, DAILY),
    Wave("fair_2", 0.04, 0.87, FAIR, 2 * DAY),
    Wave("daily", 0.105, 0.878, DAILY),
)


@dataclass(frozen=True, slots=True)
class Arrival:
    created: int
    wave: Wave


def wave_start(wave: Wave, now: int) -> int:
    return now - YEAR + int(YEAR * wave.start)


def arrivals(contacts: int, dice: Dice, now: int) -> Iterator[Arrival]:
    """`contacts` of them, in the order of creation, none before a year ago and none after `now`."""
    done, share = 0, 0.0
    for number, wave in enumerate(WAVES):
        share += wave.share
        last = number == len(WAVES) - 1
        until = contacts if last else int(contacts * share)
        end = now if last else wave_start(WAVES[number + 1], now) - HOUR
        yield from _arrivals_of(wave, until - done, end, dice, now)
        done = until


def _arrivals_of(wave: Wave, count: int, end: int, dice: Dice, now: int) -> Iterator[Arrival]:
    start = wave_start(wave, now)
    if wave.length:
        batches = count // _BATCH + 1
        for i in range(count):
            yield Arrival(start + wave.length * (i // _BATCH) // batches, wave)
    else:
        for i in range(count):
            yield Arrival(between(start, end, (i + dice.random()) / count), wave)
