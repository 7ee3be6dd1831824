"""Measures the pull against what the account's limits allow: time, requests, memory.

    .venv/bin/python bench/sync.py                # 20,000 contacts, and 100,000 for the memory
    .venv/bin/python bench/sync.py --memory 500000

The sandbox runs in a process of its own with the real limits on (190 requests in 10 s, 5 searches in a
second) and keeps every answer back for the latency; the connector is its command line in another process,
which takes the whole of the limit (CONNECTOR_RATE_SHARE=1). Each run begins with limits that nobody drew on.

The bound of a run is what its least number of requests takes at 19 in a second, or, where the list has one
cursor, its pages one after the other, each the time that the sandbox takes for one by itself (measured) and
the latency. How strangers' pullers fare on the same account: bench/peers.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from sandbox import NOW, UNLIMITED, Connection, Server, Trouble, serving

CHECKOUT = Path(__file__).parents[1]
RATE = 19.0  # requests in a second that the account allows
PAGE, WITH_HISTORY = 100, 50  # contacts on a page of the list
LINKS = 1_000  # contacts whose associations are one request
SEARCHED = 5 * 200  # contacts in a second that searches may find
LATENCIES = (0.08, 0.25)
WRITTEN = 10_000  # contacts of the write-back
LATER = "2026-11-21T02:00"  # nothing was changed in the very moment in which it is read
BURST = 190  # the limit in ten seconds
WORST_WRITING = 1.3  # times the bound, reading once more included
WORST, WASTE = 1.2, 1.05  # times the bound, times the least number of requests, that are still good
LIFECYCLE = "  # The CRM's own stage"
KINDS = {  # a part of the path: what it is for; the first that fits
    **{"/lists/": "lists", "/search": "searches", "/associations/": "associations"},
    **{"/batch/": "batch reads", "/objects/": "pages"},
    **{"/account-info": "the account", "/properties/": "the account", "/owners": "the account"},
    **{"/form": "forms", "/email/": "e-mail events", "/events/": "page views"},
}


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a verb: what it said, how long the whole process took, the most memory that it held."""

    summary: dict[str, Any]
    items: list[dict[str, Any]]
    seconds: float
    megabytes: float
    asked: Counter[str]

    @property
    def pulled(self) -> float:
        """Seconds without the start of the process."""
        return float(self.summary.get("seconds", self.seconds))


@dataclass(frozen=True, slots=True)
class Line:
    """One of the table: `bound` is None for what has none. `good` is whether it stays within the measure."""

    what: str
    figure: str
    good: bool = True


class Reader:
    """The connector in a folder of its own: the default rules, `plain` without the CRM's stage."""

    def __init__(self, folder: Path, server: Server, *, plain: bool, now: str = NOW) -> None:
        self.folder = folder
        self._server = server
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self._environment = {
            **kept,
            **{"PYTHONPATH": str(CHECKOUT), "PYTHONUTF8": "1", "CONNECTOR_RATE_SHARE": "1"},
            **{"HUBSPOT_BASE_URL": server.address, "HUBSPOT_ACCESS_TOKEN": server.token},
            **{"CONNECTOR_NOW": now, "CONNECTOR_BRAKE": "1"},
        }
        for name in ("mappings", "workflows"):
            shutil.copytree(CHECKOUT / name, folder / name, dirs_exist_ok=True)
        if plain:
            file = folder / "mappings" / "write_back.yaml"
            text = file.read_text("utf-8")
            file.write_text(text[: text.index(LIFECYCLE)], "utf-8")

    def __call__(self, *verbs: str) -> Run:
        told(self._server, "DELETE", "journal")
        began = time.monotonic()
        command = [sys.executable, "-m", "connector", *verbs, "--json"]
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as wrong:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self._environment, stdout=said, stderr=wrong
            )
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.monotonic() - began
            said.seek(0)
            wrong.seek(0)
            if process.returncode not in (0, 1):
                raise Trouble(f"connector {' '.join(verbs)}: {wrong.read()[-2_000:].decode()}")
            document = orjson.loads(said.read())
        asked = _asked(told(self._server, "GET", "journal"))
        return Run(document["summary"], document["items"], seconds, used.ru_maxrss / 1024, asked)


