"""Stopped after any commit or request, then run again: the same end, nothing written twice, nobody lost.

The way is walked once undisturbed, with a snapshot of account and folder before each verb. A case takes the
snapshot, kills the verb at one boundary, runs it again, and compares what the account and the cache hold with
what they held after the undisturbed verb. The account's own journal tells the writes.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from command_line import Folder, on
from crash_runs import LEAST, PROMISED, Driver, driver

from connector import sandbox
from connector.sandbox.rows import ListDef, Membership

__all__ = ["driver"]  # a fixture, used by its name

NOW = 1_794_819_600_000  # 2026-11-16T09:00Z
CONTACTS = 60
STAGE = "lifecyclestage"
OURS = (
    *(STAGE, "lq_stage", "lq_temperature", "lq_score", "lq_fit", "lq_engagement", "lq_why", "lq_epoch"),
    "lq_rules",
)
VERBS = {
    "provision": ["provision"],
    "backfill": ["backfill", "all"],
    "plan": ["plan"],
    "apply": ["apply", "--yes"],
    "sync": ["sync"],
}
SAMPLES = {"provision": 3, "backfill": 4, "plan": 2, "apply": 3, "sync": 4}  # for CI; the long profile: all
WORKFLOW = "workflows/qualification.yaml"
LISTS = (ListDef(901, "Crash nurturing"), ListDef(902, "Crash sales owned"))
WRITES = ("/batch/update", "/tasks", "/memberships/add", "/memberships/remove")
CACHE = {  # what the cache must agree on, whatever way it was filled
    "contact": "id, email, company_id, created_at, properties",  # modified when it was written
    "company": "id, modified_at, properties",
    "deal": "id, modified_at, properties",
    "deal_contact": "contact_id, deal_id",
    "address": "address, contact_id",
    "engagement": "id, party, event, at, contact_id, attrs, judged",
    "signal": "contact_id, kind, at, id, rejected",
    "score": "contact_id, rules, points, parts, counted, next_change_at",
    "standing": "contact_id, stage, stage_since, temperature, reached",
    "transition": "contact_id, from_stage, to_stage, rule, why, actor, effective_at",
    "hold": "contact_id, field, why, since, until",
    "outbox": "contact_id, kind, key, old, new, state",
    "bookmark": "source, value, progress, state",
    "dirty": "contact_id",
}


@dataclass(frozen=True)
class End:
    """What account and cache hold after a verb, in a form that can be compared."""

    account: dict[str, dict[str, Any]]  # contact -> our properties and the CRM's stage
    properties: frozenset[str]
    writes: Counter[tuple[str, str, str]]  # contact, property, value: how often each was written
    tasks: Counter[tuple[str, str]]  # subject and body
    members: frozenset[tuple[int, int]]  # list, contact
    cache: dict[str, Counter[Any]]


@dataclass(frozen=True)
class Step:
    """A verb: the files before it, the boundaries it passes, the end it comes to."""

    before: Path
    passed: list[str]
    after: End


def end_of(folder: Folder) -> End:
    portal = folder.portal
    assert portal is not None
    account = {one["id"]: one["properties"] for one in contacts(portal)}
    made = [e["body"] for e in portal.journal(bodies=True) if "/properties/" in e["path"] and e["body"]]
    cache = _cache(folder.path / "connector.db")
    return End(account, frozenset(made), _writes(portal), tasks(portal), members(portal), cache)


def _writes(portal: sandbox.Portal) -> Counter[tuple[str, str, str]]:
    """Every value that a request put onto a record."""
    found: Counter[tuple[str, str, str]] = Counter()
    for entry in portal.journal(bodies=True):
        if entry["path"].endswith("/batch/update") and 200 <= entry["status"] < 300:
            for one in json.loads(entry["body"])["inputs"]:
                found.update((str(one["id"]), name, str(value)) for name, value in one["properties"].items())
    return found


def _cache(file: Path) -> dict[str, Counter[Any]]:
    if not file.exists():
        return {}
    with closing(sqlite3.connect(file)) as db:
        return {
            table: Counter(db.execute(f"SELECT {columns} FROM {table}").fetchall())
            for table, columns in CACHE.items()
        }


def opened(files: Path) -> tuple[sandbox.Portal, Folder]:
    portal = sandbox.start(state=files / "portal.db", driven=True)
    for name in ("mappings", "workflows"):
        shutil.rmtree(files / "rules" / name, ignore_errors=True)
    folder = on(portal, files / "rules")
    folder.edit(WORKFLOW, 'leave_list: "Nurturing"', 'leave_list: "Crash nurturing"')
    folder.edit(WORKFLOW, 'join_list: "Sales owned"', 'join_list: "Crash sales owned"')
    return portal, folder


def people(portal: sandbox.Portal, folder: Folder) -> None:
    """What happens between apply and sync: every kind of change that a sync must deal with."""
    stages = {row["id"]: row["properties"][STAGE] for row in contacts(portal)}
    mql = next(i for i, stage in stages.items() if stage == "marketingqualifiedlead")
    lead, other, third, fourth = [i for i, stage in stages.items() if stage == "lead"][:4]
    folder.advance(3600)
    portal.edit(mql, {STAGE: "lead"})
    portal.edit(lead, {STAGE: "salesqualifiedlead"})  # the nurturing stops
    portal.edit(fourth, {STAGE: "marketingqualifiedlead"})  # sales is told
    portal.load(Membership(901, int(i), NOW) for i in (lead, other))
    portal.edit(other, {"lq_score": "999"})
    portal.edit(third, {"hs_persona": "decision_maker"})
    portal.create("contacts", {"email": "zoé@neuf.fr", "hs_persona": "decision_maker"})
    folder.advance(60)


def contacts(portal: sandbox.Portal) -> list[dict[str, Any]]:
    """Every contact with the properties that we write."""
    return _page(portal, "/crm/v3/objects/contacts", properties=",".join(OURS))


def tasks(portal: sandbox.Portal) -> Counter[tuple[str, str]]:
    names = ("hs_task_subject", "hs_task_body")
    found = _page(portal, "/crm/v3/objects/tasks", properties=",".join(names))
    return Counter(tuple(one["properties"][name] or "" for name in names) for one in found)


def members(portal: sandbox.Portal) -> frozenset[tuple[int, int]]:
    pages = {one.id: _page(portal, f"/crm/v3/lists/{one.id}/memberships") for one in LISTS}
    return frozenset((id, int(row["recordId"])) for id, page in pages.items() for row in page)


def _page(portal: sandbox.Portal, path: str, **params: str) -> list[dict[str, Any]]:
    """All rows of what is fewer than a page."""
    answer = httpx.get(
        f"{portal.url}{path}",
        params={"limit": "100", **params},
        headers={"Authorization": f"Bearer {portal.token}"},
    ).json()
    assert "paging" not in answer
    found = answer["results"]
    assert isinstance(found, list)
    return found


@pytest.fixture(scope="session")
def steps(tmp_path_factory: pytest.TempPathFactory, driver: Driver) -> dict[str, Step]:
    """The undisturbed way, a snapshot before each verb."""
    root = tmp_path_factory.mktemp("way")
    now = root / "now"
    now.mkdir()
    with sandbox.start(contacts=CONTACTS, now=NOW, driven=True, state=now / "portal.db") as portal:
        portal.knobs(burst_limit=0, search_limit=0, associations_limit=0)
        portal.load(LISTS)
        on(portal, now / "rules")
    found = {}
    for verb in VERBS:
        portal, folder = opened(now)
        with portal:
            if verb == "sync":
                people(portal, folder)
        shutil.copytree(now, root / verb)
        portal, folder = opened(now)
        with portal:
            portal.clear_journal()
            done = driver(folder, *VERBS[verb])
            assert done["code"] == (1 if verb == "sync" else 0), done["said"]
            settle(folder, verb, driver, verb)
            found[verb] = Step(root / verb, done["passed"], end_of(folder))
    return found


def stop_and_go_on(step: Step, verb: str, number: int, driver: Driver, files: Path) -> None:
    """One case."""
    shutil.copytree(step.before, files)
    portal, folder = opened(files)
    with portal:
        portal.clear_journal()
        killed = driver(folder, *VERBS[verb], kill=number)
        at = f"{verb} killed at {number} of {len(step.passed)}: {killed['passed'][-3:]}"
        assert killed["code"] == -9, f"{at}\n{killed['said']}"
        again = driver(folder, *VERBS[verb])
        assert again["code"] in (0, 1), f"{at}\n{again['said']}"
        settle(folder, verb, driver, at)
        assert differences(end_of(folder), step.after) == [], at


def settle(folder: Folder, verb: str, driver: Driver, at: str) -> None:
    """The last sync after a write is silent: it reads the echo and changes nothing."""
    if verb not in ("apply", "sync"):
        return
    assert folder.portal is not None
    folder.advance(150)  # a task that may still arrive is not made again before it must have
    driver(folder, "sync")
    before = _writes(folder.portal)
    silent = driver(folder, "sync")
    assert silent["code"] == 0, f"{at}\n{silent['said']}"
    assert _writes(folder.portal) == before, at


def differences(got: End, wanted: End) -> list[str]:
    """What is not as it was after the undisturbed run, in few words."""
    found = [
        f"{contact} {name}: {got.account.get(contact, {}).get(name)} instead of {value}"
        for contact, values in wanted.account.items()
        for name, value in values.items()
        if name in OURS and got.account.get(contact, {}).get(name) != value
    ]
    found += [f"contact {contact} too many" for contact in got.account.keys() - wanted.account.keys()]
    found += [f"written {n} times more: {what}" for what, n in (got.writes - wanted.writes).items()]
    found += [f"not written: {what}" for what in wanted.writes - got.writes]
    found += [f"task {n} times more: {what}" for what, n in (got.tasks - wanted.tasks).items()]
    found += [f"no task: {what}" for what in wanted.tasks - got.tasks]
    found += [f"list and member: {what}" for what in got.members ^ wanted.members]
    for table in wanted.cache:
        found += [f"{table} too many: {row}" for row in got.cache[table] - wanted.cache[table]]
        found += [f"{table} missing: {row}" for row in wanted.cache[table] - got.cache[table]]
    return found[:10]


def sampled(passed: list[str], samples: int) -> list[int]:
    """Boundaries to stop at, by their number: the last write of values before it is read back and after, the
    last answer of each action's, and `samples` evenly apart."""
    last = len(passed)
    kinds = {name: n for n, name in enumerate(passed, 1)}
    writes = [n for name, n in kinds.items() if name.endswith(WRITES[0])][-1:]
    answers = {n for name, n in kinds.items() if name.startswith("answered") and name.endswith(WRITES[1:])}
    evenly = {1 + round(n * (last - 1) / (samples - 1)) for n in range(samples)}
    around = {n + step for n in writes for step in (0, 2)}
    return sorted(n for n in around | answers | evenly if n <= last)


