"""Stopped while it learns who was merged, left, came back or was erased: the next sync comes to the same end.

A small account in which all of this happens between two syncs, to contacts for whom something waits to be
told and to others. Three ways to learn of it: by the count of contacts, twenty minutes later; by the day's
walk, while the search shows nothing of it yet; and in the middle of sending, to contacts that have gone.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from accounts import DAY, NOW, contact, form, submission
from command_line import Folder
from crash_runs import (
    Driver,
    End,
    Way,
    cached,
    differences,
    driver,
    enough,
    every,
    killed_at,
    left,
    opened,
    went_well,
)
from random_lives import MAPPING, write_rules
from test_crash import contacts, tasks
from webhook_receiver import Receiver, receiving

from connector import sandbox
from connector.sandbox import Fault
from connector.sandbox.rows import Link, ListDef, Membership, Object, Owner, Row

__all__ = ["driver"]  # a fixture, used by its name

FIRST = 70_000_000_000
TOLD, LOST, LATER, BINNED, ERASED, CALM, OTHER, BACK, SWEPT, GONE, PLAIN, FORGOTTEN, ASKS = (
    FIRST + 101 + n for n in range(13)
)
NAMES = {ERASED: "Zénobie", SWEPT: "Ermengarde", GONE: "Philoxène"}  # who is erased
FIELDS = """    owner: hubspot_owner_id
    size: {property: numberofemployees, object: company, type: number}
    first: firstname
"""
DEALS = """deal:
  fields: {is_won: {property: hs_is_closed_won, type: bool}}