def told(server: Server, method: str, what: str, body: object = None) -> Any:
    """One word with the sandbox's own controls, over a connection that nothing has let go cold."""
    connection = Connection(server)
    answer = connection.ask(method, f"/__sandbox__/{what}", body)
    connection.close()
    return orjson.loads(answer) if answer else None


def _asked(entries: list[dict[str, Any]]) -> Counter[str]:
    """Requests by what they are for; refused ones apart."""
    found: Counter[str] = Counter()
    for entry in entries:
        found[_kind(entry["path"]) if entry["status"] != 429 else "refused"] += 1
    return found


def _kind(path: str) -> str:
    return next((kind for part, kind in KINDS.items() if part in path), "others")


def turned(server: Server, latency: float, **knobs: Any) -> None:
    told(server, "POST", "knobs", knobs)
    if latency:
        told(server, "POST", "faults", [{"path": "/", "delay": latency, "times": 1_000_000_000}])


def full(state: Path, folder: Path, contacts: int, latency: float, *, plain: bool, ids: bool) -> list[Line]:
    """A first load of all contacts."""
    with serving("--state", str(state)) as server:
        alone = page_alone(server)
        turned(server, latency, list_after_is_id=ids)
        run = Reader(folder, server, plain=plain)("backfill", "contacts")
    pages = ceil(contacts / (PAGE if plain else WITH_HISTORY))
    account = run.asked["the account"]
    # a page brings the associations of its rows; those of what searches found are asked for, 1,000 at once
    links = 0 if ids else ceil((contacts - run.asked["pages"] * PAGE) / LINKS)
    least = pages + account + links
    sent = sum(run.asked.values()) - run.asked["searches"]
    bound = pages / RATE if ids else bound_without_ids(pages, latency + alone)
    how = f"{latency * 1000:.0f} ms, {'ranges' if ids else 'one cursor'}{'' if plain else ', with histories'}"
    ratio, waste = run.pulled / bound, sent / least
    return [
        Line(
            f"{how}: seconds (bound {bound:.1f} s)",
            f"{run.pulled:.1f} s, {ratio:.2f} of it",
            ratio <= WORST,
        ),
        Line(f"{how}: the whole process", f"{run.seconds:.1f} s"),
        Line(
            f"{how}: requests (least: {pages} pages, {account} for the account, {links} of associations)",
            f"{sent} and {run.asked['searches']} searches, {waste:.2f} of it",
            waste <= WASTE,
        ),
        Line(f"{how}: refused by the limits", str(run.asked["refused"]), run.asked["refused"] == 0),
    ]


def page_alone(server: Server) -> float:
    """Seconds that the sandbox itself takes for a page of the list."""
    turned(server, 0, **UNLIMITED)
    connection, took = Connection(server), []
    for _ in range(9):
        began = time.monotonic()
        connection.ask("GET", f"/crm/v3/objects/contacts?limit={PAGE}&associations=companies")
        took.append(time.monotonic() - began)
    connection.close()
    turned(server, 0, burst_limit=BURST, search_limit=5, associations_limit=None, daily_limit=None)
    return median(took)


def bound_without_ids(pages: int, answer: float) -> float:
    """One cursor's pages, an answer after the other, and five searches in a second whose ids are read beside
    it."""
    contacts = pages * PAGE
    return max(contacts / (PAGE / answer + SEARCHED), pages / RATE)


def nothing_new(state: Path, folder: Path) -> list[Line]:
    """A sync of an account in which nothing happened since the last one."""
    with serving("--state", str(state)) as server:
        turned(server, 0, **UNLIMITED)
        reader = Reader(folder, server, plain=False, now=LATER)
        for verbs in (["provision", "--yes"], ["backfill"], ["sync", "--dry-run"]):
            reader(*verbs)
        run = reader("sync", "--dry-run")
    why = ", ".join(f"{number} {kind}" for kind, number in sorted(run.asked.items()))
    return [Line("a sync with nothing new: requests", f"{sum(run.asked.values())} ({why})")]


