"""Measures the sandbox: how long an account takes to make, what it holds, what serving it costs and gives.

    .venv/bin/python bench/sandbox.py --contacts 100000

Three processes: one makes the account into a file, one serves it, this one asks over four connections. The
account's limits are switched off by its own control route: they are HubSpot's, and not what is measured.
"""

from __future__ import annotations

import argparse
import http.client
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

NOW = "2026-11-21T00:00"
CONNECTIONS = 4
PROPERTIES = (
    "email", "firstname", "lastname", "jobtitle", "country", "city", "lifecyclestage", "hubspot_owner_id",
    "hs_analytics_source", "hs_lead_status",
)  # fmt: skip
UNLIMITED = {"burst_limit": 0, "search_limit": 0, "associations_limit": 0, "daily_limit": 0}
ENGAGEMENT = (
    "submissions", "email_events", "web_events", "memberships",
    "calls", "meetings", "notes", "tasks", "emails", "communications",
)  # fmt: skip
LIST, SEARCH, READ = (f"/crm/v3/objects/contacts{rest}" for rest in ("", "/search", "/batch/read"))
HOUR = 3_600_000


class Trouble(RuntimeError):
    """The sandbox did not start, or answered otherwise than a measurement needs; the text says how."""


@dataclass(frozen=True, slots=True)
class Line:
    """One of the table."""

    what: str
    figure: str


class Server:
    """`connector sandbox` in a process of its own, from its start to its end."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "connector", "sandbox", "--port", "0", "--now", NOW, *arguments]
        started = time.perf_counter()
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        told = [self._process.stdout.readline() for _ in range(3)]
        self.seconds = time.perf_counter() - started
        if "HUBSPOT_BASE_URL=" not in told[1]:
            raise Trouble(f"the sandbox did not start: {''.join(told).strip() or 'it said nothing'}")
        self.address = told[1].strip().partition("=")[2]
        self.token = told[2].strip().partition("=")[2]

    def megabytes(self, field: str) -> float:
        """VmHWM (the most that it ever held in memory) or VmRSS (what it holds now)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        [line] = [each for each in status.splitlines() if each.startswith(f"{field}:")]
        return int(line.split()[1]) / 1024

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate()


@contextmanager
def serving(*arguments: str) -> Iterator[Server]:
    server = Server(*arguments)
    try:
        yield server
    finally:
        server.stop()


class Connection:
    """One kept-alive connection. The standard library's client: little of the processor is taken by it."""

    def __init__(self, server: Server) -> None:
        where = urlsplit(server.address)
        self._http = http.client.HTTPConnection(where.hostname or "", where.port)
        self._headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: object = None) -> bytes:
        self._http.request(method, path, orjson.dumps(body) if body is not None else None, self._headers)
        answer = self._http.getresponse()
        raw = answer.read()
        if answer.status != 200:
            raise Trouble(f"{method} {path}: {answer.status} {raw[:300].decode()}")
        return raw

    def close(self) -> None:
        self._http.close()


Asking = Callable[[Connection, int], Callable[[], None]]  # (connection, its number) -> one request


def rate(server: Server, seconds: float, asking: Asking) -> float:
    """Requests a second over all connections."""
    done, troubles = [0] * CONNECTIONS, list[Exception]()
    ready = threading.Barrier(CONNECTIONS + 1)

    def work(number: int) -> None:
        connection = Connection(server)
        try:
            ask = asking(connection, number)
            ask()  # the connection is open, the first page is read
            ready.wait()
            until = time.perf_counter() + seconds
            while time.perf_counter() < until:
                ask()
                done[number] += 1
        except Exception as trouble:  # told by the thread that measures
            troubles.append(trouble)
            ready.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    try:
        ready.wait()
        started = time.perf_counter()
    finally:
        for thread in threads:
            thread.join()
        if troubles:
            raise troubles[0]
    return sum(done) / (time.perf_counter() - started)


def listing(cursors: list[str]) -> Asking:
    """Walks the list from a quarter of its own; 100 contacts and ten properties a page."""

    def asking(connection: Connection, number: int) -> Callable[[], None]:
        quarter = len(cursors) // CONNECTIONS
        mine = cursors[number * quarter : (number + 1) * quarter] or cursors
        places = count()

        def ask() -> None:
            query = {
                "limit": 100,
                "properties": ",".join(PROPERTIES),
                "after": mine[next(places) % len(mine)],
            }
            connection.ask("GET", f"{LIST}?{urlencode(query)}")

        return ask

    return asking


