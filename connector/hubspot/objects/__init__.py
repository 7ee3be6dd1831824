"""Records: pages of all, ids of the changed, batches read and updated, associations, tasks."""

from __future__ import annotations

from connector.hubspot.objects.associations import links
from connector.hubspot.objects.contacts import (
    NOTICE_PROPERTIES,
    PROPERTY_LEAD_STATUS,
    company_of,
    name_of,
    owner_of,
    page_of,
)
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
from connector.hubspot.objects.tasks import Task, TaskSeen, create_task, tasks_of
from connector.hubspot.objects.updating import update

__all__ = [
    "CONTACT_PROPERTIES",
    "DEAL_PROPERTIES",
    "HISTORY_PAGE",
    "NOTICE_PROPERTIES",
    "PROPERTY_EMAIL",
    "PROPERTY_LEAD_STATUS",
    "PROPERTY_MERGED_IDS",
    "PROPERTY_OTHER_EMAILS",
    "Changed",
    "Page",
    "Read",
    "Task",
    "TaskSeen",
    "addresses",
    "changed",
    "company_of",
    "count",
    "create_task",
    "links",
    "list_page",
    "merged_ids",
    "name_of",
    "owner_of",
    "page_of",
    "read",
    "record",
    "tasks_of",
    "update",
]
