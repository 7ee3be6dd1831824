"""The search index: a second view of the records that runs behind (HUBSPOT.md 3.4).

Without lag the view is the records themselves. With lag, what a record looked like before a write is kept
until the write may be found; the view takes such a record from there. Flapping: found, then lost once more.
A lag may be a range: each write draws its own, by the account's seed. A later write that settles first takes the
earlier ones with it, as an index that reads the record again does.
Rows are matched on the view and answered with their present values, as HubSpot does.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from connector.sandbox.clock import Clock
from connector.sandbox.state.knobs import Settings
from connector.sandbox.state.schema import Database

_LIVE = "select id, created, modified, email, props from objects where kind = ? and archived is null"
_SETTLED = (
    "select o.id, o.created, o.modified, o.email, o.props from objects o where o.kind = ? and o.archived is null"
    " and not exists (select 1 from lagging l where l.kind = o.kind and l.id = o.id and l.since <= ? and l.until > ?)"
)
_BEHIND = (
    "select l.id, l.created, l.modified, l.email, l.props from lagging l where l.kind = ? and l.since <= ?"
    " and l.until > ? and l.created is not null and l.n = (select min(m.n) from lagging m where m.kind = l.kind"
    " and m.id = l.id and m.since <= ? and m.until > ?)"
)


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for: SQL over id, created, modified, email, props, and its values."""

    where: str
    values: tuple[Any, ...]
    order: str


class Index:
    """What search can find at this moment."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._dice = Random(db.noted("seed"))

    def before(self, kind: str, id: int, image: tuple[Any, ...] | None) -> None:
        """Called ahead of every write with what is there: (created, modified, email, props) or None."""
        lag = self._lag()
        start = self._clock.tick()
        if lag <= 0:
            self._overtake(kind, id, start)
            return
        self._overtake(kind, id, start + lag)
        spans = [(start, start + lag)]
        if self._settings.knobs.flapping:
            spans.append((start + 1.5 * lag, start + 2 * lag))
        for since, until in spans:
            sql = "insert into lagging values (null, ?, ?, ?, ?, ?, ?, ?, ?)"
            self._db.run(sql, kind, id, since, until, *(image or (None, None, None, None)))

    def _lag(self) -> float:
        lag = self._settings.knobs.lag
        return self._dice.uniform(*lag) if isinstance(lag, list) else lag

    def _overtake(self, kind: str, id: int, until: float) -> None:
        """Nothing older of the record stays hidden for longer than its newest write."""
        sql = "update lagging set until = ? where kind = ? and id = ? and until > ?"
        self._db.run(sql, until, kind, id, until)

    def settle(self) -> None:
        """Everything can be found: an account that is opened starts a clock of its own."""
        self._db.run("delete from lagging")

    def search(self, kind: str, query: Query, skip: int, size: int) -> tuple[int, list[int]]:
        """(how many match, the ids of one page)."""
        view, values = self._view(kind)
        where = f"from ({view}) where {query.where}"
        bound = (*values, *query.values)
        total = int(self._db.value(f"select count(*) {where}", *bound))
        sql = f"select id {where} order by {query.order} limit ? offset ?"
        return total, [row[0] for row in self._db.rows(sql, *bound, size, skip)]

    def _view(self, kind: str) -> tuple[str, tuple[Any, ...]]:
        now = self._clock.tick()
        self._db.run("delete from lagging where until <= ?", now)
        if self._db.value("select 1 from lagging where kind = ? limit 1", kind) is None:
            return _LIVE, (kind,)
        behind = (kind, now, now, now, now)
        return f"{_SETTLED} union all {_BEHIND}", (kind, now, now, *behind)
