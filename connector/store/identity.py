"""For whom an id or an address stands: for itself, for the contact that it was merged into, or for nobody
any more.

Of a person who was erased nothing stays but salted hashes of ids and addresses: enough to know them when
they are told of again, not enough to tell who they were.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable

import orjson
from sqlite_utils import Database

from connector.model import Engagement

_CONSENT = "form_submission"  # what an erased person may do to become known anew
_SALT = "salt"


def survivor(db: Database, contact_id: str) -> str:
    """The id that a merged-away id stands for; any other for itself. Chains are kept flat."""
    row = db.execute("SELECT id FROM alias WHERE old = ?", [contact_id]).fetchone()
    return str(row[0]) if row else contact_id


def olds(db: Database, contact_id: str) -> list[str]:
    """The ids that were merged into this one."""
    rows = db.execute("SELECT old FROM alias WHERE id = ? ORDER BY at, old", [contact_id])
    return [row[0] for row in rows]


def merged_since(db: Database, contact_id: str, moment: int) -> bool:
    """Whether another was found to be merged into this one after a moment."""
    row = db.execute("SELECT max(at) FROM alias WHERE id = ?", [contact_id]).fetchone()
    return row[0] is not None and row[0] > moment


def join(db: Database, old: str, new: str, now: int) -> None:
    """From now on `old` stands for `new`, and so does whatever stood for `old`."""
    db.execute("UPDATE alias SET id = ? WHERE id = ?", [new, old])
    db.execute("DELETE FROM alias WHERE old = ?", [new])
    db.execute("INSERT OR REPLACE INTO alias VALUES (?, ?, ?)", [old, new, now])


def part(db: Database, contact_id: str) -> None:
    """The CRM shows it as a record of its own."""
    db.execute("DELETE FROM alias WHERE old = ?", [contact_id])


class Gate:
    """Who may come in: asked for many rows, it looks up only what there can be."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._merged = db.execute("SELECT 1 FROM alias LIMIT 1").fetchone() is not None
        self._erased = db.execute("SELECT 1 FROM erased LIMIT 1").fetchone() is not None
        self._salt = _salt(db) if self._erased else ""

    def survivor(self, contact_id: str) -> str:
        return survivor(self._db, contact_id) if self._merged else contact_id

    def is_erased(self, contact_id: str) -> bool:
        return self._erased and self._when(f"id:{contact_id}") is not None

    def admits(self, row: Engagement, owner: str | None) -> bool:
        """Whether an event is kept. One of an erased person is not, however late it is told; at an address
        that is somebody's again, what was before the erasure; at one that is nobody's, all but a form that
        was sent since."""
        if not self._erased:
            return True
        if row.contact_id and self.is_erased(row.contact_id):
            return False
        since = self._when(f"address:{row.address}") if row.address else None
        if since is None:
            return True
        return row.at > since and (owner is not None or row.event == _CONSENT)

    def _when(self, text: str) -> int | None:
        row = self._db.execute("SELECT at FROM erased WHERE hash = ?", [_hash(self._salt, text)]).fetchone()
        return int(row[0]) if row else None


def forget(db: Database, ids: Iterable[str], addresses: Iterable[str], now: int, *, asked: bool) -> None:
    """These ids and addresses were one person's. `asked`: at our user's word; the CRM may have them still.
    To be called inside a transaction."""
    salt = _salt(db)
    person = int(db.execute("SELECT coalesce(max(person), 0) + 1 FROM erased").fetchone()[0])
    texts = [*(f"id:{one}" for one in ids), *(f"address:{one}" for one in addresses)]
    db.conn.executemany(
        "INSERT INTO erased VALUES (?1, ?2, ?3, ?4) ON CONFLICT (hash) DO UPDATE SET person = ?2, at = ?3, "
        "asked = max(asked, ?4)",
        [(_hash(salt, text), person, now, int(asked)) for text in texts],
    )


def forgotten(db: Database, who: str) -> int | None:
    """The number of the person of this id or address who was forgotten at our user's word."""
    salt = _salt(db)
    hashes = [_hash(salt, f"id:{who.strip()}"), _hash(salt, f"address:{who.strip().lower()}")]
    row = db.execute(
        "SELECT person FROM erased WHERE asked AND hash IN (SELECT value FROM json_each(?)) LIMIT 1",
        [orjson.dumps(hashes).decode()],
    ).fetchone()
    return int(row[0]) if row else None


def also(db: Database, contact_id: str, known_as: str, now: int) -> None:
    """A person who was forgotten has another id by now."""
    person = forgotten(db, known_as)
    if person is not None:
        sql = "INSERT OR IGNORE INTO erased VALUES (?, ?, ?, 1)"
        db.execute(sql, [_hash(_salt(db), f"id:{contact_id}"), person, now])


def remember(db: Database, person: int) -> None:
    """The way back: who was forgotten may come in again."""
    db.execute("DELETE FROM erased WHERE person = ?", [person])


def count_forgotten(db: Database) -> int:
    """How many were forgotten at our user's word."""
    return int(db.execute("SELECT count(DISTINCT person) FROM erased WHERE asked").fetchone()[0])


def count_hashes(db: Database, who: str) -> int:
    """How many hashes of this person are kept."""
    row = db.execute("SELECT count(*) FROM erased WHERE person = ?", [forgotten(db, who)]).fetchone()
    return int(row[0])


def count_since(db: Database, moment: int) -> dict[str, int]:
    """How many were found merged, gone (to the bin, or nobody knows where) and erased since a moment."""
    asked = {
        "merged": "SELECT count(*) FROM alias WHERE at >= ?",
        "gone": "SELECT count(*) FROM departed WHERE at >= ?",
        "erased": "SELECT count(DISTINCT person) FROM erased WHERE at >= ? AND NOT asked",
    }
    return {name: int(db.execute(sql, [moment]).fetchone()[0]) for name, sql in asked.items()}


def _salt(db: Database) -> str:
    """Made once; a new cache has another."""
    row = db.execute("SELECT value FROM fact WHERE name = ?", [_SALT]).fetchone()
    if row:
        return str(orjson.loads(row[0]))
    if not db.conn.in_transaction:  # nobody was hashed yet
        return ""
    made = secrets.token_hex(32)
    db.execute("INSERT INTO fact VALUES (?, ?)", [_SALT, orjson.dumps(made).decode()])
    return made


def _hash(salt: str, text: str) -> str:
    return hashlib.sha256(f"{salt}:{text}".encode()).hexdigest()
