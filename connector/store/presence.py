"""Who is here, to be held against who is in the CRM: counts, and those that were not seen for long."""

from __future__ import annotations

from collections.abc import Sequence

from sqlite_utils import Database

from connector.store import decisions, engagement
from connector.store.columns import TABLES


def count_created(db: Database, first: int, last: int) -> int:
    """How many contacts were made from `first` to `last`."""
    sql = "SELECT count(*) FROM contact WHERE created_at BETWEEN ? AND ?"
    return int(db.execute(sql, [first, last]).fetchone()[0])


def ids_created(db: Database, first: int, last: int) -> list[str]:
    rows = db.execute("SELECT id FROM contact WHERE created_at BETWEEN ? AND ?", [first, last])
    return [row[0] for row in rows]


def middle(db: Database, first: int, last: int, count: int) -> int | None:
    """When the contact in the middle of these `count` was made."""
    row = db.execute(
        "SELECT created_at FROM contact WHERE created_at BETWEEN ? AND ? ORDER BY created_at LIMIT 1 OFFSET ?",
        [first, last, count // 2],
    ).fetchone()
    return int(row[0]) if row else None


def unseen(db: Database, object_type: str, since: int, limit: int) -> list[str]:
    """Records that the CRM did not show after a moment."""
    sql = f"SELECT id FROM {TABLES[object_type]} WHERE seen_at <= ? ORDER BY seen_at, id LIMIT ?"
    return [row[0] for row in db.execute(sql, [since, limit])]


def count(db: Database, object_type: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {TABLES[object_type]}").fetchone()[0])


def remove_company(db: Database, company_id: str) -> None:
    """The CRM does not have it any more. To be called inside a transaction."""
    rows = db.execute("SELECT id FROM contact WHERE company_id = ?", [company_id]).fetchall()
    decisions.mark_dirty(db, [row[0] for row in rows])
    db.execute("UPDATE contact SET company_id = NULL WHERE company_id = ?", [company_id])
    _remove(db, "companies", company_id)


def remove_deal(db: Database, deal_id: str) -> None:
    """The same for a deal: what it was to its contacts it is no more, nor the stages that it went through."""
    rows = db.execute("SELECT contact_id FROM deal_contact WHERE deal_id = ?", [deal_id]).fetchall()
    people = [row[0] for row in rows]
    db.execute("DELETE FROM deal_contact WHERE deal_id = ?", [deal_id])
    decisions.mark_dirty(db, [*people, *engagement.remove_of_deal(db, deal_id)])
    _remove(db, "deals", deal_id)


def _remove(db: Database, object_type: str, record_id: str) -> None:
    db.execute(f"DELETE FROM {TABLES[object_type]} WHERE id = ?", [record_id])
    db.execute("DELETE FROM oddity WHERE object = ? AND record_id = ?", [object_type, record_id])


def count_events(db: Database, sources: Sequence[str]) -> int:
    """How many events of these sources there are."""
    sql = "SELECT count(*) FROM engagement WHERE id > ? AND id < ?"
    return sum(int(db.execute(sql, [f"{one}:", f"{one};"]).fetchone()[0]) for one in sources)
