"""What the CRM does not announce is known here after the next count, or after the day's walk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from accounts import DAY, NOW, Edits, House, contact, form, house, submission

from connector.errors import Unreachable
from connector.reconcile import RECONCILIATION, forgetting, reconcile
from connector.sandbox import Fault
from connector.sandbox.rows import Link, ListDef, Membership, Object
from connector.sandbox.state import SCOPES
from connector.store import bookmarks, decisions, handoffs, records

LIST = "/crm/objects/2026-03/contacts"
SEARCH = "/crm/objects/2026-03/contacts/search"
READ = "/crm/objects/2026-03/contacts/batch/read"
ARCHIVE = "/crm/associations/2026-03/{}/{}/batch/archive"
CITY = "    city:             city\n"
SIZE = "          - id: target_size\n"
COUNTED = "    deals_count:      {property: num_associated_deals, type: number}\n"
BUYER = "          - {id: buyer, when: {deals_count: {at_least: 1}}, points: 7}\n"
COMPUTED: Edits = {
    "mappings/fields.yaml": [(CITY, CITY + COUNTED)],
    "workflows/qualification.yaml": [(SIZE, BUYER + SIZE)],
}
HOUR = 3600


def here_are(here: House) -> set[int]:
    return {int(row["id"]) for row in here.rows("SELECT id FROM contact")}


def asked(here: House, path: str) -> int:
    """How many requests on this path since the last time."""
    return sum(request["path"] == path for request in here.requests())


async def read(here: House) -> None:
    """What a sync reads, and nobody is judged."""
    await here.pull()
    await reconcile(here.pulling())


async def a_day(here: House, ticks: int = 1) -> None:
    """A day of syncs, and the first one of the next."""
    for _ in range(ticks + 1):
        here.seconds(DAY // 1000 // ticks)
        await here.sync()


def state(here: House) -> dict[str, Any]:
    """The decisions that are in force, without the moments of looking."""
    return here.tables(
        "contact", "company", "deal", "bookmark", "fact", "plan", "plan_item", "dirty", "score"
    )


# -- contacts that come and go -------------------------------------------------------------------------


async def test_an_archived_contact_is_on_no_list_and_comes_back_as_it_stood(tmp_path: Path) -> None:
    rows = [contact(7), contact(8), form("newsletter"), submission("newsletter", "c7@acme.fr", DAY)]
    async with house(tmp_path, rows) as here:
        await here.sync()
        here.seconds(600)
        await here.sync()  # the echo
        before = state(here)
        here.portal.archive(7)
        here.seconds(300)
        assert (await here.sync()).plan.summary["contacts"] == 1
        assert (records.count(here.db), decisions.by_stage(here.db)) == (1, {"contact": 1})
        assert decisions.listed(here.db, NOW, stage="lead", band=None, held=False, limit=None)[0] == 0
        assert decisions.standings(here.db, ["7"])["7"].stage == "lead"

        here.portal.restore(7)
        here.requests()
        here.seconds(300)
        await here.sync()
        assert here_are(here) == {7, 8}
        assert here.writes() == []
        here.seconds(300)
        assert (await here.sync()).plan.summary["changed"] == 0
        assert state(here) == before


async def test_what_was_to_be_sent_to_an_archived_contact_is_not(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(7), contact(8)]) as here:
        await here.pull()
        here.accept(here.plan())
        here.portal.archive(7)
        here.seconds(300)
        synced = await here.sync()
        assert synced.sent is not None
        assert (synced.sent.sent, here_are(here)) == (1, {8})
        assert {row["state"] for row in here.rows("SELECT state FROM outbox WHERE contact_id = '7'")} == {
            "dropped"
        }


async def test_a_few_among_many_are_found_with_few_requests(tmp_path: Path) -> None:
    many = [contact(10_000 + n, age=(n % 300 + 1) * DAY + n) for n in range(1_500)]
    async with house(tmp_path, many) as here:
        await read(here)
        here.requests()
        gone = {10_003, 10_700, 11_499}
        for id in gone:
            here.portal.archive(id)
        here.seconds(1200)
        await read(here)
        assert here_are(here) == {10_000 + n for n in range(1_500)} - gone
        searches = asked(here, SEARCH)
        assert searches < 25
        here.portal.restore(10_700)
        here.seconds(300)
        await read(here)
        assert 10_700 in here_are(here)


@pytest.mark.parametrize(("many", "gone"), [(3, 2), (450, 449), (450, 1)])
async def test_whoever_was_forgotten_here_hides_nobody_who_left(tmp_path: Path, many: int, gone: int) -> None:
    """One is there and not here by our user's word, another here and not there: both sides count alike."""
    people = [contact(10_000 + n, age=(n + 1) * DAY // 2) for n in range(many)]
    async with house(tmp_path, people) as here:
        await read(here)
        forgetting.forget(here.db, forgetting.known(here.db, "10000"), here.clock.now())
        here.portal.archive(10_000 + gone)
        here.seconds(1200)
        await read(here)
        assert here_are(here) == {10_000 + n for n in range(1, many)} - {10_000 + gone}


async def test_contacts_of_one_import_are_found_too(tmp_path: Path) -> None:
    """Made in the same millisecond: time cannot tell them apart."""
    async with house(tmp_path, [contact(10_000 + n) for n in range(350)]) as here:
        await read(here)
        here.portal.archive(10_120)
        for _ in range(2):
            here.seconds(DAY // 1000)
            await read(here)
        assert len(here_are(here)) == 349


# -- a search that is late or wrong --------------------------------------------------------------------


async def test_what_the_index_does_not_show_yet_is_no_alarm(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(7), contact(8)]) as here:
        await here.sync()
        here.portal.lag(240)
        here.portal.create("contacts", {"email": "neuve@acme.fr"})
        here.requests()
        for _ in range(3):
            here.seconds(100)
            await here.sync()
        # the window and the count, and what settled once
        assert asked(here, SEARCH) <= 3 * 2 + 2
        assert len(here_are(here)) == 3


async def test_a_delete_that_the_index_learns_late_is_found_then(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(7), contact(8)]) as here:
        await here.sync()
        here.portal.lag(240)
        here.portal.archive(7)
        here.seconds(60)
        await here.sync()
        assert here_are(here) == {7, 8}
        here.seconds(240)
        await here.sync()
        assert here_are(here) == {8}


async def test_a_count_that_stays_wrong_is_looked_into_once_and_nobody_is_lost(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(7), contact(8)]) as here:
        await here.sync()
        here.seconds(1200)
        await here.sync()
        wrong = {"total": 1, "results": [{"id": "8", "properties": {"hs_object_id": "8"}}]}
        counts = []
        for _ in range(4):
            here.seconds(300)
            here.portal.clear_faults()
            here.portal.faults([Fault("POST", SEARCH, skip=1, times=9, status=200, body=wrong)])
            here.requests()
            await here.sync()
            counts.append(asked(here, READ))
        assert (here_are(here), counts[1:]) == ({7, 8}, [0, 0, 0])


