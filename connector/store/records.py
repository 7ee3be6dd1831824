"""Contacts, companies and deals as we last saw them.

A record keeps the CRM's own text as JSON and one typed column per mapped field, named `f_<field>`:
text folded for comparison, numbers, 0/1, milliseconds. A value that does not fit its type is kept in the
JSON, left unknown in its column, and noted as an oddity.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlite_utils import Database

from connector.model import DAY, Link, Record, fold, when
from connector.rules.tree import Field, MappingRules
from connector.store import decisions

_PAGE = 1_000  # records at a time
TABLES = {"contacts": "contact", "companies": "company", "deals": "deal"}
_SQL_TYPES = {
    "text": "TEXT",
    "choice": "TEXT",
    "number": "REAL",
    "bool": "INTEGER",
    "date": "INTEGER",
    "datetime": "INTEGER",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class Unfit(ValueError):
    """A value that is not of its field's type."""


def typed(value: str | None, field: Field, zone: tzinfo) -> str | float | int | None:
    """The value as its column holds it; None for unknown.

    :raises Unfit: with a sentence
    """
    if value is None or not value.strip():
        return None
    match field.type:
        case "text" | "choice":
            return fold(value)
        case "number":
            return _number(value.strip())
        case "bool":
            return _bool(fold(value))
        case _:
            return _moment(value.strip(), field.type, zone)


def _number(value: str) -> float:
    found = float(value) if _NUMBER.fullmatch(value) else math.nan
    if not math.isfinite(found):
        raise Unfit("is not a number")
    return found


def _bool(value: str) -> int:
    if value not in ("true", "false"):
        raise Unfit("is neither true nor false")
    return int(value == "true")


def _moment(value: str, kind: str, zone: tzinfo) -> int:
    """A date is the start of its day in the mapping's time zone; a moment is UTC unless it says more."""
    found = when(value)
    if found is None:
        raise Unfit(f"is not a {'date' if kind == 'date' else 'date and time'}")
    if kind == "date":
        found = datetime(found.year, found.month, found.day, tzinfo=zone)
    return (found - _EPOCH) // _MS


def fields_of(mapping: MappingRules, object_type: str) -> list[Field]:
    every = [*mapping.fields.values(), *mapping.deal_fields.values()]
    return [field for field in every if field.object == object_type]


def fitted(db: Database, mapping: MappingRules) -> bool:
    """Whether the columns hold what this mapping says of them."""
    return all(_known(db, object_type) >= _meant(mapping, object_type) for object_type in TABLES)


def ensure_columns(db: Database, mapping: MappingRules) -> None:
    """Every mapped field has its column; one whose meaning changed is read again from the kept JSON, and
    everybody is to be judged again. To be called inside a transaction."""
    for object_type in TABLES:
        meant, known = _meant(mapping, object_type), _known(db, object_type)
        if known >= meant:
            continue
        _make_columns(db, object_type, dict(meant), dict(known))
        _read_again(db, object_type, fields_of(mapping, object_type), ZoneInfo(mapping.timezone))
        db.conn.executemany(
            "INSERT OR REPLACE INTO field_column VALUES (?, ?, ?, ?)",
            [(object_type, field, *meaning) for field, meaning in sorted(meant)],
        )
        decisions.mark_everyone(db)


Meaning = tuple[str, str]  # property, type; a date's day begins somewhere, so its type ends in the time zone


def _meant(mapping: MappingRules, object_type: str) -> set[tuple[str, Meaning]]:
    zones = {"date": f"date {mapping.timezone}"}
    return {(f.name, (f.property, zones.get(f.type, f.type))) for f in fields_of(mapping, object_type)}


def _known(db: Database, object_type: str) -> set[tuple[str, Meaning]]:
    rows = db.execute("SELECT field, property, type FROM field_column WHERE object = ?", [object_type])
    return {(field, (prop, type_)) for field, prop, type_ in rows}


def _make_columns(
    db: Database, object_type: str, meant: Mapping[str, Meaning], known: Mapping[str, Meaning]
) -> None:
    """A column keeps the SQL type that it was made with, and text compares unlike numbers: made anew."""
    table = TABLES[object_type]
    for field, (_, type_) in sorted(meant.items()):
        wanted, had = _SQL_TYPES[type_.split()[0]], known.get(field)
        if had is not None and _SQL_TYPES[had[1].split()[0]] != wanted:
            db.execute(f'ALTER TABLE {table} DROP COLUMN "f_{field}"')
        elif had is not None:
            continue
        db.execute(f'ALTER TABLE {table} ADD COLUMN "f_{field}" {wanted}')


def _read_again(db: Database, object_type: str, fields: Sequence[Field], zone: tzinfo) -> None:
    table, after = TABLES[object_type], ""
    sets = ", ".join(f'"f_{field.name}" = ?' for field in fields)
    db.execute("DELETE FROM oddity WHERE object = ?", [object_type])
    page = f"SELECT id, modified_at, seen_at, properties FROM {table} WHERE id > ? ORDER BY id LIMIT {_PAGE}"
    while rows := db.execute(page, [after]).fetchall():
        read = []
        for record_id, modified_at, seen_at, properties in rows:
            values, odd = _columns(orjson.loads(properties), modified_at, fields, zone)
            _note(db, object_type, record_id, odd, seen_at)
            read.append([*values, record_id])
        db.conn.executemany(f"UPDATE {table} SET {sets} WHERE id = ?", read)
        after = rows[-1][0]


