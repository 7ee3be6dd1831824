"""Points by SQL compiled from the rules: a pure function of evidence and a moment.

One SELECT serves the run, the preview of edited rules, and the explanation. SQLite runs it where its indexes
find the few contacts at once (`few`); a pass over very many goes through DuckDB (`everybody`). Both give the
same, to the last digit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from connector.model import Score
from connector.rules.tree import Rules
from connector.score.everybody import Epochs, Everybody, Lost, missing
from connector.score.few import Few
from connector.score.subject import Subject
from connector.store import decisions

__all__ = ["Point", "Scorer", "Subject", "missing"]


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
    """The rules, compiled once. `epochs` says when the journeys of contacts began that are no subjects
    themselves but count for their account; as recorded, if it is not given."""

    def __init__(self, rules: Rules, epochs: Epochs = decisions.epochs) -> None:
        self.rules = rules
        self._few = Few(rules, epochs)
        self._everybody = Everybody(rules, epochs)
        self.used: set[str] = set()  # the engines that gave scores
        self._rule_ids = [rule.id for rule in rules.workflow.rules()]
        self._groups = [f"{axis.id}.{group.id}" for axis in rules.workflow.axes for group in axis.groups]
        self._axes = [axis.id for axis in rules.workflow.axes]
        self._facts = len(rules.workflow.stage_leaves())

    def scores(self, db: Database, subjects: Sequence[Subject]) -> list[Score]:
        """The scores of these contacts, in the order of their ids. Contacts not in the cache are absent."""
        engine = "duckdb" if self._everybody.takes(db, subjects) else "sqlite"
        try:
            scored = [self._score(row) for row in self.rows(db, subjects, engine)]
        except Lost:  # `why_not` says so; it is not tried again
            engine = "sqlite"
            scored = [self._score(row) for row in self.rows(db, subjects, engine)]
        self.used.add(engine)
        return sorted(scored, key=lambda score: score.contact_id)

    @property
    def why_not(self) -> str:
        """Why a pass over very many did not go through DuckDB; empty if all did."""
        return self._everybody.why_not

    def rows(self, db: Database, subjects: Sequence[Subject], engine: str) -> Iterator[dict[str, Any]]:
        """The rows of the SELECT as `duckdb` or `sqlite` gives them, in no order."""
        return (self._everybody if engine == "duckdb" else self._few).rows(db, subjects)

    def points(self, db: Database, subject: Subject) -> list[Point]:
        """Every signal under every rule of one contact: what counts, what does not and why."""
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
            for row in self._few.points(db, subject)
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