def searching(end: int) -> Asking:
    """What changed in six hours, 200 ids a page: the question of an incremental read."""

    def asking(connection: Connection, number: int) -> Callable[[], None]:
        places = count(number, CONNECTIONS)

        def ask() -> None:
            high = end - next(places) % 1000 * 6 * HOUR
            changed = {"propertyName": "lastmodifieddate", "operator": "BETWEEN"}
            filters = [{**changed, "value": str(high - 6 * HOUR), "highValue": str(high)}]
            sorts = [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}]
            groups = [{"filters": filters}]
            wanted = {"filterGroups": groups, "sorts": sorts, "properties": ["hs_object_id"], "limit": 200}
            connection.ask("POST", SEARCH, wanted)

        return ask

    return asking


def finding(emails: list[str]) -> Asking:
    """One contact by its address."""

    def asking(connection: Connection, number: int) -> Callable[[], None]:
        places = count(number, CONNECTIONS)

        def ask() -> None:
            value = emails[next(places) * 37 % len(emails)]
            filters = [{"propertyName": "email", "operator": "EQ", "value": value}]
            connection.ask("POST", SEARCH, {"filterGroups": [{"filters": filters}], "limit": 1})

        return ask

    return asking


def reading(ids: list[str]) -> Asking:
    """100 contacts by id, ten properties."""

    def asking(connection: Connection, number: int) -> Callable[[], None]:
        places = count(number, CONNECTIONS)

        def ask() -> None:
            start = next(places) * 100 % max(1, len(ids) - 100)
            inputs = [{"id": id} for id in ids[start : start + 100]]
            connection.ask("POST", READ, {"inputs": inputs, "properties": list(PROPERTIES)})

        return ask

    return asking


def walk(connection: Connection) -> tuple[list[str], list[str], list[str]]:
    """The cursors, ids and addresses of the whole list."""
    cursors, ids, emails = ["0"], list[str](), list[str]()
    while True:
        query = {"limit": 100, "properties": "email", "after": cursors[-1]}
        page: dict[str, Any] = orjson.loads(connection.ask("GET", f"{LIST}?{urlencode(query)}"))
        ids += [one["id"] for one in page["results"]]
        emails += [one["properties"]["email"] for one in page["results"] if one["properties"]["email"]]
        if "paging" not in page:
            return cursors, ids, emails
        cursors.append(page["paging"]["next"]["after"])


def made(folder: Path, contacts: int) -> tuple[Path, list[Line]]:
    """Makes the account in a file."""
    state = folder / "portal.db"
    with serving("--contacts", str(contacts), "--state", str(state)) as server:
        seconds, memory = server.seconds, server.megabytes("VmHWM")
    lines = [
        Line("seeded, made and loaded, with the start of the process", f"{seconds:.1f} s"),
        Line("processor time of that process, all in all", f"{sum(os.times()[2:4]):.1f} s"),
        Line("most memory while seeding", f"{memory:.0f} MB"),
        Line("size of the file", f"{state.stat().st_size / 1_000_000:.0f} MB"),
    ]
    return state, lines


def served(state: Path, seconds: float) -> list[Line]:
    """Serves that file and asks it."""
    with serving("--state", str(state)) as server:
        connection = Connection(server)
        connection.ask("POST", "/__sandbox__/knobs", UNLIMITED)
        told: dict[str, Any] = orjson.loads(connection.ask("GET", "/__sandbox__/state"))
        cursors, ids, emails = walk(connection)
        connection.close()
        asked = {
            "list pages (100 contacts, 10 properties)": listing(cursors),
            "batch reads (100 contacts, 10 properties)": reading(ids),
            "searches (changed in 6 hours, 200 ids)": searching(int(told["now"])),
            "searches (one address)": finding(emails),
        }
        rates = [Line(what, f"{rate(server, seconds, ask):.0f} a second") for what, ask in asked.items()]
        memory = [
            Line("most memory while serving (VmHWM)", f"{server.megabytes('VmHWM'):.0f} MB"),
            Line("memory at the end (VmRSS)", f"{server.megabytes('VmRSS'):.0f} MB"),
        ]
    counts: dict[str, int] = told["counts"]
    held = [Line(name, f"{counts[name]:,}") for name in counts if counts[name]]
    total = sum(counts.get(name, 0) for name in ENGAGEMENT)
    return [*held, Line("engagement, all kinds", f"{total:,}"), *rates, *memory]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each rate is measured")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        state, lines = made(Path(folder), given.contacts)
        lines += served(state, given.seconds)
    machine = f"{platform.system()} {platform.machine()}"
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {machine}")
    print(f"{CONNECTIONS} connections, the account's limits switched off (they are not what is measured)\n")
    wide = max(len(line.what) for line in lines)
    for line in lines:
        print(f"{line.what:<{wide}}  {line.figure:>14}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
