"""What the tests of the population share: how many, when, and the rows of a kind."""

from __future__ import annotations

from collections import defaultdict

from connector.sandbox.rows import Link, Object, Row

NOW = 1_795_219_200_000  # 2026-11-21
CONTACTS = 2_000
STAGES = [  # in the account's order; two of them it made itself
    "lead", "51439524", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "98177316",
]  # fmt: skip


def objects(rows: list[Row], kind: str) -> list[Object]:
    """Those that live."""
    return [row for row in rows if isinstance(row, Object) and row.kind == kind and not row.archived]


def binned(rows: list[Row]) -> list[Object]:
    return [row for row in rows if isinstance(row, Object) and row.archived]


def merged(rows: list[Row]) -> list[Object]:
    return [row for row in objects(rows, "contacts") if "hs_merged_object_ids" in row.properties]


def addresses(row: Object) -> list[str]:
    """Every address of a contact, the first one first."""
    texts = [row.properties.get("email", ""), *row.properties.get("hs_additional_emails", "").split(";")]
    return [text for text in texts if text]


def people(rows: list[Row]) -> dict[str, Object]:
    """The living contacts by each of their addresses."""
    return {address: row for row in objects(rows, "contacts") for address in addresses(row)}


def linked(rows: list[Row], kind: str) -> dict[int, list[Object]]:
    """The records of a kind by the contact that they are joined to."""
    kept = {row.id: row for row in objects(rows, kind)}
    found: dict[int, list[Object]] = defaultdict(list)
    for row in rows:
        if isinstance(row, Link) and (row.from_kind, row.to_kind) == (kind, "contacts"):
            found[row.to_id].append(kept[row.from_id])
    return found


def values(rows: list[Row], kind: str, name: str) -> set[str]:
    return {row.properties[name] for row in objects(rows, kind) if name in row.properties}
