"""Marketing events, and the state of who took part (HUBSPOT.md 5.6): only the present one of each, no filter by
time. Read only: events and participations come from the controls."""

from __future__ import annotations

from typing import Any

from connector.sandbox.clock import iso
from connector.sandbox.state import Account
from connector.sandbox.state.participations import EventRow, ParticipationRow
from connector.sandbox.wire import Body, Call, Reply, refuse, route

READ = "crm.objects.marketing_events.read"
STATES = ("REGISTERED", "CANCELLED", "ATTENDED", "NO_SHOW")  # that may be asked for


def every(account: Account, call: Call) -> Reply:
    """By id: the vendor promises no order."""
    limit, after = call.whole("limit", 10, 100), call.whole("after", 0, 2**62, 0)
    rows = account.participations.events(after, limit + 1)
    body: Body = {"results": [_event(account, row) for row in rows[:limit]]}
    if len(rows) > limit:
        body["paging"] = _next(call, rows[limit].id)
    return Reply(200, body)


def get(account: Account, call: Call) -> Reply:
    return Reply(200, _event(account, _find(account, call)))


def counters(account: Account, call: Call) -> Reply:
    counted = account.participations.counted(_find(account, call).id)
    names = {"attended": "ATTENDED", "registered": "REGISTERED", "cancelled": "CANCELLED"}
    shown = {name: counted.get(state, 0) for name, state in {**names, "noShows": "NO_SHOW"}.items()}
    return Reply(200, shown)


def of_event(account: Account, call: Call) -> Reply:
    where, values = "event = ?", [_find(account, call).id]
    if asked := call.one("contactIdentifier"):
        where, values = f"{where} and contact = ?", [*values, _contact(account, asked)]
    return _breakdown(account, call, where, values)


def of_contact(account: Account, call: Call) -> Reply:
    """Of a contact named by id or by any address; nobody has taken part in nothing."""
    return _breakdown(account, call, "contact = ?", [_contact(account, call.args["contact"])])


def _breakdown(account: Account, call: Call, where: str, values: list[Any]) -> Reply:
    limit, after = call.whole("limit", 10, 100), call.whole("after", 0, 2**31, 0)
    if state := call.one("state"):
        if state not in STATES:
            raise refuse(400, f"Invalid state: {state}", "VALIDATION_ERROR")
        where, values = f"{where} and state = ?", [*values, state]
    rows = account.participations.some(where, tuple(values), after, limit + 1)
    body: Body = {
        "total": account.participations.total(where, tuple(values)),
        "results": [_participation(account, row) for row in rows[:limit]],
    }
    if len(rows) > limit:
        body["paging"] = _next(call, after + limit)
    return Reply(200, body)


def _next(call: Call, after: int) -> Body:
    return {"next": {"after": str(after), "link": f"https://api.hubapi.com{call.path}?after={after}"}}


def _find(account: Account, call: Call) -> EventRow:
    text = call.args["id"]
    row = account.participations.event(int(text)) if text.isdecimal() and len(text) < 19 else None
    if row is None:
        raise refuse(404, f"Marketing event {text} was not found", "OBJECT_NOT_FOUND")
    return row


def _contact(account: Account, text: str) -> int:
    """The contact of an id or an address; -1 for one that is not there."""
    if text.isdecimal() and len(text) < 19:
        return account.records.canonical("contacts", int(text))
    return account.records.by_email(text) or -1


def _event(account: Account, row: EventRow) -> Body:
    counted = account.participations.counted(row.id)
    everybody = sum(number for state, number in counted.items() if state in STATES)
    return {
        "objectId": str(row.id),
        "eventName": row.name,
        "eventType": row.type,
        "eventOrganizer": "Marketing",
        "externalEventId": row.external_id or None,
        "startDateTime": iso(row.start),
        "endDateTime": iso(row.end),
        "eventCancelled": bool(row.cancelled),
        "eventCompleted": row.end <= account.clock.now(),
        "customProperties": [],
        "registrants": everybody,
        "attendees": counted.get("ATTENDED", 0),
        "cancellations": counted.get("CANCELLED", 0),
        "noShows": counted.get("NO_SHOW", 0),
        "createdAt": iso(row.created),
        "updatedAt": iso(row.updated),
    }


def _participation(account: Account, row: ParticipationRow) -> Body:
    record = account.records.find("contacts", row.contact)
    event = account.participations.event(row.event)
    props = record.props if record else {}
    return {
        "id": row.id,
        "createdAt": iso(row.created),
        "associations": {
            "contact": {
                "contactId": str(row.contact),
                "email": props.get("email", ""),
                "firstname": props.get("firstname"),
                "lastname": props.get("lastname"),
            },
            "marketingEvent": {
                "marketingEventId": str(row.event),
                "name": event.name if event else "",
                "externalAccountId": None,
                "externalEventId": (event.external_id if event else "") or None,
            },
        },
        "properties": {"attendanceState": row.state, "occurredAt": row.at},
    }


_ROOT = "/marketing/marketing-events"
_PAGE = ("limit", "after", "state")
ROUTES = (
    route("GET", _ROOT, every, "limit", "after", scopes=READ),
    route("GET", _ROOT + "/{id}", get, scopes=READ),
    route("GET", _ROOT + "/participations/{id}", counters, scopes=READ),
    route(
        "GET", _ROOT + "/participations/{id}/breakdown", of_event, *_PAGE, "contactIdentifier", scopes=READ
    ),
    route("GET", _ROOT + "/participations/contacts/{contact}/breakdown", of_contact, *_PAGE, scopes=READ),
)
