"""The first backfill, stopped anywhere and run again until it is done: nobody is lost, nobody there twice,
and what was stored is not read again but for the pages that were under way.

In key ranges, several at once, where the account's cursors are ids; else by the list's one cursor and by
searches from the other end.
"""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from accounts import DAY, NOW, contact, form, submission
from crash_runs import (
    Driver,
    Way,
    cached,
    differences,
    driver,
    enough,
    every,
    facts,
    killed_at,
    opened,
    sampled,
    went_well,
)
from random_lives import write_rules

from connector import sandbox

__all__ = ["driver"]  # a fixture, used by its name

PEOPLE = 1_000
FIRST = 10_001
HOW = {"backfill in ranges": True, "backfill with one cursor": False}
LIST, SEARCH, READ = (f"/crm/objects/2026-03/contacts{part}" for part in ("", "/search", "/batch/read"))
# requests that may be under way when it is killed, which are made again: a page for each of eight readers,
# and the look at the highest id; or of the list and of the searches (two, and eight for what they found) the
# one that is stored, the one that waits for it, and the one that is read meanwhile
IN_FLIGHT = {
    "backfill in ranges": Counter({LIST: 8, SEARCH: 1}),
    "backfill with one cursor": Counter({LIST: 3, SEARCH: 6, READ: 24}),
}
KEPT = {
    "contact": "id, email, created_at, modified_at, properties",
    "address": "address, contact_id",
    "engagement": "id, party, event, at, contact_id, address, judged",
    "signal": "contact_id, kind, at, id, rejected",
    "stage_note": "contact_id, value, at, writer",
    "unwitnessed": "contact_id",
    "dirty": "contact_id",
    "bookmark": "source, value, progress, state",
    "fact WHERE name <> 'stamp'": "name, value",
}
ROWS = (
    *(
        contact(FIRST + n, firstname=f"Prénom {n}", lifecyclestage="lead" if n % 3 else "")
        for n in range(PEOPLE)
    ),
    form("demo"),
    *(submission("demo", f"c{FIRST + 7 * n}@acme.fr", n * DAY // 8) for n in range(130)),
)


def rules(folder: Path) -> None:
    for name in ("mappings", "workflows"):
        shutil.rmtree(folder / name, ignore_errors=True)
    write_rules(folder)


@pytest.fixture(scope="session", params=HOW)
def how(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def way(how: str, tmp_path_factory: pytest.TempPathFactory, driver: Driver) -> Way:
    files = tmp_path_factory.mktemp("way") / "files"
    files.mkdir()
    with sandbox.start(now=NOW, driven=True, state=files / "portal.db", rows=ROWS) as portal:
        portal.knobs(burst_limit=0, search_limit=0, associations_limit=0, list_after_is_id=HOW[how])
    shutil.copytree(files, before := tmp_path_factory.mktemp("before") / "files")
    portal, folder = opened(files, rules)
    with portal:
        done = driver(folder, "backfill", "-q")
        went_well(done)
        folder.advance(60)
        went_well(driver(folder, "pull"))
        return Way(before, done["passed"], cached(folder, KEPT))


def pages(portal: sandbox.Portal, since: int = 0) -> Counter[tuple[str, str]]:
    """Which pages of contacts were asked for: path, and cursor or ids."""
    asked = (one for one in portal.journal(since, bodies=True) if one["path"] in (LIST, SEARCH, READ))
    return Counter((one["path"], one["query"] or one["body"]) for one in asked)


def stop_and_go_on(way: Way, how: str, number: int, driver: Driver, files: Path) -> Counter[str]:
    """One case. Gives how many requests for contacts were made by both runs."""
    shutil.copytree(way.before, files)
    portal, folder = opened(files, rules)
    with portal:
        at = f"{how} " + killed_at(driver(folder, "backfill", "-q", kill=number), number, way.passed)
        # it was read to its end: to say it again begins anew
        over, asked = facts(folder, files / "aside").get("backfill") == "[]", pages(portal)
        mark = max((one["n"] for one in portal.journal()), default=0)
        went_well(driver(folder, "backfill", "-q"), at)
        twice = Counter(path for path, _ in (asked & pages(portal, mark)).elements())
        assert over or twice <= IN_FLIGHT[how], f"{at}: {twice} were asked for twice"
        folder.advance(60)
        went_well(driver(folder, "pull"), at)
        assert differences(cached(folder, KEPT), way.after) == [], at
        assert (folder.path / "connector.db").stat().st_nlink == 1, f"{at}: the cache has another name"
    shutil.rmtree(files)
    return twice


def test_undisturbed_everybody_is_there(way: Way, how: str) -> None:
    enough(how, way)
    assert {int(row[0]) for row in way.after["contact"]} == set(range(FIRST, FIRST + PEOPLE))
    assert set(way.after["contact"].values()) == {1}
    assert sum(row[2] == "form_submission" for row in way.after["engagement"]) == 130


def test_stopped_it_goes_on(way: Way, how: str, driver: Driver, tmp_path: Path) -> None:
    every(
        sampled(way.passed, ("file remove",), 3),
        lambda number: stop_and_go_on(way, how, number, driver, tmp_path / str(number)),
    )


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_stopped_at_every_boundary_it_goes_on(
    way: Way, how: str, driver: Driver, tmp_path: Path, part: int
) -> None:
    every(
        range(1 + part, len(way.passed) + 1, 4),
        lambda number: stop_and_go_on(way, how, number, driver, tmp_path / str(number)),
    )
