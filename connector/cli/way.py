"""The steps of the way as verbs: pull, backfill, plan, apply, sync, run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.cli.door import Door, verb
from connector.cli.when import moment
from connector.errors import BadCommand, BadRules, ConnectorError, Interrupted, Locked
from connector.model import Document, iso
from connector.views import Result

if TYPE_CHECKING:
    from sqlite_utils import Database

    from connector.apply import Sent
    from connector.decide import Accepted
    from connector.pull import Pulled
    from connector.rules.tree import Rules
    from connector.store.plans import PlanRow
    from connector.sync import Synced, Way

PARTS = ("contacts", "companies", "deals", "engagement")


@contextmanager
def recorded(door: Door, db: Database, rules_hash: str) -> Iterator[Document]:
    """A run in the book: what the block puts into the document, how long it took, how it ended."""
    from connector.store import bookmarks

    clock = door.clock()
    summary: Document = {}
    began = clock.monotonic()
    run = bookmarks.start_run(db, door.verb, clock.now())
    try:
        yield summary
    except ConnectorError as error:
        summary |= {"said": f"{error} {error.fix}".strip(), "seconds": clock.monotonic() - began}
        status = "interrupted" if error.exit_code == 130 else "failed"
        bookmarks.end_run(db, run, clock.now(), status, rules_hash, summary)
        raise
    summary["seconds"] = clock.monotonic() - began
    bookmarks.end_run(db, run, clock.now(), summary.get("status", "done"), rules_hash, summary)


def walk(door: Door, work: Callable[[Way], Awaitable[Result]], *, wait: int = 0) -> Result:
    """Opens everything, takes the run lock (waiting up to `wait` seconds), does the work, writes it down."""
    rules = door.rules()
    door.settings().need_credentials()
    db = door.open()
    try:
        return door.run(walked(door, db, rules, work, wait))
    finally:
        db.close()


async def walked(
    door: Door, db: Database, rules: Rules, work: Callable[[Way], Awaitable[Result]], wait: int = 0
) -> Result:
    from connector.sync import Way

    async with door.transport() as t, _locked(door, wait):
        with recorded(door, db, rules.hash) as book:
            way = Way(t, db, rules, door.clock(), door.settings().brake, door.tick, door.stopping)
            try:
                result = await work(way)
            finally:
                book["requests"] = t.requests
            book |= {"status": result.status, "said": said(result)}
            return result


@asynccontextmanager
async def _locked(door: Door, wait: int) -> AsyncIterator[None]:
    """The run lock. :raises Locked: naming who holds it, after `wait` seconds"""
    from connector.store.schema import run_lock

    told = False
    for left in range(wait, -1, -1):
        try:
            with run_lock(door.settings().db, door.verb):
                yield
                return
        except Locked as busy:
            if left == 0:
                raise
            if not told:
                door.say(f"waiting up to {wait} s: {busy}")
                told = True
            await door.clock().sleep(1)


def said(result: Result) -> str:
    """A run's result in a few words, for `runs` and `status`."""
    about = result.summary
    if result.command in ("pull", "backfill"):
        return f"{about['seen']:,} rows seen, {about['changed']:,} new or changed"
    if result.status == "braked":
        return f"plan {about['plan']} would change {about['share']:.0%} of contacts: connector apply {about['plan']}"
    return (
        f"{about.get('sent', 0):,} sent, {about.get('held', 0):,} held, {about.get('dropped', 0):,} dropped"
    )


# -- pull and backfill ---------------------------------------------------------------------------------


@verb("pull")
def pull(door: Door) -> Result:
    """Read what changed in the CRM since the last time."""
    return walk(door, lambda way: _pull(door, way, None, None))


