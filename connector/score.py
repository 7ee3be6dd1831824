"""Points by SQL compiled from the rules: a pure function of evidence and a moment.

One SELECT serves the run, the preview of edited rules, and the explanation; it reads its contacts and
their moments from the temporary table `subject`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from connector.model import Score
from connector.rules.compile import points_select, score_select
from connector.rules.tree import Rules


@dataclass(frozen=True, slots=True)
class Subject:
    """A contact to be scored at a moment; signals up to `epoch_at` belong to an earlier journey."""

    contact_id: str
    as_of: int
    epoch_at: int | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """A signal under a rule. `points` POINT to a point; `why_not`: once_per, at_most, or None if counted."""

    rule: int
    signal: str
    kind: str
    at: int
    counted: bool
    why_not: str | None
    percent: int
    points: int


class Scorer:
    """The rules, compiled once."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._select = score_select(rules)
        self._points = points_select(rules)
        self._rule_ids = [rule.id for rule in rules.workflow.rules()]
        self._groups = [f"{axis.id}.{group.id}" for axis in rules.workflow.axes for group in axis.groups]
        self._axes = [axis.id for axis in rules.workflow.axes]
        self._facts = len(rules.workflow.stage_leaves())

    def scores(self, db: Database, subjects: Sequence[Subject]) -> list[Score]:
        """The scores of these contacts, in the order of their ids. Contacts not in the cache are absent."""
        _fill(db, subjects)
        rows = sorted(_rows(db, self._select), key=lambda row: str(row["contact_id"]))
        return [self._score(row) for row in rows]

    def points(self, db: Database, subject: Subject) -> list[Point]:
        """Every signal under every rule of one contact: what counts, what does not and why."""
        _fill(db, [subject])
        return [
            Point(
                rule=row["rule"],
                signal=row["id"],
                kind=row["kind"],
                at=row["at"],
                counted=bool(row["counted"]),
                why_not=row["why_not"],
                percent=row["percent"],
                points=row["points"],
            )
            for row in _rows(db, self._points)
        ]

    def _score(self, row: dict[str, Any]) -> Score:
        return Score(
            contact_id=row["contact_id"],
            as_of=row["as_of"],
            points=row["points"],
            total=row["total"],
            groups={group: row[f"g_{n}"] for n, group in enumerate(self._groups) if row[f"g_{n}"]},
            axes={axis: row[f"a_{n}"] for n, axis in enumerate(self._axes)},
            parts={rule: row[f"r_{n}"] for n, rule in enumerate(self._rule_ids) if row[f"r_{n}"]},
            counted={rule: row[f"n_{n}"] for n, rule in enumerate(self._rule_ids) if row.get(f"n_{n}")},
            facts=tuple(bool(row[f"c_{n}"]) for n in range(self._facts)),
            next_change_at=row["next_change_at"],
        )


def _fill(db: Database, subjects: Iterable[Subject]) -> None:
    db.execute(
        "CREATE TEMP TABLE IF NOT EXISTS subject "
        "(contact_id TEXT PRIMARY KEY, as_of INTEGER NOT NULL, epoch_at INTEGER)"
    )
    db.execute("DELETE FROM subject")
    db.conn.executemany(
        "INSERT INTO subject SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM contact WHERE id = ?1)",
        [(s.contact_id, s.as_of, s.epoch_at) for s in subjects],
    )


def _rows(db: Database, select: str) -> list[dict[str, Any]]:
    return list(db.query(select))
