"""Associations: both directions of every link, with HubSpot's type ids (HUBSPOT.md 5.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from connector.sandbox.state.schema import Database

# (from, to) -> type id of the unlabelled association
DEFAULT: dict[tuple[str, str], int] = {
    ("contacts", "companies"): 279,
    ("companies", "contacts"): 280,
    ("contacts", "deals"): 4,
    ("deals", "contacts"): 3,
    ("deals", "companies"): 341,
    ("companies", "deals"): 342,
    ("notes", "contacts"): 202,
    ("contacts", "notes"): 201,
    ("tasks", "contacts"): 204,
    ("contacts", "tasks"): 203,
    ("calls", "contacts"): 194,
    ("contacts", "calls"): 193,
    ("emails", "contacts"): 198,
    ("contacts", "emails"): 197,
    ("meetings", "contacts"): 200,
    ("contacts", "meetings"): 199,
    ("notes", "deals"): 214,
    ("deals", "notes"): 213,
    ("tasks", "deals"): 216,
    ("deals", "tasks"): 215,
    ("notes", "companies"): 190,
    ("companies", "notes"): 189,
    ("tasks", "companies"): 192,
    ("companies", "tasks"): 191,
    ("calls", "companies"): 182,
    ("companies", "calls"): 181,
    ("calls", "deals"): 206,
    ("deals", "calls"): 205,
    ("emails", "companies"): 186,
    ("companies", "emails"): 185,
    ("emails", "deals"): 210,
    ("deals", "emails"): 209,
    ("meetings", "companies"): 188,
    ("companies", "meetings"): 187,
    ("meetings", "deals"): 212,
    ("deals", "meetings"): 211,
    ("communications", "contacts"): 81,
    ("contacts", "communications"): 82,
    ("communications", "deals"): 85,
    ("deals", "communications"): 86,
    ("communications", "companies"): 87,
    ("companies", "communications"): 88,
    ("contacts", "contacts"): 449,
}
PRIMARY: dict[tuple[str, str], int] = {
    ("contacts", "companies"): 1,
    ("companies", "contacts"): 2,
    ("deals", "companies"): 5,
    ("companies", "deals"): 6,
}
_PRIMARIES = frozenset(PRIMARY.values())


OWN_IDS = 10_001  # the account's own types are numbered from here on, apart from HubSpot's


@dataclass(frozen=True, slots=True)
class Target:
    """The other end of an association: every type that joins the two."""

    id: int
    type_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """A label of the account's own: its type from here to there, and the type of the way back."""

    type_id: int
    back_id: int
    label: str
    name: str


def label(type_id: int) -> str | None:
    return "Primary" if type_id in _PRIMARIES else None


def rows(
    from_kind: str, from_id: int, to_kind: str, to_id: int, primary: bool
) -> Iterable[tuple[object, ...]]:
    """The rows of one link: both directions, the primary label as well as the plain one."""
    for table in (DEFAULT, PRIMARY) if primary else (DEFAULT,):
        there = table.get((from_kind, to_kind))
        back = table.get((to_kind, from_kind))
        if there is not None and back is not None:
            yield from_kind, from_id, to_kind, to_id, there
            yield to_kind, to_id, from_kind, from_id, back


