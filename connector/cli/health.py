"""status, runs, doctor and outbox: how it is and what needs a decision."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import TYPE_CHECKING

import click

from connector.cli.door import Door, slower, verb
from connector.cli.walk import alone
from connector.errors import BadCommand, BadRules, BadSettings
from connector.model import Document, iso, mask
from connector.views import Result, count

if TYPE_CHECKING:
    from sqlite_utils import Database

    from connector.rules.tree import Rules

MOST_AHEAD = 1_000  # signals dated in the future that `doctor` counts


@verb("status")
def status(door: Door) -> Result:
    """How it is: who stands where, how fresh each source is, what needs you."""
    from connector import report

    broken: BadRules | None = None
    try:
        rules = door.rules()
    except BadRules as error:
        rules, broken = None, error
    db = door.open(must_exist=True)
    summary, items = report.status(db, rules, door.clock().now())
    db.close()
    summary["clock"] = "held" if door.settings().held_at is not None else "running"
    found = (
        [{"severity": "error", "code": broken.code, "what": str(broken), "fix": "connector check"}]
        if broken
        else []
    )
    return Result("status", "rules broken" if broken else "done", summary, items, found)


@verb("runs")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many.")
def runs(door: Door, limit: int) -> Result:
    """What was done, the newest first."""
    from connector import report

    with suppress(BadRules):
        door.rules()  # whose time zone the moments are told in
    db = door.open(must_exist=True)
    items = report.runs(db, limit)
    db.close()
    return Result("runs", summary={"shown": len(items)}, items=items)


@verb("verify")
def verify(door: Door) -> Result:
    """Make every signal and score anew and compare with what is stored, to the last digit. Writes nothing."""
    from connector.verify import verify as verifying

    rules = door.rules()
    with closing(door.open(must_exist=True)) as db:
        now = door.clock().now()
        found = verifying(db, rules, now, lambda number: door.tick("verify", number))
        door.close_progress()
    summary = {
        "as_of": iso(now),
        "rules": rules.hash,
        "contacts": found.contacts,
        "compared": found.compared,
        "waiting": found.waiting,
        "signals": found.signals,
        "different": len({(item["kind"], item["contact"]) for item in found.items}),
        "engine": found.engines,
    }
    status = "different" if found.items else "same"
    notes = slower(found.why_not)
    return Result("verify", status, summary, found.items, notes, exit_code=1 if found.items else 0)


@verb("doctor")
def doctor(door: Door) -> Result:
    """What is wrong, and what to do about it. Asks nothing of the CRM."""
    from connector.score import missing

    items, rules = _settings(door), None
    try:
        rules = door.rules()
        items.append(_ok(f"{len(rules.files)} rules files load (rules {rules.hash[:7]})"))
    except BadRules as error:
        items.append(_wrong(str(error), "connector check shows each of them"))
    if door.settings().db.exists():
        items += _cache(door, rules)
    else:
        items.append(_note(f"there is no cache at {door.settings().db} yet", "connector backfill all"))
    if why := missing():
        said = f"DuckDB cannot be loaded here ({why}): SQLite scores everybody too, several times slower"
        items.append(_note(said, "pip install duckdb adbc-driver-sqlite, where there are wheels for it"))
    wrong = sum(item["state"] == "wrong" for item in items)
    return Result("doctor", summary={"wrong": wrong}, items=items, exit_code=1 if wrong else 0)


def _settings(door: Door) -> list[Document]:
    try:
        door.settings().need_credentials()
    except BadSettings as error:
        return [_wrong(str(error), error.fix)]
    return [_ok("there is a token")]


def _cache(door: Door, rules: Rules | None) -> list[Document]:
    from connector import report

    with closing(door.open()) as db:
        now = door.clock().now()
        summary, _ = report.status(db, None, now)
        evidence = [] if rules is None else _evidence(db, rules, now)
    items = [_ok(f"the cache opens: portal {summary['portal'] or 'not pulled yet'}")]
    items += [
        _note(f"{s['source']} is not read: {s['said']}", "") for s in summary["sources"] if s["state"] != "ok"
    ]
    if summary["outbox"]["held"]:
        items.append(
            _wrong(f"{summary['outbox']['held']} changes are held in the outbox", "connector outbox list")
        )
    if breached := summary["handoffs"]["breached"]:
        fix = "connector contacts --breached"
        items.append(_note(f"{breached} contacts wait for sales longer than agreed", fix))
    if summary["oddities"]:
        items.append(
            _note(f"{summary['oddities']} values could not be read", "connector status -v lists them")
        )
    last = summary["last_sync"]
    if last and last["status"] == "failed":
        items.append(_wrong(f"the last sync failed: {last['said']}", "connector sync tries again"))
    return items + evidence


def _evidence(db: Database, rules: Rules, now: int) -> list[Document]:
    from connector import report

    return [*_robots(report.robots(db, rules)), *_ahead(report.ahead(db, rules, now, MOST_AHEAD))]


def _robots(shares: list[Document]) -> list[Document]:
    """A rule that is too strict takes everybody's opens away, and nothing else would say so."""
    items = []
    for one in shares:
        rejected = sum(one["rejected"].values())
        why = ", ".join(f"{reason} {number:,}" for reason, number in one["rejected"].items())
        what = f"{_share(rejected, one['count'])} of {one['count']:,} {one['of']} are rejected"
        what += f": {why}" if why else ""
        if 2 * rejected > one["count"]:
            items.append(_note(what, "see `bots` and `reject_if` in mappings/: are they too strict?"))
        else:
            items.append(_ok(what))
    return items


