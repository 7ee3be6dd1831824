"""The CRM's events as they were told, and the signals that the mapping makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson
from sqlite_utils import Database

from connector.model import Engagement, fold


def put(db: Database, rows: Iterable[Engagement], now: int) -> int:
    """Stores events by (source and id, party); one that is told again changes nothing. Gives how many are
    new or changed. An address that no contact has yet is parked. To be called inside a transaction."""
    stored = 0
    for row in rows:
        party = row.contact_id or row.address or ""
        contact = row.contact_id or _owner_of(db, row.address)
        done = db.execute(
            "INSERT INTO engagement VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (id, party) DO UPDATE SET "
            "event = excluded.event, at = excluded.at, attrs = excluded.attrs, label = excluded.label, judged = 0 "
            "WHERE event <> excluded.event OR at <> excluded.at OR attrs <> excluded.attrs",
            [
                f"{row.source}:{row.id}",
                party,
                row.source,
                row.event,
                row.at,
                now,
                contact,
                row.address,
                _attrs(row),
                row.label,
            ],
        )
        stored += done.rowcount
    return stored


def _owner_of(db: Database, address: str | None) -> str | None:
    if not address:
        return None
    found = db.execute("SELECT contact_id FROM address WHERE address = ?", [address]).fetchone()
    return str(found[0]) if found else None


def _attrs(row: Engagement) -> str:
    folded = {name: fold(value) if isinstance(value, str) else value for name, value in row.attrs.items()}
    return orjson.dumps(folded, option=orjson.OPT_SORT_KEYS).decode()


def parked(db: Database) -> int:
    """Events of addresses that no contact has."""
    return int(db.execute("SELECT count(*) FROM engagement WHERE contact_id IS NULL").fetchone()[0])


def unjudged(db: Database) -> int:
    found = db.execute("SELECT count(*) FROM engagement WHERE judged = 0 AND contact_id IS NOT NULL")
    return int(found.fetchone()[0])


def judge_again(db: Database) -> None:
    """Every signal is made anew: what an event means has changed."""
    db.execute("DELETE FROM signal")
    db.execute("UPDATE engagement SET judged = 0 WHERE judged = 1")


def accepted(
    db: Database, contact_id: str, until: int, since: int | None = None
) -> list[tuple[str, str, int]]:
    """(id, kind, when) of the accepted signals of a contact after `since`, up to `until`, newest first."""
    return db.execute(
        "SELECT id, kind, at FROM signal WHERE contact_id = ? AND at <= ? AND coalesce(at > ?, 1) "
        "AND rejected IS NULL ORDER BY at DESC, id",
        [contact_id, until, since],
    ).fetchall()


def labels(db: Database, contact_id: str, ids: Sequence[str]) -> dict[str, str]:
    """What the events behind signals show to people: a path, a form's name, a subject."""
    rows = db.execute(
        "SELECT id, label FROM engagement WHERE id IN (SELECT value FROM json_each(?)) AND contact_id = ?",
        [orjson.dumps(list(ids)).decode(), contact_id],
    )
    return dict(rows.fetchall())
