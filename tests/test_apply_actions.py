"""What a stage leads to, done in the account: tasks once, lists, lead status; and which plans cause it."""

from __future__ import annotations

from pathlib import Path

import pytest
from accounts import (
    NOW,
    WORKFLOW,
    House,
    beside,
    contact,
    house,
    submission,
)
from action_house import (
    AGREED,
    CREATE,
    LISTS,
    ROWS,
    TASKS,
    asks_for_a_quote,
    edits,
    known,
    members,
    retried,
    states,
    subscribes,
    synced,
    tasks,
)

from connector.apply import Sent, send
from connector.errors import BadCommand
from connector.model import HOUR, moment
from connector.sandbox import Fault
from connector.sandbox.rows import ListDef, Owner
from connector.sandbox.state import SCOPES
from connector.store import outbox
from connector.store.schema import write
from connector.sync import Synced, sync

# -- tasks ---------------------------------------------------------------------------------------------


async def test_the_owner_finds_a_task_with_the_reason_in_it(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, edits=TASKS) as here:
        await known(here)
        subscribes(here, 101)
        done = await synced(here)
        [task] = tasks(here)
        assert (done.actions, task["hubspot_owner_id"]) == (1, "8")
        assert task["hs_task_subject"] == "New lead: Ana Lima (Acme), 0"
        assert moment(task["hs_timestamp"]) == NOW + 1000 + 4 * HOUR
        body = task["hs_task_body"]
        assert "contact -&gt; lead: signal newsletter_signup<br>0 points<br>" in body
        portal = here.rows("SELECT value ->> 'id' AS id FROM fact WHERE name = 'portal'")[0]["id"]
        assert f"[connector {portal} 101 1 lead]" in body
        assert f"/contacts/{portal}/record/0-1/101" in body
        assert here.portal.account.links.targets("contacts", 101, "tasks", 0, 9)
        assert await synced(here) == Sent()  # silent


@pytest.mark.parametrize("owner", ["", "99"])
async def test_without_an_owner_who_is_there_the_fallback_is_told(tmp_path: Path, owner: str) -> None:
    rows = [contact(103, hubspot_owner_id=owner), *ROWS]
    async with house(tmp_path, rows, edits=TASKS) as here:
        await known(here)
        subscribes(here, 103)
        await synced(here)
        [task] = tasks(here)
        assert task["hubspot_owner_id"] == "7"
        assert task["hs_task_subject"] == "New lead: c103@acme.fr (unknown company), 0"


async def test_a_task_that_nobody_can_have_is_made_all_the_same(tmp_path: Path) -> None:
    rows = [row for row in ROWS if not isinstance(row, Owner)]
    async with house(tmp_path, rows, edits=TASKS) as here:
        await known(here)
        subscribes(here, 102)
        await synced(here)
        assert [task.get("hubspot_owner_id") for task in tasks(here)] == [None]


async def test_after_a_lost_answer_the_task_is_found_and_not_made_again(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, edits=TASKS) as here:
        await known(here)
        subscribes(here, 101, 102)
        here.portal.faults([CREATE])
        done = await synced(here)
        assert (len(done.waiting), done.actions, len(tasks(here))) == (1, 1, 2)
        assert here.held(101, "lq_stage") == here.held(102, "lq_stage") == "lead"
        assert await synced(here) == Sent()  # the other may still arrive, if it had not
        here.seconds(180)
        assert await synced(here) == Sent()
        assert [task["hs_task_subject"][:8] for task in tasks(here)] == ["New lead", "New lead"]
        assert states(here, "task") == [("101", "sent"), ("102", "sent")]


async def test_after_the_cache_is_lost_no_task_is_made_twice(tmp_path: Path) -> None:
    """Lost at the worst moment: the task is there and the stage is not written yet."""
    async with house(tmp_path, ROWS, edits=TASKS) as here:
        await known(here)
        subscribes(here, 101)
        await synced(here)
        before = here.held(101, "lq_stage")
        here.portal.edit(101, {"lq_stage": "contact", "lifecyclestage": "lead"})
        async with beside(here.portal, here.rules, tmp_path / "new.db") as again:
            again.seconds(60)
            done = await synced(again)
            assert (before, again.held(101, "lq_stage"), done.actions) == ("lead", "lead", 0)
            assert len(tasks(here)) == 1
            assert states(again, "task") == [("101", "sent")]
            again.requests()
            await synced(again)
            assert again.writes() == []


