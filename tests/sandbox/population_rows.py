"""What the tests of the population share: how many, when, and the rows of a kind."""

from __future__ import annotations

from connector.sandbox.rows import Object, Row

NOW = 1_795_219_200_000  # 2026-11-21
CONTACTS = 2_000
STAGES = ["lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer"]


def objects(rows: list[Row], kind: str) -> list[Object]:
    return [row for row in rows if isinstance(row, Object) and row.kind == kind]


def values(rows: list[Row], kind: str, name: str) -> set[str]:
    return {row.properties[name] for row in objects(rows, kind) if name in row.properties}
