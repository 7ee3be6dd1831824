"""Runs the command line and kills it, as kill -9 does, at one boundary of its run.

    python crash_driver.py < orders > answers

An order is a line of JSON: {"cwd": folder, "args": [...], "kill": n or null}. A boundary is a commit about
to happen or just done, a request about to leave or its answer just arrived; they are counted from 1. The
answer is a line of JSON with the exit code (-9: killed) and the names of the boundaries that were passed.
The product is imported once; every order runs in a fork of its own. Nothing of the product is changed: its
connections to SQLite and to the CRM are watched from outside.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

import httpx
import urllib3

import connector.cli
import connector.cli.account
import connector.cli.plan
import connector.cli.pull
import connector.cli.sync
import connector.hubspot.account
import connector.sync  # all of it before the first fork


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


def watch(fuse: Fuse) -> None:
    _watch_commits(fuse)
    _watch_requests(fuse)


def _watch_commits(fuse: Fuse) -> None:
    class Watched(sqlite3.Connection):
        def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
            ends = sql.strip().upper() == "COMMIT"
            if ends:
                fuse.passed("commit")
            done = super().execute(sql, *given)
            if ends:
                fuse.passed("committed")
            return done

    connect = sqlite3.connect
    sqlite3.connect = lambda *args, **given: connect(*args, factory=Watched, **given)  # type: ignore[assignment]


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
            watch(Fuse(order["kill"], ledger))
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
