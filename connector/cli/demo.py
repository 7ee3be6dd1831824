"""The demo: an account on this machine, the whole way through it, and what a marketing person sees."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from connector import report, signals
from connector.cli.door import Door
from connector.cli.rules import write_defaults
from connector.cli.walk import recorded
from connector.decide import preview
from connector.errors import BadCommand
from connector.hubspot import account
from connector.model import Document, Secret, iso, mask
from connector.provision import properties
from connector.pull import Pulling, pull
from connector.rules.tree import Rules
from connector.sandbox import start
from connector.settings import Settings
from connector.stage import our_stage
from connector.store import records
from connector.store.lock import run_lock
from connector.sync import Way, apply, sync
from connector.views import Result

if TYPE_CHECKING:
    from sqlite_utils import Database

    from connector.sandbox import Portal

PORT = 8765  # where the printed commands serve the account again
OWN = "another stage of its own"  # the account's, which the mapping does not name
HOTTEST = 10


def show(door: Door, folder: Path, contacts: int, seed: int, now: int) -> Result:
    """Everything, with the clock held at `now`: the same figures every time."""
    _clear(folder)
    write_defaults(folder)
    door.say(f"making {contacts:,} contacts with twelve months of history")
    with start(contacts, seed, now, state=folder / "portal.db") as portal:
        _write_env(folder, portal, now)
        door.use(
            Settings(
                token=Secret(portal.token),
                base_url=portal.url,
                db=folder / "connector.db",
                rules=folder,
                rate_share=1.0,  # nobody else lives in this account
                held_at=now,
            )
        )
        rules = door.rules()
        db = door.open()
        try:
            with run_lock(folder / "connector.db", "demo"), recorded(door, db, rules.hash) as book:
                summary, items = door.run(_walk(door, db, rules, folder))
                book["said"] = f"{summary['written']:,} sent, {summary['held']:,} held"
                return Result("demo", summary=summary, items=items)
        finally:
            db.close()


def _clear(folder: Path) -> None:
    """An earlier demo's account and cache go; its rules stay, edited or not."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "portal.db").exists():
        raise BadCommand(
            f"{folder} holds something else than a demo.", "Name a new folder: connector demo FOLDER"
        )
    for name in ("portal.db", "connector.db"):
        for file in folder.glob(f"{name}*"):
            file.unlink()
    (folder / ".env").unlink(missing_ok=True)


def _write_env(folder: Path, portal: Portal, now: int) -> None:
    file = folder / ".env"
    file.write_text(
        "# fits the account of this folder: connector sandbox --state portal.db --port "
        f"{PORT}\nHUBSPOT_BASE_URL=http://127.0.0.1:{PORT}\nHUBSPOT_ACCESS_TOKEN={portal.token}\n"
        f"# the demo's clock stands still at this moment, so that its figures stay the same\nCONNECTOR_NOW={iso(now)}\n",
        "utf-8",
    )
    file.chmod(0o600)


async def _walk(door: Door, db: Database, rules: Rules, folder: Path) -> tuple[Document, list[Document]]:
    async with door.transport() as t:
        door.say("making our properties in the CRM (provision)")
        await account.provision(t, properties(rules))
        way = Way(t, db, rules, door.clock(), 0.2, door.tick)
        door.say("reading everything (backfill)")
        pulled = await pull(Pulling(t, db, rules, way.clock.now(), door.tick))
        before = _in_crm(db, rules)
        read = t.requests
        door.say("judging every contact (plan) and writing what changed (apply)")
        signals.derive(db, rules.mapping)
        plan = preview(db, rules, way.clock.now(), tick=lambda count: door.tick("plan", count))
        done = await apply(way, plan, pulled)
        wrote = t.requests - read
        door.say("once more (sync), to see that nothing is left to do")
        second = await sync(way)
    assert done.sent is not None and second.sent is not None
    figures = {
        "read_requests": read,
        "write_requests": wrote,
        "written": done.sent.sent,
        "values": done.sent.values,
        "held": len(done.sent.held),
        "second_sync": {
            "changed": second.plan.summary["changed"],
            "written": second.sent.sent,
            "requests": t.requests - read - wrote,
        },
    }
    return _summary(db, rules, door, folder, before, figures), _hottest(db, rules, door)


def _summary(
    db: Database, rules: Rules, door: Door, folder: Path, before: Mapping[str, int], figures: Document
) -> Document:
    state, _ = report.status(db, rules, door.clock().now())
    after = _in_crm(db, rules)
    stages = {**state["stages"], **({OWN: None} if OWN in after or OWN in before else {})}
    return {
        "as_of": state["as_of"],
        "contacts": state["cached"]["contact"],
        "cached": state["cached"],
        "rules": len(rules.workflow.rules()),
        "stages": [
            {"stage": stage, "before": before.get(stage, 0), "after": after.get(stage, 0), "ours": number}
            for stage, number in stages.items()
        ],
        "temperatures": state["temperatures"],
        **figures,
        "folder": str(folder),
        "next": _next(folder),
    }


def _in_crm(db: Database, rules: Rules) -> dict[str, int]:
    """Contacts by the CRM's own stage, under our name for it, if we have one; without a stage: contacts."""
    lifecycle = rules.mapping.write_back.lifecycle
    first = rules.workflow.stages[0].id
    found: dict[str, int] = {}
    for value, number in records.by_value(db, lifecycle.property).items() if lifecycle else ():
        stage = (our_stage(rules, value) or OWN) if value else first
        found[stage] = found.get(stage, 0) + number
    return found


def _hottest(db: Database, rules: Rules, door: Door) -> list[Document]:
    """The leads with most points; customers are not leads any more."""
    customer = rules.workflow.stages[-1].id
    _, rows = report.contacts(db, rules, door.clock().now())
    rows = [row for row in rows if row["stage"] != customer][:HOTTEST]
    return [{**row, "email": row["email"] if door.verbose else mask(row["email"])} for row in rows]


def _next(folder: Path) -> list[str]:
    program = Path(sys.argv[0])
    there = shutil.which("connector")
    known = program.name != "connector" or (there is not None and Path(there).samefile(program))
    path = [] if known else [f". {program.parent}/activate"]
    return [
        *path,
        f"cd {folder}",
        f"connector sandbox --state portal.db --port {PORT}       # in another terminal: the account, as the demo left it",
        "connector explain jane@acme.fr                        # every point, and why",
        "connector contacts --stage mql                        # who is ready for sales",
        "$EDITOR workflows/qualification.yaml                  # say, points of `demo`: 25 -> 40",
        "connector check && connector plan                     # what your edit would change; nothing is sent",
        "connector status",
    ]
