"""Hand-offs as they were decided, and what sales did about contacts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlite_utils import Database

from connector.model import DAY, HOUR, Engagement, HandOff
from connector.store import engagement, handoffs
from connector.store.schema import open_store, write

NOW = 1_794_819_600_000  # 2026-11-16T09:00Z
OPEN = HandOff("1", 1, "mql", NOW, "7", NOW + HOUR, told_at=NOW)
TAKEN = HandOff(
    "2", 2, "sql", NOW - DAY, state="accepted", settled_at=NOW, why="first touch", first_touch_at=NOW
)


@pytest.fixture
def db() -> Iterator[Database]:
    opened = open_store(":memory:")
    for id in ("1", "2"):
        opened.execute(
            "INSERT INTO contact (id, created_at, seen_at, properties) VALUES (?, ?, 0, '{}')", [id, NOW]
        )
    with write(opened):
        handoffs.put(opened, [OPEN, TAKEN])
    yield opened
    opened.close()


def test_a_hand_off_comes_back_as_it_was_and_is_replaced_by_what_becomes_of_it(db: Database) -> None:
    assert handoffs.of(db, ["1", "2", "3"]) == {"1": (OPEN,), "2": (TAKEN,)}
    late = HandOff("1", 1, "mql", NOW, "7", NOW + HOUR, under_way=True, breached_at=NOW + HOUR)
    with write(db):
        handoffs.put(db, [late])
    assert handoffs.of(db, ["1"]) == {"1": (late,)}


def test_open_ones_are_counted_and_those_of_them_whose_time_is_up(db: Database) -> None:
    assert handoffs.count_open(db, NOW) == (1, 0)
    assert handoffs.count_open(db, NOW + HOUR) == (1, 1)
    db.execute("DELETE FROM contact WHERE id = '1'")  # gone from the CRM
    assert handoffs.count_open(db, NOW + HOUR) == (0, 0)
    assert handoffs.offered_since(db, NOW - DAY) == [TAKEN]
    assert handoffs.offered_since(db, NOW - DAY + 1) == []


@pytest.mark.parametrize(
    ("done", "waiting"),
    [
        (("1", NOW + 1), ["1"]),
        (("1", NOW - DAY + 1), ["1"]),  # sales was talking to them already
        (("1", NOW - DAY), []),
        (("2", NOW), []),  # the touch that we know
        (("2", NOW - HOUR), ["2"]),  # an earlier one, logged late
        (("3", NOW), []),
    ],
)
def test_whose_hand_off_an_act_of_sales_may_concern(
    db: Database, done: tuple[str, int], waiting: list[str]
) -> None:
    assert handoffs.waiting_for(db, [done, done], DAY) == waiting


def test_what_sales_did_is_found_without_reading_what_contacts_did(db: Database) -> None:
    calls = [
        Engagement("calls", str(n), "call", NOW + n, "1", None, {"direction": "OUTBOUND"}) for n in (2, 1)
    ]
    opened = Engagement("email_events", "9", "email_open", NOW, "1", None, {})
    with write(db):
        engagement.put(db, [*calls, opened], NOW)
    found = handoffs.dealings(db, ["1", "2"])
    assert found == [("1", "call", NOW + n, {"direction": "outbound"}) for n in (1, 2)]
    asked: list[str] = []
    db.conn.set_trace_callback(asked.append)
    handoffs.dealings(db, ["1"])
    handoffs.waiting_for(db, [("1", NOW)], DAY)
    db.conn.set_trace_callback(None)
    steps = [row[3] for sql in asked for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert any("engagement_touch (contact_id=?)" in step for step in steps)
    assert not any(step.startswith(("SCAN engagement", "SCAN h")) for step in steps)
