"""Whatever happens to the account while syncs run: at the end the cache is the account's, nobody was told
anything twice, people were heard, and a new cache has nothing to say."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from accounts import DAY, NOW, House, submission
from command_line import Folder, on
from storm import Storm, cache, land, weather
from storm_account import EDITS, FIRST, IN_CRM, OWNED
from storm_oracle import agrees, behaved, heard, members, stands, tasks, writes

from connector.errors import Unreachable
from connector.sandbox import Fault
from connector.verify import verify


async def test_what_a_person_says_while_a_sync_reads_is_heard_by_the_next(tmp_path: Path) -> None:
    async with land(tmp_path, 0) as (here, storm):
        who = FIRST + 8
        storm.calm()
        await here.sync()
        assert here.held(who, "lq_stage") == "contact"
        here.portal.edit(who, {"city": "Lyon"})
        here.seconds(60)

        def speak(request: httpx.Request) -> None:
            """After the sync has begun, just before it reads who changed."""
            if (
                request.url.path.endswith("/contacts/batch/read")
                and here.held(who, "lifecyclestage") == "lead"
            ):
                here.seconds(5)
                here.portal.edit(who, {"lifecyclestage": "opportunity"})

        storm.listen = speak
        await here.sync()
        (note,) = here.rows("SELECT value FROM stage_note WHERE contact_id = ?", str(who))
        assert note["value"] == "opportunity"
        here.seconds(60)
        await here.sync()
        assert here.held(who, "lq_stage") == "qualified_prospect"


async def handing_over(here: House, storm: Storm) -> int:
    """A contact that asks for an offer: at the next sync there is a task, and a list to join."""
    storm.calm()
    await here.sync()
    who = FIRST + 9
    here.seconds(60)
    here.portal.happen([submission("devis", f"c{who}@acme.fr", NOW - here.clock.now())])
    here.seconds(60)
    return who


async def test_a_list_that_answers_nothing_is_asked_again(tmp_path: Path) -> None:
    async with land(tmp_path, 0) as (here, storm):
        who = await handing_over(here, storm)
        here.portal.faults([Fault(path="/memberships/add", empty=True)])
        await here.sync()
        assert who not in members(here, OWNED)
        here.seconds(60)
        await here.sync()
        assert who in members(here, OWNED)


async def test_where_nothing_is_said_of_tasks_none_is_made(tmp_path: Path) -> None:
    async with land(tmp_path, 0) as (here, storm):
        await handing_over(here, storm)
        here.portal.faults([Fault(path="/2026-03/tasks", method="POST", cut="after")])
        await here.sync()
        here.seconds(300)
        here.portal.faults([Fault(path="/associations/2026-03/contacts/tasks", empty=True, times=2)])
        await here.sync()
        here.seconds(300)
        await here.sync()
        tasks(here)


async def test_where_nothing_is_said_of_whom_a_meeting_was_with_it_is_asked_again(tmp_path: Path) -> None:
    async with land(tmp_path, 0) as (here, storm):
        storm.calm()
        await here.sync()
        here.seconds(60)
        storm.meet()
        here.seconds(60)
        here.portal.faults([Fault(path="/associations/2026-03/meetings/contacts", empty=True)])
        await here.sync()
        assert here.rows("SELECT * FROM engagement WHERE event = 'meeting'")


async def test_an_account_that_does_not_say_who_it_is_is_asked_again(tmp_path: Path) -> None:
    async with land(tmp_path, 0) as (here, _):
        here.portal.faults([Fault(path="/account-info/", empty=True)])
        with pytest.raises(Unreachable):
            await here.sync()
        await here.sync()


async def test_a_journey_that_is_not_the_contacts_is_taken_off_them(tmp_path: Path) -> None:
    """A merge leaves the date of the younger journey where the older one has none, as anybody's hand may."""
    async with land(tmp_path, 0) as (here, storm):
        who = await handing_over(here, storm)
        await here.sync()
        here.seconds(60)
        here.portal.edit(who, {"lq_epoch": str(NOW)})
        here.seconds(60)
        await here.sync()
        assert not here.held(who, "lq_epoch")
        writes(here)
        here.seconds(60)
        await here.sync()
        assert writes(here) == []