def _share(part: int, whole: int) -> str:
    if not part:
        return "none"
    return f"{round(100 * part / whole)} %" if 200 * part >= whole else "less than 1 %"


def _ahead(found: list[Document]) -> list[Document]:
    if not found:
        return []
    number = f"{MOST_AHEAD:,} signals or more" if len(found) == MOST_AHEAD else count(len(found), "signal")
    shown = ", ".join(f"{one['kind']} of contact {one['contact']} {one['at']}" for one in found[:3])
    what = f"{number} dated in the future: {shown}" + (", ..." if len(found) > 3 else "")
    return [_note(what, "they give no points before their time; look at the dates in the CRM")]


def _ok(what: str) -> Document:
    return {"state": "ok", "what": what, "fix": ""}


def _note(what: str, fix: str) -> Document:
    return {"state": "note", "what": what, "fix": fix}


def _wrong(what: str, fix: str) -> Document:
    return {"state": "wrong", "what": what, "fix": fix}


@verb("outbox")
@click.argument("action", type=click.Choice(["list", "retry", "drop"]), default="list")
@click.argument("rows", nargs=-1, type=int)
def outbox(door: Door, action: str, rows: tuple[int, ...]) -> Result:
    """Held and pending changes and actions: `list` them, `retry` ROWS, or `drop` ROWS (without ROWS: all held ones)."""
    from connector import report
    from connector.store import outbox as box
    from connector.store.schema import write

    if action == "list" and rows:
        raise BadCommand("`outbox list` takes no rows.", "connector outbox list")
    db = door.open(must_exist=True)
    decided = None
    if action != "list":
        state = box.State.PENDING if action == "retry" else box.State.DROPPED
        with alone(door), write(db):
            decided = box.decide(db, rows, state, door.clock().now())
    items = [
        {
            "row": row["seq"],
            "contact": row["contact_id"],
            "email": row["email"] if door.verbose else mask(row["email"]),
            "kind": row["kind"],
            "property": row["key"] if row["kind"] == box.PROPERTY else "",
            "old": row["old"],
            "new": row["new"]
            if row["kind"] == box.PROPERTY
            else report.action(row, row["email"], verbose=door.verbose),
            "state": row["state"],
            "said": row["said"],
            "plan": row["plan_id"],
        }
        for row in box.listed(db)
    ]
    counts = box.counts(db)
    db.close()
    verbs = {"list": "", "retry": "to be sent again at the next sync", "drop": "dropped"}
    return Result(
        "outbox", summary={"counts": counts, "decided": decided, "verb": verbs[action]}, items=items
    )
