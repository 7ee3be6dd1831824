"""Engagement -> signals: what the mapping says that the CRM's events mean."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlite_utils import Database

from connector.errors import Locked
from connector.model import MINUTE, Document, fold, iso
from connector.rules.compile import kind_select
from connector.rules.tree import READING, REASONS, Bots, MappingRules, SignalKind, WriteBack
from connector.store import bookmarks, decisions, engagement
from connector.store.records import local_day
from connector.store.schema import write

CHUNK = 5_000  # events at a time
PASS = 20_000  # events that are compared at a time
MOST_DIFFERENCES = 1_000
AHEAD = 5 * MINUTE  # clocks differ; what is dated later than this is worth a look

# events that nobody has judged yet; the compiled select reads `engagement`, which here is just these
_BATCH = (
    "CREATE TEMP TABLE IF NOT EXISTS batch (id TEXT, party TEXT, contact_id TEXT, ingested_at INTEGER, event TEXT, "
    "PRIMARY KEY (id, party)) WITHOUT ROWID"
)
# contacts of whom it opened or clicked e-mails: a robot is told by what else it did
_READER = "CREATE TEMP TABLE IF NOT EXISTS reader (contact_id TEXT PRIMARY KEY) WITHOUT ROWID"
_READ = "event IN ({})".format(", ".join(f"'{name}'" for name in READING))
# CROSS JOIN, INDEXED BY: from the few contacts to their events, never through all of engagement
_EVENTS_OF_READERS = (
    "temp.reader r CROSS JOIN main.engagement e INDEXED BY engagement_contact "
    f"ON e.contact_id = r.contact_id AND e.{_READ}"
)


@dataclass(frozen=True, slots=True)
class _Selects:
    """How signals are made: each event by itself, and (only where some rule asks for it) by its neighbours."""

    alone: str
    whole: str
    meaning: str

    @property
    def neighbours(self) -> bool:
        return self.alone != self.whole


def _selects(mapping: MappingRules) -> _Selects:
    return _compiled(mapping.timezone, tuple(mapping.signals.values()), mapping.bots)


@lru_cache(maxsize=8)
def _compiled(timezone: str, kinds: tuple[SignalKind, ...], bots: Bots) -> _Selects:
    """Asked several times in a tick, and dearer than one that finds nothing to do."""
    signals = {kind.name: kind for kind in kinds}
    mapping = MappingRules(timezone, "", {}, {}, signals, WriteBack({}, None, {}), bots=bots)
    whole = kind_select(mapping)
    meaning = hashlib.sha256(f"{timezone}\n{whole}".encode()).hexdigest()
    return _Selects(kind_select(mapping, neighbours=False), whole, meaning)


def derive(
    db: Database, mapping: MappingRules, *, chunk: int = CHUNK, tick: Callable[[int], None] = lambda _: None
) -> int:
    """Makes the signals of every event not judged yet; gives how many events were judged. Where the mapping
    gives events another meaning than before, all are judged anew, without a pull.

    :raises Locked: another process judges by another mapping at this moment
    """
    selects = _selects(mapping)
    if bookmarks.fact(db, "signals") != selects.meaning:
        with write(db):
            engagement.judge_again(db)
            decisions.mark_everyone(db)
            bookmarks.set_fact(db, "signals", selects.meaning)
    _prepare(db, mapping)
    done = 0
    while count := _one_batch(db, selects, chunk):
        tick(count)
        done += count
    return done


def derived(db: Database, mapping: MappingRules) -> bool:
    """Whether the signals are those that this mapping makes of every event."""
    return bookmarks.fact(db, "signals") == _selects(mapping).meaning and engagement.unjudged(db) == 0


def _prepare(db: Database, mapping: MappingRules) -> None:
    zone = ZoneInfo(mapping.timezone)
    db.conn.create_function("local_day", 1, lambda at: local_day(at, zone), deterministic=True)
    db.execute(_BATCH)
    db.execute(_READER)


def _one_batch(db: Database, selects: _Selects, chunk: int) -> int:
    with write(db):
        if bookmarks.fact(db, "signals") != selects.meaning:
            raise Locked(
                "Another process makes signals by another mapping at this moment.", "Run this again."
            )
        db.execute("DELETE FROM temp.batch")
        db.execute(
            "INSERT INTO temp.batch SELECT id, party, contact_id, ingested_at, event FROM main.engagement "
            "WHERE judged = 0 AND contact_id IS NOT NULL LIMIT ?",
            [chunk],
        )
        readers = _find_readers(db) if selects.neighbours else 0
        count = int(db.execute("SELECT count(*) FROM temp.batch").fetchone()[0])
        if count:
            touched = _replace_signals(db, selects.alone)
            touched |= _judge_readers(db, selects.whole) if readers else set()
            decisions.mark_dirty(db, touched)
        return count


def _find_readers(db: Database) -> int:
    """Contacts who opened or clicked in this batch. What else they read and nobody has judged comes along:
    a person is looked at once, not once in every batch that holds an event of theirs."""
    db.execute("DELETE FROM temp.reader")
    db.execute(f"INSERT INTO temp.reader SELECT DISTINCT contact_id FROM temp.batch WHERE {_READ}")
    found = int(db.execute("SELECT count(*) FROM temp.reader").fetchone()[0])
    if found:
        db.execute(
            "INSERT OR IGNORE INTO temp.batch SELECT e.id, e.party, e.contact_id, e.ingested_at, e.event "
            f"FROM {_EVENTS_OF_READERS} WHERE e.judged = 0"
        )
    return found


def _replace_signals(db: Database, select: str) -> set[str]:
    """Gives the contacts that lose or gain a signal: they are to be scored again."""
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
    return {row[0] for row in gone + made}


def _judge_readers(db: Database, select: str) -> set[str]:
    """Rejects what robots made, among the signals of the readers made now and before; gives the contacts of
    whom this changed anything."""
    changed = db.execute(
        f"WITH engagement AS (SELECT e.* FROM {_EVENTS_OF_READERS}), k AS MATERIALIZED ({select}) "
        "SELECT k.rejected, s.contact_id, s.kind, s.at, s.id FROM k CROSS JOIN main.signal s "
        "ON s.contact_id = k.contact_id AND s.kind = k.kind AND s.at = k.at AND s.id = k.id "
        "WHERE s.rejected IS NOT k.rejected"
    ).fetchall()
    db.conn.executemany(
        "UPDATE signal SET rejected = ? WHERE contact_id = ? AND kind = ? AND at = ? AND id = ?", changed
    )
    return {row[1] for row in changed}


def list_filter(mapping: MappingRules) -> Callable[[str], bool]:
    """Whether the mapping makes a signal of joining a list of this name; asked of the compiled rules."""
    select = _selects(mapping).alone

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


# -- looking back ---------------------------------------------------------------------------------------

_COLUMNS = ("day", "email", "form", "rejected", "ingested_at")  # of a signal, besides its key


def differences(db: Database, mapping: MappingRules) -> tuple[int, list[Document]]:
    """Every signal made anew of the kept events and held against those that are stored: how many there should
    be, and what is not so: {contact, kind: "signal", what, stored, recomputed}, at most MOST_DIFFERENCES.

    `what`: "missing", "extra", or "different". Nothing is written.
    """
    _prepare(db, mapping)
    sql = _compared(_selects(mapping).whole)
    made, found = 0, list[Document]()
    for after, last in _ranges(db):
        room = MOST_DIFFERENCES - len(found)
        rows = db.execute(sql, {"after": after, "last": last, "room": room}).fetchall()
        made += rows[0][1]
        found += [_difference(row) for row in rows[1:]]
    return made, found


def _ranges(db: Database) -> Iterator[tuple[str, str | bytes]]:
    """(after, up to and with) the ids of contacts, each with some PASS events. The last ends with bytes: SQLite
    sorts them after every text."""
    after = ""
    step = "SELECT contact_id FROM engagement WHERE contact_id > ? ORDER BY contact_id LIMIT 1 OFFSET ?"
    while (found := db.execute(step, [after, PASS]).fetchone()) is not None:
        yield after, found[0]
        after = found[0]
    yield after, b""


def _compared(select: str) -> str:
    """A row ('', how many there should be), then one for each that differs: what, contact_id, kind, at, id,
    the columns as stored, the columns as they should be."""
    here = "contact_id > :after AND {}contact_id <= :last"
    key = " AND ".join(f"a.{name} = s.{name}" for name in ("contact_id", "kind", "at", "id"))
    stored, again = (", ".join(f"{table}.{name}" for name in _COLUMNS) for table in "sa")
    nothing = ", ".join("NULL" for _ in _COLUMNS)
    return (
        f"WITH engagement AS MATERIALIZED (SELECT * FROM main.engagement INDEXED BY engagement_contact WHERE {here.format('')}), "
        "again AS MATERIALIZED (SELECT k.contact_id, k.kind, k.at, k.id, local_day(k.at) AS day, k.email, k.form, "
        "k.rejected, e.ingested_at "
        f"FROM ({select}) AS k JOIN main.engagement e ON e.id = k.id AND e.party = k.party) "
        f"SELECT '' AS what, count(*), NULL, NULL, NULL, {nothing}, {nothing} FROM again "
        "UNION ALL SELECT * FROM ("
        "SELECT CASE WHEN s.id IS NULL THEN 'missing' ELSE 'different' END, a.contact_id, a.kind, a.at, a.id, "
        f"{stored}, {again} FROM again a LEFT JOIN main.signal s ON {key} "
        f"WHERE s.id IS NULL OR ({stored}) IS NOT ({again}) "
        f"UNION ALL SELECT 'extra', s.contact_id, s.kind, s.at, s.id, {stored}, {nothing} "
        f"FROM main.signal s LEFT JOIN again a ON {key} WHERE s.{here.format('s.')} AND a.id IS NULL LIMIT :room)"
    )


def _difference(row: tuple[Any, ...]) -> Document:
    what, contact, kind, at, id, *columns = row
    stored, again = columns[: len(_COLUMNS)], columns[len(_COLUMNS) :]
    name = f"{kind} {iso(at)} {id}"
    said: dict[str, tuple[str, str]] = {
        "missing": ("nothing", name),
        "extra": (name, "nothing"),
        "different": (f"{name}: {_told(stored, again)}", f"{name}: {_told(again, stored)}"),
    }
    return {
        "contact": contact,
        "kind": "signal",
        "what": what,
        "stored": said[what][0],
        "recomputed": said[what][1],
    }


def _told(these: list[Any], others: list[Any]) -> str:
    """The columns in which a signal differs."""
    rows = zip(_COLUMNS, these, others, strict=True)
    return ", ".join(
        f"{name} {'nothing' if mine is None else mine}" for name, mine, other in rows if mine != other
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """How many signals of a kind there are, and how many of them are rejected, by reason."""

    count: int
    rejected: dict[str, int]


def kept(db: Database, kinds: Sequence[str]) -> dict[str, Kept]:
    """Of these kinds, all that is kept. One look at each signal: grouping them would hold them in memory."""
    sums = [f"sum(kind = ?){''.join(', sum(kind = ? AND rejected = ?)' for _ in REASONS)}" for _ in kinds]
    asked = [value for kind in kinds for value in (kind, *(v for r in REASONS for v in (kind, r)))]
    row = db.execute(f"SELECT {', '.join(sums)} FROM signal", asked).fetchone() if kinds else ()
    found: dict[str, Kept] = {}
    for n, kind in enumerate(kinds):
        count, *by_reason = (value or 0 for value in row[n * (1 + len(REASONS)) :][: 1 + len(REASONS)])
        rejected = {r: number for r, number in zip(REASONS, by_reason, strict=True) if number}
        found[kind] = Kept(count, rejected)
    return found


def ahead(db: Database, now: int, planned: Sequence[str], most: int) -> list[tuple[str, str, int]]:
    """(contact, kind, at) of signals dated more than five minutes after `now`, the latest first, at most so
    many. `planned`: kinds that may well be dated ahead."""
    return db.execute(
        "SELECT contact_id, kind, at FROM signal WHERE at > ? AND kind NOT IN (SELECT value FROM json_each(?)) "
        "ORDER BY at DESC, contact_id, kind LIMIT ?",
        [now + AHEAD, orjson.dumps(list(planned)).decode(), most],
    ).fetchall()
