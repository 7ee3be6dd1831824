"""Scripted faults, the journal, and the control routes over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from small_account import BOB, JANE, NOW

from connector import sandbox

CONTACTS = "/crm/v3/objects/contacts"
PATCH = {"properties": {"jobtitle": "PDG"}}


def _title(portal: sandbox.Portal) -> Any:
    return portal.record("contacts", BOB)["properties"].get("jobtitle")


def test_a_cut_before_writes_nothing_and_a_cut_after_has_written(
    portal: sandbox.Portal, client: httpx.Client
) -> None:
    portal.faults([{"method": "PATCH", "cut": "before"}, {"method": "PATCH", "cut": "after"}])
    with pytest.raises(httpx.RemoteProtocolError):
        client.patch(f"{CONTACTS}/{BOB}", json=PATCH)
    assert _title(portal) is None
    with pytest.raises(httpx.RemoteProtocolError):
        client.patch(f"{CONTACTS}/{BOB}", json=PATCH)
    assert _title(portal) == "PDG"
    assert client.get(f"{CONTACTS}/{BOB}").status_code == 200
    assert [one["status"] for one in portal.journal()] == [0, 0, 200]


def test_statuses_pages_halves_and_nothing(portal: sandbox.Portal, client: httpx.Client) -> None:
    portal.faults(
        [
            {"status": 502, "times": 2},
            {"status": 477, "headers": {"Retry-After": "60"}},
            {"html": True},
            {"truncate": True},
            {"empty": True},
            {"status": 503, "commit": True},
        ]
    )
    answers = [client.patch(f"{CONTACTS}/{BOB}", json={"properties": {"fax": str(n)}}) for n in range(7)]
    assert [one.status_code for one in answers] == [502, 502, 477, 502, 200, 200, 503]
    assert answers[2].headers["Retry-After"] == "60"
    assert answers[3].headers["Content-Type"] == "text/html"
    with pytest.raises(ValueError):
        answers[4].json()
    assert answers[5].json() == {"status": "COMPLETE", "results": []}
    values = [one["value"] for one in portal.history("contacts", BOB, "fax")]
    assert values == ["6", "4"]  # the half answer and the 503 after the commit had been carried out


def test_a_fault_picks_by_method_and_path_after_some_have_passed(
    portal: sandbox.Portal, client: httpx.Client
) -> None:
    portal.faults([{"method": "get", "path": "owners", "skip": 1, "status": 429}])
    assert client.get(CONTACTS).status_code == 200
    assert [client.get("/crm/v3/owners").status_code for _ in range(3)] == [200, 429, 200]
    assert portal.waiting() == []


def test_a_token_expires_in_mid_paging(portal: sandbox.Portal, client: httpx.Client) -> None:
    portal.faults([{"path": "objects/contacts", "skip": 1, "status": 401}])
    answers = [client.get(f"{CONTACTS}?limit=1") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 401, 200]
    body = answers[1].json()
    assert body["category"] == "EXPIRED_AUTHENTICATION"
    assert body["context"] == {"expire time": ["2026-11-18T11:06:35.000Z"]}
    assert body["correlationId"] == answers[1].headers["X-HubSpot-Correlation-Id"]


def test_an_unknown_fault_is_refused(portal: sandbox.Portal) -> None:
    with pytest.raises(ValueError, match="a fault has no colour"):
        portal.faults([{"colour": "red"}])


def test_a_delay_is_longer_than_an_impatient_client(portal: sandbox.Portal, client: httpx.Client) -> None:
    portal.faults([{"delay": 5.0}])
    with pytest.raises(httpx.ReadTimeout):
        client.get(CONTACTS, timeout=0.05)


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
    assert '"fax":"1"' in entries[1]["body"]
    assert portal.journal(since=entries[1]["n"]) == [{k: v for k, v in entries[2].items() if k != "body"}]


def test_the_control_routes_do_the_same(portal: sandbox.Portal) -> None:
    with httpx.Client(base_url=f"{portal.url}/__sandbox__/") as control:
        assert control.post("advance", json={"seconds": 60}).json() == {"now": NOW + 60_000}
        assert control.post("edit", json={"id": BOB, "properties": {"jobtitle": "PDG"}}).status_code == 200
        assert control.get(f"record/contacts/{BOB}").json()["properties"]["jobtitle"] == "PDG"
        assert control.post("knobs", json={"tier": "starter"}).json()["tier"] == "starter"
        assert control.post("lag", json={"seconds": 3}).json() == {}
        assert control.post("faults", json=[{"status": 500}]).status_code == 200
        assert control.get("faults").json()[0]["status"] == 500
        assert control.delete("faults").status_code == 200
        row = {
            "row": "WebEvent",
            "id": "w",
            "contact_id": BOB,
            "type": "e_visited_page",
            "at": NOW,
            "properties": {},
        }
        assert control.post("happen", json=[row]).status_code == 200
        new = control.post("merge", json={"first": BOB, "second": JANE}).json()["id"]
        assert control.post("archive", json={"id": new}).status_code == 200
        assert control.post("restore", json={"id": new}).status_code == 200
        assert control.post("erase", json={"id": new}).status_code == 200
        state = control.get("state").json()
        assert (state["now"], state["counts"]["contacts"], state["requests"]) == (NOW + 60_000, 1, 0)
        assert control.get("journal").json() == []


@pytest.mark.parametrize(
    ("method", "name", "body", "status"),
    [
        ("GET", "nothing", None, 404),
        ("POST", "advance", {"seconds": -1}, 400),
        ("POST", "advance", {}, 400),
        ("POST", "knobs", {"colour": 1}, 400),
        ("POST", "knobs", {"lag": "long"}, 400),
        ("POST", "edit", {"id": 5, "properties": {}}, 400),
        ("POST", "rows", [{"row": "Nothing"}], 400),
        ("DELETE", "state", None, 404),
    ],
)
def test_a_control_that_makes_no_sense_says_so(
    portal: sandbox.Portal, method: str, name: str, body: Any, status: int
) -> None:
    answer = httpx.request(method, f"{portal.url}/__sandbox__/{name}", json=body)
    assert answer.status_code == status and answer.json()["message"]
