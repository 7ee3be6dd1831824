"""Engagement as it happens: HubSpot's counters on the contacts move with it (HUBSPOT.md 4.6, 5.10, 7).

Page views and e-mail counters are stored values and move the date of the last change; form counters are
calculated and do not. A note, task, call, meeting or e-mail moves the `notes_*` values of its contacts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connector.sandbox.clock import iso
from connector.sandbox.kinds import ACTIVITIES
from connector.sandbox.rows import EmailEvent, Row, WebEvent
from connector.sandbox.state import Account, load
from connector.sandbox.state.records import Record, Writer

# event type -> (counter, date) on the contact
_MAILS = {
    "DELIVERED": ("hs_email_delivered", "hs_email_last_send_date"),
    "OPEN": ("hs_email_open", "hs_email_last_open_date"),
    "CLICK": ("hs_email_click", "hs_email_last_click_date"),
    "BOUNCE": ("hs_email_bounce", ""),
}
_TALKS = frozenset({"calls", "meetings", "emails", "communications"})


def happen(account: Account, rows: Iterable[Row]) -> None:
    """Puts rows in, and moves what follows from them on the contacts."""
    many = list(rows)
    with account.db.transaction():
        load(account, many)
        for row in many:
            if isinstance(row, WebEvent) and row.type == "e_visited_page":
                _seen(account, row)
            elif isinstance(row, EmailEvent) and row.type in _MAILS:
                _mailed(account, row)


def _seen(account: Account, row: WebEvent) -> None:
    record = account.records.find("contacts", account.records.canonical("contacts", row.contact_id))
    if record is not None:
        values = _counted(record, "hs_analytics_num_page_views")
        values["hs_analytics_last_timestamp"] = iso(row.at)
        account.records.change(record, values, Writer("ANALYTICS"))


def _mailed(account: Account, row: EmailEvent) -> None:
    id = account.records.by_email(row.recipient)
    record = account.records.find("contacts", id) if id is not None else None
    if record is not None and not row.filtered:
        counter, date = _MAILS[row.type]
        values = _counted(record, counter)
        if date:
            values[date] = iso(row.at)
        account.records.change(record, values, Writer("EMAIL"))


def _counted(record: Record, name: str) -> dict[str, str]:
    return {name: str(int(float(record.props.get(name, "0"))) + 1)}


def noted(account: Account, activity: Record) -> None:
    """An activity was put on record: its contacts' `notes_*` values follow."""
    if activity.kind not in ACTIVITIES:
        return
    for id in account.links.ids(activity.kind, activity.id, "contacts"):
        record = account.records.find("contacts", id)
        if record is not None:
            account.records.change(record, _notes(record, activity), Writer("INTERNAL_PROCESSING"))


def _notes(record: Record, activity: Record) -> Mapping[str, str]:
    when = activity.props.get("hs_timestamp", iso(activity.created))
    values = _counted(record, "num_notes")
    values["notes_last_updated"] = iso(activity.created)
    if activity.kind in _TALKS:
        values |= _counted(record, "num_contacted_notes")
        values["notes_last_contacted"] = max(when, record.props.get("notes_last_contacted", ""))
        values["hs_last_sales_activity_timestamp"] = values["notes_last_contacted"]
    if activity.kind == "meetings":
        values["engagements_last_meeting_booked"] = iso(activity.created)
    return values