class Links:
    """Every association of the account."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, from_kind: str, from_id: int, to_kind: str, to_id: int, *, primary: bool = False) -> None:
        """Joins two records; a new primary takes the label from the old one."""
        if primary:
            self._demote(from_kind, from_id, to_kind)
        for row in rows(from_kind, from_id, to_kind, to_id, primary):
            self._db.run("insert or ignore into links values (?, ?, ?, ?, ?)", *row)

    def labels(self, from_kind: str, to_kind: str) -> dict[int, Label]:
        """The account's own labels between two kinds, by type id."""
        sql = "select type_id, back_id, label, name from labels where from_kind = ? and to_kind = ? order by type_id"
        return {row[0]: Label(*row) for row in self._db.rows(sql, from_kind, to_kind)}

    def define(self, from_kind: str, to_kind: str, name: str, text: str, inverse: str) -> list[Label]:
        """A new label, both ways; `inverse` is what the way back is called, empty for the same."""
        there = max(OWN_IDS, int(self._db.value("select coalesce(max(type_id), 0) + 1 from labels")))
        back = there if from_kind == to_kind and not inverse else there + 1
        made = [Label(there, back, text, name)]
        if back != there:
            made.append(Label(back, there, inverse or text, name))
        for number, one in enumerate(made):
            ends = (to_kind, from_kind) if number else (from_kind, to_kind)
            sql = "insert into labels values (?, ?, ?, ?, ?, ?)"
            self._db.run(sql, *ends, one.type_id, one.back_id, one.label, one.name)
        return made

    def call(self, type_id: int, text: str) -> None:
        """Another text for a label of the account's own."""
        self._db.run("update labels set label = ? where type_id = ?", text, type_id)

    def undefine(self, label: Label) -> None:
        """Takes a label away, and with it every association that has it; the plain ones stay."""
        for type_id in (label.type_id, label.back_id):
            self._db.run("delete from labels where type_id = ?", type_id)
            self._db.run("delete from links where type_id = ?", type_id)

    def put_label(self, from_kind: str, from_id: int, to_kind: str, to_id: int, label: Label) -> None:
        sql = "insert or ignore into links values (?, ?, ?, ?, ?)"
        self._db.run(sql, from_kind, from_id, to_kind, to_id, label.type_id)
        self._db.run(sql, to_kind, to_id, from_kind, from_id, label.back_id)

    def take(self, from_kind: str, from_id: int, to_kind: str, to_id: int, there: int, back: int) -> None:
        """Takes one type of an association away, both ways; the others stay."""
        sql = "delete from links where from_kind = ? and from_id = ? and to_kind = ? and to_id = ? and type_id = ?"
        self._db.run(sql, from_kind, from_id, to_kind, to_id, there)
        self._db.run(sql, to_kind, to_id, from_kind, from_id, back)

    def remove(self, from_kind: str, from_id: int, to_kind: str, to_id: int) -> int:
        """Takes every association between the two away, in both directions."""
        sql = "delete from links where from_kind = ? and from_id = ? and to_kind = ? and to_id = ?"
        self._db.run(sql, to_kind, to_id, from_kind, from_id)
        return self._db.run(sql, from_kind, from_id, to_kind, to_id)

    def targets(
        self, from_kind: str, from_id: int, to_kind: str, start: int = 0, size: int = 500
    ) -> list[Target]:
        """At most `size` other ends with ids from `start` on."""
        return self.batch(from_kind, {from_id: start}, to_kind, size)[from_id]

    def batch(
        self, from_kind: str, starts: dict[int, int], to_kind: str, size: int
    ) -> dict[int, list[Target]]:
        """The same for many: id -> its living other ends, `starts` giving each one's first id."""
        ids = orjson.dumps(list(starts)).decode()
        found: dict[int, dict[int, list[int]]] = {id: {} for id in starts}
        for from_id, to_id, type_id in self._db.rows(
            "select from_id, to_id, type_id from links where from_kind = ? and to_kind = ?"
            " and from_id in (select value from json_each(?)) and exists (select 1 from objects"
            " where kind = to_kind and id = to_id and archived is null) order by from_id, to_id, type_id",
            from_kind,
            to_kind,
            ids,
        ):
            if to_id >= starts[from_id]:
                found[from_id].setdefault(to_id, []).append(type_id)
        return {
            id: [Target(to_id, tuple(types)) for to_id, types in list(ends.items())[:size]]
            for id, ends in found.items()
        }

    def ids(self, from_kind: str, from_id: int, to_kind: str) -> list[int]:
        sql = "select distinct to_id from links where from_kind = ? and from_id = ? and to_kind = ? order by to_id"
        return [row[0] for row in self._db.rows(sql, from_kind, from_id, to_kind)]

    def move(self, kind: str, old: int, new: int) -> None:
        """Everything that was joined to one record is joined to another (a merge)."""
        self._db.run(
            "insert or ignore into links select from_kind, ?, to_kind, to_id, type_id from links"
            " where from_kind = ? and from_id = ?",
            new,
            kind,
            old,
        )
        self._db.run(
            "insert or ignore into links select back.from_kind, back.from_id, back.to_kind, ?, back.type_id"
            " from links there join links back on back.from_kind = there.to_kind and back.from_id = there.to_id"
            " and back.to_kind = there.from_kind and back.to_id = there.from_id"
            " where there.from_kind = ? and there.from_id = ?",
            new,
            kind,
            old,
        )
        self.forget(kind, old)

    def forget(self, kind: str, id: int) -> None:
        """Takes every association of a record away. The table is found by its `from` side only."""
        self._db.run(
            "delete from links where (from_kind, from_id, to_kind, to_id) in"
            " (select to_kind, to_id, from_kind, from_id from links where from_kind = ? and from_id = ?)",
            kind,
            id,
        )
        self._db.run("delete from links where from_kind = ? and from_id = ?", kind, id)

    def _demote(self, from_kind: str, from_id: int, to_kind: str) -> None:
        there, back = PRIMARY.get((from_kind, to_kind)), PRIMARY.get((to_kind, from_kind))
        if there is None or back is None:
            return
        for target in self.targets(from_kind, from_id, to_kind, size=1_000_000):
            if there in target.type_ids:
                self.take(from_kind, from_id, to_kind, target.id, there, back)
