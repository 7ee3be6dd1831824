"""How far each source was read, runs and facts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from connector.store import bookmarks
from connector.store.bookmarks import Bookmark
from connector.store.lock import run_lock, waiting
from connector.store.schema import open_store


@pytest.fixture
def db() -> Iterator[Database]:
    opened = open_store(":memory:")
    yield opened
    opened.close()


def test_a_source_nobody_read_has_an_empty_bookmark(db: Database) -> None:
    assert bookmarks.get(db, "forms") == Bookmark()
    assert bookmarks.everyone(db) == {}


def test_progress_leaves_the_bookmark_and_moving_it_ends_the_progress(db: Database) -> None:
    bookmarks.move(db, "forms", {"until": 1}, 10)
    bookmarks.progress(db, "forms", {"after": "7"})
    assert bookmarks.get(db, "forms") == Bookmark({"until": 1}, {"after": "7"}, 10)
    bookmarks.move(db, "forms", {"until": 2}, 20)
    assert bookmarks.get(db, "forms") == Bookmark({"until": 2}, None, 20)


def test_an_absent_source_keeps_what_it_had_and_comes_back_by_moving(db: Database) -> None:
    bookmarks.move(db, "page_views", {"until": 1}, 10)
    bookmarks.absent(db, "page_views", "needs Enterprise")
    assert bookmarks.get(db, "page_views") == Bookmark({"until": 1}, None, 10, "absent", "needs Enterprise")
    bookmarks.move(db, "page_views", {"until": 2}, 20)
    assert bookmarks.get(db, "page_views").state == "ok"


def test_a_forgotten_source_is_read_from_its_beginning(db: Database) -> None:
    bookmarks.move(db, "forms", {"until": 1}, 10)
    bookmarks.move(db, "lists", {"until": 1}, 10)
    bookmarks.forget(db, "forms")
    assert list(bookmarks.everyone(db)) == ["lists"]


def test_facts_are_json(db: Database) -> None:
    for value in ({"é": [1, None]}, "x", False):
        bookmarks.set_fact(db, "name", value)
        assert bookmarks.fact(db, "name") == value
    assert bookmarks.fact(db, "other") is None


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[tuple[Path, Database]]:
    file = tmp_path / "connector.db"
    opened = open_store(file)
    yield file, opened
    opened.close()


def test_runs_are_told_newest_first(cache: tuple[Path, Database]) -> None:
    file, db = cache
    with run_lock(file, "plan"):
        first = bookmarks.start_run(db, "sync", 1)
        second = bookmarks.start_run(db, "plan", 2)
        bookmarks.end_run(db, first, 3, "done", "abc", {"said": "12 sent"})
        told = bookmarks.runs(db)
        assert [(run["id"], run["status"], run["summary"]) for run in told] == [
            (second, "running", {}),
            (first, "done", {"said": "12 sent"}),
        ]
        assert len(bookmarks.runs(db, 1)) == 1


def test_a_run_that_never_ended_was_killed(cache: tuple[Path, Database]) -> None:
    file, db = cache
    with run_lock(file, "sync"):
        bookmarks.start_run(db, "sync", 1)
        bookmarks.start_run(db, "sync", 2)
        assert [run["status"] for run in bookmarks.runs(db)] == ["running", "killed"]
    assert [run["status"] for run in bookmarks.runs(db)] == ["killed", "killed"], "nobody is at work"


def test_a_run_that_waits_for_those_that_it_let_in_is_at_work(cache: tuple[Path, Database]) -> None:
    file, db = cache
    bookmarks.start_run(db, "backfill", 1)
    with waiting(file):
        assert bookmarks.runs(db)[0]["status"] == "running"
