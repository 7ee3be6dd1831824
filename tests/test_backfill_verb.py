"""`connector backfill` as a person runs it: a part, killed and run again; and what it does not take."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from accounts import DAY, NOW, contact, form, submission
from command_line import Folder, on, stop

from connector import sandbox

HOUR = 3_600_000
ROWS = [
    *(contact(10_000 + n, jobtitle="Chef", city="Orléans") for n in range(1_150)),
    form("devis"),
    *(submission("devis", f"c{10_000 + n}@acme.fr", (n + 1) * HOUR) for n in range(960)),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """An account whose contacts were read, and no engagement."""
    with sandbox.start(0, now=NOW, driven=True, rows=ROWS) as portal:
        portal.knobs(burst_limit=0, search_limit=0, associations_limit=0)
        made = on(portal, tmp_path_factory.mktemp("backfill") / "rules")
        ran = made("backfill", "contacts")
        assert ran.code == 0, ran.stderr
        yield made
        made.close()


def asked(folder: Folder, sql: str, *values: Any) -> list[Any]:
    with closing(sqlite3.connect(folder.path / "connector.db")) as cache:
        return cache.execute(sql, values).fetchall()


def killed(folder: Folder, place: str, *args: str) -> dict[str, Any]:
    """The command, killed as soon as it has noted where it is; gives that note."""
    process = folder.start(*args)
    while not (noted := asked(folder, "SELECT progress FROM bookmark WHERE source = ?", place)):
        assert process.poll() is None, process.communicate()
    assert last_run(folder) == "running"
    assert stop(process, signal.SIGKILL).code == -signal.SIGKILL
    assert last_run(folder) == "killed"
    found = json.loads(noted[0][0])
    assert isinstance(found, dict)
    return found


def last_run(folder: Folder) -> str:
    return str(folder.json("runs", "--limit", "1")["items"][0]["status"])


def last(folder: Folder) -> int:
    assert folder.portal is not None
    return max(int(r["n"]) for r in folder.portal.journal())


def requests(folder: Folder, since: int, part: str) -> list[dict[str, Any]]:
    assert folder.portal is not None
    return [r for r in folder.portal.journal(since, bodies=True) if part in r["path"]]


# -- killed ------------------------------------------------------------------------------------------------


def test_a_span_that_was_killed_goes_on_at_its_page_with_the_same_span(folder: Folder) -> None:
    portal = folder.portal
    assert portal is not None
    command = ("backfill", "engagement", "--since", "30d", "--until", "10d")
    portal.faults([{"path": "/submissions/", "skip": 12, "delay": 1.5}])
    noted = killed(folder, "forms span", *command)
    portal.clear_faults()
    assert (noted["since"], noted["until"]) == (NOW - 30 * DAY, NOW - 10 * DAY)
    before, mark = asked(folder, "SELECT count(*) FROM engagement")[0][0], last(folder)

    folder.advance(3_600)
    done = folder.json(*command)
    span = (done["summary"]["since"], done["summary"]["until"])
    assert span == ("2026-10-17T09:00:00Z", "2026-11-06T09:00:00Z")
    pages = [r["query"] for r in requests(folder, mark, "/submissions/")]
    assert "after=" in pages[0], "the first page is not read again"
    assert len(pages) < 15
    assert [i["seen"] for i in done["items"] if i["source"] == "forms"] <= [480 - before + 50]
    kept = asked(folder, "SELECT min(at), max(at), count(*) FROM engagement WHERE source = 'forms'")
    assert kept == [(NOW - 30 * DAY, NOW - 10 * DAY - HOUR, 480)]
    assert asked(folder, "SELECT source FROM bookmark WHERE source LIKE '% span'") == []
    assert asked(folder, "SELECT value FROM bookmark WHERE source = 'forms'") == [], "the pulls' own place"


def test_fields_that_were_killed_go_on_at_their_page(folder: Folder) -> None:
    portal = folder.portal
    assert portal is not None
    with closing(sqlite3.connect(folder.path / "connector.db", isolation_level=None)) as cache:
        cache.execute("UPDATE contact SET f_city = NULL, f_job_title = NULL, properties = '{}'")
    portal.faults([{"path": "/contacts/batch/read", "skip": 11, "delay": 1.5}])
    noted = killed(folder, "contacts fields", "backfill", "--fields", "city")
    portal.clear_faults()
    assert noted == {"new": ["city"], "after": "10999"}
    mark = last(folder)
    done = folder.json("backfill", "--fields", "city", "--rescore")
    assert done["items"] == [{"source": "contacts", "seen": 150, "changed": 150}]
    assert done["summary"]["rescored"] == 1_150
    batches = [json.loads(r["body"]) for r in requests(folder, mark, "/contacts/batch/read")]
    assert sum(len(one["inputs"]) for one in batches) == 150
    assert {tuple(one["properties"]) for one in batches} == {("city", "hs_merged_object_ids")}
    known = "SELECT count(*) FROM contact WHERE f_city = 'orleans' AND f_job_title IS NULL"
    assert asked(folder, known) == [(1_150,)]
    assert asked(folder, "SELECT count(*) FROM dirty") == [(1_150,)]


def test_alone_rescore_reads_nothing(folder: Folder) -> None:
    with closing(sqlite3.connect(folder.path / "connector.db", isolation_level=None)) as cache:
        cache.execute("DELETE FROM dirty")
    mark = last(folder)
    done = folder.json("backfill", "--rescore")
    assert (done["summary"]["rescored"], done["summary"]["requests"], done["items"]) == (1_150, 0, [])
    assert requests(folder, mark, "") == []
    assert asked(folder, "SELECT count(*) FROM dirty") == [(1_150,)]


# -- the time zone -----------------------------------------------------------------------------------------


def test_a_day_begins_where_the_mapping_says(folder: Folder) -> None:
    """Midnight in Paris is 23:00 UTC of the day before in winter, 22:00 in summer."""
    done = folder.json("backfill", "engagement", "--since", "2026-10-20", "--until", "2026-11-02T12:00")
    span = (done["summary"]["since"], done["summary"]["until"])
    assert span == ("2026-10-19T22:00:00Z", "2026-11-02T11:00:00Z")


# -- what it does not take -----------------------------------------------------------------------------------

WRONG = {
    "ends before it begins": (
        ["engagement", "--since", "10d", "--until", "30d"],
        ("The span begins at 2026-11-06", "nothing lies in it", "Give --until a later moment"),
    ),
    "not yet": (["--since", "2027-01-01"], ("nothing lies in it",)),
    "no date": (["engagement", "--until", "hier"], ("`hier` is no date", "Write 2026-11-16")),
    "a span of contacts": (
        ["contacts", "--since", "30d"],
        ("--since and --until are for engagement", "connector backfill engagement --since"),
    ),
    "an unknown field": (["--fields", "city,job_titel"], ("no field 'job_titel'", "Did you mean job_title?")),
    "fields of engagement": (["engagement", "--fields", "city"], ("knows neither engagement nor time",)),
    "fields with a time": (["--fields", "city", "--since", "30d"], ("Leave out engagement, --since",)),
    "fields before a load": (["deals", "--fields", "amount"], ("deals were not read", "backfill deals")),
}


def test_what_it_does_not_take_is_one_sentence_and_what_to_do(folder: Folder) -> None:
    for what, (args, said) in WRONG.items():
        mark = last(folder)
        ran = folder("backfill", *args)
        assert (what, ran.code, ran.stdout) == (what, 2, ""), ran
        for words in said:
            assert words in ran.stderr, (what, ran.stderr)
        assert ran.stderr.count("error:") == ran.stderr.count("fix:") == 1, (what, ran.stderr)
        assert what == "fields before a load" or requests(folder, mark, "") == []


def test_quiet_says_nothing(folder: Folder) -> None:
    quiet = folder("backfill", "contacts", "-q")
    assert (quiet.code, quiet.stdout, quiet.stderr) == (0, "", "")
