"""Scores, standings, transitions, holds, and who must be judged again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import orjson
from sqlite_utils import Database

from connector.model import Score, Standing, Transition, Writer


@dataclass(frozen=True, slots=True)
class StageNote:
    """Who wrote the stage that now stands in the CRM ('': cleared). `before` is the furthest that it held
    earlier: only from there can a contact have been set back."""

    value: str
    at: int
    writer: Writer
    source: str = ""
    source_id: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A field of a contact that we leave alone until `until`, and why."""

    contact_id: str
    field: str
    why: str
    since: int
    until: int


def mark_dirty(db: Database, ids: Iterable[str]) -> None:
    """These contacts' inputs changed. To be called inside a transaction."""
    rows = sorted(set(ids))
    if not rows:
        return
    stamp = next_stamp(db)
    db.conn.executemany("INSERT OR REPLACE INTO dirty VALUES (?, ?)", [(row, stamp) for row in rows])
    if follows_accounts(db):
        db.execute(
            "INSERT OR REPLACE INTO dirty SELECT id, ?1 FROM contact WHERE company_id IN "
            "(SELECT company_id FROM contact WHERE id IN (SELECT value FROM json_each(?2)))",
            [stamp, _json(rows)],
        )


def follow_accounts(db: Database, follow: bool) -> None:
    """Whether a change of one contact concerns the others of its company: the rules read the account's
    points. To be called inside a transaction."""
    db.execute("INSERT OR REPLACE INTO fact VALUES ('accounts', ?)", [_json(follow)])


def follows_accounts(db: Database) -> bool:
    row = db.execute("SELECT value FROM fact WHERE name = 'accounts'").fetchone()
    return row is not None and bool(orjson.loads(row[0]))


def mark_everyone(db: Database) -> None:
    """What the inputs mean has changed. To be called inside a transaction."""
    db.execute("INSERT OR REPLACE INTO dirty SELECT id, ? FROM contact", [next_stamp(db)])


def stamp_now(db: Database) -> int:
    """Counts the changes of inputs and the decisions; what a plan knew is told by the stamp that it saw."""
    row = db.execute("SELECT value FROM fact WHERE name = 'stamp'").fetchone()
    return int(row[0]) if row else 0


def next_stamp(db: Database) -> int:
    stamp = stamp_now(db) + 1
    db.execute("INSERT OR REPLACE INTO fact VALUES ('stamp', ?)", [str(stamp)])
    return stamp


def changed_after(db: Database, stamp: int) -> set[str]:
    """Contacts whose inputs changed, or who were decided on, since `stamp`."""
    rows = db.execute(
        "SELECT contact_id FROM dirty WHERE stamp > ?1 UNION SELECT contact_id FROM score WHERE stamp > ?1",
        [stamp],
    )
    return {row[0] for row in rows}


def clear_dirty(db: Database, ids: Sequence[str], stamp: int) -> None:
    """Judged: what changed after `stamp` stays to be judged again."""
    db.conn.executemany("DELETE FROM dirty WHERE contact_id = ? AND stamp <= ?", [(i, stamp) for i in ids])


def to_judge(db: Database, now: int) -> list[str]:
    """Contacts whose inputs changed or whose time has come, in a fixed order."""
    rows = db.execute(
        "SELECT id FROM contact WHERE id IN (SELECT contact_id FROM dirty "
        "UNION ALL SELECT contact_id FROM score WHERE next_change_at <= ?1 "
        "UNION ALL SELECT contact_id FROM standing WHERE wake_at <= ?1 "
        "UNION ALL SELECT contact_id FROM hold WHERE until <= ?1) ORDER BY id",
        [now],
    )
    return [row[0] for row in rows]


def everyone(db: Database) -> list[str]:
    return [row[0] for row in db.execute("SELECT id FROM contact ORDER BY id")]


def decided(db: Database, ids: Sequence[str]) -> dict[str, int]:
    """The moment of the last accepted score of each contact that has one."""
    asked = "SELECT contact_id, as_of FROM score WHERE contact_id IN (SELECT value FROM json_each(?))"
    return dict(db.execute(asked, [_json(list(ids))]).fetchall())