@pytest.mark.parametrize("verb", VERBS)
def test_stopped_anywhere_it_comes_to_the_same_end(
    verb: str, steps: dict[str, Step], driver: Driver, tmp_path: Path
) -> None:
    step = steps[verb]
    for number in sampled(step.passed, SAMPLES[verb]):
        stop_and_go_on(step, verb, number, driver, tmp_path / str(number))


@pytest.mark.long
@pytest.mark.parametrize("verb", VERBS)
def test_stopped_at_every_boundary_it_comes_to_the_same_end(
    verb: str, steps: dict[str, Step], driver: Driver, tmp_path: Path
) -> None:
    step = steps[verb]
    for number in range(1, len(step.passed) + 1):
        stop_and_go_on(step, verb, number, driver, tmp_path / str(number))
        shutil.rmtree(tmp_path / str(number))


def test_a_way_has_boundaries_of_every_kind(steps: dict[str, Step]) -> None:
    kinds = {name.split(" ")[0] for step in steps.values() for name in step.passed}
    assert kinds == {"commit", "committed", "send", "answered", "file"}
    points = sum(len(step.passed) for step in steps.values())
    print(f"\nfirst way: {points} places")
    assert points >= PROMISED["first way"]
    for verb in ("apply", "sync"):
        assert any(name.startswith("send POST") and "update" in name for name in steps[verb].passed)
    assert len(steps["provision"].after.properties) >= 1
    assert max(steps["sync"].after.writes.values()) == 1
    for ending in WRITES:
        assert any(name.startswith("send ") and name.endswith(ending) for name in steps["sync"].passed)
    assert sum(steps["sync"].after.tasks.values()) == 1 + sum(steps["apply"].after.tasks.values())
    assert {id for id, _ in steps["sync"].after.members} == {901, 902}
    assert len(steps["sync"].after.account) == CONTACTS + 1


def test_all_files_together_promise_enough_places() -> None:
    print(f"\nthe matrix: {sum(PROMISED.values())} places at least")
    assert sum(PROMISED.values()) >= LEAST
