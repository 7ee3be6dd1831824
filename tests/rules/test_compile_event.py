"""Which signal an event of the CRM makes: the mapping's SQL on real rows."""

from __future__ import annotations

import json
import sqlite3
from itertools import count

from score_cache import to_condition, to_mapping

from connector.diagnostics import Place
from connector.rules.compile import kind_select
from connector.rules.tree import EventSource, SignalKind

NOW = 1_790_000_000_000
PLACE = Place("mappings/signals.yaml", 1)
ATTRIBUTES = {"path": "text", "form": "text", "seconds": "number", "answered": "bool", "outcome": "text"}


def source(*events: str, where: tuple | None = None, reject_if: tuple[str, ...] = ()) -> EventSource:
    lines = (Place("mappings/signals.yaml", n) for n in count(1))
    made = to_condition(where, ATTRIBUTES, lines) if where else None
    return EventSource(events, made, reject_if, PLACE)


def asks(name: str, op: str, *values: object) -> tuple:
    return ("test", "event", name, op, list(values))


def made_of(kinds: dict[str, list[EventSource]], events: list[dict]) -> list[dict]:
    signals = {name: SignalKind(name, tuple(sources), PLACE) for name, sources in kinds.items()}
    db = sqlite3.connect(":memory:")
    db.row_factory = sqlite3.Row
    db.execute("""CREATE TABLE engagement(id TEXT, party TEXT, source TEXT, event TEXT, at INTEGER,
        ingested_at INTEGER, contact_id TEXT, attrs TEXT, label TEXT)""")
    for n, said in enumerate(events):
        attrs = json.dumps({k: v for k, v in said.items() if k != "event"})
        row = (f"e{n}", "jane@acme.fr", "s", said["event"], NOW + n, NOW, "c1", attrs, "")
        db.execute("INSERT INTO engagement VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    rows = db.execute(kind_select(to_mapping({}, signals)) + " ORDER BY at").fetchall()
    db.close()
    return [dict(row) for row in rows]


def test_an_event_makes_the_first_kind_that_fits() -> None:
    kinds = {
        "pricing_visit": [source("page_view", where=asks("path", "matches", "/tarifs*", "/pricing*"))],
        "demo": [source("form_submission", where=asks("form", "in", "demo")), source("demo_event")],
        "form": [source("form_submission")],
        "talk": [source("call", "meeting", where=("not", asks("outcome", "is", "no_answer")))],
    }
    events = [
        {"event": "page_view", "path": "/tarifs/pro"},
        {"event": "page_view", "path": "/blog"},
        {"event": "form_submission", "form": "demo", "form_id": "guid-1"},
        {"event": "form_submission", "form": "autre"},
        {"event": "demo_event"},
        {"event": "call"},
        {"event": "meeting", "outcome": "no_answer"},
        {"event": "unmapped", "path": "/tarifs"},
    ]
    rows = made_of(kinds, events)
    want = [("e0", "pricing_visit"), ("e2", "demo"), ("e3", "form"), ("e4", "demo"), ("e5", "talk")]
    assert [(row["id"], row["kind"]) for row in rows] == want
    assert [row["form"] for row in rows] == [None, "guid-1", "autre", None, None]
    assert (rows[0]["party"], rows[0]["contact_id"], rows[0]["at"]) == ("jane@acme.fr", "c1", NOW)


def test_the_source_that_fits_says_what_is_rejected() -> None:
    careful = source("email_open", reject_if=("bot", "crm_filtered"))
    kinds = {"open": [careful], "click": [source("email_click")]}
    events = [
        {"event": "email_open", "email": "7", "crm_filtered": True},
        {"event": "email_open", "email": 8, "crm_filtered": False},
        {"event": "email_open", "email": ""},
        {"event": "email_click", "crm_filtered": True},
    ]
    rows = made_of(kinds, events)
    assert [row["rejected"] for row in rows] == ["crm_filtered", None, None, None]
    assert [row["email"] for row in rows] == ["7", "8", None, None]


def test_an_attribute_is_compared_as_what_it_is() -> None:
    kinds = {
        "long": [source("call", where=asks("seconds", "above", 30.0))],
        "taken": [source("call", where=asks("answered", "is", True))],
        "told": [source("call", where=asks("outcome", "is", "o'k; --"))],
        "empty": [source("call", where=("all", [asks("path", "unknown"), asks("form", "known")]))],
    }
    events = [
        {"event": "call", "seconds": 30.5},
        {"event": "call", "seconds": "31"},
        {"event": "call", "seconds": None, "answered": True},
        {"event": "call", "answered": False, "outcome": "o'k; --"},
        {"event": "call", "path": "", "form": "x"},
        {"event": "call", "path": "/", "form": "x"},
    ]
    assert [(x["id"], x["kind"]) for x in made_of(kinds, events)] == [
        ("e0", "long"),
        ("e2", "taken"),
        ("e3", "told"),
        ("e4", "empty"),
    ]


def test_a_mapping_without_signals_makes_none() -> None:
    assert made_of({}, [{"event": "call"}]) == []
