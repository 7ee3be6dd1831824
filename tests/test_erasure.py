"""Who is erased in the CRM is erased here, to the last byte; who is to be forgotten stays forgotten."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from accounts import DAY, NOW, House, beside, contact, form, house, submission
from command_line import Folder

from connector.errors import BadCommand
from connector.explain import explain
from connector.pull import pull
from connector.reconcile import forgetting
from connector.report import status
from connector.sandbox.rows import EmailEvent, Link, ListDef, Membership, Object, Submission, WebEvent
from connector.score.everybody import _Worker
from connector.store import bookmarks, engagement, erasure, records
from connector.store.schema import open_store, spill_folder, write

SIZE = "          - id: target_size\n"
LIVELY = "          - {id: lively, when: {account_engagement: {at_least: 15}}, points: 3}\n"
ADDED_UP = "accounts: {engagement: {top: 3, cap: 150}}\n"
PUT = (
    "INSERT INTO contact (id, seen_at, properties) VALUES (?1, 0, ?2) "
    "ON CONFLICT (id) DO UPDATE SET properties = ?2 || id"
)
ID, OTHER = 70_000_000_007, 70_000_000_008
WHO = {
    "firstname": "Zénobie",
    "lastname": "Kerouanton",
    "email": "zenobie.k@laposte.net",
    "bant_timing": "bientôt Zénobie",
}
NAMES = ("Zénobie", "Kerouanton", "zenobie.k@laposte.net", "zk@ouest.fr", str(ID), str(OTHER))
ROWS = (
    contact(ID, **WHO, hs_additional_emails="zk@ouest.fr", hubspot_owner_id="8"),
    contact(9),
    *(contact(1000 + n) for n in range(60)),
    form("newsletter"),
    form("devis"),
    submission("newsletter", "zk@ouest.fr", 9 * DAY),
    EmailEvent("e1", "CLICK", NOW - DAY, "zenobie.k@laposte.net", 7, "Lettre", "https://acme.fr/x"),
    WebEvent("w1", ID, "e_visited_page", NOW - 2 * DAY, {"hs_url": "https://acme.fr/tarifs"}),
    ListDef(1, "salon-lyon"),
    Membership(1, ID, NOW - 8 * DAY),
)


def left(folder: Path, names: Iterable[str] = NAMES) -> dict[str, list[str]]:
    """Which names stand in the bytes of the cache's files."""
    files = sorted(folder.glob("connector.db*"))
    assert {file.name for file in files} >= {"connector.db", "connector.db-wal"}
    found = {name: [file.name for file in files if name.encode() in file.read_bytes()] for name in names}
    return {name: where for name, where in found.items() if where}


async def lived(here: House) -> None:
    """A life that leaves something in every table: tasks, hand-offs, plans, a run that names them."""
    await here.sync(brake=0.0)
    here.accept(here.plan())
    await here.sync()
    here.portal.happen([submission("devis", "zenobie.k@laposte.net", -1000)])
    here.seconds(60)
    await here.sync()
    run = bookmarks.start_run(here.db, "sync", NOW)
    bookmarks.end_run(
        here.db,
        run,
        NOW,
        "failed",
        "",
        {"said": f"Record {ID} (zenobie.k@laposte.net) is odd", "requests": 5},
    )
    here.seconds(600)
    await here.sync()


