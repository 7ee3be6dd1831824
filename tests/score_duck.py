"""The tables of a ScoreCache in DuckDB, and the same rules on them."""

from __future__ import annotations

from typing import Any

import duckdb
from score_cache import ScoreCache, account_selects, fill_accounts, quoted

from connector.rules.compile import points_select, score_select

TABLES = ("subject", "contact", "company", "deal", "deal_contact", "signal")
TYPES = {"TEXT": "VARCHAR", "REAL": "DOUBLE", "INTEGER": "BIGINT"}


class ScoreDuck:
    """One connection serves many rule sets: `take` replaces what was there."""

    def __init__(self) -> None:
        self.db = duckdb.connect(":memory:", config={"threads": 1})

    def take(self, cache: ScoreCache) -> None:
        """The cache's tables and the moments that it was told."""
        self.rules = cache.rules
        for table in TABLES:
            rows = cache.db.execute(f"SELECT * FROM {table}").fetchall()
            declared = cache.db.execute(f"PRAGMA table_info({table})").fetchall()
            types = {row[1]: TYPES[row[2]] for row in declared}
            columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in types.items())
            self.db.execute(f"CREATE OR REPLACE TABLE {table} ({columns})")
            if rows:  # a column at a time: a row at a time is slow here
                lists = ", ".join(f"unnest(CAST(? AS {kind}[]))" for kind in types.values())
                columns_of = [list(column) for column in zip(*rows, strict=True)]
                self.db.execute(f"INSERT INTO {table} SELECT {lists}", columns_of)
        accounts = account_selects(self.rules, "duckdb")
        if accounts:
            fill_accounts(self.db, *accounts)

    def scores(self) -> dict[str, dict[str, Any]]:
        return {row["contact_id"]: row for row in self._rows(score_select(self.rules, "duckdb"))}

    def lines(self) -> list[dict[str, Any]]:
        return self._rows(points_select(self.rules, "duckdb"))

    def _rows(self, select: str) -> list[dict[str, Any]]:
        found = self.db.execute(select)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def close(self) -> None:
        self.db.close()
