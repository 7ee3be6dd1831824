"""Contacts that leave: into the CRM's bin, from where they may come back, or for good.

Of who is erased nothing stays that names them, in the file or beside it. SQLite overwrites what is deleted
(`secure_delete`), yet a page that it once rearranged may keep a copy in its unused part: the file's bytes are
searched, and where something is found the file is written anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from sqlite_utils import Database

from connector.errors import StoreTrouble
from connector.store import bookmarks, decisions, engagement, identity, outbox, records
from connector.store.leftovers import sweep
from connector.store.plans import KEPT
from connector.store.schema import file_of, spill_folder, trouble, write

_OF_CONTACT = (
    *("deal_contact", "engagement", "signal", "dirty", "score", "standing", "transition", "stage_note"),
    *("unwitnessed", "hold", "handoff", "departed"),
)
_STATES = ", ".join(f"'{state.value}'" for state in outbox.State)  # the index begins with the state
_DISTINCT = 6  # characters from which on a text is searched for: shorter ones are anywhere
_MOST = 40  # texts that are searched for one by one; beyond, the file is written anew unseen
_PIECE = 1 << 22
_PLANS = f"SELECT seq FROM plan ORDER BY seq DESC LIMIT {2 * KEPT}"  # that may have items
OWED = "scrub"  # the fact that something was erased and the file not yet looked through


def leave(db: Database, contact_id: str, now: int, *, binned: bool) -> None:
    """It is on no list and counted nowhere from now on; its standing is kept, in case it comes back. To be
    called inside a transaction."""
    rows = db.execute(
        "SELECT seq FROM outbox WHERE state IN ('pending', 'held') AND contact_id = ?", [contact_id]
    ).fetchall()
    said = "the contact is not in the CRM any more"
    outbox.settle(db, [(row[0], outbox.State.DROPPED, said) for row in rows], now)
    records.remove(db, contact_id)
    db.execute("DELETE FROM dirty WHERE contact_id = ?", [contact_id])
    db.execute(
        "INSERT INTO departed VALUES (?1, ?2, ?3, ?3) ON CONFLICT (contact_id) DO UPDATE SET binned = ?2, looked_at = ?3",
        [contact_id, int(binned), now],
    )


def departed(db: Database, since: int, limit: int) -> list[str]:
    """Contacts that left, after whom nobody looked since a moment. Without a cursor: it would name somebody."""
    rows = db.execute(
        "SELECT contact_id FROM departed WHERE looked_at < ? ORDER BY looked_at, contact_id LIMIT ?",
        [since, limit],
    )
    return [row[0] for row in rows]


def unclear(db: Database, limit: int) -> list[str]:
    """Contacts that left, and nobody knows yet whether they are in the bin."""
    rows = db.execute("SELECT contact_id FROM departed WHERE binned = 0 ORDER BY looked_at LIMIT ?", [limit])
    return [row[0] for row in rows]


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows went, by table; `texts` that name the person, which `scrub` is told and nobody else."""

    rows: dict[str, int]
    texts: list[str] = field(repr=False)


def erase(
    db: Database, who: Sequence[str], now: int, *, asked: bool, addresses: Iterable[str] = ()
) -> Erased:
    """Everything of a person, by the ids they have and had, goes; salted hashes of ids and addresses stay. To
    be called inside a transaction; then `scrub`."""
    ids = [*who, *(old for one in who for old in identity.olds(db, one))]
    known = sorted({*_addresses(db, ids), *addresses})
    colleagues = _colleagues(db, ids)
    identity.forget(db, ids, known, now, asked=asked)
    engagement.outlast(db, ids)
    rows = {table: _delete(db, table, "contact_id", ids) for table in _OF_CONTACT}
    rows["engagement"] += _delete(db, "engagement", "contact_id IS NULL AND address", known)
    rows["address"] = _delete(db, "address", "contact_id", ids)
    rows["contact"] = _delete(db, "contact", "id", ids)
    rows["oddity"] = _delete(db, "oddity", "object = 'contacts' AND record_id", ids)
    rows["plan_item"] = _delete(db, "plan_item", f"plan IN ({_PLANS}) AND contact_id", ids)
    rows["outbox"] = _delete(db, "outbox", f"state IN ({_STATES}) AND contact_id", ids)
    rows["alias"] = _delete(db, "alias", "id", ids)
    decisions.mark_dirty(db, colleagues)
    texts = [text for text in (*ids, *known) if len(text) >= _DISTINCT]
    _hush(db, texts)
    _move_cursors(db, [one for one in ids if len(one) >= _DISTINCT and one.isdecimal()])
    bookmarks.set_fact(db, OWED, True)
    return Erased({table: count for table, count in rows.items() if count}, texts)


def whose(db: Database, who: str) -> list[str]:
    """The contacts of an id or an address, those in the bin and those that were merged away included."""
    address = who.strip().lower()
    rows = db.execute(
        "SELECT id FROM contact WHERE id = :who OR email = :address "
        "UNION SELECT contact_id FROM departed WHERE contact_id = :who "
        "UNION SELECT id FROM alias WHERE old = :who "
        "UNION SELECT contact_id FROM address WHERE address = :address",
        {"who": who.strip(), "address": address},
    )
    return [row[0] for row in rows]


