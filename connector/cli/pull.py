"""pull and backfill: the CRM into the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from connector.cli.door import Door, verb
from connector.cli.walk import recorded, walk
from connector.cli.when import moment
from connector.model import Document
from connector.views import Result

if TYPE_CHECKING:
    from connector.pull import Pulled
    from connector.sync import Way

PARTS = ("contacts", "companies", "deals", "engagement")


@verb("pull")
def pull(door: Door) -> Result:
    """Read what changed in the CRM since the last time."""
    return walk(door, lambda way: _pull(door, way, None, None, full=False))


@verb("backfill")
@click.argument("what", type=click.Choice([*PARTS, "all"]), default="all")
@click.option("--since", help="Engagement from this moment on (a date, or 90d).")
@click.option("--rescore", is_flag=True, help="Judge every contact again at the next plan; reads nothing.")
def backfill(door: Door, what: str, since: str | None, rescore: bool) -> Result:
    """Read everything again (contacts, companies, deals, engagement or all). Stopped, it goes on from there."""
    if rescore:
        return _rescore(door)
    only = None if what == "all" else [what]
    start = moment(since, door.clock().now(), door.zone) if since else None
    return walk(door, lambda way: _pull(door, way, only, start, full=True))


async def _pull(door: Door, way: Way, only: list[str] | None, since: int | None, *, full: bool) -> Result:
    from connector import signals
    from connector.pull import Pulling
    from connector.pull import pull as pulling

    began = way.clock.monotonic()
    from_here = Pulling(way.t, way.db, way.rules, way.clock.now(), way.tick)
    found = await pulling(from_here, only, since, full=full)
    judged = signals.derive(way.db, way.rules.mapping, tick=lambda count: way.tick("signals", count))
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
