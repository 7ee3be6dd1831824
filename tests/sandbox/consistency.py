"""What must be true of an account's file whatever was asked of it; read with SQLite alone."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import Any

from connector.sandbox.state.definitions import builtin

Con = sqlite3.Connection
ROLLED_UP = ("num_associated_deals", "num_associated_contacts", "first_deal_created_date")


def complaints(con: Con) -> list[str]:
    """Everything that is not as it should be, in words; empty for a sound account."""
    checks = (_sound, _json, _records, _addresses, _aliases, _links, _unique, _counters, _members, _history)
    return [complaint for check in checks for complaint in check(con)]


def _objects(con: Con) -> list[tuple[str, int, int, int, int | None, str | None, dict[str, str]]]:
    sql = "select kind, id, created, modified, archived, email, props from objects"
    return [(*row[:6], json.loads(row[6])) for row in con.execute(sql)]


def _sound(con: Con) -> Iterator[str]:
    if con.in_transaction:
        yield "a transaction is open"
    for (said,) in con.execute("pragma integrity_check"):
        if said != "ok":
            yield f"integrity: {said}"


def _json(con: Con) -> Iterator[str]:
    columns = ("objects.props", "properties.definition", "submissions.fields", "web_events.properties")
    for column in (*columns, "meta.value", "pipelines.definition", "tokens.scopes", "faults.fault"):
        table, name = column.split(".")
        bad = con.execute(f"select count(*) from {table} where not json_valid({name})").fetchone()[0]
        if bad:
            yield f"{bad} {column} are no JSON"


def _records(con: Con) -> Iterator[str]:
    for kind, id, created, modified, _, email, props in _objects(con):
        where = f"{kind} {id}"
        if any(not isinstance(value, str) for value in props.values()):
            yield f"{where} has a value that is no text"
        if modified < created:
            yield f"{where} was changed before it was made"
        if kind == "contacts" and (email or "") != props.get("email", ""):
            yield f"{where} has the address {email} in its column and {props.get('email')} in its values"


def _addresses(con: Con) -> Iterator[str]:
    """Every address of a living contact leads to that contact, and to no other."""
    known = dict(con.execute("select email, id from emails"))
    mine: dict[str, int] = {}
    for kind, id, _, _, archived, _, props in _objects(con):
        if kind != "contacts" or archived is not None:
            continue
        for text in [props.get("email", ""), *props.get("hs_additional_emails", "").split(";")]:
            email = text.lower()
            if email and mine.setdefault(email, id) != id:
                yield f"{email} belongs to contacts {mine[email]} and {id}"
    for email in sorted(set(known) | set(mine)):
        if known.get(email) != mine.get(email):
            yield f"{email} leads to {known.get(email)} and belongs to {mine.get(email)}"


def _aliases(con: Con) -> Iterator[str]:
    there = {(kind, id) for kind, id, *_ in _objects(con)}
    aliases = {
        (kind, id): survivor for kind, id, survivor in con.execute("select kind, id, survivor from aliases")
    }
    for (kind, id), survivor in aliases.items():
        if (kind, id) in there:
            yield f"{kind} {id} was merged away and is there"
        if (kind, survivor) not in there and (kind, survivor) not in aliases:
            yield f"{kind} {id} leads to {survivor}, which is nothing"


def _links(con: Con) -> Iterator[str]:
    there = {(kind, id) for kind, id, *_ in _objects(con)}
    rows = list(con.execute("select from_kind, from_id, to_kind, to_id, type_id from links"))
    pairs = Counter((row[:2], row[2:4]) for row in rows)
    for (one, other), number in pairs.items():
        for end in (one, other):
            if end not in there:
                yield f"a link of {one} and {other} has no {end}"
        if pairs[other, one] != number:
            yield f"{one} has {number} links to {other}, which has {pairs[other, one]} back"


def _unique(con: Con) -> Iterator[str]:
    """No two living records share the value of a property that is unique."""
    unique = [
        (kind, name)
        for kind, name, text in con.execute("select kind, name, definition from properties")
        if json.loads(text)["unique"] and json.loads(text)["archived"] is None
    ]
    live = [row for row in _objects(con) if row[4] is None]
    for kind, name in unique:
        values = Counter(row[6][name] for row in live if row[0] == kind and row[6].get(name))
        yield from (f"{n} {kind} have {name} {value}" for value, n in values.items() if n > 1)


def _counters(con: Con) -> Iterator[str]:
    """The numbers on a contact are those of what is there to be counted."""
    for kind, id, _, _, archived, _, props in _objects(con):
        if kind != "contacts" or archived is not None:
            continue
        sql = "select count(*) from submissions join emails using (email) where emails.id = ?"
        yield from _differs(
            f"contact {id}: num_conversion_events", props, con.execute(sql, (id,)).fetchone()[0]
        )
        sql = (
            "select count(distinct to_id) from links join objects on kind = to_kind and id = to_id"
            " where from_kind = 'contacts' and from_id = ? and to_kind = 'deals' and archived is null"
        )
        yield from _differs(
            f"contact {id}: num_associated_deals", props, con.execute(sql, (id,)).fetchone()[0]
        )


def _differs(what: str, props: dict[str, str], number: int) -> Iterator[str]:
    told = props.get(what.split(": ")[1]) or "0"
    if told != str(number):
        yield f"{what} says {told}, there are {number}"


def _members(con: Con) -> Iterator[str]:
    lost = (
        "select list, contact from memberships where list not in (select id from lists)"
        " or contact not in (select id from objects where kind = 'contacts')"
    )
    yield from (f"list {one} has {contact}, one of which is nothing" for one, contact in con.execute(lost))


def _history(con: Con) -> Iterator[str]:
    """The newest version of a property is its value; what is worked out anew needs no version."""
    own = (one for kind in builtin().values() for one in kind.values())
    counted = {(one.kind, one.name) for one in own if one.calculated or one.name in ROLLED_UP}
    newest: dict[tuple[Any, ...], str] = {}
    for kind, id, name, value in con.execute("select kind, id, name, value from versions order by at, rowid"):
        newest[kind, id, name] = value
    values = {(kind, id): props for kind, id, *_, props in _objects(con)}
    for (kind, id, name), value in newest.items():
        if (kind, id) not in values:
            yield f"{kind} {id} has a history and is not there"
        elif (kind, name) not in counted and values[kind, id].get(name, "") != value:
            yield f"{kind} {id}: {name} is {values[kind, id].get(name)!r}, its newest version {value!r}"
