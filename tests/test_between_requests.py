"""What happens to a contact just between two requests of ours, or while an answer of ours is lost: seen all
the same, undone by nobody, told of once. Each was found by the storm."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from accounts import DAY, NOW, House, submission
from storm import Storm, cache, land
from storm_account import FAIR, FIRST, OWNED, UPDATE
from storm_oracle import forgotten, members

from connector.errors import Retry
from connector.sandbox import Fault, Writer
from connector.sandbox.rows import Membership
from connector.store import outbox
from connector.store.merging import merge
from connector.store.outbox import JOINED
from connector.store.plans import PlanRow
from connector.store.schema import open_store, write

WHO, OTHER = FIRST + 9, FIRST + 8  # of an owner, on no other list, without a form so far


async def settled(here: House, storm: Storm) -> None:
    storm.calm()
    await here.sync()
    here.seconds(60)


async def syncs(here: House, *, seconds: float = 300, times: int = 1) -> None:
    for _ in range(times):
        here.seconds(seconds)
        await here.sync()


async def asks(here: House, who: int, fault: Fault) -> None:
    """For an offer, and the answer to what we make of it is lost."""
    here.portal.happen([submission("devis", f"c{who}@acme.fr", NOW - here.clock.now())])
    here.seconds(60)
    here.portal.faults([fault])
    with suppress(Retry):
        await here.sync()
    here.portal.clear_faults()


def tasks(here: House) -> int:
    return len(here.portal.account.records.page("tasks", 0, 100, archived=False))


def link(here: House, kind: str, id: int, contact: int, *, apart: bool = False) -> None:
    """An association as the app makes it or takes it away."""
    account = here.portal.account
    with account.db.lock, account.db.transaction():
        (account.links.remove if apart else account.links.add)("contacts", contact, kind, id)


# -- who is there --------------------------------------------------------------------------------------


async def test_who_comes_out_of_the_bin_between_two_looks_is_not_taken_for_erased(tmp_path: Path) -> None:
    async with land(tmp_path, 0) as (here, storm):
        await settled(here, storm)
        here.portal.archive(WHO)
        here.seconds(3600)

        def restore(request: httpx.Request) -> None:
            if b"archived=true" in request.url.query and WHO in storm.ids("contacts", bin=True):
                here.portal.restore(WHO)

        storm.listen = restore
        await here.sync()
        assert WHO in storm.ids("contacts")
        assert here.rows("SELECT * FROM contact WHERE id = ?", str(WHO))
        assert here.rows("SELECT * FROM erased") == []


async def test_who_was_never_shown_but_by_a_list_is_erased_too(tmp_path: Path) -> None:
    """Merged after the contacts were read and before the lists were, in a sync that came no further; erased
    before the next one."""
    async with land(tmp_path, 0) as (here, storm):
        await settled(here, storm)
        new: list[int] = []

        def merge(request: httpx.Request) -> None:
            if "/memberships/join-order" in request.url.path and not new:
                new.append(here.portal.merge(WHO, OTHER))
                here.portal.load([Membership(FAIR, new[0], here.clock.now() - 30_000)])
                here.portal.faults([Fault(path="/contacts/search", status=500, times=9)])

        storm.listen = merge
        with pytest.raises(Retry):
            await here.sync()
        here.portal.clear_faults()
        assert here.rows("SELECT * FROM engagement WHERE contact_id = ?", str(new[0]))
        here.portal.erase(new[0])
        storm.gone = {str(new[0])}
        await syncs(here, seconds=DAY // 1000, times=2)
        forgotten(storm, tmp_path / "connector.db")


@pytest.mark.parametrize("how", ["in the bin", "linked later"])
async def test_a_call_is_theirs_whoever_it_was_linked_to_at_first(tmp_path: Path, how: str) -> None:
    async with land(tmp_path, 0) as (here, storm):
        await settled(here, storm)
        said = {"hs_timestamp": str(here.clock.now()), "hs_call_direction": "OUTBOUND"}
        call = here.portal.create("calls", said, links=[("contacts", WHO)] if how == "in the bin" else [])
        if how == "in the bin":
            here.portal.archive(WHO)
        await syncs(here, seconds=3600, times=3)
        if how == "in the bin":
            here.portal.restore(WHO)
        else:
            link(here, "calls", call, WHO)
        await syncs(here, seconds=DAY // 1000, times=2)
        assert here.rows("SELECT contact_id FROM engagement WHERE event = 'call'") == [
            {"contact_id": str(WHO)}
        ]


async def test_a_call_with_who_was_erased_is_known_when_another_is_linked_to_it(tmp_path: Path) -> None:
    async with land(tmp_path, 0) as (here, storm):
        await settled(here, storm)
        said = {"hs_timestamp": str(here.clock.now()), "hs_call_direction": "OUTBOUND"}
        call = here.portal.create("calls", said, links=[("contacts", WHO)])
        await syncs(here)
        here.portal.erase(WHO)
        await syncs(here, seconds=3600)
        (left,) = here.rows("SELECT party, attrs, label FROM engagement WHERE event = 'call'")
        assert left == {"party": "", "attrs": "{}", "label": ""}
        link(here, "calls", call, OTHER)
        await syncs(here, seconds=DAY // 1000, times=2)
        assert here.rows("SELECT contact_id FROM engagement WHERE event = 'call'") == [
            {"contact_id": str(OTHER)}
        ]


async def test_a_call_that_was_given_to_another_is_theirs_alone(tmp_path: Path) -> None:
    async with land(tmp_path, 0) as (here, storm):
        await settled(here, storm)
        said = {"hs_timestamp": str(here.clock.now()), "hs_call_direction": "OUTBOUND"}
        call = here.portal.create("calls", said, links=[("contacts", WHO)])
        await syncs(here)
        link(here, "calls", call, WHO, apart=True)
        link(here, "calls", call, OTHER)
        await syncs(here, seconds=DAY // 1000, times=2)
        for table in ("engagement", "signal"):
            found = here.rows(f"SELECT contact_id FROM {table} WHERE id = 'calls:{call}'")
            assert found == [{"contact_id": str(OTHER)}], table


# -- whose word it is ----------------------------------------------------------------------------------


async def test_what_an_app_sets_after_a_lost_answer_of_ours_is_heard(tmp_path: Path) -> None:
    async with land(tmp_path, 0) as (here, storm):
        await settled(here, storm)
        await asks(here, WHO, Fault(path=UPDATE, cut="after", times=9))
        assert here.held(WHO, "lifecyclestage") == "salesqualifiedlead"
        here.portal.change(WHO, {"lifecyclestage": "opportunity"}, Writer("INTEGRATION", "Zapier"))
        await syncs(here, times=2)
        assert here.held(WHO, "lq_stage") == "qualified_prospect"


async def test_who_is_put_back_after_a_lost_answer_of_ours_stays_there(tmp_path: Path) -> None:
    """It stands again where it stood when the plan was made, and yet somebody spoke."""
    async with land(tmp_path, 0) as (here, storm):
        await settled(here, storm)
        await asks(here, WHO, Fault(path=UPDATE, cut="after", times=9))
        here.portal.edit(WHO, {"lifecyclestage": "lead"})
        await syncs(here, times=3)
        assert here.held(WHO, "lifecyclestage") == "lead"
        assert here.rows("SELECT * FROM hold WHERE contact_id = ?", str(WHO))
        assert [one["value"] for one in here.portal.history("contacts", WHO, "lifecyclestage")][:2] == [
            "lead",
            "salesqualifiedlead",
        ]


# -- who is told ---------------------------------------------------------------------------------------


async def test_a_task_whose_answer_was_lost_is_found_after_a_merge(tmp_path: Path) -> None:
    """For up to half an hour the tasks of either are not joined to the contact that they became."""
    async with land(tmp_path, 0) as (here, storm):
        await settled(here, storm)
        here.portal.knobs(merge_activity_lag=1800.0)
        await asks(here, WHO, Fault(path="/2026-03/tasks", method="POST", cut="after"))
        made = tasks(here)
        assert made >= 1
        new = here.portal.merge(WHO, OTHER)
        await syncs(here, times=8)
        await syncs(here, seconds=JOINED // 1000, times=2)
        assert tasks(here) == made
        assert (here.held(new, "lq_stage"), new in members(here, OWNED)) == ("sql", True)
        assert here.rows("SELECT * FROM outbox WHERE state IN ('pending', 'sending', 'held')") == []


def test_of_two_tasks_of_people_who_became_one_the_one_that_may_be_there_stays(tmp_path: Path) -> None:
    db = open_store(tmp_path / "connector.db")
    plan = PlanRow(1, "p1", 0, 0, "rules", 0, "open", {})
    with write(db):
        outbox.put(db, plan, [outbox.Put(who, outbox.TASK, "1:sql", None, "{}") for who in ("1", "2")], NOW)
        (lost,) = (row.seq for row in outbox.claim(db, 9, NOW, after="1"))
        outbox.settle(db, [(lost, outbox.State.PENDING, "the answer was lost")], NOW)
        merge(db, "1", "3", NOW)
        merge(db, "2", "3", NOW)
    assert [row["seq"] for row in db.query("SELECT seq FROM outbox WHERE state = 'pending'")] == [lost]
    for at, claimed in ((outbox.ARRIVED, []), (outbox.JOINED - 1, []), (outbox.JOINED, [lost])):
        with write(db):
            assert [row.seq for row in outbox.claim(db, 9, NOW + at)] == claimed
    db.close()


async def test_a_new_cache_does_not_tell_of_who_was_merged_a_moment_ago(tmp_path: Path) -> None:
    """What the one before it told is not joined to them yet, and the values that say so never arrived."""
    async with land(tmp_path, 0) as (here, storm):
        await settled(here, storm)
        before = tasks(here)
        here.portal.knobs(merge_activity_lag=1800.0)
        await asks(here, WHO, Fault(path=UPDATE, status=500, times=9))
        assert tasks(here) == before + 1
        here.portal.merge(WHO, OTHER)
        here.seconds(60)
        async with cache(here.portal, here.rules, tmp_path / "other.db", storm) as other:
            await other.sync()
            await syncs(other, times=3)
            await syncs(other, seconds=JOINED // 1000, times=2)
        assert tasks(here) == before + 1