@verb("backfill")
@click.argument("what", type=click.Choice([*PARTS, "all"]), default="all")
@click.option("--since", help="Engagement from this moment on (a date, or 90d).")
@click.option("--rescore", is_flag=True, help="Judge every contact again at the next plan; reads nothing.")
def backfill(door: Door, what: str, since: str | None, rescore: bool) -> Result:
    """Read everything, once (contacts, companies, deals, engagement or all). Goes on where it was stopped."""
    if rescore:
        return _rescore(door)
    only = None if what == "all" else [what]
    start = moment(since, door.clock().now(), door.zone) if since else None
    return walk(door, lambda way: _pull(door, way, only, start))


async def _pull(door: Door, way: Way, only: list[str] | None, since: int | None) -> Result:
    from connector import signals
    from connector.pull import Pulling
    from connector.pull import pull as pulling

    began = way.clock.monotonic()
    found = await pulling(Pulling(way.t, way.db, way.rules, way.clock.now(), way.tick), only, since)
    judged = signals.derive(way.db, way.rules.mapping)
    summary = {
        **_pulled(found),
        "signals": judged,
        "requests": way.t.requests,
        "seconds": way.clock.monotonic() - began,
    }
    items = [
        {"source": name, "seen": number, "changed": found.changed.get(name, 0)}
        for name, number in found.seen.items()
        if number
    ]
    return Result(door.verb, summary=summary, items=items)


def _pulled(found: Pulled) -> Document:
    return {
        "seen": sum(found.seen.values()),
        "changed": sum(found.changed.values()),
        "absent": dict(found.absent),
    }


def _rescore(door: Door) -> Result:
    from connector.store import decisions
    from connector.store.schema import run_lock, write

    rules = door.rules()
    db = door.open(must_exist=True)
    with run_lock(door.settings().db, "backfill"), recorded(door, db, rules.hash) as book:
        with write(db):
            ids = decisions.everyone(db)
            decisions.mark_dirty(db, ids)
        book["said"] = f"{len(ids):,} contacts to be judged again"
    db.close()
    summary = {"seen": 0, "changed": len(ids), "absent": {}, "signals": 0, "requests": 0, "seconds": 0.0}
    return Result("backfill", summary=summary)


# -- plan and apply ------------------------------------------------------------------------------------


@verb("plan")
@click.option("--only", help="Only these contacts: ids apart by commas, or a file with one a line.")
@click.option("--exit-code", "signal_changes", is_flag=True, help="Exit 3 when there are changes.")
def plan(door: Door, only: str | None, signal_changes: bool) -> Result:
    """Preview what would change, from the cache; nothing is sent and nothing is decided."""
    from connector import report, signals
    from connector.decide import preview
    from connector.store.records import ensure_columns
    from connector.store.schema import write

    rules = door.rules()
    db = door.open(must_exist=True)
    with write(db):
        ensure_columns(db, rules.mapping)
    signals.derive(db, rules.mapping)
    row = preview(db, rules, door.clock().now(), _ids(db, only), tick=lambda n: door.tick("plan", n))
    door.close_progress()
    summary, items = report.plan(db, row, verbose=door.verbose)
    db.close()
    changes = bool(summary["changed"])
    status = "changes" if changes else "empty"
    return Result("plan", status, summary, items, exit_code=3 if changes and signal_changes else 0)


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
        return Result("apply", "already", {"plan": row.id, **_nothing_sent()})
    if row.status == "empty":
        return Result("apply", "empty", {"plan": row.id, **_nothing_sent()})
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
    await settle_in_flight(way.sending())
    done = await applying(way, row, Pulled({}, {}, {}))
    assert done.accepted is not None and done.sent is not None
    summary = {"plan": row.id, "changed": row.summary["changed"], **_sent(done.accepted, done.sent)}
    return _with_exceptions("apply", summary, done.accepted, done.sent)


def _nothing_sent() -> Document:
    return {"sent": 0, "held": 0, "dropped": 0, "already": 0, "values": 0, "stale": 0, "changed": 0}


def _sent(accepted: Accepted, sent: Sent) -> Document:
    return {
        "sent": sent.sent,
        "held": len(sent.held.keys() | accepted.held.keys()),
        "dropped": len(sent.dropped),
        "already": sent.already,
        "values": sent.values,
        "stale": len(accepted.stale),
    }


