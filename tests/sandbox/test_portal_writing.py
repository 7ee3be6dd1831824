"""Values as they are written, what may not be written, and what follows by itself (HUBSPOT.md 4.4 - 4.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from small_account import ACME, BOB, DAY, DEAL, JANE, NOW, OWNER, ZOE

from connector import sandbox
from connector.sandbox.rows import Link, PropertyDef, Submission

Ask = Callable[..., tuple[int, Any]]
CONTACTS = "/crm/v3/objects/contacts"
ROLES = (("a", "A"), ("b", "B"), ("c", "C"))
READ_ONLY = """hubspotscore hs_predictivecontactscore_v2 hs_predictivescoringtier hs_lifecyclestage_lead_date
hs_v2_date_entered_lead hs_v2_date_exited_lead hs_v2_latest_time_in_lead hs_v2_cumulative_time_in_lead
hs_v2_date_entered_current_stage createdate lastmodifieddate hs_lastmodifieddate hs_object_id hs_object_source
hs_object_source_id hs_merged_object_ids hs_all_contact_vids hs_additional_emails hs_email_domain
hs_analytics_num_page_views hs_analytics_last_timestamp hs_email_open hs_email_last_click_date
num_conversion_events num_notes recent_conversion_date first_conversion_date notes_last_contacted
hs_last_sales_activity_timestamp hs_sales_email_last_opened hs_sequences_is_enrolled hs_is_unworked
hs_time_to_first_engagement total_revenue num_associated_deals hs_marketable_status
hs_marketable_until_renewal hubspot_owner_assigneddate"""


def _patch(ask: Ask, id: int, **properties: Any) -> tuple[int, Any]:
    return ask("PATCH", f"{CONTACTS}/{id}", {"properties": properties})


def _value(portal: sandbox.Portal, id: int, name: str, kind: str = "contacts") -> Any:
    return portal.record(kind, id)["properties"].get(name)


@pytest.mark.parametrize("name", READ_ONLY.split())
def test_hubspot_s_own_values_are_read_only(ask: Ask, name: str) -> None:
    status, body = _patch(ask, BOB, **{name: "1"})
    assert (status, [one["code"] for one in body["errors"]]) == (400, ["READ_ONLY_VALUE"])


def test_sources_and_lead_status_may_be_written_in_any_direction(portal: sandbox.Portal, ask: Ask) -> None:
    for status in ("CONNECTED", "NEW"):
        values = {"hs_analytics_source": "OFFLINE", "hs_latest_source": "OFFLINE", "hs_lead_status": status}
        assert _patch(ask, BOB, **values)[0] == 200
    assert _value(portal, BOB, "hs_lead_status") == "NEW"


def test_a_name_in_another_case_is_another_name(ask: Ask) -> None:
    status, body = _patch(ask, BOB, Fax="1")
    assert (status, body["errors"][0]["code"]) == (400, "PROPERTY_DOESNT_EXIST")
    assert "Email" not in ask("GET", f"{CONTACTS}/{BOB}?properties=Email")[1]["properties"]


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("email", "  Bob.New@ACME.fr ", "bob.new@acme.fr"),
        ("fax", 12, "12"),
        ("fax", True, "true"),
        ("points", 12.5, "12.5"),
        ("points", 12.0, "12"),
        ("happy", True, "true"),
        ("happy", "FALSE", "false"),
        ("roles", "a;c", "a;c"),
        ("roles", ";c", "b;c"),
        ("birthday", "2024-05-30", "2024-05-30"),
        ("birthday", 1717027200000, "2024-05-30"),
        ("closedate", "2024-05-30T07:40:35.320999Z", "2024-05-30T07:40:35.320Z"),
        ("closedate", "2024-05-30T09:40:35+02:00", "2024-05-30T07:40:35.000Z"),
        ("fax", "é" * 65_536, "é" * 65_536),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_value_is_kept_as_text_of_its_type(
    portal: sandbox.Portal, ask: Ask, name: str, given: Any, kept: str
) -> None:
    portal.load(_definitions())
    portal.edit(BOB, {"roles": "b"})
    status, body = _patch(ask, BOB, **{name: given})
    assert (status, body["properties"][name]) == (200, kept)


@pytest.mark.parametrize(
    ("name", "given", "code"),
    [
        ("email", "nobody", "INVALID_EMAIL"),
        ("points", "12,5", "INVALID_INTEGER"),
        ("points", "NaN", "INVALID_INTEGER"),
        ("happy", "maybe", "INVALID_OPTION"),
        ("roles", "a;d", "INVALID_OPTION"),
        ("birthday", "2024-05-30T07:40:35.320Z", "INVALID_DATE"),
        ("closedate", "2024-05-30", "INVALID_LONG"),
        ("fax", "é" * 65_537, "MAX_LENGTH"),
        ("lifecyclestage", "Lead", "INVALID_OPTION"),
        ("hubspot_owner_id", str(OWNER + 1), "INVALID_OWNER_ID"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_value_of_another_type_is_refused(
    portal: sandbox.Portal, ask: Ask, name: str, given: Any, code: str
) -> None:
    portal.load(_definitions())
    status, body = _patch(ask, BOB, **{name: given})
    assert (status, body["errors"][0]["code"]) == (400, code)
    assert body["errors"][0]["context"] == {"propertyName": [name]}


def _definitions() -> list[PropertyDef]:
    return [
        PropertyDef("contacts", "points", "Points", "number", "number"),
        PropertyDef(
            "contacts", "happy", "Content", "bool", "booleancheckbox", (("true", "Oui"), ("false", "Non"))
        ),
        PropertyDef("contacts", "roles", "Rôles", "enumeration", "checkbox", ROLES),
        PropertyDef("contacts", "birthday", "Anniversaire", "date", "date"),
    ]


@pytest.mark.parametrize("value", [["a"], {"a": "b"}])
def test_a_value_that_is_no_single_one_does_not_read(ask: Ask, value: Any) -> None:
    status, body = _patch(ask, BOB, fax=value)
    assert status == 400 and body["message"].startswith("Invalid input JSON")


def test_a_contact_s_own_second_address_may_become_its_first(ask: Ask, portal: sandbox.Portal) -> None:
    assert _patch(ask, JANE, email="elodie@home.fr")[0] == 200
    assert _value(portal, JANE, "email") == "elodie@home.fr"
    assert _value(portal, JANE, "hs_additional_emails") is None
    assert _patch(ask, BOB, email="elodie@home.fr")[0] == 409


def test_an_owner_has_a_date_of_assignment(ask: Ask, portal: sandbox.Portal) -> None:
    _patch(ask, BOB, hubspot_owner_id=OWNER)
    assert _value(portal, BOB, "hubspot_owner_assigneddate") == "2026-11-18T11:06:40.000Z"


def test_associations_and_lists_move_no_date(ask: Ask, portal: sandbox.Portal) -> None:
    before = portal.record("contacts", ZOE)["updatedAt"], portal.record("deals", DEAL)["updatedAt"]
    portal.knobs(deal_created_stage="")
    path = f"/crm/v4/objects/contacts/{ZOE}/associations"
    assert ask("PUT", f"{path}/default/deals/{DEAL}")[0] == 200
    assert _value(portal, ZOE, "num_associated_deals") == "1"
    assert ask("DELETE", f"{path}/deals/{DEAL}")[0] == 204
    assert _value(portal, ZOE, "num_associated_deals") is None
    ask("PUT", "/crm/v3/lists/1/memberships/add", [str(ZOE)])
    after = portal.record("contacts", ZOE)["updatedAt"], portal.record("deals", DEAL)["updatedAt"]
    assert after == before


def test_what_deals_brought_is_on_their_contact_and_moves_no_date(ask: Ask, portal: sandbox.Portal) -> None:
    portal.load([Link("contacts", ZOE, "deals", DEAL)])
    portal.knobs(deal_won_stage="")
    before = portal.record("contacts", ZOE)["updatedAt"]
    won = {"dealstage": "closedwon", "amount": "1200.5", "closedate": str(NOW - DAY)}
    assert ask("PATCH", f"/crm/v3/objects/deals/{DEAL}", {"properties": won})[0] == 200
    assert _value(portal, ZOE, "recent_deal_amount") == _value(portal, ZOE, "total_revenue") == "1200.5"
    assert _value(portal, ZOE, "recent_deal_close_date") == "2026-11-17T11:06:40.000Z"
    assert ask("PATCH", f"/crm/v3/objects/deals/{DEAL}", {"properties": {"amount": ""}})[0] == 200
    assert _value(portal, ZOE, "recent_deal_amount") is None
    ask("DELETE", f"/crm/v3/objects/deals/{DEAL}")
    assert _value(portal, ZOE, "recent_deal_close_date") is None
    assert portal.record("contacts", ZOE)["updatedAt"] == before


def test_calculated_values_may_show_only_later_and_move_no_date_then(
    ask: Ask, portal: sandbox.Portal
) -> None:
    portal.knobs(calculated_lag=60, deal_won_stage="")
    portal.load(
        [Link("contacts", ZOE, "deals", DEAL), Submission("form-1", NOW, {"email": "bob@acme.fr"}, "x")]
    )
    ask("PATCH", f"/crm/v3/objects/deals/{DEAL}", {"properties": {"dealstage": "closedwon"}})
    moved = portal.record("deals", DEAL)["updatedAt"]
    path = f"/crm/v3/objects/deals/{DEAL}?properties=hs_is_closed_won"
    assert ask("GET", path)[1]["properties"]["hs_is_closed_won"] == "false"
    assert _value(portal, BOB, "num_conversion_events") is None
    portal.advance(60)
    assert ask("GET", path)[1]["properties"]["hs_is_closed_won"] == "true"
    assert (_value(portal, BOB, "num_conversion_events"), _value(portal, ZOE, "num_associated_deals")) == (
        "1",
        "1",
    )
    assert portal.record("deals", DEAL)["updatedAt"] == moved
    assert portal.record("contacts", BOB)["updatedAt"] == "2026-11-16T11:06:40.000Z"


def test_a_company_counts_its_contacts_and_deals(ask: Ask, portal: sandbox.Portal) -> None:
    assert _value(portal, ACME, "num_associated_contacts", "companies") == "2"
    ask("PUT", f"/crm/v4/objects/companies/{ACME}/associations/default/deals/{DEAL}")
    assert _value(portal, ACME, "num_associated_deals", "companies") == "1"
    body = {"inputs": [{"from": {"id": str(ACME)}, "to": [{"id": str(JANE)}, {"id": str(BOB)}]}]}
    ask("POST", "/crm/v4/associations/companies/contacts/batch/archive", body)
    assert _value(portal, ACME, "num_associated_contacts", "companies") is None
