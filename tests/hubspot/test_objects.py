"""Records against the sandbox: nothing missed, nothing taken for done that is not."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest
from manual_clock import NOW

from connector.errors import MissingScope, Refused, ServerFault, Unreachable
from connector.hubspot import objects
from connector.hubspot.transport import Transport
from connector.model import DAY, Link, Record, Update
from connector.sandbox import Portal, rows

FIRST = 10_000_000_000  # ids: eleven digits, as the CRM's


def contact(number: int, modified: int = NOW - DAY, **properties: str) -> rows.Object:
    return rows.Object(
        "contacts",
        FIRST + number,
        {"email": f"c{number}@example.fr", **properties},
        NOW - 30 * DAY,
        modified,
    )


def ids(numbers: range) -> list[str]:
    return [str(FIRST + number) for number in numbers]


async def walk(t: Transport, since: int, until: int, most: int = 50) -> tuple[list[str], int]:
    """The ids of a window and the number of steps taken."""
    found: list[str] = []
    after_id = None
    for step in range(1, most):
        page = await objects.changed(t, "contacts", since, until, after_id)
        found += [id for id, _ in page.stamps]
        after_id = page.after_id
        if after_id is None:
            return found, step
    raise AssertionError(f"{most} steps and no end")


# -- pages ---------------------------------------------------------------------------------------------


async def test_pages_of_all_hold_everybody_once(portal: Portal, t: Transport) -> None:
    portal.load(contact(n) for n in range(250))
    after, found = None, list[Record]()
    while True:
        page = await objects.list_page(t, "contacts", ["email", "no_such_property"], after)
        found += page.records
        after = page.after
        if after is None:
            break
    assert [record.id for record in found] == ids(range(250))
    assert found[7].properties["email"] == "c7@example.fr"
    assert found[7].properties["no_such_property"] is None
    assert (found[7].created_at, found[7].modified_at) == (NOW - 30 * DAY, NOW - DAY)
    assert t.requests == 3


async def test_too_many_properties_for_a_url_go_by_batch(portal: Portal, t: Transport) -> None:
    portal.load(contact(n) for n in range(5))
    names = ["email", *(f"a_property_with_quite_a_long_name_{n}" for n in range(600))]
    page = await objects.list_page(t, "contacts", names)
    assert [record.properties["email"] for record in page.records] == [f"c{n}@example.fr" for n in range(5)]
    assert [entry["method"] for entry in portal.journal()] == ["GET", "POST"]


async def test_a_page_without_results_is_no_empty_page(fake: Any) -> None:
    t = fake(lambda _: httpx.Response(200, json={"status": "COMPLETE"}))
    with pytest.raises(Unreachable, match="results"):
        await objects.list_page(t, "contacts", ["email"])


async def test_a_cursor_that_comes_again_is_a_loop(fake: Any) -> None:
    page = {"results": [], "paging": {"next": {"after": "7"}}}
    t = fake(lambda _: httpx.Response(200, json=page))
    with pytest.raises(ServerFault, match="again and again"):
        await objects.list_page(t, "contacts", ["email"], after="7")


async def test_a_missing_scope_stops(portal: Portal, t: Transport) -> None:
    portal.grant(["crm.objects.contacts.read"])
    with pytest.raises(MissingScope, match=r"crm\.objects\.companies\.read") as raised:
        await objects.list_page(t, "companies", ["name"])
    assert "crm.objects.companies.read" in raised.value.fix


# -- what changed --------------------------------------------------------------------------------------


async def test_a_window_holds_its_edges_and_nothing_else(portal: Portal, t: Transport) -> None:
    portal.load(contact(n, modified=NOW - 1000 + n) for n in range(10))
    found, steps = await walk(t, NOW - 998, NOW - 994)
    assert (found, steps) == (ids(range(2, 7)), 1)


@pytest.mark.parametrize("compares", ["number", "text"])
@pytest.mark.parametrize("short", [False, True])
async def test_every_one_of_a_window_comes(portal: Portal, t: Transport, short: bool, compares: str) -> None:
    portal.knobs(short_or_empty_pages_with_next=short, object_id_compares_as=compares)
    numbers = [*range(1 - FIRST, 1500 - FIRST), *range(100)]  # ids of one digit to four, and of eleven
    portal.load(contact(n) for n in numbers)
    found, _ = await walk(t, 0, NOW)
    assert len(found) == len(set(found))
    assert {int(id) - FIRST for id in found} == set(numbers)


async def test_ten_thousand_on_one_millisecond_are_no_wall(portal: Portal, t: Transport) -> None:
    portal.load(contact(n, modified=NOW - 5) for n in range(10_300))
    found, steps = await walk(t, NOW - 5, NOW - 5, most=60)
    assert found == ids(range(10_300))
    assert steps == 52


async def test_an_exactly_full_page_ends_by_its_total(portal: Portal, t: Transport) -> None:
    portal.load(contact(n) for n in range(200))
    page = await objects.changed(t, "contacts", 0, NOW, None)
    assert (len(page.stamps), page.after_id, page.total) == (200, None, 200)


async def test_nobody_changed_is_one_request(portal: Portal, t: Transport) -> None:
    portal.load(contact(n) for n in range(3))
    assert await walk(t, NOW, NOW) == ([], 1)
    assert dict(t.counts) == {"search": 1}


async def test_edits_while_paging_lose_nobody(portal: Portal, t: Transport) -> None:
    portal.load(contact(n) for n in range(450))
    first = await objects.changed(t, "contacts", 0, NOW - 1, None)
    for n in (0, 150, 210, 399):
        portal.edit(FIRST + n, {"firstname": "Zoé"})  # moves it out of the window
    found = [id for id, _ in first.stamps]
    after_id = first.after_id
    while after_id is not None:
        page = await objects.changed(t, "contacts", 0, NOW - 1, after_id)
        found += [id for id, _ in page.stamps]
        after_id = page.after_id
    assert set(ids(range(450))) - set(found) <= {str(FIRST + n) for n in (210, 399)}
    later, _ = await walk(t, NOW, NOW)
    assert set(found) | set(later) == set(ids(range(450)))


async def test_a_search_that_repeats_itself_stops(fake: Any) -> None:
    page = {
        "total": 900,
        "results": [{"id": str(n)} for n in range(200)],
        "paging": {"next": {"after": "200"}},
    }
    t = fake(lambda _: httpx.Response(200, json=page))
    first = await objects.changed(t, "contacts", 0, NOW, None)
    with pytest.raises(ServerFault, match="199 again"):
        await objects.changed(t, "contacts", 0, NOW, first.after_id)


async def test_an_empty_page_with_a_next_is_not_the_end(fake: Any) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if orjson.loads(request.content).get("after") is None:
            return httpx.Response(200, json={"total": 1, "results": [], "paging": {"next": {"after": "200"}}})
        return httpx.Response(200, json={"total": 1, "results": [{"id": "7"}]})

    page = await objects.changed(fake(answer), "contacts", 0, NOW, None)
    assert (page.stamps, page.after_id) == ([("7", None)], None)


async def test_counting_asks_for_no_rows(portal: Portal, t: Transport) -> None:
    portal.load(contact(n) for n in range(7))
    assert await objects.count(t, "contacts") == 7


# -- batches -------------------------------------------------------------------------------------------


async def test_batches_of_any_size_find_each_and_name_the_missing(portal: Portal, t: Transport) -> None:
    portal.load(contact(n) for n in range(230))
    portal.archive(FIRST + 3)
    asked = [*ids(range(230)), "424242", str(FIRST)]
    read = await objects.read(t, "contacts", asked, ["email"])
    assert read.missing == {str(FIRST + 3), "424242"}
    assert list(read.records) == [id for id in ids(range(230)) if id != str(FIRST + 3)]
    assert all(record.id == id for id, record in read.records.items())
    assert t.requests == 3


async def test_a_merged_id_gives_the_survivor(portal: Portal, t: Transport) -> None:
    portal.load(contact(n) for n in range(4))
    survivor = str(portal.merge(FIRST + 1, FIRST + 2))
    read = await objects.read(t, "contacts", ids(range(4)), ["email"])
    assert [record.id for record in read.records.values()] == [str(FIRST), survivor, survivor, str(FIRST + 3)]
    assert read.missing == frozenset()
    assert set(objects.merged_ids(read.records[str(FIRST + 1)])) >= {str(FIRST + 1), str(FIRST + 2)}


async def test_a_survivor_that_does_not_say_whom_it_absorbed_is_found(fake: Any) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        asked = {row["id"] for row in orjson.loads(request.content)["inputs"]}
        found = [{"id": "90" if id in ("1", "2") else id, "properties": {}} for id in sorted(asked)]
        return httpx.Response(200, json={"results": found})

    read = await objects.read(fake(answer), "contacts", ["1", "2", "3"], [])
    assert {id: record.id for id, record in read.records.items()} == {"1": "90", "2": "90", "3": "3"}


async def test_a_batch_that_says_nothing_of_a_record_does_not_delete_it(fake: Any) -> None:
    t = fake(lambda _: httpx.Response(200, json={"status": "COMPLETE", "results": []}))
    with pytest.raises(Unreachable, match="record 1"):
        await objects.read(t, "contacts", ["1", "2"], ["email"])


async def test_a_207_of_another_kind_is_said(fake: Any) -> None:
    error = {"category": "INTERNAL_ERROR", "message": "shard 7 is away", "context": {"ids": ["1"]}}
    t = fake(lambda _: httpx.Response(207, json={"results": [], "errors": [error]}))
    with pytest.raises(Refused, match="shard 7 is away"):
        await objects.read(t, "contacts", ["1"], ["email"])


async def test_history_comes_newest_first(portal: Portal, t: Transport) -> None:
    portal.load(contact(n, lifecyclestage="lead") for n in range(60))
    portal.advance(60)
    portal.edit(FIRST, {"lifecyclestage": "opportunity"}, by="userId:42")
    read = await objects.read(t, "contacts", ids(range(60)), ["email"], history=["lifecyclestage"])
    newest, *older = read.records[str(FIRST)].history["lifecyclestage"]
    assert (newest.value, newest.at, newest.source, newest.source_id) == (
        "opportunity",
        NOW + 60_000,
        "CRM_UI",
        "userId:42",
    )
    assert older[-1].value == "lead"
    assert t.requests == 2  # 50 with history


# -- updates -------------------------------------------------------------------------------------------


async def test_every_update_has_its_outcome_in_order(portal: Portal, t: Transport) -> None:
    portal.load(contact(n) for n in range(150))
    wanted = [Update(id, {"firstname": f"Zoé {id}"}) for id in reversed(ids(range(150)))]
    outcomes = await objects.update(t, "contacts", wanted)
    assert [outcome.id for outcome in outcomes] == [one.id for one in wanted]
    assert all(outcome.ok for outcome in outcomes)
    assert outcomes[3].record is not None
    assert outcomes[3].record.properties["firstname"] == f"Zoé {wanted[3].id}"
    assert portal.record("contacts", wanted[3].id)["properties"]["firstname"] == f"Zoé {wanted[3].id}"
    assert dict(t.counts) == {"write": 2}


@pytest.mark.parametrize("traced", [True, False], ids=["207", "whole-400"])
@pytest.mark.parametrize("missing", ["207", "400"])
async def test_guilty_rows_fail_alone(portal: Portal, t: Transport, traced: bool, missing: str) -> None:
    portal.knobs(batch_update_trace_ids_207=traced, batch_update_missing_id=missing)
    portal.load(contact(n) for n in range(20))
    wanted = [Update(id, {"firstname": "Zoé"}) for id in ids(range(20))]
    wanted[4] = Update(wanted[4].id, {"no_such": "1"})
    wanted[9] = Update(wanted[9].id, {"lifecyclestage": "nonsense"})
    wanted[15] = Update("424242", {"firstname": "Zoé"})
    outcomes = await objects.update(t, "contacts", wanted)
    assert [place for place, outcome in enumerate(outcomes) if not outcome.ok] == [4, 9, 15]
    assert "no_such" in outcomes[4].message
    assert "nonsense" in outcomes[9].message
    assert all(outcomes[place].category for place in (4, 9, 15))
    assert portal.record("contacts", FIRST + 5)["properties"]["firstname"] == "Zoé"


async def test_one_record_twice_goes_in_two_requests(portal: Portal, t: Transport) -> None:
    portal.load([contact(0, lifecyclestage="opportunity"), contact(1)])
    clear_then_set = [
        Update(str(FIRST), {"lifecyclestage": ""}),
        Update(str(FIRST + 1), {"firstname": "Zoé"}),
        Update(str(FIRST), {"lifecyclestage": "lead"}),
    ]
    outcomes = await objects.update(t, "contacts", clear_then_set)
    assert [outcome.ok for outcome in outcomes] == [True] * 3
    assert portal.record("contacts", FIRST)["properties"]["lifecyclestage"] == "lead"
    assert t.requests == 2


async def test_a_backward_stage_shows_what_stayed(portal: Portal, t: Transport) -> None:
    portal.load([contact(0, lifecyclestage="opportunity")])
    [outcome] = await objects.update(t, "contacts", [Update(str(FIRST), {"lifecyclestage": "lead"})])
    assert outcome.ok
    assert outcome.record is not None
    assert outcome.record.properties["lifecyclestage"] == "opportunity"


async def test_success_with_nothing_in_it_is_a_failure(portal: Portal, t: Transport) -> None:
    portal.load(contact(n) for n in range(2))
    portal.faults([{"path": "batch/update", "empty": True}])
    outcomes = await objects.update(t, "contacts", [Update(id, {"firstname": "Zoé"}) for id in ids(range(2))])
    assert [(outcome.ok, outcome.category) for outcome in outcomes] == [(False, "UNACCOUNTED")] * 2


@pytest.mark.parametrize("status", [200, 204, 207])
@pytest.mark.parametrize(
    "results", [None, [], [{"id": "1", "properties": {}}], [{"id": "7", "properties": {"a": "b"}}]]
)
async def test_success_that_does_not_name_the_record_is_a_failure(
    fake: Any, status: int, results: Any
) -> None:
    t = fake(lambda _: httpx.Response(status, json={} if results is None else {"results": results}))
    [outcome] = await objects.update(t, "contacts", [Update("1", {"firstname": "Zoé"})])
    assert (outcome.ok, outcome.category) == (False, "UNACCOUNTED")


async def test_an_update_whose_answer_is_lost_is_sent_again(portal: Portal, t: Transport) -> None:
    portal.load([contact(0)])
    portal.faults([{"path": "batch/update", "cut": "after"}, {"path": "batch/update", "truncate": True}])
    [outcome] = await objects.update(t, "contacts", [Update(str(FIRST), {"firstname": "Zoé"})])
    assert outcome.ok
    assert dict(t.counts) == {"write": 3}


# -- associations --------------------------------------------------------------------------------------


def company(number: int) -> rows.Object:
    return rows.Object(
        "companies", FIRST + 1000 + number, {"name": f"Société {number}"}, NOW - DAY, NOW - DAY
    )


@pytest.mark.parametrize("spelled", ["number", "string"])
async def test_links_come_in_full_and_none_is_no_error(portal: Portal, t: Transport, spelled: str) -> None:
    portal.knobs(to_object_id_type=spelled, association_page=2)
    portal.load([*(contact(n) for n in range(3)), *(company(n) for n in range(5))])
    portal.load(rows.Link("contacts", FIRST, "companies", FIRST + 1000 + n, primary=n == 3) for n in range(5))
    found = await objects.links(t, "contacts", "companies", [*ids(range(3)), "424242"])
    assert sorted(found[str(FIRST)], key=lambda link: link.to_id) == [
        Link(str(FIRST + 1000 + n), primary=n == 3) for n in range(5)
    ]
    assert [found[id] for id in (*ids(range(1, 3)), "424242")] == [[], [], []]


async def test_links_go_a_thousand_a_request(t: Transport) -> None:
    found = await objects.links(t, "contacts", "companies", ids(range(1001)))
    assert len(found) == 1001
    assert t.requests == 2


# -- rows ----------------------------------------------------------------------------------------------


ISO, MS = "2026-11-20T08:01:02.345Z", 1_795_161_662_345


@pytest.mark.parametrize(
    ("row", "modified"),
    [
        ({"properties": {"lastmodifieddate": ISO}}, MS),
        ({"properties": {"lastmodifieddate": "2026-11-20T08:01:02Z"}}, MS - 345),
        ({"properties": {"hs_lastmodifieddate": str(MS)}}, MS),
        ({"properties": {"lastmodifieddate": None}, "updatedAt": ISO}, MS),
        ({"properties": {"lastmodifieddate": "soon"}, "createdAt": "2026-11-20T09:01:02.345+01:00"}, MS),
        ({"properties": None}, None),
        ({}, None),
    ],
)
def test_modified_falls_back(row: dict[str, Any], modified: int | None) -> None:
    assert objects.record({"id": 7, **row}).modified_at == modified


def test_empty_text_is_none() -> None:
    record = objects.record(
        {"id": "7", "properties": {"a": "", "b": None, "c": "x", "d": 1, "e": True}}, ["f"]
    )
    assert record.properties == {"f": None, "a": None, "b": None, "c": "x", "d": "1", "e": "true"}


def test_addresses_are_all_of_a_contacts() -> None:
    said = {"email": " Jane@ACME.fr ", "hs_additional_emails": "j@acme.fr;;jane@acme.fr"}
    assert objects.addresses(objects.record({"id": "7", "properties": said})) == ["jane@acme.fr", "j@acme.fr"]
