"""What published pullers send before and while they read contacts, and what they need back.

The bodies and parameters are those of tap-hubspot 4.5.0, meltano-tap-hubspot 0.10.1 and
airbyte-source-hubspot 5.7.0, which `bench/peers` runs; here the same shapes are held without installing
anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from small_account import ACME, BOB, DAY, JANE, NOW, ZOE

from connector import sandbox
from connector.sandbox.state.account import SCOPES

Ask = Callable[..., Any]
CONTACTS = "/crm/v3/objects/contacts"
OTHERS = ("tickets", "leads", "line_items", "goal_targets", "postal_mail")


@pytest.mark.parametrize(
    ("old", "now"),
    [
        ("/properties/v1/deals/properties", "deals"),
        ("/companies/v2/properties", "companies"),
        ("/properties/v2/contact/properties", "contacts"),
        ("/properties/v2/contacts/properties", "contacts"),
    ],
)
def test_the_old_lists_of_properties_are_bare_arrays_of_the_same(ask: Ask, old: str, now: str) -> None:
    status, listed = ask("GET", old)
    _, current = ask("GET", f"/crm/v3/properties/{now}")
    assert status == 200 and isinstance(listed, list)
    expected = [(one["name"], one["type"], one["fieldType"]) for one in current["results"]]
    assert [(one["name"], one["type"], one["fieldType"]) for one in listed] == expected
    read_only = {one["name"] for one in current["results"] if one["modificationMetadata"]["readOnlyValue"]}
    assert {one["name"] for one in listed if one["readOnlyValue"]} == read_only


def test_an_archived_property_leaves_the_old_list(ask: Ask) -> None:
    group = {"groupName": "dealinformation", "type": "string", "fieldType": "text"}
    ask("POST", "/crm/v3/properties/deals", {"name": "motif", "label": "Motif", **group})
    assert "motif" in [one["name"] for one in ask("GET", "/properties/v1/deals/properties")[1]]
    ask("DELETE", "/crm/v3/properties/deals/motif")
    assert "motif" not in [one["name"] for one in ask("GET", "/properties/v1/deals/properties")[1]]


def test_the_old_lists_need_the_scope_of_their_object(portal: sandbox.Portal, ask: Ask) -> None:
    portal.grant(["crm.objects.contacts.read"])
    assert ask("GET", "/companies/v2/properties")[0] == 403
    assert ask("GET", "/properties/v2/company/properties")[0] == 403
    assert ask("GET", "/properties/v2/contact/properties")[0] == 200
    portal.grant(["crm.schemas.companies.read"])
    assert ask("GET", "/companies/v2/properties")[0] == 200
    assert ask("GET", "/companies/v1/properties")[0] == 501


@pytest.mark.parametrize("name", ["ticket", "deal_split"])
def test_an_old_list_of_a_type_that_is_not_imitated_is_a_501(ask: Ask, name: str) -> None:
    status, body = ask("GET", f"/properties/v2/{name}/properties")
    assert status == 501 and name in body["message"]


def test_custom_objects_need_a_scope_and_the_tier(portal: sandbox.Portal, ask: Ask) -> None:
    status, body = ask("GET", "/crm/v3/schemas")
    assert (status, body["category"]) == (403, "MISSING_SCOPES")
    portal.grant([*SCOPES, "crm.schemas.custom.read"])
    assert ask("GET", "/crm/v3/schemas") == (200, {"results": []})
    portal.knobs(tier="professional")
    assert ask("GET", "/crm/v3/schemas")[0] == 403


@pytest.mark.parametrize("name", OTHERS)
def test_types_that_the_key_was_not_granted_are_403_and_those_it_was_a_501(
    portal: sandbox.Portal, ask: Ask, name: str
) -> None:
    status, body = ask("GET", f"/crm/v3/properties/{name}?limit=100")
    assert (status, body["category"]) == (403, "MISSING_SCOPES")
    wanted = body["errors"][0]["context"]["requiredGranularScopes"]
    portal.grant([*SCOPES, *wanted])
    status, body = ask("GET", f"/crm/v3/properties/{name}")
    assert status == 501 and name in body["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/crm/v3/schemas",
        "/properties/v1/deals/properties",
        "/companies/v2/properties",
        "/properties/v2/contact/properties",
    ],
)
def test_what_they_do_not_ask_for_is_a_501(ask: Ask, path: str) -> None:
    assert ask("POST", path, {})[0] == 501


def test_records_of_such_a_type_stay_a_501(ask: Ask) -> None:
    assert ask("GET", "/crm/v3/objects/tickets")[0] == 501


def test_a_limit_does_not_shorten_the_properties(ask: Ask) -> None:
    assert ask("GET", "/crm/v3/properties/contacts?limit=1") == ask("GET", "/crm/v3/properties/contacts")


def test_a_list_takes_an_order_and_keeps_its_own(portal: sandbox.Portal, ask: Ask) -> None:
    portal.edit(JANE, {"jobtitle": "PDG"})
    status, body = ask("GET", f"{CONTACTS}?limit=100&sort=asc&order_by=lastmodifieddate&properties=email")
    assert status == 200
    assert [one["id"] for one in body["results"]] == [str(JANE), str(BOB), str(ZOE)]


def test_types_that_the_account_has_none_of_are_not_inlined(client: httpx.Client) -> None:
    asked = {"limit": "100", "properties": "email", "associations": "tickets,companies,deals"}
    answer = client.get(CONTACTS, params=asked)
    jane, *_ = answer.json()["results"]
    assert answer.status_code == 200
    assert list(jane["associations"]) == ["companies"]
    assert {row["id"] for row in jane["associations"]["companies"]["results"]} == {str(ACME)}
    assert client.get(CONTACTS, params={"associations": "nonsense"}).status_code == 400


def test_an_incremental_search_gives_what_changed_since(ask: Ask) -> None:
    since = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": str(NOW - 2 * DAY)}
    body = {
        "filterGroups": [{"filters": [since]}],
        "sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}],
        "limit": 100,
        "properties": ["email", "lastmodifieddate"],
    }
    status, found = ask("POST", f"{CONTACTS}/search", body)
    assert status == 200 and "paging" not in found
    assert [one["id"] for one in found["results"]] == [str(BOB), str(ZOE)]