def _with_exceptions(command: str, summary: Document, accepted: Accepted, sent: Sent) -> Result:
    """Exit 1 where somebody is held from this run on; those dropped are judged again by themselves."""
    items: list[Document] = [
        *(
            {"contact": contact, "became": "held", "why": held.why, "until": iso(held.until)}
            for contact, held in sorted(accepted.held.items())
        ),
        *({"contact": contact, "became": "held", "why": why} for contact, why in sorted(sent.held.items())),
        *(
            {"contact": contact, "became": "dropped", "why": why}
            for contact, why in sorted(sent.dropped.items())
        ),
        *(
            {"contact": contact, "became": "stale", "why": "changed since the plan"}
            for contact in accepted.stale
        ),
    ]
    items = [{"until": None, **item} for item in items]
    held = bool(sent.held or accepted.held)
    return Result(command, "held" if held else "done", summary, items, exit_code=1 if held else 0)


# -- sync and run --------------------------------------------------------------------------------------


@verb("sync")
@click.option("--dry-run", is_flag=True, help="Stop before anything is sent.")
def sync(door: Door, dry_run: bool) -> Result:
    """The whole way, once: pull, signals, score, stage, plan, outbox, apply."""
    from connector.sync import sync as syncing

    async def work(way: Way) -> Result:
        return synced(way, await syncing(way, dry_run=dry_run))

    return walk(door, work)


def synced(way: Way, done: Synced) -> Result:
    """What a sync did, as its document."""
    from connector.plan import share_moved

    summary = {
        "plan": done.plan.id,
        "rules": way.rules.hash,
        **{
            key: done.plan.summary[key]
            for key in ("contacts", "judged", "changed", "unchanged", "stage_changes", "overwritten")
        },
        **_nothing_sent(),
        "seen": sum(done.pulled.seen.values()),
        "changed_rows": sum(done.pulled.changed.values()),
        "absent": dict(done.pulled.absent),
        "requests": way.t.requests,
        "share": share_moved(done.plan.summary),
        "brake": way.brake,
    }
    summary["changed"] = done.plan.summary["changed"]
    if done.accepted is None or done.sent is None:
        summary["held"] = done.plan.summary["held"]
        return Result(
            "sync", "braked" if done.braked else "planned", summary, exit_code=1 if done.braked else 0
        )
    return _with_exceptions("sync", summary | _sent(done.accepted, done.sent), done.accepted, done.sent)


@verb("run")
def run(door: Door) -> None:
    """The daemon: sync every CONNECTOR_SYNC_EVERY until SIGTERM or Ctrl-C, one at a time."""
    from connector.schedule import every

    found = door.settings()
    found.need_credentials()
    db = door.open()
    stopped = asyncio.Event()
    door.on_stop = stopped.set
    door.tell("started", f"a sync every {found.sync_every} s; Ctrl-C stops it")
    try:
        door.run(every(found.sync_every, lambda: _tick(door, db), stopped))
    finally:
        db.close()
    door.tell("stopped", "")


def _rules(door: Door, db: Database) -> Rules:
    """The rules as they are now; a tick that finds them broken is a run that failed."""
    try:
        return door.rules()
    except BadRules:
        with recorded(door, db, ""):
            raise


async def _tick(door: Door, db: Database) -> None:
    """One sync of the daemon. Whatever goes wrong is said; the next tick tries again."""
    from connector.sync import sync as syncing

    async def work(way: Way) -> Result:
        return synced(way, await syncing(way))

    try:
        result = await walked(door, db, _rules(door, db), work)
        door.tell(result.status, said(result))
    except Interrupted:
        door.tell("interrupted", "safe to run again")
    except ConnectorError as error:
        door.tell("skipped" if isinstance(error, Locked) else "failed", f"{error} {error.fix}".strip())
