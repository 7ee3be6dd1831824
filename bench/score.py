"""How fast scores are made, side by side in one run: everybody in DuckDB and in SQLite, and the ticks.

    bench/score.py --contacts 1000000 --signals 20 --cache build/bench

makes (once, and keeps) a cache with so many contacts, each with so many signals of a year, under the default
rules, and a small one of 1,000 contacts to compare with. It prints a table; each figure is the median of
three unless it says otherwise.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

from sqlite_utils import Database

from connector.decide import fit, preview, scorer_of
from connector.model import DAY
from connector.rules import load
from connector.rules.tree import Rules
from connector.score import Scorer, Subject
from connector.score.everybody import MOST
from connector.store import bookmarks, decisions
from connector.store.schema import open_store, write

CHECKOUT = Path(__file__).parent.parent
NOW = 1_790_000_000_000
FIRST_ID, STEP = 40_000_000_000, 7
CHANGED = 1_000
KINDS = (
    *["email_open"] * 10,
    *["email_click"] * 3,
    *["pricing_visit"] * 3,
    "demo_download",
    "whitepaper_download",
    "newsletter_signup",
    "sales_touch",
)


def main() -> None:
    asked = _arguments()
    rules = load(CHECKOUT)
    if asked.part:
        _part(asked, rules)
        return
    asked.cache.mkdir(parents=True, exist_ok=True)
    large, small = (
        _made(asked.cache, asked.contacts, asked.signals, rules),
        _made(asked.cache, CHANGED, asked.signals, rules),
    )
    print(f"{asked.contacts:,} contacts, {asked.contacts * asked.signals:,} signals, default rules.")
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}.")
    everybody = {part: _measured(large, part) for part in ("duckdb", "sqlite")}
    (duck, memory), (lite, _) = everybody["duckdb"], everybody["sqlite"]
    _row("a pass over everybody, SQLite", f"{lite:.1f} s")
    _row("a pass over everybody, DuckDB", f"{duck:.1f} s", f"{lite / duck:.1f} times as fast")
    _row("  its memory at the most", f"{memory:,.0f} MB")
    stored, _ = _measured(large, "store")
    _row("  storing the results", f"{stored:.1f} s")
    _ticks(large, small, rules)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How fast scores are made.")
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--signals", type=int, default=20, help="of each contact")
    parser.add_argument("--cache", type=Path, default=CHECKOUT / "build" / "bench", help="kept here")
    parser.add_argument("--part", default="", help=argparse.SUPPRESS)
    parser.add_argument("--db", type=Path, default=None, help=argparse.SUPPRESS)
    return parser.parse_args()


def _row(what: str, value: str, note: str = "") -> None:
    print(f"{what:<44} {value:>12}  {note}".rstrip())


# -- the caches ----------------------------------------------------------------------------------------


def _made(folder: Path, contacts: int, signals: int, rules: Rules) -> Path:
    path = folder / f"scores-{contacts}-{signals}-{rules.hash}.db"
    if not path.exists():
        began = perf_counter()
        half = path.with_suffix(".half")
        half.unlink(missing_ok=True)
        _fill(open_store(half), contacts, signals, rules)
        half.rename(path)
        print(f"made {path.name} in {perf_counter() - began:.0f} s", file=sys.stderr)
    return path


def _fill(db: Database, contacts: int, signals: int, rules: Rules) -> None:
    """Everybody judged once: standing, score, nothing dirty, nothing due."""
    chance = random.Random(contacts)
    db.execute("PRAGMA synchronous = off")
    fit(db, rules)
    with write(db):
        companies = [(str(n), NOW, "{}", float(n % 3_000)) for n in range(contacts // 10)]
        sql = 'INSERT INTO company (id, seen_at, properties, "f_company_size") VALUES (?, ?, ?, ?)'
        db.conn.executemany(sql, companies)
        people = (
            'INSERT INTO contact (id, email, company_id, seen_at, properties, "f_job_title", "f_persona") '
        )
        db.conn.executemany(people + "VALUES (?, ?, ?, ?, ?, ?, ?)", _people(contacts))
        marks = ", ".join("?" * 9)
        db.conn.executemany(
            f"INSERT OR IGNORE INTO signal VALUES ({marks})", _signals(contacts, signals, chance)
        )
    _judge(db, rules)
    db.execute("PRAGMA wal_checkpoint(truncate)")
    db.execute("ANALYZE")
    db.close()


def _people(contacts: int) -> Iterator[tuple[str | int | None, ...]]:
    for n in range(contacts):
        company = str(n % max(1, contacts // 10)) if n % 3 else None
        title = "etudiant" if n % 20 == 0 else "directeur"
        persona = "decision_maker" if n % 5 == 0 else None
        yield _id(n), f"c{n}@example.fr", company, NOW, "{}", title, persona


def _signals(contacts: int, each: int, chance: random.Random) -> Iterator[tuple[str | int | None, ...]]:
    for n in range(contacts):
        for k in range(each):
            kind, at = KINDS[int(chance.random() * len(KINDS))], NOW - int(chance.random() * 365 * DAY)
            email = str(k % 9) if kind.startswith("email") else None
            yield _id(n), kind, at, f"{kind}:{n}-{k}", at // DAY, email, None, None, NOW


def _id(n: int) -> str:
    return str(FIRST_ID + n * STEP)


def _judge(db: Database, rules: Rules) -> None:
    scorer = scorer_of(rules)
    for part in _parts(decisions.everyone(db)):
        with write(db):
            for score in scorer.scores(db, [Subject(i, NOW) for i in part]):
                decisions.put_score(db, score, rules.hash, 0)
    with write(db):
        bookmarks.set_fact(db, "rules", rules.hash)
        bookmarks.set_fact(db, "applied_rules", [rules.hash])


def _parts(ids: list[str], size: int = 60_000) -> Iterator[list[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


# -- a pass over everybody, in a process of its own so that its memory is its own --------------------------


def _measured(db: Path, part: str) -> tuple[float, float]:
    """Seconds and megabytes."""
    command = [sys.executable, __file__, "--part", part, "--db", str(db)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(said[0]), float(said[1])


def _part(asked: argparse.Namespace, rules: Rules) -> None:
    db = open_store(asked.db)
    scorer, ids = scorer_of(rules), decisions.everyone(db)
    began = perf_counter()
    match asked.part:
        case "duckdb" | "sqlite":
            counted = sum(_passed(db, scorer, part, asked.part) for part in _parts(ids))
            assert counted == len(ids)
            seconds = perf_counter() - began
        case _:
            seconds = _stored(db, scorer, ids, rules)
    del scorer  # its process ends, and is counted
    print(seconds, _megabytes())


def _megabytes() -> float:
    """At the most: this process, and each of the engine's as large as the largest of them."""
    mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return (mine + largest * min(os.cpu_count() or 1, MOST)) / 1024


