"""What decisions remember: holds, the moments that were missed, and what the CRM keeps for a new cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from accounts import DAY, NOW, House, beside, contact, form, house, submission

from connector.sandbox.rows import EmailEvent, WebEvent
from connector.store import bookmarks, decisions, plans
from connector.store.schema import write

HOUR = 3_600_000
NEWS = (form("newsletter"), submission("newsletter", "c100@acme.fr", 3 * DAY))


def some(number: int, **values: str) -> list[Any]:
    return [contact(100 + n, **values) for n in range(number)]


# -- holds ---------------------------------------------------------------------------------------------


async def test_sales_sets_a_stage_back_it_stays_90_days_and_then_fresh_evidence_alone_moves_it(
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
        assert here.held(100, "lifecyclestage") == "lead"
        assert decisions.count_holds(here.db, 0) == 0
        here.portal.happen([submission("devis", "c100@acme.fr", NOW - here.clock.now())])
        here.seconds(60)
        await here.sync()
        assert here.held(100, "lifecyclestage") == "salesqualifiedlead"


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