async def test_nothing_of_a_person_who_was_erased_is_left_in_the_file(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await lived(here)
        for table in (
            "handoff",
            "transition",
            "outbox",
            "score",
            "standing",
            "signal",
            "engagement",
            "plan_item",
        ):
            assert here.rows(f"SELECT 1 FROM {table} WHERE contact_id = ?", str(ID)), table
        assert here.rows("SELECT 1 FROM oddity WHERE record_id = ?", str(ID))
        merged = here.portal.merge(
            ID, here.portal.create("contacts", {"email": "zk2@ouest.fr", "lastname": "Kerouanton"})
        )
        here.seconds(60)
        await here.sync()
        names = (*NAMES, "zk2@ouest.fr", str(merged))
        assert "Kerouanton" in left(tmp_path, names)
        here.portal.erase(merged)
        here.seconds(1200)
        await here.sync()
        assert left(tmp_path, names) == {}
        assert records.count(here.db) == 61
        said = here.rows("SELECT summary FROM run WHERE status = 'failed'")[0]["summary"]
        assert said == '{"said":"Record (erased) ((erased)) is odd","requests":5}'
        here.seconds(DAY // 1000)
        await here.sync()
        assert left(tmp_path, names) == {}


async def test_who_is_erased_out_of_the_bin_is_erased_here_within_the_day(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await lived(here)
        here.portal.archive(ID)
        here.seconds(600)
        await here.sync()
        assert left(tmp_path) != {}
        here.portal.erase(ID)
        here.seconds(DAY // 1000)
        await here.sync()
        assert left(tmp_path) == {}


async def test_late_engagement_of_theirs_is_not_kept(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await lived(here)
        here.portal.erase(ID)
        here.seconds(1200)
        await here.sync()
        at = here.clock.now()
        here.portal.load(
            [
                EmailEvent("e2", "OPEN", at - 1000, "zenobie.k@laposte.net", 7, "Lettre"),
                Submission("guid-newsletter", at - 2 * DAY, {"email": "zk@ouest.fr"}, "https://acme.fr/x"),
            ]
        )
        here.seconds(60)
        await here.sync()
        await pull(here.pulling(), ["engagement"], full=True)
        assert (engagement.parked(here.db), left(tmp_path)) == (0, {})


async def test_a_new_contact_at_the_same_address_is_somebody_new(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await lived(here)
        here.portal.erase(ID)
        here.seconds(1200)
        await here.sync()
        sent = Submission(
            "guid-newsletter", here.clock.now() + 1000, {"email": "zk@ouest.fr"}, "https://acme.fr/x"
        )
        here.seconds(60)
        here.portal.load([sent])
        await here.sync()
        assert engagement.parked(here.db) == 1  # a form that was sent since: a new consent
        new = here.portal.create("contacts", {"email": "zk@ouest.fr"})
        here.seconds(60)
        await here.sync()
        assert (
            here.held(new, "lq_stage"),
            len(here.rows("SELECT * FROM signal WHERE contact_id = ?", str(new))),
        ) == ("lead", 1)


async def test_others_of_the_company_are_judged_without_them(tmp_path: Path) -> None:
    rules = {
        "workflows/qualification.yaml": [(SIZE, LIVELY + SIZE), ("total: {of:", ADDED_UP + "total: {of:")]
    }
    company = Object("companies", 50, {"name": "Acme"}, NOW - DAY, NOW - DAY)
    links = [Link("contacts", id, "companies", 50, primary=True) for id in (ID, 9)]
    async with house(tmp_path, [*ROWS, company, *links], edits=rules) as here:
        await here.sync()
        assert here.held(9, "lq_fit") == "3"
        here.portal.erase(ID)
        here.seconds(1200)
        await here.sync()
        assert here.held(9, "lq_fit") == "0"


@pytest.mark.parametrize("erased", [False, True])
async def test_who_is_gone_when_a_write_meets_them_is_looked_for_at_once(
    tmp_path: Path, erased: bool
) -> None:
    """The count says nothing then: they have left the cache and the CRM."""
    async with house(tmp_path, ROWS) as here:
        await here.pull()
        plan = here.plan()
        (here.portal.erase if erased else here.portal.archive)(ID)
        here.seconds(60)
        await here.apply(plan)
        assert not here.rows("SELECT * FROM contact WHERE id = ?", str(ID))
        here.seconds(60)
        await here.sync(brake=0.0)
        assert [row["binned"] for row in here.rows("SELECT * FROM departed")] == ([] if erased else [1])
        assert (left(tmp_path) == {}) is erased


async def test_a_run_that_died_before_the_file_was_wiped_is_made_up_for(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await lived(here)
        here.portal.erase(ID)
        with write(here.db):
            erasure.erase(here.db, [str(ID)], here.clock.now(), asked=False)
        assert erasure.owed(here.db)
        assert not status(here.db, None, NOW)[0]["reconciled"]["clean"]
        here.seconds(60)
        await here.sync()
        assert (left(tmp_path), erasure.owed(here.db)) == ({}, False)


# -- the file ------------------------------------------------------------------------------------------


def test_a_copy_that_a_page_keeps_in_its_unused_part_goes_too(tmp_path: Path) -> None:
    """`secure_delete` alone does not do it: pages that were rearranged keep what they held."""
    db = open_store(tmp_path / "connector.db")
    people = [f"7{n * 7919 % 1_000_000_007:010d}" for n in range(2_500)]
    for turn in range(3):
        with write(db):
            for n, id in enumerate(people):
                db.execute("INSERT OR REPLACE INTO dirty VALUES (?, ?)", [f"{id}:{turn}", n])
                text = "x" * ((n * 37 + turn * 611) % 2_900) + id
                db.execute(PUT, [id, text])
    gone = people[::9]
    with write(db):
        for id in gone:
            for turn in range(3):
                db.execute("DELETE FROM dirty WHERE contact_id = ?", [f"{id}:{turn}"])
            erasure.erase(db, [id], NOW, asked=False)
    assert db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    there = (tmp_path / "connector.db").read_bytes()
    kept = [id for id in gone if id.encode() in there]  # a few of a hundred, as SQLite is today
    assert erasure.scrub(db, kept[:3] or gone[:3])
    there = (tmp_path / "connector.db").read_bytes() + (tmp_path / "connector.db-wal").read_bytes()
    assert [id for id in gone if id.encode() in there] == []
    assert not erasure.owed(db)
    db.close()


async def test_while_somebody_reads_the_log_is_wiped_by_the_next_sync(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await lived(here)
        here.db.execute("PRAGMA busy_timeout = 10")
        with closing(sqlite3.connect(tmp_path / "connector.db", isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM contact").fetchone()
            who = forgetting.known(here.db, str(ID))
            assert not forgetting.forget(here.db, who, here.clock.now()).clean
            assert left(tmp_path) != {}
        await here.sync()
        assert (left(tmp_path), erasure.owed(here.db)) == ({}, False)


def spilled(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if ".spill-" in one.name]


async def test_what_duckdb_spills_goes_with_its_process(tmp_path: Path) -> None:
    async with house(tmp_path, [contact(9)]) as here:
        await here.pull()
        worker = _Worker(str(tmp_path / "connector.db"), here.rules, 1)
        assert worker.answer() is None
        [folder] = spilled(tmp_path)
        assert folder.stat().st_mode & 0o777 == 0o700
        del worker
        assert not folder.exists()
        dead = spill_folder(
            tmp_path / "connector.db", 2**22 - 3
        )  # of a process that was killed with its parent
        dead.mkdir()
        assert erasure.scrub(here.db, ["nobody"])
        assert not dead.exists()


# -- at our user's word --------------------------------------------------------------------------------


async def test_who_is_forgotten_is_left_out_while_the_crm_has_them(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await lived(here)
        done = forgetting.forget(here.db, forgetting.known(here.db, "ZK@ouest.fr"), here.clock.now())
        assert (done.clean, done.rows["contact"], left(tmp_path)) == (True, 1, {})
        here.portal.edit(ID, {"jobtitle": "Présidente"})
        here.portal.happen([submission("newsletter", "zenobie.k@laposte.net", 0)])
        deal = here.portal.create(
            "deals", {"dealname": "D", "dealstage": "closedwon", "amount": "5"}, links=[("contacts", ID)]
        )
        here.seconds(60)
        await here.sync()
        await pull(here.pulling(), full=True)
        for _ in range(3):
            here.seconds(DAY // 1000)
            await here.sync()
        assert (records.count(here.db), left(tmp_path)) == (61, {})
        assert here.rows("SELECT id FROM deal") == [{"id": str(deal)}]
        summary, _ = status(here.db, here.rules, here.clock.now())
        assert summary["reconciled"]["forgotten"] == 1
        here.requests()
        here.seconds(300)
        await here.sync()
        assert sum(r["path"].endswith("/contacts/search") for r in here.requests()) <= 3  # no alarm over them
        with pytest.raises(BadCommand, match="was forgotten"):
            explain(here.db, here.rules, str(ID), NOW)

        forgetting.remember(here.db, "zk@ouest.fr")
        here.seconds(300)
        await here.sync()
        assert records.count(here.db) == 62
        here.seconds(300)
        await here.sync()
        assert (await here.sync()).plan.summary["changed"] == 0


async def test_who_is_forgotten_and_then_merged_stays_forgotten(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here:
        await here.sync()
        forgetting.forget(here.db, forgetting.known(here.db, str(ID)), here.clock.now())
        new = here.portal.merge(ID, 9)
        for _ in range(3):
            here.seconds(DAY // 1000)
            await here.sync()
        assert not {str(new), "9"} & {row["id"] for row in here.rows("SELECT id FROM contact")}
        assert left(tmp_path, (*NAMES, str(new))) == {}


async def test_a_new_cache_has_another_salt(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as here, beside(here.portal, here.rules, tmp_path / "other.db") as other:
        await here.sync()
        await other.pull()
        for one in (here, other):
            forgetting.forget(one.db, forgetting.known(one.db, str(ID)), NOW)
        hashes = [{row[0] for row in one.db.execute("SELECT hash FROM erased")} for one in (here, other)]
        assert len(hashes[0]) == len(hashes[1]) == 3
        assert not hashes[0] & hashes[1]


def test_forget_at_the_command_line(applied: Folder) -> None:
    who = applied.json("contacts", "-v")["items"][0]
    asked = applied("forget", who["contact"])
    assert (asked.code, "Add --yes" in asked.stderr) == (2, True), asked.stderr
    done = applied("forget", who["email"], "--yes")
    assert done.code == 0
    assert "salted hashes" in done.stdout
    assert "Not touched: the CRM" in done.stdout
    assert who["email"] not in done.stdout
    assert applied("sync").code == 0
    gone = applied("explain", who["contact"])
    assert (gone.code, "forget --undo" in gone.stderr) == (2, True)
    assert "1 person forgotten" in applied("status").stdout
    assert applied("forget", who["contact"], "--yes").code == 2
    assert applied("forget", "--undo", who["email"]).code == 0
    applied.advance(1200)
    assert applied("sync").code == 0
    assert applied.json("explain", who["contact"])["summary"]["contact"] == who["contact"]