def _passed(db: Database, scorer: Scorer, ids: list[str], engine: str) -> int:
    subjects = [Subject(i, NOW) for i in ids]
    return sum(1 for _ in scorer.rows(db, subjects, engine))


def _stored(db: Database, scorer: Scorer, ids: list[str], rules: Rules) -> float:
    """Storing alone; taken back, so that the next run finds the cache as it was."""
    seconds = 0.0
    for part in _parts(ids):
        scores = scorer.scores(db, [Subject(i, NOW) for i in part])
        began = perf_counter()
        with write(db):
            for score in scores:
                decisions.put_score(db, score, rules.hash, 0)
        seconds += perf_counter() - began
    return seconds


# -- ticks -----------------------------------------------------------------------------------------------


def _ticks(large: Path, small: Path, rules: Rules) -> None:
    db, few = open_store(large), open_store(small)
    now = NOW + 1
    idle = _median(lambda: preview(db, rules, now))
    _row("a tick with nothing due", f"{idle * 1000:.0f} ms")
    ids = decisions.everyone(db)
    changed = random.Random(7).sample(ids, CHANGED)
    busy = _median(lambda: preview(db, rules, now, sorted(changed)))
    alone = _median(lambda: preview(few, rules, now, decisions.everyone(few)))
    _row(f"a tick with {CHANGED:,} changed contacts", f"{busy * 1000:.0f} ms", f"{busy / alone:.1f} times")
    _row(f"  {CHANGED:,} contacts in a cache of their own", f"{alone * 1000:.0f} ms")
    scorer = scorer_of(rules)
    one = _median(lambda: scorer.points(db, Subject(changed[0], NOW)))
    _row("the points of one contact", f"{one * 1000:.1f} ms")


def _median(work: Callable[[], object]) -> float:
    def once() -> float:
        began = perf_counter()
        work()
        return perf_counter() - began

    return median(once() for _ in range(3))


if __name__ == "__main__":
    main()
