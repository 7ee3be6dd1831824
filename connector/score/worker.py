"""The process in which DuckDB scores: asked over stdin, answering over stdout, in pickles.

A process of its own, since Arrow's SQLite driver brings a SQLite of its own: two of them on one file in one
process undo each other's locks (sqlite.org/howtocorrupt.html, 2.2.1). It opens the cache to read and nothing
else, and ends with its parent.
"""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from typing import Any, BinaryIO
from urllib.parse import quote

from connector.rules.compile import account_select, dependencies, member_select, score_select
from connector.rules.compile.inputs import accounts
from connector.rules.tree import Rules
from connector.score.narrow import Carried, Narrow
from connector.score.subject import Subject

MEMORY = 400  # megabytes, of all processes together
BATCH_ROWS = "16384"
Rows = tuple[list[str], list[tuple[Any, ...]]]


class Engine:
    """One DuckDB with the rows of the contacts at hand. Subjects are in the order of their ids and of one
    moment."""

    def __init__(self, path: str, rules: Rules, among: int = 1, spill: str = "") -> None:
        """`spill`: a folder for what does not fit into memory."""
        import duckdb

        self._path = path
        self._narrow = Narrow(rules)
        # all but the id are whole numbers; sums are wider than those, and slow to hand over as they are
        whole = "SELECT contact_id, CAST(COLUMNS(* EXCLUDE (contact_id)) AS BIGINT)"
        self._select = f"{whole} FROM ({score_select(rules, 'duckdb')})"
        with_accounts = dependencies(rules).accounts
        self._members = member_select(rules, "duckdb") if with_accounts else ""
        self._folded = account_select(rules, "duckdb") if with_accounts else ""
        self._points = [f'"a_{n}"' for n in range(len(accounts(rules)))]
        settings: dict[str, Any] = {"threads": 1, "memory_limit": f"{MEMORY // among}MB"}
        settings |= {"temp_directory": spill or tempfile.gettempdir(), "preserve_insertion_order": False}
        self._duck = duckdb.connect(":memory:", config=settings)
        self._duck.execute("SET enable_progress_bar = false")

    def start_accounts(self) -> None:
        columns = ", ".join(f"{name} BIGINT" for name in (*self._points, "next_change_at"))
        self._duck.execute(f"CREATE OR REPLACE TABLE member (company_id VARCHAR, {columns})")

    def add_members(self, some: Sequence[Subject]) -> None:
        self._carry(some)
        columns = ", ".join(f"m.{name}" for name in (*self._points, "next_change_at"))
        self._duck.execute(
            f"INSERT INTO member SELECT c.company_id, {columns} FROM ({self._members}) AS m "
            "JOIN contact AS c ON c.id = m.contact_id"
        )

    def fold_accounts(self) -> None:
        self._duck.execute(f"CREATE OR REPLACE TABLE account AS {self._folded}")
        self._duck.execute("DROP TABLE member")

    def score(self, some: Sequence[Subject]) -> Rows:
        """The names and the rows of the SELECT."""
        self._carry(some)
        done = self._duck.execute(self._select)
        return [column[0] for column in done.description or ()], done.fetchall()

    def _carry(self, some: Sequence[Subject]) -> None:
        """The subjects, and what the rules can use of them."""
        for table in self._narrow.tables(some[0].contact_id, some[-1].contact_id, some[0].as_of):
            self._fetch(table)
        self._duck.execute(
            "CREATE OR REPLACE TABLE subject AS SELECT contact_id, as_of, epoch_at FROM (SELECT "
            "unnest($1::VARCHAR[]) AS contact_id, unnest($2::BIGINT[]) AS as_of, "
            "unnest($3::BIGINT[]) AS epoch_at) WHERE contact_id IN (SELECT id FROM contact)",
            [[s.contact_id for s in some], [s.as_of for s in some], [s.epoch_at for s in some]],
        )

    def _fetch(self, table: Carried) -> None:
        """From SQLite to DuckDB as Arrow, batch by batch."""
        import adbc_driver_manager as adbc
        import adbc_driver_sqlite

        with (
            adbc_driver_sqlite.connect(f"file:{quote(self._path)}?mode=ro") as database,
            adbc.AdbcConnection(database) as connection,
            adbc.AdbcStatement(connection) as statement,
        ):
            statement.set_options(**{"adbc.sqlite.query.batch_rows": BATCH_ROWS})
            statement.set_sql_query(table.read)
            stream, _ = statement.execute_query()
            self._duck.register("stream", stream)
            kept = f"SELECT * FROM stream WHERE {table.key} <> ''"
            self._duck.execute(f"CREATE OR REPLACE TABLE carried_{table.name} AS {kept}")
            self._duck.unregister("stream")
        shown = f"SELECT {table.shown} FROM carried_{table.name}"
        self._duck.execute(f"CREATE OR REPLACE VIEW {table.name} AS {shown}")


def main() -> None:
    """Takes (path, rules, among, spill), then (method, arguments); answers each with (result, error or '')."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a person's Ctrl-C is the parent's to answer
    # whatever else prints here (DuckDB draws a progress bar after two seconds) must not come between the answers
    asked, told = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        began = pickle.load(asked)
        engine = Engine(*began)
        _check()
    except Exception as error:  # a missing wheel, a foreign libc: whatever it says
        _tell(told, (None, f"{type(error).__name__}: {error}"))
        return
    _tell(told, (None, ""))
    while (request := _next(asked)) is not None:
        method, arguments = request
        try:
            _tell(told, (getattr(engine, method)(*arguments), ""))
        except Exception as error:
            _tell(told, (None, f"{type(error).__name__}: {error}"))
    del engine
    shutil.rmtree(began[-1], ignore_errors=True)  # the parent was killed, or does it itself


def _check() -> None:
    import adbc_driver_sqlite

    adbc_driver_sqlite.connect().close()


def _next(asked: BinaryIO) -> Any:
    """None where the parent is gone."""
    try:
        return pickle.load(asked)
    except EOFError:
        return None


def _tell(told: BinaryIO, answer: Any) -> None:
    pickle.dump(answer, told, protocol=pickle.HIGHEST_PROTOCOL)
    told.flush()
