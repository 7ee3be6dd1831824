"""How far each source was read, what was done when, and small facts about the account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlite_utils import Database

from connector.store.lock import at_work
from connector.store.schema import file_of, write

RECONCILIATION = "reconciliation"  # the bookmark of what is no source, but all of them again


@dataclass(frozen=True, slots=True)
class Bookmark:
    """`value` is safe; `progress` is where a run stopped on its way. `state`: ok or absent, and why."""

    value: dict[str, Any] | None = None
    progress: dict[str, Any] | None = None
    moved_at: int | None = None
    state: str = "ok"
    said: str = ""


def get(db: Database, source: str) -> Bookmark:
    row = db.execute(
        "SELECT value, progress, moved_at, state, said FROM bookmark WHERE source = ?", [source]
    ).fetchone()
    if row is None:
        return Bookmark()
    return Bookmark(orjson.loads(row[0] or "null"), orjson.loads(row[1] or "null"), *row[2:])


def everyone(db: Database) -> dict[str, Bookmark]:
    sources = [row[0] for row in db.execute("SELECT source FROM bookmark ORDER BY source")]
    return {source: get(db, source) for source in sources}


def progress(db: Database, source: str, value: dict[str, Any]) -> None:
    """Where a killed run goes on. In the same transaction as the rows it speaks of."""
    db.execute(
        "INSERT INTO bookmark (source, progress) VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET "
        "progress = excluded.progress",
        [source, orjson.dumps(value).decode()],
    )


def move(db: Database, source: str, value: dict[str, Any], now: int) -> None:
    """Everything up to `value` is safely stored."""
    db.execute(
        "INSERT INTO bookmark (source, value, moved_at) VALUES (?, ?, ?) ON CONFLICT (source) DO UPDATE SET "
        "value = excluded.value, progress = NULL, moved_at = excluded.moved_at, state = 'ok', said = ''",
        [source, orjson.dumps(value).decode(), now],
    )


def know(db: Database, source: str, properties: Sequence[str]) -> None:
    """These were read for every row besides: the next pull need not. A window that was cut off keeps its
    place, and learns them at the next pull all the same."""
    mark = get(db, source)
    if mark.value is not None and mark.progress is None and mark.moved_at is not None:
        known = sorted({*mark.value["properties"], *properties})
        move(db, source, {**mark.value, "properties": known}, mark.moved_at)


def absent(db: Database, source: str, said: str) -> None:
    """The account does not have this source; the others go on."""
    db.execute(
        "INSERT INTO bookmark (source, state, said) VALUES (?, 'absent', ?) ON CONFLICT (source) DO UPDATE SET "
        "state = 'absent', said = excluded.said",
        [source, said],
    )


def again(db: Database, source: str) -> str:
    """The place of who reads all of a source anew: its own beside one that was read to its end, which the
    pulls go on from meanwhile."""
    return source if get(db, source).value is None else f"{source} again"


def forget(db: Database, source: str) -> None:
    """The source is read from its beginning at the next pull."""
    db.execute("DELETE FROM bookmark WHERE source = ?", [source])


def fact(db: Database, name: str) -> Any:
    row = db.execute("SELECT value FROM fact WHERE name = ?", [name]).fetchone()
    return orjson.loads(row[0]) if row else None


def set_fact(db: Database, name: str, value: Any) -> None:
    db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", [name, orjson.dumps(value).decode()])


def drop_fact(db: Database, name: str) -> None:
    db.execute("DELETE FROM fact WHERE name = ?", [name])


def start_run(db: Database, verb: str, now: int, *, waits: str = "") -> int:
    """A run begins; one that still stands as running was killed, since one holds the lock at a time: but for
    one of the verb that `waits` for its turn."""
    with write(db):
        db.execute("UPDATE run SET status = 'killed' WHERE status = 'running' AND verb <> ?", [waits])
        return int(
            db.execute(
                "INSERT INTO run (verb, started_at, status) VALUES (?, ?, 'running')", [verb, now]
            ).lastrowid
            or 0
        )


def end_run(db: Database, run: int, now: int, status: str, rules: str, summary: dict[str, Any]) -> None:
    with write(db):
        db.execute(
            "UPDATE run SET ended_at = ?, status = ?, rules = ?, summary = ? WHERE id = ?",
            [now, status, rules, orjson.dumps(summary).decode(), run],
        )


def runs(db: Database, limit: int = 20) -> list[dict[str, Any]]:
    """The newest first. One that stands as running while nobody is at work was killed: nobody has noted it yet."""
    rows = list(db.query("SELECT * FROM run ORDER BY id DESC LIMIT ?", [limit]))
    for row in rows:
        if row["status"] == "running" and not ((file := file_of(db)) and at_work(file)):
            row["status"] = "killed"
    return [{**row, "summary": orjson.loads(row["summary"])} for row in rows]
