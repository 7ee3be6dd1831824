"""Opens the file: pragmas, numbered migrations, the one transaction opener."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from connector.errors import StoreTrouble

BUSY_MS = 30_000
migrations = Migrations("connector")


def open_store(path: Path | str) -> Database:
    """The cache at `path` (`:memory:` for tests), brought to today's schema, mode 0600.

    :raises StoreTrouble: when the file cannot be opened, is no database of ours, or the disk is full
    """
    with trouble(path):
        if str(path) != ":memory:":
            _make(Path(path))
        connection = sqlite3.connect(
            path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False
        )
        db = Database(connection)
        try:
            _need_ours(db, path)
            _write_ahead(db)
            for pragma in (
                "synchronous = normal",
                "secure_delete = on",
                "temp_store = memory",
            ):
                db.execute(f"PRAGMA {pragma}")
            if migrations.pending(db):  # a file that is up to date is not written to
                with write(db):
                    migrations.apply(db)
        except BaseException:
            db.close()
            raise
        return db


def _write_ahead(db: Database) -> None:
    """Readers and the writer do not wait for each other. SQLite does not wait either when two switch at once."""
    for _ in range(10):
        if db.execute("PRAGMA journal_mode").fetchone()[0] != "delete":
            return
        try:
            db.execute("PRAGMA journal_mode = wal")
        except sqlite3.OperationalError as error:
            if _kind(error) != "SQLITE_BUSY":
                raise
            db.execute("BEGIN IMMEDIATE")  # waits for the other
            db.execute("ROLLBACK")


def _make(path: Path) -> None:
    """An empty file that only we can read, closed before it has its name: to close any handle of a database
    frees the locks that this process has on it."""
    if path.exists():
        _drop_other_names(path)
        return
    handle, fresh = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    try:
        Path(path).hardlink_to(fresh)
    except FileExistsError:
        pass  # somebody else was quicker
    finally:
        Path(fresh).unlink(missing_ok=True)


def _drop_other_names(path: Path) -> None:
    """Whoever was killed while making it left a second name: who deletes the cache would not have deleted it."""
    if path.stat().st_nlink > 1:
        for one in path.parent.iterdir():
            if one.name.startswith(f".{path.name}.") and one.is_file() and one.samefile(path):
                one.unlink(missing_ok=True)


def _need_ours(db: Database, path: Path | str) -> None:
    """:raises StoreTrouble: somebody else's database, which our tables have no business in"""
    tables = db.table_names()
    if tables and not migrations.applied(db):
        raise StoreTrouble(
            f"{path} is a database, but no cache of ours: it holds {', '.join(sorted(tables)[:3])}.",
            _FIXES["SQLITE_NOTADB"],
        )


@contextmanager
def trouble(path: Path | str = "") -> Iterator[None]:
    """Turns what SQLite and the disk say into StoreTrouble."""
    where = path or "the cache"
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StoreTrouble(f"{where}: {error}", _FIXES.get(_kind(error), "")) from error
    except OSError as error:
        raise StoreTrouble(f"{where}: {error.strerror or error}") from error


def _kind(error: sqlite3.DatabaseError) -> str:
    return getattr(error, "sqlite_errorname", "") or ""


_FIXES = {
    "SQLITE_FULL": "The disk is full: make room, then run it again; nothing was half-written.",
    "SQLITE_NOTADB": "This file is not a cache of ours: name another one with --db or CONNECTOR_DB.",
    "SQLITE_CORRUPT": "Move the file away and run `connector backfill all`: the cache can be rebuilt.",
    "SQLITE_READONLY": "The file or its folder is read-only for this user.",
    "SQLITE_BUSY": "Another process holds the file; run it again.",
}


@contextmanager
def write(db: Database) -> Iterator[None]:
    """The one transaction opener. IMMEDIATE: a read that turns into a write would fail at once."""
    if db.conn.in_transaction:
        raise RuntimeError("a transaction is open already: one step, one transaction")
    with trouble():
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.execute("COMMIT")
        except BaseException:
            db.conn.rollback()
            raise


def file_of(db: Database) -> Path | None:
    """Where the cache is; None for one in memory, which nobody else can read."""
    name = db.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()[0]
    return Path(name) if name else None


def spill_folder(path: Path, process: int) -> Path:
    """Where a process that scores everybody puts what does not fit into its memory: beside the cache, since
    it is as private; the process's number tells whether it is still at it."""
    return path.with_name(f".{path.name}.spill-{process}")


def _from_file(file: Path) -> None:
    """A numbered migration: never edited once released, only followed by the next."""

    def migrate(db: Database) -> None:
        for statement in file.read_text("utf-8").split(";\n"):
            if statement.strip():
                db.execute(statement)

    migrations(name=file.stem)(migrate)


for _file in sorted((Path(__file__).parent / "migrations").glob("*.sql")):
    _from_file(_file)
