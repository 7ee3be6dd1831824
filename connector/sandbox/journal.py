"""The journal: every request served, in the account's file."""

from __future__ import annotations

from typing import Any

import orjson

from connector.sandbox.state.schema import Database

LONGEST = 10_000_000  # bytes of a body that are kept


class Journal:
    """Method, path, status, the account's time, the number of inputs of a batch, and the bodies of writes."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def note(
        self, at: int, method: str, path: str, query: str, status: int, raw: bytes, fault: str | None
    ) -> None:
        inputs = _inputs(raw) if raw and method != "GET" else None
        body = raw[:LONGEST].decode(errors="replace") if raw and method != "GET" else None
        sql = "insert into journal values (null, ?, ?, ?, ?, ?, ?, ?, ?)"
        self._db.run(sql, at, method, path, query, status, inputs, body, fault)

    def entries(self, since: int = 0, *, path: str = "", bodies: bool = False) -> list[dict[str, Any]]:
        """Requests with numbers above `since`, oldest first; `status` 0 is a connection that was cut."""
        names = ("n", "at", "method", "path", "query", "status", "inputs", "fault", "body")
        sql = f"select {', '.join(names)} from journal where n > ? and instr(path, ?) > 0 order by n"
        entries = [dict(zip(names, row, strict=True)) for row in self._db.rows(sql, since, path)]
        return entries if bodies else [{k: v for k, v in entry.items() if k != "body"} for entry in entries]

    def clear(self) -> None:
        self._db.run("delete from journal")


def _inputs(raw: bytes) -> int:
    """How many records a write names: the inputs of a batch, else one."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return 0
    inputs = body.get("inputs") if isinstance(body, dict) else None
    return len(inputs) if isinstance(inputs, list) else 1