def write_back(state: Path, folder: Path, contacts: int, latency: float) -> list[Line]:
    """An accepted plan that changes everybody, a first run's: each is read once more before it is written."""
    with serving("--state", str(state)) as server:
        turned(server, 0, **UNLIMITED)
        reader = Reader(folder, server, plain=False)
        for verbs in (["backfill"], ["plan"]):
            reader(*verbs)
        turned(server, latency, burst_limit=BURST, search_limit=5)
        run = reader("apply", "--yes")
        (sent, *_) = reader("runs").items
    batches = 2 * ceil(contacts / PAGE)
    bound = batches / RATE
    besides = sum(run.asked.values()) - batches
    how = f"write-back of {run.summary['sent']:,} at {latency * 1000:.0f} ms"
    ratio = sent["seconds"] / bound
    return [
        Line(
            f"{how}: seconds (bound {bound:.1f} s)",
            f"{sent['seconds']:.1f} s, {ratio:.2f} of it; the whole process {run.seconds:.1f} s",
            ratio <= WORST_WRITING and run.summary["sent"] == contacts,
        ),
        Line(
            f"{how}: requests (least: {batches})",
            f"{batches} and {besides} besides",
            besides <= 0.1 * batches,
        ),
    ]


def memory(state: Path, folder: Path, contacts: int) -> tuple[float, list[Line]]:
    with serving("--state", str(state)) as server:
        turned(server, 0, **UNLIMITED)
        run = Reader(folder, server, plain=False)("backfill", "contacts")
    lines = [
        Line(f"{contacts:,} contacts: most memory", f"{run.megabytes:.0f} MB", run.megabytes < 150),
        Line(f"{contacts:,} contacts: seconds without limits", f"{run.pulled:.1f} s"),
    ]
    return run.megabytes, lines


def made(folder: Path, contacts: int) -> Path:
    state = folder / f"{contacts}.db"
    with serving("--contacts", str(contacts), "--state", str(state)) as server:
        turned(server, 0, **UNLIMITED)
        Reader(folder / f"maker-{contacts}", server, plain=False)("provision", "--yes")
        turned(server, 0, burst_limit=None, search_limit=None, associations_limit=None, daily_limit=None)
    return state


def measured(folder: Path, contacts: int, many: int) -> list[Line]:
    state, lines = made(folder, contacts), list[Line]()
    cases = [
        (plain, ids, latency)
        for plain, ids in ((True, True), (False, True), (True, False))
        for latency in LATENCIES
    ]
    for number, (plain, ids, latency) in enumerate(cases):
        fresh = folder / f"{number}.db"
        shutil.copy(state, fresh)
        lines += full(fresh, folder / str(number), contacts, latency, plain=plain, ids=ids)
        show(lines[-4:])
    fresh = folder / "quiet.db"
    shutil.copy(state, fresh)
    lines += show(nothing_new(fresh, folder / "quiet"))
    unwritten = made(folder, WRITTEN)
    for latency in LATENCIES:
        fresh = folder / f"written-{latency}.db"
        shutil.copy(unwritten, fresh)
        lines += show(write_back(fresh, folder / f"written-{latency}", WRITTEN, latency))
    few, some = memory(state, folder / "few", contacts)
    lines += show(some)
    if many:
        most, some = memory(made(folder, many), folder / "many", many)
        lines += show([*some, Line("growth of the memory", f"{most - few:+.0f} MB", most - few < 30)])
    return lines


def show(lines: Sequence[Line]) -> Sequence[Line]:
    for line in lines:
        print(f"{'' if line.good else 'TOO MUCH  '}{line.what}: {line.figure}", flush=True)
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--contacts", type=int, default=20_000)
    parser.add_argument(
        "--memory", type=int, default=100_000, help="how many contacts for the memory; 0: none"
    )
    given = parser.parse_args()
    machine = f"{platform.system()} {platform.machine()}"
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {machine}")
    print(f"{given.contacts:,} contacts\n")
    with tempfile.TemporaryDirectory() as folder:
        lines = measured(Path(folder), given.contacts, given.memory)
    return 0 if all(line.good for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
