"""A part that is read again, stopped anywhere and run again: it goes on with what it had begun, at the page.

Engagement of a span of time, of every source that there is; and a newly mapped field, for the contacts that
are known.
"""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from accounts import DAY, NOW, contact, form, rules_in, submission
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
from test_backfill_parts import SIGNALS, told

from connector import sandbox
from connector.sandbox.rows import ListDef

__all__ = ["driver"]  # a fixture, used by its name

HOUR = 3_600_000
CITY = "    city:             city\n"
WAYS = {
    "engagement of a span": ["backfill", "engagement", "--since", "30d", "--until", "10d"],
    "fields": ["backfill", "--fields", "city,persona"],
}
# requests of a path that are made again at most: the page that is stored, the one that waits for it, and the
# one that is read meanwhile; of fields the ten of a thousand contacts, twice
AGAIN = {"engagement of a span": 3, "fields": 20}
SPAN = (NOW - 30 * DAY, NOW - 10 * DAY)
FORMS = [NOW - n * 4 * HOUR for n in range(1, 241)]  # 40 days, 120 of them inside: three pages
OTHERS = [NOW - n * DAY + HOUR for n in range(1, 41)]  # 20 inside
SOURCES = ("email_events", "page_views", "meetings", "calls", "emails", "lists")
KNOWN = 1_150  # contacts; fields are read of a thousand at a time
ROWS = (
    *(contact(1000 + n, city="Orléans", hs_persona=f"persona_{n % 3}") for n in range(KNOWN - 40)),
    *(form("devis"), ListDef(50, "Salon")),
    *(submission("devis", f"c{1000 + n}@acme.fr", NOW - at) for n, at in enumerate(FORMS)),
    *(row for n, at in enumerate(OTHERS) for row in told(10_000 + n, at)),
)
KEPT = {
    "contact": "id, email, properties, f_city, f_persona",
    "engagement": "id, party, source, event, at, contact_id, address, attrs, judged",
    "signal": "contact_id, kind, at, id, rejected",
    "dirty": "contact_id",
    "bookmark": "source, value, progress, state",
    "fact WHERE name <> 'stamp'": "name, value",
}


def rules(folder: Path) -> None:
    for name in ("mappings", "workflows"):
        shutil.rmtree(folder / name, ignore_errors=True)
    rules_in(folder, SIGNALS)


def without_city(folder: Path) -> None:
    """As the rules were when the contacts were read."""
    rules(folder)
    file = folder / "mappings" / "fields.yaml"
    text = file.read_text("utf-8")
    assert CITY in text
    file.write_text(text.replace(CITY, ""), "utf-8")


@pytest.fixture(scope="session")
def read(tmp_path_factory: pytest.TempPathFactory, driver: Driver) -> Path:
    """The contacts were read, by a mapping that did not name their city, and no engagement."""
    files = tmp_path_factory.mktemp("read")
    with sandbox.start(now=NOW, driven=True, state=files / "portal.db", rows=ROWS) as portal:
        portal.knobs(burst_limit=0, search_limit=0, associations_limit=0)
    portal, folder = opened(files, without_city)
    with portal:
        went_well(driver(folder, "backfill", "contacts"))
    return files


@pytest.fixture(scope="session", params=WAYS)
def what(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def way(what: str, read: Path, tmp_path_factory: pytest.TempPathFactory, driver: Driver) -> Way:
    files = tmp_path_factory.mktemp("way") / "files"
    shutil.copytree(read, files)
    portal, folder = opened(files, rules)
    with portal:
        done = driver(folder, *WAYS[what])
        went_well(done)
        return Way(read, done["passed"], cached(folder, KEPT), {"asked": asked(portal)})


def asked(portal: sandbox.Portal) -> Counter[str]:
    """How many requests of each path; what tells of the account itself aside."""
    return Counter(
        one["path"]
        for one in portal.journal()
        if "/properties/" not in one["path"] and "pipelines" not in one["path"]
    )


def stop_and_go_on(way: Way, what: str, number: int, driver: Driver, files: Path) -> None:
    shutil.copytree(way.before, files)
    portal, folder = opened(files, rules)
    with portal:
        at = f"{what} " + killed_at(driver(folder, *WAYS[what], kill=number), number, way.passed)
        known = facts(folder, files / "aside")
        over = what != "fields" and "span" not in known and number > len(way.passed) // 2  # it begins anew
        went_well(driver(folder, *WAYS[what]), at)
        more = asked(portal) - way.known["asked"]
        assert over or all(n <= AGAIN[what] for n in more.values()), f"{at}: {more}"
        assert differences(cached(folder, KEPT), way.after) == [], at
    shutil.rmtree(files)


def test_what_the_undisturbed_run_comes_to(way: Way, what: str) -> None:
    """Worked out by hand."""
    enough(what, way)
    if what == "fields":
        cities = Counter(row[3] for row in way.after["contact"])
        assert cities == {"orleans": KNOWN - 40, None: 40}
        assert way.after["engagement"] == Counter()
        return
    found = Counter((row[2], row[4]) for row in way.after["engagement"])
    inside = [at for at in OTHERS if SPAN[0] <= at < SPAN[1]]
    assert found == Counter(
        [
            *(("forms", at) for at in [*FORMS, *OTHERS] if SPAN[0] <= at < SPAN[1]),
            *((source, at) for source in SOURCES for at in inside),
        ]
    )


def test_stopped_it_comes_to_the_same_end(way: Way, what: str, driver: Driver, tmp_path: Path) -> None:
    every(
        sampled(way.passed, (), 3),
        lambda number: stop_and_go_on(way, what, number, driver, tmp_path / str(number)),
    )


@pytest.mark.long
@pytest.mark.parametrize("part", range(2))
def test_stopped_at_every_boundary_it_comes_to_the_same_end(
    way: Way, what: str, driver: Driver, tmp_path: Path, part: int
) -> None:
    every(
        range(1 + part, len(way.passed) + 1, 2),
        lambda number: stop_and_go_on(way, what, number, driver, tmp_path / str(number)),
    )
