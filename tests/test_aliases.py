"""Two contacts that the CRM merged are one here too: nothing is lost, nothing is counted or told twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from accounts import DAY, NOW, Edits, House, contact, form, house, submission
from sqlite_utils import Database

from connector.explain import explain
from connector.model import Engagement, HandOff, Standing, Transition
from connector.pull import pull
from connector.sandbox.rows import EmailEvent, Link, ListDef, Membership, Object, WebEvent
from connector.store import decisions, engagement, handoffs, identity, outbox, plans
from connector.store.merging import merge
from connector.store.outbox import Put, State
from connector.store.schema import open_store, write

TOLD: Edits = {
    "workflows/qualification.yaml": [
        ("        - meeting_request\n", "        - meeting_request\n    notify: sales\n")
    ]
}
OF_CONTACTS = (
    "signal",
    "score",
    "standing",
    "transition",
    "handoff",
    "stage_note",
    "unwitnessed",
    "hold",
    "dirty",
)
ROWS = (
    contact(101, age=30 * DAY),
    contact(102, age=20 * DAY),
    contact(103, age=10 * DAY),
    form("newsletter"),
    form("demo-download"),
    submission("newsletter", "c101@acme.fr", 9 * DAY),
    submission("demo-download", "c101@acme.fr", 5 * DAY),
    submission("demo-download", "c102@acme.fr", 3 * DAY),
    ListDef(1, "salon-lyon"),
    Membership(1, 101, NOW - 8 * DAY),
    Membership(1, 102, NOW - 7 * DAY),
    WebEvent("w1", 102, "e_visited_page", NOW - 2 * DAY, {"hs_url": "https://acme.fr/tarifs"}),
    EmailEvent(
        "u1",
        "STATUSCHANGE",
        NOW - DAY,
        "c102@acme.fr",
        7,
        "Lettre",
        extra={"portalSubscriptionStatus": "UNSUBSCRIBED"},
    ),
)


def nowhere(here: House, *ids: int) -> bool:
    """Whether nothing but the alias names them."""
    wanted = {str(id) for id in ids}
    for table in (*OF_CONTACTS, "address", "deal_contact", "engagement", "outbox"):
        assert not wanted & {row["contact_id"] for row in here.rows(f"SELECT contact_id FROM {table}")}, table
    return not wanted & {row["id"] for row in here.rows("SELECT id FROM contact")}


def kinds(here: House, id: int) -> list[str]:
    rows = here.rows("SELECT kind FROM signal WHERE contact_id = ? ORDER BY kind", str(id))
    return [row["kind"] for row in rows]


def tasks(here: House) -> int:
    return len(here.portal.account.records.page("tasks", 0, 100, archived=False))


async def merged(here: House, first: int, second: int) -> int:
    new = here.portal.merge(first, second)
    here.seconds(60)
    await here.sync()
    return new


async def test_everything_of_both_follows_to_the_new_id(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await here.sync()
        before = kinds(here, 101) + kinds(here, 102)
        steps = here.rows("SELECT contact_id FROM transition WHERE contact_id IN ('101', '102')")
        new = await merged(here, 101, 102)
        assert nowhere(here, 101, 102)
        assert kinds(here, new) == sorted(before)
        assert len(here.rows("SELECT * FROM transition WHERE contact_id = ?", str(new))) == len(steps)
        # two demo downloads 50 (on two days), a pricing visit 15
        assert here.held(new, "lq_score") == "65"
        assert {
            row["address"] for row in here.rows("SELECT address FROM address WHERE contact_id = ?", str(new))
        } == {
            "c101@acme.fr",
            "c102@acme.fr",
        }
        for old in ("101", "102"):
            assert explain(here.db, here.rules, old, here.clock.now()).summary["contact"] == str(new)
        here.seconds(300)
        assert (await here.sync()).plan.summary["judged"] == 0


async def test_a_second_merge_takes_the_first_one_with_it(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await here.sync()
        first = await merged(here, 101, 102)
        second = await merged(here, first, 103)
        assert nowhere(here, 101, 102, 103, first)
        assert set(identity.olds(here.db, str(second))) == {"101", "102", "103", str(first)}
        assert here.held(second, "lq_score") == "65"


async def test_two_merges_that_no_sync_saw_between(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await here.sync()
        second = here.portal.merge(here.portal.merge(101, 102), 103)
        here.seconds(60)
        await here.sync()
        assert nowhere(here, 101, 102, 103)
        assert here.held(second, "lq_score") == "65"


async def test_a_full_backfill_leaves_no_old_id_and_counts_nothing_twice(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await here.sync()
        new = here.portal.merge(101, 102)
        here.seconds(60)
        await pull(here.pulling(), full=True)
        assert {row["id"] for row in here.rows("SELECT id FROM contact")} == {str(new), "103"}
        await here.sync()
        await pull(here.pulling(), full=True)
        here.plan()
        assert (nowhere(here, 101, 102), kinds(here, new).count("demo_download")) == (True, 2)
        assert kinds(here, new).count("trade_fair_visit") == 2  # as they joined before they were one
        assert here.held(new, "lq_score") == "65"


async def test_what_is_told_of_an_old_id_later_is_the_survivors(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await here.sync()
        new = await merged(here, 101, 102)
        late = Engagement("s", "late", "page_view", NOW, "101", None, {"path": "/tarifs"})
        with write(here.db):
            engagement.put(here.db, [late], NOW)
        assert here.rows("SELECT contact_id, party FROM engagement WHERE id = 's:late'") == [
            {"contact_id": str(new), "party": str(new)}
        ]


async def test_sales_hears_once_of_a_person_who_was_two(tmp_path: Path) -> None:
    """One of the two was handed over as a lead; the other becomes one when they are merged already."""
    async with house(tmp_path, [contact(101), contact(102), form("newsletter")], edits=TOLD) as here:
        await here.sync()
        here.portal.happen([submission("newsletter", "c102@acme.fr", -1000)])
        here.seconds(60)
        await here.sync()
        assert tasks(here) == 1
        new = await merged(here, 101, 102)
        here.portal.happen([submission("newsletter", "c101@acme.fr", -120_000)])
        for _ in range(3):
            here.seconds(300)
            await here.sync()
        assert (tasks(here), here.held(new, "lq_stage")) == (1, "lead")
        assert len(handoffs.of(here.db, [str(new)])[str(new)]) == 1


@pytest.mark.parametrize("both", [False, True])
async def test_a_task_that_was_on_its_way_is_made_once(tmp_path: Path, both: bool) -> None:
    """They are merged after the plan was accepted and before it is sent."""
    async with house(tmp_path, [contact(101), contact(102), form("newsletter")], edits=TOLD) as here:
        await here.sync()
        sent = [submission("newsletter", f"c{id}@acme.fr", -1000) for id in ((101, 102) if both else (102,))]
        here.portal.happen(sent)
        here.seconds(60)
        await here.pull()
        plan = here.plan()
        new = here.portal.merge(101, 102)
        here.seconds(1)
        await here.apply(plan)
        for _ in range(2):
            here.seconds(300)
            await here.sync()
        assert (tasks(here), nowhere(here, 101, 102)) == (1, True)
        assert here.held(new, "lq_stage") == "lead"
        assert {k for k, n in outbox.counts(here.db).items() if n} <= {"sent", "dropped"}


async def test_a_merge_that_the_pull_sees_first_moves_what_waits(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(101), contact(102), form("newsletter")], edits=TOLD) as here:
        await here.sync()
        here.portal.happen([submission("newsletter", f"c{id}@acme.fr", -1000) for id in (101, 102)])
        here.seconds(60)
        await here.pull()
        here.accept(here.plan())
        new = here.portal.merge(101, 102)
        here.seconds(60)
        await here.sync()
        assert (tasks(here), here.held(new, "lq_stage")) == (1, "lead")


async def test_a_company_that_was_merged_keeps_its_people(tmp_path: Path) -> None:
    rows = [
        contact(7),
        *(
            Object("companies", id, {"name": f"Acme {id}", "numberofemployees": "200"}, NOW - DAY, NOW - DAY)
            for id in (50, 51)
        ),
        Link("contacts", 7, "companies", 50, primary=True),
    ]
    async with house(tmp_path, rows) as here:
        await here.sync()
        new = here.portal.merge(51, 50, kind="companies")
        for _ in range(4):
            here.seconds(12 * 3600)
            await here.sync()
        assert [row["id"] for row in here.rows("SELECT id FROM company")] == [str(new)]
        assert [row["company_id"] for row in here.rows("SELECT company_id FROM contact")] == [str(new)]
        assert here.held(7, "lq_fit") == "10"


# -- in the cache alone --------------------------------------------------------------------------------


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    opened = open_store(tmp_path / "connector.db")
    yield opened
    opened.close()


def standing(id: str, **more: object) -> Standing:
    return replace(Standing(id, stage="lead", reached=frozenset({"contact", "lead"})), **more)  # type: ignore[arg-type]


def judged(db: Database, *standings: Standing) -> Standing:
    """What becomes of these when the others are merged into the last one's id."""
    *_, last = standings
    with write(db):
        for one in standings:
            decisions.put_standing(db, one)
        for one in standings[:-1]:
            merge(db, one.contact_id, last.contact_id, NOW)
    return decisions.standings(db, [last.contact_id])[last.contact_id]