@pytest.mark.parametrize(
    "said",
    [("marketingqualifiedlead", "lead"), ("salesqualifiedlead", "marketingqualifiedlead")],
    ids=["to where the other stands", "to where the merge takes both"],
)
async def test_a_step_back_outlives_both_a_merge_and_the_cache(tmp_path: Path, said: tuple[str, str]) -> None:
    async with land(tmp_path, 0) as (here, storm):
        one, other = FIRST + 4, FIRST + 8
        storm.calm()
        here.portal.happen([submission("devis", f"c{one}@acme.fr", 60_000)])
        await here.sync()
        for stage in said:
            here.seconds(600)
            here.portal.edit(one, {"lifecyclestage": stage})
            here.seconds(600)
            await here.sync()
        both = here.portal.merge(other, one)
        for _ in range(2):
            here.seconds(DAY // 1000)
            here.portal.happen([submission("demo-download", f"c{other}@acme.fr", NOW - here.clock.now())])
            here.seconds(600)
            await here.sync()
        writes(here)
        async with cache(here.portal, here.rules, tmp_path / "other.db", storm) as new:
            await new.sync()
            assert writes(here) == []
            assert stands(new)[str(both)] == stands(here)[str(both)]
            assert IN_CRM[stands(here)[str(both)][0]] == said[-1]


def on_the_command_line(here: House, folder: Path) -> Folder:
    """With the rules of the storm; time stands where it stands."""
    line = on(here.portal, folder)
    for file, edits in EDITS.items():
        for old, new in edits:
            line.edit(file, old, new)
    return line


async def test_the_cache_is_deleted_amid_a_storm_and_the_command_line_says_nothing_new(
    tmp_path: Path,
) -> None:
    async with land(tmp_path, 8) as (here, storm):
        await weather(here, storm, 6)
        line = on_the_command_line(here, tmp_path / "line")
        told = len(storm.ids("tasks"))
        assert told > 0, "this storm tells nobody: take another seed"
        writes(here)
        for deleted in range(2):
            for file in line.path.glob("connector.db*"):
                file.unlink()
            for verb in (["backfill", "all"], ["sync"]):
                ran = line(*verb)
                assert ran.code == 0, ran.stderr
                line.advance(300)
            assert writes(here) == [], f"after {deleted} deletions"
        assert len(storm.ids("tasks")) == told
        with closing(sqlite3.connect(line.path / "connector.db")) as built:
            judged = built.execute("SELECT count(*) FROM contact JOIN standing ON id = contact_id").fetchone()
        assert judged == (len(storm.ids("contacts")),)


async def weathered(folder: Path, seed: int, syncs: int) -> None:
    random.seed(seed)  # the pauses between two attempts
    name = os.environ["PYTEST_CURRENT_TEST"].split(" ")[0]
    print(f"to repeat this storm: pytest -m '' '{name}'")
    async with land(folder, seed) as (here, storm):
        await weather(here, storm, syncs, heard)
        agrees(here, storm, folder / "connector.db")
        behaved(here, storm)
        assert verify(here.db, here.rules, here.clock.now()).items == []
        writes(here)
        here.seconds(300)
        await here.sync()
        assert writes(here) == []
        async with cache(here.portal, here.rules, folder / "other.db", storm) as other:
            await other.sync()
            assert writes(here) == []
            agrees(other, storm, folder / "other.db")
            mine, theirs = stands(here), stands(other)
            different = {
                who: (mine.get(who), theirs.get(who))
                for who in mine | theirs
                if mine.get(who) != theirs.get(who)
            }
            assert not different


@pytest.mark.parametrize(("seed", "syncs"), [(seed, 10) for seed in range(20)])
async def test_a_storm_passes_and_all_is_as_it_should_be(tmp_path: Path, seed: int, syncs: int) -> None:
    await weathered(tmp_path, seed, syncs)


@pytest.mark.long
@pytest.mark.parametrize(("seed", "syncs"), [(seed, 50) for seed in range(100, 200)])
async def test_a_long_storm_passes_too(tmp_path: Path, seed: int, syncs: int) -> None:
    await weathered(tmp_path, seed, syncs)