async def test_a_rebuilt_cache_tells_nobody(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, edits=LISTS) as here:
        await known(here)
        subscribes(here, 101)
        asks_for_a_quote(here, 101)
        await synced(here)
        made = len(tasks(here))
        async with beside(here.portal, here.rules, tmp_path / "new.db") as again:
            done = await synced(again)
            assert (done.sent, done.actions, len(tasks(here))) == (0, 0, made)


async def test_a_task_that_the_crm_refuses_waits_for_a_person(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, edits=TASKS) as here:
        await known(here)
        subscribes(here, 101)
        no = {"status": "error", "category": "VALIDATION_ERROR", "message": "no such owner"}
        here.portal.faults([Fault(method="POST", path="/objects/2026-03/tasks", status=400, body=no)])
        done = await synced(here)
        assert "no such owner" in done.held["101"]
        assert here.held(101, "lq_stage") == "lead"  # it keeps nothing else back
        assert (await synced(here)).held == {}
        assert tasks(here) == []
        retried(here)
        await synced(here)
        assert len(tasks(here)) == 1


async def decided(here: House) -> None:
    """Everything decided and nothing sent, as after a run that died."""
    await here.pull()
    here.accept(here.plan())


async def test_what_waits_is_still_right_when_something_else_changes(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, edits=TASKS) as here:
        await known(here)
        subscribes(here, 101)
        await decided(here)
        here.portal.edit(101, {"hs_persona": "decision_maker"})
        here.seconds(60)
        await synced(here)
        assert (len(tasks(here)), here.held(101, "hs_lead_status")) == (1, "OPEN")


async def test_what_a_person_took_back_since_the_plan_leads_to_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, edits=LISTS) as here:
        await known(here)
        asks_for_a_quote(here, 101)
        await decided(here)
        here.portal.edit(101, {"lifecyclestage": "subscriber"})
        done = await send(here.way().sending())
        assert done.dropped == {"101": "somebody set lifecyclestage to subscriber since the plan"}
        assert states(here, "list") == [("101", "dropped"), ("101", "dropped")]
        assert members(here, 1) == {101}


async def test_what_waits_is_dropped_when_the_next_plan_takes_the_contact_back(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, edits=edits("[sales, ops]", "[marketing_email]")) as here:
        await known(here)
        subscribes(here, 101)
        await decided(here)
        asks_for_a_quote(here, 101)
        await decided(here)
        here.portal.edit(101, {"lifecyclestage": "subscriber"})
        here.seconds(60)
        await synced(here)
        assert (states(here, "task"), tasks(here)) == ([("101", "dropped")], [])
        assert states(here, "list") == [("101", "dropped"), ("101", "dropped")]
        assert states(here, "webhook") == [("101", "held")]  # it was true, and there is no address
        assert here.held(101, "hs_lead_status") is None


async def test_actions_in_flight_when_a_run_died_are_done_once(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, edits=LISTS) as here:
        await known(here)
        subscribes(here, 101)
        asks_for_a_quote(here, 102)
        await decided(here)
        with write(here.db):
            claimed = outbox.claim(here.db, 9, here.clock.now())
        with pytest.raises(BadCommand, match="in flight"):
            here.accept(here.plan(everyone=True))
        await synced(here)
        assert tasks(here) == []  # what was sent may still arrive
        here.seconds(180)
        await synced(here)
        assert {row.kind for row in claimed} == {"property", "task", "list"}
        assert outbox.counts(here.db)["sending"] == 0
        assert (len(tasks(here)), members(here, 2)) == (1, {102})


# -- lead status ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), [("", "OPEN"), ("CONNECTED", "CONNECTED")])
async def test_a_lead_status_is_set_where_nothing_stands(tmp_path: Path, before: str, after: str) -> None:
    async with house(tmp_path, [contact(103, hs_lead_status=before), *ROWS], edits=TASKS) as here:
        await known(here)
        subscribes(here, 103)
        await synced(here)
        assert here.held(103, "hs_lead_status") == after


async def test_a_lead_status_that_a_person_sets_meanwhile_is_theirs(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, edits=TASKS) as here:
        await known(here)
        subscribes(here, 101)
        await here.pull()
        plan = here.plan()
        here.portal.edit(101, {"hs_lead_status": "CONNECTED"})
        await here.apply(plan)
        assert (here.held(101, "hs_lead_status"), here.held(101, "lq_stage")) == ("CONNECTED", "lead")


