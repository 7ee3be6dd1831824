"""Hand-offs as they were decided, and what sales did about contacts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import orjson
from sqlite_utils import Database

from connector.model import HandOff

_NAMES = tuple(one.name for one in fields(HandOff))
_AMONG = "IN (SELECT value FROM json_each(?))"


def put(db: Database, handoffs: Iterable[HandOff]) -> None:
    """To be called inside a transaction."""
    db.conn.executemany(
        f"INSERT OR REPLACE INTO handoff ({', '.join(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))})",
        [[getattr(one, name) for name in _NAMES] for one in handoffs],
    )


def of(db: Database, ids: Sequence[str]) -> dict[str, tuple[HandOff, ...]]:
    """Every hand-off of these contacts, in the order in which they were offered."""
    rows = db.query(
        f"SELECT * FROM handoff WHERE contact_id {_AMONG} ORDER BY journey, offered_at, stage", [_json(ids)]
    )
    found: dict[str, tuple[HandOff, ...]] = {}
    for row in rows:
        one = _handoff(row)
        found[one.contact_id] = (*found.get(one.contact_id, ()), one)
    return found


def offered_since(db: Database, moment: int) -> list[HandOff]:
    """Of contacts that are still in the CRM."""
    rows = db.query(
        "SELECT h.* FROM handoff h JOIN contact c ON c.id = h.contact_id WHERE offered_at >= ? "
        "ORDER BY offered_at, contact_id",
        [moment],
    )
    return [_handoff(row) for row in rows]


def _handoff(row: Mapping[str, Any]) -> HandOff:
    return HandOff(**{**row, "under_way": bool(row["under_way"])})


def count_open(db: Database, now: int) -> tuple[int, int]:
    """How many wait for sales, and how many of them longer than agreed."""
    row = db.execute(
        "SELECT count(*), count(CASE WHEN due_at <= ? THEN 1 END) FROM handoff h "
        "JOIN contact c ON c.id = h.contact_id WHERE state = 'offered'",
        [now],
    ).fetchone()
    return int(row[0]), int(row[1])


def contacts(db: Database, ids: Sequence[str]) -> dict[str, int | None]:
    """When the CRM made these contacts."""
    rows = db.execute(f"SELECT id, created_at FROM contact WHERE id {_AMONG}", [_json(ids)])
    return dict(rows.fetchall())


def deals(db: Database, ids: Sequence[str]) -> list[tuple[str, int]]:
    """(contact, when it was made) of every deal."""
    return db.execute(
        "SELECT l.contact_id, d.created_at FROM deal_contact l JOIN deal d ON d.id = l.deal_id "
        f"WHERE l.contact_id {_AMONG} AND d.created_at IS NOT NULL ORDER BY 1, 2",
        [_json(ids)],
    ).fetchall()


def dealings(db: Database, ids: Sequence[str]) -> list[tuple[str, str, int, dict[str, Any]]]:
    """(contact, event, when, attributes) of the calls, meetings and e-mails of sales, in their order."""
    rows = db.execute(
        "SELECT contact_id, event, at, attrs FROM engagement "
        f"WHERE event IN ('call', 'meeting', 'sales_email') AND contact_id {_AMONG} ORDER BY contact_id, at, id",
        [_json(ids)],
    )
    return [(contact, event, at, orjson.loads(attrs)) for contact, event, at, attrs in rows]


def waiting_for(db: Database, done: Iterable[tuple[str, int]], before: int) -> list[str]:
    """The contacts of these (contact, moment) to whose hand-off it may be the first touch, `before` ms before
    it was offered at the earliest."""
    rows = db.execute(
        "SELECT DISTINCT h.contact_id FROM json_each(?) AS done CROSS JOIN handoff h "
        "ON h.contact_id = json_extract(done.value, '$[0]') WHERE h.state IN ('offered', 'accepted') "
        "AND NOT h.under_way AND h.offered_at - ? < json_extract(done.value, '$[1]') "
        "AND coalesce(json_extract(done.value, '$[1]') < h.first_touch_at, 1)",
        [orjson.dumps(list(done)).decode(), before],
    )
    return [row[0] for row in rows]


def _json(ids: Sequence[str]) -> str:
    return orjson.dumps(list(ids)).decode()
