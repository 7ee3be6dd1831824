"""Activities of six kinds; deals, pipelines, owners (HUBSPOT.md 5.1, 5.9, 7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from small_account import BOB, DEAL, NOW, OWNER

from connector import sandbox
from connector.sandbox.clock import iso
from connector.sandbox.rows import Owner

Ask = Callable[..., Any]
WHEN = "2026-11-17T09:30:00.000Z"
# kind, singular, type id, type id of its association with a contact, properties
ACTIVITIES: list[tuple[str, str, str, int, dict[str, str]]] = [
    (
        "calls",
        "call",
        "0-48",
        194,
        {
            "hs_call_title": "Rappel",
            "hs_call_direction": "OUTBOUND",
            "hs_call_duration": "62000",
            "hs_call_status": "COMPLETED",
            "hs_call_disposition": "f240bbac-87c9-4f6e-bf70-924b57d47db7",
        },
    ),
    ("emails", "email", "0-49", 198, {"hs_email_direction": "EMAIL", "hs_email_status": "SENT"}),
    ("meetings", "meeting", "0-47", 200, {"hs_meeting_title": "Démo", "hs_meeting_outcome": "NO_SHOW"}),
    ("notes", "note", "0-46", 202, {"hs_note_body": "Intéressé"}),
    ("tasks", "task", "0-27", 204, {"hs_task_subject": "Appeler", "hs_task_status": "NOT_STARTED"}),
    (
        "communications",
        "communication",
        "0-18",
        81,
        {
            "hs_communication_channel_type": "WHATS_APP",
            "hs_communication_logged_from": "CRM",
            "hs_communication_body": "Bonjour !",
        },
    ),
]
KINDS = pytest.mark.parametrize(
    ("kind", "singular", "type_id", "link", "properties"), ACTIVITIES, ids=[row[0] for row in ACTIVITIES]
)


def _new(properties: dict[str, str], link: int | None = None) -> dict[str, Any]:
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": link}]
    joined = [{"to": {"id": str(BOB)}, "types": types}] if link else []
    return {"properties": properties, "associations": joined}


@KINDS
def test_an_activity_from_making_to_the_bin(
    portal: sandbox.Portal,
    ask: Ask,
    kind: str,
    singular: str,
    type_id: str,
    link: int,
    properties: dict[str, str],
) -> None:
    path = f"/crm/objects/2026-03/{kind}"
    status, made = ask("POST", path, _new({**properties, "hs_timestamp": WHEN}, link))
    assert status == 201 and made["properties"]["hs_timestamp"] == WHEN
    id = made["id"]
    usual = {"hs_createdate", "hs_lastmodifieddate", "hs_object_id"}
    for name in (kind, singular, type_id):
        assert set(ask("GET", f"/crm/objects/2026-03/{name}/{id}")[1]["properties"]) == usual
    names = ",".join([*properties, "hs_object_source", "hs_object_source_id"])
    _, shown = ask("GET", f"{path}/{id}?properties={names}&associations=contacts")
    assert properties.items() <= shown["properties"].items()
    assert shown["properties"]["hs_object_source"] == "INTEGRATION"
    assert shown["associations"]["contacts"]["results"] == [
        {"id": str(BOB), "type": f"{singular}_to_contact"}
    ]

    portal.advance(60)
    first = next(iter(properties))
    _, changed = ask("PATCH", f"{path}/{id}", {"properties": {"hs_timestamp": iso(NOW)}})
    assert changed["properties"]["hs_lastmodifieddate"] == iso(NOW + 60_000)
    window = {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": str(NOW + 60_000)}
    _, found = ask("POST", f"{path}/search", {"filterGroups": [{"filters": [window]}], "properties": [first]})
    assert [one["id"] for one in found["results"]] == [id]
    assert found["results"][0]["properties"][first] == properties[first]

    assert ask("DELETE", f"{path}/{id}")[0] == 204
    assert ask("GET", path)[1]["results"] == []
    assert [one["id"] for one in ask("GET", f"{path}?archived=true")[1]["results"]] == [id]


@KINDS
def test_it_happened_at_some_time(
    ask: Ask, kind: str, singular: str, type_id: str, link: int, properties: dict[str, str]
) -> None:
    for name in (kind, singular, type_id):
        status, body = ask("POST", f"/crm/objects/2026-03/{name}", _new(properties, link))
        assert (status, body["errors"][0]["context"]) == (400, {"propertyName": ["hs_timestamp"]})
    inputs = {"inputs": [_new(properties), _new({**properties, "hs_timestamp": WHEN})]}
    assert ask("POST", f"/crm/objects/2026-03/{kind}/batch/create", inputs)[0] == 400
    assert ask("GET", f"/crm/objects/2026-03/{kind}")[1]["results"] == []


TALKED = {"calls", "emails", "meetings", "communications"}


@KINDS
def test_it_shows_on_its_contact(
    portal: sandbox.Portal,
    ask: Ask,
    kind: str,
    singular: str,
    type_id: str,
    link: int,
    properties: dict[str, str],
) -> None:
    assert singular and type_id
    portal.advance(60)
    ask("POST", f"/crm/objects/2026-03/{kind}", _new({**properties, "hs_timestamp": WHEN}, link))
    contact = portal.record("contacts", BOB)
    values = contact["properties"]
    assert (values["num_notes"], values["notes_last_updated"]) == ("1", iso(NOW + 60_000))
    assert contact["updatedAt"] == iso(NOW + 60_000)
    assert values.get("notes_last_contacted") == (WHEN if kind in TALKED else None)
    assert values.get("num_contacted_notes") == ("1" if kind in TALKED else None)


def test_values_that_an_activity_cannot_have(ask: Ask) -> None:
    wrong = {"hs_timestamp": WHEN, "hs_communication_channel_type": "FAX"}
    status, body = ask("POST", "/crm/objects/2026-03/communications", _new(wrong))
    assert (status, body["errors"][0]["code"]) == (400, "INVALID_OPTION")
    long = {"hs_timestamp": WHEN, "hs_note_body": "x" * 65_537}
    assert ask("POST", "/crm/objects/2026-03/notes", _new(long))[1]["errors"][0]["code"] == "MAX_LENGTH"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/crm/v3/objects/emails"),
        ("GET", "/crm/objects/2026-03/0-49/1"),
        ("POST", "/crm/objects/2026-03/email/search"),
        ("POST", "/crm/v3/objects/emails/batch/read"),
        ("POST", "/crm/v3/objects/emails"),
    ],
)
def test_mails_take_a_scope_of_their_own(
    portal: sandbox.Portal, client: httpx.Client, method: str, path: str
) -> None:
    portal.grant(["crm.objects.contacts.read", "crm.objects.contacts.write"])
    answer = client.request(method, path, json={} if method == "POST" else None)
    assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")
    assert "sales-email-read" in answer.json()["errors"][0]["context"]["requiredGranularScopes"]
    assert client.get("/crm/v3/objects/communications").status_code == 200


def test_the_stages_of_a_deal(ask: Ask) -> None:
    _, body = ask("GET", "/crm/pipelines/2026-03/deals")
    (pipeline,) = body["results"]
    told = {
        stage["id"]: (stage["metadata"]["probability"], stage["metadata"]["isClosed"])
        for stage in pipeline["stages"]
    }
    assert told == {
        "appointmentscheduled": ("0.2", "false"),
        "qualifiedtobuy": ("0.4", "false"),
        "presentationscheduled": ("0.6", "false"),
        "decisionmakerboughtin": ("0.8", "false"),
        "contractsent": ("0.9", "false"),
        "closedwon": ("1.0", "true"),
        "closedlost": ("0.0", "true"),
    }
    path = "/crm/pipelines/2026-03/deals/default"
    assert ask("GET", path)[1] == pipeline
    assert ask("GET", f"{path}/stages")[1]["results"] == pipeline["stages"]
    assert ask("GET", f"{path}/stages/closedwon")[1] == pipeline["stages"][5]
    assert (
        ask("GET", f"{path}/audit")[1] == ask("GET", f"{path}/stages/closedwon/audit")[1] == {"results": []}
    )
    for missing in ("deals/x", "deals/x/stages", "deals/x/audit", "deals/default/stages/x"):
        assert ask("GET", f"/crm/pipelines/2026-03/{missing}")[0] == 404


def test_a_deal_is_as_likely_as_its_stage(portal: sandbox.Portal, ask: Ask) -> None:
    path = f"/crm/objects/2026-03/deals/{DEAL}"
    names = "hs_deal_stage_probability,hs_is_closed,hs_is_closed_won,hs_is_closed_lost,closedate,amount"
    expected = {
        "qualifiedtobuy": ("0.4", "false", "false", "false"),
        "closedwon": ("1.0", "true", "true", "false"),
        "closedlost": ("0.0", "true", "false", "true"),
    }
    for stage, values in expected.items():
        ask("PATCH", path, {"properties": {"dealstage": stage}})
        shown = ask("GET", f"{path}?properties={names}")[1]["properties"]
        assert tuple(shown[name] for name in names.split(",")[:4]) == values
        assert shown["closedate"] is None and shown["amount"] is None
    status, body = ask("PATCH", path, {"properties": {"dealstage": "won"}})
    assert (status, body["errors"][0]["code"]) == (400, "INVALID_OPTION")
    assert portal.record("deals", DEAL)["properties"]["dealstage"] == "closedlost"


def test_owners_who_left_are_in_the_archive(portal: sandbox.Portal, ask: Ask) -> None:
    portal.load(
        [
            Owner(78, "gone@acme.fr", "Guy", "Parti", archived=True),
            Owner(79, "new@acme.fr", "Noa", "Neuf", teams=("Sud", "Grands comptes")),
        ]
    )
    path = "/crm/owners/2026-03"
    _, first = ask("GET", f"{path}?limit=1")
    _, second = ask("GET", f"{path}?limit=1&after={first['paging']['next']['after']}")
    assert [first["results"][0]["id"], second["results"][0]["id"]] == [str(OWNER), "79"]
    assert "paging" not in second
    teams = second["results"][0]["teams"]
    assert [(team["name"], team["primary"]) for team in teams] == [("Sud", True), ("Grands comptes", False)]
    (gone,) = ask("GET", f"{path}?archived=true")[1]["results"]
    assert (gone["id"], gone["userId"], gone["userIdIncludingInactive"]) == ("78", None, 79)
    assert ask("GET", f"{path}?email=gone@acme.fr")[1]["results"] == []
    assert ask("GET", f"{path}/78")[0] == 404
    assert ask("GET", f"{path}/78?archived=true")[1]["archived"] is True
    assert ask("GET", f"{path}/{OWNER + 1}?idProperty=userId")[1]["id"] == str(OWNER)
    assert ask("GET", f"{path}?limit=501")[0] == 400
