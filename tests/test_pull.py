"""The CRM into the cache: nothing is missed, whatever happens on the way, and nothing new costs little."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from accounts import DAY, NOW, beside, contact, form, house, rules_in, submission

from connector import sandbox
from connector.errors import BadRules, Unreachable, WrongPortal
from connector.pull import Pulling, pull
from connector.sandbox import Fault, Writer
from connector.sandbox.rows import Link, Object, WebEvent
from connector.store import bookmarks, decisions, records
from connector.store.schema import write

LIST = "/crm/objects/2026-03/contacts"


def ids(first: int, number: int) -> list[Object]:
    return [contact(first + n) for n in range(number)]


# -- the first load ------------------------------------------------------------------------------------


async def test_everything_is_read_page_by_page(tmp_path: Path) -> None:
    async with house(tmp_path, ids(1000, 250)) as here:
        found = await here.pull()
        assert records.count(here.db) == 250
        assert found.seen["contacts"] == found.changed["contacts"] == 250
        mark = bookmarks.get(here.db, "contacts")
        assert mark.value is not None
        assert (mark.value["until"], mark.progress) == (NOW, None)
        assert len(decisions.to_judge(here.db, NOW)) == 250


async def test_a_load_that_was_cut_off_goes_on_at_its_page(tmp_path: Path) -> None:
    async with house(tmp_path, ids(1000, 250)) as here:
        here.portal.faults([Fault("GET", LIST, skip=2, times=99, cut="before")])
        with pytest.raises(Unreachable):
            await here.pull()
        assert records.count(here.db) == 100  # two pages of 50, with their histories
        here.portal.clear_faults()
        here.requests()
        await here.pull()
        assert records.count(here.db) == 250
        assert [r["query"].count("after=") for r in here.requests() if r["path"] == LIST] == [1, 1, 1]


async def test_what_changes_during_the_load_is_seen(tmp_path: Path) -> None:
    async with house(tmp_path, ids(1000, 250)) as here:
        changed = False

        def meanwhile(source: str, _count: int) -> None:
            nonlocal changed
            if source == "contacts" and not changed:  # the first page is stored
                changed = True
                here.seconds(5)
                here.portal.edit(1000, {"jobtitle": "Directrice"})
                here.portal.create("contacts", {"email": "new@acme.fr"})

        await pull(Pulling(here.t, here.db, here.rules, here.clock.now(), meanwhile))
        await here.pull()
        assert records.count(here.db) == 251
        assert records.seen(here.db, ["1000"])["1000"][1]["jobtitle"] == "Directrice"


async def test_a_new_field_of_the_mapping_is_read_for_everybody_and_that_can_be_cut_off_too(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, [contact(10_000 + n, industry=f"i{n}") for n in range(1_150)]) as here:
        await here.pull(["contacts"])
        edits = {
            "mappings/fields.yaml": [("    city:             city\n", "    sector:           industry\n")]
        }
        more = rules_in(tmp_path / "more", edits)

        def stop(source: str, _count: int) -> None:
            raise KeyboardInterrupt(source)

        with pytest.raises(KeyboardInterrupt):
            await pull(Pulling(here.t, here.db, more, here.clock.now(), stop), ["contacts"])
        known = "SELECT count(*) AS n FROM contact WHERE f_sector IS NOT NULL"
        assert here.rows(known)[0]["n"] == 1_000
        here.requests()
        await pull(Pulling(here.t, here.db, more, here.clock.now()), ["contacts"])
        assert here.rows(known)[0]["n"] == 1_150
        asked = [json.loads(r["body"]) for r in here.requests() if r["path"].endswith("/batch/read")]
        assert sorted(len(one["inputs"]) for one in asked) == [50, 100]
        assert {tuple(one["properties"]) for one in asked} == {("industry", "hs_merged_object_ids")}
        old = records.seen(here.db, ["10007"])["10007"][1]
        assert (old["industry"], old["email"]) == ("i7", "c10007@acme.fr")


async def test_a_field_given_up_for_another_changes_nobody_before_it_is_read(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(7, industry="chimie"), contact(8)]) as here:
        await here.pull()
        edits = {
            "mappings/fields.yaml": [("    city:             city\n", "    sector:           industry\n")]
        }
        more = rules_in(tmp_path / "more", edits)
        found = await pull(Pulling(here.t, here.db, more, here.clock.now()), ["contacts"])
        assert found.changed["contacts"] == 1
        assert here.rows("SELECT f_sector FROM contact WHERE id = '7'")[0]["f_sector"] == "chimie"


# -- increments ----------------------------------------------------------------------------------------


async def test_with_nothing_new_the_number_of_requests_is_constant_and_nobody_is_judged(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, [*ids(1000, 120), form("newsletter")]) as here:
        await here.sync()
        counts = []
        for _ in range(4):
            here.seconds(300)
            here.requests()
            synced = await here.sync()
            assert synced.plan.summary["judged"] == 0
            counts.append(len(here.requests()))
        assert counts[1] == counts[2] == counts[3]  # the first one reads the echo of our writes
        assert counts[3] < 25


async def test_the_echo_of_our_writes_is_read_once_and_judges_nobody(tmp_path: Path) -> None:
    async with house(tmp_path, ids(1000, 120)) as here:
        await here.sync()
        here.seconds(60)
        echo = await here.pull(["contacts"])
        assert (echo.seen["contacts"], echo.changed["contacts"]) == (120, 0)
        assert decisions.to_judge(here.db, here.clock.now()) == []
        here.requests()
        await here.pull(["contacts"])
        assert not any("batch/read" in request["path"] for request in here.requests())


async def test_what_a_person_changed_just_before_our_write_is_seen_after_it(tmp_path: Path) -> None:
    """Our write moves the record's date: it must not make the change before it look known."""
    async with house(tmp_path, ids(1000, 2)) as here:
        await here.pull()
        plan = here.plan()
        here.seconds(5)
        here.portal.edit(1000, {"jobtitle": "Étudiante"})
        here.seconds(5)
        await here.apply(plan)
        here.seconds(300)
        synced = await here.sync()
        assert synced.plan.summary["judged"] == 1
        assert here.held(1000, "lq_fit") == "-50"


