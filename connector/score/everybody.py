"""A pass over very many contacts: the same SELECT in DuckDB, on rows that Arrow carries over from the cache.

SQLite takes several times as long for the window functions. What is carried is narrowed to what the rules
can use, and some thousand contacts at a time, so that memory does not grow with the account. DuckDB works in
processes of its own (`worker`), one a core: to carry the rows over takes as long as to score them.
"""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from connector.rules.compile import dependencies
from connector.rules.tree import Rules
from connector.score.subject import Subject
from connector.store import decisions, records
from connector.store.schema import file_of, spill_folder

MANY = 2_000  # contacts from which on a pass is worth its start
AT_ONCE = 30_000
MOST = 4  # processes
_START = "import sys; sys.path[:] = sys.argv[1:]; from connector.score.worker import main; main()"
Row = dict[str, Any]
Epochs = Callable[[Database, Sequence[str]], Mapping[str, int | None]]


class Lost(Exception):
    """DuckDB cannot be had, or gave up; with what it said."""


class Everybody:
    """Starts its processes, one a core, at the first pass and keeps them; they end with this object."""

    def __init__(self, rules: Rules, epochs: Epochs) -> None:
        self._rules = rules
        self._epochs = epochs
        self._with_accounts = dependencies(rules).accounts
        self._workers: list[_Worker] = []
        self._added_up: tuple[str, int, int] | None = None  # which cache, as of when, after which change
        self.why_not = ""

    def takes(self, db: Database, subjects: Sequence[Subject]) -> bool:
        """Whether these are so many, so close together and of one moment that a pass is worth it."""
        if len(subjects) < MANY or len({s.as_of for s in subjects}) > 1 or not file_of(db) or self.why_not:
            return False
        ids = [s.contact_id for s in subjects]
        return records.count_between(db, min(ids), max(ids)) <= 2 * len(ids)

    def rows(self, db: Database, subjects: Sequence[Subject]) -> Iterator[Row]:
        """As the SELECT gives them, in no order.

        :raises Lost: when a process gives up; what was given until then holds
        """
        whole = False
        try:
            self._begin(str(file_of(db)))
            if self._with_accounts:
                self._add_up_accounts(db, subjects[0].as_of)
            ordered = sorted(subjects, key=lambda s: s.contact_id)
            yield from self._scored(ordered, min(AT_ONCE, -(-len(ordered) // len(self._workers))))
            whole = True
        except Lost as lost:
            self.why_not = str(lost)
            raise
        finally:
            if not whole:
                self._workers = []  # answers that nobody read: the next pass begins anew

    def _scored(self, ordered: Sequence[Subject], size: int) -> Iterator[Row]:
        """One piece in each process, the next as soon as one is done."""
        busy: deque[_Worker] = deque()
        for number, start in enumerate(range(0, len(ordered), size)):
            worker = self._workers[number % len(self._workers)]
            if worker in busy:
                yield from _dicts(busy.popleft().answer())
            worker.ask("score", ordered[start : start + size])
            busy.append(worker)
        while busy:
            yield from _dicts(busy.popleft().answer())

    def _begin(self, path: str) -> None:
        if self._workers and self._workers[0].path == path:
            return
        number = min(os.cpu_count() or 1, MOST)
        self._workers = [_Worker(path, self._rules, number) for _ in range(number)]
        self._added_up = None
        for worker in self._workers:
            worker.answer()

    def _all(self, method: str, *arguments: Any) -> None:
        for worker in self._workers:
            worker.ask(method, *arguments)
        for worker in self._workers:
            worker.answer()

    def _add_up_accounts(self, db: Database, as_of: int) -> None:
        """What every company's people have together, once for all the pieces of a pass."""
        key = (self._workers[0].path, as_of, decisions.stamp_now(db))
        if self._added_up == key:
            return
        self._all("start_accounts")
        for ids in records.pages_of_members(db, AT_ONCE):
            epochs = self._epochs(db, ids)
            self._all("add_members", [Subject(i, as_of, epochs.get(i)) for i in ids])
        self._all("fold_accounts")
        self._added_up = key


def _dicts(answer: tuple[list[str], list[tuple[Any, ...]]]) -> Iterator[Row]:
    names, rows = answer
    return (dict(zip(names, row, strict=True)) for row in rows)


class _Worker:
    """Another process: it is asked, and answers, in turns."""

    def __init__(self, path: str, rules: Rules, among: int) -> None:
        """Its first answer says whether it can begin. `among`: how many share the memory."""
        self.path = path
        command = [sys.executable, "-c", _START, *sys.path]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        spill = spill_folder(Path(path), self._process.pid)
        weakref.finalize(self, _end, self._process, spill)
        spill.mkdir(mode=0o700, exist_ok=True)  # it names people
        self._send((path, rules, among, str(spill)))

    def ask(self, method: str, *arguments: Any) -> None:
        """:raises Lost: where the process has ended"""
        self._send((method, arguments))

    def answer(self) -> Any:
        """:raises Lost: with what it said"""
        assert self._process.stdout is not None
        try:
            result, error = pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError):
            raise Lost("its process has ended") from None
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


def _end(process: subprocess.Popen[bytes], spill: Path) -> None:
    process.kill()
    process.wait()
    shutil.rmtree(spill, ignore_errors=True)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # what was not sent any more
                pipe.close()


def missing() -> str:
    """Why DuckDB cannot be loaded here; empty if it can."""
    try:
        import adbc_driver_sqlite  # noqa: F401
        import duckdb  # noqa: F401
    except Exception as error:  # a missing wheel, a foreign libc: whatever it says
        return f"{type(error).__name__}: {error}"
    return ""