# -- the walk ------------------------------------------------------------------------------------------


async def test_a_computed_value_is_seen_within_the_day(tmp_path: Path) -> None:
    deal = Object("deals", 90, {"dealname": "D", "dealstage": "closedlost"}, NOW - DAY, NOW - DAY)
    rows = [contact(7, num_associated_deals="1"), deal, Link("deals", 90, "contacts", 7)]
    async with house(tmp_path, rows, edits=COMPUTED) as here:
        await here.sync()
        assert here.held(7, "lq_fit") == "7"
        here.portal.archive(90, kind="deals")
        await a_day(here)
        assert here.held(7, "lq_fit") == "0"


async def test_an_association_that_was_taken_away_is_seen_within_the_day(tmp_path: Path) -> None:
    sized = {"name": "Acme", "numberofemployees": "200"}
    rows = [
        contact(7),
        contact(8),
        Object("companies", 50, sized, NOW - DAY, NOW - DAY),
        Object("deals", 90, {"dealname": "D", "dealstage": "closedwon", "amount": "5"}, NOW - DAY, NOW - DAY),
        Link("contacts", 7, "companies", 50, primary=True),
        Link("deals", 90, "contacts", 7),
        Link("deals", 90, "contacts", 8),
    ]
    async with house(tmp_path, rows) as here:
        await here.sync()
        assert (here.held(7, "lq_fit"), here.held(8, "lq_stage")) == ("10", "customer")
        for pair, ids in ((("contacts", "companies"), ("7", "50")), (("deals", "contacts"), ("90", "8"))):
            body = {"inputs": [{"from": {"id": ids[0]}, "to": [{"id": ids[1]}]}]}
            await here.t.call("POST", ARCHIVE.format(*pair), json=body, effect="update")
        await a_day(here)
        assert here.held(7, "lq_fit") == "0"
        assert here.rows("SELECT contact_id FROM deal_contact") == [{"contact_id": "7"}]


