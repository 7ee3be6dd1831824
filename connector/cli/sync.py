"""sync and run: the whole way, once or again and again."""

from __future__ import annotations

import asyncio
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from connector.cli.door import Door, verb
from connector.cli.walk import nothing_sent, recorded, said, sent_figures, walk, walked, with_exceptions
from connector.errors import BadRules, ConnectorError, Interrupted, Locked
from connector.views import Result

if TYPE_CHECKING:
    from sqlite_utils import Database

    from connector.rules.tree import Rules
    from connector.sync import Synced, Way


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
        **nothing_sent(),
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
    return with_exceptions("sync", summary | sent_figures(done.accepted, done.sent), done.accepted, done.sent)


@verb("run")
def run(door: Door) -> None:
    """The daemon: sync every CONNECTOR_SYNC_EVERY until SIGTERM or Ctrl-C, one at a time."""
    from connector.schedule import every

    found = door.settings()
    found.need_credentials()
    db = door.open()
    stopped = asyncio.Event()
    door.on_stop = stopped.set
    with suppress(BadRules):  # the ticks say so; here they only tell the time zone
        door.rules()
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

    door.forget_settings()  # a token may have been rotated
    try:
        result = await walked(door, db, _rules(door, db), work)
        door.tell(result.status, said(result))
    except Interrupted:
        door.tell("interrupted", "safe to run again")
    except ConnectorError as error:
        door.tell("skipped" if isinstance(error, Locked) else "failed", f"{error} {error.fix}".strip())
    except Exception as bug:  # ours; the daemon goes on all the same, and says it loudly
        door.tell("failed", f"unexpected: {bug!r}; please report what stands below")
        traceback.print_exc()