def last_points(db: Database, ids: Sequence[str]) -> dict[str, int]:
    """The points of the last accepted score."""
    marks = ", ".join("?" * len(ids))
    return dict(
        db.execute(
            f"SELECT contact_id, points FROM score WHERE contact_id IN ({marks})", list(ids)
        ).fetchall()
    )


_DUE = """
SELECT contact_id, min(at) FROM (
  SELECT contact_id, next_change_at AS at FROM score WHERE contact_id IN (SELECT value FROM json_each(:ids))
  UNION ALL
  SELECT contact_id, wake_at FROM standing WHERE contact_id IN (SELECT value FROM json_each(:ids))
  UNION ALL
  SELECT n.contact_id, n.at FROM score s JOIN stage_note n ON n.contact_id = s.contact_id AND n.at > s.as_of
  WHERE s.contact_id IN (SELECT value FROM json_each(:ids))
  UNION ALL
  SELECT s.contact_id, min(g.at) FROM dirty d JOIN score s ON s.contact_id = d.contact_id
  JOIN signal g ON g.contact_id = s.contact_id AND g.at > s.as_of AND g.rejected IS NULL
  WHERE d.contact_id IN (SELECT value FROM json_each(:ids)) GROUP BY s.contact_id
) WHERE at < :now GROUP BY contact_id"""


def due(db: Database, ids: Sequence[str], now: int) -> dict[str, int]:
    """The first moment before `now` at which the last accepted decision on each was to change: by itself, or
    by a signal or a word about the stage that came since."""
    return dict(db.execute(_DUE, {"ids": _json(list(ids)), "now": now}).fetchall())


_LATE = """
WITH late AS (
  SELECT s.contact_id, s.as_of, min(g.at) AS first FROM dirty d JOIN score s ON s.contact_id = d.contact_id
  JOIN signal g ON g.contact_id = s.contact_id AND g.at <= s.as_of AND g.ingested_at > s.as_of
  WHERE g.rejected IS NULL AND d.contact_id IN (SELECT value FROM json_each(:ids)) GROUP BY 1, 2)
SELECT DISTINCT g.contact_id, g.at FROM late l JOIN signal g ON g.contact_id = l.contact_id
  AND g.at BETWEEN l.first AND l.as_of AND g.rejected IS NULL ORDER BY 1, 2"""


