"""The typed columns of contacts, companies and deals: one per mapped field, made as the mapping says.

`f_<field>` holds the value as it is compared: text folded, numbers, 0/1, milliseconds. `t_<field>`, of a
field that a method reads, since when that value stands; unknown until its history is read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import orjson
from sqlite_utils import Database

from connector.model import fold, when
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
    "since": "INTEGER",
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
        _expect_dates(db, {column for column, _ in meant - known if column.startswith("t_")})
        db.conn.executemany(
            "INSERT OR REPLACE INTO field_column VALUES (?, ?, ?, ?)",
            [(object_type, field, *meaning) for field, meaning in sorted(meant)],
        )
        decisions.mark_everyone(db)


Meaning = tuple[str, str]  # property, type; a date's day begins somewhere, so its type ends in the time zone


def _meant(mapping: MappingRules, object_type: str) -> set[tuple[str, Meaning]]:
    """By column."""
    zones, fields = {"date": f"date {mapping.timezone}"}, fields_of(mapping, object_type)
    meant = {(f"f_{f.name}", (f.property, zones.get(f.type, f.type))) for f in fields}
    return meant | {(f"t_{f.name}", (f.property, "since")) for f in dated_fields(mapping, object_type)}


def dated_fields(mapping: MappingRules, object_type: str = "contacts") -> list[Field]:
    """Those of which it matters since when they stand."""
    return [f for f in fields_of(mapping, object_type) if f.name in mapping.dated]


def _known(db: Database, object_type: str) -> set[tuple[str, Meaning]]:
    rows = db.execute("SELECT field, property, type FROM field_column WHERE object = ?", [object_type])
    return {(field, (prop, type_)) for field, prop, type_ in rows}


def _make_columns(
    db: Database, object_type: str, meant: Mapping[str, Meaning], known: Mapping[str, Meaning]
) -> None:
    """A column keeps the SQL type that it was made with, and text compares unlike numbers: made anew."""
    table = TABLES[object_type]
    for column, meaning in sorted(meant.items()):
        wanted, had = _sql_type(meaning), known.get(column)
        if had is not None and (_sql_type(had) != wanted or (had != meaning and column.startswith("t_"))):
            db.execute(f'ALTER TABLE {table} DROP COLUMN "{column}"')
        elif had is not None:
            continue
        db.execute(f'ALTER TABLE {table} ADD COLUMN "{column}" {wanted}')


def _sql_type(meaning: Meaning) -> str:
    return _SQL_TYPES[meaning[1].split()[0]]


def _expect_dates(db: Database, columns: Iterable[str]) -> None:
    """The history of whoever has a value in a field that nobody dated before is to be read."""
    for column in columns:
        known = f'SELECT id FROM contact WHERE "f_{column.removeprefix("t_")}" IS NOT NULL'
        db.execute(f"INSERT OR IGNORE INTO unwitnessed {known}")


def _read_again(db: Database, object_type: str, fields: Sequence[Field], zone: tzinfo) -> None:
    table, after = TABLES[object_type], ""
    sets = ", ".join(f'"f_{field.name}" = ?' for field in fields)
    db.execute("DELETE FROM oddity WHERE object = ?", [object_type])
    page = f"SELECT id, modified_at, seen_at, properties FROM {table} WHERE id > ? ORDER BY id LIMIT {_PAGE}"
    while rows := db.execute(page, [after]).fetchall():
        read = []
        for record_id, modified_at, seen_at, properties in rows:
            values, odd = values_of(orjson.loads(properties), modified_at, fields, zone)
            note_odd(db, object_type, record_id, odd, seen_at)
            read.append([*values, record_id])
        db.conn.executemany(f"UPDATE {table} SET {sets} WHERE id = ?", read)
        after = rows[-1][0]


Odd = list[tuple[str, str, str]]  # property, value, why


def values_of(
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


def note_odd(db: Database, object_type: str, record_id: str, odd: Odd, now: int) -> None:
    db.conn.executemany(
        "INSERT OR REPLACE INTO oddity VALUES (?, ?, ?, ?, ?, ?)",
        [(object_type, record_id, prop, value[:200], why, now) for prop, value, why in odd],
    )
