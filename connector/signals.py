"""Engagement -> signals: what the mapping says that the CRM's events mean."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from zoneinfo import ZoneInfo

import orjson
from sqlite_utils import Database

from connector.errors import Locked
from connector.model import fold
from connector.rules.compile import kind_select
from connector.rules.tree import MappingRules
from connector.store import bookmarks, decisions, engagement
from connector.store.records import local_day
from connector.store.schema import write

CHUNK = 5_000  # events at a time

# events that nobody has judged yet; the compiled select reads `engagement`, which here is just these
_BATCH = (
    "CREATE TEMP TABLE IF NOT EXISTS batch (id TEXT, party TEXT, contact_id TEXT, at INTEGER, ingested_at INTEGER, "
    "PRIMARY KEY (id, party))"
)


def derive(
    db: Database, mapping: MappingRules, *, chunk: int = CHUNK, tick: Callable[[int], None] = lambda _: None
) -> int:
    """Makes the signals of every event not judged yet; gives how many events were judged. Where the mapping
    gives events another meaning than before, all are judged anew, without a pull.

    :raises Locked: another process judges by another mapping at this moment
    """
    select, zone = kind_select(mapping), ZoneInfo(mapping.timezone)
    meaning = _meaning(mapping, select)
    if bookmarks.fact(db, "signals") != meaning:
        with write(db):
            engagement.judge_again(db)
            decisions.mark_everyone(db)
            bookmarks.set_fact(db, "signals", meaning)
    db.conn.create_function("local_day", 1, lambda at: local_day(at, zone), deterministic=True)
    db.execute(_BATCH)
    done = 0
    while count := _one_batch(db, select, meaning, chunk):
        tick(count)
        done += count
    return done


def derived(db: Database, mapping: MappingRules) -> bool:
    """Whether the signals are those that this mapping makes of every event."""
    meaning = _meaning(mapping, kind_select(mapping))
    return bookmarks.fact(db, "signals") == meaning and engagement.unjudged(db) == 0


def _meaning(mapping: MappingRules, select: str) -> str:
    return hashlib.sha256(f"{mapping.timezone}\n{select}".encode()).hexdigest()


def _one_batch(db: Database, select: str, meaning: str, chunk: int) -> int:
    with write(db):
        if bookmarks.fact(db, "signals") != meaning:
            raise Locked(
                "Another process makes signals by another mapping at this moment.", "Run this again."
            )
        db.execute("DELETE FROM temp.batch")
        db.execute(
            "INSERT INTO temp.batch SELECT id, party, contact_id, at, ingested_at FROM main.engagement "
            "WHERE judged = 0 AND contact_id IS NOT NULL LIMIT ?",
            [chunk],
        )
        count = int(db.execute("SELECT count(*) FROM temp.batch").fetchone()[0])
        if count:
            _replace_signals(db, select)
        return count


def _replace_signals(db: Database, select: str) -> None:
    """Contacts that lose or gain a signal are to be scored again."""
    gone = db.execute(
        "DELETE FROM signal WHERE (contact_id, kind, at, id) IN (SELECT s.contact_id, s.kind, s.at, s.id "
        "FROM temp.batch b CROSS JOIN signal s ON s.contact_id = b.contact_id AND s.id = b.id) RETURNING contact_id"
    ).fetchall()
    made = db.execute(
        "INSERT OR REPLACE INTO signal (contact_id, kind, at, id, day, email, form, rejected, ingested_at) "
        # CROSS JOIN: from the few events of the batch to their rows, never through all of engagement
        "WITH engagement AS (SELECT e.* FROM temp.batch b CROSS JOIN main.engagement e ON e.id = b.id AND e.party = b.party) "
        "SELECT k.contact_id, k.kind, k.at, k.id, local_day(k.at), k.email, k.form, k.rejected, b.ingested_at "
        f"FROM ({select}) AS k JOIN temp.batch b ON b.id = k.id AND b.party = k.party RETURNING contact_id"
    ).fetchall()
    db.execute(
        "UPDATE main.engagement SET judged = 1 WHERE (id, party) IN (SELECT id, party FROM temp.batch)"
    )
    decisions.mark_dirty(db, {row[0] for row in gone + made})


def list_filter(mapping: MappingRules) -> Callable[[str], bool]:
    """Whether the mapping makes a signal of joining a list of this name; asked of the compiled rules."""
    select = kind_select(mapping)

    def wanted(name: str) -> bool:
        with closing(Database(memory=True)) as memory:
            memory.execute(
                "CREATE TABLE engagement (id, party, source, event, at, ingested_at, contact_id, address, attrs, label)"
            )
            attrs = orjson.dumps({"list": fold(name)}).decode()
            memory.execute(
                "INSERT INTO engagement VALUES ('1', '1', 'lists', 'list_membership', 0, 0, '1', NULL, ?, '')",
                [attrs],
            )
            return memory.execute(f"SELECT 1 FROM ({select})").fetchone() is not None

    return wanted
