"""A pass over very many contacts goes through DuckDB and gives what SQLite gives, to the last digit."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from command_line import Folder
from sqlite_utils import Database

from connector import rules as loading
from connector.decide import PASS, fit
from connector.model import DAY, Link, Record
from connector.rules.tree import Rules
from connector.score import Scorer, Subject
from connector.score.everybody import MANY
from connector.store import decisions, records
from connector.store.schema import open_store, write

CHECKOUT = Path(__file__).parent.parent
NOW = 1_790_000_000_000
KINDS = ("email_open", "email_click", "pricing_visit", "demo_download", "newsletter_signup")
TITLES = ("Étudiante", "o'Hara; DROP", "CTO", None, "☕ chef")


@pytest.fixture(scope="module")
def rules() -> Rules:
    return loading.load(CHECKOUT)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, rules: Rules) -> Iterator[Database]:
    """More contacts than the pass needs, with companies, deals and signals by chance."""
    db = open_store(tmp_path_factory.mktemp("everybody") / "o'connor é.db")
    fit(db, rules)
    chance = random.Random(5)
    ids = [str(10_000 + n * 3) for n in range(MANY + 200)]
    with write(db):
        records.put(db, "contacts", [_contact(i, chance) for i in ids], rules.mapping, NOW)
        sizes = [_record(f"co{n}", {"numberofemployees": str(n * 7)}) for n in range(300)]
        records.put(db, "companies", sizes, rules.mapping, NOW)
        links = {i: [Link(f"co{chance.randrange(300)}", True)] for i in ids if chance.random() < 0.7}
        records.put_companies(db, links)
        deals = [
            _record(f"d{n}", {"amount": "1e3", "hs_deal_stage_probability": str(n % 3 / 2)})
            for n in range(100)
        ]
        records.put(db, "deals", deals, rules.mapping, NOW)
        records.put_deal_contacts(db, {f"d{n}": [Link(ids[n], True)] for n in range(100)})
        db.conn.executemany(
            "INSERT OR IGNORE INTO signal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", _signals(ids, chance)
        )
    yield db
    db.close()


def _record(id: str, properties: dict[str, str | None]) -> Record:
    return Record(id=id, properties=properties, created_at=NOW - 400 * DAY, modified_at=NOW - DAY)


def _contact(id: str, chance: random.Random) -> Record:
    timing = "2026-12-01" if chance.random() < 0.2 else None
    return _record(id, {"jobtitle": chance.choice(TITLES), "bant_timing": timing})


def _signals(ids: list[str], chance: random.Random) -> Iterator[tuple[str | int | None, ...]]:
    for n in range(20_000):
        at = NOW - int(chance.triangular(-5, 120, 1) * DAY)
        email = str(chance.randrange(5)) if chance.random() < 0.8 else None
        bot = "burst" if chance.random() < 0.05 else None
        yield chance.choice(ids), chance.choice(KINDS), at, f"s{n}", at // DAY, email, None, bot, NOW


def _subjects(db: Database) -> list[Subject]:
    epoch = NOW - 20 * DAY
    return [Subject(i, NOW, epoch if n % 5 == 0 else None) for n, i in enumerate(decisions.everyone(db))]


def test_both_engines_give_the_same(cache: Database, rules: Rules) -> None:
    subjects = _subjects(cache)
    through = Scorer(rules)
    scores = through.scores(cache, subjects)
    assert (through.why_not, through.used) == ("", {"duckdb"})
    assert scores == [through._score(row) for row in _sorted(through.rows(cache, subjects, "sqlite"))]
    assert len({score.points for score in scores}) > 20 and any(score.next_change_at for score in scores)


def _sorted(rows: Iterator[dict[str, object]]) -> list[dict[str, object]]:
    return sorted(rows, key=lambda row: str(row["contact_id"]))


def test_a_pass_leaves_the_locks_of_this_process_alone(cache: Database, rules: Rules) -> None:
    """Another copy of SQLite that closes the file in this process would free them."""
    path = cache.execute("SELECT file FROM pragma_database_list").fetchone()[0]
    begin = f"import sqlite3; sqlite3.connect({path!r}, timeout=0).execute('BEGIN IMMEDIATE')"
    with write(cache):
        cache.execute("UPDATE contact SET seen_at = seen_at")
        Scorer(rules).scores(cache, _subjects(cache))
        other = subprocess.run([sys.executable, "-c", begin], capture_output=True, text=True, check=False)
    assert "database is locked" in other.stderr


def test_a_contact_that_is_gone_is_absent(cache: Database, rules: Rules) -> None:
    subjects = [*_subjects(cache), Subject("99999", NOW)]
    assert len(Scorer(rules).scores(cache, subjects)) == len(subjects) - 1


def test_where_its_process_dies_sqlite_does_everything(cache: Database, rules: Rules) -> None:
    scorer, subjects = Scorer(rules), _subjects(cache)
    first = scorer.scores(cache, subjects)
    worker = scorer._everybody._workers[0]
    os.kill(worker._process.pid, signal.SIGKILL)
    worker._process.wait()
    assert scorer.scores(cache, subjects) == first
    assert (scorer.why_not, scorer.used) == ("its process has ended", {"duckdb", "sqlite"})


def test_what_it_prints_does_not_come_between_its_answers(
    cache: Database, rules: Rules, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "adbc_driver_sqlite.py").write_text(
        "import sys\nsys.path.remove(__file__.rpartition('/')[0])\ndel sys.modules[__name__]\n"
        "from adbc_driver_sqlite import *\nimport adbc_driver_sqlite\n"
        "print('60% of a query', flush=True)\nsys.modules[__name__] = adbc_driver_sqlite\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    scorer, subjects = Scorer(rules), _subjects(cache)
    assert scorer.scores(cache, subjects) == Scorer(rules).scores(cache, subjects)
    assert scorer.why_not == ""


def test_where_it_cannot_be_loaded_sqlite_does_everything(
    cache: Database, rules: Rules, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "duckdb.py").write_text("raise ImportError('no wheel for this machine')")
    monkeypatch.syspath_prepend(tmp_path)
    scorer, subjects = Scorer(rules), _subjects(cache)
    assert scorer.scores(cache, subjects) == Scorer(rules).scores(cache, subjects)
    assert scorer.why_not == "ImportError: no wheel for this machine"


def test_a_few_and_those_far_apart_stay_with_sqlite(cache: Database, rules: Rules) -> None:
    scorer, subjects = Scorer(rules), _subjects(cache)
    scorer.scores(cache, subjects[:50])
    scorer.scores(cache, [Subject(s.contact_id, NOW + n % 2) for n, s in enumerate(subjects)])
    assert (scorer._everybody._workers, scorer.used) == ([], {"sqlite"})


def test_the_command_line_says_that_it_took_longer(
    tmp_path: Path, rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path, {"HUBSPOT_ACCESS_TOKEN": "pat-none"})
    folder.rules()
    folder.write_env()
    with closing(open_store(tmp_path / "connector.db")) as db:
        fit(db, rules)
        with write(db):
            many = [_record(str(n), {}) for n in range(PASS)]
            records.put(db, "contacts", many, rules.mapping, NOW)
            decisions.mark_everyone(db)
    assert "DuckDB" not in folder("plan").stdout
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "duckdb.py").write_text("raise ImportError('no wheel here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    ran = folder("plan")
    said = (
        "Note: DuckDB could not score here (ImportError: no wheel here): SQLite did it, several times slower."
    )
    assert ran.code == 0 and ran.stdout.count(said) == 1
    assert "DuckDB cannot be loaded here (ImportError: no wheel here)" in folder("doctor").stdout
