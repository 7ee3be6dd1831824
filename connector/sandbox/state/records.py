"""Records of every kind: reading, writing, history, archive, erase (HUBSPOT.md 3, 4.6, 4.8).

Values are text in one JSON column; a property that is not set has no key. The dates of making and of the last
change, and the id, are columns: they are shown as properties too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from connector.sandbox import kinds
from connector.sandbox.clock import DAY, Clock, iso
from connector.sandbox.state.definitions import Definitions
from connector.sandbox.state.index import Index
from connector.sandbox.state.knobs import Settings
from connector.sandbox.state.schema import Database


@dataclass(slots=True)
class Record:
    """One record as it is now. Times are milliseconds; `archived` is when, None while it lives."""

    kind: str
    id: int
    created: int
    modified: int
    archived: int | None
    props: dict[str, str]

    def value(self, name: str) -> str | None:
        """A property as the wire shows it, whether a column or a value."""
        kind = kinds.KINDS[self.kind]
        if name == kind.modified or name == "hs_lastmodifieddate":
            return iso(self.modified)
        if name == kind.created or name == "hs_createdate":
            return iso(self.created)
        return str(self.id) if name == "hs_object_id" else self.props.get(name)


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes: goes into the history (4.8)."""

    source: str
    source_id: str = ""
    user: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of one property."""

    value: str
    at: int
    writer: Writer = field(default_factory=lambda: Writer("IMPORT"))

    def wire(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "value": self.value,
            "timestamp": iso(self.at),
            "sourceType": self.writer.source,
        }
        if self.writer.source_id:
            shown["sourceId"] = self.writer.source_id
        if self.writer.user is not None:
            shown["updatedByUserId"] = self.writer.user
        return shown


BIN = 90 * DAY  # how long the recycle bin keeps a record
_VERSION = "insert into versions values (?, ?, ?, ?, ?, ?, ?, ?)"
_COLUMNS = "select kind, id, created, modified, archived, props from objects "


class Records:
    """Every record of the account."""

    def __init__(
        self, db: Database, clock: Clock, definitions: Definitions, index: Index, settings: Settings
    ) -> None:
        self._db = db
        self._clock = clock
        self._definitions = definitions
        self._index = index
        self._settings = settings

    def find(self, kind: str, id: int, *, archived: bool = False) -> Record | None:
        """A living record (or, asked so, one in the bin)."""
        row = self._db.row(_COLUMNS + "where kind = ? and id = ?", kind, id)
        if row is None or (row[4] is not None) is not archived or self._emptied(row[4]):
            return None
        return _record(row)

    def some(self, kind: str, ids: Iterable[int], *, archived: bool = False) -> dict[int, Record]:
        """The living ones (or those in the bin) among the ids."""
        wanted = orjson.dumps(list(ids)).decode()
        sql = _COLUMNS + "where kind = ? and id in (select value from json_each(?))"
        rows = self._db.rows(sql, kind, wanted)
        kept = (row for row in rows if (row[4] is not None) is archived and not self._emptied(row[4]))
        return {row[1]: _record(row) for row in kept}

    def page(self, kind: str, start: int, size: int, *, archived: bool = False) -> list[Record]:
        """At most `size` records with ids from `start` on, in the order of their ids."""
        state = "archived > ?" if archived else "archived is null and ? is not null"
        sql = _COLUMNS + f"where kind = ? and id >= ? and {state} order by id limit ?"
        emptied = self._clock.now() - BIN
        return [_record(row) for row in self._db.rows(sql, kind, start, emptied, size)]

    def _emptied(self, archived: int | None) -> bool:
        """True for what has been in the bin for too long to be there still (3.2)."""
        return archived is not None and archived <= self._clock.now() - BIN

    def canonical(self, kind: str, id: int) -> int:
        """The id that a merged-away id stands for now; itself otherwise (3.8)."""
        sql = "select survivor from aliases where kind = ? and id = ?"
        while (survivor := self._db.value(sql, kind, id)) is not None:
            id = survivor
        return id

    def by_email(self, email: str) -> int | None:
        """The contact that has the address, as its first or as an additional one (3.3)."""
        found: int | None = self._db.value("select id from emails where email = ?", email.lower())
        return found

    def in_bin_by_email(self, email: str) -> int | None:
        """The contact in the bin that has the address as its first."""
        sql = "select id from objects where kind = 'contacts' and archived is not null and email = ?"
        found: int | None = self._db.value(sql, email.lower())
        return found

    def block(self, email: str) -> None:
        """An erasure of an address that nobody has: no contact is to have it (3.8)."""
        self._db.run("insert or ignore into blocklist values (?)", email.lower())

    def blocked(self, email: str) -> bool:
        return self._db.value("select 1 from blocklist where email = ?", email.lower()) is not None

    def by_value(self, kind: str, name: str, value: str) -> int | None:
        """The living record with this value of a unique property."""
        sql = "select id from objects where kind = ? and archived is null and json_extract(props, ?) = ?"
        found: int | None = self._db.value(sql, kind, f'$."{name}"', value)
        return found

    def create(self, kind: str, props: Mapping[str, str], writer: Writer) -> Record:
        """A new record now, with history for every value. The caller has checked the values."""
        now = self._clock.now()
        record = Record(kind, self.next_id(kind), now, now, None, {})
        self._index.before(kind, record.id, None)
        self._db.run("insert into objects values (?, ?, ?, ?, null, null, '{}')", kind, record.id, now, now)
        self._put(record, {name: value for name, value in props.items() if value}, now, writer)
        self._save(record)
        return record

    def change(
        self, record: Record, changes: Mapping[str, str], writer: Writer, *, bump: bool = True
    ) -> set[str]:
        """Writes what differs and gives those names; nothing different moves nothing (3.6)."""
        real = {name: text for name, text in changes.items() if (record.props.get(name) or "") != text}
        if real:
            now = self._clock.now()
            self._index.before(record.kind, record.id, self._row(record.kind, record.id))
            self._put(record, real, now, writer)
            record.modified = max(now, record.modified) if bump else record.modified
            self._save(record)
        return set(real)

    def touch(self, record: Record) -> None:
        """Moves the date of the last change and nothing else."""
        self._index.before(record.kind, record.id, self._row(record.kind, record.id))
        record.modified = max(self._clock.now(), record.modified)
        self._save(record)

    def newest(self, record: Record, name: str) -> str | None:
        """The value of the last version of a property; None where it has no history."""
        sql = (
            "select value from versions where kind = ? and id = ? and name = ?"
            " order by at desc, rowid desc limit 1"
        )
        found: str | None = self._db.value(sql, record.kind, record.id, name)
        return found

    def archive(self, record: Record) -> None:
        self._index.before(record.kind, record.id, self._row(record.kind, record.id))
        record.archived = self._clock.now()
        self._save(record)

    def restore(self, record: Record, *, bump: bool) -> None:
        self._index.before(record.kind, record.id, None)
        record.archived = None
        record.modified = self._clock.now() if bump else record.modified
        self._save(record)

    def remove(self, kind: str, id: int) -> None:
        """Takes a record and its history out of the file, as a merge or an erasure does."""
        self._db.run("delete from objects where kind = ? and id = ?", kind, id)
        self._db.run("delete from versions where kind = ? and id = ?", kind, id)
        self._db.run("delete from lagging where kind = ? and id = ?", kind, id)
        if kind == "contacts":
            self._db.run("delete from emails where id = ?", id)

    def move_history(self, old: Record, new: int) -> None:
        """The history of a record becomes another's (a merge), first values included."""
        for name, value in old.props.items():
            self._first(old, name, value)
        self._db.run("update versions set id = ? where kind = ? and id = ?", new, old.kind, old.id)

    def history(self, record: Record, name: str) -> list[Entry]:
        """Newest first. A value that was there from the start counts as written when the record was made."""
        entries = [
            Entry(value, at, Writer(source, source_id, user))
            for at, value, source, source_id, user in self._db.rows(
                "select at, value, source, source_id, user from versions where kind = ? and id = ? and name = ?"
                " order by at desc, rowid desc",
                record.kind,
                record.id,
                name,
            )
        ]
        value = record.value(name)
        if not entries and value is not None:
            return [Entry(value, record.created, self._original(record.kind, name))]
        return entries[: self._settings.knobs.history_versions or None]

    def count(self, kind: str) -> int:
        sql = "select count(*) from objects where kind = ? and archived is null"
        return int(self._db.value(sql, kind))

    def next_id(self, kind: str) -> int:
        """11 digits, growing, with holes: as real ones, and a function of what was there."""
        top = self._db.value("select max(id) from objects where kind = ?", kind)
        gone = self._db.value("select max(id) from aliases where kind = ?", kind)
        last: int = max(top or 0, gone or 0, self._db.noted(f"last id of {kind}", 40_000_000_000))
        new = last + 1 + (last * 2_654_435_761 >> 7) % 89
        self._db.note(f"last id of {kind}", new)
        return new

    def _put(self, record: Record, values: Mapping[str, str], now: int, writer: Writer) -> None:
        for name, value in values.items():
            self._version(record, name, value, now, writer)
            if value or self._settings.knobs.cleared_value == "":
                record.props[name] = value
            else:
                record.props.pop(name, None)

    def _version(self, record: Record, name: str, value: str, now: int, writer: Writer) -> None:
        if (old := record.props.get(name)) is not None:
            self._first(record, name, old)
        self._db.run(
            _VERSION, record.kind, record.id, name, now, value, writer.source, writer.source_id, writer.user
        )

    def _first(self, record: Record, name: str, value: str) -> None:
        """Puts on record what was there from the start, unless the property has a history already."""
        have = "select 1 from versions where kind = ? and id = ? and name = ? limit 1"
        if self._db.value(have, record.kind, record.id, name) is None:
            first = self._original(record.kind, name)
            self._db.run(
                _VERSION,
                record.kind,
                record.id,
                name,
                record.created,
                value,
                first.source,
                first.source_id,
                None,
            )

    def _original(self, kind: str, name: str) -> Writer:
        definition = self._definitions.find(kind, name)
        if definition is not None and definition.calculated:
            return Writer("CALCULATED")
        return Writer("ANALYTICS" if name.startswith("hs_analytics") else "IMPORT")

    def _row(self, kind: str, id: int) -> tuple[Any, ...] | None:
        sql = "select created, modified, email, props from objects where kind = ? and id = ? and archived is null"
        return self._db.row(sql, kind, id)

    def _save(self, record: Record) -> None:
        email = record.props.get("email") if record.kind == "contacts" else None
        self._db.run(
            "update objects set created = ?, modified = ?, archived = ?, email = ?, props = ?"
            " where kind = ? and id = ?",
            record.created,
            record.modified,
            record.archived,
            email,
            orjson.dumps(record.props).decode(),
            record.kind,
            record.id,
        )
        if record.kind == "contacts":
            self._addresses(record)

    def _addresses(self, record: Record) -> None:
        self._db.run("delete from emails where id = ?", record.id)
        if record.archived is None:
            for email in addresses(record.props):
                self._db.run("insert or ignore into emails values (?, ?)", email, record.id)


def addresses(props: Mapping[str, str]) -> list[str]:
    """Every address of a contact, lower-case: the first, then the additional ones."""
    texts = [props.get("email", ""), *props.get("hs_additional_emails", "").split(";")]
    return list(dict.fromkeys(text.lower() for text in texts if text))


def _record(row: tuple[Any, ...]) -> Record:
    kind, id, created, modified, archived, props = row
    return Record(kind, id, created, modified, archived, orjson.loads(props))
