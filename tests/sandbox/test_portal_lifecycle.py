"""The stage goes forward only, and deals push it (HUBSPOT.md 4.2, 4.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from small_account import ACME, BOB, DEAL, JANE, ZOE

from connector import sandbox
from connector.sandbox.rows import PropertyDef
from connector.sandbox.state.records import Writer

Ask = Callable[..., tuple[int, Any]]


def _set(ask: Ask, id: int, stage: str) -> dict[str, Any]:
    status, body = ask("PATCH", f"/crm/v3/objects/contacts/{id}", {"properties": {"lifecyclestage": stage}})
    assert status == 200
    found: dict[str, Any] = body
    return found


def test_a_step_back_answers_200_and_shows_the_stage_that_stayed(portal: sandbox.Portal, ask: Ask) -> None:
    before = portal.record("contacts", JANE)["updatedAt"]
    body = _set(ask, JANE, "lead")
    assert body["properties"]["lifecyclestage"] == "marketingqualifiedlead"
    assert body["updatedAt"] > before
    assert len(portal.history("contacts", JANE, "lifecyclestage")) == 2


def test_a_step_back_may_leave_the_date_alone(portal: sandbox.Portal, ask: Ask) -> None:
    portal.knobs(backward_stage_bumps_lastmodified=False)
    before = portal.record("contacts", JANE)["updatedAt"]
    assert _set(ask, JANE, "lead")["updatedAt"] == before


def test_cleared_first_any_stage_may_be_set(portal: sandbox.Portal, ask: Ask) -> None:
    assert _set(ask, JANE, "")["properties"]["lifecyclestage"] is None
    assert _set(ask, JANE, "subscriber")["properties"]["lifecyclestage"] == "subscriber"
    assert [one["value"] for one in portal.history("contacts", JANE, "lifecyclestage")] == [
        "subscriber",
        "",
        "marketingqualifiedlead",
        "lead",
    ]


def test_forward_stamps_the_date_of_entry(portal: sandbox.Portal, ask: Ask) -> None:
    _set(ask, BOB, "salesqualifiedlead")
    values = portal.record("contacts", BOB)["properties"]
    assert values["hs_lifecyclestage_salesqualifiedlead_date"] == "2026-11-18T11:06:40.000Z"
    assert values["hs_v2_date_exited_lead"] == "2026-11-18T11:06:40.000Z"


def test_nothing_is_forward_of_the_last_stage(ask: Ask) -> None:
    _set(ask, ZOE, "other")
    assert _set(ask, ZOE, "customer")["properties"]["lifecyclestage"] == "other"


def test_the_order_is_that_of_the_account(portal: sandbox.Portal, ask: Ask) -> None:
    stages = (("customer", "Customer"), ("51439524", "Churned"), ("lead", "Lead"))
    portal.load([PropertyDef("contacts", "lifecyclestage", "Stage", "enumeration", "radio", stages)])
    assert _set(ask, ZOE, "51439524")["properties"]["lifecyclestage"] == "51439524"
    assert _set(ask, ZOE, "customer")["properties"]["lifecyclestage"] == "51439524"
    assert _set(ask, ZOE, "lead")["properties"]["lifecyclestage"] == "lead"
    assert (
        ask("PATCH", f"/crm/v3/objects/contacts/{ZOE}", {"properties": {"lifecyclestage": "evangelist"}})[0]
        == 400
    )


def test_a_person_may_choose_any_stage(portal: sandbox.Portal) -> None:
    portal.edit(JANE, {"lifecyclestage": "subscriber"})
    assert portal.record("contacts", JANE)["properties"]["lifecyclestage"] == "subscriber"


def test_a_deal_moves_its_contact_and_a_won_one_further(portal: sandbox.Portal, ask: Ask) -> None:
    ask("PUT", f"/crm/v4/objects/deals/{DEAL}/associations/default/contacts/{BOB}")
    assert portal.record("contacts", BOB)["properties"]["lifecyclestage"] == "opportunity"
    ask("PATCH", f"/crm/v3/objects/deals/{DEAL}", {"properties": {"dealstage": "closedwon"}})
    values = portal.record("contacts", BOB)["properties"]
    assert (values["lifecyclestage"], values["num_associated_deals"]) == ("customer", "1")
    assert portal.history("contacts", BOB, "lifecyclestage")[0]["sourceType"] == "PIPELINE_SETTINGS"
    deal = portal.record("deals", DEAL)["properties"]
    assert (deal["hs_is_closed_won"], deal["hs_deal_stage_probability"]) == ("true", "1.0")


def test_a_deal_made_with_its_contact_moves_it(portal: sandbox.Portal, ask: Ask) -> None:
    link = {
        "to": {"id": str(ZOE)},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}],
    }
    body = {"properties": {"dealname": "Two", "dealstage": "qualifiedtobuy"}, "associations": [link]}
    assert ask("POST", "/crm/v3/objects/deals", body)[0] == 201
    assert portal.record("contacts", ZOE)["properties"]["lifecyclestage"] == "opportunity"


def _join(ask: Ask, contact: int, company: int) -> None:
    path = f"/crm/v4/objects/contacts/{contact}/associations/default/companies/{company}"
    assert ask("PUT", path)[0] == 200


def _stage(portal: sandbox.Portal, kind: str, id: int) -> str | None:
    stage: str | None = portal.record(kind, id)["properties"].get("lifecyclestage")
    return stage


def _set_company(ask: Ask, stage: str) -> None:
    assert (
        ask("PATCH", f"/crm/v3/objects/companies/{ACME}", {"properties": {"lifecyclestage": stage}})[0] == 200
    )


def test_a_company_takes_its_contacts_forward_and_never_back(portal: sandbox.Portal, ask: Ask) -> None:
    _set_company(ask, "salesqualifiedlead")
    assert _stage(portal, "contacts", BOB) == _stage(portal, "contacts", JANE) == "salesqualifiedlead"
    entry = portal.history("contacts", BOB, "lifecyclestage")[0]
    assert entry["sourceType"] == "PIPELINE_SETTINGS"
    _set_company(ask, "")
    _set_company(ask, "lead")
    assert _stage(portal, "contacts", BOB) == "salesqualifiedlead"
    assert _stage(portal, "contacts", ZOE) is None  # of no company


def test_a_contact_takes_the_stage_of_the_company_it_joins(portal: sandbox.Portal, ask: Ask) -> None:
    _set_company(ask, "customer")
    _join(ask, ZOE, ACME)
    assert _stage(portal, "contacts", ZOE) == "customer"
    portal.knobs(company_stage_sync=False)
    made = int(ask("POST", "/crm/v3/objects/contacts", {"properties": {"email": "n@x.fr"}})[1]["id"])
    _join(ask, made, ACME)
    assert _stage(portal, "contacts", made) == "lead"


def test_a_deal_moves_a_company_and_the_company_its_contacts(portal: sandbox.Portal, ask: Ask) -> None:
    ask("PUT", f"/crm/v4/objects/deals/{DEAL}/associations/default/companies/{ACME}")
    assert _stage(portal, "companies", ACME) == _stage(portal, "contacts", BOB) == "opportunity"
    ask("PATCH", f"/crm/v3/objects/deals/{DEAL}", {"properties": {"dealstage": "closedwon"}})
    assert _stage(portal, "companies", ACME) == _stage(portal, "contacts", JANE) == "customer"
    ask("PATCH", f"/crm/v3/objects/deals/{DEAL}", {"properties": {"dealstage": "closedlost"}})
    assert _stage(portal, "contacts", JANE) == "customer"


def test_a_stage_that_was_left_says_when_and_how_long_it_lasted(portal: sandbox.Portal, ask: Ask) -> None:
    _set(ask, ZOE, "lead")
    portal.advance(3600)
    _set(ask, ZOE, "customer")
    values = portal.record("contacts", ZOE)["properties"]
    assert values["hs_v2_date_exited_lead"] == values["hs_v2_date_entered_customer"]
    assert values["hs_v2_date_entered_current_stage"] == "2026-11-18T12:06:40.000Z"
    assert values["hs_v2_latest_time_in_lead"] == "3600000"
    _set(ask, ZOE, "")
    assert "hs_v2_date_entered_current_stage" not in portal.record("contacts", ZOE)["properties"]
    _set(ask, ZOE, "lead")  # a new date of entry, and a second stay
    portal.advance(1800)
    _set(ask, ZOE, "other")
    values = portal.record("contacts", ZOE)["properties"]
    assert values["hs_v2_date_entered_lead"] == "2026-11-18T12:06:40.000Z"
    assert values["hs_v2_latest_time_in_lead"] == "1800000"
    assert values["hs_v2_cumulative_time_in_lead"] == "5400000"


def test_only_a_person_goes_back_not_an_automation(portal: sandbox.Portal) -> None:
    for source in ("AUTOMATION_PLATFORM", "IMPORT", "FORM", "SALESFORCE"):
        portal.change(JANE, {"lifecyclestage": "lead"}, Writer(source, "1"))
        assert _stage(portal, "contacts", JANE) == "marketingqualifiedlead"
    portal.change(JANE, {"lifecyclestage": "customer"}, Writer("AUTOMATION_PLATFORM", "1"))
    assert _stage(portal, "contacts", JANE) == "customer"


def test_a_batch_answers_with_the_stage_that_stayed(ask: Ask) -> None:
    inputs = [{"id": str(id), "properties": {"lifecyclestage": "subscriber"}} for id in (JANE, BOB, ZOE)]
    _, body = ask("POST", "/crm/v3/objects/contacts/batch/update", {"inputs": inputs})
    assert {int(one["id"]): one["properties"]["lifecyclestage"] for one in body["results"]} == {
        JANE: "marketingqualifiedlead",
        BOB: "lead",
        ZOE: "subscriber",
    }


def test_a_custom_stage_has_a_number_for_its_value_and_dates_of_its_own(
    portal: sandbox.Portal, ask: Ask
) -> None:
    options = ask("GET", "/crm/v3/properties/contacts/lifecyclestage")[1]["options"]
    stages = [(one["value"], one["label"]) for one in options]
    stages.insert(3, ("51439524", "Lead qualifié à rappeler"))
    portal.load([PropertyDef("contacts", "lifecyclestage", "Stage", "enumeration", "radio", tuple(stages))])
    shown = ask("GET", "/crm/v3/properties/contacts/lifecyclestage")[1]
    assert shown["externalOptions"] and shown["options"][3]["value"] == "51439524"
    assert _set(ask, JANE, "51439524")["properties"]["lifecyclestage"] == "51439524"
    assert _set(ask, JANE, "marketingqualifiedlead")["properties"]["lifecyclestage"] == "51439524"
    path = f"/crm/v3/objects/contacts/{JANE}?properties=hs_v2_date_entered_51439524"
    values = ask("GET", path)[1]["properties"]
    assert values["hs_v2_date_entered_51439524"] == "2026-11-18T11:06:40.000Z"
    assert _set(ask, JANE, "salesqualifiedlead")["properties"]["lifecyclestage"] == "salesqualifiedlead"


def test_a_new_contact_has_the_account_s_stage_and_its_date(portal: sandbox.Portal, ask: Ask) -> None:
    _, body = ask("POST", "/crm/v3/objects/contacts", {"properties": {"email": "n@x.fr"}})
    values = body["properties"]
    assert values["lifecyclestage"] == "lead"
    assert values["hs_lifecyclestage_lead_date"] == values["createdate"] == "2026-11-18T11:06:40.000Z"
    assert values["hs_pipeline"] == "contacts-lifecycle-pipeline"
    portal.knobs(default_stage="")
    _, body = ask("POST", "/crm/v3/objects/contacts", {"properties": {"email": "o@x.fr"}})
    assert "lifecyclestage" not in body["properties"]
