"""Contacts, companies and deals as we last saw them.

A record keeps the CRM's own text as JSON and one typed column per mapped field (`columns`). A value that does
not fit its type is kept in the JSON, left unknown in its column, and noted as an oddity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlite_utils import Database

from connector.model import DAY, Link, Record
from connector.rules.tree import Field, MappingRules
from connector.store import decisions
from connector.store.columns import TABLES, dated_fields, fields_of, note_odd, values_of


def put(
    db: Database, object_type: str, records: Iterable[Record], mapping: MappingRules, now: int
) -> list[str]:
    """Stores what the CRM showed; gives the ids whose values differ from before, new ones included.
    To be called inside a transaction."""
    table, fields, zone = TABLES[object_type], fields_of(mapping, object_type), ZoneInfo(mapping.timezone)
    changed, rows = [], []
    for record in records:
        text = _json(record.properties)
        values, odd = values_of(record.properties, record.modified_at, fields, zone)
        before = db.execute(f"SELECT properties FROM {table} WHERE id = ?", [record.id]).fetchone()
        if before is None or before[0] != text:
            changed.append(record.id)
            db.execute("DELETE FROM oddity WHERE object = ? AND record_id = ?", [object_type, record.id])
            note_odd(db, object_type, record.id, odd, now)
        rows.append([record.id, record.created_at, record.modified_at, now, text, *values])
    dated = dated_fields(mapping, object_type)
    db.conn.executemany(_upsert(table, fields, dated), rows)
    return changed


def _upsert(table: str, fields: Sequence[Field], dated: Sequence[Field]) -> str:
    """Since when another value stands is unknown again."""
    names = ["id", "created_at", "modified_at", "seen_at", "properties", *(f"f_{f.name}" for f in fields)]
    listed = ", ".join(f'"{name}"' for name in names)
    updates = ", ".join(f'"{name}" = excluded."{name}"' for name in names[1:])
    updates += "".join(
        f', "t_{f.name}" = CASE WHEN {table}."f_{f.name}" IS excluded."f_{f.name}" THEN {table}."t_{f.name}" END'
        for f in dated
    )
    return (
        f"INSERT INTO {table} ({listed}) VALUES ({', '.join('?' * len(names))}) "
        f"ON CONFLICT (id) DO UPDATE SET {updates}"
    )


def _json(properties: Mapping[str, str | None]) -> str:
    return orjson.dumps(dict(properties), option=orjson.OPT_SORT_KEYS).decode()


def remove(db: Database, contact_id: str) -> None:
    """The CRM does not have this contact any more: nobody is judged or written to under this id."""
    if decisions.follows_accounts(db):
        decisions.mark_dirty(db, [contact_id])  # the others of the company are judged without it
    db.execute("DELETE FROM contact WHERE id = ?", [contact_id])
    db.execute("DELETE FROM oddity WHERE object = 'contacts' AND record_id = ?", [contact_id])


def merged(db: Database, gone: Sequence[str], survivor: str) -> None:
    """What happened to contacts that were merged away happened to the survivor; their ids are nobody's."""
    for old in gone:
        db.execute("UPDATE engagement SET contact_id = ?, judged = 0 WHERE contact_id = ?", [survivor, old])
        db.execute("DELETE FROM signal WHERE contact_id = ?", [old])
        db.execute("UPDATE OR IGNORE deal_contact SET contact_id = ? WHERE contact_id = ?", [survivor, old])
        remove(db, old)


def put_addresses(db: Database, addresses: Mapping[str, str]) -> None:
    """Which contact an e-mail address (lower-case) belongs to; also the engagement of it, parked so far or
    that of another contact until now."""
    asked = "SELECT address, contact_id FROM address WHERE address IN (SELECT value FROM json_each(?))"
    before = dict(db.execute(asked, [orjson.dumps(list(addresses)).decode()]).fetchall())
    for address, old in before.items():
        if old != addresses[address]:
            where = (
                "contact_id = ? AND id IN (SELECT id FROM engagement WHERE contact_id = ? AND address = ?)"
            )
            db.execute(f"DELETE FROM signal WHERE {where}", [old, old, address])
            moved = "UPDATE engagement SET contact_id = ?, judged = 0 WHERE contact_id = ? AND address = ?"
            db.execute(moved, [addresses[address], old, address])
            decisions.mark_dirty(db, [old])
    db.conn.executemany("INSERT OR REPLACE INTO address VALUES (?, ?)", list(addresses.items()))
    db.conn.executemany(
        "UPDATE engagement SET contact_id = ?, judged = 0 WHERE address = ? AND contact_id IS NULL",
        [(contact, address) for address, contact in addresses.items()],
    )