async def test_changes_beyond_a_page_of_the_search_are_read_by_id(tmp_path: Path) -> None:
    async with house(tmp_path, ids(1000, 450)) as here:
        await here.pull()
        here.seconds(60)
        for n in range(450):
            here.portal.edit(1000 + n, {"jobtitle": "Dirigeante"})
        here.seconds(60)
        found = await here.pull(["contacts"])
        assert found.changed["contacts"] == 450
        assert here.rows("SELECT count(*) AS n FROM contact WHERE f_job_title = 'dirigeante'")[0]["n"] == 450


async def test_a_window_that_was_cut_off_is_read_to_its_end_and_then_up_to_now(tmp_path: Path) -> None:
    async with house(tmp_path, ids(1000, 450)) as here:
        await here.pull()
        here.seconds(60)
        for n in range(450):
            here.portal.edit(1000 + n, {"jobtitle": "Dirigeante"})
        here.seconds(60)
        here.portal.faults([Fault("POST", "/contacts/search", skip=1, times=99, cut="before")])
        with pytest.raises(Unreachable):
            await here.pull(["contacts"])
        assert bookmarks.get(here.db, "contacts").progress is not None
        here.portal.clear_faults()
        here.seconds(3600)
        here.portal.edit(1449, {"jobtitle": "Étudiante"})
        here.seconds(60)
        await here.pull(["contacts"])
        assert bookmarks.get(here.db, "contacts").progress is None
        titles = here.rows("SELECT f_job_title AS title, count(*) AS n FROM contact GROUP BY 1 ORDER BY 1")
        assert titles == [{"title": "dirigeante", "n": 449}, {"title": "etudiante", "n": 1}]


