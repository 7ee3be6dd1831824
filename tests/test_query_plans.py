"""No query of a tick reads through all contacts, events, signals or scores: its cost follows the changes.

Every statement of a run on a real cache is recorded, then SQLite is asked how it goes about it. The bytecode
is read beside the plan, which calls tables by their aliases.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from accounts import DAY, NOW, House, contact, form, house, submission
from sqlite_utils import Database

from connector import signals
from connector.decide import accept, preview
from connector.explain import explain
from connector.model import Engagement, Link
from connector.sandbox.rows import EmailEvent
from connector.score import Scorer, Subject
from connector.store import decisions, engagement, records
from connector.store.schema import write

LARGE = ("contact", "engagement", "signal", "score", "standing", "transition", "plan_item")
FEW_ROWS = {"engagement_unjudged"}  # an index on the few rows that wait: to go through it is the point
WHOLE = {"Rewind", "Last", "Count"}  # from one end of a table, or all of it
COUNTED = "SELECT count(*) FROM contact"  # a plan says of how many contacts it speaks
SIZE = "          - id: target_size\n"
LIVELY = "          - {id: lively, when: {account_engagement: {at_least: 40}}, points: 3}\n"
ADDED_UP = "accounts: {engagement: {top: 3, cap: 150}}\n"
WITH_ACCOUNTS = {
    "workflows/qualification.yaml": [(SIZE, LIVELY + SIZE), ("total: {of:", ADDED_UP + "total: {of:")]
}


@contextmanager
def recorded(db: Database) -> Iterator[list[str]]:
    """The statements that run meanwhile, with their values, each once."""
    found: dict[str, None] = {}
    db.conn.set_trace_callback(lambda statement: found.setdefault(statement))
    said: list[str] = []
    try:
        yield said
    finally:
        db.conn.set_trace_callback(None)
        said += found


def explainable(statement: str) -> str | None:
    """What SQLite can be asked about; of a table that is made of a query, the query."""
    head = statement.split(None, 1)[0].upper() if statement.strip() else ""
    if head == "CREATE" and " AS " in statement:
        made = statement.partition(" AS ")[2]
        return made if made.lstrip().upper().startswith(("SELECT", "WITH")) else None
    return statement if head in ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "REPLACE") else None


def scans(db: Database, statement: str) -> set[str]:
    """The large tables that a statement reads from end to end, or the index by which it does."""
    pages = {
        row[0]: (row[1], row[2])
        for row in db.conn.execute("SELECT rootpage, name, tbl_name FROM sqlite_master WHERE rootpage > 0")
    }
    cursors: dict[int, tuple[str, str]] = {}
    found = set()
    for _, opcode, p1, p2, p3, *_ in db.conn.execute("EXPLAIN " + statement):
        if opcode in ("OpenRead", "OpenWrite") and p3 == 0:  # of the file, not of the temporary tables
            cursors[p1] = pages.get(p2, ("", ""))
        elif opcode in WHOLE:
            name, table = cursors.get(p1, ("", ""))
            if table in LARGE and name not in FEW_ROWS:
                found.add(name)
    return found


def check(db: Database, statements: list[str]) -> None:
    found = []
    for statement in filter(None, map(explainable, statements)):
        plan = [row[3] for row in db.conn.execute("EXPLAIN QUERY PLAN " + statement)]
        through = scans(db, statement) if any(step.startswith("SCAN") for step in plan) else set()
        if through and statement != COUNTED:
            found.append("\n    ".join([f"{sorted(through)}: {statement[:400]}", *plan[:12]]))
    assert not found, "\n".join(found)


def rows() -> list[object]:
    people = [contact(100 + n, hs_persona="decision_maker") for n in range(6)]
    forms = [form("demo-download"), submission("demo-download", "c101@acme.fr", DAY)]
    opens = [EmailEvent(str(n), "OPEN", NOW - n * DAY, f"c10{n}@acme.fr", 7, "Lettre") for n in range(1, 4)]
    return [*people, *forms, *opens]


def colleagues(here: House) -> None:
    """Three of them, and nobody is left to be judged."""
    with write(here.db):
        links = {who: [Link("71")] for who in ("100", "101", "102")}
        decisions.mark_dirty(here.db, records.put_companies(here.db, links))
    here.accept(here.plan())


@pytest.mark.parametrize("edits", [None, WITH_ACCOUNTS], ids=["plain", "accounts"])
async def test_no_step_of_a_tick_reads_through_a_large_table(tmp_path: Path, edits: dict | None) -> None:
    async with house(tmp_path, rows(), edits=edits) as here:
        await here.sync()
        colleagues(here)
        event = Engagement("s", "new", "form_submission", NOW, "101", None, {"form": "demo-download"})
        with write(here.db):
            engagement.put(here.db, [event], NOW)
        now = NOW + 60_000
        with recorded(here.db) as statements:
            signals.derive(here.db, here.rules.mapping)
            judged = decisions.to_judge(here.db, now)
            plan = preview(here.db, here.rules, now)
            accept(here.db, plan, now)
        assert judged == (["100", "101", "102"] if edits else ["101"])
        assert len(statements) > 20
        check(here.db, statements)


@pytest.mark.parametrize("edits", [None, WITH_ACCOUNTS], ids=["plain", "accounts"])
async def test_no_score_of_a_few_reads_through_a_large_table(tmp_path: Path, edits: dict | None) -> None:
    async with house(tmp_path, rows(), edits=edits) as here:
        await here.sync()
        colleagues(here)
        scorer = Scorer(here.rules)
        with recorded(here.db) as statements:
            assert len(scorer.scores(here.db, [Subject(f"10{n}", NOW + n) for n in range(3)])) == 3
            assert scorer.points(here.db, Subject("101", NOW))
            explain(here.db, here.rules, "101", NOW)
        check(here.db, statements)


async def test_no_sync_reads_through_a_large_table(tmp_path: Path) -> None:
    async with house(tmp_path, rows()) as here:
        await here.sync()
        here.portal.edit(101, {"jobtitle": "Étudiante"})
        here.seconds(60)
        with recorded(here.db) as statements:
            await here.sync()
        check(here.db, statements)


def test_a_scan_is_seen() -> None:
    """The test of the test."""
    db = Database(memory=True)
    db.execute("CREATE TABLE signal (contact_id, kind)")
    db.execute("CREATE INDEX by_kind ON signal (kind)")
    assert scans(db, "SELECT * FROM signal AS s WHERE s.contact_id = 1") == {"signal"}
    assert scans(db, "SELECT count(*) FROM signal") != set()
    assert scans(db, "SELECT kind FROM signal ORDER BY kind") == {"by_kind"}
    assert scans(db, "SELECT * FROM signal WHERE kind = 1") == set()
    assert explainable("CREATE TEMP TABLE x AS SELECT 1") == "SELECT 1"
    db.close()