def late(db: Database, ids: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Of contacts of whom something became known late, the moments up to their last accepted decision at which
    it may have changed what was to be decided: its own, and those of every signal since."""
    found: dict[str, list[int]] = {}
    for contact, at in db.execute(_LATE, {"ids": _json(list(ids))}):
        found.setdefault(contact, []).append(at)
    return {contact: tuple(moments) for contact, moments in found.items()}


def put_score(db: Database, score: Score, rules: str, stamp: int) -> None:
    db.execute(
        "INSERT OR REPLACE INTO score (contact_id, rules, as_of, points, axes, parts, counted, facts, "
        "next_change_at, stamp) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [score.contact_id, rules, score.as_of, *said_of(score).values(), stamp],
    )


def said_of(score: Score) -> dict[str, Any]:
    """What is kept of a score, as it is kept: constant until `next_change_at`."""
    return {
        "points": score.points,
        "axes": _json(dict(score.axes)),
        "parts": _json(dict(score.parts)),
        "counted": _json(dict(score.counted)),
        "facts": "".join("01"[fact] for fact in score.facts),
        "next_change_at": score.next_change_at,
    }


@dataclass(frozen=True, slots=True)
class Settled:
    """A stored score that nothing has outdated; `said` as `said_of` has it."""

    contact_id: str
    epoch_at: int | None
    said: dict[str, Any]


def settled(db: Database, rules: str, now: int, size: int) -> Iterator[list[Settled]]:
    """The scores by these rules of contacts whose inputs are as they were and whose time has not come, in
    the order of their ids."""
    page = (
        "SELECT s.contact_id, t.epoch_at, s.points, s.axes, s.parts, s.counted, s.facts, s.next_change_at "
        "FROM score s JOIN contact c ON c.id = s.contact_id LEFT JOIN standing t ON t.contact_id = s.contact_id "
        "WHERE s.contact_id > ? AND s.rules = ? AND coalesce(s.next_change_at > ?, 1) "
        "AND s.contact_id NOT IN (SELECT contact_id FROM dirty) ORDER BY s.contact_id LIMIT ?"
    )
    after = ""
    while rows := list(db.query(page, [after, rules, now, size])):
        after = rows[-1]["contact_id"]
        yield [Settled(row.pop("contact_id"), row.pop("epoch_at"), row) for row in rows]


def standings(db: Database, ids: Sequence[str]) -> dict[str, Standing]:
    marks = ", ".join("?" * len(ids))
    rows = db.query(f"SELECT * FROM standing WHERE contact_id IN ({marks})", list(ids))
    read = ({**row, **{name: orjson.loads(row[name] or "null") for name in _SETS}} for row in rows)
    return {row["contact_id"]: standing_of(row) for row in read}


_SETS = ("reached", "fired")


def standing_of(row: Mapping[str, Any]) -> Standing:
    """A standing as JSON has it: sets are lists."""
    return Standing(**{**row, **{n: None if row[n] is None else frozenset(row[n]) for n in _SETS}})


def epochs(db: Database, ids: Sequence[str]) -> dict[str, int | None]:
    """When each contact's journey began, where that is recorded."""
    rows = db.execute(
        "SELECT contact_id, epoch_at FROM standing WHERE contact_id IN (SELECT value FROM json_each(?)) "
        "AND epoch_at IS NOT NULL",
        [_json(list(ids))],
    )
    return dict(rows.fetchall())


def put_standing(db: Database, standing: Standing) -> None:
    row = {one.name: getattr(standing, one.name) for one in fields(standing)}
    row["reached"] = _json(sorted(standing.reached))
    row["fired"] = None if standing.fired is None else _json(sorted(standing.fired))
    names = ", ".join(row)
    db.execute(
        f"INSERT OR REPLACE INTO standing ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values())
    )


def put_transitions(db: Database, rows: Iterable[Transition], plan_id: str, rules: str) -> None:
    db.conn.executemany(
        "INSERT INTO transition (contact_id, journey, from_stage, to_stage, rule, why, actor, effective_at, "
        "decided_at, imputed, evidence, plan_id, rules) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                row.contact_id,
                row.journey,
                row.from_stage,
                row.to_stage,
                row.rule,
                row.why,
                row.actor,
                row.effective_at,
                row.decided_at,
                int(row.imputed),
                _json(list(row.evidence)),
                plan_id,
                rules,
            )
            for row in rows
        ],
    )


def transitions(db: Database, contact_id: str) -> list[dict[str, Any]]:
    return list(db.query("SELECT * FROM transition WHERE contact_id = ? ORDER BY seq", [contact_id]))


def notes(db: Database, ids: Sequence[str]) -> dict[str, StageNote]:
    marks = ", ".join("?" * len(ids))
    rows = db.query(f"SELECT * FROM stage_note WHERE contact_id IN ({marks})", list(ids))
    return {row.pop("contact_id"): StageNote(**row) for row in rows}


def put_note(db: Database, contact_id: str, note: StageNote) -> None:
    db.execute(
        "INSERT OR REPLACE INTO stage_note VALUES (?, ?, ?, ?, ?, ?, ?)",
        [contact_id, note.value, note.at, note.writer, note.source, note.source_id, note.before],
    )


def drop_notes(db: Database, ids: Iterable[str]) -> None:
    """We wrote these contacts' stage: who wrote the one before says nothing any more."""
    db.conn.executemany("DELETE FROM stage_note WHERE contact_id = ?", [(i,) for i in ids])


def expect_notes(db: Database, ids: Iterable[str]) -> None:
    """Somebody wrote these contacts' stage: who, is to be looked up."""
    db.conn.executemany("INSERT OR IGNORE INTO unwitnessed VALUES (?)", [(i,) for i in ids])


