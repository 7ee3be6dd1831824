"""What is true at once but shows only after a while: calculated values, the activities of a merged contact."""

from __future__ import annotations

from connector.sandbox.clock import Clock
from connector.sandbox.state.schema import Database

Due = tuple[str, str, int, int]


class Later:
    """Work that waits for the clock: (what, kind, id, another id)."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def put(self, seconds: float, what: str, kind: str, id: int, other: int = 0) -> None:
        due = self._clock.tick() + seconds
        self._db.run("insert into later values (null, ?, ?, ?, ?, ?)", due, what, kind, id, other)

    def any_due(self) -> bool:
        sql = "select 1 from later where due <= ? limit 1"
        return self._db.value(sql, self._clock.tick()) is not None

    def due(self) -> list[Due]:
        """Takes out what has waited long enough, in the order in which it was put in."""
        now = self._clock.tick()
        found = self._db.rows("select what, kind, id, other from later where due <= ? order by n", now)
        self._db.run("delete from later where due <= ?", now)
        return found

    def hasten(self) -> None:
        """Everything is due: an account that is opened has no clock of its earlier life."""
        self._db.run("update later set due = 0")