async def test_companies_and_deals_that_are_gone_count_for_nobody(tmp_path: Path) -> None:
    rows = [
        contact(7),
        Object("companies", 50, {"name": "Acme", "numberofemployees": "200"}, NOW - DAY, NOW - DAY),
        Object(
            "deals", 90, {"dealname": "D", "dealstage": "qualifiedtobuy", "amount": "5"}, NOW - DAY, NOW - DAY
        ),
        Link("contacts", 7, "companies", 50, primary=True),
        Link("deals", 90, "contacts", 7),
    ]
    async with house(tmp_path, rows) as here:
        await here.sync()
        here.portal.archive(50, kind="companies")
        here.portal.archive(90, kind="deals")
        await a_day(here)
        for table in ("company", "deal", "deal_contact"):
            assert here.rows(f"SELECT * FROM {table}") == []
        assert here.rows("SELECT * FROM engagement WHERE source = 'deals'") == []
        assert here.held(7, "lq_fit") == "0"
        assert here.held(7, "lq_stage") == "qualified_prospect"  # forward only: what was reached was reached

        here.portal.restore(90, kind="deals")
        await a_day(here)
        assert len(here.rows("SELECT * FROM deal_contact")) == 1


async def test_a_deleted_activity_makes_no_signal_and_takes_no_touch_back(tmp_path: Path) -> None:
    rows = [contact(7), contact(8), form("devis")]
    async with house(tmp_path, rows) as here:
        await here.sync()
        here.portal.happen([submission("devis", "c7@acme.fr", 0)])
        here.seconds(60)
        await here.sync()
        said = {"hs_timestamp": str(here.clock.now() + 30_000), "hs_call_direction": "OUTBOUND"}
        here.seconds(60)
        call = here.portal.create("calls", said, links=[("contacts", 7)])
        held = {
            "hs_timestamp": str(NOW),
            "hs_meeting_start_time": str(NOW - DAY),
            "hs_meeting_outcome": "COMPLETED",
        }
        meeting = here.portal.create("meetings", held, links=[("contacts", 8)])
        here.seconds(60)
        await here.sync()
        touched = handoffs.of(here.db, ["7"])["7"][0]
        kinds = {row["kind"] for row in here.rows("SELECT kind FROM signal")}
        assert (touched.state, kinds) == ("accepted", {"meeting_request", "sales_touch", "meeting_held"})

        here.portal.archive(call, kind="calls")
        here.portal.archive(meeting, kind="meetings")
        await a_day(here)
        assert {row["kind"] for row in here.rows("SELECT kind FROM signal")} == {"meeting_request"}
        after = handoffs.of(here.db, ["7"])["7"][0]
        assert (after.state, after.first_touch_at) == ("accepted", touched.first_touch_at)


async def test_who_left_a_list_once_joined_it(tmp_path: Path) -> None:
    rows = [contact(7), ListDef(1, "salon-lyon"), Membership(1, 7, NOW - DAY)]
    async with house(tmp_path, rows) as here:
        await here.sync()
        path = "/crm/lists/2026-03/1/memberships/{}"
        await here.t.call("PUT", path.format("remove"), json=["7"], effect="update")
        await a_day(here)
        assert len(here.rows("SELECT * FROM signal")) == 1
        await here.t.call("PUT", path.format("add"), json=["7"], effect="update")
        here.seconds(60)
        await here.sync()
        assert len(here.rows("SELECT * FROM signal")) == 2


