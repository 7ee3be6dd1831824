"""The score of a few contacts, by SQLite: its indexes find what they have at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import groupby
from typing import Any

from sqlite_utils import Database

from connector.rules.compile import account_select, dependencies, member_select, points_select, score_select
from connector.rules.tree import Rules
from connector.score.everybody import Epochs
from connector.score.subject import Subject

Row = dict[str, Any]
_SUBJECT = (
    "CREATE TEMP TABLE IF NOT EXISTS subject "
    "(contact_id TEXT PRIMARY KEY, as_of INTEGER NOT NULL, epoch_at INTEGER)"
)
_COLLEAGUES = (
    "SELECT id FROM contact WHERE company_id IN "
    "(SELECT c.company_id FROM temp.subject s JOIN contact c ON c.id = s.contact_id)"
)


class Few:
    """The rules in SQLite's words."""

    def __init__(self, rules: Rules, epochs: Epochs) -> None:
        self._rules = rules
        self._epochs = epochs
        self._accounts = dependencies(rules).accounts

    # compiled when they are first asked for: it takes longer than a tick in which nothing is due

    @cached_property
    def _select(self) -> str:
        return score_select(self._rules)

    @cached_property
    def _points(self) -> str:
        return points_select(self._rules)

    @cached_property
    def _members(self) -> str:
        return member_select(self._rules)

    @cached_property
    def _folded(self) -> str:
        return account_select(self._rules)

    def rows(self, db: Database, subjects: Sequence[Subject]) -> Iterator[Row]:
        """As the SELECT gives them, in no order."""
        if not subjects:
            return
        if not self._accounts:
            _fill(db, subjects)
            yield from db.query(self._select)
            return
        for as_of, some in groupby(sorted(subjects, key=lambda s: s.as_of), key=lambda s: s.as_of):
            wanted = list(some)
            self._add_up_accounts(db, wanted, as_of)
            _fill(db, wanted)
            yield from db.query(self._select)

    def points(self, db: Database, subject: Subject) -> list[Row]:
        _fill(db, [subject])
        return list(db.query(self._points))

    def _add_up_accounts(self, db: Database, subjects: Sequence[Subject], as_of: int) -> None:
        """What the people of the subjects' companies have together, into the table `account`."""
        _fill(db, subjects)
        ids = [row[0] for row in db.execute(_COLLEAGUES)]
        epochs = self._epochs(db, ids)
        _fill(db, [Subject(i, as_of, epochs.get(i)) for i in ids])
        for table in ("member", "account"):
            db.execute(f"DROP TABLE IF EXISTS temp.{table}")
        db.execute(
            f"CREATE TEMP TABLE member AS SELECT c.company_id, m.* FROM ({self._members}) AS m "
            "JOIN contact AS c ON c.id = m.contact_id"
        )
        db.execute(f"CREATE TEMP TABLE account AS {self._folded}")


def _fill(db: Database, subjects: Iterable[Subject]) -> None:
    db.execute(_SUBJECT)
    db.execute("DELETE FROM temp.subject")
    db.conn.executemany(
        "INSERT INTO temp.subject SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM contact WHERE id = ?1)",
        [(s.contact_id, s.as_of, s.epoch_at) for s in subjects],
    )
