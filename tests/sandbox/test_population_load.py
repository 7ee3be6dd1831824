"""A population in an account's file: the same however it comes in, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from consistency import complaints
from population_rows import CONTACTS, NOW, merged

from connector.sandbox.rows import Object, Row
from connector.sandbox.state import Account, load
from connector.sandbox.state.load import CHUNK

SORTED = {"forms": "guid", "emails": "email", "links": "1, 2, 3, 4, 5", "aliases": "kind, id"}
TABLES = (
    "objects", "versions", "links", "emails", "aliases", "properties", "owners", "forms", "submissions",
    "email_events", "web_events", "lists", "memberships",
)  # fmt: skip
SUMS = {"objects": "kind, id", "versions": "kind, id, name, at, value", "memberships": "list, contact"}


def made(**given: Any) -> Account:
    return Account(seed=7, now=NOW, **given)


def dump(account: Account, table: str) -> list[tuple[Any, ...]]:
    order = SUMS.get(table) or SORTED.get(table) or "1, 2"
    columns = [row[1] for row in account.db.rows(f"pragma table_info({table})") if row[1] != "n"]
    return account.db.rows(f"select {', '.join(columns)} from {table} order by {order}")


def indexes(account: Account) -> set[str]:
    return {row[0] for row in account.db.rows("select name from sqlite_master where type = 'index'")}


def test_in_one_go_or_in_parts_makes_the_same_account(rows: list[Row]) -> None:
    """In one go the indexes are built at the end and derived values in one pass; in parts they are not."""
    assert len(rows) > 3 * CHUNK
    whole, parts = made(), made()
    try:
        load(whole, rows)
        half = CHUNK - 7
        for start in range(0, len(rows), half):
            load(parts, rows[start : start + half])
        assert indexes(whole) == indexes(parts)
        for table in TABLES:
            assert sorted(map(repr, dump(whole, table))) == sorted(map(repr, dump(parts, table))), table
    finally:
        whole.close()
        parts.close()


def test_in_a_file_as_in_memory(rows: list[Row], tmp_path: Any) -> None:
    stored = made(path=tmp_path / "portal.db")
    load(stored, rows)
    counts = stored.counts()
    stored.close()
    again = Account(tmp_path / "portal.db")
    try:
        assert again.counts() == counts
        assert counts["contacts"] == CONTACTS
        assert again.db.value("pragma journal_mode") == "wal"
        [row, *_] = merged(rows)
        first = int(row.properties["hs_merged_object_ids"].split(";")[0])
        assert again.records.canonical("contacts", first) == row.id
    finally:
        again.close()


def test_rows_that_break_off_leave_an_empty_account_that_can_be_filled(rows: list[Row]) -> None:
    def breaking() -> Iterator[Row]:
        yield from rows[: 2 * CHUNK]
        raise OSError("the source is gone")

    account = made()
    try:
        before = indexes(account)
        with pytest.raises(OSError, match="gone"):
            load(account, breaking())
        assert sum(account.counts().values()) == 0
        assert indexes(account) == before
        load(account, rows)
        assert account.counts()["contacts"] == CONTACTS
    finally:
        account.close()


def test_the_account_does_not_contradict_itself(rows: list[Row]) -> None:
    account = made()
    try:
        load(account, rows)
        assert complaints(account.db.con) == []
    finally:
        account.close()


def test_a_record_in_the_bin_has_no_address(rows: list[Row]) -> None:
    account = made()
    try:
        load(account, rows)
        lying = [
            row for row in rows if isinstance(row, Object) and row.archived and "email" in row.properties
        ]
        assert lying
        assert all(account.records.by_email(row.properties["email"]) is None for row in lying)
        assert all(account.records.find("contacts", row.id, archived=True) for row in lying)
    finally:
        account.close()
