"""What the CRM counts on a contact of what it did and of what was done about it (HUBSPOT.md 5.10).

The counters say what the events and the activities say: filtered opens and clicks are not counted.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.sandbox.population.calendar import iso
from connector.sandbox.population.mail import Mailbox
from connector.sandbox.population.web import Visits
from connector.sandbox.rows import Link, Object

_MAILS = {  # event: (counter, first date, last date)
    "DELIVERED": ("hs_email_delivered", "hs_email_first_send_date", "hs_email_last_send_date"),
    "OPEN": ("hs_email_open", "hs_email_first_open_date", "hs_email_last_open_date"),
    "CLICK": ("hs_email_click", "hs_email_first_click_date", "hs_email_last_click_date"),
    "BOUNCE": ("hs_email_bounce", "", ""),
}
_TALKS = frozenset({"calls", "meetings", "emails", "communications"})


def of(visits: Visits, box: Mailbox, work: Sequence[Object | Link], now: int) -> dict[str, str]:
    """Counters and dates of one contact; nothing for what never happened."""
    counted = {**_seen(visits), **_mailed(box), **_worked(work, now)}
    return {name: value for name, value in counted.items() if name}


def _seen(visits: Visits) -> dict[str, str]:
    if not visits.events:
        return {}
    times = [each.at for each in visits.events]
    return {
        "hs_analytics_num_page_views": str(len(times)),
        "hs_analytics_num_visits": str(len(visits.sessions)),
        "hs_analytics_first_timestamp": iso(min(times)),
        "hs_analytics_last_timestamp": iso(max(times)),
        "hs_analytics_last_visit_timestamp": iso(max(visits.sessions)),
    }


def _mailed(box: Mailbox) -> dict[str, str]:
    times: dict[str, list[int]] = {}
    for event in box.events:
        if event.type in _MAILS and not event.filtered:
            times.setdefault(event.type, []).append(event.at)
    values: dict[str, str] = {}
    for kind, some in times.items():
        counter, first, last = _MAILS[kind]
        values[counter] = str(len(some))
        values[first] = iso(min(some))
        values[last] = iso(max(some))
    if "BOUNCE" in times:
        values["hs_email_hard_bounce_reason_enum"] = "UNKNOWN_USER"
    return values


def _worked(work: Sequence[Object | Link], now: int) -> dict[str, str]:
    """Of activities: each is a note to the CRM; those in which somebody spoke are contacts too (7)."""
    done = [row for row in work if isinstance(row, Object) and row.kind != "deals"]
    if not done:
        return {}
    values = {"num_notes": str(len(done)), "notes_last_updated": iso(max(row.created for row in done))}
    talks = [row.properties["hs_timestamp"] for row in done if row.kind in _TALKS]
    if talks:
        values["num_contacted_notes"] = str(len(talks))
    held = [at for at in talks if at <= iso(now)]
    if held:
        values["notes_last_contacted"] = values["hs_last_sales_activity_timestamp"] = max(held)
    booked = [row.created for row in done if row.kind == "meetings"]
    if booked:
        values["engagements_last_meeting_booked"] = iso(max(booked))
    return values