@pytest.mark.parametrize("turned", [False, True])
def test_the_older_journey_goes_on_from_the_furthest_stage(db: Database, turned: bool) -> None:
    old = standing("1", journey=1, stage_since=NOW - 50 * DAY, cool_until=NOW + DAY)
    new = standing(
        "2",
        journey=3,
        epoch_at=NOW - 20 * DAY,
        stage="mql",
        stage_since=NOW - 10 * DAY,
        reached=frozenset({"contact", "lead", "mql"}),
        cool_until=NOW + 9 * DAY,
        held_until=NOW + 5 * DAY,
        held_why="by hand",
    )
    found = judged(db, *((new, old) if turned else (old, new)))
    assert (found.journey, found.epoch_at, found.stage) == (1, None, "mql")
    assert found.stage_since == NOW - 10 * DAY
    assert found.reached == {"contact", "lead", "mql"}
    assert found.cool_until == NOW + DAY, "the other's was of its own journey, and no new cache would know it"
    assert found.held_why == "by hand"


def test_who_is_out_stays_out_and_takes_nobody_along(db: Database) -> None:
    out = standing("1", journey=2, epoch_at=NOW - 9 * DAY, stage="disqualified")
    assert judged(db, out, standing("2")).stage == "lead"
    older = standing("3", stage="disqualified", reached=frozenset())
    assert judged(db, standing("4", epoch_at=NOW), older).stage == "disqualified"