async def test_what_we_put_there_goes_further(tmp_path: Path) -> None:
    more = AGREED.replace("suppress:", "  sdr: {lead_status: IN_PROGRESS}\nsuppress:")
    said = edits(agreed=more)[WORKFLOW]
    sql = ("        - sales_set: sql\n", "        - sales_set: sql\n    notify: sdr\n")
    async with house(tmp_path, ROWS, edits={WORKFLOW: [*said, sql]}) as here:
        await known(here)
        subscribes(here, 101)
        await synced(here)
        asks_for_a_quote(here, 101)
        await synced(here)
        assert here.held(101, "hs_lead_status") == "IN_PROGRESS"


# -- lists ---------------------------------------------------------------------------------------------


async def test_one_list_is_left_and_another_joined(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, edits=LISTS) as here:
        await known(here)
        asks_for_a_quote(here, 101)
        asks_for_a_quote(here, 102)
        here.requests()
        done = await synced(here)
        assert done.actions == 4
        assert (members(here, 1), members(here, 2)) == (set(), {101, 102})
        steps = [r["path"] for r in here.requests() if "/memberships/" in r["path"] and r["method"] == "PUT"]
        assert len(steps) == 2  # a request a step, not a contact


async def test_after_a_lost_answer_a_step_is_made_again(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, edits=LISTS) as here:
        await known(here)
        asks_for_a_quote(here, 101)
        here.portal.faults([Fault(path="/memberships/add", cut="after", times=9)])
        assert "101" in (await synced(here)).waiting
        here.portal.clear_faults()
        await synced(here)
        assert (members(here, 1), members(here, 2)) == (set(), {101})


@pytest.mark.parametrize(
    ("list_def", "why"), [(ListDef(2, "Sales owned", "DYNAMIC"), "is dynamic"), (None, "no list of contacts")]
)
async def test_a_list_that_nobody_can_be_put_on_holds_the_step(
    tmp_path: Path, list_def: ListDef | None, why: str
) -> None:
    rows = [row for row in ROWS if row != ListDef(2, "Sales owned")] + ([list_def] if list_def else [])
    async with house(tmp_path, rows, edits=LISTS) as here:
        await known(here)
        asks_for_a_quote(here, 101)
        done = await synced(here)
        assert why in done.held["101"]
        assert "'Sales owned'" in done.held["101"]
        assert (members(here, 1), here.held(101, "lq_stage")) == (set(), "sql")
        assert await synced(here) == Sent()
        if list_def is None:
            here.portal.load([ListDef(2, "Sales owned")])
            retried(here)
            await synced(here)
            assert members(here, 2) == {101}


async def test_a_missing_scope_holds_the_step_and_not_the_run(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, edits=LISTS) as here:
        await known(here)
        here.portal.grant(set(SCOPES) - {"crm.lists.write"})
        asks_for_a_quote(here, 101)
        done = await synced(here)
        assert "crm.lists.write" in done.held["101"]
        assert here.held(101, "lq_stage") == "sql"


# -- the plan and the brake ----------------------------------------------------------------------------


async def test_a_plan_that_causes_too_many_actions_waits_for_a_person(tmp_path: Path) -> None:
    rows = [*ROWS, *(contact(200 + n) for n in range(60))]
    async with house(tmp_path, rows, edits=LISTS) as here:
        await known(here)
        subscribes(here, *range(200, 220))
        done: Synced = await sync(here.way(brake=0.2))
        assert (done.braked, done.plan.summary["actions"], tasks(here)) == (True, 20, [])
        applied = await here.apply(done.plan)
        assert applied.sent is not None
        assert (applied.sent.actions, len(tasks(here))) == (20, 20)


async def test_nobody_is_told_of_what_is_older_than_the_horizon(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, edits=TASKS) as here:
        await known(here)
        here.portal.happen([submission("newsletter", "c101@acme.fr", -1000)])
        here.seconds(3 * 86_400)
        done = await synced(here)
        assert (here.held(101, "lq_stage"), done.actions, tasks(here)) == ("lead", 0, [])
        assert here.held(101, "hs_lead_status") is None


async def test_a_contact_that_the_crm_made_just_now_is_told_of(tmp_path: Path) -> None:
    new = contact(103, age=3_600_000)
    rows = [*ROWS, new, submission("newsletter", "c103@acme.fr", 1_800_000)]
    old = submission("newsletter", "c101@acme.fr", 1_800_000)
    async with house(tmp_path, [*rows, old], edits=TASKS) as here:
        done = await synced(here)
        assert (done.actions, len(tasks(here))) == (1, 1)
        assert "c103@acme.fr" in tasks(here)[0]["hs_task_subject"]
