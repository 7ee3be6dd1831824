"""plan and apply: the preview, and the decision."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.cli.door import Door, slower, verb
from connector.cli.walk import nothing_sent, sent_figures, walk, with_exceptions
from connector.errors import BadCommand
from connector.model import iso, mask
from connector.views import Result

if TYPE_CHECKING:
    from sqlite_utils import Database

    from connector.rules.tree import Rules
    from connector.score import Scorer
    from connector.store.plans import PlanRow
    from connector.sync import Way


@verb("plan")
@click.option("--only", help="Only these contacts: ids apart by commas, or a file with one a line.")
@click.option(
    "--undo",
    metavar="PLAN",
    help="Plan the way back to where PLAN found its contacts, by the rules as they are now.",
)
@click.option("--against", metavar="DIR", help="Compare with the workflows of another folder of rules.")
@click.option("--exit-code", "signal_changes", is_flag=True, help="Exit 3 when there are changes.")
def plan(door: Door, only: str | None, undo: str | None, against: str | None, signal_changes: bool) -> Result:
    """Preview what would change, from the cache; nothing is sent and nothing is decided."""
    if sum(option is not None for option in (only, undo, against)) > 1:
        raise BadCommand("--only, --undo and --against do not go together.", "Choose one of them.")
    from connector import report
    from connector.decide import scorer_of

    rules = door.rules()
    with closing(door.open(must_exist=True)) as db:
        if against is not None:
            return _compared(door, db, rules, Path(against), signal_changes)
        scorer = scorer_of(rules)
        row = _undone(door, db, scorer, undo) if undo else _previewed(door, db, scorer, only)
        door.close_progress()
        summary, items = report.plan(db, row, verbose=door.verbose)
    changes = bool(summary["changed"])
    status = "changes" if changes else "empty"
    notes = slower(scorer.why_not)
    return Result("plan", status, summary, items, notes, exit_code=3 if changes and signal_changes else 0)


def _previewed(door: Door, db: Database, scorer: Scorer, only: str | None) -> PlanRow:
    from connector.decide import preview

    now, ids = door.clock().now(), _ids(db, only)
    return preview(db, scorer.rules, now, ids, scorer=scorer, tick=lambda n: door.tick("plan", n))


def _undone(door: Door, db: Database, scorer: Scorer, plan_id: str) -> PlanRow:
    """The way back is judged by the rules as they are now: put the earlier ones back first."""
    from connector.decide import preview
    from connector.store import plans
    from connector.undo import starts_before

    now = door.clock().now()
    starts = starts_before(db, scorer.rules, plans.find(db, plan_id), now)
    ids = sorted(starts)
    return preview(
        db, scorer.rules, now, ids, starts=starts, scorer=scorer, tick=lambda n: door.tick("plan", n)
    )


def _compared(door: Door, db: Database, rules: Rules, folder: Path, signal_changes: bool) -> Result:
    from connector.compare import compare
    from connector.rules import load

    other = load(folder)
    now = door.clock().now()
    found = compare(db, rules, other, now, lambda n: door.tick("plan", n))
    door.close_progress()
    summary = {
        "contacts": found.contacts,
        "as_of": iso(now),
        "rules": rules.hash,
        "against": other.hash,
        "differ": len(found.items),
        "stages_here": found.here,
        "stages_there": found.there,
    }
    items = found.items if door.verbose else [{**i, "email": mask(i["email"])} for i in found.items]
    code = 3 if items and signal_changes else 0
    return Result("plan", "compared", summary, items, slower(found.why_not), exit_code=code)


def _ids(db: Database, only: str | None) -> list[str] | None:
    """The contacts that `--only` names. :raises BadCommand: for one that is not in the cache"""
    from connector.store import records

    if only is None:
        return None
    file = Path(only)
    named = file.read_text("utf-8").split() if file.is_file() else [name.strip() for name in only.split(",")]
    ids = []
    for name in named:
        found = records.find(db, name)
        if not found:
            raise BadCommand(f"No contact {name} in the cache.", "Check --only, or run `connector pull`.")
        ids += [row["id"] for row in found]
    return sorted(set(ids))


@verb("apply")
@click.argument("plan_id", metavar="[PLAN]", required=False)
def apply(door: Door, plan_id: str | None) -> Result:
    """Send exactly what PLAN (else the newest) says. Contacts that changed since are left out and listed."""
    from connector.store import bookmarks, outbox, plans

    rules = door.rules()
    db = door.open(must_exist=True)
    with closing(db):
        row = plans.find(db, plan_id)
        portal = bookmarks.fact(db, "portal")
        counts = outbox.counts(db)
    if row.status == "accepted" and (counts["pending"] or counts["sending"]):
        return walk(door, lambda way: _apply(way, row), wait=60)  # a run that died left it half-sent
    if row.status == "accepted":
        return Result("apply", "already", {"plan": row.id, **nothing_sent()})
    if row.status == "empty":
        return Result("apply", "empty", {"plan": row.id, **nothing_sent()})
    if row.rules != rules.hash:
        raise BadCommand(
            f"Plan {row.id} was made by other rules ({row.rules[:7]}) than those here now ({rules.hash[:7]}).",
            "Run `connector plan` again.",
        )
    if row.summary["changed"]:
        where = f"portal {portal['id']}" if portal else "the CRM"
        door.confirm(f"Send {row.summary['changed']:,} changes to {where}?")
    return walk(door, lambda way: _apply(way, row), wait=60)


async def _apply(way: Way, row: PlanRow) -> Result:
    from connector.apply import settle_in_flight
    from connector.pull import Pulled, Pulling, look_at_account
    from connector.sync import apply as applying

    await look_at_account(Pulling(way.t, way.db, way.rules, way.clock.now()))
    settled = await settle_in_flight(way.sending())
    done = await applying(way, row, Pulled({}, {}, {}))
    assert done.accepted is not None and done.sent is not None
    summary = {"plan": row.id, "changed": row.summary["changed"], **sent_figures(done.accepted, done.sent)}
    summary["already"] += len(settled.arrived)  # sent by the run that died
    return with_exceptions("apply", summary, done.accepted, done.sent)
