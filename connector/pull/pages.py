"""One page of records into the cache: values, addresses, associations and the progress, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from connector.hubspot import objects
from connector.hubspot.engagement import deal_engagement
from connector.model import Link, Record
from connector.pull import histories
from connector.pull.pulling import Pulling, joined_with, properties_of
from connector.store import aliases, bookmarks, decisions, engagement, records
from connector.store.schema import write

Links = Mapping[str, Sequence[Link]]


async def links_of(p: Pulling, object_type: str, ids: Sequence[str]) -> Links:
    """The associations that belong to the records."""
    other = joined_with(p, object_type)
    return await objects.links(p.t, object_type, other, ids) if other and ids else {}


def store_page(
    p: Pulling,
    object_type: str,
    found: Sequence[Record],
    links: Links,
    source: str,
    progress: dict[str, Any],
) -> None:
    """One page with its associations, in one transaction with the progress mark of its source."""
    wanted = properties_of(p.rules, object_type)
    rows = [
        replace(r, properties={name: r.properties.get(name) for name in wanted}) for r in _distinct(found)
    ]
    with write(p.db):
        rows = aliases.follow(p.db, rows, p.now) if object_type == "contacts" else rows
        changed = records.put(p.db, object_type, rows, p.rules.mapping, p.now)
        touched = set(records.members(p.db, object_type, changed))
        if object_type == "contacts":
            touched |= set(records.put_companies(p.db, links))
            _identify(p, rows, set(changed))
        elif object_type == "deals":
            touched |= set(records.put_deal_contacts(p.db, links))
            stages = [
                e for r in rows for e in deal_engagement(r, [link.to_id for link in links.get(r.id, [])])
            ]
            engagement.put(p.db, stages, p.now)
        decisions.mark_dirty(p.db, touched)
        bookmarks.progress(p.db, source, progress)
    p.count(object_type, len(rows), len(changed))


def _distinct(found: Sequence[Record]) -> list[Record]:
    """Two ids of a merged pair give the same record."""
    return list({record.id: record for record in found}.values())


def _identify(p: Pulling, rows: Sequence[Record], changed: set[str]) -> None:
    """Addresses of contacts; and whose stage in the CRM was written by somebody we do not know."""
    addresses: dict[str, str] = {}
    for record in rows:
        addresses |= dict.fromkeys(objects.addresses(record), record.id)
    records.put_addresses(p.db, addresses)
    records.put_email(p.db, {r.id: r.properties.get(objects.PROPERTY_EMAIL) for r in rows})
    histories.expect(p, [record for record in rows if record.id in changed])
