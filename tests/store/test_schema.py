"""The file: who may read it, what a transaction keeps, what it says when something is wrong with it."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from connector.errors import Locked, StoreTrouble
from connector.store.lock import run_lock
from connector.store.schema import migrations, open_store, write


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    opened = open_store(tmp_path / "connector.db")
    yield opened
    opened.close()


def put(db: Database, name: str) -> None:
    db.execute("INSERT INTO fact VALUES (?, '1')", [name])


def names(db: Database) -> list[str]:
    return [row[0] for row in db.execute("SELECT name FROM fact ORDER BY name")]


def test_nobody_else_may_read_the_file(db: Database, tmp_path: Path) -> None:
    with write(db):
        put(db, "a")
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_opening_again_changes_nothing(db: Database, tmp_path: Path) -> None:
    before = db.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    with write(db):
        put(db, "kept")
    again = open_store(tmp_path / "connector.db")
    assert again.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall() == before
    assert migrations.pending(again) == []
    assert names(again) == ["kept"]
    again.close()


def test_an_up_to_date_file_opens_while_another_process_writes(db: Database, tmp_path: Path) -> None:
    with write(db):
        put(db, "under way")
        reader = open_store(tmp_path / "connector.db")
        assert names(reader) == []
        reader.close()


def test_two_that_open_a_new_file_at_once_both_get_it(tmp_path: Path) -> None:
    ready, failed = threading.Barrier(4), []

    def opening() -> None:
        ready.wait()
        try:
            open_store(tmp_path / "new.db").close()
        except StoreTrouble as error:
            failed.append(str(error))

    threads = [threading.Thread(target=opening) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


# -- transactions --------------------------------------------------------------------------------------


def test_a_transaction_is_kept_whole_or_not_at_all(db: Database) -> None:
    with write(db):
        put(db, "a")
        put(db, "b")
    with pytest.raises(ZeroDivisionError), write(db):
        put(db, "c")
        _ = 1 // 0
    assert names(db) == ["a", "b"]


def test_an_interrupt_rolls_back_too(db: Database) -> None:
    with pytest.raises(KeyboardInterrupt), write(db):
        put(db, "a")
        raise KeyboardInterrupt
    assert names(db) == []
    assert not db.conn.in_transaction


def test_a_transaction_holds_the_file_from_its_first_moment(db: Database, tmp_path: Path) -> None:
    """Else a read that turns into a write fails at once when somebody else wrote in between."""
    other = sqlite3.connect(tmp_path / "connector.db", timeout=0, isolation_level=None)
    with write(db), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()


def test_a_transaction_inside_another_is_a_mistake_of_ours(db: Database) -> None:
    with write(db), pytest.raises(RuntimeError, match="one step, one transaction"), write(db):
        pass


# -- trouble -------------------------------------------------------------------------------------------


def test_a_full_disk_keeps_nothing_of_the_transaction_and_the_file_stays_usable(db: Database) -> None:
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreTrouble, match="full") as full, write(db):
        put(db, "a")
        db.execute("INSERT INTO fact VALUES ('big', ?)", ["x" * 100_000])
    assert "make room" in full.value.fix
    db.execute("PRAGMA max_page_count = 100000")
    assert names(db) == []
    with write(db):
        put(db, "b")
    assert names(db) == ["b"]


def test_a_commit_that_fails_leaves_no_transaction_open(db: Database) -> None:
    db.execute("PRAGMA foreign_keys = on")
    db.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    db.execute("CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(StoreTrouble), write(db):
        db.execute("INSERT INTO child VALUES (1)")
    with write(db):
        put(db, "a")
    assert names(db) == ["a"]


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_text("email;prénom\n" * 100, "utf-8")
    with pytest.raises(StoreTrouble, match="not a database") as error:
        open_store(file)
    assert "--db" in error.value.fix
    assert file.read_text("utf-8").startswith("email")


def test_somebody_elses_database_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "portal.db"
    other = sqlite3.connect(file)
    other.execute("CREATE TABLE objects (id)")
    other.close()
    before = file.read_bytes()
    with pytest.raises(StoreTrouble, match="no cache of ours: it holds objects"):
        open_store(file)
    assert file.read_bytes() == before


def test_a_folder_and_a_missing_folder(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere" / "connector.db"):
        with pytest.raises(StoreTrouble, match=str(path)):
            open_store(path)


def test_a_cache_that_may_not_be_written(db: Database) -> None:
    db.execute("PRAGMA query_only = on")
    with pytest.raises(StoreTrouble, match="readonly") as error, write(db):
        put(db, "a")
    assert "read-only" in error.value.fix


# -- the lock ------------------------------------------------------------------------------------------


def test_one_run_at_a_time_and_the_second_is_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "connector.db"
    with run_lock(path, "sync"):
        holder = rf"`connector sync` \(process {os.getpid()}\) is at work"
        with pytest.raises(Locked, match=holder), run_lock(path, "apply"):
            pytest.fail("two at once")
    with run_lock(path, "apply"):
        assert "connector apply" in Path(f"{path}.lock").read_text("utf-8")
