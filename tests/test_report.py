"""How it is, who stands where: documents out of the cache, without a request."""

from __future__ import annotations

from pathlib import Path

from accounts import DAY, NOW, House, contact, form, house, submission

from connector import report
from connector.sandbox import Fault
from connector.store import bookmarks, records
from connector.store.schema import write

ROWS = (
    contact(101, hs_persona="decision_maker"),
    contact(102, jobtitle="Étudiante"),
    form("newsletter"),
    form("devis"),
    submission("newsletter", "c101@acme.fr", 3 * DAY),
    submission("newsletter", "nobody@acme.fr", 3 * DAY),
)


async def test_status_says_how_it_is_without_asking_the_crm(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        run = bookmarks.start_run(here.db, "sync", NOW)
        await here.sync()
        bookmarks.end_run(
            here.db, run, NOW + 1000, "done", here.rules.hash, {"said": "2 sent", "seconds": 1.0}
        )
        here.requests()
        summary, items = report.status(here.db, here.rules, NOW)
        assert here.requests() == []
        assert items == []
        assert summary["portal"] == str(here.portal.account.portal_id)
        assert summary["cached"]["contact"] == 2
        assert summary["applied_rules"] == summary["rules"] == here.rules.hash
        assert list(summary["stages"].items())[:3] == [("contact", 1), ("lead", 1), ("mql", 0)]
        assert summary["temperatures"] == {"hot": 0, "warm": 0, "cold": 2}
        assert summary["outbox"]["sent"] == 14
        assert (summary["holds"], summary["parked"], summary["oddities"], summary["to_judge"]) == (0, 1, 0, 0)
        assert {source["source"]: source["state"] for source in summary["sources"]}["forms"] == "ok"
        assert summary["last_sync"]["said"] == "2 sent"
        assert report.runs(here.db, 5)[0]["verb"] == "sync"


async def test_status_lists_what_could_not_be_read_and_names_a_stage_the_rules_have_no_more(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, ROWS) as here:
        await here.sync()
        here.db.execute("UPDATE standing SET stage = 'nurture' WHERE contact_id = '101'")
        here.db.execute("INSERT INTO oddity VALUES ('contacts', '101', 'size', '12,5', 'is not a number', 1)")
        summary, items = report.status(here.db, here.rules, NOW)
        assert list(summary["stages"])[-1] == "nurture"
        assert items == [
            {
                "object": "contacts",
                "record": "101",
                "property": "size",
                "value": "12,5",
                "why": "is not a number",
            }
        ]
        assert report.status(here.db, None, NOW)[0]["stages"] == {"contact": 1, "nurture": 1}


async def test_an_empty_cache_has_a_status_too(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        summary, items = report.status(here.db, here.rules, NOW)
        assert (summary["portal"], summary["last_sync"], summary["sources"], items) == (None, None, [], [])


async def test_contacts_are_listed_with_their_reasons(tmp_path: Path) -> None:
    async with house(tmp_path, [*ROWS, submission("devis", "c101@acme.fr", DAY)]) as here:
        await here.sync()
        here.seconds(60)
        here.portal.edit(101, {"lifecyclestage": "lead"})
        here.seconds(60)
        await here.sync()
        now = here.clock.now()
        found, rows = report.contacts(here.db, here.rules, now)
        assert (found, [row["contact"] for row in rows]) == (2, ["101", "102"])
        assert rows[0]["why"] == ["+20 Decision maker"]
        assert rows[0]["held"]["until"] == "2027-02-14T09:01:00Z"
        assert not rows[1]["held"]
        assert [row["contact"] for row in report.contacts(here.db, here.rules, now, held=True)[1]] == ["101"]
        assert report.contacts(here.db, here.rules, now, stage="contact", limit=1)[0] == 1


async def test_a_plan_is_told_with_masked_addresses_unless_asked(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await here.pull()
        summary, items = report.plan(here.db, here.plan(), verbose=False)
        assert (summary["changed"], summary["rules"]) == (2, here.rules.hash)
        assert [item["email"] for item in items] == ["c***@acme.fr", "c***@acme.fr"]
        assert set(items[0]) == {
            *("contact", "email", "stage", "points", "temperature", "changes", "actions", "lead_status"),
            *("handoff", "hold", "note", "overwrites"),
        }
        full = report.plan(here.db, here.plan(), verbose=True)[1]
        assert [item["email"] for item in full] == ["c101@acme.fr", "c102@acme.fr"]


async def test_what_is_held_is_in_the_plan_with_its_end(tmp_path: Path) -> None:
    async with house(tmp_path, [*ROWS, submission("devis", "c101@acme.fr", DAY)]) as here:
        await set_back(here)
        _, [item] = report.plan(here.db, here.plan(), verbose=False)
        assert item["hold"]["why"] == "set back to lead by hand in the CRM"
        assert item["hold"]["until"] == "2027-02-14T09:01:00Z"


async def test_a_refusal_shows_in_the_outbox_of_the_status(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        here.portal.faults([Fault(path="/contacts/batch/update", empty=True)])
        await here.sync()
        assert report.status(here.db, here.rules, NOW)[0]["outbox"]["held"] == 14


async def set_back(here: House) -> None:
    """Sales took the stage back, and we have seen it."""
    await here.sync()
    here.seconds(60)
    here.portal.edit(101, {"lifecyclestage": "lead"})
    here.seconds(60)
    await here.pull()


async def test_who_is_gone_is_counted_nowhere(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(1), contact(2)]) as h:
        await h.sync()
        h.portal.archive(2)
        with write(h.db):
            records.remove(h.db, "2")
        summary, _ = report.status(h.db, h.rules, h.clock.now())
    assert summary["cached"]["contact"] == 1
    assert sum(summary["stages"].values()) == 1
    assert sum(summary["temperatures"].values()) == 1
