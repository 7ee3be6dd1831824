"""Tasks: made once, and read back with their bodies (HUBSPOT.md 5.1, 7).

The CRM has no idempotency key for creations: a marker in the body names what a task is about, and whoever
makes one reads the contact's tasks first. By their associations: the search index lags.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape, unescape

from connector.hubspot import paths, wire
from connector.hubspot.objects.associations import links
from connector.hubspot.objects.reading import read
from connector.hubspot.transport import Transport
from connector.model import OUR_MARK

_TO_CONTACT = 204  # the association type from a task to its contact
TASK_BODY = "hs_task_body"
_TAG = re.compile(r"<[^>]*>")
_ADDRESS = re.compile(r"https://\S+")


@dataclass(frozen=True, slots=True)
class Task:
    """A task to be made. `lines` are its body, `owner` the id of whoever shall do it."""

    subject: str
    lines: Sequence[str]
    due_at: int
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """A task as the CRM has it: its body as plain text."""

    id: str
    body: str
    created_at: int | None


async def create_task(t: Transport, contact_id: str, task: Task) -> str:
    """Makes a task on a contact's page; gives its id. A lost answer raises Unreachable: it may be there."""
    properties = {
        "hs_timestamp": wire.iso(task.due_at),
        "hs_task_subject": task.subject,
        TASK_BODY: "<br>".join(_html(line) for line in task.lines),
        "hs_task_status": "NOT_STARTED",
        "hs_task_priority": "HIGH",
        "hs_task_type": "TODO",
        **({"hubspot_owner_id": task.owner} if task.owner else {}),
    }
    kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": _TO_CONTACT}
    body = {"properties": properties, "associations": [{"to": {"id": contact_id}, "types": [kind]}]}
    made = await t.call("POST", paths.OBJECTS.format(object="tasks"), json=body, effect="create")
    return str(made.get("id") or "")


def _html(line: str) -> str:
    return _ADDRESS.sub(lambda found: f'<a href="{found[0]}">{found[0]}</a>', escape(line))


async def tasks_of(t: Transport, contact_ids: Sequence[str]) -> dict[str, list[TaskSeen]]:
    """The tasks of each contact."""
    joined = await links(t, "contacts", "tasks", contact_ids, all_named=True)
    ids = list(dict.fromkeys(link.to_id for some in joined.values() for link in some))
    found = (await read(t, "tasks", ids, [TASK_BODY])).records if ids else {}
    seen = {
        id: TaskSeen(id, plain(one.properties.get(TASK_BODY) or ""), one.created_at)
        for id, one in found.items()
    }
    return {
        contact: [seen[link.to_id] for link in some if link.to_id in seen] for contact, some in joined.items()
    }


def plain(body: str) -> str:
    """A body without its tags, however the CRM's editor has laid it out."""
    return " ".join(unescape(_TAG.sub(" ", body)).split())


def is_ours(body: str) -> bool:
    """Whether a task is one that was made here: it carries a marker."""
    return OUR_MARK in plain(body)
