"""A preview is not a decision; accepting is all or nothing, once, and only what is still true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from accounts import DAY, NOW, House, beside, contact, form, house, rules_in, submission

from connector import signals
from connector.decide import accept, braked, preview
from connector.errors import BadCommand, Locked
from connector.sandbox.rows import EmailEvent, WebEvent
from connector.store import bookmarks, decisions, outbox, plans
from connector.store.schema import open_store, write

HOUR = 3_600_000
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


async def test_two_that_judge_events_by_different_mappings_do_not_mix_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        *some(5),
        form("newsletter"),
        *(submission("newsletter", f"c{100 + n}@acme.fr", DAY) for n in range(5)),
    ]
    async with house(tmp_path, rows) as here:
        await here.pull()
        edited = rules_in(tmp_path / "edited", OTHER_MEANING)
        monkeypatch.setattr(signals, "CHUNK", 2)
        batch, met = signals._one_batch, []

        def interrupted(*args: Any) -> int:
            done = batch(*args)
            if not met:
                met.append(1)
                other = open_store(tmp_path / "connector.db")
                signals.derive(other, edited.mapping)
                other.close()
            return done

        monkeypatch.setattr(signals, "_one_batch", interrupted)
        with pytest.raises(Locked, match="another mapping"):
            signals.derive(here.db, here.rules.mapping)
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


# -- holds ---------------------------------------------------------------------------------------------


async def test_sales_sets_a_stage_back_it_stays_90_days_and_then_the_rules_decide_again(
    tmp_path: Path,
) -> None:
    rows = [*some(1), form("devis"), submission("devis", "c100@acme.fr", DAY)]
    async with house(tmp_path, rows) as here:
        await here.sync()
        assert here.held(100, "lifecyclestage") == "salesqualifiedlead"
        here.seconds(60)
        here.portal.edit(100, {"lifecyclestage": "lead"})
        here.seconds(60)
        synced = await here.sync()
        assert synced.accepted is not None
        assert synced.accepted.held["100"].why == "set back to lead by hand in the CRM"
        assert decisions.count_holds(here.db, here.clock.now()) == 1

        here.portal.edit(100, {"jobtitle": "CTO"})
        here.seconds(60)
        again = await here.sync()
        assert again.accepted is not None
        assert again.accepted.held == {}  # known since the first time
        assert here.held(100, "lifecyclestage") == "lead"

        here.seconds(90 * 86_400)
        await here.sync()
        assert here.held(100, "lifecyclestage") == "salesqualifiedlead"
        assert decisions.count_holds(here.db, 0) == 0


async def test_a_hold_is_over_when_sales_goes_forward_again(tmp_path: Path) -> None:
    rows = [*some(1), form("devis"), submission("devis", "c100@acme.fr", DAY)]
    async with house(tmp_path, rows) as here:
        await here.sync()
        for stage, held in (("lead", 1), ("salesqualifiedlead", 0), ("", 1), ("opportunity", 0)):
            here.seconds(60)
            here.portal.edit(100, {"lifecyclestage": stage})
            here.seconds(60)
            await here.sync()
            assert decisions.count_holds(here.db, here.clock.now()) == held, stage
            assert (here.held(100, "lifecyclestage") or "") == stage
        assert decisions.standings(here.db, ["100"])["100"].stage == "qualified_prospect"


async def test_a_step_back_from_a_stage_that_only_a_person_had_set_is_one_too(tmp_path: Path) -> None:
    """We sent `lead` or nothing; sales said SQL, then lead again: what we last sent is no excuse."""
    async with house(tmp_path, [*some(1), *NEWS]) as here:
        for stage in ("salesqualifiedlead", "lead"):
            await here.sync()
            here.seconds(60)
            here.portal.edit(100, {"lifecyclestage": stage})
            here.seconds(60)
        synced = await here.sync()
        assert (synced.plan.summary["held"], here.held(100, "lifecyclestage")) == (1, "lead")


async def test_a_hold_that_ends_while_a_plan_waits_is_judged_afterwards(tmp_path: Path) -> None:
    async with house(tmp_path, some(2)) as here:
        await here.sync()
        with write(here.db):
            decisions.put_hold(here.db, decisions.HoldRow("101", "stage", "by hand", 0, NOW + 1))
        plan = here.plan(only=["100"])
        here.seconds(60)
        here.accept(plan)
        assert decisions.to_judge(here.db, here.clock.now()) == ["101"]


# -- time ----------------------------------------------------------------------------------------------


async def test_a_run_that_comes_late_decides_what_an_awake_one_would_have(tmp_path: Path) -> None:
    """100 points, then 50 as everything turns 30 days old, then 90: warm for whoever saw the dip."""
    rows = [*some(1), form("demo-download"), *downloads(0, 1, 2), *opens(0, 5)]
    async with (
        house(tmp_path, rows) as here,
        beside(here.portal, here.rules, tmp_path / "late.db") as late,
    ):
        for both in (here, late):
            await both.sync()
            assert standing(both)[:2] == ("mql", "hot")
        for days in (27, 1, 1, 1, 1):
            here.seconds(days * 86_400)
            here.accept(here.plan())
        now = here.clock.now()
        again = [submission("demo-download", "c100@acme.fr", NOW - now + age) for age in (DAY, 0)]
        visit = WebEvent("w", 100, "e_visited_page", now, {"hs_url": "https://acme.fr/tarifs"})
        here.portal.happen([*again, visit])
        here.seconds(60)
        for both in (here, late):
            await both.pull()
            both.accept(both.plan())
        assert (
            decisions.last_points(here.db, ["100"]) == decisions.last_points(late.db, ["100"]) == {"100": 90}
        )
        assert standing(here)[:2] == standing(late)[:2] == ("mql", "warm")
        dip = NOW + 29 * DAY - HOUR  # the second download turned 30 days old
        assert standing(here)[2] == standing(late)[2] == dip


def standing(here: House) -> tuple[str | None, str | None, int]:
    found = decisions.standings(here.db, ["100"])["100"]
    return found.stage, found.temperature, found.temperature_since or 0


def downloads(*days: int) -> list[Any]:
    return [submission("demo-download", "c100@acme.fr", day * DAY + HOUR) for day in days]


def opens(first: int, number: int) -> list[Any]:
    return [
        EmailEvent(f"e{first + n}", "OPEN", NOW - DAY, "c100@acme.fr", first + n, "Bonjour")
        for n in range(number)
    ]


# -- the cache is disposable ---------------------------------------------------------------------------


async def test_a_cache_that_was_deleted_comes_back_and_changes_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, contacts=120) as here:
        await here.sync()
        kept = here.rows("SELECT contact_id, stage, temperature FROM standing ORDER BY 1")
        here.requests()
        async with beside(here.portal, here.rules, tmp_path / "new.db") as new:
            synced = await new.sync(brake=0.2)
            assert (synced.braked, synced.plan.summary["changed"]) == (False, 0)
            assert here.writes() == []
            assert new.rows("SELECT contact_id, stage, temperature FROM standing ORDER BY 1") == kept
            assert new.rows("SELECT * FROM transition") == []


async def test_the_temperature_remembers_where_it_came_from(tmp_path: Path) -> None:
    """90 points stay hot for who was hot, and are warm for who was not: the CRM keeps which."""
    hot = [form("demo-download"), *downloads(1, 2, 3), *opens(0, 3)]
    async with house(tmp_path, [contact(100, lq_temperature="hot", lq_stage="lead"), *hot]) as here:
        await here.pull()
        plan = here.plan()
        [document] = plans.items(here.db, plan.seq)
        assert (document["points"]["to"], document["temperature"]) == (90, "hot")
        assert document["stage"] == {"from": "lead", "to": "lead", "crm": "lead", "why": "", "rule": ""}
    async with house(tmp_path / "other", [contact(100), *hot]) as here:
        await here.pull()
        [document] = plans.items(here.db, here.plan().seq)
        assert document["temperature"] == "warm"


async def test_a_set_back_is_held_by_a_new_cache_too(tmp_path: Path) -> None:
    rows = [*some(1), form("devis"), submission("devis", "c100@acme.fr", DAY)]
    async with house(tmp_path, rows) as here:
        await here.sync()
        here.seconds(60)
        here.portal.edit(100, {"lifecyclestage": "lead"})
        here.seconds(60)
        async with beside(here.portal, here.rules, tmp_path / "new.db") as new:
            synced = await new.sync()
            assert (synced.plan.summary["held"], here.held(100, "lifecyclestage")) == (1, "lead")


async def test_the_journeys_beginning_is_read_back_as_the_crm_spells_it(tmp_path: Path) -> None:
    """Signals from before it count for nothing; and it is not written again and again."""
    epoch = "2026-11-14T09:00:00.345Z"
    async with house(tmp_path, [contact(100, lq_stage="contact", lq_epoch=epoch), *NEWS]) as here:
        await here.sync()
        assert decisions.standings(here.db, ["100"])["100"].epoch_at == NOW - 2 * DAY + 345
        assert here.held(100, "lq_stage") == "contact"
        assert not any(row["key"] == "lq_epoch" for row in here.rows("SELECT key FROM outbox"))


async def test_facts_of_the_account_are_those_of_the_rules_that_decided(tmp_path: Path) -> None:
    async with house(tmp_path, some(2)) as here:
        assert bookmarks.fact(here.db, "rules") is None
        await here.sync()
        assert bookmarks.fact(here.db, "rules") == here.rules.hash
        assert bookmarks.fact(here.db, "applied_rules") == [here.rules.hash]
