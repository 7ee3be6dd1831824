"""A pass over very many contacts: the same SELECT in DuckDB, on rows that Arrow carries over from the cache.

SQLite takes several times as long for the window functions. What is carried is narrowed to what the rules
can use, and a few thousand contacts at a time, so that memory does not grow with the account.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlite_utils import Database

from connector.rules.compile import account_select, dependencies, member_select, score_select
from connector.rules.compile.inputs import accounts
from connector.rules.tree import Rules
from connector.score.narrow import Carried, Narrow
from connector.score.subject import Subject
from connector.store import decisions, records

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MANY = 2_000  # contacts from which on a pass is worth its start
AT_ONCE = 10_000
MEMORY = "400MB"
BATCH_ROWS = "16384"
Row = dict[str, Any]
Epochs = Callable[[Database, Sequence[str]], Mapping[str, int | None]]


@cache
def why_not() -> str:
    """Why DuckDB cannot be loaded here; empty if it can. SQLite then does everything, slower."""
    try:
        import adbc_driver_sqlite
        import duckdb

        adbc_driver_sqlite.connect().close()
        duckdb.connect(":memory:").close()
    except Exception as error:  # a missing wheel, a foreign libc: whatever it says
        return f"{type(error).__name__}: {error}"
    return ""


class Everybody:
    """One DuckDB, opened at the first pass; it holds the rows of the contacts at hand."""

    def __init__(self, rules: Rules, epochs: Epochs) -> None:
        self._rules = rules
        self._epochs = epochs
        self._narrow = Narrow(rules)
        self._with_accounts = dependencies(rules).accounts
        self._select = score_select(rules, "duckdb")
        self._duck: DuckDBPyConnection | None = None
        self._added_up: tuple[str, int, int] | None = None  # which cache, as of when, after which change

    def takes(self, db: Database, subjects: Sequence[Subject]) -> bool:
        """Whether these are so many, so close together and of one moment that a pass is worth it."""
        if len(subjects) < MANY or len({s.as_of for s in subjects}) > 1 or not _file(db) or why_not():
            return False
        ids = [s.contact_id for s in subjects]
        return records.count_between(db, min(ids), max(ids)) <= 2 * len(ids)

    def rows(self, db: Database, subjects: Sequence[Subject]) -> Iterator[Row]:
        """As the SELECT gives them, in no order."""
        duck = self._open()
        if self._with_accounts:
            self._add_up_accounts(db, duck, subjects[0].as_of)
        ordered = sorted(subjects, key=lambda s: s.contact_id)
        for start in range(0, len(ordered), AT_ONCE):
            self._carry(db, duck, ordered[start : start + AT_ONCE])
            done = duck.execute(self._select)
            names = [column[0] for column in done.description or ()]
            yield from (dict(zip(names, row, strict=True)) for row in done.fetchall())

    def _open(self) -> DuckDBPyConnection:
        if self._duck is None:
            import duckdb

            settings = {"memory_limit": MEMORY, "temp_directory": tempfile.gettempdir()}
            self._duck = duckdb.connect(":memory:", config={**settings, "preserve_insertion_order": False})
        return self._duck

    def _carry(self, db: Database, duck: DuckDBPyConnection, some: Sequence[Subject]) -> None:
        """The subjects, in the order of their ids, and what the rules can use of them."""
        for table in self._narrow.tables(some[0].contact_id, some[-1].contact_id, some[0].as_of):
            _fetch(_file(db), table, duck)
        duck.execute(
            "CREATE OR REPLACE TABLE subject AS SELECT contact_id, as_of, epoch_at FROM (SELECT "
            "unnest($1::VARCHAR[]) AS contact_id, unnest($2::BIGINT[]) AS as_of, unnest($3::BIGINT[]) AS epoch_at) "
            "WHERE contact_id IN (SELECT id FROM contact)",
            [[s.contact_id for s in some], [s.as_of for s in some], [s.epoch_at for s in some]],
        )

    def _add_up_accounts(self, db: Database, duck: DuckDBPyConnection, as_of: int) -> None:
        """What every company's people have together, once for all the pieces of a pass."""
        key = (_file(db), as_of, decisions.stamp_now(db))
        if self._added_up == key:
            return
        points = [f"a_{n}" for n in range(len(accounts(self._rules)))]
        columns = ", ".join(f'"{name}" BIGINT' for name in (*points, "next_change_at"))
        duck.execute(f"CREATE OR REPLACE TABLE member (company_id VARCHAR, {columns})")
        listed = ", ".join(f'm."{name}"' for name in (*points, "next_change_at"))
        select = member_select(self._rules, "duckdb")
        for ids in records.pages_of_members(db, AT_ONCE):
            epochs = self._epochs(db, ids)
            self._carry(db, duck, [Subject(i, as_of, epochs.get(i)) for i in ids])
            duck.execute(
                f"INSERT INTO member SELECT c.company_id, {listed} FROM ({select}) AS m "
                "JOIN contact AS c ON c.id = m.contact_id"
            )
        duck.execute(f"CREATE OR REPLACE TABLE account AS {account_select(self._rules, 'duckdb')}")
        duck.execute("DROP TABLE member")
        self._added_up = key


def _file(db: Database) -> str:
    """The path of the cache; empty for one in memory, which nobody else can read."""
    return str(db.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()[0] or "")


def _fetch(path: str, table: Carried, duck: DuckDBPyConnection) -> None:
    """From SQLite to DuckDB as Arrow, batch by batch."""
    import adbc_driver_manager as adbc
    import adbc_driver_sqlite

    with (
        adbc_driver_sqlite.connect(f"file:{quote(path)}?mode=ro") as database,
        adbc.AdbcConnection(database) as connection,
        adbc.AdbcStatement(connection) as statement,
    ):
        statement.set_options(**{"adbc.sqlite.query.batch_rows": BATCH_ROWS})
        statement.set_sql_query(table.read)
        stream, _ = statement.execute_query()
        duck.register("stream", stream)
        duck.execute(
            f"CREATE OR REPLACE TABLE carried_{table.name} AS SELECT * FROM stream WHERE {table.key} <> ''"
        )
        duck.unregister("stream")
    duck.execute(f"CREATE OR REPLACE VIEW {table.name} AS SELECT {table.shown} FROM carried_{table.name}")
