"""`forget` and `backup`, stopped anywhere and run again: nothing of the person is left, in no file; a copy is
whole or not there, and nothing lies beside it."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from command_line import Folder
from crash_runs import Driver, Way, cached, differences, driver, enough, every, left, went_well
from test_crash_leaving import KEPT, TOLD, address, at_home, lived, receiver
from webhook_receiver import Receiver

__all__ = ["driver", "lived", "receiver"]  # fixtures, used by their names

FORGET = ["forget", str(TOLD), "--yes"]
BACKUP = ["backup", "copy.db", "--yes"]
TEXTS = (str(TOLD), address(TOLD), f"Prénom{TOLD}")
OWED = {"fact WHERE name = 'scrub'": "name"}  # the file is still to be looked through
OLD = b"an older copy"


# -- forget ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def forgotten(
    lived: Path, tmp_path_factory: pytest.TempPathFactory, driver: Driver, receiver: Receiver
) -> Way:
    """Somebody for whom there is a task, whom every table names."""
    files = tmp_path_factory.mktemp("forgotten") / "files"
    shutil.copytree(lived, files)
    portal, folder = at_home(files, receiver)
    with portal:
        assert sorted(left(folder.path, TEXTS)) == sorted(TEXTS)
        done = driver(folder, *FORGET)
        went_well(done)
        return Way(lived, done["passed"], cached(folder, KEPT))


def stop_forgetting(way: Way, kills: list[int], driver: Driver, receiver: Receiver, files: Path) -> None:
    """Killed once or twice, then run to its end."""
    shutil.copytree(way.before, files)
    portal, folder = at_home(files, receiver)
    with portal:
        runs = [driver(folder, *FORGET, kill=number) for number in kills]
        at = f"forget killed at {[run['passed'][-2:] for run in runs]}"
        assert runs[0]["code"] == -9, at
        done = driver(folder, *FORGET)
        over = "Nobody in the cache is known" in done["said"]  # it was done, but for the book of runs
        assert done["code"] == 0 or over, f"{at}\n{done['said']}"
        assert left(folder.path, TEXTS) == {}, at
        assert cached(folder, OWED) == {table: Counter() for table in OWED}, at
        assert differences(cached(folder, KEPT), way.after) == [], at
    shutil.rmtree(files)


def test_forgetting_leaves_nobody(forgotten: Way) -> None:
    enough("forget", forgotten)
    assert not [row for table in KEPT for row in forgotten.after[table] if str(TOLD) in row]


def test_forgetting_that_is_stopped_is_finished_by_the_same_command(
    forgotten: Way, driver: Driver, receiver: Receiver, tmp_path: Path
) -> None:
    every(
        range(2, len(forgotten.passed) + 1, 2),
        lambda number: stop_forgetting(forgotten, [number], driver, receiver, tmp_path / str(number)),
    )


@pytest.mark.long
def test_forgetting_that_is_stopped_twice_as_well(
    forgotten: Way, driver: Driver, receiver: Receiver, tmp_path: Path
) -> None:
    last = len(forgotten.passed)
    every(
        [100 * first + second for first in range(1, last + 1) for second in range(1, last + 1)],
        lambda pair: stop_forgetting(
            forgotten, list(divmod(pair, 100)), driver, receiver, tmp_path / str(pair)
        ),
    )


# -- backup ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def copied(lived: Path, tmp_path_factory: pytest.TempPathFactory, driver: Driver, receiver: Receiver) -> Way:
    files = tmp_path_factory.mktemp("copied") / "files"
    shutil.copytree(lived, files)
    (files / "rules" / "copy.db").write_bytes(OLD)
    before = files.with_name("before")
    shutil.copytree(files, before)
    portal, folder = at_home(files, receiver)
    with portal:
        done = driver(folder, *BACKUP)
        went_well(done)
        return Way(before, done["passed"], cached(folder, KEPT), {"files": names(folder)})


def names(folder: Folder) -> set[str]:
    return {file.name for file in folder.path.iterdir()}


def stop_copying(way: Way, number: int, driver: Driver, receiver: Receiver, files: Path) -> None:
    shutil.copytree(way.before, files)
    portal, folder = at_home(files, receiver)
    with portal:
        killed = driver(folder, *BACKUP, kill=number)
        at = f"backup killed at {number}: {killed['passed'][-2:]}"
        assert killed["code"] == -9, at
        copy = folder.path / "copy.db"
        assert copy.read_bytes() == OLD or whole(folder, way), at
        went_well(driver(folder, *BACKUP), at)
        assert whole(folder, way), at
        assert names(folder) == way.known["files"], at
        assert differences(cached(folder, KEPT), way.after) == [], at
    shutil.rmtree(files)


def whole(folder: Folder, way: Way) -> bool:
    """The copy says what the cache says."""
    aside = folder.path / "aside"
    aside.mkdir()
    shutil.copy(folder.path / "copy.db", aside / "connector.db")
    with closing(sqlite3.connect(aside / "connector.db")) as db:
        sound = db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    same = differences(cached(Folder(aside), KEPT), way.after) == []
    shutil.rmtree(aside)
    return sound and same


def test_a_copy_that_is_stopped_is_whole_or_not_there(
    copied: Way, driver: Driver, receiver: Receiver, tmp_path: Path
) -> None:
    enough("backup", copied)
    every(
        range(1, len(copied.passed) + 1),
        lambda number: stop_copying(copied, number, driver, receiver, tmp_path / str(number)),
    )
