"""Runs the command line and kills it, as kill -9 does, at one boundary of its run.

    python crash_driver.py < orders > answers

An order is a line of JSON: {"cwd": folder, "args": [...], "kill": n or null}. A boundary is a commit about
to happen or just done, a request about to leave or its answer just arrived; the same around a rewriting of
the whole file, an emptying of its log and a copy of it (and once in the middle of each), and before a file
beside it is made, named, renamed or removed. They are counted from 1. The answer is a line of JSON with the
exit code (-9: killed) and the names of the boundaries that were passed.

The product is imported once; every order runs in a fork of its own. Nothing of the product is changed: its
connections to SQLite and to the CRM are watched from outside. Only its clock is another one, on which waiting
for the account's limits costs little.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import urllib3

import connector.cli
import connector.cli.account
import connector.cli.backfill
import connector.cli.cache
import connector.cli.plan
import connector.cli.pull
import connector.cli.sync
import connector.cli.watch
import connector.hubspot.account
import connector.reconcile.forgetting
import connector.settings
import connector.store.copying
import connector.sync  # all of it before the first fork
from connector.clock import Held

HASTE = 50  # times as fast as the world's
AROUND = {  # statements that are told before and after
    "COMMIT": ("commit", "committed"),
    "VACUUM": ("rewrite", "rewritten"),
    "PRAGMA WAL_CHECKPOINT(TRUNCATE)": ("empty log", "emptied log"),
}
STEPS = 500  # of SQLite's machine: well inside a rewriting of the smallest cache
PAGES = 20  # of a copy's file: well inside the smallest cache
FILES = {  # what the system is asked for -> the place of the path among its arguments
    "tempfile.mkstemp": 0,
    "os.link": 1,
    "os.rename": 1,
    "os.remove": 0,
}


class Hurried(Held):
    """The date stands still, as it is told; waiting is quick."""

    def monotonic(self) -> float:
        return time.monotonic() * HASTE

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / HASTE)


class Fuse:
    """Counts boundaries; blows at the one that was ordered."""

    def __init__(self, kill: int | None, ledger: Path) -> None:
        self._kill = kill
        self._ledger = ledger.open("w", encoding="utf-8")
        self._count = 0
        self._one = threading.Lock()  # some requests leave from threads of their own

    def passed(self, what: str) -> None:
        with self._one:
            self._count += 1
            self._ledger.write(f"{what}\n")
            self._ledger.flush()
            if self._count == self._kill:
                os.kill(os.getpid(), signal.SIGKILL)


def watch(fuse: Fuse, folder: Path) -> None:
    _watch_store(fuse)
    _watch_requests(fuse)
    _watch_files(fuse, folder)


def _watch_store(fuse: Fuse) -> None:
    class Watched(sqlite3.Connection):
        def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
            told = AROUND.get(sql.strip().upper())
            if told is None:
                return super().execute(sql, *given)
            fuse.passed(told[0])
            if told[0] == "rewrite":
                self.set_progress_handler(_once(fuse, "rewriting"), STEPS)
            done = super().execute(sql, *given)
            self.set_progress_handler(None, STEPS)
            fuse.passed(told[1])
            return done

        def backup(self, target: sqlite3.Connection, **given: Any) -> None:
            fuse.passed("copy")
            told = _once(fuse, "copying")
            super().backup(target, pages=PAGES, progress=lambda *_: told() and None, **given)
            fuse.passed("copied")

    connect = sqlite3.connect
    sqlite3.connect = lambda *args, **given: connect(*args, factory=Watched, **given)  # type: ignore[assignment]


def _once(fuse: Fuse, what: str) -> Callable[[], int]:
    """Told at the first of many calls."""
    told: list[str] = []

    def tell() -> int:
        if not told:
            told.append(what)
            fuse.passed(what)
        return 0

    return tell


def _watch_files(fuse: Fuse, folder: Path) -> None:
    """Files in the folder of the run; Python tells of what it is about to do."""

    def heard(event: str, given: tuple[Any, ...]) -> None:
        if event in FILES and Path(given[FILES[event]]).absolute().parent == folder:
            fuse.passed(f"file {event.split('.')[1]}")

    sys.addaudithook(heard)


def _watch_requests(fuse: Fuse) -> None:
    class Transport(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            what = f"{request.method} {request.url.path}"
            fuse.passed(f"send {what}")
            answer = await super().handle_async_request(request)
            fuse.passed(f"answered {what}")
            return answer

    class Pool(urllib3.HTTPConnectionPool):
        def urlopen(self, method: str, url: str, *args: Any, **given: Any) -> Any:
            fuse.passed(f"send {method} {url.split('?')[0]}")
            answer = super().urlopen(method, url, *args, **given)
            fuse.passed(f"answered {method} {url.split('?')[0]}")
            return answer

    httpx._client.AsyncHTTPTransport = Transport  # type: ignore[attr-defined]
    httpx.AsyncHTTPTransport = Transport  # type: ignore[misc]  # what webhooks leave by
    urllib3.poolmanager.pool_classes_by_scheme["http"] = Pool


def run(order: dict[str, Any], ledger: Path) -> int:
    """The order in a fork; gives its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            os.chdir(order["cwd"])
            sink = os.open(ledger.with_suffix(".out"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for stream in (1, 2):
                os.dup2(sink, stream)
            sys.argv = ["connector", *order["args"]]
            connector.settings.Held = Hurried  # type: ignore[misc]
            watch(Fuse(order["kill"], ledger), Path.cwd())
            connector.cli.main()
        except SystemExit as leave:
            sys.stdout.flush()
            os._exit(int(leave.code or 0))
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(70)  # nobody leaves a fork into the loop below
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    ledger = Path(sys.argv[1])
    for line in sys.stdin:
        code = run(json.loads(line), ledger)
        passed = ledger.read_text("utf-8").splitlines() if ledger.exists() else []
        said = ledger.with_suffix(".out").read_text("utf-8")
        print(json.dumps({"code": code, "passed": passed, "said": said}), flush=True)


if __name__ == "__main__":
    main()