def put_email(db: Database, emails: Mapping[str, str | None]) -> None:
    db.conn.executemany("UPDATE contact SET email = ? WHERE id = ?", [(e, i) for i, e in emails.items()])


def put_companies(db: Database, links: Mapping[str, Sequence[Link]]) -> list[str]:
    """The company of each contact: the primary one, else the first. Gives the contacts that changed, and
    those that they left behind where accounts count."""
    changed = []
    for contact_id, found in links.items():
        chosen = next((link for link in found if link.primary), found[0] if found else None)
        company = chosen.to_id if chosen else None
        before = db.execute("SELECT company_id FROM contact WHERE id = ?", [contact_id]).fetchone()
        if before is None or before[0] == company:
            continue
        db.execute("UPDATE contact SET company_id = ? WHERE id = ?", [company, contact_id])
        changed.append(contact_id)
        if before[0] and decisions.follows_accounts(db):
            changed += members(db, "companies", [before[0]])
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
    read, _ = values_of(values, 0, fields, ZoneInfo(mapping.timezone))
    sets = "".join(f', "f_{field.name}" = ?' for field in fields)
    db.execute(
        f"UPDATE contact SET properties = ?{sets} WHERE id = ?",
        [_json({**before, **values}), *read, contact_id],
    )
    return [field.name for field in fields]


def values(db: Database, ids: Sequence[str], property_name: str) -> dict[str, str | None]:
    """One property of some contacts, as the CRM has it."""
    sql = (
        "SELECT id, json_extract(properties, '$.' || json_quote(?)) FROM contact "
        "WHERE id IN (SELECT value FROM json_each(?))"
    )
    return dict(db.execute(sql, [property_name, orjson.dumps(list(ids)).decode()]).fetchall())


def undated(db: Database, ids: Sequence[str], mapping: MappingRules) -> list[str]:
    """Those of these contacts that have a dated field's value of which it is unknown since when it stands."""
    fields = dated_fields(mapping)
    if not fields:
        return []
    open_ = " OR ".join(f'("f_{f.name}" IS NOT NULL AND "t_{f.name}" IS NULL)' for f in fields)
    sql = f"SELECT id FROM contact WHERE id IN (SELECT value FROM json_each(?)) AND ({open_})"
    return [row[0] for row in db.execute(sql, [orjson.dumps(list(ids)).decode()])]


def date_values(db: Database, contact_id: str, since: Mapping[str, int | None]) -> None:
    """Since when a contact's dated fields (by our name) hold what they hold."""
    for name, at in since.items():
        db.execute(f'UPDATE contact SET "t_{name}" = ? WHERE id = ?', [at, contact_id])


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


def created(db: Database, ids: Sequence[str], first: int, before: int) -> dict[str, int]:
    """Those of these contacts that were created from `first` on and before a moment, and when."""
    rows = db.execute(
        "SELECT id, created_at FROM contact WHERE created_at >= ? AND created_at < ? "
        "AND id IN (SELECT value FROM json_each(?))",
        [first, before, orjson.dumps(list(ids)).decode()],
    )
    return dict(rows.fetchall())


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


def count_between(db: Database, first: str, last: str) -> int:
    """How many contacts have an id from `first` to `last`, as text."""
    found = db.execute("SELECT count(*) FROM contact WHERE id BETWEEN ? AND ?", [first, last])
    return int(found.fetchone()[0])


def pages_of_members(db: Database, size: int) -> Iterator[list[str]]:
    """The contacts that belong to a company, in the order of their ids."""
    after = ""
    page = "SELECT id FROM contact WHERE id > ? AND company_id IS NOT NULL ORDER BY id LIMIT ?"
    while rows := db.execute(page, [after, size]).fetchall():
        yield [row[0] for row in rows]
        after = rows[-1][0]


def counts(db: Database) -> dict[str, int]:
    tables = ("contact", "company", "deal", "engagement", "signal")
    return {table: int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in tables}


def local_day(at: int, zone: tzinfo) -> int:
    """The number of the local day that a moment falls on (days since 1970-01-01)."""
    when = datetime.fromtimestamp(at / 1000, zone)
    return int(datetime(when.year, when.month, when.day, tzinfo=UTC).timestamp() * 1000) // DAY
