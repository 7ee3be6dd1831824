"""A pass over very many contacts: the same SELECT in DuckDB, on rows that Arrow carries over from the cache.

SQLite takes several times as long for the window functions. What is carried is narrowed to what the rules
can use, and a few thousand contacts at a time, so that memory does not grow with the account. DuckDB works in
a process of its own (`worker`).
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

from sqlite_utils import Database

from connector.rules.compile import dependencies
from connector.rules.tree import Rules
from connector.score.subject import Subject
from connector.store import decisions, records

MANY = 2_000  # contacts from which on a pass is worth its start
AT_ONCE = 10_000
_START = "import sys; sys.path[:] = sys.argv[1:]; from connector.score.worker import main; main()"
Row = dict[str, Any]
Epochs = Callable[[Database, Sequence[str]], Mapping[str, int | None]]


class Lost(Exception):
    """DuckDB cannot be had, or gave up; with what it said."""


class Everybody:
    """Starts its process at the first pass and keeps it; the process ends with this object."""

    def __init__(self, rules: Rules, epochs: Epochs) -> None:
        self._rules = rules
        self._epochs = epochs
        self._with_accounts = dependencies(rules).accounts
        self._worker: _Worker | None = None
        self._added_up: tuple[str, int, int] | None = None  # which cache, as of when, after which change
        self.why_not = ""

    def takes(self, db: Database, subjects: Sequence[Subject]) -> bool:
        """Whether these are so many, so close together and of one moment that a pass is worth it."""
        if len(subjects) < MANY or len({s.as_of for s in subjects}) > 1 or not _file(db) or self.why_not:
            return False
        ids = [s.contact_id for s in subjects]
        return records.count_between(db, min(ids), max(ids)) <= 2 * len(ids)

    def rows(self, db: Database, subjects: Sequence[Subject]) -> Iterator[Row]:
        """As the SELECT gives them, in no order.

        :raises Lost: before the first row of the ten thousand in hand
        """
        try:
            worker = self._begin(_file(db))
            if self._with_accounts:
                self._add_up_accounts(db, worker, subjects[0].as_of)
            ordered = sorted(subjects, key=lambda s: s.contact_id)
            for start in range(0, len(ordered), AT_ONCE):
                names, rows = worker.ask("score", ordered[start : start + AT_ONCE])
                yield from (dict(zip(names, row, strict=True)) for row in rows)
        except Lost as lost:
            self.why_not = str(lost)
            raise

    def _begin(self, path: str) -> _Worker:
        if self._worker is None or self._worker.path != path:
            self._worker, self._added_up = _Worker(path, self._rules), None
        return self._worker

    def _add_up_accounts(self, db: Database, worker: _Worker, as_of: int) -> None:
        """What every company's people have together, once for all the pieces of a pass."""
        key = (worker.path, as_of, decisions.stamp_now(db))
        if self._added_up == key:
            return
        worker.ask("start_accounts")
        for ids in records.pages_of_members(db, AT_ONCE):
            epochs = self._epochs(db, ids)
            worker.ask("add_members", [Subject(i, as_of, epochs.get(i)) for i in ids])
        worker.ask("fold_accounts")
        self._added_up = key


class _Worker:
    """The other process: one question, one answer."""

    def __init__(self, path: str, rules: Rules) -> None:
        self.path = path
        command = [sys.executable, "-c", _START, *sys.path]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        weakref.finalize(self, _end, self._process)
        self._send((path, rules))
        if why := self._answer():
            raise Lost(why)

    def ask(self, method: str, *arguments: Any) -> Any:
        """:raises Lost: with what it said"""
        self._send((method, arguments))
        result, error = self._answer()
        if error:
            raise Lost(error)
        return result

    def _send(self, message: Any) -> None:
        assert self._process.stdin is not None
        try:
            pickle.dump(message, self._process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
        except OSError:
            raise Lost("its process has ended") from None

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        try:
            return pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError):
            raise Lost("its process has ended") from None


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # what was not sent any more
                pipe.close()


@cache
def why_not() -> str:
    """Why DuckDB cannot be loaded here; empty if it can. SQLite then does everything, slower."""
    try:
        import adbc_driver_sqlite  # noqa: F401
        import duckdb  # noqa: F401
    except Exception as error:  # a missing wheel, a foreign libc: whatever it says
        return f"{type(error).__name__}: {error}"
    return ""


def _file(db: Database) -> str:
    """The path of the cache; empty for one in memory, which nobody else can read."""
    return str(db.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()[0] or "")
