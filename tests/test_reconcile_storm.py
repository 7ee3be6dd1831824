"""Merges, archives, restores and erasures at random while syncs run: at the end both sides are alike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from accounts import DAY, NOW, House, beside, contact, form, house, submission

from connector.sandbox.rows import ListDef, Membership, Row, Submission
from connector.verify import verify

FIRST, PEOPLE = 70_000_000_000, 30
FORMS = ("newsletter", "demo-download", "devis")
TABLES = ("signal", "score", "standing", "transition", "handoff", "engagement", "outbox", "address", "hold")
KNOBS = (
    {"lag": 200.0},
    {"lag": [2.0, 30.0], "flapping": True},
    {"list_after_is_id": False},
    {"short_or_empty_pages_with_next": True},
    {"object_id_compares_as": "text"},
    {"batch_update_missing_id": "400"},
    {"batch_read_repeats_merged": True},
    {"restore_bumps_lastmodified": True},
    {"calculated_lag": 400.0},
)
MARKER = re.compile(r"\[connector[^\]]*\]")


def account(dice: Random) -> Iterator[Row]:
    yield from (contact(FIRST + n, age=(n + 1) * DAY // 3) for n in range(PEOPLE))
    yield from map(form, FORMS)
    yield from (ListDef(n, name) for n, name in enumerate(("salon-lyon", "Nurturing", "Sales owned"), 1))
    yield from (Membership(1, FIRST + n, NOW - 5 * DAY) for n in range(0, PEOPLE, 3))
    for _ in range(2 * PEOPLE):
        who = f"c{FIRST + dice.randrange(PEOPLE)}@acme.fr"
        yield submission(dice.choice(FORMS[:2]), who, dice.randrange(1, 20) * DAY)


@dataclass
class Storm:
    """What happens to the account. `live`, `bin` and `gone` are what must come of it."""

    here: House
    dice: Random
    live: list[int] = field(default_factory=lambda: [FIRST + n for n in range(PEOPLE)])
    bin: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)

    def blow(self) -> None:
        things = [
            self.merge,
            self.merge,
            self.archive,
            self.restore,
            self.erase,
            self.ask,
            self.ask,
            self.make,
        ]
        for _ in range(self.dice.randrange(4)):
            self.dice.choice(things)()

    def merge(self) -> None:
        pair = self._out(self.live), self._out(self.live)
        self.gone += pair
        self.live.append(self.here.portal.merge(*pair))

    def archive(self) -> None:
        self.bin.append(self._out(self.live))
        self.here.portal.archive(self.bin[-1])

    def restore(self) -> None:
        if self.bin:
            self.live.append(self._out(self.bin))
            self.here.portal.restore(self.live[-1])

    def erase(self) -> None:
        self.gone.append(self._out(self.bin or self.live))
        self.here.portal.erase(self.gone[-1])

    def ask(self) -> None:
        who = self.here.portal.record("contacts", self.dice.choice(self.live))["properties"]["email"]
        at, name = self.here.clock.now(), self.dice.choice(FORMS)
        self.here.portal.happen([Submission(f"guid-{name}", at, {"email": who}, "https://acme.fr/x")])

    def make(self) -> None:
        email = f"n{self.dice.randrange(10**9)}@acme.fr"
        self.live.append(self.here.portal.create("contacts", {"email": email}))

    def _out(self, some: list[int]) -> int:
        return some.pop(self.dice.randrange(len(some)))


async def weather(storm: Storm, syncs: int) -> None:
    here = storm.here
    await here.sync()
    for _ in range(syncs):
        storm.blow()
        here.seconds(storm.dice.choice([20, 300, 700, 3600]))
        await here.sync()
    here.portal.lag(0)
    for _ in range(3):
        here.seconds(DAY // 1000)
        await here.sync()


def agree(storm: Storm) -> None:
    here = storm.here
    assert {int(row["id"]) for row in here.rows("SELECT id FROM contact")} == set(storm.live)
    assert {int(row["contact_id"]) for row in here.rows("SELECT * FROM departed")} == set(storm.bin)
    for table in TABLES:
        named = here.rows(f"SELECT contact_id AS id FROM {table} WHERE contact_id IS NOT NULL")
        assert not {int(row["id"]) for row in named} & set(storm.gone), table
    assert verify(here.db, here.rules, here.clock.now()).items == []
    tasks = here.portal.account.records.page("tasks", 0, 500, archived=False)
    bodies = [here.portal.record("tasks", task.id)["properties"]["hs_task_body"] for task in tasks]
    told = Counter(match[0] for body in bodies if (match := MARKER.search(body)))
    assert not [marker for marker, times in told.items() if times > 1]


async def all_of_it(tmp_path: Path, seed: int, syncs: int) -> None:
    dice = Random(seed)
    async with house(tmp_path, account(dice)) as here:
        here.portal.knobs(**dice.choice(KNOBS))
        storm = Storm(here, dice)
        await weather(storm, syncs)
        agree(storm)
        here.requests()
        here.seconds(300)
        await here.sync()
        assert here.writes() == []
        async with beside(here.portal, here.rules, tmp_path / "other.db") as other:
            await other.sync()  # a new cache wants nothing else
            assert here.writes() == []


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_storm_passes_and_the_cache_is_the_accounts(tmp_path: Path, seed: int) -> None:
    await all_of_it(tmp_path, seed, 8)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 140))
async def test_longer_storms(tmp_path: Path, seed: int) -> None:
    await all_of_it(tmp_path, seed, 30)
