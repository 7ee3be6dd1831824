"""status, runs, doctor and outbox: how it is and what needs a decision."""

from __future__ import annotations

from contextlib import closing, suppress

import click

from connector.cli.door import Door, slower, verb
from connector.errors import BadCommand, BadRules, BadSettings
from connector.model import Document, iso, mask
from connector.views import Result


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
    from connector.score import why_not
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
        "engine": "SQLite" if why_not() else "DuckDB",
    }
    status = "different" if found.items else "same"
    notes = slower(found.contacts)
    return Result("verify", status, summary, found.items, notes, exit_code=1 if found.items else 0)


@verb("doctor")
def doctor(door: Door) -> Result:
    """What is wrong, and what to do about it. Asks nothing of the CRM."""
    items = _settings(door)
    try:
        rules = door.rules()
        items.append(_ok(f"{len(rules.files)} rules files load (rules {rules.hash[:7]})"))
    except BadRules as error:
        items.append(_wrong(str(error), "connector check shows each of them"))
    if door.settings().db.exists():
        items += _cache(door)
    else:
        items.append(_note(f"there is no cache at {door.settings().db} yet", "connector backfill all"))
    wrong = sum(item["state"] == "wrong" for item in items)
    return Result("doctor", summary={"wrong": wrong}, items=items, exit_code=1 if wrong else 0)


def _settings(door: Door) -> list[Document]:
    try:
        door.settings().need_credentials()
    except BadSettings as error:
        return [_wrong(str(error), error.fix)]
    return [_ok("there is a token")]


def _cache(door: Door) -> list[Document]:
    from connector import report

    db = door.open()
    summary, _ = report.status(db, None, door.clock().now())
    db.close()
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
    return items


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
    from connector.store.schema import run_lock, write

    if action == "list" and rows:
        raise BadCommand("`outbox list` takes no rows.", "connector outbox list")
    db = door.open(must_exist=True)
    decided = None
    if action != "list":
        state = box.State.PENDING if action == "retry" else box.State.DROPPED
        with run_lock(door.settings().db, "outbox"), write(db):
            decided = box.decide(db, rows, state, door.clock().now())
    items = [
        {
            "row": row["seq"],
            "contact": row["contact_id"],
            "email": row["email"] if door.verbose else mask(row["email"]),
            "kind": row["kind"],
            "property": row["key"] if row["kind"] == box.PROPERTY else "",
            "old": row["old"],
            "new": row["new"] if row["kind"] == box.PROPERTY else report.action(row, row["email"], verbose=door.verbose),
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