Odd = list[tuple[str, str, str]]  # property, value, why


def _columns(
    properties: Mapping[str, str | None], modified_at: int | None, fields: Sequence[Field], zone: tzinfo
) -> tuple[list[str | float | int | None], Odd]:
    values: list[str | float | int | None] = []
    odd: Odd = []
    for field in fields:
        try:
            values.append(typed(properties.get(field.property), field, zone))
        except Unfit as why:
            values.append(None)
            odd.append((field.property, str(properties.get(field.property)), str(why)))
    if modified_at is None:
        odd.append(("(modified)", "", "the CRM gave no modification date"))
    return values, odd


def _note(db: Database, object_type: str, record_id: str, odd: Odd, now: int) -> None:
    db.conn.executemany(
        "INSERT OR REPLACE INTO oddity VALUES (?, ?, ?, ?, ?, ?)",
        [(object_type, record_id, prop, value[:200], why, now) for prop, value, why in odd],
    )


def put(
    db: Database, object_type: str, records: Iterable[Record], mapping: MappingRules, now: int
) -> list[str]:
    """Stores what the CRM showed; gives the ids whose values differ from before, new ones included.
    To be called inside a transaction."""
    table, fields, zone = TABLES[object_type], fields_of(mapping, object_type), ZoneInfo(mapping.timezone)
    changed, rows = [], []
    for record in records:
        text = _json(record.properties)
        values, odd = _columns(record.properties, record.modified_at, fields, zone)
        before = db.execute(f"SELECT properties FROM {table} WHERE id = ?", [record.id]).fetchone()
        if before is None or before[0] != text:
            changed.append(record.id)
            db.execute("DELETE FROM oddity WHERE object = ? AND record_id = ?", [object_type, record.id])
            _note(db, object_type, record.id, odd, now)
        rows.append([record.id, record.created_at, record.modified_at, now, text, *values])
    db.conn.executemany(_upsert(table, fields), rows)
    return changed


def _upsert(table: str, fields: Sequence[Field]) -> str:
    names = ["id", "created_at", "modified_at", "seen_at", "properties", *(f"f_{f.name}" for f in fields)]
    listed = ", ".join(f'"{name}"' for name in names)
    updates = ", ".join(f'"{name}" = excluded."{name}"' for name in names[1:])
    return (
        f"INSERT INTO {table} ({listed}) VALUES ({', '.join('?' * len(names))}) "
        f"ON CONFLICT (id) DO UPDATE SET {updates}"
    )


def _json(properties: Mapping[str, str | None]) -> str:
    return orjson.dumps(dict(properties), option=orjson.OPT_SORT_KEYS).decode()


def remove(db: Database, contact_id: str) -> None:
    """The CRM does not have this contact any more: nobody is judged or written to under this id."""
    db.execute("DELETE FROM contact WHERE id = ?", [contact_id])
    db.execute("DELETE FROM oddity WHERE object = 'contacts' AND record_id = ?", [contact_id])


def put_addresses(db: Database, addresses: Mapping[str, str]) -> None:
    """Which contact an e-mail address (lower-case) belongs to; also the parked engagement of it."""
    db.conn.executemany("INSERT OR REPLACE INTO address VALUES (?, ?)", list(addresses.items()))
    db.conn.executemany(
        "UPDATE engagement SET contact_id = ?, judged = 0 WHERE address = ? AND contact_id IS NULL",
        [(contact, address) for address, contact in addresses.items()],
    )


def put_email(db: Database, emails: Mapping[str, str | None]) -> None:
    db.conn.executemany("UPDATE contact SET email = ? WHERE id = ?", [(e, i) for i, e in emails.items()])


def put_companies(db: Database, links: Mapping[str, Sequence[Link]]) -> list[str]:
    """The company of each contact: the primary one, else the first. Gives the contacts that changed."""
    changed = []
    for contact_id, found in links.items():
        chosen = next((link for link in found if link.primary), found[0] if found else None)
        company = chosen.to_id if chosen else None
        done = db.execute(
            "UPDATE contact SET company_id = ? WHERE id = ? AND company_id IS NOT ?",
            [company, contact_id, company],
        )
        if done.rowcount:
            changed.append(contact_id)
    return changed


def put_deal_contacts(db: Database, links: Mapping[str, Sequence[Link]]) -> list[str]:
    """The contacts of each deal, as a whole. Gives the contacts that were joined or left."""
    touched: list[str] = []
    for deal_id, found in links.items():
        now = {link.to_id for link in found}
        before = {
            row[0] for row in db.execute("SELECT contact_id FROM deal_contact WHERE deal_id = ?", [deal_id])
        }
        db.conn.executemany(
            "DELETE FROM deal_contact WHERE contact_id = ? AND deal_id = ?",
            [(i, deal_id) for i in before - now],
        )
        db.conn.executemany(
            "INSERT INTO deal_contact VALUES (?, ?)", [(i, deal_id) for i in sorted(now - before)]
        )
        touched += sorted(before ^ now)
    return touched


