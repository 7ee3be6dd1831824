"""The outbox into the CRM: looked at again, sent once, compared with the answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from accounts import DAY, NOW, House, contact, form, house, submission

from connector.apply import send, settle_in_flight
from connector.errors import BadCommand, Unreachable
from connector.sandbox import Fault, Writer
from connector.sandbox.rows import Version
from connector.store import decisions, outbox, records
from connector.store.outbox import State
from connector.store.schema import write

UPDATE = "/contacts/batch/update"
ROWS = (
    contact(101, hs_persona="decision_maker"),
    contact(102),
    form("newsletter"),
    form("devis"),
    submission("newsletter", "c101@acme.fr", 3 * DAY),
)


def asks_for_a_meeting(here: House, id: int) -> None:
    """What makes an SQL of a contact."""
    here.portal.happen([submission("devis", f"c{id}@acme.fr", 0)])


async def planned(here: House) -> None:
    """Everything decided and nothing sent."""
    await here.pull()
    here.accept(here.plan())


def states(here: House, id: int) -> set[tuple[str, str]]:
    rows = here.rows("SELECT key, state FROM outbox WHERE contact_id = ?", str(id))
    return {(row["key"], row["state"]) for row in rows}


# -- sending -------------------------------------------------------------------------------------------


async def test_what_was_decided_is_in_the_crm_and_the_cache_knows_it(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await planned(here)
        done = await send(here.way().sending())
        assert (done.sent, done.held, done.dropped, done.already) == (2, {}, {}, 0)
        assert (here.held(101, "lq_stage"), here.held(102, "lq_stage")) == ("lead", "contact")
        assert here.held(101, "lq_score") == "20"
        assert records.seen(here.db, ["101"])["101"][1]["lq_score"] == "20"
        assert outbox.counts(here.db) == {**dict.fromkeys(State, 0), "sent": done.values}


async def test_a_batch_takes_a_hundred_contacts_and_a_stop_is_heard_between_batches(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(1000 + n) for n in range(105)]) as here:
        await planned(here)
        here.requests()
        asked: list[bool] = []

        def stop() -> bool:
            asked.append(True)
            return len(asked) > 1

        done = await send(here.way(stop=stop).sending())
        assert done.sent == 100
        assert [write["inputs"] for write in here.writes()] == [100]
        again = await send(here.way().sending())
        assert again.sent == 5


async def test_without_our_properties_nothing_is_sent_and_it_says_what_to_do(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS, provisioned=False) as here:
        await here.pull()
        with pytest.raises(BadCommand, match=r"no property lq_engagement.* yet") as error:
            await send(here.way().sending())
        assert "connector provision" in error.value.fix


# -- people win ----------------------------------------------------------------------------------------


async def test_a_stage_that_a_person_set_since_the_plan_is_not_overwritten(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await here.sync()
        asks_for_a_meeting(here, 101)
        here.seconds(60)
        await planned(here)
        here.portal.edit(101, {"lifecyclestage": "subscriber"})
        done = await send(here.way().sending())
        assert done.dropped == {"101": "somebody set lifecyclestage to subscriber since the plan"}
        assert here.held(101, "lifecyclestage") == "subscriber"
        assert ("lifecyclestage", "dropped") in states(here, 101)
        assert decisions.unwitnessed(here.db, 9) == ["101"]
        here.seconds(60)
        synced = await here.sync()
        assert synced.plan.summary["held"] == 1
        assert here.held(101, "lifecyclestage") == "subscriber"


async def test_a_stage_that_went_further_meanwhile_is_left_there(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await here.sync()
        asks_for_a_meeting(here, 101)
        here.seconds(60)
        await planned(here)
        here.portal.edit(101, {"lifecyclestage": "customer"})
        done = await send(here.way().sending())
        assert done.dropped == {}
        here.seconds(60)
        await here.sync()
        assert here.held(101, "lifecyclestage") == "customer"
        assert decisions.standings(here.db, ["101"])["101"].stage == "customer"


async def test_a_value_that_the_crm_has_already_is_not_sent_and_numbers_are_numbers(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await planned(here)
        here.portal.edit(102, {"lq_score": "0.0", "lq_fit": "0", "lq_engagement": "0.00"})
        await send(here.way().sending())
        said = {
            row["key"]: row["said"]
            for row in here.rows("SELECT key, said FROM outbox WHERE contact_id = '102'")
        }
        assert said["lq_score"] == said["lq_engagement"] == "the CRM already said so"
        assert said["lq_stage"] == ""


async def test_a_contact_of_whom_everything_is_said_costs_no_write(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(102)]) as here:
        await planned(here)
        wanted = {row["key"]: row["new"] for row in here.rows("SELECT key, new FROM outbox")}
        here.portal.edit(102, wanted)
        here.requests()
        done = await send(here.way().sending())
        assert (done.already, done.sent, here.writes()) == (1, 0, [])
        assert here.plan(everyone=True).summary["changed"] == 0, "what it was shown is known"


# -- contacts that are gone ----------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["archived", "erased", "merged"])
async def test_a_contact_that_is_gone_is_dropped_once_and_leaves_the_cache(tmp_path: Path, how: str) -> None:
    async with house(tmp_path, ROWS) as here:
        await planned(here)
        if how == "merged":
            here.portal.merge(101, 102)
        elif how == "archived":
            here.portal.archive(102)
        else:
            here.portal.erase(102)
        done = await send(here.way().sending())
        assert set(done.dropped) == done.gone == ({"101", "102"} if how == "merged" else {"102"})
        assert "102" not in decisions.everyone(here.db)
        here.seconds(60)
        await here.sync()
        here.requests()
        await here.sync()
        assert here.writes() == []
        assert outbox.counts(here.db)["pending"] == 0


async def test_a_merged_contact_lives_on_under_its_new_id(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await here.sync()
        new = here.portal.merge(101, 102)
        here.seconds(60)
        await here.sync()
        assert here.held(new, "lq_stage") == "lead"  # type: ignore[arg-type]


# -- what the CRM refuses ------------------------------------------------------------------------------


async def test_a_stage_that_the_crm_does_not_take_is_held_in_its_words(tmp_path: Path) -> None:
    """2xx, and the old stage in the answer (HUBSPOT.md 4.2)."""
    async with house(tmp_path, ROWS) as here:
        await here.sync()
        asks_for_a_meeting(here, 101)
        here.seconds(60)
        await planned(here)
        old = {"id": "101", "properties": {"lifecyclestage": "lead", "lq_score": "20"}, "updatedAt": None}
        body = {"status": "COMPLETE", "results": [old]}
        here.portal.faults([Fault(path=UPDATE, status=200, body=body)])
        done = await send(here.way().sending())
        assert done.held == {"101": "the CRM answered that lifecyclestage is lead, not salesqualifiedlead"}
        assert ("lifecyclestage", "held") in states(here, 101)


async def test_a_stage_that_the_crm_never_took_was_not_set_back_by_whoever_wrote_the_old_one(
    tmp_path: Path,
) -> None:
    by_hand = (
        Version("lead", NOW - 5 * DAY, "CRM_UI", "userId:5"),
        Version("subscriber", NOW - 9 * DAY, "FORM"),
    )
    rows = [replace(contact(101), history={"lifecyclestage": by_hand}), form("devis")]
    async with house(tmp_path, [*rows, submission("devis", "c101@acme.fr", DAY)]) as here:
        old = {"id": "101", "properties": {"lifecyclestage": "lead"}}
        here.portal.faults([Fault(path=UPDATE, status=200, body={"results": [old]})])
        first = await here.sync()
        assert first.sent is not None
        assert "101" in first.sent.held
        here.portal.edit(101, {"jobtitle": "CTO"})
        here.seconds(60)
        again = await here.sync()
        assert again.plan.summary["judged"] == 1
        assert (again.plan.summary["held"], decisions.count_holds(here.db, 0)) == (0, 0)


async def test_a_refused_value_is_not_sent_again_until_somebody_says_so_or_another_is_wanted(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, [contact(101), form("newsletter")]) as here:
        no = {"status": "error", "category": "VALIDATION_ERROR", "message": "lq_stage has no such option"}
        here.portal.faults([Fault(path=UPDATE, status=400, body=no)])
        first = await here.sync()
        assert first.sent is not None
        assert "no such option" in first.sent.held["101"]
        here.requests()
        for _ in range(2):  # nothing new; and judged again because of something else
            here.seconds(60)
            await here.sync()
            assert here.writes() == []
            here.portal.edit(101, {"jobtitle": "CTO"})
        with write(here.db):
            assert outbox.decide(here.db, [], State.PENDING, NOW) > 0
        await here.sync()
        assert here.held(101, "lq_stage") == "contact"

        here.portal.faults([Fault(path=UPDATE, status=400, body=no)])
        here.portal.happen([submission("newsletter", "c101@acme.fr", 0)])
        here.seconds(60)
        await here.sync()
        assert (here.held(101, "lq_stage"), ("lq_stage", "held") in states(here, 101)) == ("contact", True)
        here.portal.edit(101, {"hs_persona": "decision_maker"})
        here.requests()
        here.seconds(60)
        await here.sync()
        [sent] = here.writes()
        assert "lq_score" in sent["body"]
        assert "lq_stage" not in sent["body"]


async def test_one_bad_row_does_not_keep_the_others_back(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await planned(here)
        here.db.execute("UPDATE outbox SET new = 'no such' WHERE contact_id = '101' AND key = 'lq_stage'")
        done = await send(here.way().sending())
        assert (set(done.held), done.sent) == ({"101"}, 1)
        assert here.held(102, "lq_stage") == "contact"
        assert "no such" in done.held["101"]


async def test_an_answer_that_says_nothing_is_no_success(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await planned(here)
        here.portal.faults([Fault(path=UPDATE, empty=True)])
        done = await send(here.way().sending())
        assert set(done.held) == {"101", "102"}
        assert here.held(101, "lq_stage") is None


# -- in flight -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cut", "arrived"), [("after", True), ("before", False)])
async def test_what_was_in_flight_is_read_back_before_anything_is_sent_again(
    tmp_path: Path, cut: str, arrived: bool
) -> None:
    async with house(tmp_path, ROWS) as here:
        await planned(here)
        here.portal.faults([Fault(path=UPDATE, cut=cut, times=9)])
        with pytest.raises(Unreachable):
            await send(here.way().sending())
        here.portal.clear_faults()
        in_flight = outbox.counts(here.db)["sending"]
        assert in_flight > 0
        with pytest.raises(BadCommand, match="in flight"):
            here.accept(here.plan(everyone=True))
        settled = await settle_in_flight(here.way().sending())
        assert settled.rows == in_flight
        assert settled.arrived == ({"101", "102"} if arrived else set())
        assert outbox.counts(here.db)["sent" if arrived else "pending"] == in_flight
        assert records.values(here.db, ["101"], "lq_score") == {"101": "20" if arrived else None}
        # the echo may be hours away
        assert here.plan(everyone=True).summary["changed"] == (0 if arrived else 2)
        here.requests()
        done = await send(here.way().sending())
        assert done.sent == (0 if arrived else 2)
        assert len(here.writes()) == (0 if arrived else 1)
        assert here.held(101, "lq_score") == "20"
        assert len(here.portal.history("contacts", 101, "lq_score")) == 1


async def test_a_stage_that_arrived_is_known_as_ours_after_a_lost_answer(tmp_path: Path) -> None:
    """Else our own write looks like another app's, and a person's step back like an old story."""
    async with house(tmp_path, ROWS) as here:
        await here.sync()
        asks_for_a_meeting(here, 101)
        here.seconds(60)
        here.portal.faults([Fault(path=UPDATE, cut="after", times=9)])
        with pytest.raises(Unreachable):
            await here.sync()
        here.portal.clear_faults()
        here.seconds(60)
        await here.sync()
        assert here.held(101, "lifecyclestage") == "salesqualifiedlead"
        here.portal.edit(101, {"lifecyclestage": "lead"})
        here.seconds(60)
        synced = await here.sync()
        assert (synced.plan.summary["held"], here.held(101, "lifecyclestage")) == (1, "lead")


# -- echo ----------------------------------------------------------------------------------------------


async def test_a_rule_on_what_we_write_ourselves_is_judged_again(tmp_path: Path) -> None:
    edits = {
        "workflows/qualification.yaml": [
            (
                "            when: {persona: {is: decision_maker}}\n",
                "            when: {stage_in_crm: {is: salesqualifiedlead}}\n",
            )
        ]
    }
    async with house(tmp_path, [*ROWS, submission("devis", "c101@acme.fr", DAY)], edits=edits) as here:
        await here.sync()
        assert (here.held(101, "lifecyclestage"), here.held(101, "lq_fit")) == ("salesqualifiedlead", "0")
        await here.sync()
        assert here.held(101, "lq_fit") == "20"


async def test_another_apps_overwriting_of_our_properties_is_overwritten_and_counted(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await here.sync()
        here.portal.change(101, {"lq_score": "99"}, Writer("INTEGRATION", "other"))
        here.seconds(60)
        synced = await here.sync()
        assert (synced.plan.summary["overwritten"], here.held(101, "lq_score")) == (1, "20")
