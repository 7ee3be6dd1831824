"""The account over which the storm goes, and what may go wrong on the way to it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from accounts import DAY, NOW, contact, form, submission

from connector.sandbox.rows import Link, ListDef, Membership, Object, Owner, Row

FIRST, PEOPLE = 70_000_000_000, 24
COMPANIES = (501, 502, 503)
FORMS = ("newsletter", "demo-download", "devis")
FAIR, NURTURING, OWNED = 1, 2, 3
STAGES = ("lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer")
IN_CRM = {"lead": STAGES[0], "mql": STAGES[1], "sql": STAGES[2], "qualified_prospect": STAGES[3]}
IN_CRM |= {"customer": STAGES[4]}
UPDATE = "/contacts/batch/update"
EDITS = {  # stages that are reached by two acts, and left after two days
    "workflows/qualification.yaml": [
        ("total: {at_least: 100}", "total: {at_least: 40}"),
        ("{total: {below: 70}, for: 14d}", "{total: {below: 20}, for: 2d}"),
    ]
}
KNOBS = (
    {"lag": 200.0},
    {"lag": [2.0, 30.0], "flapping": True},
    {"lag": [2.0, 900.0], "flapping": True},
    {"list_after_is_id": False},
    {"short_or_empty_pages_with_next": True},
    {"object_id_compares_as": "text"},
    {"batch_update_missing_id": "400"},
    {"batch_update_trace_ids_207": False},
    {"batch_read_repeats_merged": True},
    {"restore_bumps_lastmodified": True},
    {"calculated_lag": 400.0},
    {"merge_activity_lag": 900.0},
    {"search_keeps_sort": False},
    {"no_op_bumps_lastmodified": True},
)
CALM = {"lag": 0.0, "flapping": False, "calculated_lag": 0.0, "merge_activity_lag": 0.0}


def _limited(policy: str) -> dict[str, str]:
    said = {"status": "error", "message": "You have reached your limit.", "errorType": "RATE_LIMIT"}
    return {**said, "policyName": policy}


FAULTS = (
    {"status": 429},
    {"status": 429, "body": _limited("SECONDLY")},
    {"status": 429, "body": _limited("TEN_SECONDLY_ROLLING"), "headers": {"Retry-After": "4"}},
    {"status": 429, "body": _limited("DAILY")},
    {"status": 429, "body": _limited("DAILY"), "headers": {"Retry-After": "60"}},
    {"status": 429, "headers": {"Retry-After": "1"}},
    {"status": 429, "html": True},
    {"status": 500},
    {"status": 500, "commit": True},
    {"status": 502, "html": True},
    {"status": 503, "headers": {"Retry-After": "3"}},
    {"status": 504, "html": True, "commit": True},
    {"status": 423},
    {"status": 477},
    {"status": 401},
    {"cut": "before"},
    {"cut": "after"},
    {"truncate": True},
    {"empty": True},
)
PLACES = ("", "", "", UPDATE, UPDATE, "/batch/read", "/search", "/tasks", "/memberships/", "/associations/")
SCHEMA = ("/crm/v3/owners/", "/crm/v3/properties/contacts", "/crm/v3/properties/deals", "/account-info/")


def account(dice: Random) -> Iterator[Row]:
    yield Owner(8, "olga@acme.fr", "Olga", "Petit")
    for id, size in zip(COMPANIES, ("12", "80", "900"), strict=True):
        yield Object(
            "companies", id, {"name": f"Société {id}", "numberofemployees": size}, NOW - DAY, NOW - DAY
        )
    for n in range(PEOPLE):
        owner = "8" if n % 4 else ""
        persona = "decision_maker" if n % 3 == 0 else ""
        yield contact(FIRST + n, age=(n + 1) * DAY // 3, hubspot_owner_id=owner, hs_persona=persona)
        if n % 2:
            yield Link("contacts", FIRST + n, "companies", dice.choice(COMPANIES), primary=True)
    yield from map(form, FORMS)
    for id, name in ((FAIR, "salon-lyon"), (NURTURING, "Nurturing"), (OWNED, "Sales owned")):
        yield ListDef(id, name)
    yield from (Membership(FAIR, FIRST + n, NOW - 5 * DAY) for n in range(0, PEOPLE, 5))
    yield from (Membership(NURTURING, FIRST + n, NOW - 5 * DAY) for n in range(PEOPLE))
    for _ in range(PEOPLE):
        who = f"c{FIRST + dice.randrange(PEOPLE)}@acme.fr"
        yield submission(dice.choice(FORMS[:2]), who, dice.randrange(1, 20) * DAY)
