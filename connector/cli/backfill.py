"""backfill: what the CRM has, read again; all of it or a part, at the limit, down to the day's floor."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from connector.cli.door import Door, verb
from connector.cli.pull import by_source, pulled
from connector.cli.walk import alone, recorded, walk
from connector.cli.when import midnight, moment
from connector.errors import BadCommand, RateLimited
from connector.model import iso
from connector.views import Result

if TYPE_CHECKING:
    from sqlite_utils import Database

    from connector.pull import Pulled, Pulling, Span
    from connector.rules.tree import Field, Rules
    from connector.sync import Way

OBJECTS = ("contacts", "companies", "deals")
FLOOR = 0.10  # the share of the day's requests that is left to the syncs and to other apps


@dataclass(frozen=True)
class Asked:
    """What the command line means: of everything the parts `only`, of engagement a `span` alone; or, of the
    records that are known, these `fields`."""

    only: list[str] | None = None
    since: str | None = None
    until: str | None = None
    span: Span | None = None
    fields: tuple[Field, ...] = ()
    rescore: bool = False


@verb("backfill")
@click.argument("what", type=click.Choice([*OBJECTS, "engagement", "all"]), required=False)
@click.option("--since", help="Engagement from this moment on (a date, a time, or 90d for 90 days ago).")
@click.option("--until", help="Engagement before this moment.")
@click.option("--fields", help="Only these fields of the mapping (a,b), for the records that are known.")
@click.option(
    "--rescore", is_flag=True, help="Judge everybody again at the next plan; alone it reads nothing."
)
def backfill(
    door: Door, what: str | None, since: str | None, until: str | None, fields: str | None, rescore: bool
) -> Result:
    """Read everything again (contacts, companies, deals, engagement or all). Stopped, it goes on from there.

    It takes the share of the account's limit that CONNECTOR_RATE_SHARE says, and stops for the day while a
    tenth of the day's requests is left for the syncs and for other apps. Syncs that come meanwhile are let in
    between two pages, once everything was read for the first time.

    How long it has to go is estimated from the account's own counts; of events, which it does not count, from
    how far back in time it is: if there were fewer of them in earlier days, it will be done sooner.
    """
    if rescore and (what, since, until, fields) == (None, None, None, None):
        return _rescore(door)
    rules = door.rules()
    if fields is None:
        asked = _parts(door, what or "all", since, until, rescore)
    else:
        asked = Asked(fields=_fields(rules, what or "all", since or until, fields), rescore=rescore)
    door.day_floor, door.lets_in = FLOOR, True
    return walk(door, lambda way: _read(door, way, asked), rules=rules)


# -- what is asked for -----------------------------------------------------------------------------------


def _parts(door: Door, what: str, since: str | None, until: str | None, rescore: bool) -> Asked:
    """:raises BadCommand: a span of what has no time, or one that ends before it begins"""
    only = None if what == "all" else [what]
    if since is None and until is None:
        return Asked(only, rescore=rescore)
    if what in OBJECTS:
        raise BadCommand(
            f"--since and --until are for engagement: {what} are read as they are now.",
            "Leave them out, or: connector backfill engagement --since 90d.",
        )
    span = _span(door, since, until)
    if span.since >= span.until:
        raise BadCommand(
            f"The span begins at {iso(span.since)} and ends at {iso(span.until)}: nothing lies in it.",
            "Give --until a later moment than --since; both are dates, times, or 30d for 30 days ago.",
        )
    return Asked(only, since, until, span, rescore=rescore)


def _span(door: Door, since: str | None, until: str | None) -> Span:
    from connector.pull import HISTORY, Span

    now = door.clock().now()
    begin = now - HISTORY if since is None else moment(since, now, door.zone)
    return Span(begin, now if until is None else moment(until, now, door.zone), ends=until is not None)


def _fields(rules: Rules, what: str, when: str | None, names: str) -> tuple[Field, ...]:
    """:raises BadCommand: a name that the mapping does not have, or what fields have nothing to do with"""
    if when is not None or what == "engagement":
        raise BadCommand(
            "--fields reads what records hold now: it knows neither engagement nor time.",
            "Leave out engagement, --since and --until.",
        )
    mapping = rules.mapping
    every = {**mapping.deal_fields, **mapping.fields} if what != "deals" else dict(mapping.deal_fields)
    known = {name: field for name, field in every.items() if what in ("all", field.object)}
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in known:
            close = get_close_matches(name, known, 1)
            raise BadCommand(
                f"The mapping has no field {name!r}" + ("." if what == "all" else f" of {what}."),
                f"Did you mean {close[0]}?" if close else f"It has {', '.join(known)}.",
            )
    if not wanted:
        raise BadCommand("--fields names no field.", f"The mapping has {', '.join(known)}.")
    return tuple(known[name] for name in dict.fromkeys(wanted))


# -- reading ---------------------------------------------------------------------------------------------


async def _read(door: Door, way: Way, asked: Asked) -> Result:
    from connector import signals
    from connector.pull import Pulling, span_of

    began = way.clock.monotonic()
    p = Pulling(way.t, way.db, way.rules, way.clock.now(), way.tick)
    span = asked.span and span_of(p, (asked.since, asked.until), asked.span)
    if span and asked.span and span.since != asked.span.since:
        door.say(f"going on with the span that was begun: {iso(span.since)} to {iso(span.until)}")
    found = await _pulled(door, p, asked, span)
    judged = signals.derive(way.db, way.rules.mapping, tick=lambda count: way.tick("signals", count))
    summary = {
        **pulled(found),
        "signals": judged,
        "requests": way.t.requests,
        "seconds": way.clock.monotonic() - began,
        "since": iso(span.since) if span else None,
        "until": iso(span.until) if span else None,
        "rescored": _judge_all_again(way.db) if asked.rescore else 0,
    }
    return Result(door.verb, summary=summary, items=by_source(found))


async def _pulled(door: Door, p: Pulling, asked: Asked, span: Span | None) -> Pulled:
    """:raises RateLimited: today's requests are used up, or down to the floor; with the moment to go on at"""
    from connector.cli.turns import in_turns
    from connector.cli.watch import watched
    from connector.pull import pull, pull_fields
    from connector.reconcile import RECONCILIATION, reconcile
    from connector.store import bookmarks

    async def work(p: Pulling) -> Pulled:
        if asked.fields:
            return await pull_fields(p, asked.fields)
        found = await pull(p, asked.only, span, full=True)
        lived_with = bookmarks.get(p.db, RECONCILIATION) != bookmarks.Bookmark()  # else all was just read
        if lived_with and (asked.only is None or "contacts" in asked.only):
            await reconcile(p)
        return found

    try:
        p = await watched(door, p, asked.only, asked.fields)
        return await in_turns(door, p, work)
    except RateLimited as limited:
        if limited.policy != "DAILY":
            raise
        portal = bookmarks.fact(p.db, "portal") or {}
        again, zone = midnight(p.t.clock.now(), portal.get("time_zone", "UTC"))
        fix = f"Run the same command from {again} on ({zone}, when the account counts anew): it goes on here."
        raise RateLimited(str(limited), fix, policy=limited.policy) from None


# -- judging again ---------------------------------------------------------------------------------------


def _rescore(door: Door) -> Result:
    rules = door.rules()
    db = door.open(must_exist=True)
    with alone(door), recorded(door, db, rules.hash) as book:
        many = _judge_all_again(db)
        book["said"] = f"{many:,} contacts to be judged again"
    db.close()
    summary = {"seen": 0, "changed": 0, "absent": {}, "signals": 0, "requests": 0, "seconds": 0.0}
    return Result("backfill", summary={**summary, "since": None, "until": None, "rescored": many})


def _judge_all_again(db: Database) -> int:
    from connector.store import decisions
    from connector.store.schema import write

    with write(db):
        ids = decisions.everyone(db)
        decisions.mark_dirty(db, ids)
    return len(ids)
