"""Property definitions and their groups (HUBSPOT.md 6).

The HubSpot-defined ones that matter stand in `definitions.tsv`: type, field type, group, options, and whether
they are read-only or calculated (4.5, 5.10). Those that the account made stand in its file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

import orjson

from connector.sandbox.clock import iso
from connector.sandbox.state.schema import Database

_OWN_GROUPS = {
    "analyticsinformation": "Web Analytics History",
    "contactinformation": "Contact Information",
    "companyinformation": "Company Information",
    "dealinformation": "Deal Information",
}


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    display_order: int = 0
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """A property. `created` is milliseconds; 0 for HubSpot's own, which are as old as the account."""

    kind: str
    name: str
    label: str
    type: str
    field_type: str
    group: str
    options: tuple[Option, ...] = ()
    description: str = ""
    display_order: int = -1
    hidden: bool = False
    form_field: bool = False
    read_only: bool = False
    calculated: bool = False
    unique: bool = False
    external: bool = False
    hubspot: bool = False
    created: int = 0
    updated: int = 0
    archived: int | None = None

    @property
    def values(self) -> frozenset[str]:
        return frozenset(option.value for option in self.options)

    def wire(self) -> dict[str, Any]:
        """As the properties API shows it."""
        body: dict[str, Any] = {
            "updatedAt": iso(self.updated),
            "createdAt": iso(self.created),
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": [_option(option) for option in self.options],
            "displayOrder": self.display_order,
            "calculated": self.calculated,
            "externalOptions": self.external,
            "archived": self.archived is not None,
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "modificationMetadata": {
                "archivable": not self.hubspot,
                "readOnlyDefinition": self.hubspot,
                "readOnlyOptions": self.hubspot and not self.external,
                "readOnlyValue": self.read_only,
            },
            "formField": self.form_field,
            "dataSensitivity": "non_sensitive",
        }
        if self.hubspot:
            body["hubspotDefined"] = True
        if self.archived is not None:
            body["archivedAt"] = iso(self.archived)
        return body


def _option(option: Option) -> dict[str, Any]:
    shown = {"label": option.label, "value": option.value}
    return {**shown, "displayOrder": option.display_order, "hidden": option.hidden}


class Definitions:
    """The account's properties by kind and name: HubSpot's own, and what was added or changed."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._by_kind = {kind: dict(names) for kind, names in builtin().items()}
        for (text,) in db.rows("select definition from properties"):
            found = _read(text)
            self._by_kind[found.kind][found.name] = found

    def of(self, kind: str) -> dict[str, Definition]:
        """Every definition of a kind by name, the archived ones included."""
        return self._by_kind[kind]

    def find(self, kind: str, name: str) -> Definition | None:
        """A definition that is not archived; names are matched exactly (4.5)."""
        found = self._by_kind[kind].get(name)
        return None if found is None or found.archived is not None else found

    def keep(self, definition: Definition) -> Definition:
        """Adds or replaces one."""
        self._by_kind[definition.kind][definition.name] = definition
        text = orjson.dumps(asdict(definition)).decode()
        self._db.run(
            "insert or replace into properties values (?, ?, ?)", definition.kind, definition.name, text
        )
        if definition.name == "lifecyclestage":
            self._stage_dates(definition)
        return definition

    def known(self, kind: str, names: Iterable[str]) -> list[str]:
        """Those of the names that the account has: unknown ones are ignored on reads (3.2)."""
        have = self._by_kind[kind]
        return [name for name in names if name in have and have[name].archived is None]

    def groups(self, kind: str) -> dict[str, tuple[str, int]]:
        """Group name -> (label, order): HubSpot's own and those that were made."""
        own = {one.group for one in self._by_kind[kind].values() if one.hubspot}
        found = {name: (_OWN_GROUPS.get(name, name.replace("_", " ").title()), -1) for name in sorted(own)}
        rows = self._db.rows(
            "select name, label, display_order from groups where kind = ? order by name", kind
        )
        return {**found, **{name: (label, order) for name, label, order in rows}}

    def stages(self, kind: str) -> list[str]:
        """Lifecycle stages of the account in their order."""
        options = self._by_kind[kind]["lifecyclestage"].options
        return [option.value for option in sorted(options, key=lambda option: option.display_order)]

    def reload(self) -> None:
        """Reads the file again, after a transaction that was rolled back."""
        self.__init__(self._db)  # type: ignore[misc]

    def _stage_dates(self, definition: Definition) -> None:
        """A custom stage brings its own date properties, as HubSpot makes them."""
        for option in definition.options:
            for shape in ("hs_lifecyclestage_{}_date", "hs_v2_date_entered_{}", "hs_v2_date_exited_{}"):
                name = shape.format(option.value)
                if name not in self._by_kind[definition.kind] and definition.kind == "contacts":
                    made = replace(definition, name=name, label=f"{option.label} date", type="datetime")
                    self.keep(replace(made, field_type="date", options=(), read_only=True, external=False))


def _read(text: str) -> Definition:
    values = orjson.loads(text)
    options = tuple(Option(**option) for option in values.pop("options"))
    return Definition(**values, options=options)


@cache
def builtin() -> dict[str, dict[str, Definition]]:
    """HubSpot's own, by kind and name."""
    found: dict[str, dict[str, Definition]] = {}
    file = resources.files("connector.sandbox.state").joinpath("definitions.tsv")
    with file.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            found.setdefault(row["kind"], {})[row["name"]] = _builtin(row)
    return found


def _builtin(row: dict[str, str]) -> Definition:
    flags = row["flags"].split()
    return Definition(
        kind=row["kind"],
        name=row["name"],
        label=row["label"],
        type=row["type"],
        field_type=row["field_type"],
        group=row["group"],
        options=choices(pair.split("=", 1) for pair in row["options"].split("|") if pair),
        read_only="ro" in flags,
        calculated="calc" in flags,
        unique="unique" in flags,
        external="external" in flags,
        hubspot=True,
    )


def choices(pairs: Iterable[Iterable[str]]) -> tuple[Option, ...]:
    """Options of (value, label) pairs in their order."""
    return tuple(Option(value, label, order) for order, (value, label) in enumerate(pairs))