async def test_a_window_of_which_nothing_was_stored_is_read_again(tmp_path: Path) -> None:
    """Nothing else sees it so soon: it is older than windows overlap, and younger than the second look."""
    async with house(tmp_path, ids(1000, 3)) as here:
        await here.pull()
        here.seconds(60)
        here.portal.edit(1001, {"jobtitle": "Étudiante"})
        here.seconds(1200)
        here.portal.faults([Fault("POST", "/contacts/batch/read", times=99, cut="before")])
        with pytest.raises(Unreachable):
            await here.pull(["contacts"])
        here.portal.clear_faults()
        here.seconds(60)
        assert (await here.pull(["contacts"])).changed["contacts"] == 1


async def test_what_the_search_shows_late_is_seen_by_the_overlap(tmp_path: Path) -> None:
    async with house(tmp_path, ids(1000, 3)) as here:
        await here.pull()
        here.portal.lag(240)
        here.seconds(60)
        here.portal.edit(1001, {"jobtitle": "Étudiante"})
        here.seconds(60)
        assert (await here.pull(["contacts"])).changed.get("contacts", 0) == 0
        here.seconds(300)
        assert (await here.pull(["contacts"])).changed["contacts"] == 1


async def test_a_window_of_the_list_that_was_left_by_another_mapping_is_not_taken_for_a_search(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, ids(1000, 3)) as here:
        await here.pull()
        with write(here.db):
            bookmarks.progress(here.db, "contacts", {"after": "7", "started": NOW, "properties": ["other"]})
        here.portal.edit(1001, {"jobtitle": "Étudiante"})
        here.seconds(60)
        assert (await here.pull(["contacts"])).changed["contacts"] == 1


# -- odd records ---------------------------------------------------------------------------------------


async def test_a_contact_without_an_address_is_judged_like_any_other(tmp_path: Path) -> None:
    bare = Object("contacts", 7, {"firstname": "Zoé"}, NOW - DAY, NOW - DAY)
    async with house(tmp_path, [bare, contact(8)]) as here:
        await here.sync()
        assert here.held(7, "lq_stage") == "contact"
        [row] = records.find(here.db, "7")
        assert row["email"] is None


async def test_a_record_without_a_modification_date_is_kept_read_again_and_said(tmp_path: Path) -> None:
    row = {"id": "7", "properties": {"email": "x@acme.fr", "lifecyclestage": "lead"}}
    async with house(tmp_path, [contact(8)]) as here:
        here.portal.faults([Fault("GET", LIST, status=200, body={"results": [row]})])
        await here.pull(["contacts"])
        assert [(o["record_id"], o["property"]) for o in records.oddities(here.db)] == [("7", "(modified)")]
        assert decisions.to_judge(here.db, NOW) == ["7"]


async def test_values_that_do_not_fit_are_kept_counted_and_listed(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(7, hs_email_optout="true")]) as here:
        here.portal.faults(
            [
                Fault(
                    "GET",
                    LIST,
                    status=200,
                    body={
                        "results": [
                            {
                                "id": "7",
                                "updatedAt": "2026-11-01T00:00:00Z",
                                "properties": {"hs_email_optout": "peut-être", "bant_timing": "bientôt"},
                            }
                        ]
                    },
                )
            ]
        )
        await here.pull(["contacts"])
        assert {o["value"] for o in records.oddities(here.db)} == {"peut-être", "bientôt"}
        here.portal.edit(7, {"jobtitle": "x"})
        here.seconds(60)
        await here.pull(["contacts"])
        assert records.count_oddities(here.db) == 0


async def test_companies_and_deals_judge_their_contacts(tmp_path: Path) -> None:
    rows = [
        contact(7),
        contact(8),
        Object("companies", 50, {"name": "Acme"}, NOW - DAY, NOW - DAY),
        Link("contacts", 7, "companies", 50, primary=True),
    ]
    async with house(tmp_path, rows) as here:
        await here.sync()
        here.seconds(60)
        here.portal.edit(50, {"numberofemployees": "200"}, kind="companies")
        here.seconds(60)
        synced = await here.sync()
        assert (synced.plan.summary["judged"], here.held(7, "lq_fit")) == (1, "10")
        here.portal.create(
            "deals", {"dealname": "D", "dealstage": "closedwon", "amount": "5"}, links=[("contacts", 8)]
        )
        here.seconds(60)
        await here.sync()
        assert here.held(8, "lq_stage") == "customer"


