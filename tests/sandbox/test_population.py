"""The account that `populate` makes: the same each time, whole, and with something in it to score."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest
from population_rows import CONTACTS, NOW, STAGES, merged, objects, values

from connector.sandbox.population import populate
from connector.sandbox.population.calendar import DAY, YEAR, iso
from connector.sandbox.rows import (
    Alias,
    EmailEvent,
    Form,
    Link,
    ListDef,
    MarketingEvent,
    Membership,
    Object,
    Owner,
    Participation,
    PropertyDef,
    Row,
    Submission,
    WebEvent,
)

FORMS = {
    "newsletter", "demo-download", "telechargement-demo", "livre-blanc-seo", "whitepaper-abm",
    "webinar-attribution",
    "webinaire-rgpd", "contact", "demande-rdv", "devis",
}  # fmt: skip


KINDS = (
    "contacts", "companies", "deals", "meetings", "calls", "emails", "notes", "tasks", "communications",
)  # fmt: skip


def digest(contacts: int, seed: int, now: int) -> str:
    state = hashlib.sha256()
    for row in populate(contacts, seed, now):
        state.update(repr(row).encode())
    return state.hexdigest()


def test_the_same_every_time_and_different_by_seed_and_moment() -> None:
    assert digest(300, 7, NOW) == digest(300, 7, NOW)
    assert (
        len({digest(300, 7, NOW), digest(300, 8, NOW), digest(300, 7, NOW + DAY), digest(301, 7, NOW)}) == 4
    )


def test_the_same_in_another_process_whatever_its_hash_seed() -> None:
    code = (
        "import hashlib; from connector.sandbox.population import populate; s = hashlib.sha256()\n"
        f"for row in populate(300, 7, {NOW}): s.update(repr(row).encode())\n"
        "print(s.hexdigest())"
    )
    told = set()
    for seed in ("1", "2"):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TZ": "Asia/Tokyo",
        }
        run = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        told.add(run.stdout.strip())
    assert told == {digest(300, 7, NOW)}


@pytest.mark.parametrize("contacts", [0, 1, 2, 5, 10, 99, 100, 101])
def test_any_number_of_contacts(contacts: int) -> None:
    made = list(populate(contacts, 3, NOW))
    assert len(objects(made, "contacts")) == contacts
    assert ("jane@acme.fr" in values(made, "contacts", "email")) == (contacts >= 10)


def test_volumes(rows: list[Row]) -> None:
    kinds = Counter(row.kind if isinstance(row, Object) else type(row).__name__ for row in rows)
    expected = {
        "contacts": (2010, 2050), "companies": (500, 667), "deals": (130, 230), "meetings": (180, 320),
        "calls": (300, 500), "emails": (500, 1200), "notes": (150, 450), "tasks": (150, 400),
        "communications": (15, 60),
        "Submission": (1200, 2000), "EmailEvent": (12_000, 20_000), "WebEvent": (4200, 7000),
        "Membership": (100, 350), "Alias": (20, 60),
        "Owner": (7, 7), "Form": (10, 10), "MarketingEvent": (5, 5), "Participation": (80, 200),
    }  # fmt: skip
    assert {
        name: kinds[name] for name, (low, high) in expected.items() if not low <= kinds[name] <= high
    } == {}


def test_a_row_refers_only_to_rows_before_it(rows: list[Row]) -> None:
    known: set[tuple[str, int]] = set()
    forms: set[str] = set()
    lists: set[int] = set()
    renamed: set[int] = set()
    webinars: set[int] = set()
    for row in rows:
        if isinstance(row, Object):
            assert (row.kind, row.id) not in known
            known.add((row.kind, row.id))
        elif isinstance(row, Alias):
            assert (row.kind, row.survivor) in known or row.survivor in renamed
            assert (row.kind, row.id) not in known
            renamed.add(row.id)
        elif isinstance(row, Link):
            assert {(row.from_kind, row.from_id), (row.to_kind, row.to_id)} <= known
        elif isinstance(row, Form):
            forms.add(row.guid)
        elif isinstance(row, ListDef):
            lists.add(row.id)
        elif isinstance(row, Submission):
            assert row.form in forms
        elif isinstance(row, Membership):
            assert row.list_id in lists
            assert ("contacts", row.contact_id) in known
        elif isinstance(row, WebEvent):
            assert ("contacts", row.contact_id) in known
        elif isinstance(row, MarketingEvent):
            webinars.add(row.id)
        elif isinstance(row, Participation):
            assert row.event_id in webinars
            assert ("contacts", row.contact_id) in known


def test_no_link_and_no_membership_twice(rows: list[Row]) -> None:
    links = [(row.from_kind, row.from_id, row.to_kind, row.to_id) for row in rows if isinstance(row, Link)]
    members = [(row.list_id, row.contact_id) for row in rows if isinstance(row, Membership)]
    assert len(links) == len(set(links))
    assert len(members) == len(set(members))


def test_each_contact_has_at_most_one_company_and_it_is_primary(rows: list[Row]) -> None:
    living = {row.id for row in objects(rows, "contacts")}
    links = [row for row in rows if isinstance(row, Link) and row.from_id in living]
    assert all(row.primary and row.to_kind == "companies" for row in links)
    assert len({row.from_id for row in links}) == len(links)
    assert 0.8 * CONTACTS < len(links) < CONTACTS


def test_ids_have_eleven_digits_and_grow_with_creation(rows: list[Row]) -> None:
    late = {row.id for row in merged(rows)}  # a merge gives a new id and keeps the first date
    for kind in KINDS:
        made = sorted(objects(rows, kind), key=lambda row: row.id)
        assert all(len(str(row.id)) == 11 for row in made)
        made = [row for row in made if row.id not in late]
        assert all(a.id < b.id and a.created <= b.created for a, b in pairwise(made)), kind


def moments(row: Row) -> Iterator[int]:
    if isinstance(row, Object):
        yield from (row.created, row.modified, row.archived or row.modified)
        yield from (version.at for versions in row.history.values() for version in versions)
    elif isinstance(row, Submission | EmailEvent | WebEvent | Membership | Alias):
        yield row.at
    elif isinstance(row, MarketingEvent):
        yield row.created
    elif isinstance(row, Participation):
        yield from (row.created or row.at, row.at)


@pytest.mark.parametrize(
    ("contacts", "now"), [(CONTACTS, NOW), (500, NOW + 3 * 3_600_000), (500, NOW - 100 * DAY - 1)]
)
def test_nothing_is_later_than_now_or_older_than_the_history(contacts: int, now: int) -> None:
    for row in populate(contacts, 5, now):
        for at in moments(row):
            assert now - YEAR - 3_600_000 <= at <= now, row
        if isinstance(row, Object):
            assert row.created <= row.modified, row


def test_only_appointments_close_dates_and_tasks_lie_ahead(rows: list[Row]) -> None:
    ahead = [row for row in objects(rows, "meetings") if row.properties["hs_meeting_start_time"] > iso(NOW)]
    assert len(ahead) >= 5
    assert {row.properties["hs_meeting_outcome"] for row in ahead} == {"SCHEDULED"}
    for kind in ("calls", "emails", "notes", "communications"):
        assert all(row.properties["hs_timestamp"] <= iso(NOW) for row in objects(rows, kind))
    due = [row for row in objects(rows, "tasks") if row.properties["hs_timestamp"] > iso(NOW)]
    assert len(due) >= 5
    assert all(row.properties["hs_task_status"] != "COMPLETED" for row in due)
    closed = [row for row in objects(rows, "deals") if row.properties["dealstage"].startswith("closed")]
    assert all(iso(row.created) < row.properties["closedate"] <= iso(NOW) for row in closed)


def test_meetings_end_after_they_start(rows: list[Row]) -> None:
    for row in objects(rows, "meetings"):
        assert row.properties["hs_meeting_start_time"] < row.properties["hs_meeting_end_time"]


def test_french_and_english_names_and_accents(rows: list[Row]) -> None:
    assert {"Étienne", "Zoë", "François", "Noël", "James"} <= values(rows, "contacts", "firstname")
    assert {"O'Brien", "Lefèvre", "Müller"} <= values(rows, "contacts", "lastname")
    companies = values(rows, "companies", "name")
    assert any("& Fils" in name for name in companies)
    assert any(name.endswith("GmbH") for name in companies)
    titles = values(rows, "contacts", "jobtitle")
    assert {"Étudiante", "MBA student", "Directrice marketing", "Head of Growth"} <= titles


def test_addresses_and_domains_are_unique_and_plain(rows: list[Row]) -> None:
    addresses = [row.properties["email"] for row in objects(rows, "contacts") if "email" in row.properties]
    assert len(addresses) == len(set(addresses))
    assert all(re.fullmatch(r"[a-z0-9.\-]+@[a-z0-9\-]+(\.[a-z0-9\-]+)+", address) for address in addresses)
    assert 0.9 * CONTACTS < len(addresses) < CONTACTS
    domains = [row.properties["domain"] for row in objects(rows, "companies")]
    assert len(domains) == len(set(domains))


def test_jane_is_about_to_buy(rows: list[Row]) -> None:
    jane = next(row for row in objects(rows, "contacts") if row.properties.get("email") == "jane@acme.fr")
    assert jane.properties["hs_persona"] == "decision_maker"
    names = {row.guid: row.name for row in rows if isinstance(row, Form)}
    sent = [
        names[row.form]
        for row in rows
        if isinstance(row, Submission) and row.values["email"].lower() == "jane@acme.fr"
    ]
    assert sent.count("telechargement-demo") == 2
    pricing = [
        row
        for row in rows
        if isinstance(row, WebEvent) and row.contact_id == jane.id and "/tarifs" in row.properties["hs_url"]
    ]
    assert len({row.at // DAY for row in pricing if NOW - row.at < 30 * DAY}) >= 3
    assert any(
        isinstance(row, EmailEvent) and row.type == "OPEN" and row.recipient == "jane@acme.fr" for row in rows
    )


def test_definitions_forms_owners_and_lists(rows: list[Row]) -> None:
    defined = {row.name: {value for value, _ in row.options} for row in rows if isinstance(row, PropertyDef)}
    assert set(STAGES) < defined.pop("lifecyclestage")
    assert defined == {
        "list_origin": {"purchased_list", "business_card", "trade_fair", "referral"},
        "hs_persona": {"decision_maker", "practitioner", "student", "other"},
    }
    assert {row.name for row in rows if isinstance(row, Form)} == FORMS
    assert all(row.email.endswith("@example-sales.fr") for row in rows if isinstance(row, Owner))
    lists = {row.name: row.processing for row in rows if isinstance(row, ListDef)}
    assert {"Visited pricing page": "DYNAMIC", "Nurturing": "MANUAL"}.items() <= lists.items()
    assert sum(name.startswith("salon-") and name.endswith("-2026") for name in lists) == 2


def test_enumerations_hold_only_their_options(rows: list[Row]) -> None:
    owners = {str(row.id) for row in rows if isinstance(row, Owner)}
    assert values(rows, "contacts", "hubspot_owner_id") == owners
    assert values(rows, "contacts", "list_origin") == {
        "purchased_list",
        "business_card",
        "trade_fair",
        "referral",
    }
    assert values(rows, "contacts", "hs_persona") == {"decision_maker", "practitioner", "student", "other"}
    assert values(rows, "contacts", "lifecyclestage") == set(STAGES)
    assert values(rows, "contacts", "hs_email_optout") == {"true"}
    assert values(rows, "contacts", "hs_lead_status") <= {
        "NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED",
        "BAD_TIMING",
    }  # fmt: skip
    assert values(rows, "contacts", "hs_analytics_source") <= {
        "ORGANIC_SEARCH", "PAID_SEARCH", "EMAIL_MARKETING", "SOCIAL_MEDIA", "REFERRALS", "OTHER_CAMPAIGNS",
        "DIRECT_TRAFFIC", "OFFLINE", "PAID_SOCIAL",
    }  # fmt: skip
    assert values(rows, "meetings", "hs_meeting_outcome") == {
        "SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "CANCELED",
    }  # fmt: skip
    assert values(rows, "calls", "hs_call_direction") == {"INBOUND", "OUTBOUND"}
    assert values(rows, "deals", "pipeline") == {"default"}
    assert values(rows, "deals", "dealstage") == {
        "appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin",
        "contractsent",
        "closedwon", "closedlost",
    }  # fmt: skip
    kinds = {row.type for row in rows if isinstance(row, EmailEvent)}
    assert kinds == {
        "OPEN", "CLICK", "BOUNCE", "SPAMREPORT", "STATUSCHANGE", "SENT", "DELIVERED", "SUPPRESSED",
        "UNBOUNCE",
    }  # fmt: skip
    for kind, name, allowed in (
        ("tasks", "hs_task_status", {"NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED"}),
        ("tasks", "hs_task_type", {"TODO", "CALL", "EMAIL"}),
        ("tasks", "hs_task_priority", {"NONE", "LOW", "MEDIUM", "HIGH"}),
        ("emails", "hs_email_direction", {"EMAIL", "INCOMING_EMAIL"}),
        ("communications", "hs_communication_channel_type", {"WHATS_APP", "LINKEDIN_MESSAGE", "SMS"}),
    ):
        assert values(rows, kind, name) == allowed, (kind, name)


def test_numbers_are_numbers(rows: list[Row]) -> None:
    for kind, name in (
        ("companies", "numberofemployees"),
        ("deals", "amount"),
        ("calls", "hs_call_duration"),
    ):
        assert all(text.isdecimal() and int(text) > 0 for text in values(rows, kind, name)), name
