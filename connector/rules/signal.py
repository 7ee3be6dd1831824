"""`signals:` of a mapping: which events of the CRM make which signal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from connector.rules import reading
from connector.rules.comparison import Comparable
from connector.rules.condition import event_condition
from connector.rules.nodes import Entry, Items, Mistakes, Node, listed, quoted
from connector.rules.reading import Kind
from connector.rules.tree import BOT, READING, REASONS, Condition, EventSource, FieldType, SignalKind

_MAIL: Mapping[str, FieldType] = {"email": "text", "subject": "text"}
# What a `where` may ask of each event. The engagement sources fill these attributes.
EVENTS: Mapping[str, Mapping[str, FieldType]] = {
    "form_submission": {"form": "text", "form_id": "text", "path": "text", "domain": "text"},
    "email_open": {**_MAIL, "url": "text", "agent": "text"},
    "email_click": {**_MAIL, "url": "text", "agent": "text"},
    "email_bounce": _MAIL,
    "email_spam_report": _MAIL,
    "email_unsubscribe": _MAIL,
    "page_view": {"path": "text", "domain": "text", "url": "text"},
    "meeting": {"outcome": "text", "type": "text"},
    "call": {"direction": "text", "outcome": "text", "seconds": "number"},
    "sales_email": {"direction": "text"},
    "communication": {"channel": "text"},
    "note": {},
    "task": {"type": "text", "status": "text"},
    "list_membership": {"list": "text", "list_id": "text"},
    "marketing_event": {"name": "text", "state": "text"},
    "deal_stage": {"pipeline": "text", "stage": "text", "probability": "number", "amount": "number"},
}
# What an attribute can be and nothing else, where the CRM says so: an account adds nothing to it.
_VALUES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("marketing_event", "state"): ("REGISTERED", "ATTENDED", "NO_SHOW", "CANCELLED"),
}

_SOURCE = Kind(
    "a signal's source", ("event", "where", "reject_if"), ("event",), {"events": "event", "when": "where"}
)
_SLIPS = {
    "form": "form_submission",
    "form_submitted": "form_submission",
    "open": "email_open",
    "click": "email_click",
    "page_visit": "page_view",
    "pageview": "page_view",
    "visit": "page_view",
    "list": "list_membership",
    "deal": "deal_stage",
    "message": "communication",
    "whatsapp": "communication",
    "linkedin": "communication",
    "sms": "communication",
    "webinar": "marketing_event",
    "participation": "marketing_event",
}


def read_signals(node: Node | None, zone: tzinfo, mistakes: Mistakes) -> dict[str, SignalKind]:
    """The signals in file order. One whose sources cannot be read is there by name all the same."""
    if node is None:
        return {}
    found = reading.block(node, "`signals`", mistakes, "demo: {event: form_submission}")
    made: dict[str, SignalKind] = {}
    for entry in found.entries if found else ():
        name = reading.name(entry.key, "a signal's name", mistakes)
        sources = _sources(entry, zone, mistakes)
        if name is not None:
            made[name] = SignalKind(name, sources, entry.key.place)
    return made


def _sources(entry: Entry, zone: tzinfo, mistakes: Mistakes) -> tuple[EventSource, ...]:
    nodes = (
        reading.items(entry.value, "a signal", mistakes) if isinstance(entry.value, Items) else (entry.value,)
    )
    return reading.each(nodes, lambda node: _source(node, zone, mistakes))


def _source(node: Node, zone: tzinfo, mistakes: Mistakes) -> EventSource | None:
    said = reading.keys(node, _SOURCE, mistakes, "{event: form_submission, where: {form: {is: contact}}}")
    if said is None:
        return None
    nodes = reading.one_or_more(said["event"], "`event`", mistakes) if "event" in said else None
    known_events = reading.each(nodes, lambda one: _event(one, mistakes))
    complete = nodes is not None and len(known_events) == len(nodes)
    events = tuple(dict.fromkeys(known_events))
    where = None
    if "where" in said:
        where = _where(said["where"], events, complete, zone, mistakes)
    reasons = _reasons(said.get("reject_if"), events, mistakes)
    return EventSource(events, where, reasons, node.place) if events else None


def _event(node: Node, mistakes: Mistakes) -> str | None:
    return reading.option(node, "an event that we pull", EVENTS, mistakes, "unknown-event", _SLIPS)


def _where(
    node: Node, events: tuple[str, ...], complete: bool, zone: tzinfo, mistakes: Mistakes
) -> Condition | None:
    """`complete`: whether all events that the source names are known."""
    named = listed(map(quoted, events))
    known = _attributes(events) if complete else None
    if known != {}:
        return event_condition(node, named, known, mistakes, zone)
    several = len(events) > 1
    mistakes.add(
        "unknown-attribute",
        node,
        f"{named} have no attribute in common" if several else f"{named} has no attributes",
        why="a `where` asks what an event says of itself, and here there is nothing to ask.",
        fix="delete `where`" + (", or give each event a source of its own." if several else "."),
    )
    return None


def _attributes(events: tuple[str, ...]) -> dict[str, Comparable]:
    """The attributes that all of these events have."""
    first, *others = (EVENTS[event] for event in events)
    return {
        name: _comparable(events, name, type_)
        for name, type_ in first.items()
        if all(name in other for other in others)
    }


def _comparable(events: tuple[str, ...], name: str, type_: FieldType) -> Comparable:
    values = _VALUES.get((events[0], name), ()) if len(events) == 1 else ()
    return Comparable(type_, values, fixed=bool(values))


def _reasons(node: Node | None, events: tuple[str, ...], mistakes: Mistakes) -> tuple[str, ...]:
    nodes = reading.one_or_more(node, "`reject_if`", mistakes) if node is not None else ()
    return reading.each(nodes, lambda one: _reason(one, events, mistakes))


def _reason(node: Node, events: tuple[str, ...], mistakes: Mistakes) -> str | None:
    what, known = "a reason to reject an event", ("bot", *REASONS)
    said = reading.option(node, what, known, mistakes, "unknown-reason", {"bots": "bot", "robot": "bot"})
    other = next((event for event in events if event not in READING), None)
    if said in ("bot", *BOT) and other is not None:
        _honoured(node, said, other, mistakes)
    return said


def _honoured(node: Node, reason: str, event: str, mistakes: Mistakes) -> None:
    only = event != "email_unsubscribe"
    mistakes.add(
        "unknown-reason",
        node,
        f"{quoted(reason)} is not a reason to reject {quoted(event)}",
        why=f"robots are told by what they open and click: {listed(map(quoted, READING))}."
        if only
        else "an unsubscribe is always honoured, whoever clicked it.",
        fix="delete it" + (", or give that event a source of its own, without it." if only else "."),
    )


def has_attribute(signal: SignalKind, attribute: str) -> str | None:
    """The first event of the signal that lacks the attribute; None if all have it."""
    events = (event for source in signal.sources for event in source.events)
    return next((event for event in events if attribute not in EVENTS[event]), None)