def unwitnessed(db: Database, limit: int) -> list[str]:
    rows = db.execute("SELECT contact_id FROM unwitnessed ORDER BY contact_id LIMIT ?", [limit])
    return [row[0] for row in rows]


def witnessed(db: Database, ids: Iterable[str]) -> None:
    db.conn.executemany("DELETE FROM unwitnessed WHERE contact_id = ?", [(i,) for i in ids])


def holds(db: Database, ids: Sequence[str], now: int) -> dict[str, HoldRow]:
    """Holds on the stage that still last."""
    marks = ", ".join("?" * len(ids))
    rows = db.query(f"SELECT * FROM hold WHERE contact_id IN ({marks}) AND until > ?", [*ids, now])
    return {row["contact_id"]: HoldRow(**row) for row in rows}


def put_hold(db: Database, row: HoldRow) -> bool:
    """Whether that is new: not held, or held for something else before."""
    done = db.execute(
        "INSERT INTO hold (contact_id, field, why, since, until) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (contact_id, field) DO UPDATE SET why = excluded.why, since = excluded.since, "
        "until = excluded.until WHERE since <> excluded.since OR until <> excluded.until",
        [row.contact_id, row.field, row.why, row.since, row.until],
    )
    return bool(done.rowcount)


def end_hold(db: Database, contact_id: str) -> None:
    """The contact was judged, and nothing is held any more."""
    db.execute("DELETE FROM hold WHERE contact_id = ?", [contact_id])


def count_holds(db: Database, now: int) -> int:
    return int(
        db.execute(f"SELECT count(*) {_OF_THE_LIVING.format('hold')} WHERE h.until > ?", [now]).fetchone()[0]
    )


def by_stage(db: Database) -> dict[str, int]:
    return _by(db, "stage")


def by_temperature(db: Database) -> dict[str, int]:
    return _by(db, "temperature")


# a contact that left the CRM keeps its standing, in case it comes back, but is counted nowhere
_OF_THE_LIVING = "FROM {} h JOIN contact c ON c.id = h.contact_id"


def _by(db: Database, column: str) -> dict[str, int]:
    rows = db.execute(
        f"SELECT {column}, count(*) {_OF_THE_LIVING.format('standing')} WHERE {column} IS NOT NULL GROUP BY {column}"
    )
    return dict(rows.fetchall())


def listed(
    db: Database,
    now: int,
    *,
    stage: str | None,
    band: str | None,
    held: bool,
    limit: int | None,
    breached: bool = False,
) -> tuple[int, list[dict[str, Any]]]:
    """How many judged contacts fit, and the hottest `limit` of them."""
    where = (
        "FROM contact c JOIN score s ON s.contact_id = c.id JOIN standing t ON t.contact_id = c.id "
        "LEFT JOIN hold h ON h.contact_id = c.id AND h.until > :now "
        "WHERE (:stage IS NULL OR t.stage = :stage) AND (:band IS NULL OR t.temperature = :band) "
        "AND (NOT :held OR h.contact_id IS NOT NULL) AND (NOT :breached OR c.id IN "
        "(SELECT contact_id FROM handoff WHERE state = 'offered' AND due_at <= :now))"
    )
    asked = {"now": now, "stage": stage, "band": band, "held": held, "breached": breached}
    asked["limit"] = -1 if limit is None else limit
    found = int(db.execute(f"SELECT count(*) {where}", asked).fetchone()[0])
    rows = db.query(
        "SELECT c.id, c.email, t.stage, t.stage_since, t.journey, t.temperature, s.points, s.parts, s.counted, h.until, "
        "h.why AS held_why, (SELECT why FROM transition m WHERE m.contact_id = c.id AND m.to_stage = t.stage "
        "ORDER BY m.seq DESC LIMIT 1) AS stage_why "
        f"{where} ORDER BY s.points DESC, c.id LIMIT :limit",
        asked,
    )
    return found, list(rows)


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
