"""Event occurrences, page views among them (HUBSPOT.md 5.5). Enterprise only."""

from __future__ import annotations

import re
from typing import Any

import orjson

from connector.sandbox import kinds
from connector.sandbox.clock import iso, parse
from connector.sandbox.state import Account
from connector.sandbox.wire import Body, Call, Reply, Unimitated, refuse, route

_NAME = re.compile(r"\w{1,200}", re.ASCII)
STANDARD = [
    "e_visited_page",
    "e_form_submission_v2",
    "e_submitted_form",
    "e_meeting_booked",
    "e_opened_tracked_inbox_email_v7",
    "e_clicked_link_in_tracked_inbox_email_v7",
    "e_replied_to_tracked_inbox_email_v7",
    "e_v2_contact_replied_sequence_email",
    "e_document_viewed_v2",
    "e_attended_marketing_event",
]


def every(account: Account, call: Call) -> Reply:
    """By contact, by type, by time, newest first unless sorted the other way; `before` goes a page back."""
    sort = call.many("sort") or ["-occurredAt"]
    if sort not in (["-occurredAt"], ["occurredAt"]):
        raise refuse(400, "Only a single sort field 'occurredAt' is supported", "VALIDATION_ERROR")
    back = bool(call.one("before")) and not call.one("after")
    down = sort[0].startswith("-") is not back
    where, values = _where(account, call, down)
    limit = call.whole("limit", 10, 100_000)
    order = "at desc, n desc" if down else "at, n"
    rows = account.engagement.web_events(where, tuple(values), order, limit + 1)
    shown = rows[:limit][::-1] if back else rows[:limit]
    body: Body = {"results": [_show(row, call.many("properties")) for row in shown]}
    if shown and (back or len(rows) > limit):
        body["paging"] = {"next": {"after": f"{shown[-1][4]}-{shown[-1][0]}"}}
    return Reply(200, body)


def _where(account: Account, call: Call, down: bool) -> tuple[str, list[Any]]:
    parts: list[str] = ["1"]
    values: list[Any] = []
    contact = _contact(account, call)
    if contact is not None:
        parts.append("contact = ?")
        values.append(contact)
    if call.one("eventType"):
        parts.append("type = ?")
        values.append(call.one("eventType"))
    if ids := call.many("id"):
        parts.append(f"id in ({', '.join('?' * len(ids))})")
        values += ids
    for name, sign in (("occurredAfter", ">="), ("occurredBefore", "<=")):
        if text := call.one(name):
            parts.append(f"at {sign} ?")
            values.append(_moment(name, text))
    for name in call.query:
        if name.startswith("property."):
            parts.append("json_extract(properties, ?) = ?")
            values += [f'$."{_property(name)}"', call.one(name)]
    if cursor := call.one("after") or call.one("before"):
        parts.append(f"(at, n) {'<' if down else '>'} (?, ?)")
        values += _cursor(cursor)
    return " and ".join(parts), values


def _property(parameter: str) -> str:
    name = parameter.removeprefix("property.")
    if not _NAME.fullmatch(name):
        raise refuse(400, f"Invalid property: {name}", "VALIDATION_ERROR")
    return name


def _cursor(text: str) -> list[int]:
    at, _, number = text.partition("-")
    if not (at.isdecimal() and number.isdecimal() and max(len(at), len(number)) <= 18):
        raise refuse(400, f"Invalid after: {text}", "VALIDATION_ERROR")
    return [int(at), int(number)]


def _contact(account: Account, call: Call) -> int | None:
    """The contact asked for; -1 for one that is not there, None for everybody."""
    if not any(call.one(name) for name in ("objectType", "objectId", "objectProperty.email")):
        if not call.one("eventType") and not call.many("id"):
            raise refuse(
                400, "Either objectType and objectId, or eventType must be provided", "VALIDATION_ERROR"
            )
        return None
    kind = kinds.find(call.one("objectType", "contact"))
    if kind is None or kind.plural != "contacts":
        raise Unimitated(f"events of object type {call.one('objectType')}")
    if email := call.one("objectProperty.email"):
        return account.records.by_email(email) or -1
    id = call.one("objectId")
    if not id:
        return None
    return account.records.canonical("contacts", int(id)) if id.isdecimal() and len(id) < 19 else -1


def _moment(name: str, text: str) -> int:
    moment = parse(text)
    if moment is None:
        raise refuse(400, f"Invalid {name}: {text}", "VALIDATION_ERROR")
    return max(min(moment, 2**52), -(2**52))


def _show(row: tuple[Any, ...], names: list[str]) -> Body:
    _, id, contact, kind, at, text = row
    properties = orjson.loads(text)
    return {
        "objectType": "CONTACT",
        "objectId": str(contact),
        "eventType": kind,
        "id": id,
        "occurredAt": iso(at),
        "properties": {name: properties[name] for name in names or properties if name in properties},
    }


def types(account: Account, _call: Call) -> Reply:
    """Every name there may be, also those that this account has no event of."""
    return Reply(200, {"eventTypes": sorted({*STANDARD, *account.engagement.event_types()})})


_PARAMETERS = [
    "objectType",
    "objectId",
    "objectProperty.email",
    "eventType",
    "id",
    "occurredAfter",
    "occurredBefore",
    "sort",
    "limit",
    "after",
    "before",
    "properties",
    "property.*",
]
ROUTES = (
    route("GET", "/events/event-occurrences", every, *_PARAMETERS, scopes="oauth", tier="enterprise"),
    route("GET", "/events/event-occurrences/event-types", types, scopes="oauth", tier="enterprise"),
)
