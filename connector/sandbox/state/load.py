"""Rows in bulk: what `population` and `csvload` give, into the account's file (`rows` is the contract).

Rows are put in as they stand: no validation, no limits, no stage rule. Values that follow from others are
worked out once everything is in. A property that nobody defined becomes a text property, so that it is shown.
"""

from __future__ import annotations

import gc
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

import orjson

from connector.sandbox import rows
from connector.sandbox.clock import iso, parse
from connector.sandbox.state import definitions, derived, engagement, links, participations
from connector.sandbox.state.account import Account
from connector.sandbox.state.records import addresses

CHUNK = 5_000
FEW = 500
_OBJECT = "insert or replace into objects values (?, ?, ?, ?, ?, ?, ?)"
_ALIAS = "insert or replace into aliases values (?, ?, ?, ?)"
_VERSION = "insert into versions values (?, ?, ?, ?, ?, ?, ?, ?)"
_LINK = "insert or ignore into links values (?, ?, ?, ?, ?)"
_EMAIL = "insert or ignore into emails values (?, ?)"
_OWNER = "insert or replace into owners values (?, ?, ?, ?, ?, ?, ?)"
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z").fullmatch  # as it is to be already
_SHOWN = frozenset({"hs_object_id", "lastmodifieddate", "hs_lastmodifieddate", "createdate", "hs_createdate"})


def load(account: Account, many: Iterable[rows.Row]) -> None:
    """Puts rows of any kinds in, in one transaction."""
    source = iter(many)
    with account.db.lock:
        chunk = list(islice(source, CHUNK))
        bulk = len(chunk) == CHUNK and _empty(account)
        with _uncollected(), account.db.filling() if bulk else account.db.transaction():
            loader = _Loader(account)
            while chunk:
                loader.put(chunk)
                chunk = list(islice(source, CHUNK))
            loader.define_the_rest()
            loader.derive()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Rows do not refer to each other in rings: a million of them need no looking for any."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _empty(account: Account) -> bool:
    """Nothing was put in yet, and no transaction is open that could not know of another journal."""
    tables = ("objects", "submissions", "email_events", "web_events", "memberships", "participations")
    held = any(account.db.value(f"select 1 from {table} limit 1") for table in tables)
    return not held and not account.db.con.in_transaction


