"""Scores, standings, holds, and who must be judged again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlite_utils import Database

from connector.model import POINT, Score, Standing
from connector.store import decisions
from connector.store.decisions import HoldRow, StageNote
from connector.store.schema import open_store


@pytest.fixture
def db() -> Iterator[Database]:
    opened = open_store(":memory:")
    for id in ("1", "2", "3"):
        opened.execute("INSERT INTO contact (id, seen_at, properties) VALUES (?, 0, '{}')", [id])
    yield opened
    opened.close()


def score(id: str, points: int = 5, next_change_at: int | None = None) -> Score:
    return Score(id, 1, points, points * POINT, {"fit": 0}, {}, {}, {}, (True, False), next_change_at)


def test_who_changed_is_judged_until_it_was(db: Database) -> None:
    decisions.mark_dirty(db, ["2", "1", "2", "unknown to the cache"])
    assert decisions.to_judge(db, 0) == ["1", "2"]
    decisions.clear_dirty(db, ["1"], decisions.stamp_now(db))
    assert decisions.to_judge(db, 0) == ["2"]


def test_a_change_during_the_judging_is_not_forgotten(db: Database) -> None:
    decisions.mark_dirty(db, ["1", "2"])
    seen = decisions.stamp_now(db)
    decisions.mark_dirty(db, ["2"])
    assert decisions.changed_after(db, seen) == {"2"}
    decisions.clear_dirty(db, ["1", "2"], seen)
    assert decisions.to_judge(db, 0) == ["2"]


def test_a_decision_makes_older_plans_of_the_contact_stale(db: Database) -> None:
    seen = decisions.stamp_now(db)
    decisions.put_score(db, score("1"), "rules", decisions.next_stamp(db))
    assert decisions.changed_after(db, seen) == {"1"}
    assert decisions.changed_after(db, decisions.stamp_now(db)) == set()


def test_who_is_due_by_time_or_by_the_end_of_a_hold_is_judged(db: Database) -> None:
    decisions.put_score(db, score("1", next_change_at=100), "rules", 1)
    decisions.put_hold(db, HoldRow("2", "stage", "by hand", 0, 100))
    assert decisions.to_judge(db, 99) == []
    assert decisions.to_judge(db, 100) == ["1", "2"]
    assert decisions.due(db, ["1", "2", "3"], 101) == {"1": 100}
    assert decisions.due(db, ["1"], 100) == {}  # judged at this very moment


def test_everybody_is_marked_when_the_meaning_of_the_inputs_changes(db: Database) -> None:
    decisions.mark_everyone(db)
    assert decisions.to_judge(db, 0) == decisions.everyone(db) == ["1", "2", "3"]


@pytest.mark.parametrize("table", ["score", "hold"])
def test_nobody_scans_a_million_rows_to_find_who_is_due(db: Database, table: str) -> None:
    asked: list[str] = []
    db.conn.set_trace_callback(asked.append)
    decisions.to_judge(db, 0)
    decisions.changed_after(db, 0)
    db.conn.set_trace_callback(None)
    steps = [row[3] for sql in asked for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert any(step.startswith(f"SEARCH {table}") for step in steps)
    assert not any(step.startswith(f"SCAN {table}") for step in steps)


def test_a_score_a_standing_and_a_note_come_back_as_they_were(db: Database) -> None:
    standing = Standing("1", 2, 7, "mql", 5, "hot", 6, frozenset({"contact", "lead", "mql"}))
    decisions.put_standing(db, standing)
    decisions.put_standing(db, Standing("2"))
    assert decisions.standings(db, ["1", "2", "3"]) == {"1": standing, "2": Standing("2")}
    note = StageNote("lead", 5, "person", "CRM_UI", "userId:1", "customer")
    decisions.put_note(db, "1", note)
    assert decisions.notes(db, ["1", "2"]) == {"1": note}
    decisions.drop_notes(db, ["1"])
    assert decisions.notes(db, ["1"]) == {}
    decisions.put_score(db, score("1", 12), "rules", 1)
    assert decisions.last_points(db, ["1", "2"]) == {"1": 12}


def test_whose_stage_is_to_be_looked_up_is_remembered_once(db: Database) -> None:
    decisions.expect_notes(db, ["2", "1"])
    decisions.expect_notes(db, ["2"])
    assert decisions.unwitnessed(db, 1) == ["1"]
    decisions.witnessed(db, ["1"])
    assert decisions.unwitnessed(db, 10) == ["2"]


def test_a_hold_is_new_once_lasts_until_its_moment_and_can_end_before(db: Database) -> None:
    hold = HoldRow("1", "stage", "set back by hand", 0, 100)
    assert decisions.put_hold(db, hold)
    assert not decisions.put_hold(db, hold)
    assert decisions.put_hold(db, HoldRow("1", "stage", "set back again", 50, 150))
    assert decisions.holds(db, ["1", "2"], 149)["1"].until == 150
    assert decisions.holds(db, ["1"], 150) == {}
    assert (decisions.count_holds(db, 149), decisions.count_holds(db, 150)) == (1, 0)
    decisions.end_hold(db, "1")
    assert decisions.count_holds(db, 0) == 0


def test_contacts_are_listed_hottest_first(db: Database) -> None:
    for id, points, stage, band in (
        ("1", 5, "lead", "cold"),
        ("2", 120, "mql", "hot"),
        ("3", 120, "mql", "hot"),
    ):
        decisions.put_score(db, score(id, points), "rules", 1)
        decisions.put_standing(db, Standing(id, stage=stage, temperature=band))
    decisions.put_hold(db, HoldRow("3", "stage", "by hand", 0, 100))

    def ids(
        *,
        now: int = 0,
        stage: str | None = None,
        band: str | None = None,
        held: bool = False,
        limit: int | None = None,
    ) -> tuple[int, list[str]]:
        found, rows = decisions.listed(db, now, stage=stage, band=band, held=held, limit=limit)
        return found, [row["id"] for row in rows]

    assert ids() == (3, ["2", "3", "1"])
    assert ids(limit=1) == (3, ["2"])
    assert ids(stage="lead") == (1, ["1"])
    assert ids(band="hot", held=True) == (1, ["3"])
    assert ids(held=True, now=100) == (0, [])
    assert decisions.by_stage(db) == {"lead": 1, "mql": 2}
    assert decisions.by_temperature(db) == {"cold": 1, "hot": 2}
