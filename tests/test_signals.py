"""Events into signals: the first kind that fits, made anew when the event or its meaning changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from accounts import NOW, rules_in
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from connector import signals
from connector.model import Engagement
from connector.rules.tree import MappingRules
from connector.store import decisions, engagement, records
from connector.store.schema import open_store, write

PARIS = ZoneInfo("Europe/Paris")
HOUR = 3_600_000
Edit = tuple[str, str]
EVERY_FORM: Edit = ("  demo_download:  ", "  any_form: {event: form_submission}\n  demo_download:  ")
NO_TRADE_FAIR: Edit = ('{matches: ["salon-*"]}', '{matches: ["foire-*"]}')


@cache
def mapping(*edits: Edit) -> MappingRules:
    with TemporaryDirectory() as folder:
        return rules_in(Path(folder), {"mappings/signals.yaml": edits}).mapping


@pytest.fixture
def db() -> Iterator[Database]:
    opened = open_store(":memory:")
    opened.execute("INSERT INTO contact (id, seen_at, properties) VALUES ('1', 0, '{}'), ('2', 0, '{}')")
    yield opened
    opened.close()


def event(
    name: str, id: str = "e", contact: str | None = "1", at: int = NOW, **attrs: str | float | bool
) -> Engagement:
    return Engagement("s", id, name, at, contact, None if contact else "jane@acme.fr", attrs, "label")


def derive(db: Database, *rows: Engagement, by: MappingRules | None = None, **how: Any) -> int:
    with write(db):
        engagement.put(db, rows, NOW)
    return signals.derive(db, by or mapping(), **how)


def kinds(db: Database) -> list[tuple[str, str]]:
    return [
        (r["contact_id"], r["kind"]) for r in db.query("SELECT contact_id, kind FROM signal ORDER BY 1, 2")
    ]


def judged(db: Database) -> None:
    """Everybody was judged a moment ago."""
    with write(db):
        decisions.clear_dirty(db, decisions.everyone(db), decisions.stamp_now(db))


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (event("form_submission", form="Téléchargement-Démo"), "demo_download"),
        (event("form_submission", form="LIVRE-BLANC-étude 2026"), "whitepaper_download"),
        (event("form_submission", form="newsletter"), "newsletter_signup"),
        (event("form_submission", form="newsletter bis"), None),
        (event("page_view", path="/Tarifs/entreprise"), "pricing_visit"),
        (event("page_view", path="/blog/tarifs"), None),
        (event("list_membership", list="Visited pricing page"), "pricing_visit"),
        (event("list_membership", list="Salon-Lyon 2026"), "trade_fair_visit"),
        (event("meeting", outcome="COMPLETED"), "meeting_held"),
        (event("meeting", outcome="CANCELED"), None),
        (event("meeting"), None),
        (event("call", direction="outbound"), "sales_touch"),
        (event("something_new"), None),
    ],
)
def test_what_an_event_makes(db: Database, told: Engagement, kind: str | None) -> None:
    assert derive(db, told) == 1
    assert [made for _, made in kinds(db)] == ([kind] if kind else [])


def test_an_event_makes_the_first_kind_that_fits_in_the_order_of_the_file(db: Database) -> None:
    derive(db, event("form_submission", form="newsletter"), by=mapping(EVERY_FORM))
    assert kinds(db) == [("1", "any_form")]


def test_a_robots_click_is_a_rejected_signal(db: Database) -> None:
    derive(db, event("email_click", "a", crm_filtered=True, email="7"), event("email_click", "b", email="8"))
    rows = db.execute("SELECT id, email, rejected FROM signal ORDER BY id").fetchall()
    assert rows == [("s:a", "7", "crm_filtered"), ("s:b", "8", None)]
    assert [kind for _, kind, _ in engagement.accepted(db, "1", NOW)] == ["email_click"]


def test_a_meeting_that_was_held_is_no_longer_a_booked_one(db: Database) -> None:
    derive(db, event("meeting", outcome="SCHEDULED", at=NOW - HOUR))
    judged(db)
    derive(db, event("meeting", outcome="COMPLETED", at=NOW))
    assert kinds(db) == [("1", "meeting_held")]
    assert decisions.to_judge(db, 0) == ["1"]
    derive(db, event("meeting", outcome="CANCELED", at=NOW))
    assert kinds(db) == []


def test_deriving_again_makes_nothing_and_judges_nobody(db: Database) -> None:
    told = [event("meeting", str(n), outcome="COMPLETED") for n in range(5)]
    assert derive(db, *told) == 5
    judged(db)
    before = db.execute("SELECT * FROM signal").fetchall()
    assert derive(db, *told) == 0
    assert signals.derived(db, mapping())
    assert db.execute("SELECT * FROM signal").fetchall() == before
    assert decisions.to_judge(db, 0) == []


def test_events_without_a_contact_wait_for_it(db: Database) -> None:
    assert derive(db, event("meeting", contact=None, outcome="COMPLETED")) == 0
    assert kinds(db) == []
    with write(db):
        records.put_addresses(db, {"jane@acme.fr": "2"})
    assert not signals.derived(db, mapping())
    assert signals.derive(db, mapping()) == 1
    assert kinds(db) == [("2", "meeting_held")]


def test_another_meaning_makes_every_signal_anew_without_a_pull(db: Database) -> None:
    told = (
        event("list_membership", "a", "1", list="salon-lyon"),
        event("meeting", "b", "2", outcome="COMPLETED"),
    )
    derive(db, *told)
    judged(db)
    assert not signals.derived(db, mapping(NO_TRADE_FAIR))
    assert signals.derive(db, mapping(NO_TRADE_FAIR)) == 2
    assert kinds(db) == [("2", "meeting_held")]
    assert decisions.to_judge(db, 0) == ["1", "2"]  # also who lost all signals
    signals.derive(db, mapping())
    assert kinds(db) == [("1", "trade_fair_visit"), ("2", "meeting_held")]


def test_many_events_are_judged_in_batches(db: Database) -> None:
    told = [event("meeting", str(n), str(1 + n % 2), outcome="COMPLETED") for n in range(10)]
    batches: list[int] = []
    assert derive(db, *told, chunk=3, tick=batches.append) == 10
    assert batches == [3, 3, 3, 1]
    assert len(kinds(db)) == 10


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ((2026, 7, 1, 0, 30), (2026, 7, 1, 23, 30), True),  # two days of UTC
        ((2026, 6, 30, 23, 30), (2026, 7, 1, 0, 30), False),  # one day of UTC
        ((2026, 3, 29, 0, 5), (2026, 3, 29, 23, 55), True),  # 23 hours long
        ((2026, 10, 25, 0, 5), (2026, 10, 25, 23, 55), True),  # 25 hours long
        ((2026, 10, 25, 23, 55), (2026, 10, 26, 0, 5), False),
    ],
)
def test_a_day_is_a_day_of_the_mappings_time_zone(
    db: Database, first: tuple[int, ...], second: tuple[int, ...], same: bool
) -> None:
    moments = [round(datetime(*at, tzinfo=PARIS).timestamp() * 1000) for at in (first, second)]  # type: ignore[misc, arg-type]
    derive(db, *(event("meeting", str(at), at=at, outcome="COMPLETED") for at in moments))
    days = [row[0] for row in db.execute("SELECT day FROM signal ORDER BY at")]
    assert (days[0] == days[1]) is same


@settings(max_examples=20, deadline=None)
@given(
    st.permutations([("a", "SCHEDULED"), ("b", "COMPLETED"), ("c", "CANCELED"), ("d", "COMPLETED")]),
    st.data(),
)
def test_the_order_in_which_events_come_makes_no_difference(
    order: list[tuple[str, str]], data: st.DataObject
) -> None:
    db = open_store(":memory:")
    for id, outcome in order:
        derive(db, event("meeting", id, outcome=outcome))
        if data.draw(st.booleans()):
            derive(db, event("meeting", id, outcome=outcome))
    assert kinds(db) == [("1", "meeting_booked"), ("1", "meeting_held"), ("1", "meeting_held")]
    db.close()


def test_only_lists_that_the_mapping_speaks_of_are_wanted() -> None:
    wanted = signals.list_filter(mapping())
    assert [wanted(name) for name in ("SALON-Été", "visited pricing page", "Newsletter", "")] == [
        True,
        True,
        False,
        False,
    ]