def test_of_one_hand_off_the_one_that_sales_took_on_stays(db: Database) -> None:
    hands = [
        HandOff("1", 1, "mql", NOW - 5 * DAY),
        HandOff("2", 4, "mql", NOW - 2 * DAY, state="accepted", settled_at=NOW - DAY),
        HandOff("2", 3, "mql", NOW - 90 * DAY, state="rejected", settled_at=NOW - 80 * DAY),
    ]
    moves = [
        Transition(id, 1, "lead", "mql", "w:1", "why", "rule", NOW - age * DAY, NOW)
        for id, age in (("1", 5), ("2", 2))
    ]
    with write(db):
        handoffs.put(db, hands)
        decisions.put_transitions(db, moves, "p", "r")
    judged(db, standing("1"), standing("2", journey=4, epoch_at=NOW - 60 * DAY))
    found = [(one.journey, one.stage, one.state) for one in handoffs.of(db, ["2"])["2"]]
    assert found == [(1, "mql", "accepted"), (3, "mql", "rejected")]
    assert len(decisions.transitions(db, "2")) == 2
    assert handoffs.of(db, ["1"]) == {}


def test_what_was_told_of_either_is_not_told_again_and_values_are_decided_anew(db: Database) -> None:
    rows = [
        Put("1", "property", "lq_score", None, "5"),
        Put("1", "task", "1:mql", None, "{}"),
        Put("2", "task", "4:mql", None, "{}"),
        Put("1", "webhook", "1:sql:ops", None, "{}"),
        Put("2", "list", "Nurturing", None, '{"do": "leave"}'),
    ]
    with write(db):
        plans.finish(db, plans.start(db, NOW, NOW, "r", 0), "p", "open", {})
        plan = plans.find(db, "p")
        outbox.put(db, plan, rows, NOW)
        seq = {row.key: row.seq for row in outbox.claim(db, 10, NOW)}
        outbox.settle(db, [(seq["4:mql"], State.SENT, ""), (seq["1:mql"], State.PENDING, "")], NOW)
    judged(db, standing("1"), standing("2", journey=4, epoch_at=NOW))
    found = {(row["key"], row["state"]) for row in db.query("SELECT * FROM outbox WHERE contact_id = '2'")}
    assert found == {
        ("lq_score", "dropped"),
        ("1:mql", "sent"),
        ("1:mql", "dropped"),
        ("1:sql:ops", "sending"),
        ("Nurturing", "sending"),
    }
    assert list(db.query("SELECT * FROM outbox WHERE contact_id = '1'")) == []
