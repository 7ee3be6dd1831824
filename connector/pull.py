"""The CRM since each source's bookmark -> the cache.

The first load reads the list endpoint, the only complete one, resumable at the page. Then each pull
searches for the ids modified in a window that overlaps the last one, keyset by id, and reads the values of
those that differ from what we know. One page and its progress are one transaction; a bookmark moves when
its window is safely stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlite_utils import Database

from connector import signals
from connector.errors import BadRules, Unavailable, WrongPortal
from connector.hand_off import TOUCHES, UNDER_WAY, offers
from connector.hubspot import account, objects
from connector.hubspot.engagement import SOURCES, EngagementPage, Source, Wanted, deal_engagement
from connector.hubspot.transport import Transport, together
from connector.hubspot.writers import writer_of
from connector.model import DAY, MINUTE, Account, Record, Version
from connector.rules import against
from connector.rules.tree import Rules
from connector.store import bookmarks, columns, decisions, engagement, handoffs, outbox, records
from connector.store.schema import write

OVERLAP = 10 * MINUTE  # the search index lags: what it did not show yet is in the next window
HISTORY = 400 * DAY  # how far back engagement is read at first
OBJECTS = ("contacts", "companies", "deals")


@dataclass(frozen=True, slots=True)
class Pulling:
    """One pull: where from, where to, by which rules, at which moment. `tick` is told source and count."""

    t: Transport
    db: Database
    rules: Rules
    now: int
    tick: Callable[[str, int], None] = lambda _source, _count: None
    seen: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)

    def count(self, source: str, seen: int, changed: int) -> None:
        self.seen[source] = self.seen.get(source, 0) + seen
        self.changed[source] = self.changed.get(source, 0) + changed
        self.tick(source, seen)


@dataclass(frozen=True, slots=True)
class Pulled:
    """Per source: rows seen, rows new or changed; sources that the account does not have, and why."""

    seen: Mapping[str, int]
    changed: Mapping[str, int]
    absent: Mapping[str, str]


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
    for name in wanted:
        if name != "engagement" and _properties(p.rules, name) and not _read_already(p, name, full):
            await _records(p, name, full)
            _note_read(p, name, full)
    if "contacts" in wanted:
        await _witnesses(p)
    if "engagement" in wanted:
        lists = signals.list_filter(p.rules.mapping)
        sources = [source for source in SOURCES if not _read_already(p, source.name, full)]
        await together([_source(p, source, lists, since, full) for source in sources])
    if full:
        with write(p.db):
            bookmarks.set_fact(p.db, "backfill", [])
    absent = {name: mark.said for name, mark in bookmarks.everyone(p.db).items() if mark.state == "absent"}
    return Pulled(dict(p.seen), dict(p.changed), absent)


def _read_already(p: Pulling, source: str, full: bool) -> bool:
    """Whether a backfill that was stopped had read this source to its end."""
    return full and source in (bookmarks.fact(p.db, "backfill") or [])


def _note_read(p: Pulling, source: str, full: bool) -> None:
    if full:
        with write(p.db):
            bookmarks.set_fact(p.db, "backfill", [*(bookmarks.fact(p.db, "backfill") or []), source])


async def look_at_account(p: Pulling) -> Account:
    """The account's schema, checked against the mapping; its portal is pinned to the cache."""
    found = await account.account(p.t)
    pinned = bookmarks.fact(p.db, "portal")
    if pinned is not None and pinned["id"] != found.portal_id:
        raise WrongPortal(
            f"This cache belongs to portal {pinned['id']}; the token opens portal {found.portal_id}.",
            "Use the token of the first, or another cache with --db.",
        )
    wrong = [d for d in against(p.rules, found, objects.PROPERTY_LEAD_STATUS) if d.severity == "error"]
    if wrong:
        raise BadRules(wrong)
    remember(p.db, p.rules, found)
    return found


def remember(db: Database, rules: Rules, found: Account) -> None:
    lifecycle = rules.mapping.write_back.lifecycle
    stages = list(found.stage_order(lifecycle.property)) if lifecycle else []
    schema = {
        object_type: {
            name: [d.label, d.type, d.field_type, d.read_only, [list(o) for o in d.options]]
            for name, d in some.items()
        }
        for object_type, some in found.properties.items()
    }
    with write(db):
        columns.ensure_columns(db, rules.mapping)
        bookmarks.set_fact(
            db, "portal", {"id": found.portal_id, "ui_domain": found.ui_domain, "time_zone": found.time_zone}
        )
        bookmarks.set_fact(db, "stages", stages)
        bookmarks.set_fact(db, "owners", dict(found.owners))
        bookmarks.set_fact(db, "schema", schema)


def _properties(rules: Rules, object_type: str) -> list[str]:
    """The properties to ask for; none: the rules do not need this object."""
    mapping = rules.mapping
    mapped = {f.property for f in columns.fields_of(mapping, object_type)}
    if object_type == "contacts":
        back = mapping.write_back
        mapped |= {*objects.CONTACT_PROPERTIES, *back.fields.values()}
        mapped |= {back.lifecycle.property} if back.lifecycle else set()
        mapped |= set(objects.NOTICE_PROPERTIES) if rules.workflow.notify else set()
    if object_type == "deals" and mapped:
        mapped |= set(objects.DEAL_PROPERTIES)
    return sorted(mapped)


