"""A preview is not a decision; accepting is all or nothing, once, and only what is still true."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from accounts import DAY, NOW, House, beside, contact, form, house, rules_in, submission

from connector import signals
from connector.decide import accept, braked, preview
from connector.errors import BadCommand, Locked
from connector.store import decisions, outbox, plans
from connector.store.schema import open_store

HARSHER = {"workflows/qualification.yaml": [("points: -50\n", "points: -40\n")]}
OTHER_MEANING = {"mappings/signals.yaml": [("{form: {in: [newsletter]}}", "{form: {in: [infolettre]}}")]}


def some(number: int, **values: str) -> list[Any]:
    return [contact(100 + n, **values) for n in range(number)]


NEWS = (form("newsletter"), submission("newsletter", "c100@acme.fr", 3 * DAY))


def document_bytes(here: House, seq: int) -> list[tuple[Any, ...]]:
    return here.db.execute(
        "SELECT contact_id, document FROM plan_item WHERE plan = ? ORDER BY 1", [seq]
    ).fetchall()


# -- preview -------------------------------------------------------------------------------------------


async def test_a_preview_writes_nothing_but_the_plan(tmp_path: Path) -> None:
    async with house(tmp_path, [*some(3), *NEWS]) as here:
        await here.pull()
        signals.derive(here.db, here.rules.mapping)
        before = here.tables("plan", "plan_item")
        plan = preview(here.db, here.rules, NOW)
        assert (plan.status, plan.summary["changed"]) == ("open", 3)
        assert here.tables("plan", "plan_item") == before


async def test_the_same_input_gives_the_same_plan_byte_for_byte(tmp_path: Path) -> None:
    async with house(tmp_path, contacts=60) as here:
        await here.pull()
        first, second = here.plan(), here.plan()
        assert first.id == second.id
        assert document_bytes(here, first.seq) == document_bytes(here, second.seq)
        async with beside(here.portal, here.rules, tmp_path / "other.db") as other:
            await other.pull()
            third = other.plan()
            assert third.id == first.id
            assert document_bytes(other, third.seq) == document_bytes(here, first.seq)


async def test_after_it_was_accepted_there_is_nothing_to_plan(tmp_path: Path) -> None:
    async with house(tmp_path, contacts=60) as here:
        await here.pull()
        here.accept(here.plan())
        again = here.plan()
        assert (again.status, again.summary["judged"], again.summary["changed"]) == ("empty", 0, 0)


async def test_a_plan_of_a_few_does_not_make_its_rules_the_accounts(tmp_path: Path) -> None:
    async with house(tmp_path, some(3)) as here:
        await here.pull()
        few = here.plan(only=["101", "unknown"])
        assert (few.summary["judged"], few.summary["contacts"]) == (1, 3)
        here.accept(few)
        assert here.plan().summary["judged"] == 3


async def test_progress_is_told_in_contacts(tmp_path: Path) -> None:
    async with house(tmp_path, some(3)) as here:
        await here.pull()
        told: list[int] = []
        here.plan(tick=told.append)
        assert sum(told) == 3


# -- accept --------------------------------------------------------------------------------------------


async def test_accepting_is_all_or_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, some(3)) as here:
        await here.pull()
        plan = here.plan()
        before = here.tables()
        here.db.execute(
            "CREATE TRIGGER broken BEFORE INSERT ON outbox WHEN new.contact_id = '102' "
            "BEGIN SELECT RAISE(ABORT, 'the disk is gone'); END"
        )
        with pytest.raises(Exception, match="the disk is gone"):
            here.accept(plan)
        assert here.tables() == before
        here.db.execute("DROP TRIGGER broken")
        assert here.accept(plan).contacts == 3


async def test_a_plan_is_accepted_once(tmp_path: Path) -> None:
    async with house(tmp_path, [*some(3), *NEWS]) as here:
        await here.pull()
        plan = here.plan()
        first = here.accept(plan)
        before = here.tables()
        second = here.accept(plan)
        assert (first.contacts, second.contacts, second.put) == (3, 0, 0)
        assert here.tables() == before


async def test_a_twin_of_an_accepted_plan_adds_nothing(tmp_path: Path) -> None:
    """Two previews of one moment have one id; the second says what was decided already."""
    async with house(tmp_path, [*some(3), *NEWS]) as here:
        await here.pull()
        first, twin = here.plan(), here.plan()
        here.accept(first)
        transitions, open_rows = here.rows("SELECT * FROM transition"), outbox.counts(here.db)
        accepted = here.accept(twin)
        assert (accepted.contacts, len(accepted.stale)) == (0, 3)
        assert here.rows("SELECT * FROM transition") == transitions
        assert outbox.counts(here.db) == open_rows
        assert here.plan().summary["changed"] == 3  # judged again; they wait in the outbox still
        await here.sync()
        assert here.held(100, "lq_stage") == "lead"


async def test_who_changed_since_is_left_out_listed_and_judged_again(tmp_path: Path) -> None:
    async with house(tmp_path, some(3)) as here:
        await here.pull()
        plan = here.plan()
        here.portal.edit(101, {"jobtitle": "Étudiante"})
        here.seconds(60)
        await here.pull()
        accepted = here.accept(plan)
        assert (accepted.stale, accepted.contacts) == (("101",), 2)
        assert decisions.to_judge(here.db, here.clock.now()) == ["101"]
        await here.sync()
        assert here.held(101, "lq_fit") == "-50"


async def test_who_was_decided_on_by_another_plan_since_is_left_out(tmp_path: Path) -> None:
    """An old plan must not take back what a sync decided meanwhile."""
    async with house(tmp_path, [*some(2), form("newsletter")]) as here:
        await here.sync()
        old = here.plan(everyone=True)
        here.portal.happen([submission("newsletter", "c100@acme.fr", 0)])
        here.seconds(60)
        await here.sync()
        assert decisions.standings(here.db, ["100"])["100"].stage == "lead"
        here.accept(old)
        assert decisions.standings(here.db, ["100"])["100"].stage == "lead"
        assert decisions.to_judge(here.db, here.clock.now()) == ["100"]


async def test_what_waits_from_before_and_is_no_longer_wanted_is_not_sent(tmp_path: Path) -> None:
    async with house(tmp_path, [*some(1), form("newsletter")]) as here:
        await here.sync()
        here.portal.edit(100, {"jobtitle": "Étudiante"})
        here.seconds(60)
        await here.pull()
        here.accept(here.plan())  # and the run dies before it sends
        here.portal.edit(100, {"jobtitle": "CTO"})
        here.seconds(60)
        await here.sync()
        assert here.held(100, "lq_fit") == "0"
        assert decisions.last_points(here.db, ["100"]) == {"100": 0}
        assert outbox.counts(here.db)["pending"] == 0


# -- other rules ---------------------------------------------------------------------------------------


async def test_a_preview_of_edited_rules_does_not_leak_into_the_next_sync(tmp_path: Path) -> None:
    rows = [*some(2, jobtitle="Étudiante"), *NEWS]
    async with house(tmp_path, rows) as here:
        await here.sync()
        edited = rules_in(tmp_path / "edited", {**HARSHER, **OTHER_MEANING})
        signals.derive(here.db, edited.mapping)
        draft = preview(here.db, edited, NOW)
        assert (draft.summary["changed"], draft.summary["rules_are_new"]) == (2, True)
        here.requests()
        synced = await here.sync()
        assert (synced.plan.summary["changed"], here.writes()) == (0, [])
        assert (here.held(100, "lq_fit"), here.held(100, "lq_stage")) == ("-50", "lead")
        with pytest.raises(BadCommand, match="no plan 0"):
            plans.find(here.db, "0" * 9)


async def test_signals_of_another_mapping_are_never_judged_by_ours(tmp_path: Path) -> None:
    """Whoever swaps the signals between our derive and our preview: the preview makes them its own again."""
    async with house(tmp_path, [*some(2), *NEWS]) as here:
        await here.pull()
        edited = rules_in(tmp_path / "edited", OTHER_MEANING)
        signals.derive(here.db, here.rules.mapping)
        signals.derive(here.db, edited.mapping)
        plan = preview(here.db, here.rules, NOW)
        stages = {d["contact"]: d["stage"]["to"] for d in plans.items(here.db, plan.seq)}
        assert stages == {"100": "lead", "101": "contact"}
        signals.derive(here.db, edited.mapping)
        assert accept(here.db, plan, NOW).contacts == 0  # their inputs changed: all are judged again


async def test_two_that_judge_events_by_different_mappings_do_not_mix_them(tmp_path: Path) -> None:
    rows = [
        *some(5),
        form("newsletter"),
        *(submission("newsletter", f"c{100 + n}@acme.fr", DAY) for n in range(5)),
    ]
    async with house(tmp_path, rows) as here:
        await here.pull()
        edited = rules_in(tmp_path / "edited", OTHER_MEANING)
        met: list[int] = []

        def meanwhile(count: int) -> None:
            met.append(count)
            with closing(open_store(tmp_path / "connector.db")) as other:
                signals.derive(other, edited.mapping)

        with pytest.raises(Locked, match="another mapping"):
            signals.derive(here.db, here.rules.mapping, chunk=2, tick=meanwhile)
        assert met == [2]
        assert here.rows("SELECT * FROM signal") == []  # by the edited mapping nobody subscribed
        signals.derive(here.db, here.rules.mapping)
        assert len(here.rows("SELECT * FROM signal")) == 5


# -- the brake -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "stops"), [(49, False), (50, True)])
async def test_the_brake_is_off_below_fifty_contacts(tmp_path: Path, number: int, stops: bool) -> None:
    async with house(tmp_path, some(number)) as here:
        synced = await here.sync(brake=0.2)
        assert synced.braked is stops
        assert (synced.sent is None) is stops
        assert len(here.writes()) == (0 if stops else 1)


@pytest.mark.parametrize(("movers", "stops"), [(10, False), (11, True)])
async def test_more_than_the_share_of_stage_changes_is_stopped(
    tmp_path: Path, movers: int, stops: bool
) -> None:
    async with house(tmp_path, [*some(50), form("newsletter")]) as here:
        await here.sync()
        here.portal.happen([submission("newsletter", f"c{100 + n}@acme.fr", 0) for n in range(movers)])
        here.seconds(60)
        synced = await here.sync(brake=0.2)
        assert (synced.plan.summary["stage_changes"], synced.braked) == (movers, stops)
        assert here.held(100, "lq_stage") == ("contact" if stops else "lead")


async def test_changes_without_a_stage_pass_but_not_under_rules_that_were_never_applied(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, some(50, jobtitle="Étudiante")) as here:
        await here.sync()
        here.rules = rules_in(tmp_path / "edited", HARSHER)
        synced = await here.sync(brake=0.2)
        assert (synced.braked, synced.plan.summary["stage_changes"]) == (True, 0)
        again = await here.sync(brake=0.2)
        assert again.braked  # every time, until a person applies it
        await here.apply(again.plan)
        assert here.held(100, "lq_fit") == "-40"
        here.rules = rules_in(tmp_path)  # back to rules that were applied once
        back = await here.sync(brake=0.2)
        assert (back.braked, here.held(100, "lq_fit")) == (False, "-50")


def test_the_brake_is_about_more_than_the_share() -> None:
    summary = {"contacts": 100, "changed": 90, "stage_changes": 20, "rules_are_new": False}
    row = plans.PlanRow(1, "a", 0, 0, "r", 0, "open", summary)
    assert not braked(row, 0.20)
    assert braked(row, 0.19)
    new = plans.PlanRow(1, "a", 0, 0, "r", 0, "open", {**summary, "rules_are_new": True})
    assert braked(new, 0.20)
