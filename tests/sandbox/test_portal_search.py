"""Search: operators, caps, and an index that runs behind (HUBSPOT.md 3.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from small_account import ACME, BOB, DAY, JANE, NOW, ZOE

from connector import sandbox
from connector.sandbox.rows import Object

Ask = Callable[..., tuple[int, Any]]
PATH = "/crm/v3/objects/contacts/search"


def _find(ask: Ask, *filters: dict[str, Any], **body: Any) -> list[int]:
    groups = [{"filters": list(filters)}] if filters else []
    status, answer = ask("POST", PATH, {"filterGroups": groups, **body})
    assert status == 200, answer
    return [int(one["id"]) for one in answer["results"]]


def _filter(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    given = {} if value is None else {"value": value}
    return {"propertyName": name, "operator": operator, **given, **more}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (_filter("email", "EQ", "JANE@acme.fr"), [JANE]),
        (_filter("email", "EQ", "elodie@home.fr"), []),
        (_filter("hs_additional_emails", "EQ", "elodie@home.fr"), [JANE]),
        (_filter("email", "NEQ", "jane@acme.fr"), [BOB]),
        (_filter("email", "IN", values=["bob@acme.fr", "x"]), [BOB]),
        (_filter("email", "IN", values=["BOB@acme.fr"]), []),
        (_filter("lifecyclestage", "EQ", "lead"), [BOB]),
        (_filter("lifecyclestage", "EQ", "LEAD"), []),
        (_filter("lifecyclestage", "NOT_IN", values=["lead"]), [JANE]),
        (_filter("email", "HAS_PROPERTY"), [JANE, BOB]),
        (_filter("email", "NOT_HAS_PROPERTY"), [ZOE]),
        (_filter("email", "CONTAINS_TOKEN", "*@acme.fr"), [JANE, BOB]),
        (_filter("email", "CONTAINS_TOKEN", "acme"), [JANE, BOB]),
        (_filter("email", "NOT_CONTAINS_TOKEN", "bob"), [JANE, ZOE]),
        (_filter("hs_object_id", "GT", str(JANE)), [BOB, ZOE]),
        (_filter("num_conversion_events", "GTE", "2"), [JANE]),
        (_filter("lastmodifieddate", "GT", str(NOW - 2 * DAY)), [ZOE]),
        (_filter("lastmodifieddate", "GTE", "2026-11-16T11:06:40.000999Z"), [BOB, ZOE]),
        (
            _filter("lastmodifieddate", "BETWEEN", str(NOW - 3 * DAY), highValue=str(NOW - 2 * DAY)),
            [JANE, BOB],
        ),
        (_filter("associations.company", "EQ", str(ACME)), [JANE, BOB]),
        (_filter("recent_conversion_date", "GTE", str(NOW - 6 * DAY)), [JANE]),
    ],
)
def test_an_operator_finds(ask: Ask, given: dict[str, Any], found: list[int]) -> None:
    assert _find(ask, given) == found


def test_groups_are_alternatives_and_words_are_sought_everywhere(ask: Ask) -> None:
    groups = [{"filters": [_filter("email", "EQ", mail)]} for mail in ("jane@acme.fr", "bob@acme.fr")]
    assert ask("POST", PATH, {"filterGroups": groups})[1]["total"] == 2
    assert _find(ask, query="acme jan") == [JANE]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"limit": 201}, 400),
        ({"after": "9999", "limit": 2}, 400),
        ({"after": "9998", "limit": 2}, 200),
        ({"filterGroups": [{"filters": [_filter("nope", "EQ", "1")]}]}, 400),
        ({"filterGroups": [{"filters": [_filter("email", "LIKE", "1")]}]}, 400),
        ({"filterGroups": [{"filters": []}] * 6}, 400),
        ({"filterGroups": [{"filters": [_filter("email", "HAS_PROPERTY")] * 5}] * 4}, 400),
        ({"sorts": ["email", "createdate"]}, 400),
        ({"properties": ["p" * 3000]}, 400),
        ({"colour": 1}, 501),
        ({"filterGroups": [{"filters": [_filter("lastmodifieddate", "GTE", "0")]}]}, 500),
    ],
)
def test_its_caps(ask: Ask, body: dict[str, Any], status: int) -> None:
    assert ask("POST", PATH, body)[0] == status


def test_a_write_is_found_late_and_then_with_its_present_values(portal: sandbox.Portal, ask: Ask) -> None:
    portal.lag(10)
    ask("PATCH", f"/crm/v3/objects/contacts/{BOB}", {"properties": {"jobtitle": "PDG"}})
    recent = _filter("lastmodifieddate", "GTE", str(NOW - DAY))
    assert _find(ask, recent) == [ZOE]
    old = ask("POST", PATH, {"filters": [_filter("lastmodifieddate", "EQ", str(NOW - 2 * DAY))]})[1]
    assert [one["updatedAt"] for one in old["results"]] == ["2026-11-18T11:06:40.000Z"]  # out of its window
    portal.advance(11)
    assert _find(ask, recent) == [BOB, ZOE]


def test_a_new_record_is_found_late_and_an_archived_one_never(portal: sandbox.Portal, ask: Ask) -> None:
    portal.lag(10)
    made = int(ask("POST", "/crm/v3/objects/contacts", {"properties": {"email": "n@x.fr"}})[1]["id"])
    portal.archive(BOB)
    assert _find(ask) == [JANE, ZOE]
    portal.advance(11)
    assert _find(ask) == [JANE, ZOE, made]


def test_flapping_finds_and_loses_again(portal: sandbox.Portal, ask: Ask) -> None:
    portal.lag(10, flapping=True)
    portal.edit(BOB, {"jobtitle": "PDG"})
    found = []
    for _ in range(5):
        found.append(bool(_find(ask, _filter("jobtitle", "EQ", "PDG"))))
        portal.advance(5)
    assert found == [False, False, True, False, True]


def test_pages_are_offsets_and_total_is_true(portal: sandbox.Portal, ask: Ask) -> None:
    portal.load(Object("contacts", 41_000_000_000 + n, {}, NOW, NOW) for n in range(450))
    body = {
        "filters": [_filter("hs_object_id", "GTE", "41000000000")],
        "sorts": ["hs_object_id"],
        "limit": 200,
    }
    seen: list[str] = []
    after = "0"
    while after:
        page = ask("POST", PATH, {**body, "after": after})[1]
        assert page["total"] == 450
        seen += [one["id"] for one in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after", "")
    assert seen == [str(41_000_000_000 + n) for n in range(450)]


def test_the_sort_may_be_off_by_up_to_an_hour(portal: sandbox.Portal, ask: Ask) -> None:
    portal.load(Object("contacts", 41_000_000_000 + n, {}, NOW, NOW + n * 1000) for n in range(50))
    body = {
        "filters": [_filter("hs_object_id", "GTE", "41000000000")],
        "sorts": ["lastmodifieddate"],
        "limit": 200,
    }
    kept = [one["id"] for one in ask("POST", PATH, body)[1]["results"]]
    portal.knobs(search_keeps_sort=False)
    off = [one["id"] for one in ask("POST", PATH, body)[1]["results"]]
    assert kept != off and sorted(kept) == sorted(off)


def test_ids_may_compare_as_text(portal: sandbox.Portal, ask: Ask) -> None:
    portal.load([Object("contacts", 5, {}, NOW, NOW)])
    beyond = _filter("hs_object_id", "GT", str(ZOE))
    assert _find(ask, beyond) == []
    portal.knobs(object_id_compares_as="text")
    assert _find(ask, beyond) == [5]