# -- records -------------------------------------------------------------------------------------------


async def _records(p: Pulling, object_type: str, full: bool) -> None:
    wanted = _properties(p.rules, object_type)
    mark = bookmarks.get(p.db, object_type)
    if full or mark.value is None or set(wanted) - set(mark.value["properties"]):
        await _load(p, object_type, wanted, mark)
        mark = bookmarks.get(p.db, object_type)
    await _increment(p, object_type, wanted, mark)


async def _load(p: Pulling, object_type: str, wanted: list[str], mark: bookmarks.Bookmark) -> None:
    """Everything, page by page; goes on where an earlier load stopped, if it asked for the same."""
    at = mark.progress if mark.progress and mark.progress.get("properties") == wanted else {}
    after, started = at.get("after"), at.get("started", p.now)
    while True:
        page = await objects.list_page(p.t, object_type, wanted, after)
        after = page.after
        await _store(p, object_type, page.records, {"after": after, "started": started, "properties": wanted})
        if after is None:
            break
    with write(p.db):
        bookmarks.move(p.db, object_type, {"until": started, "properties": wanted}, p.now)


async def _increment(p: Pulling, object_type: str, wanted: list[str], mark: bookmarks.Bookmark) -> None:
    """What was modified since, up to now; a window that was cut off is read to its end first."""
    value = mark.value or {}
    cut_off = mark.progress if mark.progress and "since" in mark.progress else None
    if cut_off:
        await _window(p, object_type, wanted, cut_off)
    since = cut_off["until"] if cut_off else value["until"]
    await _window(p, object_type, wanted, {"since": since - OVERLAP, "until": p.now, "after_id": None})


async def _window(p: Pulling, object_type: str, wanted: list[str], at: dict[str, Any]) -> None:
    after_id = at["after_id"]
    while True:
        found = await objects.changed(p.t, object_type, at["since"], at["until"], after_id)
        known = records.stamps(p.db, object_type, [i for i, _ in found.stamps])
        fresh = [i for i, stamp in found.stamps if stamp is None or known.get(i) != stamp]
        p.count(object_type, len(found.stamps) - len(fresh), 0)
        after_id = found.after_id
        got = await objects.read(p.t, object_type, fresh, wanted) if fresh else None
        await _store(p, object_type, list(got.records.values()) if got else [], {**at, "after_id": after_id})
        if after_id is None:
            break
    with write(p.db):
        bookmarks.move(p.db, object_type, {"until": at["until"], "properties": wanted}, p.now)


async def _store(p: Pulling, object_type: str, found: Sequence[Record], progress: dict[str, Any]) -> None:
    """One page with its associations, in one transaction with the progress mark."""
    wanted = _properties(p.rules, object_type)
    rows = [
        replace(r, properties={name: r.properties.get(name) for name in wanted}) for r in _distinct(found)
    ]
    links = await _links(p, object_type, [r.id for r in rows])
    with write(p.db):
        changed = records.put(p.db, object_type, rows, p.rules.mapping, p.now)
        touched = set(records.members(p.db, object_type, changed))
        if object_type == "contacts":
            touched |= set(records.put_companies(p.db, links))
            _identify(p, rows, set(changed))
        elif object_type == "deals":
            touched |= set(records.put_deal_contacts(p.db, links))
            stages = [
                e for r in rows for e in deal_engagement(r, [link.to_id for link in links.get(r.id, [])])
            ]
            engagement.put(p.db, stages, p.now)
        decisions.mark_dirty(p.db, touched)
        bookmarks.progress(p.db, object_type, progress)
    p.count(object_type, len(rows), len(changed))


def _distinct(found: Sequence[Record]) -> list[Record]:
    """Two ids of a merged pair give the same record."""
    return list({record.id: record for record in found}.values())


async def _links(p: Pulling, object_type: str, ids: list[str]) -> Mapping[str, Any]:
    """A contact's companies, a deal's contacts."""
    if object_type == "contacts" and ids and _properties(p.rules, "companies"):
        return await objects.links(p.t, "contacts", "companies", ids)
    if object_type == "deals" and ids:
        return await objects.links(p.t, "deals", "contacts", ids)
    return {}


def _identify(p: Pulling, rows: Sequence[Record], changed: set[str]) -> None:
    """Addresses of contacts; and whose stage in the CRM was written by somebody we do not know."""
    addresses: dict[str, str] = {}
    for record in rows:
        records.merged(p.db, objects.merged_ids(record), record.id)
        addresses |= dict.fromkeys(objects.addresses(record), record.id)
    records.put_addresses(p.db, addresses)
    records.put_email(p.db, {r.id: r.properties.get(objects.PROPERTY_EMAIL) for r in rows})
    _expect_witnesses(p, [record for record in rows if record.id in changed])
    decisions.expect_notes(p.db, records.undated(p.db, sorted(changed), p.rules.mapping))


