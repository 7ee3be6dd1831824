"""A long backfill beside others on the same cache: they are let in between two pages, and it goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from accounts import NOW, contact, form, submission
from command_line import Folder, finish, on

from connector import sandbox

HOUR = 3_600_000
LIST = "/objects/2026-03/contacts"
ROWS = [
    *(contact(10_000 + n, jobtitle="Chef", city="Orléans") for n in range(1_150)),
    form("devis"),
    *(submission("devis", f"c{10_000 + n}@acme.fr", (n + 1) * HOUR) for n in range(500)),
]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with sandbox.start(0, now=NOW, driven=True, rows=ROWS) as portal:
        portal.knobs(burst_limit=0, search_limit=0, associations_limit=0)
        made = on(portal, tmp_path / "rules")
        yield made
        made.close()


def asked(folder: Folder, sql: str) -> list[Any]:
    with closing(sqlite3.connect(folder.path / "connector.db")) as cache:
        return cache.execute(sql).fetchall()


def until(folder: Folder, process: Any, sql: str) -> None:
    """It is at work, and has noted how far it is."""
    while not _noted(folder, sql):
        assert process.poll() is None, process.communicate()


def _noted(folder: Folder, sql: str) -> bool:
    try:
        return bool(asked(folder, sql))
    except sqlite3.OperationalError:  # the file is not made yet
        return False


def test_others_are_let_in_between_two_pages_and_little_is_read_twice_for_it(folder: Folder) -> None:
    portal = folder.portal
    assert portal is not None
    assert folder("pull").code == 0
    before = asked(folder, "SELECT id, source, at FROM engagement")
    portal.faults(
        [
            {"method": "GET", "path": LIST, "delay": 2.0, "times": 99},
            {"path": "/submissions/", "delay": 0.6, "times": 99},
        ]
    )
    mark = max(int(r["n"]) for r in portal.journal())
    backfill = folder.start("backfill")
    until(folder, backfill, "SELECT 1 FROM bookmark WHERE source = 'contacts again'")
    waiting = folder.start("pull")
    assert waiting.stderr is not None
    assert "waiting up to 60 s: `connector backfill` (process " in waiting.stderr.readline()
    assert finish(waiting).code == 0
    assert backfill.poll() is None, "it goes on after the sync"
    done = finish(backfill)
    assert (done.code, done.stderr.count("letting the run in that waits")) == (0, 1), done
    pages = [r["query"] for r in portal.journal(mark) if r["method"] == "GET" and LIST in r["path"]]
    assert 12 <= sum("properties" in page for page in pages) <= 12 + 2 * 8, "those that were under way"
    assert asked(folder, "SELECT count(*) FROM contact") == [(1_150,)]
    assert asked(folder, "SELECT id, source, at FROM engagement") == before
    runs = asked(folder, "SELECT verb, status FROM run ORDER BY id DESC LIMIT 2")
    assert runs == [("pull", "done"), ("backfill", "done")]
    assert asked(folder, "SELECT source FROM bookmark WHERE source LIKE '% again'") == []


def test_before_all_was_read_once_others_wait_until_the_end(folder: Folder) -> None:
    portal = folder.portal
    assert portal is not None
    portal.faults([{"path": "/submissions/", "delay": 0.6, "times": 99}])
    first = folder.start("backfill")
    until(folder, first, "SELECT 1 FROM bookmark WHERE source = 'forms' AND progress IS NOT NULL")
    waiting = folder.start("pull")
    assert finish(first).code == 0
    assert finish(waiting).code == 0, "it came to its turn all the same"
    asking = [r["path"] for r in portal.journal() if r["status"] == 200]
    second = [n for n, path in enumerate(asking) if "/account-info/" in path][1]
    assert sum("/submissions/" in path for path in asking[:second]) == 10, "all pages of 50"


def test_a_second_backfill_is_told_that_there_is_one(folder: Folder) -> None:
    portal = folder.portal
    assert portal is not None
    portal.faults([{"path": "/submissions/", "delay": 0.6, "times": 99}])
    first = folder.start("backfill")
    until(folder, first, "SELECT 1 FROM bookmark WHERE source = 'forms' AND progress IS NOT NULL")
    second = folder("backfill")
    assert (second.code, "`connector backfill` (process " in second.stderr) == (5, True), second
    assert finish(first).code == 0
