"""Every file in `errors/` is a request and HubSpot's answer to it, compared byte for byte but for the ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from connector import sandbox

CASES = sorted(Path(__file__).with_name("errors").glob("*.json"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_error_is_worded_as_hubspot_does(path: Path, client: httpx.Client) -> None:
    case = orjson.loads(path.read_bytes())
    answer = _send(client, case["request"])
    assert answer.status_code == case["status"], answer.text
    correlation = answer.headers["X-HubSpot-Correlation-Id"]
    assert answer.content.count(correlation.encode()) == 1
    if case["body"] is not None:
        expected = orjson.dumps(case["body"]).replace(b"<correlation id>", correlation.encode())
        assert answer.content == expected


def _send(client: httpx.Client, request: dict[str, Any]) -> httpx.Response:
    content = request["text"].encode() if "text" in request else None
    headers = request.get("headers", {})
    return client.request(
        request["method"], request["path"], json=request.get("json"), content=content, headers=headers
    )


def test_a_refused_write_writes_nothing(portal: sandbox.Portal, client: httpx.Client) -> None:
    before = portal.state()["counts"], portal.record("contacts", 40_000_000_002)
    for path in CASES:
        _send(client, orjson.loads(path.read_bytes())["request"])
    assert (portal.state()["counts"], portal.record("contacts", 40_000_000_002)) == before


def test_missing_scopes_name_what_to_grant(portal: sandbox.Portal, client: httpx.Client) -> None:
    portal.grant(["oauth"])
    answer = client.post("/crm/v3/properties/contacts", json={})
    body = answer.json()
    assert answer.status_code == 403 and body["category"] == "MISSING_SCOPES"
    assert body["errors"] == [
        {
            "message": "One or more of the following scopes are required.",
            "context": {"requiredGranularScopes": ["crm.schemas.contacts.write"]},
        }
    ]
    assert body["links"] == {"scopes": "https://developers.hubspot.com/scopes"}


def test_emails_need_their_own_scope(portal: sandbox.Portal, client: httpx.Client) -> None:
    portal.grant(["crm.objects.contacts.read"])
    assert client.get("/crm/v3/objects/notes").status_code == 200
    body = client.get("/crm/v3/objects/emails").json()
    assert body["errors"][0]["message"] == "All of the following scopes are required."


def test_an_expired_token_says_since_when(portal: sandbox.Portal, client: httpx.Client) -> None:
    portal.grant(expires=portal.account.clock.now() + 1000)
    assert client.get("/crm/v3/objects/contacts").status_code == 200
    portal.advance(6)
    body = client.get("/crm/v3/objects/contacts").json()
    assert body["category"] == "EXPIRED_AUTHENTICATION"
    assert body["message"] == "The OAuth token used to make this call expired 5 second(s) ago."


def test_events_need_enterprise(portal: sandbox.Portal, client: httpx.Client) -> None:
    portal.knobs(tier="professional")
    assert client.get("/events/event-occurrences/2026-03?eventType=e_visited_page").status_code == 403


def test_what_has_no_such_method_says_which_it_has(client: httpx.Client) -> None:
    answer = client.put("/crm/v3/objects/contacts")
    assert answer.status_code == 405 and answer.headers["Allow"] == "GET, POST"


def test_a_body_that_is_no_json_is_refused_by_its_type(client: httpx.Client) -> None:
    assert client.post("/crm/v3/objects/contacts", content=b"x=1").status_code == 415


def test_a_long_address_is_refused(client: httpx.Client) -> None:
    names = ",".join(f"property_number_{n}" for n in range(1000))
    assert client.get("/crm/v3/objects/contacts", params={"properties": names}).status_code == 414
