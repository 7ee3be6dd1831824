"""Every verb's documents, printed by a walk that makes each of their fields appear at least once."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

from command_line import Folder, finish, on, stop

from connector.sandbox import Portal
from connector.sandbox.rows import Form, Link, Object, Submission
from connector.sandbox.state import SCOPES

STAGE = "lifecyclestage"
Document = dict[str, Any]


class Walk:
    """Runs verbs with --json and keeps what they print, by command."""

    def __init__(self) -> None:
        self.documents: dict[str, list[Document]] = defaultdict(list)

    def __call__(self, folder: Folder, *args: str) -> Document:
        ran = folder(*args, "--json")
        assert ran.stderr == "", ran.stderr
        return self.keep(ran.stdout)

    def keep(self, printed: str) -> Document:
        document = json.loads(printed)
        assert isinstance(document, dict)
        self.documents[document["command"]].append(document)
        return document


def every_document(applied: Folder, fresh: Portal, folder: Path) -> dict[str, list[Document]]:
    """`applied` is an account that was written to, `fresh` one that was not."""
    walk = Walk()
    _first_steps(walk, on(fresh, folder / "first"))
    _every_day(walk, applied)
    _apart(walk, Folder(folder))
    return walk.documents


def _first_steps(walk: Walk, folder: Folder) -> None:
    assert folder.portal is not None
    walk(folder, "init", "rules")
    walk(folder, "check", "--crm")
    walk(folder, "provision")
    walk(folder, "check")
    folder.portal.grant(set(SCOPES) - {"forms", "crm.objects.contacts.write"})
    walk(folder, "backfill", "all")
    walk(folder, "sync", "--dry-run")
    walk(folder, "plan")
    walk(folder, "apply", "--yes")  # refused: a scope is missing
    walk(folder, "outbox")
    walk(folder, "doctor")
    folder.edit("workflows/qualification.yaml", "floor: -50 ", "flor: -50 ")
    walk(folder, "check")


def _every_day(walk: Walk, folder: Folder) -> None:
    portal = folder.portal
    assert portal is not None
    mql = walk(folder, "contacts", "--stage", "mql")["items"][0]["contact"]
    lead = walk(folder, "contacts", "--stage", "lead")["items"][0]["contact"]
    folder.advance(3600)
    portal.edit(mql, {STAGE: "lead"})
    portal.edit(lead, {"lq_score": "999"})
    at = portal.state()["now"] - 1000
    portal.load([Object("contacts", 70_000_000_001, {"bant_timing": "bientôt"}, at, at)])
    walk(folder, "pull")
    walk(folder, "plan")
    walk(folder, "sync")
    walk(folder, "plan", "--only", mql)
    other = on(portal, folder.path / "other")
    other.edit("workflows/qualification.yaml", "points: 15", "points: 75")
    walk(folder, "plan", "--against", "other")
    walk(folder, "contacts", "--held")
    walk(folder, "explain", mql)
    walk(folder, "explain", lead)
    walk(folder, "verify")
    _tampered(walk, folder)
    walk(folder, "status")
    walk(folder, "runs")
    _stale(walk, folder)
    _leaving(walk, folder)
    _handed_over(walk, folder)
    process = folder.start("run", "--json")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(2)]
    for line in lines + stop(process, signal.SIGTERM).stdout.splitlines():
        walk.keep(line)


JUDGED = (
    "SELECT min(s.contact_id) FROM score s JOIN contact c ON c.id = s.contact_id "
    "WHERE s.contact_id NOT IN (SELECT contact_id FROM dirty)"
)


def _tampered(walk: Walk, folder: Folder) -> None:
    """A stored score that is not what the rules say."""
    for change in ("points + 1", "points - 1"):
        with closing(sqlite3.connect(folder.path / "connector.db", isolation_level=None)) as cache:
            cache.execute(f"UPDATE score SET points = {change} WHERE contact_id = ({JUDGED})")
        walk(folder, "verify")


def _stale(walk: Walk, folder: Folder) -> None:
    """A plan, a change behind its back, and its application."""
    assert folder.portal is not None
    folder.edit("workflows/qualification.yaml", "points: 20", "points: 21")
    contact = walk(folder, "plan")["items"][0]["contact"]
    folder.advance(60)
    folder.portal.edit(contact, {"jobtitle": "Étudiante"})
    walk(folder, "pull")
    walk(folder, "apply", "--yes")


def _leaving(walk: Walk, folder: Folder) -> None:
    """An edit by which somebody's stage no longer holds, and is left in two weeks."""
    folder.edit("workflows/qualification.yaml", "total: {below: 70}", "total: {below: 10000}")
    walk(folder, "plan")
    walk(folder, "apply", "--yes")
    mql = walk(folder, "contacts", "--stage", "mql")["items"][0]["contact"]
    walk(folder, "explain", mql)


def _handed_over(walk: Walk, folder: Folder) -> None:
    """Somebody new asks for a quote; sales calls back after the agreed hours."""
    portal, who = folder.portal, 70_000_000_002
    assert portal is not None
    folder.edit(
        "workflows/qualification.yaml", 'leave_list: "Nurturing"', 'leave_list: "There is no such list"'
    )
    at = portal.state()["now"] - 1000
    asked = Submission("guid-quote", at, {"email": "neuve@acme.fr"}, "https://acme.fr/devis")
    new = Object("contacts", who, {"email": "neuve@acme.fr"}, at, at)
    portal.load([new, Form("guid-quote", "devis", at), asked])
    walk(folder, "pull")
    walk(folder, "plan")
    walk(folder, "apply", "--yes")
    walk(folder, "outbox")
    folder.advance(5 * 3600)
    said = {"hs_timestamp": str(at + 16_200_000), "hs_call_direction": "OUTBOUND"}
    portal.load(
        [Object("calls", who + 1, said, at, at + 16_200_000), Link("calls", who + 1, "contacts", who)]
    )
    walk(folder, "sync")
    walk(folder, "explain", str(who))
    walk(folder, "contacts", "--stage", "sql")
    walk(folder, "status")


def _apart(walk: Walk, folder: Folder) -> None:
    """Verbs that need no account."""
    (folder.path / "leads.csv").write_text("email,city\na@b.fr,Orléans\na@b.fr,Nîmes\n", "utf-8")
    process = folder.start("sandbox", "--load", "leads.csv", "--json")
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if line == "}\n":
            break
    walk.keep(printed)
    process.send_signal(signal.SIGINT)
    finish(process)
    walk(folder, "demo", "demo", "--contacts", "100")
