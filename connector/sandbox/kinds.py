"""The object types of the account, and every name a path may give them (HUBSPOT.md 2).

A path names a type by its plural, its singular or its id (`contacts`, `contact`, `0-1`); inside the sandbox it
is always the plural.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """An object type. `scope` is the object named in its scopes: activities go with contacts (1.4)."""

    plural: str
    singular: str
    type_id: str
    scope: str
    created: str  # the property that shows when a record was made
    modified: str  # and when it was changed last
    shown: tuple[str, ...]  # returned when no property is asked for

    @property
    def label(self) -> str:
        """`CONTACT`, as error messages have it."""
        return self.singular.upper()


def _crm(plural: str, singular: str, type_id: str, modified: str, *shown: str) -> Kind:
    names = ("createdate", "hs_object_id", modified, *shown)
    return Kind(plural, singular, type_id, plural, "createdate", modified, tuple(sorted(names)))


def _activity(plural: str, singular: str, type_id: str) -> Kind:
    shown = ("hs_createdate", "hs_lastmodifieddate", "hs_object_id")
    return Kind(plural, singular, type_id, "contacts", "hs_createdate", "hs_lastmodifieddate", shown)


KINDS: dict[str, Kind] = {
    kind.plural: kind
    for kind in (
        _crm("contacts", "contact", "0-1", "lastmodifieddate", "email", "firstname", "lastname"),
        _crm("companies", "company", "0-2", "hs_lastmodifieddate", "domain", "name"),
        _crm(
            "deals",
            "deal",
            "0-3",
            "hs_lastmodifieddate",
            "amount",
            "closedate",
            "dealname",
            "dealstage",
            "pipeline",
        ),
        _activity("tasks", "task", "0-27"),
        _activity("notes", "note", "0-46"),
        _activity("meetings", "meeting", "0-47"),
        _activity("calls", "call", "0-48"),
        _activity("emails", "email", "0-49"),
        _activity("communications", "communication", "0-18"),
    )
}
ACTIVITIES = frozenset(name for name, kind in KINDS.items() if kind.created == "hs_createdate")

# Real types that are not imitated: a loud 501 instead of "no such type".
ABSENT = frozenset(
    [
        "tickets",
        "ticket",
        "0-5",
        "products",
        "product",
        "0-7",
        "line_items",
        "line_item",
        "0-8",
        "quotes",
        "quote",
        "0-14",
        "users",
        "user",
        "0-115",
        "leads",
        "lead",
        "0-136",
        "deal_splits",
        "deal_split",
        "marketing_events",
        "0-54",
    ]
)

_NAMES = {name: kind for kind in KINDS.values() for name in (kind.plural, kind.singular, kind.type_id)}


def find(name: str) -> Kind | None:
    """The type that a path means, None where it is none of ours."""
    return _NAMES.get(name.lower())
