"""A copy of the cache while it is in use."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from command_line import Folder

from connector.store.copying import copy
from connector.store.schema import open_store


def test_a_backup_is_whole_while_others_write(tmp_path: Path) -> None:
    db, stop = open_store(tmp_path / "connector.db"), threading.Event()
    pairs = 0

    def writing() -> None:
        nonlocal pairs
        with closing(open_store(tmp_path / "connector.db").conn) as mine:
            while not stop.is_set():
                mine.execute("BEGIN IMMEDIATE")
                for name in ("a", "b"):  # always both, or none
                    mine.execute("INSERT INTO fact VALUES (?, ?)", [f"{name}{pairs}", "1"])
                mine.execute("COMMIT")
                pairs += 1

    writer = threading.Thread(target=writing)
    writer.start()
    try:
        sizes = [copy(db, tmp_path / f"copy{n}.db") for n in range(8)]
    finally:
        stop.set()
        writer.join()
    db.close()
    assert (pairs > 0, min(sizes) > 0) == (True, True)
    for n in range(8):
        file = tmp_path / f"copy{n}.db"
        assert file.stat().st_mode & 0o777 == 0o600
        with closing(sqlite3.connect(file)) as made:
            assert made.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            counts = made.execute("SELECT sum(name LIKE 'a%'), sum(name LIKE 'b%') FROM fact").fetchone()
        assert counts[0] == counts[1]
    assert not [file for file in tmp_path.iterdir() if file.name.startswith((".copy", "copy0.db-"))]


def test_backup_at_the_command_line(applied: Folder) -> None:
    done = applied("backup", "copy.db")
    assert (done.code, "copy.db" in done.stdout) == (0, True), done.stderr
    again = applied("backup", "copy.db")
    assert (again.code, "is there already" in again.stderr) == (2, True)
    assert applied("backup", "copy.db", "--yes").code == 0
    assert applied("backup", "connector.db", "--yes").code == 2
    assert applied("backup", "no/folder/copy.db").code == 2
    assert (
        applied.json("status", "--db", "copy.db")["summary"]["cached"]
        == applied.json("status")["summary"]["cached"]
    )