def count(db: Database, ids: Sequence[str], addresses: Sequence[str]) -> dict[str, int]:
    """How many rows name a person, where people would look."""
    given = {"ids": orjson.dumps(list(ids)).decode(), "addresses": orjson.dumps(list(addresses)).decode()}
    mine = "contact_id IN (SELECT value FROM json_each(:ids))"
    asked = {
        "contact": "SELECT count(*) FROM contact WHERE id IN (SELECT value FROM json_each(:ids))",
        "engagement": f"SELECT count(*) FROM engagement WHERE {mine} OR (contact_id IS NULL AND address IN "
        "(SELECT value FROM json_each(:addresses)))",
        **{
            table: f"SELECT count(*) FROM {table} WHERE {mine}"
            for table in ("signal", "transition", "handoff")
        },
    }
    found = {table: int(db.execute(sql, given).fetchone()[0]) for table, sql in asked.items()}
    return {table: number for table, number in found.items() if number}


def _delete(db: Database, table: str, column: str, values: Sequence[str]) -> int:
    sql = f"DELETE FROM {table} WHERE {column} IN (SELECT value FROM json_each(?))"
    return int(db.execute(sql, [orjson.dumps(list(values)).decode()]).rowcount)


def _addresses(db: Database, ids: Sequence[str]) -> list[str]:
    """Every address that is known of them, lower-case."""
    found: set[str] = set()
    for sql in (
        "SELECT address FROM address WHERE contact_id = ?",
        "SELECT lower(email) FROM contact WHERE id = ? AND email IS NOT NULL",
        "SELECT DISTINCT address FROM engagement WHERE contact_id = ? AND address IS NOT NULL",
    ):
        for one in ids:
            found.update(row[0] for row in db.execute(sql, [one]))
    return sorted(found)


def _colleagues(db: Database, ids: Sequence[str]) -> list[str]:
    """Those of the same company, where they are judged by what its people do."""
    if not decisions.follows_accounts(db):
        return []
    rows = db.execute(
        "SELECT DISTINCT company_id FROM contact WHERE company_id IS NOT NULL AND id IN (SELECT value FROM json_each(?))",
        [orjson.dumps(list(ids)).decode()],
    ).fetchall()
    return [one for one in records.members(db, "companies", [row[0] for row in rows]) if one not in ids]


def _hush(db: Database, texts: Sequence[str]) -> None:
    """A run's words may quote the CRM's about a person."""
    if not texts:
        return
    named = re.compile("|".join(map(re.escape, texts)), re.IGNORECASE)
    for run, summary in db.execute("SELECT id, summary FROM run").fetchall():
        if named.search(summary):
            told = {name: _hushed(value, named) for name, value in orjson.loads(summary).items()}
            db.execute("UPDATE run SET summary = ? WHERE id = ?", [orjson.dumps(told).decode(), run])


def _move_cursors(db: Database, ids: Sequence[str]) -> None:
    """A walk that stopped may stand at this very id: the next number is as good a place."""
    for source, said in db.execute(
        "SELECT source, progress FROM bookmark WHERE progress IS NOT NULL"
    ).fetchall():
        moved = said
        for one in ids:
            moved = re.sub(rf"(?<!\d){one}(?!\d)", str(int(one) + 1), moved)
        if moved != said:
            db.execute("UPDATE bookmark SET progress = ? WHERE source = ?", [moved, source])


def _hushed(value: Any, named: re.Pattern[str]) -> Any:
    return named.sub("(erased)", value) if isinstance(value, str) else value


# -- the file --------------------------------------------------------------------------------------------


def owed(db: Database) -> bool:
    """Whether somebody was erased and the file not looked through since: a run died, or a reader was at it."""
    return bookmarks.fact(db, OWED) is not None


def scrub(db: Database, texts: Sequence[str] | None = None) -> bool:
    """Nothing of these texts is left in the file or beside it; without them (nobody knows any more who it
    was), it is written anew. Gives whether it was done: while somebody reads, the log cannot be emptied."""
    if path := file_of(db):
        if not _empty_log(db):
            return False
        anew = texts is None or len(texts) > _MOST or _holds(path, texts)
        if anew and not (_write_anew(db) and _empty_log(db)):
            return False
        sweep(path.parent, spill_folder(path, 0).name[:-1])
    with write(db):
        bookmarks.drop_fact(db, OWED)
    return True


def _empty_log(db: Database) -> bool:
    with trouble():
        return not db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]


def _holds(path: Path, texts: Sequence[str]) -> bool:
    wanted = [text.encode() for text in texts]
    longest = max(map(len, wanted), default=0)
    with trouble(path), path.open("rb") as file:
        tail = b""
        while piece := file.read(_PIECE):
            seen = tail + piece
            if any(one in seen for one in wanted):
                return True
            tail = seen[-longest:]
    return False


def _write_anew(db: Database) -> bool:
    """The copy is made on disk: it may be large. What is temporary here is made again by whoever needs it.
    Where the disk is full or the file in use, the next sync tries again."""
    db.execute("PRAGMA temp_store = file")
    try:
        with trouble():
            db.execute("VACUUM")
    except StoreTrouble:
        return False
    finally:
        db.execute("PRAGMA temp_store = memory")
    return True
