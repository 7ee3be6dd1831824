"""Every file in `errors/` is a request and HubSpot's answer to it, byte for byte but for the ids.

A file may name a `setup` (controls, as method, name and body), requests that go `before`, `headers` (null:
must not be there), what the body `holds` and that it `writes`. A `body` of null is one whose words are not
known: its status counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from connector import sandbox

CASES = sorted(Path(__file__).with_name("errors").glob("*.json"))
TABLES = ("objects", "versions", "links", "emails", "aliases", "properties", "groups", "lists", "memberships")
Case = dict[str, Any]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_error_is_worded_as_hubspot_does(
    path: Path, portal: sandbox.Portal, client: httpx.Client
) -> None:
    case = orjson.loads(path.read_bytes())
    _prepare(portal, client, case)
    before = _image(portal)
    answer = _send(client, case["request"])
    assert answer.status_code == case["status"], answer.text
    _headers(answer, case)
    if case["body"] is not None:
        assert answer.content == _expected(answer, case)
    assert all(text in answer.text for text in case.get("holds", ()))
    assert (_image(portal) == before) is not case.get("writes", False)
    assert portal.journal()[-1]["status"] == case["status"]


def _prepare(portal: sandbox.Portal, client: httpx.Client, case: Case) -> None:
    for method, name, body in case.get("setup", ()):
        httpx.request(method, f"{portal.url}/__sandbox__/{name}", json=body).raise_for_status()
    for request in case.get("before", ()):
        assert _send(client, request).status_code < 300


def _send(client: httpx.Client, request: Case) -> httpx.Response:
    content = request["text"].encode() if "text" in request else None
    if "long" in request:  # a text of so many letters, where it would fill the file
        text, number = request["long"]
        content = orjson.dumps(
            orjson.loads(orjson.dumps(request["json"]).replace(b"<long>", text.encode() * number))
        )
    path = request["path"].replace("<long>", "x" * 20_000)
    return client.request(
        request["method"],
        path,
        json=request.get("json") if content is None else None,
        content=content,
        data=request.get("form"),
        headers=request.get("headers", {"Content-Type": "application/json"} if content is not None else {}),
    )


def _headers(answer: httpx.Response, case: Case) -> None:
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
    assert (
        str(UUID(answer.headers["X-HubSpot-Correlation-Id"], version=4))
        == answer.headers["X-HubSpot-Correlation-Id"]
    )
    for name, value in case.get("headers", {}).items():
        assert answer.headers.get(name) == value, name
    if case["request"]["path"].endswith("/search"):
        assert [name for name in answer.headers if "ratelimit" in name] == []


def _expected(answer: httpx.Response, case: Case) -> bytes:
    expected = orjson.dumps(case["body"])
    expected = expected.replace(b"<correlation id>", answer.headers["X-HubSpot-Correlation-Id"].encode())
    if b"<request id>" in expected:
        found = re.search(rb'"requestId":"([0-9a-f-]{36})"', answer.content)
        expected = expected.replace(b"<request id>", found[1] if found else b"")
    return expected


def _image(portal: sandbox.Portal) -> list[list[tuple[Any, ...]]]:
    with portal.account.db.lock:
        return [portal.account.db.rows(f"select * from {name}") for name in TABLES]


def test_every_case_says_where_it_is_from() -> None:
    for path in CASES:
        case = orjson.loads(path.read_bytes())
        assert re.match(r"HUBSPOT.md \d|the sandbox's own|not imitated", case["about"]), path.name
        assert path.stem.startswith(str(case["status"])), path.name
        if case["status"] not in (207, 200) and case["body"] is not None and "error" not in case["body"]:
            assert "correlationId" in case["body"], path.name


# -- what is not one request and its answer ------------------------------------------------------------


@pytest.fixture
def account() -> Iterator[sandbox.Account]:
    account = sandbox.Account(driven=True)
    yield account
    account.close()


def test_the_correlation_id_of_every_answer_is_its_own(client: httpx.Client) -> None:
    ids = {client.get("/crm/v3/owners").headers["X-HubSpot-Correlation-Id"] for _ in range(5)}
    assert len(ids) == 5


def test_only_one_of_the_scopes_is_needed_unless_it_says_all(
    portal: sandbox.Portal, client: httpx.Client
) -> None:
    portal.grant(["crm.objects.contacts.read"])
    assert client.get("/crm/v3/properties/contacts").status_code == 200  # the schema's own would do as well
    assert client.get("/crm/v3/objects/notes").status_code == 200
    assert client.get("/crm/v3/objects/emails").status_code == 403
    portal.grant(["crm.objects.contacts.read", "sales-email-read"])
    assert client.get("/crm/v3/objects/emails").status_code == 200


def test_an_expired_token_is_refused_from_its_moment_on(portal: sandbox.Portal, client: httpx.Client) -> None:
    portal.grant(expires=portal.account.clock.now() + 1000)
    assert client.get("/crm/v3/objects/contacts").status_code == 200
    portal.advance(1)
    assert client.get("/crm/v3/objects/contacts").status_code == 401


@pytest.mark.parametrize(
    ("tier", "status"), [("free", 403), ("starter", 403), ("professional", 403), ("enterprise", 200)]
)
def test_events_need_enterprise(portal: sandbox.Portal, client: httpx.Client, tier: str, status: int) -> None:
    portal.knobs(tier=tier)
    assert client.get("/events/event-occurrences/2026-03?eventType=e_visited_page").status_code == status


def test_what_is_not_imitated_is_in_the_journal(portal: sandbox.Portal, client: httpx.Client) -> None:
    asked = ["/crm/v3/nope", "/crm/v3/objects/tickets", "/crm/v3/owners?colour=1", "/crm/v9/owners"]
    for path in asked:
        answer = client.get(path)
        assert answer.status_code == 501
        assert answer.json()["message"].startswith("The sandbox does not imitate ")
    told = client.post("/crm/v3/objects/contacts/search", json={"colour": 1}).json()["message"]
    assert "body key colour of POST /crm/v3/objects/contacts/search" in told
    assert [one["status"] for one in portal.journal()] == [501] * 5
