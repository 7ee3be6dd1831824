"""The whole way, once: what it does, what it leaves alone, and that it goes on from wherever it stopped."""

from __future__ import annotations

from pathlib import Path

import pytest
from accounts import DAY, beside, contact, form, house, submission

from connector.errors import BadCommand, Unreachable
from connector.sandbox import Fault
from connector.store import outbox
from connector.sync import sync

UPDATE = "/contacts/batch/update"
ROWS = (
    contact(101, hs_persona="decision_maker"),
    contact(102, jobtitle="Étudiante", lifecyclestage="subscriber"),
    form("newsletter"),
    submission("newsletter", "c101@acme.fr", 3 * DAY),
)


async def test_from_an_empty_cache_to_the_crm_and_then_silence(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        first = await here.sync()
        assert first.accepted is not None
        assert first.sent is not None
        assert (first.plan.summary["judged"], first.accepted.contacts, first.sent.sent) == (2, 2, 2)
        assert here.held(101, "lq_why") == "+20 Decision maker"
        assert here.held(102, "lq_why") == "-50 Student"
        assert (here.held(101, "lifecyclestage"), here.held(102, "lifecyclestage")) == ("lead", "subscriber")
        here.requests()
        for _ in range(3):
            here.seconds(300)
            again = await here.sync()
            assert (again.plan.status, again.plan.summary["judged"]) == ("empty", 0)
        assert here.writes() == []


async def test_a_dry_run_ends_before_anything_is_decided(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        synced = await here.sync()
        here.portal.edit(102, {"jobtitle": "CTO"})
        here.seconds(60)
        await here.pull()
        here.plan()
        before = here.tables("plan", "plan_item", "bookmark", "fact", "contact")
        here.requests()
        dry = await sync(here.way(), dry_run=True)
        assert (dry.accepted, dry.sent, dry.plan.summary["changed"]) == (None, None, 1)
        assert here.writes() == []
        assert here.tables("plan", "plan_item", "bookmark", "fact", "contact") == before
        assert synced.plan.id != dry.plan.id


async def test_without_our_properties_nothing_is_planned(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, provisioned=False) as here:
        with pytest.raises(BadCommand, match="no property"):
            await here.sync()
        assert here.rows("SELECT * FROM plan") == []


@pytest.mark.parametrize("skip", range(0, 14, 2))
async def test_wherever_it_is_cut_off_the_next_one_brings_the_same_end(tmp_path: Path, skip: int) -> None:
    async with house(tmp_path, ROWS) as here:
        here.portal.faults([Fault(skip=skip, times=99, cut="before")])
        with pytest.raises(Unreachable):
            await here.sync()
        here.portal.clear_faults()
        here.requests()
        here.seconds(60)
        await here.sync()
        assert (here.held(101, "lq_score"), here.held(101, "lq_stage")) == ("20", "lead")
        assert len(here.portal.history("contacts", 101, "lq_score")) == 1
        assert {k: n for k, n in outbox.counts(here.db).items() if n} == {"sent": 14}
        assert len(here.rows("SELECT * FROM transition")) == 3


async def test_rows_that_an_earlier_run_left_go_out_with_the_next(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await here.pull()
        here.accept(here.plan())
        synced = await here.sync()
        assert synced.accepted is not None
        assert synced.sent is not None
        assert (synced.plan.summary["judged"], synced.sent.sent) == (0, 2)


async def test_a_stop_ends_it_between_batches_and_nothing_is_lost(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        stopped = await here.sync(stop=lambda: True)
        assert stopped.sent is not None
        assert (stopped.sent.sent, here.writes()) == (0, [])
        synced = await here.sync()
        assert synced.sent is not None
        assert synced.sent.sent == 2


async def test_progress_is_told_step_by_step(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        told: dict[str, int] = {}

        def tick(step: str, count: int) -> None:
            told[step] = told.get(step, 0) + count

        await here.sync(tick=tick)
        assert (told["contacts"], told["forms"], told["plan"], told["apply"]) == (2, 1, 2, 2)


async def test_two_caches_of_one_account_agree_and_do_not_fight(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here, beside(here.portal, here.rules, tmp_path / "other.db") as other:
        await here.sync()
        for _ in range(2):
            here.seconds(300)
            here.requests()
            assert (await other.sync()).plan.summary["changed"] == 0
            assert (await here.sync()).plan.summary["changed"] == 0
            assert here.writes() == []


BIG = (
    "contact",
    "engagement",
    "signal",
    "score",
    "standing",
    "outbox",
    "transition",
    "stage_note",
    "address",
)


async def test_a_sync_of_a_few_goes_through_none_of_the_big_tables(tmp_path: Path) -> None:
    """At a million contacts a full scan per batch is what makes a minute of a millisecond."""
    async with house(tmp_path, [*ROWS, form("devis")]) as here:
        await here.sync()
        here.portal.happen([submission("devis", "c101@acme.fr", 0)])
        here.portal.edit(102, {"jobtitle": "CTO"})
        here.seconds(60)
        asked: list[str] = []
        here.db.conn.set_trace_callback(asked.append)
        await here.sync()
        here.db.conn.set_trace_callback(None)
        scanned = {
            f"{step[3]}: {sql[:100]}"
            for sql in dict.fromkeys(asked)
            if sql.split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
            for step in here.db.execute(f"EXPLAIN QUERY PLAN {sql}")
            if step[3].split()[0] == "SCAN" and step[3].split()[1] in (*BIG, "c", "e", "s", "o")
        }
        small = ("count(*) FROM contact", "INDEX outbox_task", "INDEX outbox_action")  # what waits to be done
        assert {step for step in scanned if not any(name in step for name in small)} == set()
