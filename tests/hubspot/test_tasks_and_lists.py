"""Tasks and lists against the sandbox: made once, found again; who is on a list, and what no list takes."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from manual_clock import NOW

from connector.errors import MissingScope, Refused, Unreachable
from connector.hubspot import objects
from connector.hubspot.lists import ContactList, change_list, find_list, kinds_of
from connector.hubspot.objects import Task
from connector.hubspot.transport import Transport
from connector.model import DAY, HOUR, moment
from connector.sandbox import Fault, Portal, rows
from connector.sandbox.state import SCOPES

ANA, BOB = "10000000001", "10000000002"
MARKER = "[connector 4711 10000000001 1 mql]"
CALL = Task("New MQL: Ana", ["112 is at or over 100", "+50 Démo <été> & more", MARKER], NOW + 4 * HOUR)

Fakes = Callable[[Callable[[httpx.Request], httpx.Response]], Transport]


def person(id: str) -> rows.Object:
    return rows.Object("contacts", int(id), {"email": f"{id}@acme.fr"}, NOW - DAY, NOW - DAY)


@pytest.fixture
def account(portal: Portal) -> Portal:
    portal.load([person(ANA), person(BOB), rows.Owner(7, "sales@acme.fr", "Zoé", "Dupont")])
    portal.load([rows.ListDef(1, "Nurturing"), rows.ListDef(2, "Hot / chaud", "DYNAMIC")])
    return portal


# -- tasks ---------------------------------------------------------------------------------------------


async def test_a_task_is_made_with_all_that_its_reader_needs(account: Portal, t: Transport) -> None:
    link = "https://app.hubspot.com/contacts/4711/record/0-1/10000000001"
    made = await objects.create_task(t, ANA, Task(CALL.subject, [*CALL.lines, link], CALL.due_at, "7"))
    held = account.record("tasks", made)["properties"]
    assert held["hs_task_subject"] == "New MQL: Ana"
    assert held["hubspot_owner_id"] == "7"
    assert (held["hs_task_status"], held["hs_task_type"]) == ("NOT_STARTED", "TODO")
    assert moment(held["hs_timestamp"]) == NOW + 4 * HOUR
    assert "+50 Démo &lt;été&gt; &amp; more<br>" in held["hs_task_body"]
    assert f'<a href="{link}">' in held["hs_task_body"]


@pytest.mark.usefixtures("account")
async def test_a_contacts_tasks_are_read_back_with_their_text(t: Transport) -> None:
    first = await objects.create_task(t, ANA, CALL)
    second = await objects.create_task(t, ANA, Task("Other", ["nothing of ours"], NOW))
    found = await objects.tasks_of(t, [ANA, BOB])
    assert {task.id for task in found[ANA]} == {first, second}
    assert found[BOB] == []
    [ours] = [task for task in found[ANA] if MARKER in task.body]
    assert ours.body == f"112 is at or over 100 +50 Démo <été> & more {MARKER}"
    assert ours.created_at == NOW


async def test_a_marker_is_found_however_an_editor_laid_out_the_body(account: Portal, t: Transport) -> None:
    made = await objects.create_task(t, ANA, CALL)
    laid_out = f"<div><p>done!</p>\n<p>{MARKER.replace(' ', '&nbsp;')}</p></div>"
    account.edit(made, {"hs_task_body": laid_out}, kind="tasks")
    [seen] = (await objects.tasks_of(t, [ANA]))[ANA]
    assert MARKER in seen.body


async def test_a_lost_answer_is_not_repeated_and_the_task_is_found(account: Portal, t: Transport) -> None:
    account.faults([Fault(method="POST", path="/tasks", cut="after")])
    with pytest.raises(Unreachable):
        await objects.create_task(t, ANA, CALL)
    assert [r["method"] for r in account.journal() if r["path"].endswith("/tasks")] == ["POST"]
    assert len((await objects.tasks_of(t, [ANA]))[ANA]) == 1


@pytest.mark.usefixtures("account")
async def test_a_task_on_nobody_is_refused(t: Transport) -> None:
    with pytest.raises(Refused) as no:
        await objects.create_task(t, "999", CALL)
    assert no.value.status in (400, 404)


async def test_a_contacts_many_tasks_are_read_to_the_last(account: Portal, t: Transport) -> None:
    account.knobs(association_page=2)
    made = [await objects.create_task(t, ANA, Task(f"n {n}", ["x"], NOW)) for n in range(5)]
    assert sorted(task.id for task in (await objects.tasks_of(t, [ANA]))[ANA]) == sorted(made)


# -- lists ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Nurturing", ContactList("1", "Nurturing", dynamic=False)),
        ("Hot / chaud", ContactList("2", "Hot / chaud", dynamic=True)),
        ("Sales owned", None),
    ],
)
@pytest.mark.usefixtures("account")
async def test_a_list_is_found_by_its_name(t: Transport, name: str, found: ContactList | None) -> None:
    assert await find_list(t, name) == found


async def test_a_name_may_hold_what_addresses_do_not(account: Portal, t: Transport) -> None:
    account.load([rows.ListDef(3, "Été & co ? #1 100%")])
    assert await find_list(t, "Été & co ? #1 100%") == ContactList("3", "Été & co ? #1 100%", dynamic=False)


@pytest.mark.usefixtures("account")
async def test_joining_and_leaving_are_harmless_when_done_twice(t: Transport) -> None:
    for _ in range(2):
        assert await change_list(t, "1", "join", [ANA, BOB]) == frozenset()
    for _ in range(2):
        assert await change_list(t, "1", "leave", [BOB]) == frozenset()
    assert await members(t, "1") == [ANA]


async def members(t: Transport, list_id: str) -> list[str]:
    answer = await t.call("GET", f"/crm/lists/2026-03/{list_id}/memberships")
    return [row["recordId"] for row in answer["results"]]


@pytest.mark.usefixtures("account")
async def test_whom_the_crm_does_not_have_is_told(t: Transport) -> None:
    assert await change_list(t, "1", "join", [ANA, "999"]) == {"999"}
    assert await members(t, "1") == [ANA]


async def test_a_dynamic_list_says_that_it_is_one_and_takes_nobody(account: Portal, t: Transport) -> None:
    account.load([rows.ListDef(4, "Hot", "DYNAMIC")])
    found = await find_list(t, "Hot")
    assert found is not None
    assert found.dynamic
    with pytest.raises(Refused, match="dynamic"):
        await change_list(t, found.id, "join", [ANA])


async def test_without_the_scope_it_says_which(account: Portal, t: Transport) -> None:
    account.grant(set(SCOPES) - {"crm.lists.write"})
    with pytest.raises(MissingScope, match=r"crm\.lists\.write"):
        await change_list(t, "1", "join", [ANA])


async def test_an_answer_without_the_list_is_no_answer(fake: Fakes) -> None:
    t = fake(lambda _: httpx.Response(200, json={}))
    with pytest.raises(Unreachable, match="without the list"):
        await find_list(t, "Nurturing")


async def test_lists_are_told_apart_or_not_at_all(account: Portal, t: Transport) -> None:
    found = await kinds_of(t, ["Nurturing", "Hot / chaud", "À nourrir"])
    assert found == {"Nurturing": "static", "Hot / chaud": "dynamic", "À nourrir": "absent"}
    account.grant(set(SCOPES) - {"crm.lists.read", "crm.lists.write"})
    assert await kinds_of(t, ["Nurturing"]) == {}
