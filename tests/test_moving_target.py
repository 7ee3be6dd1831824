"""Records that change while they are read: each is in the cache with its last value, whatever disturbs."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from accounts import DAY, NOW, House, beside, contact, house
from command_line import on

from connector import sandbox
from connector.pull import Pulling, pull
from connector.sandbox import Portal
from connector.sandbox.rows import Object

FIRST, MANY = 10_000, 3_000
HOUR = 3_600
Lag = float | list[float]


class Stopped(Exception):
    """The reader's end at a page."""


class Restless:
    """Touches contacts while somebody reads pages; stops the reader at one of them, as a kill would."""

    def __init__(self, portal: Portal, a_page: int, stop_at: int = 0) -> None:
        self.portal = portal
        self.last: dict[int, str] = {}
        self.stop_at = stop_at
        self._a_page = a_page
        self._turn = count()
        self._pages = 0

    def touch(self, ids: range) -> None:
        for id in ids:
            self.last[id] = f"turn {next(self._turn)}"
            self.portal.edit(id, {"jobtitle": self.last[id]})

    def __call__(self, source: str, _count: int) -> None:
        """A page was stored: some of those before it and some of those behind it change."""
        self._pages += 1
        step = self._pages * 37 % MANY
        self.portal.advance(0.5)
        self.touch(range(FIRST + step, min(FIRST + step + self._a_page, FIRST + MANY)))
        if self._pages == self.stop_at:
            raise Stopped(source)


async def read(here: House, tick: Callable[[str, int], None]) -> None:
    """A pull; one that is stopped leaves the rest to a reader with a connection of its own."""
    try:
        await pull(Pulling(here.t, here.db, here.rules, here.clock.now(), tick), ["contacts"])
    except Stopped:
        file = Path(here.rows("PRAGMA database_list")[0]["file"])
        async with beside(here.portal, here.rules, file) as other:
            await pull(Pulling(other.t, other.db, other.rules, other.clock.now(), tick), ["contacts"])


def titles(here: House) -> dict[int, str | None]:
    rows = here.rows("SELECT id, properties FROM contact")
    return {int(row["id"]): json.loads(row["properties"]).get("jobtitle") for row in rows}


def titles_in(cache: Path) -> dict[int, str | None]:
    with closing(sqlite3.connect(cache)) as db:
        rows = db.execute("SELECT id, properties FROM contact").fetchall()
    return {int(id): json.loads(text).get("jobtitle") for id, text in rows}


@pytest.mark.parametrize("ids", [True, False], ids=["ranges", "one cursor"])
async def test_who_changes_during_the_first_load_is_seen_as_they_are_now(tmp_path: Path, ids: bool) -> None:
    async with house(tmp_path, [contact(FIRST + n) for n in range(MANY)]) as here:
        here.portal.knobs(list_after_is_id=ids)
        crowd = Restless(here.portal, 60, stop_at=9)
        await read(here, crowd)
        assert len(crowd.last) > MANY / 4
        here.seconds(60)
        await here.pull(["contacts"])
        found = titles(here)
        assert len(found) == MANY
        assert {id: found[id] for id in crowd.last} == crowd.last


@pytest.mark.parametrize(("lag", "stop_at"), [(240.0, 0), ([2.0, 3_000.0], 5)], ids=["lag", "any lag"])
async def test_three_thousand_that_change_while_we_page_are_all_seen(
    tmp_path: Path, lag: Lag, stop_at: int
) -> None:
    async with house(tmp_path, [contact(FIRST + n) for n in range(MANY)]) as here:
        await here.pull(["contacts"])
        here.portal.lag(lag)
        crowd = Restless(here.portal, 150, stop_at)
        crowd.touch(range(FIRST, FIRST + MANY))
        here.seconds(30)
        await read(here, crowd)
        await later(here)
        assert titles(here) == crowd.last


async def test_what_the_index_shows_loses_and_shows_again_is_seen(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(FIRST + n) for n in range(300)]) as here:
        await here.pull(["contacts"])
        here.portal.lag(1_500.0, flapping=True)
        crowd = Restless(here.portal, 20)
        for start in range(0, 300, 60):
            crowd.touch(range(FIRST + start, FIRST + start + 60))
            here.seconds(700)
            await here.pull(["contacts"])
        await later(here)
        assert titles(here) == crowd.last


async def later(here: House) -> None:
    """Two hours of pulls, every five minutes at first."""
    for seconds in (300, 300, 300, 300, 1_800, 1_800, 1_800, 1_800):
        here.seconds(seconds)
        await here.pull(["contacts"])


async def test_twelve_thousand_of_one_millisecond_are_all_seen_though_we_are_stopped(tmp_path: Path) -> None:
    moment = NOW + DAY
    async with house(tmp_path, [contact(FIRST + n) for n in range(50)]) as here:
        await here.pull(["contacts"])
        wanted = {FIRST + n: f"in bulk {n}" for n in range(12_000)}
        here.portal.load(
            Object("contacts", id, {"jobtitle": title}, NOW - DAY, moment) for id, title in wanted.items()
        )
        here.seconds(DAY / 1_000 + 60)
        crowd = Restless(here.portal, 0, stop_at=20)
        await read(here, crowd)
        assert titles(here) == wanted


# -- kill -9 ---------------------------------------------------------------------------------------------


def test_killed_at_any_page_it_goes_on_and_loses_nobody(tmp_path: Path) -> None:
    """Every part of the load of a process of its own, SIGKILL now and then, edits between its lives."""
    rows = [contact(FIRST + n) for n in range(1_200)]
    with sandbox.start(now=NOW, driven=True, rows=rows) as portal:
        portal.knobs(burst_limit=0, search_limit=0, associations_limit=0)
        folder = on(portal, tmp_path / "rules")
        folder("provision", "--yes")
        crowd = Restless(portal, 0)
        pages = 0
        for life, kill in enumerate((30, 60, None)):
            crowd.touch(range(FIRST + 400 * life, FIRST + 400 * life + 300))
            folder.advance(60)
            portal.clear_journal()
            code = driven(folder.path, tmp_path / "ledger", ["pull"], kill)
            assert code == (0 if kill is None else -9)
            pages += len([r for r in portal.journal() if r["path"].endswith("/2026-03/contacts")])
        folder.advance(60)
        assert driven(folder.path, tmp_path / "ledger", ["pull"], None) == 0
        found = titles_in(folder.path / "connector.db")
    assert len(found) == 1_200
    assert {id: found[id] for id in crowd.last} == crowd.last
    assert pages < 1_200 / 50 + 2 * 8 + 8  # each life reads again what was under way, and no more


def driven(cwd: Path, ledger: Path, args: list[str], kill: int | None) -> int:
    """The exit code of the command line, killed at a boundary (a commit, a request) by its number."""
    order = json.dumps({"cwd": str(cwd), "args": args, "kill": kill})
    script = Path(__file__).with_name("crash_driver.py")
    done = subprocess.run(
        [sys.executable, str(script), str(ledger)],
        input=order + "\n",
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    return int(json.loads(done.stdout)["code"])
