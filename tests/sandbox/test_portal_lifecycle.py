"""The stage goes forward only, and deals push it (HUBSPOT.md 4.2, 4.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from small_account import BOB, DEAL, JANE, ZOE

from connector import sandbox
from connector.sandbox.rows import PropertyDef

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
