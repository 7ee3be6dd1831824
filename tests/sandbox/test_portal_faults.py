"""Scripted faults over a socket, set in Python and over HTTP: what the client sees, what was committed."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import orjson
import pytest
from small_account import BOB, JANE, NOW, small

from connector import sandbox

CONTACTS = "/crm/v3/objects/contacts"
ONE = f"{CONTACTS}/{BOB}"
PATCH = {"properties": {"jobtitle": "PDG"}}
Script = Callable[..., None]


@pytest.fixture(params=["python", "http"])
def script(request: pytest.FixtureRequest, portal: sandbox.Portal) -> Script:
    """`script({...}, {...})` sets faults through either door."""

    def scripting(*faults: dict[str, Any]) -> None:
        if request.param == "python":
            portal.faults([sandbox.Fault(**fault) for fault in faults])
            return
        httpx.post(f"{portal.url}/__sandbox__/faults", json=list(faults)).raise_for_status()

    return scripting


def _title(portal: sandbox.Portal) -> Any:
    return portal.record("contacts", BOB)["properties"].get("jobtitle")


def _history(portal: sandbox.Portal, name: str = "jobtitle") -> list[str]:
    return [one["value"] for one in portal.history("contacts", BOB, name)]


# -- statuses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [423, 429, 477, 500, 502, 503, 504, 521, 523, 524])
def test_a_status_takes_the_place_of_the_answer_and_nothing_is_done(
    portal: sandbox.Portal, client: httpx.Client, script: Script, status: int
) -> None:
    script({"method": "PATCH", "status": status})
    refused = client.patch(ONE, json=PATCH)
    body = refused.json()
    assert refused.status_code == status
    assert refused.headers["Content-Type"] == "application/json;charset=utf-8"
    assert body["status"] == "error" and body["message"]
    assert body["correlationId"] == refused.headers["X-HubSpot-Correlation-Id"]
    assert _title(portal) is None
    assert client.patch(ONE, json=PATCH).status_code == 200
    assert _title(portal) == "PDG"
    assert [(one["status"], one["fault"]) for one in portal.journal()] == [
        (status, f"method=PATCH, status={status}"),
        (200, None),
    ]


def test_a_migration_says_for_how_long(client: httpx.Client, script: Script) -> None:
    script({"status": 477}, {"status": 477, "headers": {"Retry-After": "86400"}})
    told = [client.get(CONTACTS).headers["Retry-After"] for _ in range(2)]
    assert told == ["3600", "86400"]


def test_a_status_after_the_commit_has_been_carried_out(
    portal: sandbox.Portal, client: httpx.Client, script: Script
) -> None:
    script({"method": "PATCH", "status": 504, "commit": True})
    assert client.patch(ONE, json=PATCH).status_code == 504
    assert _title(portal) == "PDG" and _history(portal) == ["PDG"]


def test_a_body_and_headers_of_ones_own(client: httpx.Client, script: Script) -> None:
    body = {"status": "error", "message": "Gare aux accents : é", "category": "RATE_LIMITS"}
    script({"status": 429, "body": body, "headers": {"Retry-After": "7"}})
    answer = client.get(CONTACTS)
    correlation = answer.headers["X-HubSpot-Correlation-Id"]
    assert answer.json() == {**body, "correlationId": correlation}
    assert answer.headers["Retry-After"] == "7"


def test_a_status_that_has_no_body(client: httpx.Client, script: Script) -> None:
    script({"status": 204})
    answer = client.get(CONTACTS)
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(CONTACTS).status_code == 200


# -- the connection ------------------------------------------------------------------------------------


def test_a_cut_before_writes_nothing(portal: sandbox.Portal, client: httpx.Client, script: Script) -> None:
    script({"method": "PATCH", "cut": "before"})
    with pytest.raises(httpx.RemoteProtocolError):
        client.patch(ONE, json=PATCH)
    assert _title(portal) is None and _history(portal) == []
    assert [one["status"] for one in portal.journal()] == [0]


def test_a_cut_after_has_written(portal: sandbox.Portal, client: httpx.Client, script: Script) -> None:
    script({"method": "PATCH", "cut": "after"})
    with pytest.raises(httpx.RemoteProtocolError):
        client.patch(ONE, json=PATCH)
    assert _title(portal) == "PDG"
    assert client.get(ONE).status_code == 200
    assert [one["status"] for one in portal.journal()] == [0, 200]


def test_a_cut_resets_the_connection_without_a_byte(portal: sandbox.Portal, script: Script) -> None:
    script({"cut": "before"})
    head = f"GET {CONTACTS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {portal.token}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", portal.port), timeout=10) as raw:
        raw.sendall(head.encode())
        with suppress(ConnectionResetError):
            assert raw.recv(1000) == b""
    assert [one["status"] for one in portal.journal()] == [0]


async def test_in_process_a_cut_is_an_error_of_the_connection() -> None:
    account = sandbox.Account(now=NOW, driven=True)
    sandbox.load(account, small())
    desk = sandbox.Desk(account)
    sandbox.Controls(desk).faults([{"method": "PATCH", "cut": "after"}])
    headers = {"Authorization": f"Bearer {account.token}"}
    transport = httpx.ASGITransport(sandbox.portal_app(desk))
    async with httpx.AsyncClient(transport=transport, base_url="http://portal", headers=headers) as client:
        with pytest.raises(ConnectionResetError):
            await client.patch(ONE, json=PATCH)
        assert (await client.get(f"{ONE}?properties=jobtitle")).json()["properties"]["jobtitle"] == "PDG"
    account.close()


def test_a_delay_is_longer_than_an_impatient_client(
    portal: sandbox.Portal, client: httpx.Client, script: Script
) -> None:
    script({"method": "PATCH", "delay": 5.0})
    with pytest.raises(httpx.ReadTimeout):
        client.patch(ONE, json=PATCH, timeout=0.05)
    assert _title(portal) == "PDG"  # it had been carried out when the client gave up


def test_a_slow_body_comes_in_pieces_and_whole_at_last(
    portal: sandbox.Portal, client: httpx.Client, script: Script
) -> None:
    script({"path": CONTACTS, "slow": 0.05})
    with client.stream("GET", CONTACTS) as answer:
        pieces = list(answer.iter_raw())
    assert len(pieces) > 1
    assert json.loads(b"".join(pieces)) == client.get(CONTACTS).json()
    script({"method": "PATCH", "slow": 0.8})
    with client.stream("PATCH", ONE, json=PATCH) as answer:  # a client that hangs up in the middle of it
        assert answer.status_code == 200
    assert _title(portal) == "PDG"


# -- bodies --------------------------------------------------------------------------------------------


def test_half_of_a_body_is_no_json_but_the_write_was_done(
    portal: sandbox.Portal, client: httpx.Client, script: Script
) -> None:
    script({"method": "PATCH", "truncate": True})
    answer = client.patch(ONE, json=PATCH)
    assert answer.status_code == 200 and len(answer.content) == int(answer.headers["Content-Length"])
    with pytest.raises(ValueError):
        answer.json()
    assert _title(portal) == "PDG"


def test_a_gateways_page_instead_of_json(
    portal: sandbox.Portal, client: httpx.Client, script: Script
) -> None:
    script(
        {"method": "PATCH", "html": True}, {"method": "PATCH", "html": True, "status": 503, "commit": True}
    )
    first, second = client.patch(ONE, json=PATCH), client.patch(ONE, json={"properties": {"fax": "1"}})
    assert (first.status_code, second.status_code) == (502, 503)
    assert first.headers["Content-Type"] == "text/html" and first.text.startswith("<html>")
    assert _title(portal) is None and _history(portal, "fax") == ["1"]


def test_success_with_nothing_in_it_and_nothing_done(
    portal: sandbox.Portal, client: httpx.Client, script: Script
) -> None:
    inputs = [{"id": str(one), "properties": {"jobtitle": "PDG"}} for one in (BOB, JANE)]
    script({"path": "batch/update", "empty": True}, {"path": "batch/update", "empty": True, "status": 207})
    answers = [client.post(f"{CONTACTS}/batch/update", json={"inputs": inputs}) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 207]
    assert answers[0].json() == {"status": "COMPLETE", "results": []}
    assert _title(portal) is None


# -- the token -----------------------------------------------------------------------------------------


def test_a_token_is_refused_in_mid_paging(client: httpx.Client, script: Script) -> None:
    """As a scripted answer: the next call is served again."""
    script({"path": "objects/contacts", "skip": 1, "status": 401})
    answers = [client.get(f"{CONTACTS}?limit=1") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 401, 200]
    body = answers[1].json()
    assert body["category"] == "EXPIRED_AUTHENTICATION"
    assert body["message"] == "The OAuth token used to make this call expired 5 second(s) ago."
    assert body["context"] == {"expire time": ["2026-11-18T11:06:35.000Z"]}
    assert body["correlationId"] == answers[1].headers["X-HubSpot-Correlation-Id"]


def test_a_token_really_expires_in_mid_paging(portal: sandbox.Portal, client: httpx.Client) -> None:
    """As the clock has it: no call is served until there is another token."""
    first = client.get(f"{CONTACTS}?limit=1").json()
    portal.expire(portal.token)
    portal.advance(2)
    refused = [client.get(first["paging"]["next"]["link"].split(".com")[1]) for _ in range(2)]
    assert [one.status_code for one in refused] == [401, 401]
    assert refused[0].json()["message"] == "The OAuth token used to make this call expired 2 second(s) ago."
    portal.grant(expires=None)
    assert client.get(f"{CONTACTS}?limit=1").json() == first


# -- which calls ---------------------------------------------------------------------------------------


def test_a_fault_picks_by_method_and_path_after_some_have_passed(
    portal: sandbox.Portal, client: httpx.Client, script: Script
) -> None:
    script({"method": "get", "path": "owners", "skip": 1, "status": 429, "times": 2})
    assert client.get(CONTACTS).status_code == 200
    assert [client.get("/crm/v3/owners").status_code for _ in range(4)] == [200, 429, 429, 200]
    assert portal.waiting() == []


def test_faults_strike_in_their_order_one_at_a_call(client: httpx.Client, script: Script) -> None:
    script({"status": 500}, {"path": "owners", "status": 502}, {"status": 503})
    assert client.get("/crm/v3/owners").status_code == 500
    assert client.get(CONTACTS).status_code == 503
    assert client.get("/crm/v3/owners").status_code == 502


def test_a_fault_outlives_the_process_with_what_is_left_of_it(tmp_path: Any) -> None:
    file = tmp_path / "account.db"
    with sandbox.start(now=NOW, state=file) as portal:
        portal.faults([{"status": 500, "times": 3}])
        assert httpx.get(f"{portal.url}/crm/v3/owners").status_code == 500
    with sandbox.start(state=file) as portal:
        assert [one["times"] for one in portal.waiting()] == [2]
        portal.clear_faults()
        assert httpx.get(f"{portal.url}/crm/v3/owners").status_code == 401


# -- the journal ---------------------------------------------------------------------------------------


def test_the_journal_counts_what_was_asked(portal: sandbox.Portal, client: httpx.Client) -> None:
    inputs = [{"id": str(JANE), "properties": {"fax": "1"}}, {"id": str(BOB), "properties": {"fax": "1"}}]
    client.get(f"{CONTACTS}?limit=1")
    client.post(f"{CONTACTS}/batch/update", json={"inputs": inputs})
    client.get("/crm/v3/nope")
    entries = portal.journal(bodies=True)
    assert [(one["method"], one["path"], one["status"], one["inputs"]) for one in entries] == [
        ("GET", CONTACTS, 200, None),
        ("POST", f"{CONTACTS}/batch/update", 200, 2),
        ("GET", "/crm/v3/nope", 501, None),
    ]
    assert entries[0]["query"] == "limit=1" and entries[0]["at"] == NOW
    assert orjson.loads(entries[1]["body"]) == {"inputs": inputs}
    assert portal.journal(since=entries[1]["n"]) == [{k: v for k, v in entries[2].items() if k != "body"}]