def _expect_witnesses(p: Pulling, rows: Sequence[Record]) -> None:
    """Contacts whose stage in the CRM is not the one whose writer we know."""
    lifecycle = p.rules.mapping.write_back.lifecycle
    if lifecycle is None:
        return
    ids = [record.id for record in rows]
    sent, notes = outbox.last_sent(p.db, ids, [lifecycle.property]), decisions.notes(p.db, ids)
    for record in rows:
        note = notes.get(record.id)
        known = note.value if note else sent.get(record.id, {}).get(lifecycle.property, "")
        if (record.properties.get(lifecycle.property) or "") != known:
            decisions.expect_notes(p.db, [record.id])


async def _witnesses(p: Pulling) -> None:
    """What only a property's history tells: who wrote the stage that stands in the CRM, where it is not what
    we last sent, and since when the evidence for a method stands."""
    lifecycle = p.rules.mapping.write_back.lifecycle
    dated = {field.name: field.property for field in columns.dated_fields(p.rules.mapping)}
    ours = _ours(p)
    names = sorted({*dated.values(), *([lifecycle.property] if lifecycle else [])})
    while names and (ids := decisions.unwitnessed(p.db, 10 * objects.HISTORY_PAGE)):
        found = await objects.read(p.t, "contacts", ids, names, history=[*names, *ours])
        with write(p.db):
            for record in found.records.values():
                history = record.history.get(lifecycle.property, ()) if lifecycle else ()
                if history:
                    mine = [version for name in ours for version in record.history.get(name, ())]
                    decisions.put_note(p.db, record.id, _witness(p, record, history, mine))
                since = {name: _stands_since(record, prop) for name, prop in dated.items()}
                records.date_values(p.db, record.id, since)
            decisions.mark_dirty(p.db, [r.id for r in found.records.values()])
            decisions.witnessed(p.db, ids)
        p.count("property history", len(found.records), 0)


def _stands_since(record: Record, prop: str) -> int | None:
    """When the value that stands was set; without a history, at the latest when the record was changed."""
    value, since = record.properties.get(prop), None
    for version in record.history.get(prop, ()):  # newest first
        if version.value != (value or ""):
            break
        since = version.at
    return since if since is not None or not value else record.modified_at


def _ours(p: Pulling) -> list[str]:
    """A property that we alone write and that the account has: its history tells which app we are."""
    have = bookmarks.fact(p.db, "schema")["contacts"]
    return [name for name in p.rules.mapping.write_back.fields.values() if name in have][:1]


def _witness(
    p: Pulling, record: Record, history: Sequence[Version], ours: Sequence[Version]
) -> decisions.StageNote:
    order = bookmarks.fact(p.db, "stages") or []
    newest, earlier = history[0], [v.value for v in history[1:] if v.value in order]
    return decisions.StageNote(
        newest.value,
        newest.at,
        writer_of(history, record.created_at, ours),
        newest.source,
        newest.source_id,
        before=max(earlier, key=order.index, default=""),
    )


# -- engagement ----------------------------------------------------------------------------------------


async def _source(
    p: Pulling, source: Source, lists: Callable[[str], bool], since: int | None, full: bool
) -> None:
    """One source of engagement from its bookmark on; one that the account lacks is noted."""
    events = sorted(source.events & _events(p.rules))
    if not events:
        return
    mark = bookmarks.get(p.db, source.name)
    own = mark.value["own"] if mark.value and set(events) <= set(mark.value["events"]) else None
    progress = mark.progress["own"] if mark.progress and mark.progress["events"] == events else None
    pages = source.pages(
        p.t,
        bookmark=None if full else own,
        progress=progress,
        since=p.now - HISTORY if since is None else since,
        until=p.now,
        wanted=Wanted(frozenset(events), lists),
    )
    try:
        async for page in pages:
            _store_page(p, source.name, events, page)
    except Unavailable as error:
        with write(p.db):
            bookmarks.absent(p.db, source.name, f"{error} {error.fix}".strip())
    _note_read(p, source.name, full)


def _store_page(p: Pulling, name: str, events: list[str], page: EngagementPage) -> None:
    with write(p.db):
        stored = engagement.put(p.db, page.rows, p.now)
        touches = [(r.contact_id, r.at) for r in page.rows if r.contact_id and r.event in TOUCHES]
        decisions.mark_dirty(p.db, handoffs.waiting_for(p.db, touches, UNDER_WAY) if touches else [])
        if page.progress is not None:
            bookmarks.progress(p.db, name, {"events": events, "own": page.progress})
        if page.bookmark is not None:
            bookmarks.move(p.db, name, {"events": events, "own": page.bookmark}, p.now)
    p.count(name, len(page.rows), stored)


def _events(rules: Rules) -> frozenset[str]:
    """The events that the mapping makes signals of, and those that tell whether sales was in touch."""
    kinds = rules.mapping.signals.values()
    made = frozenset(event for kind in kinds for source in kind.sources for event in source.events)
    return made | (TOUCHES if offers(rules.workflow) else frozenset())
