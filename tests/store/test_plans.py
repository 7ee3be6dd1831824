"""Plans as they were made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlite_utils import Database

from connector.errors import BadCommand
from connector.store import plans
from connector.store.schema import open_store


@pytest.fixture
def db() -> Iterator[Database]:
    opened = open_store(":memory:")
    yield opened
    opened.close()


def document(contact: str, *, changes: int = 0, hold: bool = False) -> dict[str, Any]:
    return {"contact": contact, "changes": [{}] * changes, "hold": {"why": "x"} if hold else None}


def made(db: Database, id: str, *documents: dict[str, Any]) -> plans.PlanRow:
    seq = plans.start(db, 1, 2, "rules", 3)
    plans.add(db, seq, documents)
    plans.finish(db, seq, id, "open", {"changed": 1})
    return plans.find_seq(db, seq)


def contacts(db: Database, seq: int, *, changed_only: bool = False) -> list[str]:
    return [item["contact"] for item in plans.items(db, seq, changed_only=changed_only)]


def test_a_plan_is_found_by_its_beginning_or_as_the_newest(db: Database) -> None:
    first, second = made(db, "7c1e0000"), made(db, "7d000000")
    assert plans.find(db, None) == second
    assert plans.find(db, "7c") == plans.find(db, "7c1e0000") == first
    with pytest.raises(BadCommand, match="beginning of several"):
        plans.find(db, "7")
    with pytest.raises(BadCommand, match="no plan 9"):
        plans.find(db, "9")
    for wild in ("%", "_", "7_"):
        with pytest.raises(BadCommand):
            plans.find(db, wild)


def test_no_plan_yet_and_a_plan_that_was_not_finished(db: Database) -> None:
    plans.start(db, 1, 2, "rules", 3)
    with pytest.raises(BadCommand, match="no plan yet"):
        plans.find(db, None)


def test_of_plans_with_the_same_content_the_newest_is_meant(db: Database) -> None:
    made(db, "7c1e0000")
    newest = made(db, "7c1e0000")
    assert plans.find(db, "7c1e").seq == newest.seq


def test_documents_come_in_the_order_of_ids_and_those_that_say_nothing_may_be_left_out(db: Database) -> None:
    row = made(db, "a", document("2"), document("10", changes=1), document("1", hold=True))
    assert contacts(db, row.seq) == ["1", "10", "2"]
    assert contacts(db, row.seq, changed_only=True) == ["1", "10"]


def test_an_accepted_plan_keeps_what_it_said(db: Database) -> None:
    row = made(db, "a", document("2"), document("10", changes=1), document("1", hold=True))
    plans.accepted(db, row.seq)
    assert plans.find(db, "a").status == "accepted"
    assert contacts(db, row.seq) == ["1", "10"]


def test_old_plans_leave_their_summary(db: Database) -> None:
    rows = [made(db, f"p{n:02}", document("1", changes=1)) for n in range(plans.KEPT + 1)]
    assert contacts(db, rows[0].seq) == []
    assert contacts(db, rows[1].seq) == ["1"]
    assert plans.find(db, "p00").summary == {"changed": 1}
