"""Events as they were told: once each, parked where nobody is known yet."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest
from sqlite_utils import Database

from connector.model import Engagement
from connector.store import engagement, records
from connector.store.schema import open_store, write


@pytest.fixture
def db() -> Iterator[Database]:
    opened = open_store(":memory:")
    yield opened
    opened.close()


def told(
    id: str = "1", *, contact: str | None = "42", address: str | None = None, **attrs: str | float | bool
) -> Engagement:
    return Engagement("forms", id, "form_submission", 5, contact, address, attrs, "Démo")


def put(db: Database, *rows: Engagement) -> int:
    with write(db):
        return engagement.put(db, rows, 9)


def test_an_event_told_again_changes_nothing(db: Database) -> None:
    assert put(db, told(form="Démo"), told("2")) == 2
    db.execute("UPDATE engagement SET judged = 1")
    assert put(db, told(form="Démo"), told("2"), told("3")) == 1
    assert engagement.unjudged(db) == 1


def test_an_event_that_changed_is_judged_again(db: Database) -> None:
    put(db, told(outcome="SCHEDULED"))
    db.execute("UPDATE engagement SET judged = 1")
    assert put(db, told(outcome="COMPLETED")) == 1
    assert engagement.unjudged(db) == 1


def test_one_event_of_several_contacts_is_one_of_each(db: Database) -> None:
    assert put(db, told(contact="1"), told(contact="2")) == 2


def test_text_is_folded_and_numbers_and_booleans_are_kept(db: Database) -> None:
    put(db, told(form="Téléchargement DÉMO", seconds=2.5, crm_filtered=True))
    attrs = orjson.loads(db.execute("SELECT attrs FROM engagement").fetchone()[0])
    assert attrs == {"form": "telechargement demo", "seconds": 2.5, "crm_filtered": True}


def test_events_of_an_unknown_address_wait_for_their_contact(db: Database) -> None:
    put(db, told("1", contact=None, address="jane@acme.fr"), told("2", contact=None, address="x@y.fr"))
    assert (engagement.parked(db), engagement.unjudged(db)) == (2, 0)
    with write(db):
        records.put_addresses(db, {"jane@acme.fr": "42"})
    assert (engagement.parked(db), engagement.unjudged(db)) == (1, 1)
    put(db, told("3", contact=None, address="jane@acme.fr"))
    assert engagement.unjudged(db) == 2


def test_an_event_without_contact_and_address_is_kept_and_waits_for_nobody(db: Database) -> None:
    assert put(db, told(contact=None)) == 1
    assert engagement.parked(db) == 0


def test_parked_events_do_not_slow_down_what_is_to_be_judged(db: Database) -> None:
    plan = db.execute(
        "EXPLAIN QUERY PLAN SELECT id FROM engagement WHERE judged = 0 AND contact_id IS NOT NULL LIMIT 5"
    ).fetchall()
    assert "engagement_unjudged" in plan[0][3]
    index = db.execute("SELECT sql FROM sqlite_master WHERE name = 'engagement_unjudged'").fetchone()[0]
    assert "contact_id IS NOT NULL" in index
