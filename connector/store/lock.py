"""One run at a time on a cache: who is at work, and who waits to be let in.

The system frees all of it when a process dies. A long run (a backfill) lets others in between two pages: they
stand in a queue, which it sees, and it takes its place again after them.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from connector.errors import Locked

_LETS_IN = "; it lets others in"


class RunLock:
    """`lets_in`: whether it is a long run's, that others may wait for a minute at most."""

    def __init__(self, path: Path, who: str, *, lets_in: bool = False) -> None:
        self._path, self._who, self._lets_in = path, who, lets_in
        self._handle: IO[str] | None = None

    def take(self) -> None:
        """:raises Locked: naming who holds it"""
        handle = Path(f"{self._path}.lock").open("a+")  # noqa: SIM115 held until `leave`
        if not _locked(handle, fcntl.LOCK_EX):
            handle.seek(0)
            holder, lets_in, _ = (handle.read().strip() or "another run").partition(_LETS_IN)
            handle.close()
            said = f"{holder} is at work on {self._path}."
            raise Locked(said, "Wait for it to end, then run this again.", lets_in=bool(lets_in))
        handle.truncate(0)
        kind = _LETS_IN if self._lets_in else ""
        handle.write(f"`connector {self._who}` (process {os.getpid()}){kind}")
        handle.flush()
        self._handle = handle

    def leave(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def wanted(self) -> bool:
        """Whether somebody waits to be let in."""
        with _queue(self._path) as queue:
            return not _locked(queue, fcntl.LOCK_EX)


def at_work(path: Path) -> bool:
    """Whether a run is at work on a cache, or waits to go on after those that it let in."""
    return _held(Path(f"{path}.lock"), fcntl.LOCK_SH) or _held(Path(f"{path}.queue"), fcntl.LOCK_EX)


def _held(file: Path, how: int) -> bool:
    if not file.exists():
        return False
    with file.open() as handle:
        return not _locked(handle, how)


@contextmanager
def run_lock(path: Path, who: str) -> Iterator[RunLock]:
    """:raises Locked: naming who holds it"""
    lock = RunLock(path, who)
    lock.take()
    try:
        yield lock
    finally:
        lock.leave()


@contextmanager
def waiting(path: Path) -> Iterator[None]:
    """Stands in the queue of those who want to be let in."""
    with _queue(path) as queue:
        fcntl.flock(queue, fcntl.LOCK_SH)  # whoever looks lets go at once
        yield


def _queue(path: Path) -> IO[str]:
    return Path(f"{path}.queue").open("a")


def _locked(handle: IO[str], how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
