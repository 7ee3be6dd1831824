"""Stopped in the middle of telling people, then run again: each task once, each list right, no webhook lost.

A small account in which one sync leads to everything that there is: tasks, a lead status, lists left and
joined, webhooks, one of them left over from the run before. That sync is killed at one boundary, run again,
and account, receiver and cache are compared with those of the undisturbed run. The outside is asked, not we:
the account's own journal tells what was written, the receiver what it was told.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from accounts import DAY, NOW, contact, form, submission
from command_line import Folder, on
from crash_runs import PROMISED, Driver, End, differences, driver
from random_lives import write_rules
from test_crash import contacts, tasks
from webhook_receiver import Receiver, receiving

from connector import sandbox
from connector.sandbox.rows import ListDef, Membership, Owner, Row

__all__ = ["driver"]  # a fixture, used by its name

STAGE, STATUS = "lifecyclestage", "hs_lead_status"
VALUES = (STAGE, STATUS, "lq_stage", "lq_temperature", "lq_score", "lq_why", "lq_epoch", "lq_rules")
LISTS = (ListDef(1, "Nurturing"), ListDef(2, "Sales owned"))
PEOPLE: tuple[Row, ...] = (
    contact(101, firstname="Zoé", lastname="Lima", hubspot_owner_id="8"),
    contact(102, company="Acme"),
    contact(103, hubspot_owner_id="8"),
    contact(104, hs_lead_status="CONNECTED"),
    contact(105),
    contact(106),
    contact(107, lifecyclestage=""),
    form("devis"),
    form("demo"),
    Owner(8, "olga@acme.fr", "Olga", "Petit"),
    *LISTS,
    *(Membership(1, id, NOW - 20 * DAY) for id in (101, 102, 103, 107)),
)
OUTSIDE = ("/batch/update", "/tasks", "/memberships/add", "/memberships/remove", "/hook")  # what is told
IN_CRM = ("value", "contact", "task", "list member")  # of what there is in the end
SAMPLES = 6
KEPT = {  # of the cache: what the next run goes by
    "outbox": "contact_id, kind, key, old, new, state",
    "standing": "contact_id, journey, stage, stage_since, reached, temperature",
    "transition": "contact_id, journey, from_stage, to_stage, actor, effective_at",
    "handoff": "contact_id, journey, stage, offered_at, owner, due_at, state, told_at",
    "hold": "contact_id, field, why, until",
    "dirty": "contact_id",
}


@dataclass(frozen=True)
class Way:
    """The files before the sync, the boundaries that it passes, the end it comes to undisturbed."""

    before: Path
    passed: list[str]
    after: End


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(scope="session")
def way(tmp_path_factory: pytest.TempPathFactory, driver: Driver, receiver: Receiver) -> Way:
    files = tmp_path_factory.mktemp("actions")
    with sandbox.start(now=NOW, driven=True, state=files / "portal.db", rows=PEOPLE) as portal:
        portal.knobs(burst_limit=0, search_limit=0, associations_limit=0)
    portal, folder = opened(files, receiver)
    with portal:
        for verb in ("provision", "sync"):  # nobody is told of what is in the account already
            assert ran(driver, folder, verb)["code"] == 0
        assert receiver.posts == []
        asks(portal, 107)
        folder.advance(60)
        receiver.answers = [500]
        assert ran(driver, folder, "sync")["code"] == 1  # a webhook waits
        life(portal, folder)
    shutil.copytree(files, before := tmp_path_factory.mktemp("before") / "files")
    portal, folder = opened(files, receiver)
    with portal:
        done = ran(driver, folder, "sync")
        assert done["code"] == 0, done["said"]
        return Way(before, done["passed"], silent_end(driver, folder, receiver, "undisturbed"))


def opened(files: Path, receiver: Receiver) -> tuple[sandbox.Portal, Folder]:
    """The account with an empty journal, and the folder with the small rules."""
    portal = sandbox.start(state=files / "portal.db", driven=True)
    portal.clear_journal()
    receiver.posts.clear()
    for name in ("mappings", "workflows"):
        shutil.rmtree(files / "rules" / name, ignore_errors=True)
    folder = on(portal, files / "rules", OPS_URL=receiver.url, OPS_SECRET="s3cret")
    for name in ("mappings", "workflows"):
        shutil.rmtree(folder.path / name)
    write_rules(folder.path)  # few sources: a sync asks little, and does not wait for its turn to ask
    return portal, folder


def ran(driver: Driver, folder: Folder, verb: str, kill: int | None = None) -> dict[str, Any]:
    if verb == "provision":
        return driver(folder, verb)
    return driver(folder, "sync", kill=kill)


def life(portal: sandbox.Portal, folder: Folder) -> None:
    """Between two syncs: everything that leads to something."""
    for id in (101, 102, 104):  # the last one's lead status is a person's
        asks(portal, id)
    portal.edit(103, {STAGE: "marketingqualifiedlead"})
    portal.edit(106, {STAGE: "customer"})  # sql is passed over: its lists, and nobody is told
    portal.happen([submission("demo", "c105@acme.fr", -1000)])
    folder.advance(60)


def asks(portal: sandbox.Portal, id: int) -> None:
    """For a quote, which makes an SQL of a contact."""
    portal.happen([submission("devis", f"c{id}@acme.fr", -1000)])


# -- what came of it -----------------------------------------------------------------------------------


def silent_end(driver: Driver, folder: Folder, receiver: Receiver, at: str) -> End:
    """What account, receiver and cache hold; the next sync tells nobody anything."""
    assert folder.portal is not None
    before, told = outside(folder.portal), len(receiver.posts)
    silent = ran(driver, folder, "sync")
    assert silent["code"] == 0, f"{at}\n{silent['said']}"
    assert (outside(folder.portal), len(receiver.posts)) == (before, told), at
    return end_of(folder, receiver)


def outside(portal: sandbox.Portal) -> int:
    """How many requests changed something."""
    return sum(r["method"] != "GET" and r["path"].endswith(OUTSIDE) for r in portal.journal())


def end_of(folder: Folder, receiver: Receiver) -> End:
    portal = folder.portal
    assert portal is not None
    values = [(id, name, held(portal, id, name)) for id in range(101, 108) for name in VALUES]
    posts = [(headers["Idempotency-Key"], body) for headers, body in receiver.posts]
    assert len({key for key, _ in posts}) == len(set(posts)), "one key, two things said"
    assert all(json.loads(body)["id"] == key for key, body in posts)
    with closing(sqlite3.connect(folder.path / "connector.db")) as db:
        kept = {
            table: Counter(db.execute(f"SELECT {columns} FROM {table}").fetchall())
            for table, columns in KEPT.items()
        }
    return {
        "value": Counter(values),
        "value written": written(portal),
        "contact": Counter(int(one["id"]) for one in contacts(portal)),
        "task": tasks(portal),
        "list member": Counter((one.id, id) for one in LISTS for id in members(portal, one.id)),
        "webhook": Counter(set(posts)),  # at least once
        **kept,
    }


def held(portal: sandbox.Portal, id: int, name: str) -> str | None:
    value = portal.record("contacts", id)["properties"].get(name)
    return None if value is None else str(value)


def members(portal: sandbox.Portal, list_id: int) -> set[int]:
    return {id for id, _ in portal.account.engagement.members(list_id, 0, 100)}


def written(portal: sandbox.Portal) -> Counter[tuple[str, str, str]]:
    """Every value that a request put onto a contact, as often as it did."""
    found: Counter[tuple[str, str, str]] = Counter()
    for entry in portal.journal(bodies=True, path="/contacts/batch/update"):
        for one in json.loads(entry["body"])["inputs"]:
            found.update((str(one["id"]), name, str(value)) for name, value in one["properties"].items())
    return found


# -- the cases -----------------------------------------------------------------------------------------


def stop_and_go_on(
    way: Way, number: int, driver: Driver, receiver: Receiver, files: Path, again: int | None = None
) -> None:
    """One case; `again`: the run after it is killed as well, if it comes so far."""
    shutil.copytree(way.before, files)
    portal, folder = opened(files, receiver)
    with portal:
        killed = ran(driver, folder, "sync", number)
        at = f"killed at {number} of {len(way.passed)}: {killed['passed'][-3:]}"
        assert killed["code"] == -9, f"{at}\n{killed['said']}"
        if again is not None:
            second = ran(driver, folder, "sync", again)
            at += f", then at {again}: {second['passed'][-3:]}"
            assert second["code"] in (-9, 0), f"{at}\n{second['said']}"
        last = ran(driver, folder, "sync")
        assert last["code"] == 0, f"{at}\n{last['said']}"
        folder.advance(150)  # a task that may still arrive is not made again before it must have
        ran(driver, folder, "sync")
        assert differences(silent_end(driver, folder, receiver, at), way.after) == [], at
    shutil.rmtree(files)


def stop_and_lose(way: Way, number: int, driver: Driver, receiver: Receiver, files: Path) -> None:
    """One case in which the cache is gone too. Only what it alone knew may be lost with it: a webhook that no
    run had told yet."""
    shutil.copytree(way.before, files)
    portal, folder = opened(files, receiver)
    with portal:
        killed = ran(driver, folder, "sync", number)
        at = f"killed at {number} of {len(way.passed)}, and the cache deleted: {killed['passed'][-3:]}"
        for file in folder.path.glob("connector.db*"):
            file.unlink()
        last = ran(driver, folder, "sync")
        assert last["code"] == 0, f"{at}\n{last['said']}"
        got, wanted = silent_end(driver, folder, receiver, at), way.after
        assert differences(got, {name: wanted[name] for name in IN_CRM}) == [], at
        assert {key for key, _ in got["webhook"]} <= {key for key, _ in wanted["webhook"]}, at
    shutil.rmtree(files)


def sampled(passed: list[str]) -> list[int]:
    """One boundary of each kind of action, its answer not read yet, and the commit after the last."""
    kinds = {what.split(" ", 1)[1]: n for n, what in enumerate(passed, 1) if what.startswith("answered")}
    answers = [n for what, n in kinds.items() if what.endswith(OUTSIDE)]
    last = max(answers)
    return sorted({*answers, passed.index("committed", last) + 1})


def test_the_sync_passes_boundaries_of_every_kind(way: Way) -> None:
    for name in OUTSIDE:
        for side in ("send", "answered"):
            assert any(w.startswith(f"{side} P") and w.endswith(name) for w in way.passed), (side, name)
    assert len(sampled(way.passed)) == SAMPLES
    print(f"\nactions: {len(way.passed)} places")
    assert len(way.passed) >= PROMISED["actions"]


def test_undisturbed_everybody_is_told_once(way: Way) -> None:
    """What the cases are compared with, worked out by hand."""
    bodies = [body for _, body in way.after["task"].elements()]
    markers = Counter(body.split("[connector ")[1].split(" ", 1)[1] for body in bodies)
    twice = [f"{id} 1 sql chief]" for id, stage in TOLD if stage == "sql"]
    assert markers == Counter([*(f"{id} 1 {stage}]" for id, stage in TOLD), *twice])
    told = Counter((int(json.loads(b)["contact"]), json.loads(b)["stage"]) for _, b in way.after["webhook"])
    assert told == Counter(TOLD)
    assert {member for member in way.after["list member"] if member[0] == 1} == {(1, 103)}
    assert {id for number, id in way.after["list member"] if number == 2} == {101, 102, 104, 106, 107}
    status = {id: value for id, name, value in way.after["value"] if name == STATUS and value}
    assert status == {101: "OPEN", 102: "OPEN", 103: "OPEN", 104: "CONNECTED", 107: "OPEN"}
    assert max(way.after["value written"].values()) == 1


TOLD = [(101, "sql"), (102, "sql"), (103, "mql"), (104, "sql"), (107, "sql")]


def test_stopped_at_an_action_it_comes_to_the_same_end(
    way: Way, driver: Driver, receiver: Receiver, tmp_path: Path
) -> None:
    for number in sampled(way.passed):
        stop_and_go_on(way, number, driver, receiver, tmp_path / str(number))


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_stopped_at_every_boundary_everybody_is_told_once(
    way: Way, driver: Driver, receiver: Receiver, tmp_path: Path, part: int
) -> None:
    for number in range(1 + part, len(way.passed) + 1, 4):
        stop_and_go_on(way, number, driver, receiver, tmp_path / str(number))


@pytest.mark.long
def test_stopped_twice_everybody_is_told_once(
    way: Way, driver: Driver, receiver: Receiver, tmp_path: Path
) -> None:
    """The run that would have made good is killed too, where it reads back or sends again."""
    for number in sampled(way.passed):
        for again in range(number - 12, len(way.passed), 5):
            stop_and_go_on(way, number, driver, receiver, tmp_path / f"{number} {again}", again)


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_stopped_anywhere_and_the_cache_deleted_nothing_is_done_twice(
    way: Way, driver: Driver, receiver: Receiver, tmp_path: Path, part: int
) -> None:
    for number in range(1 + part, len(way.passed) + 1, 4):
        stop_and_lose(way, number, driver, receiver, tmp_path / str(number))
