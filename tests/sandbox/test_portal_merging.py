"""Two records become one (HUBSPOT.md 3.8): values, identities, associations, engagement, history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from small_account import ACME, BOB, DAY, DEAL, JANE, NOW, ZOE

from connector import sandbox
from connector.sandbox.rows import Link, Object

Ask = Callable[..., tuple[int, Any]]
CONTACTS = "/crm/v3/objects/contacts"


def _merge(ask: Ask, first: int, second: int) -> dict[str, Any]:
    status, body = ask(
        "POST", f"{CONTACTS}/merge", {"primaryObjectId": str(first), "objectIdToMerge": str(second)}
    )
    assert status == 200, body
    found: dict[str, Any] = body
    return found


def test_the_first_wins_the_second_fills_the_blanks_and_the_older_date_stays(
    portal: sandbox.Portal, ask: Ask
) -> None:
    portal.edit(BOB, {"jobtitle": "PDG", "city": "Lyon"})
    values = _merge(ask, BOB, JANE)["properties"]
    assert (values["jobtitle"], values["city"], values["firstname"]) == ("PDG", "Lyon", "Élodie")
    assert values["createdate"] == "2026-11-09T11:06:40.000Z"  # hers, the older one
    assert values["lifecyclestage"] == "marketingqualifiedlead"


@pytest.mark.parametrize(("first", "second"), [(5, 6), (6, 5)])
def test_opt_outs_marketing_status_and_first_source_survive_whichever_is_first(
    portal: sandbox.Portal, first: int, second: int
) -> None:
    old = {"hs_analytics_source": "PAID_SEARCH", "hs_email_optout": "true", "hs_email_open": "4"}
    new = {"hs_analytics_source": "OFFLINE", "hs_marketable_status": "true", "hs_email_open": "3"}
    portal.load([Object("contacts", 5, old, NOW - 2 * DAY, NOW), Object("contacts", 6, new, NOW - DAY, NOW)])
    values = portal.record("contacts", portal.merge(first, second))["properties"]
    assert values["hs_analytics_source"] == "PAID_SEARCH"
    assert values["hs_email_optout"] == values["hs_marketable_status"] == "true"
    assert values["hs_email_open"] == "7"


def test_merged_ids_are_listed_and_lead_on_over_several_merges(ask: Ask) -> None:
    first = _merge(ask, BOB, JANE)["id"]
    second = _merge(ask, JANE, ZOE)  # a merged-away id stands for its survivor
    assert second["properties"]["hs_merged_object_ids"] == f"{BOB};{JANE};{first};{ZOE}"
    for id in (BOB, JANE, ZOE, first):
        assert ask("GET", f"{CONTACTS}/{id}")[1]["id"] == second["id"]
    assert ask("POST", f"{CONTACTS}/search", {})[1]["total"] == 1
    assert ask("GET", f"{CONTACTS}/bob@acme.fr?idProperty=email")[1]["id"] == second["id"]


def test_a_record_is_not_merged_with_itself_nor_with_nothing(portal: sandbox.Portal, ask: Ask) -> None:
    body = {"primaryObjectId": str(BOB), "objectIdToMerge": str(BOB)}
    assert ask("POST", f"{CONTACTS}/merge", body)[0] == 400
    assert ask("POST", f"{CONTACTS}/merge", {**body, "objectIdToMerge": "9"})[0] == 404
    portal.archive(ZOE)
    assert ask("POST", f"{CONTACTS}/merge", {**body, "objectIdToMerge": str(ZOE)})[0] == 404


def test_two_hundred_and_fifty_identities_are_the_most(portal: sandbox.Portal, ask: Ask) -> None:
    many = ";".join(f"a{n}@x.fr" for n in range(247))
    portal.load([Object("contacts", 5, {"email": "a@x.fr", "hs_additional_emails": many}, NOW, NOW)])
    _merge(ask, 5, BOB)  # 249
    status, body = ask("POST", f"{CONTACTS}/merge", {"primaryObjectId": "5", "objectIdToMerge": str(JANE)})
    assert (status, body["message"]) == (414, "Cannot have more than 250 identities on a profile")
    assert ask("GET", f"{CONTACTS}/{JANE}")[1]["id"] == str(JANE)


def test_associations_lists_and_events_are_the_survivor_s(portal: sandbox.Portal, ask: Ask) -> None:
    portal.load([Link("contacts", BOB, "deals", DEAL)])
    new = int(_merge(ask, ZOE, BOB)["id"])
    new = int(_merge(ask, new, JANE)["id"])
    for other, id in (("companies", ACME), ("deals", DEAL)):
        page = ask("GET", f"/crm/v4/objects/contacts/{new}/associations/{other}")[1]
        assert [one["toObjectId"] for one in page["results"]] == [id]
    assert [one["recordId"] for one in ask("GET", "/crm/v3/lists/1/memberships")[1]["results"]] == [str(new)]
    events = ask("GET", f"/events/v3/events?objectType=contact&objectId={new}")[1]["results"]
    assert {one["id"] for one in events} == {"w1", "w2"}
    values = portal.record("contacts", new)["properties"]
    assert (values["num_associated_deals"], values["num_conversion_events"]) == ("1", "2")
    assert portal.record("companies", ACME)["properties"]["num_associated_contacts"] == "1"


def test_activities_may_follow_only_after_a_while(portal: sandbox.Portal, ask: Ask) -> None:
    note = portal.create("notes", {"hs_timestamp": str(NOW), "hs_note_body": "x"}, links=[("contacts", BOB)])
    portal.knobs(merge_activity_lag=1800)
    first = _merge(ask, BOB, JANE)["id"]
    second = _merge(ask, ZOE, int(first))["id"]  # and again, before they have
    path = f"/crm/v4/objects/contacts/{second}/associations/notes"
    assert ask("GET", path)[1]["results"] == []
    companies = ask("GET", f"/crm/v4/objects/contacts/{second}/associations/companies")[1]["results"]
    assert [one["toObjectId"] for one in companies] == [ACME]
    portal.advance(1801)
    assert [one["toObjectId"] for one in ask("GET", path)[1]["results"]] == [note]


def test_the_history_of_both_is_kept_and_the_merge_is_in_it(portal: sandbox.Portal, ask: Ask) -> None:
    portal.edit(JANE, {"jobtitle": "DSI"})
    portal.edit(BOB, {"jobtitle": "PDG"}, by="userId:9")
    portal.advance(60)
    portal.edit(JANE, {"jobtitle": "CEO"})
    portal.advance(60)
    new = _merge(ask, BOB, JANE)["id"]
    found = ask("GET", f"{CONTACTS}/{new}?propertiesWithHistory=jobtitle,lifecyclestage,email")[1]
    history = found["propertiesWithHistory"]
    assert [(one["value"], one["sourceType"]) for one in history["jobtitle"]] == [
        ("PDG", "MERGE_OBJECTS"),
        ("CEO", "CRM_UI"),
        ("PDG", "CRM_UI"),
        ("DSI", "CRM_UI"),
        ("CTO", "IMPORT"),
    ]
    assert history["lifecyclestage"][0]["value"] == "marketingqualifiedlead"
    assert history["lifecyclestage"][0]["sourceType"] == "MERGE_OBJECTS"
    assert {one["value"] for one in history["email"]} == {"bob@acme.fr", "jane@acme.fr"}


def test_companies_and_deals_merge_too(portal: sandbox.Portal) -> None:
    portal.load([Object("companies", 5, {"name": "Acmé", "lifecyclestage": "customer"}, NOW, NOW)])
    new = portal.merge(ACME, 5, kind="companies")
    values = portal.record("companies", new)["properties"]
    assert (values["name"], values["lifecyclestage"], values["hs_merged_object_ids"]) == (
        "Acme",
        "customer",
        f"{ACME};5",
    )
    assert values["num_associated_contacts"] == "2"