signals:
"""
COMPANIES = (50, 51, 52)
DEAL, OF_BACK = 90, 91
LISTS = (ListDef(1, "Nurturing"), ListDef(2, "Sales owned"))
HOW = {  # how it is learned -> how late the search is, and when the sync comes (seconds)
    "leaving at the count": (0, 1_200),
    "leaving on the day's walk": (200_000, DAY // 1000 + 60),
    "leaving in mid-send": (200_000, 60),
}
KEPT = {
    "contact": "id, email, company_id, created_at, properties",
    "company": "id, properties, f_size",
    "deal": "id, properties",
    "deal_contact": "contact_id, deal_id",
    "address": "address, contact_id",
    "engagement": "id, party, event, at, contact_id, address, judged",
    "signal": "contact_id, kind, at, id, rejected",
    "score": "contact_id, rules, points, parts, counted, next_change_at",
    "standing": "contact_id, journey, stage, stage_since, reached, temperature",
    "transition": "contact_id, journey, from_stage, to_stage, actor, effective_at",
    "handoff": "contact_id, journey, stage, offered_at, owner, due_at, state, told_at",
    "hold": "contact_id, field, why, until",
    "outbox WHERE said NOT LIKE 'replaced by plan %'": "contact_id, kind, key, old, new, state",
    # a run that does not know whether its own stage arrived asks who wrote it; nothing goes by such a note
    "stage_note WHERE writer <> 'ours'": "contact_id, value, at, writer",
    "unwitnessed": "contact_id",
    "dirty": "contact_id",
    "alias": "old, id",
    "departed": "contact_id, binned",
    "erased": "hash, at, asked",
    "bookmark": "source, value, progress, state",
}


def people() -> Iterator[Row]:
    for id in range(TOLD, ASKS + 1):
        name = NAMES.get(id, f"Prénom{id}")
        # made at moments of their own, so that halves of a count can tell them apart
        yield contact(id, age=10 * DAY + id % 1000, firstname=name, email=address(id), hubspot_owner_id="8")
    yield from (form("devis"), form("demo"), Owner(8, "olga@acme.fr", "Olga", "Petit"), *LISTS)
    yield from (Membership(1, id, NOW - 20 * DAY) for id in range(TOLD, ASKS + 1))
    for id in COMPANIES:
        sized = {"name": f"Acme {id}", "numberofemployees": str(id)}
        yield Object("companies", id, sized, NOW - DAY, NOW - DAY)
    for id in (DEAL, OF_BACK):
        won = {"dealname": "D", "dealstage": "qualifiedtobuy", "amount": "5"}
        yield Object("deals", id, won, NOW - DAY, NOW - DAY)
    yield from (Link("contacts", id, "companies", 50, primary=True) for id in (CALM, PLAIN))
    yield Link("contacts", ASKS, "companies", 52, primary=True)
    yield from (Link("deals", DEAL, "contacts", PLAIN), Link("deals", OF_BACK, "contacts", BACK))


def address(id: int) -> str:
    return f"{NAMES.get(id, 'c').lower()}.{id}@acme.fr"


def rules(folder: Path) -> None:
    for name in ("mappings", "workflows"):
        shutil.rmtree(folder / name, ignore_errors=True)
    write_rules(folder)
    text = MAPPING.replace("    owner: hubspot_owner_id\n", FIELDS).replace("signals:\n", DEALS, 1)
    (folder / "mappings" / "all.yaml").write_text(text, "utf-8")


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def at_home(files: Path, receiver: Receiver) -> tuple[sandbox.Portal, Folder]:
    receiver.posts.clear()
    return opened(files, rules, OPS_URL=receiver.url, OPS_SECRET="s3cret")


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory, driver: Driver, receiver: Receiver) -> Path:
    """Up to the evening: somebody was told, some are in the bin, for five something waits."""
    files = tmp_path_factory.mktemp("lived")
    with sandbox.start(now=NOW, driven=True, state=files / "portal.db", rows=people()) as portal:
        portal.knobs(burst_limit=0, search_limit=0, associations_limit=0)
    portal, folder = at_home(files, receiver)
    with portal:
        for args in (["provision"], ["sync"], ["forget", str(FORGOTTEN), "--yes"]):
            went_well(driver(folder, *args))
        ask(portal, TOLD, GONE)
        for id in (BACK, SWEPT):
            portal.archive(id)
        # a deal of somebody in the bin is read without them
        portal.edit(OF_BACK, {"amount": "6"}, kind="deals")
        folder.advance(1_200)
        went_well(driver(folder, "sync"))
        ask(portal, LOST, LATER, OTHER, BINNED, ERASED)
        folder.advance(60)
        # of one task the answer is lost, the others are not made; no webhook arrives
        portal.faults([Fault("POST", "/tasks", cut="after"), Fault("POST", "/tasks", times=99, status=423)])
        receiver.answers = [500] * 99
        went_well(driver(folder, "sync"), codes=(1,))
        receiver.answers = []
        portal.clear_faults()
    return files


def ask(portal: sandbox.Portal, *ids: int) -> None:
    """For a quote, which makes an SQL of a contact."""
    portal.happen([submission("devis", address(id), -1000 - portal.state()["now"] + NOW) for id in ids])


def leave(portal: sandbox.Portal) -> dict[str, Any]:
    """All of it, between two syncs. Gives who the merged ones are now."""
    merged = {
        "told": portal.merge(TOLD, CALM),  # there is a task for the one
        "both": portal.merge(LOST, LATER),  # something waits for both
        "other": portal.merge(portal.create("contacts", {"email": "neuve@acme.fr"}), OTHER),
    }
    portal.archive(BINNED)
    portal.restore(BACK)
    for id in (ERASED, GONE, SWEPT):
        portal.erase(id)
    portal.merge(51, 50, kind="companies")
    portal.archive(52, kind="companies")
    portal.archive(DEAL, kind="deals")
    ask(portal, ASKS)
    return merged


@pytest.fixture(scope="session", params=HOW)
def how(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def way(
    how: str, lived: Path, tmp_path_factory: pytest.TempPathFactory, driver: Driver, receiver: Receiver
) -> Way:
    files = tmp_path_factory.mktemp("way") / "files"
    shutil.copytree(lived, files)
    lag, seconds = HOW[how]
    portal, folder = at_home(files, receiver)
    with portal:
        portal.lag(lag)
        merged = leave(portal)
        folder.advance(seconds)
    shutil.copytree(files, before := tmp_path_factory.mktemp("before") / "files")
    portal, folder = at_home(files, receiver)
    with portal:
        done = driver(folder, "sync")
        went_well(done, codes=(0, 1))
        after = settled(driver, folder, receiver, how, "undisturbed")
    return Way(before, done["passed"], after, merged)


# -- what came of it -----------------------------------------------------------------------------------


def settled(driver: Driver, folder: Folder, receiver: Receiver, how: str, at: str) -> End:
    """Of who is erased nothing is left; the next sync but one tells nobody anything; what there is then."""
    portal = folder.portal
    assert portal is not None
    if "mid-send" not in how:
        assert left(folder.path, erased_texts(how)) == {}, at
    folder.advance(150)  # a task that may still arrive is not made again before it must have
    driver(folder, "sync")
    assert left(folder.path, erased_texts(how)) == {}, at
    folder.advance(2_700)  # nor one of who was merged before the CRM must have joined their tasks
    driver(folder, "sync")
    before, told = written(portal), len(receiver.posts)
    silent = driver(folder, "sync")
    went_well(silent, at)
    assert (written(portal), len(receiver.posts)) == (before, told), at
    values = [(one["id"], *value) for one in contacts(portal) for value in one["properties"].items()]
    posts = {(headers["Idempotency-Key"], body) for headers, body in receiver.posts}
    return {
        "value": Counter(one for one in values if one[1] not in DATES),
        "value written": before,
        "task": tasks(portal),
        "list member": Counter((one.id, *row) for one in LISTS for row in members(portal, one.id)),
        "webhook": Counter(posts),  # at least once, the same under the same key
        **cached(folder, KEPT),
    }


DATES = ("createdate", "hs_lastmodifieddate", "lastmodifieddate")


def erased_texts(how: str) -> list[str]:
    """Who was erased in the bin is missed by the walk alone; in mid-send, who has something to be sent."""
    who = {"count": (ERASED, GONE), "walk": (ERASED, GONE, SWEPT), "mid-send": (ERASED,)}
    ids = next(found for name, found in who.items() if how.endswith(name))
    return [text for id in ids for text in (NAMES[id], NAMES[id].lower(), str(id))]


def members(portal: sandbox.Portal, list_id: int) -> list[tuple[int, ...]]:
    return [(id,) for id, _ in portal.account.engagement.members(list_id, 0, 100)]


def written(portal: sandbox.Portal) -> Counter[Any]:
    """Every value that a request put onto a contact, and every other that changed something."""
    found: Counter[Any] = Counter()
    for entry in portal.journal(bodies=True):
        if entry["path"].endswith("/contacts/batch/update"):
            for one in json.loads(entry["body"])["inputs"]:
                found.update((one["id"], name, value) for name, value in one["properties"].items())
        elif entry["method"] != "GET" and entry["path"].endswith("/tasks"):
            found["task", entry["body"]] += 1
    return found


# -- the cases -----------------------------------------------------------------------------------------


def stop_and_go_on(
    way: Way, how: str, number: int, driver: Driver, receiver: Receiver, files: Path, again: int | None = None
) -> None:
    """One case; `again`: the sync after it is killed as well, if it comes so far."""
    shutil.copytree(way.before, files)
    portal, folder = at_home(files, receiver)
    with portal:
        at = f"{how} " + killed_at(driver(folder, "sync", kill=number), number, way.passed)
        if again is not None:
            second = driver(folder, "sync", kill=again)
            at += f", then at {again}: {second['passed'][-3:]}"
            went_well(second, at, (-9, 0, 1))
        went_well(driver(folder, "sync"), at, (0, 1))
        assert differences(settled(driver, folder, receiver, how, at), way.after) == [], at
    shutil.rmtree(files)


def test_what_the_undisturbed_sync_comes_to(way: Way, how: str) -> None:
    """Worked out by hand."""
    enough(how, way)
    here = {int(row[0]) for row in way.after["contact"]}
    now = way.known
    if "mid-send" in how:  # it looks at those alone for whom something waits
        assert {now["both"]} <= here
        assert not here & {LOST, LATER, OTHER, BINNED, ERASED}
    else:
        assert here == {*now.values(), BACK, PLAIN, ASKS}
        assert (str(BACK), str(OF_BACK)) in way.after["deal_contact"]
    # what somebody asked for more than a day ago is not told any more; the tasks of who is erased stay
    late = "walk" in how
    told = Counter(body.split("[connector ")[1].split(" ")[1] for _, body in way.after["task"].elements())
    assert {int(id): n for id, n in told.items()} == dict.fromkeys(
        [TOLD, GONE, LOST, OTHER, *([] if late else [ASKS])], 2
    )
    heard = Counter(int(json.loads(body)["contact"]) for _, body in way.after["webhook"])
    assert heard == dict.fromkeys([LOST, OTHER, *([] if late else [ASKS])], 1)
    stages = {(int(id), value) for id, name, value in way.after["value"] if name == "lq_stage"}
    assert {(id, "sql") for id in now.values()} <= stages
    assert max(way.after["value written"].values()) == 1


def test_stopped_it_comes_to_the_same_end(
    way: Way, how: str, driver: Driver, receiver: Receiver, tmp_path: Path
) -> None:
    """Where the file of the erased is to be wiped, or in the middle."""
    wiped = [number for number, name in enumerate(way.passed, 1) if name == "empty log"]
    every(
        wiped[:1] or [len(way.passed) // 2],
        lambda number: stop_and_go_on(way, how, number, driver, receiver, tmp_path / str(number)),
    )


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_stopped_at_every_boundary_it_comes_to_the_same_end(
    way: Way, how: str, driver: Driver, receiver: Receiver, tmp_path: Path, part: int
) -> None:
    every(
        range(1 + part, len(way.passed) + 1, 4),
        lambda number: stop_and_go_on(way, how, number, driver, receiver, tmp_path / str(number)),
    )


@pytest.mark.long
def test_stopped_while_the_file_is_wiped_the_next_sync_wipes_it(
    way: Way, how: str, driver: Driver, receiver: Receiver, tmp_path: Path
) -> None:
    """Killed when the erased had gone and the file had not been looked through, and again in the rewriting
    that makes up for it."""
    first = way.passed.index("empty log") + 1
    shutil.copytree(way.before, tmp_path / "once")
    portal, folder = at_home(tmp_path / "once", receiver)
    with portal:
        driver(folder, "sync", kill=first)
        passed = driver(folder, "sync")["passed"]
    assert {"rewrite", "rewriting", "rewritten", "empty log", "emptied log"} <= set(passed)
    begin, end = passed.index("empty log"), len(passed) - passed[::-1].index("rewritten")
    every(
        range(begin, end + 5),
        lambda again: stop_and_go_on(way, how, first, driver, receiver, tmp_path / str(again), again),
    )
