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
from connector.hubspot.objects.search import (
    SEARCH_PAGE,
    Changed,
    Highest,
    changed,
    count,
    highest,
)
from connector.hubspot.objects.tasks import TASK_BODY, Task, TaskSeen, create_task, is_ours, tasks_of
from connector.hubspot.objects.updating import update
from connector.hubspot.objects.window import window

__all__ = [
    "CONTACT_PROPERTIES",
    "DEAL_PROPERTIES",
    "HISTORY_PAGE",
    "NOTICE_PROPERTIES",
    "PROPERTY_EMAIL",
    "PROPERTY_LEAD_STATUS",
    "PROPERTY_MERGED_IDS",
    "PROPERTY_OTHER_EMAILS",
    "SEARCH_PAGE",
    "TASK_BODY",
    "Changed",
    "Highest",
    "Page",
    "Read",
    "Task",
    "TaskSeen",
    "addresses",
    "changed",
    "company_of",
    "count",
    "create_task",
    "highest",
    "is_ours",
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
    "window",
]
