"""One pull's means and measures, and what it asks the CRM for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlite_utils import Database

from connector.hubspot import objects
from connector.hubspot.transport import Transport
from connector.rules.tree import Rules
from connector.store import bookmarks, columns

OBJECTS = ("contacts", "companies", "deals")


@dataclass(frozen=True, slots=True)
class Pulling:
    """One pull: where from, where to, by which rules, at which moment. `tick` is told source and count, and
    before it `reach` about how much of the source (0 to 1) is read by now, where that can be told."""

    t: Transport
    db: Database
    rules: Rules
    now: int
    tick: Callable[[str, int], None] = lambda _source, _count: None
    reach: Callable[[str, float], None] = lambda _source, _share: None
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


def properties_of(rules: Rules, object_type: str) -> list[str]:
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


def joined_with(p: Pulling, object_type: str) -> str:
    """The object whose associations belong to a record: a contact's companies, a deal's contacts."""
    if object_type == "contacts":
        readable = bookmarks.get(p.db, "companies").state != "absent"
        return "companies" if readable and properties_of(p.rules, "companies") else ""
    return "contacts" if object_type == "deals" else ""