# -- the account ---------------------------------------------------------------------------------------


async def test_a_cache_belongs_to_one_portal(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(7)]) as here:
        await here.pull()
        with sandbox.start(seed=99, now=NOW, driven=True) as other:
            async with beside(other, here.rules, tmp_path / "connector.db") as wrong:
                with pytest.raises(WrongPortal, match=f"belongs to portal {here.portal.account.portal_id}"):
                    await wrong.pull()
        assert records.count(here.db) == 1


async def test_a_mapping_that_names_what_the_account_lacks_reads_nothing(tmp_path: Path) -> None:
    edits = {"mappings/fields.yaml": [("city:             city", "city:             ville")]}
    async with house(tmp_path, [contact(7)], edits=edits) as here:
        with pytest.raises(BadRules) as error:
            await here.pull()
        assert error.value.diagnostics[0].code == "unknown-property"
        assert records.count(here.db) == 0


async def test_a_source_that_the_account_lacks_is_said_and_the_others_go_on(tmp_path: Path) -> None:
    async with house(
        tmp_path, [contact(7), form("newsletter"), submission("newsletter", "c7@acme.fr", DAY)]
    ) as here:
        here.portal.knobs(tier="professional")
        synced = await here.sync()
        assert set(synced.pulled.absent) == {"page_views"}
        assert "Enterprise" in synced.pulled.absent["page_views"]
        assert here.held(7, "lq_stage") == "lead"
        here.portal.knobs(tier="enterprise")
        here.portal.happen([WebEvent("w", 7, "e_visited_page", NOW, {"hs_url": "https://acme.fr/tarifs"})])
        here.seconds(60)
        synced = await here.sync()
        assert (synced.pulled.absent, here.held(7, "lq_score")) == ({}, "15")


async def test_engagement_that_was_parked_counts_when_its_contact_comes(tmp_path: Path) -> None:
    async with house(
        tmp_path, [contact(7), form("newsletter"), submission("newsletter", "new@acme.fr", DAY)]
    ) as here:
        await here.sync()
        new = here.portal.create("contacts", {"email": "new@acme.fr"})
        here.seconds(60)
        await here.sync()
        assert here.held(new, "lq_stage") == "lead"


# -- who wrote the stage -------------------------------------------------------------------------------


async def test_history_is_read_only_where_the_stage_is_not_what_we_know(tmp_path: Path) -> None:
    async with house(tmp_path, [*ids(1000, 3), form("devis")]) as here:
        await here.sync()
        assert len(decisions.notes(here.db, ["1000", "1001", "1002"])) == 3  # they came with the pages
        here.portal.happen([submission("devis", "c1000@acme.fr", 0)])
        here.portal.edit(1001, {"jobtitle": "x"})
        for seconds in (60, 60, 60):  # our write, its echo, and nothing
            here.seconds(seconds)
            assert "property history" not in (await here.sync()).pulled.seen
        here.portal.edit(1000, {"lifecyclestage": "customer"})
        here.seconds(60)
        assert (await here.sync()).pulled.seen["property history"] == 1
        assert decisions.notes(here.db, ["1000"])["1000"].writer == "person"


async def test_a_stage_that_we_wrote_is_ours_in_a_new_cache_too(tmp_path: Path) -> None:
    async with house(
        tmp_path, [*ids(1000, 2), form("devis"), submission("devis", "c1000@acme.fr", DAY)]
    ) as here:
        await here.sync()
        here.portal.change(1001, {"lifecyclestage": "opportunity"}, Writer("INTEGRATION", "other"))
        async with beside(here.portal, here.rules, tmp_path / "new.db") as new:
            await new.pull()
            notes = decisions.notes(new.db, ["1000", "1001"])
            assert {id: note.writer for id, note in notes.items()} == {"1000": "ours", "1001": "app"}
            assert notes["1000"].before == "lead"
