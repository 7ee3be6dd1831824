"""A row of the CRM as a Record (HUBSPOT.md 3.2, 4.6 to 4.8)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from connector.hubspot import wire
from connector.model import Document, Record, Version

T = TypeVar("T")
PAGE = 100  # rows of a list page, inputs of a batch
NOT_FOUND = "OBJECT_NOT_FOUND"  # the category of what is deleted, erased or has no associations
PROPERTY_EMAIL = "email"
PROPERTY_OTHER_EMAILS = "hs_additional_emails"
PROPERTY_MERGED_IDS = "hs_merged_object_ids"  # on the survivor: ids that point to it, apart by semicolons
PROPERTY_STAGE_ENTERED = "hs_v2_date_entered_current_stage"
DEAL_PROPERTIES = (
    "dealname",
    "pipeline",
    "dealstage",
    "amount",
    "hs_deal_stage_probability",
    PROPERTY_STAGE_ENTERED,
    PROPERTY_MERGED_IDS,
)  # what deal_engagement reads
CONTACT_PROPERTIES = (PROPERTY_EMAIL, PROPERTY_OTHER_EMAILS, PROPERTY_MERGED_IDS)


def modified_property(object: str) -> str:
    """Contacts have a name of their own for it."""
    return "lastmodifieddate" if object == "contacts" else "hs_lastmodifieddate"


def record(row: Document, properties: Sequence[str] = ()) -> Record:
    """A row as a Record. `properties` that the CRM left out are there as None, so that a clear is seen."""
    given = row.get("properties") or {}
    values = dict.fromkeys(properties, None) | {name: wire.text(value) for name, value in given.items()}
    created = wire.moment(row.get("createdAt")) or wire.moment(given.get("createdate"))
    stamps = (given.get("lastmodifieddate"), given.get("hs_lastmodifieddate"), row.get("updatedAt"))
    modified = next((at for at in map(wire.moment, stamps) if at is not None), created)
    history = row.get("propertiesWithHistory") or {}
    return Record(
        id=str(row["id"]),
        properties=values,
        created_at=created,
        modified_at=modified,
        archived=bool(row.get("archived")),
        history={name: _versions(entries) for name, entries in history.items()},
        merged=_ids(values.get(PROPERTY_MERGED_IDS)),
    )


def _versions(entries: Iterable[Document]) -> tuple[Version, ...]:
    versions = (
        Version(
            value=wire.text(entry.get("value")) or "",
            at=wire.moment(entry.get("timestamp")) or 0,
            source=str(entry.get("sourceType") or ""),
            source_id=str(entry.get("sourceId") or ""),
        )
        for entry in entries
    )
    return tuple(sorted(versions, key=lambda v: v.at, reverse=True))


def merged_ids(found: Record) -> list[str]:
    """Ids that were merged into this record."""
    return list(_ids(found.properties.get(PROPERTY_MERGED_IDS)))


def _ids(said: str | None) -> tuple[str, ...]:
    return tuple(id for id in re.split(r"[;,\s]+", said or "") if id)


def addresses(found: Record) -> list[str]:
    """A contact's e-mail addresses as events name them: the first one, then the others."""
    others = (found.properties.get(PROPERTY_OTHER_EMAILS) or "").split(";")
    said = map(wire.address, [found.properties.get(PROPERTY_EMAIL), *others])
    return list(dict.fromkeys(address for address in said if address))


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
