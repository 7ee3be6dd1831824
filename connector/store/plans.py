"""Plans: previews as they were made, item by item."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from sqlite_utils import Database

from connector.errors import BadCommand

KEPT = 20  # plans whose items stay; older ones leave their summary


@dataclass(frozen=True, slots=True)
class PlanRow:
    """`status`: draft, open (may be applied), accepted, empty. `stamp`: what was known of changes then."""

    seq: int
    id: str
    made_at: int
    as_of: int
    rules: str
    stamp: int
    status: str
    summary: dict[str, Any]


def start(db: Database, made_at: int, as_of: int, rules: str, stamp: int) -> int:
    done = db.execute(
        "INSERT INTO plan (made_at, as_of, rules, stamp, status) VALUES (?, ?, ?, ?, 'draft')",
        [made_at, as_of, rules, stamp],
    )
    return int(done.lastrowid or 0)


def add(db: Database, seq: int, documents: Iterable[dict[str, Any]]) -> None:
    rows = [
        (
            seq,
            document["contact"],
            len(document["changes"]) + len(document.get("actions", ())),
            int(document["hold"] is not None),
            orjson.dumps(document).decode(),
        )
        for document in documents
    ]
    db.conn.executemany("INSERT INTO plan_item VALUES (?, ?, ?, ?, ?)", rows)


def finish(db: Database, seq: int, plan_id: str, status: str, summary: dict[str, Any]) -> None:
    db.execute(
        "UPDATE plan SET id = ?, status = ?, summary = ? WHERE seq = ?",
        [plan_id, status, orjson.dumps(summary).decode(), seq],
    )
    db.execute("DELETE FROM plan_item WHERE plan <= ?", [seq - KEPT])


def accepted(db: Database, seq: int) -> None:
    """The plan became a decision; of its documents those that say something stay."""
    db.execute("UPDATE plan SET status = 'accepted' WHERE seq = ?", [seq])
    db.execute("DELETE FROM plan_item WHERE plan = ? AND changes = 0 AND held = 0", [seq])


def find(db: Database, plan_id: str | None) -> PlanRow:
    """The plan of this id (or its beginning), or the newest.

    :raises BadCommand: when there is none, or the beginning fits several
    """
    rows = list(
        db.query(
            "SELECT * FROM plan WHERE status <> 'draft' AND (:id IS NULL OR substr(id, 1, length(:id)) = :id) "
            "ORDER BY seq DESC LIMIT 20",
            {"id": plan_id},
        )
    )
    if not rows:
        what = f"There is no plan {plan_id}." if plan_id else "There is no plan yet."
        raise BadCommand(what, "Run `connector plan` first.")
    if plan_id and len({row["id"] for row in rows}) > 1:
        raise BadCommand(f"{plan_id} is the beginning of several plans.", "Type more of it.")
    return PlanRow(**{**rows[0], "summary": orjson.loads(rows[0]["summary"])})


def find_seq(db: Database, seq: int) -> PlanRow:
    row = next(db.query("SELECT * FROM plan WHERE seq = ?", [seq]))
    return PlanRow(**{**row, "summary": orjson.loads(row["summary"])})


def items(db: Database, seq: int, *, changed_only: bool = False) -> Iterator[dict[str, Any]]:
    """The plan's documents in the order of contacts' ids."""
    wanted = "AND (changes > 0 OR held > 0)" if changed_only else ""
    rows = db.execute(f"SELECT document FROM plan_item WHERE plan = ? {wanted} ORDER BY contact_id", [seq])
    return (orjson.loads(row[0]) for row in rows)
