"""Records: pages of all, ids of the changed, batches read and updated, associations."""

from __future__ import annotations

from connector.hubspot.objects.associations import links
from connector.hubspot.objects.reading import HISTORY_PAGE, Page, Read, list_page, read
from connector.hubspot.objects.records import (
    CONTACT_PROPERTIES,
    DEAL_PROPERTIES,
    PROPERTY_EMAIL,
    PROPERTY_MERGED_IDS,
    PROPERTY_OTHER_EMAILS,
    addresses,
    merged_ids,
    record,
)
from connector.hubspot.objects.search import Changed, changed, count
from connector.hubspot.objects.updating import update

__all__ = [
    "CONTACT_PROPERTIES",
    "DEAL_PROPERTIES",
    "HISTORY_PAGE",
    "PROPERTY_EMAIL",
    "PROPERTY_MERGED_IDS",
    "PROPERTY_OTHER_EMAILS",
    "Changed",
    "Page",
    "Read",
    "addresses",
    "changed",
    "count",
    "links",
    "list_page",
    "merged_ids",
    "read",
    "record",
    "update",
]
