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
from connector.errors import MissingScope
from connector.hubspot.engagement import SOURCES
from connector.hubspot.transport import together
from connector.pull.account import look_at_account, remember
from connector.pull.events import pull_source
from connector.pull.histories import read_histories
from connector.pull.pulling import OBJECTS, Pulled, Pulling, properties_of
from connector.pull.windows import pull_records
from connector.store import bookmarks
from connector.store.schema import write

__all__ = ["OBJECTS", "Pulled", "Pulling", "look_at_account", "pull", "remember"]


async def pull(
    p: Pulling, only: Sequence[str] | None = None, since: int | None = None, *, full: bool = False
) -> Pulled:
    """Brings the cache up to date: everything, or `only` these sources. `full` reads all there is again,
    each source once, however often the backfill is stopped and goes on.

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
        await _engagement(p, since, full)
    if full:
        with write(p.db):
            bookmarks.set_fact(p.db, "backfill", [])
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


async def _engagement(p: Pulling, since: int | None, full: bool) -> None:
    lists = signals.list_filter(p.rules.mapping)

    async def one(source: str) -> None:
        await pull_source(p, by_name[source], lists, since, full)
        _note_read(p, source, full)

    by_name = {source.name: source for source in SOURCES}
    await together([one(name) for name in by_name if not _read_already(p, name, full)])


def _read_already(p: Pulling, source: str, full: bool) -> bool:
    """Whether a backfill that was stopped had read this source to its end."""
    return full and source in (bookmarks.fact(p.db, "backfill") or [])


def _note_read(p: Pulling, source: str, full: bool) -> None:
    if full:
        with write(p.db):
            bookmarks.set_fact(p.db, "backfill", [*(bookmarks.fact(p.db, "backfill") or []), source])
