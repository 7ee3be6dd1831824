"""The account as a whole: kept in a file, in-process, on loopback, the dated paths, engagement sources."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from small_account import BOB, DAY, JANE, NOW, OWNER, small

from connector import sandbox
from connector.sandbox.rows import EmailEvent

Ask = Callable[..., tuple[int, Any]]


def test_an_account_is_opened_again_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "portal.db"
    with sandbox.start(now=NOW, seed=3, state=file, rows=small()) as portal:
        portal.advance(60)
        portal.edit(BOB, {"jobtitle": "PDG"})
        portal.knobs(tier="starter")
        portal.faults([{"path": "owners", "status": 500}])
        before = portal.state(), portal.record("contacts", BOB), portal.waiting()
    with sandbox.start(contacts=5, seed=9, state=file) as portal:
        assert (portal.state(), portal.record("contacts", BOB), portal.waiting()) == before
        headers = {"Authorization": f"Bearer {portal.token}"}
        assert httpx.get(f"{portal.url}/crm/v3/objects/contacts", headers=headers).status_code == 200
    with sqlite3.connect(file) as con:
        assert con.execute("select path, status from journal").fetchall() == [
            ("/crm/v3/objects/contacts", 200)
        ]
    con.close()


async def test_it_answers_in_process() -> None:
    account = sandbox.Account(now=NOW)
    sandbox.load(account, small())
    transport = httpx.ASGITransport(sandbox.portal_app(account))
    headers = {"Authorization": f"Bearer {account.token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://portal", headers=headers) as client:
        answer = await client.get("/crm/v3/objects/contacts")
    account.close()
    assert [one["id"] for one in answer.json()["results"]][:2] == [str(JANE), str(BOB)]


def test_it_listens_on_loopback_alone_and_says_where(portal: sandbox.Portal) -> None:
    assert portal.url == f"http://127.0.0.1:{portal.port}"


def test_a_port_that_is_taken_is_an_error_of_the_system(portal: sandbox.Portal) -> None:
    with pytest.raises(OSError):
        sandbox.start(port=portal.port)


def test_it_serves_in_the_foreground_until_it_is_told_to_end() -> None:
    program = (
        "from connector import sandbox; sandbox.serve(listening=lambda p: print(p.url, p.token, flush=True))"
    )
    command = [sys.executable, "-c", program + "; print('ended')"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, token = process.stdout.readline().split()
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{url}/crm/v3/objects/contacts", headers=headers).json() == {"results": []}
        process.terminate()
        assert process.stdout.read() == "ended\n"
    assert process.returncode == 0


PAIRS = [
    ("GET", "/crm/v3/objects/contacts", "/crm/objects/2026-03/contacts", None),
    ("GET", f"/crm/v3/objects/contacts/{JANE}", f"/crm/objects/2026-09/0-1/{JANE}/", None),
    (
        "POST",
        "/crm/v3/objects/contacts/batch/read",
        "/crm/objects/2026-03/contacts/batch/read",
        {"inputs": [{"id": "9"}]},
    ),
    ("POST", "/crm/v3/objects/contacts/search", "/crm/objects/2026-09/contacts/search", {"limit": 2}),
    ("GET", "/crm/v3/properties/contacts", "/crm/properties/2026-03/0-1", None),
    (
        "POST",
        "/crm/v4/associations/contacts/companies/batch/read",
        "/crm/associations/2026-03/contacts/companies/batch/read",
        {"inputs": [{"id": str(JANE)}, {"id": "9"}]},
    ),
    (
        "GET",
        f"/crm/v4/objects/contacts/{JANE}/associations/companies",
        f"/crm/objects/2026-03/contacts/{JANE}/associations/companies",
        None,
    ),
    ("GET", "/crm/v3/owners/", "/crm/owners/2026-03", None),
    ("GET", "/crm/v3/pipelines/deals", "/crm/pipelines/2026-03/deals", None),
    ("POST", "/crm/v3/lists/search", "/crm/lists/2026-03/search", {}),
    ("GET", "/crm/v3/lists/1/memberships", "/crm/lists/2026-09/1/memberships", None),
    (
        "GET",
        "/events/v3/events/?eventType=e_visited_page",
        "/events/event-occurrences/2026-03?eventType=e_visited_page",
        None,
    ),
    ("GET", "/marketing/v3/forms/", "/marketing/forms/2026-09-beta", None),
    ("GET", "/account-info/v3/details", "/account-info/2026-09/details", None),
]


@pytest.mark.parametrize(("method", "old", "new", "body"), PAIRS, ids=lambda value: str(value)[:40])
def test_the_dated_path_answers_the_same(
    client: httpx.Client, method: str, old: str, new: str, body: dict[str, Any] | None
) -> None:
    answers = [client.request(method, path, json=body) for path in (old, new)]
    assert answers[0].status_code == answers[1].status_code < 300
    assert orjson.loads(answers[0].content) == orjson.loads(answers[1].content)


def test_a_batch_archive_of_associations_differs_by_version(client: httpx.Client) -> None:
    body = {"inputs": [{"from": {"id": str(JANE)}, "to": [{"id": "50000000001"}]}]}
    old = client.post("/crm/v4/associations/contacts/companies/batch/archive", json=body)
    new = client.post("/crm/associations/2026-03/contacts/companies/batch/archive", json=body)
    assert (old.status_code, new.status_code) == (204, 200)
    page = client.get(f"/crm/v4/objects/contacts/{JANE}/associations/companies").json()
    assert page["results"] == []


def test_associations_are_paged_per_input(portal: sandbox.Portal, ask: Ask) -> None:
    portal.knobs(association_page=1, to_object_id_type="string")
    path = "/crm/v4/associations/companies/contacts/batch/read"
    _, first = ask("POST", path, {"inputs": [{"id": "50000000001"}]})
    assert [one["toObjectId"] for one in first["results"][0]["to"]] == [str(JANE)]
    after = first["results"][0]["paging"]["next"]["after"]
    _, second = ask("POST", path, {"inputs": [{"id": "50000000001", "after": after}]})
    assert [one["toObjectId"] for one in second["results"][0]["to"]] == [str(BOB)]
    assert "paging" not in second["results"][0]


def test_form_submissions_are_newest_first(portal: sandbox.Portal, ask: Ask) -> None:
    path = "/form-integrations/v1/submissions/forms/form-1"
    _, first = ask("GET", f"{path}?limit=1")
    assert first["results"][0]["submittedAt"] == NOW - 5 * DAY
    assert first["results"][0]["values"] == [
        {"name": "email", "value": "Elodie@home.fr", "objectTypeId": "0-1"}
    ]
    _, second = ask("GET", f"{path}?limit=1&after={first['paging']['next']['after']}")
    assert second["results"][0]["submittedAt"] == NOW - 9 * DAY and "paging" not in second
    portal.knobs(form_conversion_id=False)
    assert "conversionId" not in ask("GET", path)[1]["results"][0]
    assert ask("GET", f"{path}?limit=51")[0] == 400


def test_email_events_have_an_inclusive_end_and_an_offset(portal: sandbox.Portal, ask: Ask) -> None:
    portal.load([EmailEvent("e3", "UNBOUNCE", NOW, "bob@acme.fr", 12, "x", filtered=True)])
    window = f"/email/public/v1/events?startTimestamp={NOW - 4 * DAY}&endTimestamp={NOW}&limit=2"
    _, first = ask("GET", window)
    assert ([one["id"] for one in first["events"]], first["hasMore"]) == (["e3", "e2"], True)
    assert "type" not in first["events"][0] and first["events"][1]["url"] == "https://x.fr/prix"
    _, second = ask("GET", f"{window}&offset={first['offset']}")
    assert ([one["id"] for one in second["events"]], second["hasMore"]) == (["e1"], False)
    assert (
        ask("GET", "/email/public/v1/events?excludeFilteredEvents=true&eventType=OPEN")[1]["events"]
        == second["events"]
    )


def test_events_by_contact_and_by_type_in_a_window(ask: Ask) -> None:
    path = "/events/event-occurrences/2026-03"
    assert [one["id"] for one in ask("GET", f"{path}?objectType=contact&objectId={JANE}")[1]["results"]] == [
        "w1"
    ]
    assert [one["id"] for one in ask("GET", f"{path}?objectProperty.email=bob@acme.fr")[1]["results"]] == [
        "w2"
    ]
    window = f"{path}?eventType=e_visited_page&occurredAfter=2026-11-01T00:00:00Z&sort=occurredAt&limit=1"
    _, first = ask("GET", window)
    assert [one["id"] for one in first["results"]] == ["w1"]
    _, second = ask("GET", f"{window}&after={first['paging']['next']['after']}")
    assert [one["id"] for one in second["results"]] == ["w2"] and "paging" not in second


def test_lists_take_members_by_hand_unless_they_are_dynamic(ask: Ask) -> None:
    _, body = ask("PUT", "/crm/v3/lists/1/memberships/add", [str(BOB), "40000000003", "9"])
    assert body == {"recordsIdsAdded": ["40000000003"], "recordIdsRemoved": [], "recordIdsMissing": ["9"]}
    assert ask("PUT", "/crm/v3/lists/1/memberships/remove", [str(BOB)])[1]["recordIdsRemoved"] == [str(BOB)]
    assert ask("PUT", "/crm/v3/lists/2/memberships/add", [str(BOB)])[0] == 400
    assert ask("GET", "/crm/v3/lists/object-type-id/0-1/name/Newsletter")[1]["list"]["size"] == 2


def test_owners_and_usage(ask: Ask) -> None:
    assert ask("GET", "/crm/v3/owners?email=SALES@acme.fr")[1]["results"][0]["id"] == str(OWNER)
    assert ask("GET", "/crm/v3/owners?archived=true")[1]["results"] == []
    assert ask("GET", f"/crm/v3/owners/{OWNER}")[1]["firstName"] == "Ana"
    (usage,) = ask("GET", "/account-info/2026-09/api-usage/daily/private-apps")[1]["results"]
    assert (usage["currentUsage"], usage["resetsAt"]) == (4, "2026-11-18T23:00:00.000Z")


def test_a_population_loads_and_is_the_same_each_time() -> None:
    counts = []
    for _ in range(2):
        with sandbox.start(contacts=30, seed=5, now=NOW) as portal:
            counts.append((portal.counts, portal.account.db.rows("select kind, id, props from objects")))
    assert counts[0] == counts[1] and counts[0][0]["contacts"] == 30


@pytest.mark.parametrize("path", ["/crm/v3/objects/contacts", "/events/v3/events"])
@pytest.mark.parametrize("after", ["9" * 30, f"{'9' * 30}-1"])
def test_a_cursor_that_no_number_can_hold_is_refused(ask: Ask, path: str, after: str) -> None:
    status, body = ask("GET", f"{path}?after={after}")
    assert status == 400, body