def stamps(db: Database, object_type: str, ids: Sequence[str]) -> dict[str, int | None]:
    """When each record was last modified, as we know it; unknown records are absent. None: it was read in
    the very moment of the change, and may have changed once more in that moment."""
    marks = ", ".join("?" * len(ids))
    rows = db.execute(
        f"SELECT id, CASE WHEN seen_at > modified_at THEN modified_at END FROM {TABLES[object_type]} "
        f"WHERE id IN ({marks})",
        list(ids),
    )
    return dict(rows.fetchall())


def members(db: Database, object_type: str, ids: Sequence[str]) -> list[str]:
    """The contacts that a changed company or deal concerns."""
    if object_type == "contacts":
        return list(ids)
    table, column, gives = {
        "companies": ("contact", "company_id", "id"),
        "deals": ("deal_contact", "deal_id", "contact_id"),
    }[object_type]
    found: list[str] = []
    for record_id in ids:
        found += [
            row[0] for row in db.execute(f"SELECT {gives} FROM {table} WHERE {column} = ?", [record_id])
        ]
    return found


def seen(db: Database, ids: Sequence[str]) -> dict[str, tuple[str | None, dict[str, str | None]]]:
    """E-mail address and the CRM's own values of contacts, as last seen."""
    marks = ", ".join("?" * len(ids))
    rows = db.execute(f"SELECT id, email, properties FROM contact WHERE id IN ({marks})", list(ids))
    return {record_id: (email, orjson.loads(text)) for record_id, email, text in rows}


def patch(
    db: Database, contact_id: str, values: Mapping[str, str | None], mapping: MappingRules
) -> list[str]:
    """What the CRM answered to a write, so that its echo is nothing new. Gives the fields that it changed.

    Not the moment of the write: it would hide what somebody else changed just before.
    """
    row = db.execute("SELECT properties FROM contact WHERE id = ?", [contact_id]).fetchone()
    if row is None:
        return []
    before = orjson.loads(row[0])
    fields = [f for f in fields_of(mapping, "contacts") if values.get(f.property) != before.get(f.property)]
    fields = [field for field in fields if field.property in values]
    read, _ = _columns(values, 0, fields, ZoneInfo(mapping.timezone))
    sets = "".join(f', "f_{field.name}" = ?' for field in fields)
    db.execute(
        f"UPDATE contact SET properties = ?{sets} WHERE id = ?",
        [_json({**before, **values}), *read, contact_id],
    )
    return [field.name for field in fields]


def find(db: Database, who: str) -> list[dict[str, Any]]:
    """Contacts by id or by e-mail address, secondary ones included."""
    address = who.strip().lower()
    return list(
        db.query(
            "SELECT id, email, company_id, modified_at, seen_at, properties FROM contact WHERE id = :who "
            "OR email = :address OR id IN (SELECT contact_id FROM address WHERE address = :address)",
            {"who": who.strip(), "address": address},
        )
    )


def oddities(db: Database) -> list[dict[str, Any]]:
    return list(db.query("SELECT * FROM oddity ORDER BY object, property, record_id LIMIT 1000"))


def without_email(db: Database) -> list[str]:
    """Contacts that no event of an address can be joined to."""
    rows = db.execute("SELECT id FROM contact WHERE email IS NULL OR email = '' ORDER BY id")
    return [row[0] for row in rows]


def with_other_value(db: Database, property_name: str, known: Sequence[str]) -> list[tuple[str, str]]:
    """Contacts whose value of a property is none of `known`, and the value."""
    marks = ", ".join("?" * len(known))
    return db.execute(
        "SELECT id, json_extract(properties, '$.' || json_quote(?1)) AS value FROM contact "
        f"WHERE coalesce(value, '') NOT IN ('', {marks}) ORDER BY id",
        [property_name, *known],
    ).fetchall()


def by_value(db: Database, property_name: str) -> dict[str | None, int]:
    """How many contacts hold each value of a property."""
    rows = db.execute(
        "SELECT json_extract(properties, '$.' || json_quote(?)) AS value, count(*) FROM contact GROUP BY value",
        [property_name],
    )
    return dict(rows.fetchall())


def count_oddities(db: Database) -> int:
    return int(db.execute("SELECT count(*) FROM oddity").fetchone()[0])


def count(db: Database) -> int:
    """How many contacts there are."""
    return int(db.execute("SELECT count(*) FROM contact").fetchone()[0])


def counts(db: Database) -> dict[str, int]:
    tables = ("contact", "company", "deal", "engagement", "signal")
    return {table: int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in tables}


def local_day(at: int, zone: tzinfo) -> int:
    """The number of the local day that a moment falls on (days since 1970-01-01)."""
    when = datetime.fromtimestamp(at / 1000, zone)
    return int(datetime(when.year, when.month, when.day, tzinfo=UTC).timestamp() * 1000) // DAY