class _Loader:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._now = account.clock.now()
        self._probabilities = account.probabilities()
        self._seen: dict[str, set[str]] = {}
        self._dates: dict[str, frozenset[str]] = {}
        self._touched: set[str | int] = set()  # addresses and contacts whose calculated values may move

    def put(self, chunk: list[rows.Row]) -> None:
        by_type: defaultdict[type, list[Any]] = defaultdict(list)
        for row in chunk:
            by_type[type(row)].append(row)
        for kind, some in by_type.items():
            if kind is rows.PropertyDef:
                for row in some:
                    define(self._account, row)
            elif kind is rows.Object:
                self._objects(some)
            else:
                sql, values = self._plain(kind, some)
                self._account.db.con.executemany(sql, values)

    def _plain(self, kind: type, some: list[Any]) -> tuple[str, Iterator[tuple[Any, ...]]]:
        makers: dict[type, tuple[str, Callable[[Any], tuple[Any, ...]]]] = {
            rows.Owner: (_OWNER, engagement.owner_row),
            rows.Form: (engagement.FORM, engagement.form_row),
            rows.Submission: (engagement.SUBMISSION, engagement.submission_row),
            rows.EmailEvent: (engagement.EMAIL_EVENT, engagement.email_event_row),
            rows.WebEvent: (engagement.WEB_EVENT, engagement.web_event_row),
            rows.ListDef: (engagement.LIST, lambda r: engagement.list_row(r, self._now)),
            rows.Membership: (engagement.MEMBERSHIP, engagement.membership_row),
            rows.MarketingEvent: (participations.EVENT, participations.event_row),
            rows.Participation: (participations.PARTICIPATION, participations.participation_row),
            rows.Alias: (_ALIAS, lambda r: (r.kind, r.id, r.survivor, r.at)),
        }
        if kind in (rows.Submission, rows.Link):
            self._touch(some)
        if kind is rows.Link:
            return _LINK, (row for link in some for row in _links(link))
        sql, make = makers[kind]
        return sql, map(make, some)

    def _touch(self, some: list[Any]) -> None:
        for row in some:
            if isinstance(row, rows.Submission) and row.values.get("email"):
                self._touched.add(row.values["email"].strip().lower())
            elif isinstance(row, rows.Link) and {row.from_kind, row.to_kind} == {"contacts", "deals"}:
                self._touched.add(row.from_id if row.from_kind == "contacts" else row.to_id)

    def derive(self) -> None:
        """Calculated values: of everybody after a bulk load, else of those who were touched."""
        if len(self._touched) > FEW or "companies" in self._seen:
            self._account.derived.everything()
            return
        records = self._account.records
        ids = {records.by_email(key) if isinstance(key, str) else key for key in self._touched}
        self._account.derived.contacts(id for id in ids if id is not None)

    def _objects(self, some: list[rows.Object]) -> None:
        con = self._account.db.con
        made = [(row, self._props(row)) for row in some]
        con.executemany(
            _OBJECT,
            (
                (
                    row.kind,
                    row.id,
                    row.created,
                    row.modified,
                    row.archived or None,
                    props.get("email"),
                    orjson.dumps(props).decode(),
                )
                for row, props in made
            ),
        )
        con.executemany(_VERSION, (version for row, _ in made for version in _versions(row)))
        people = ((row.id, props) for row, props in made if row.kind == "contacts" and not row.archived)
        con.executemany(_EMAIL, ((email, id) for id, props in people for email in addresses(props)))

    def _props(self, row: rows.Object) -> dict[str, str]:
        props = {name: value for name, value in row.properties.items() if value and name not in _SHOWN}
        for name in self._dates_of(row.kind).intersection(props):
            if not _ISO(props[name]):
                moment = parse(props[name])
                props[name] = iso(moment) if moment is not None else props[name]
        if row.kind == "contacts":
            if "email" in props:
                props["email"] = props["email"].strip().lower()
                props.update(derived.address(props))
            if "phone" in props or "mobilephone" in props:
                props.update({name: text for name, text in derived.phones(props).items() if text})
            props.update(_stage_dates(row))
        elif row.kind == "deals":
            told = derived.deal(props, self._probabilities)
            props.update({name: value for name, value in told.items() if value})
        self._seen.setdefault(row.kind, set()).update(props)
        return props

    def _dates_of(self, kind: str) -> frozenset[str]:
        if kind not in self._dates:
            known = self._account.definitions.of(kind).values()
            self._dates[kind] = frozenset(one.name for one in known if one.type == "datetime")
        return self._dates[kind]

    def define_the_rest(self) -> None:
        for kind, names in self._seen.items():
            for name in sorted(names.difference(self._account.definitions.of(kind))):
                label = name.replace("_", " ").capitalize()
                define(self._account, rows.PropertyDef(kind, name, label, "string", "text"))


def define(account: Account, row: rows.PropertyDef) -> None:
    """A property of the account; for one of HubSpot's own, its options only (custom stages)."""
    options = definitions.choices(row.options)
    old = account.definitions.find(row.kind, row.name)
    if old is not None and old.hubspot:
        account.definitions.keep(replace(old, options=options or old.options))
        return
    now = account.clock.now()
    account.definitions.keep(
        definitions.Definition(
            kind=row.kind,
            name=row.name,
            label=row.label,
            type=row.type,
            field_type=row.field_type,
            group=account.home_group(row.kind),
            options=options,
            created=now,
            updated=now,
        )
    )


def _links(row: rows.Link) -> Iterable[tuple[object, ...]]:
    return links.rows(row.from_kind, row.from_id, row.to_kind, row.to_id, row.primary)


def _versions(row: rows.Object) -> Iterator[tuple[Any, ...]]:
    """Oldest first, so that rows written later have the later row number."""
    for name, entries in row.history.items():
        for entry in reversed(entries):
            user = entry.source_id.removeprefix("userId:")
            number = int(user) if user != entry.source_id and user.isdecimal() else None
            yield row.kind, row.id, name, entry.at, entry.value, entry.source, entry.source_id, number


def _stage_dates(row: rows.Object) -> dict[str, str]:
    """When each stage was entered, from the history that came with the row."""
    entries = row.history.get("lifecyclestage", ())
    entered = {entry.value: iso(entry.at) for entry in reversed(entries) if entry.value}
    if not entries and (stage := row.properties.get("lifecyclestage")):
        entered = {stage: iso(row.created)}
    dates: dict[str, str] = {}
    for stage, when in entered.items():
        dates[f"hs_lifecyclestage_{stage}_date"] = dates[f"hs_v2_date_entered_{stage}"] = when
    return {**dates, **{name: row.properties[name] for name in dates if row.properties.get(name)}}
