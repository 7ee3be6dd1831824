"""The CRM since each source's bookmark -> the cache.

The first load reads the list endpoint, the only complete one, in key ranges at once where the account allows
it (`load`). Then each pull searches for the ids modified in a window that overlaps the last one and reads the
values of those that differ from what we know (`windows`); a second window runs an hour behind and sees what
the index showed late. A page and its progress are one transaction; a bookmark moves when its window is
safely stored.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector import signals
from connector.errors import BadCommand, MissingScope
from connector.hubspot.engagement import SOURCES
from connector.hubspot.transport import together
from connector.pull.account import look_at_account, remember
from connector.pull.events import HISTORY, events_of, pull_source
from connector.pull.fields import read_fields
from connector.pull.histories import read_histories
from connector.pull.pulling import OBJECTS, Pulled, Pulling, properties_of
from connector.pull.span import Span, forget_span, read_span, span_of
from connector.pull.windows import pull_records
from connector.rules.tree import Field
from connector.store import bookmarks
from connector.store.schema import write

__all__ = [
    "HISTORY",
    "OBJECTS",
    "Pulled",
    "Pulling",
    "Span",
    "look_at_account",
    "pull",
    "pull_fields",
    "read_before",
    "remember",
    "span_of",
]


async def pull(
    p: Pulling, only: Sequence[str] | None = None, span: Span | None = None, *, full: bool = False
) -> Pulled:
    """Brings the cache up to date: everything, or `only` these sources. `full` reads all there is again,
    each source once, however often the backfill is stopped and goes on; of engagement the span alone, if one
    is given.

    :raises WrongPortal: the token belongs to another account than the cache
    :raises BadRules: the mapping names properties that the account does not have
    """
    await look_at_account(p)
    wanted = [name for name in (*OBJECTS, "engagement") if only is None or name in only]
    await together(_records(p, name, full) for name in ("companies", "deals") if name in wanted)
    if "contacts" in wanted:
        await _records(p, "contacts", full)
        await read_histories(p)
    if "engagement" in wanted:
        await (_engagement(p, full) if span is None else _span(p, span))
    if full:
        with write(p.db):
            bookmarks.set_fact(p.db, "backfill", [])
            if span is not None:
                forget_span(p.db)
    return _pulled(p)


async def pull_fields(p: Pulling, fields: Sequence[Field]) -> Pulled:
    """The properties of these fields alone, for every record that we know; it goes on where it was stopped.

    :raises BadCommand: an object of theirs was never read to its end: its first load reads all fields
    """
    await look_at_account(p)
    for name in OBJECTS:
        properties = sorted({field.property for field in fields if field.object == name})
        if properties and bookmarks.get(p.db, name).value is None:
            raise BadCommand(
                f"The {name} were not read to their end yet, so there is nothing to add a field to.",
                f"Run `connector backfill {name}`: it reads every field that the mapping names.",
            )
        if properties:
            await read_fields(p, name, properties)
    await read_histories(p)
    return _pulled(p)


def read_before(p: Pulling) -> bool:
    """Whether everything that the rules need was read to its end once, or is not to be had."""
    objects = [name for name in OBJECTS if properties_of(p.rules, name)]
    sources = [source.name for source in SOURCES if source.events & events_of(p.rules)]
    marks = [bookmarks.get(p.db, name) for name in (*objects, *sources)]
    return all(mark.value is not None or mark.state == "absent" for mark in marks)


def _pulled(p: Pulling) -> Pulled:
    absent = {name: mark.said for name, mark in bookmarks.everyone(p.db).items() if mark.state == "absent"}
    return Pulled(dict(p.seen), dict(p.changed), absent)


async def _records(p: Pulling, object_type: str, full: bool) -> None:
    """Contacts are what all is about; companies and deals may be out of the token's reach."""
    if not properties_of(p.rules, object_type) or _read_already(p, object_type, full):
        return
    try:
        await pull_records(p, object_type, full)
    except MissingScope as error:
        if object_type == "contacts":
            raise
        with write(p.db):
            bookmarks.absent(p.db, object_type, f"{error} {error.fix}".strip())
    _note_read(p, object_type, full)


async def _span(p: Pulling, span: Span) -> None:
    lists = signals.list_filter(p.rules.mapping)
    await together(read_span(p, one, lists, span) for one in SOURCES)


async def _engagement(p: Pulling, full: bool) -> None:
    lists = signals.list_filter(p.rules.mapping)

    async def one(source: str) -> None:
        await pull_source(p, by_name[source], lists, full)
        _note_read(p, source, full)

    by_name = {source.name: source for source in SOURCES}
    await together([one(name) for name in by_name if not _read_already(p, name, full)])


def _read_already(p: Pulling, source: str, full: bool) -> bool:
    """Whether a backfill that was stopped had read this source to its end."""
    done = full and source in (bookmarks.fact(p.db, "backfill") or [])
    if done:
        p.reach(source, 1.0)
    return done


def _note_read(p: Pulling, source: str, full: bool) -> None:
    p.reach(source, 1.0)
    if full:
        with write(p.db):
            bookmarks.set_fact(p.db, "backfill", [*(bookmarks.fact(p.db, "backfill") or []), source])
