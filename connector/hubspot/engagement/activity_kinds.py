"""What each kind of activity tells (HUBSPOT.md 5.1), and which of its properties that takes."""

from __future__ import annotations

from collections.abc import Mapping

from connector.hubspot import objects, wire
from connector.hubspot.engagement.activities import Activities
from connector.model import Engagement, Record

_DISPOSITIONS = {  # the CRM's own call outcomes; an account may add others
    "f240bbac-87c9-4f6e-bf70-924b57d47db7": "connected",
    "9d9162e7-6cf3-4944-bf63-4dff82258764": "busy",
    "73a0d17f-1163-4015-bdd5-ec830791da20": "no_answer",
    "b2cf5968-551e-4856-9783-52b3da59a7d0": "voicemail",
    "a4c4c377-d246-4b32-a13b-75a56a4cd0ff": "live_message",
    "17b47fee-58de-441e-a44c-c6300d46f273": "wrong_number",
}
_BOOKED = frozenset({"SCHEDULED", "RESCHEDULED"})


def _meeting(record: Record) -> Engagement | None:
    """attrs: outcome (SCHEDULED, COMPLETED, RESCHEDULED, NO_SHOW, CANCELED), type.

    `at`: when it was booked while it is to come, its start once it was held: a booking is an act of the day
    on which it is made, and an event of the future would count for nothing yet.
    """
    said = record.properties
    start = wire.moment(said.get("hs_meeting_start_time")) or wire.moment(said.get("hs_timestamp"))
    outcome, kind = said.get("hs_meeting_outcome"), said.get("hs_activity_type")
    at = min(start, record.created_at or start) if start and outcome in _BOOKED else start
    return _event(record, "meetings", "meeting", at, {"outcome": outcome, "type": kind}, "hs_meeting_title")


def _call(record: Record) -> Engagement | None:
    """attrs: direction (inbound, outbound), outcome (the CRM's id for an account's own), seconds."""
    said = record.properties
    disposition = said.get("hs_call_disposition")
    duration = wire.number(said.get("hs_call_duration"))  # ms
    attrs = {
        "direction": (said.get("hs_call_direction") or "").lower() or None,
        "outcome": _DISPOSITIONS.get(disposition, disposition) if disposition else None,
        "seconds": None if duration is None else duration / 1000,
    }
    return _event(record, "calls", "call", wire.moment(said.get("hs_timestamp")), attrs, "hs_call_title")


_DIRECTIONS = {"EMAIL": "outbound", "INCOMING_EMAIL": "inbound"}


def _email(record: Record) -> Engagement | None:
    """attrs: direction (outbound, inbound; none for one that was forwarded to the CRM), status (SENT,
    BOUNCED, FAILED, SCHEDULED...), sequence: whether it was a step of a sequence, which sends by itself."""
    said = record.properties
    attrs: dict[str, str | float | bool | None] = {
        "direction": _DIRECTIONS.get(said.get("hs_email_direction") or ""),
        "status": said.get("hs_email_status"),
        "sequence": bool(said.get("hs_sequence_id")),
    }
    return _event(
        record, "emails", "sales_email", wire.moment(said.get("hs_timestamp")), attrs, "hs_email_subject"
    )


def _communication(record: Record) -> Engagement | None:
    """attrs: channel (whatsapp, linkedin, sms; the CRM's word in lower case for another)."""
    said = record.properties.get("hs_communication_channel_type")
    channel = said.lower().removesuffix("_message").replace("_", "") if said else None
    at = wire.moment(record.properties.get("hs_timestamp"))
    return _event(record, "communications", "communication", at, {"channel": channel}, None, channel or "")


def _note(record: Record) -> Engagement | None:
    """No attrs and no label: a note may hold anything, and its body is not even asked for."""
    at = wire.moment(record.properties.get("hs_timestamp"))
    return _event(record, "notes", "note", at, {})


def _task(record: Record) -> Engagement | None:
    """attrs: type (todo, call, email; the CRM's word in lower case for another), status (NOT_STARTED,
    IN_PROGRESS, WAITING, COMPLETED, DEFERRED).

    `at`: when it was done, and while it is to do, when it was made: the CRM's own date of a task is when it
    is due, and an event of the future would count for nothing yet.
    """
    said = record.properties
    status, kind = said.get("hs_task_status"), said.get("hs_task_type")
    done = wire.moment(said.get("hs_task_completion_date")) if status == "COMPLETED" else None
    at = done or record.created_at or wire.moment(said.get("hs_timestamp"))
    attrs = {"type": kind.lower() if kind else None, "status": status}
    return _event(record, "tasks", "task", at, attrs, "hs_task_subject")


def _is_ours(record: Record) -> bool:
    """Tasks of our own making carry a marker; a signal made of them would feed on itself."""
    return objects.is_ours(record.properties.get(objects.TASK_BODY) or "")


def _event(
    record: Record,
    source: str,
    event: str,
    at: int | None,
    attrs: Mapping[str, str | float | bool | None],
    title: str | None = None,
    label: str = "",
) -> Engagement | None:
    """`title`: the property that is shown to people; `label` where it is not a property's value."""
    if at is None:
        return None
    shown = record.properties.get(title) or "" if title else label
    return Engagement(source, record.id, event, at, None, None, attrs, shown)


MEETINGS = Activities(
    "meetings",
    frozenset({"meeting"}),
    (
        "hs_timestamp",
        "hs_meeting_start_time",
        "hs_meeting_outcome",
        "hs_activity_type",
        "hs_meeting_title",
    ),
    _meeting,
)
CALLS = Activities(
    "calls",
    frozenset({"call"}),
    ("hs_timestamp", "hs_call_direction", "hs_call_disposition", "hs_call_duration", "hs_call_title"),
    _call,
)
EMAILS = Activities(
    "emails",
    frozenset({"sales_email"}),
    ("hs_timestamp", "hs_email_direction", "hs_email_status", "hs_email_subject", "hs_sequence_id"),
    _email,
    ("crm.objects.contacts.read", "sales-email-read"),
)
COMMUNICATIONS = Activities(
    "communications",
    frozenset({"communication"}),
    ("hs_timestamp", "hs_communication_channel_type"),
    _communication,
)
NOTES = Activities("notes", frozenset({"note"}), ("hs_timestamp",), _note)
TASKS = Activities(
    "tasks",
    frozenset({"task"}),
    (
        "hs_timestamp",
        "hs_task_type",
        "hs_task_status",
        "hs_task_completion_date",
        "hs_task_subject",
        objects.TASK_BODY,
    ),
    _task,
    ours=_is_ours,
)
ACTIVITIES = (MEETINGS, CALLS, EMAILS, COMMUNICATIONS, NOTES, TASKS)
