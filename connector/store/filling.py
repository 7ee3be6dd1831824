"""Values of some properties into rows that we have: what else a row holds, and when we saw it, stays."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import orjson
from sqlite_utils import Database

from connector.rules.tree import MappingRules
from connector.store.columns import TABLES, fields_of, note_odd, values_of

Values = Mapping[str, Mapping[str, str | None]]  # record id -> property -> value


def ids_after(db: Database, object_type: str, after: str, limit: int) -> list[str]:
    """The ids that follow one, in the order of their text."""
    table = TABLES[object_type]
    rows = db.execute(f"SELECT id FROM {table} WHERE id > ? ORDER BY id LIMIT ?", [after, limit])
    return [row[0] for row in rows]


def count_after(db: Database, object_type: str, after: str) -> int:
    """How many ids follow one."""
    sql = f"SELECT count(*) FROM {TABLES[object_type]} WHERE id > ?"
    return int(db.execute(sql, [after]).fetchone()[0])


def fill(db: Database, object_type: str, found: Values, mapping: MappingRules, now: int) -> list[str]:
    """Gives the ids whose values differ from before. To be called inside a transaction."""
    table, zone, changed = TABLES[object_type], ZoneInfo(mapping.timezone), []
    for record_id, values in found.items():
        row = db.execute(f"SELECT properties FROM {table} WHERE id = ?", [record_id]).fetchone()
        before = orjson.loads(row[0]) if row else None
        if before is None or all(name in before and before[name] == values[name] for name in values):
            continue
        fields = [field for field in fields_of(mapping, object_type) if field.property in values]
        typed, odd = values_of(values, 0, fields, zone)
        sets = "".join(f', "f_{field.name}" = ?' for field in fields)
        text = orjson.dumps({**before, **values}, option=orjson.OPT_SORT_KEYS).decode()
        db.execute(f"UPDATE {table} SET properties = ?{sets} WHERE id = ?", [text, *typed, record_id])
        note_odd(db, object_type, record_id, odd, now)
        if any(before.get(name) != value for name, value in values.items()):
            changed.append(record_id)
    return changed