async def test_a_day_is_walked_in_slices_and_a_nap_is_made_up_for(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(10_000 + n, age=n * 1000 + DAY) for n in range(1_150)]) as here:
        await read(here)
        pages = []
        for _ in range(12):
            here.seconds(2 * HOUR)
            here.requests()
            await read(here)
            pages.append(asked(here, LIST))
        assert (sum(pages), max(pages)) == (12, 2)
        mark = bookmarks.get(here.db, RECONCILIATION)
        assert mark.value is not None
        assert NOW + DAY <= mark.value["ended"] <= here.clock.now()
        here.seconds(3 * DAY // 1000)
        here.requests()
        await read(here)
        assert asked(here, LIST) == 12


async def test_a_walk_that_was_cut_off_goes_on_at_its_page(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(10_000 + n, age=n * 1000 + DAY) for n in range(450)]) as here:
        await read(here)
        here.portal.archive(10_449)
        here.portal.faults(
            [
                Fault("GET", LIST, skip=2, times=99, cut="before"),
                Fault("POST", SEARCH, skip=1, times=9, status=200, body={"total": 450, "results": []}),
            ]
        )
        here.seconds(DAY // 1000)
        with pytest.raises(Unreachable):
            await read(here)
        here.portal.clear_faults()
        here.requests()
        await read(here)
        assert (asked(here, LIST), len(here_are(here))) == (3, 449)


async def test_cut_off_before_the_people_of_a_company_that_is_gone_were_read(tmp_path: Path) -> None:
    """The company goes after the walk has passed the contacts; at its end theirs is another one."""
    sized = {"name": "Acme", "numberofemployees": "200"}
    rows = [
        contact(7),
        *(Object("companies", id, sized, NOW - DAY, NOW - DAY) for id in (50, 51)),
        Link("contacts", 7, "companies", 50, primary=True),
        Link("contacts", 7, "companies", 51),
    ]
    async with house(tmp_path, rows) as here:
        await here.sync()
        here.seconds(DAY // 1000)
        here.portal.faults([Fault("GET", LIST.replace("contacts", "companies"), times=99, cut="before")])
        with pytest.raises(Unreachable):
            await read(here)
        here.portal.clear_faults()
        here.portal.archive(50, kind="companies")
        here.portal.faults([Fault("POST", READ, times=99, cut="before")])
        with pytest.raises(Unreachable):
            await read(here)
        here.portal.clear_faults()
        await read(here)
        assert here.rows("SELECT id FROM company") == [{"id": "51"}]
        assert here.rows("SELECT company_id FROM contact") == [{"company_id": "51"}]


async def test_an_id_that_the_walk_did_not_show_is_asked_for_before_it_is_gone(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(7), contact(8)]) as here:
        await here.sync()
        here.portal.faults([Fault("GET", LIST, status=200, body={"results": []})])
        here.seconds(DAY // 1000)
        here.requests()
        await here.sync()
        assert here_are(here) == {7, 8}
        assert any(request["path"] == READ for request in here.requests())


async def test_what_the_token_may_not_read_stops_nothing(tmp_path: Path) -> None:
    rows = [
        contact(7),
        Object(
            "emails",
            60,
            {"hs_timestamp": str(NOW - DAY), "hs_email_direction": "EMAIL"},
            NOW - DAY,
            NOW - DAY,
        ),
    ]
    async with house(tmp_path, [*rows, Link("emails", 60, "contacts", 7)]) as here:
        await here.sync()
        here.portal.grant(set(SCOPES) - {"sales-email-read"})
        await a_day(here)
        mark = bookmarks.get(here.db, RECONCILIATION)
        assert mark.value is not None
        assert mark.value["ended"] > NOW
        assert len(here.rows("SELECT * FROM engagement")) == 1
