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
        (_filter("associations.company", "IN", values=[str(ACME), "1"]), [JANE, BOB]),
        (_filter("associations.deal", "EQ", "1"), []),
        (_filter("jobtitle", "CONTAINS_TOKEN", "ct*"), [JANE]),
        (_filter("email", "CONTAINS_TOKEN", "*cme*"), [JANE, BOB]),
        (_filter("email", "CONTAINS_TOKEN", "acm"), []),
        (_filter("firstname", "EQ", "zoé"), [ZOE]),
        (_filter("firstname", "IN", values=["Zoé"]), []),
        (_filter("color", "IN", values=["blue"]), [JANE]),
        (_filter("color", "IN", values=["BLUE"]), []),
        (_filter("email", "NOT_IN", values=["BOB@ACME.FR"]), [JANE, BOB]),
        (_filter("num_conversion_events", "BETWEEN", "1", highValue="10"), [JANE]),
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
        ({"filterGroups": [{"filters": [_filter("lastmodifieddate", "GTE", "0")]}]}, 200),
        ({"filterGroups": [{"filters": [_filter("lastmodifieddate", "IN")]}]}, 400),
        ({"filterGroups": [{"filters": [_filter("lastmodifieddate", "BETWEEN", "1")]}]}, 400),
        ({"filterGroups": [{"filters": [{"propertyName": "email"}]}]}, 400),
        ({"limit": 200, "after": "9801"}, 400),
        ({"after": "x"}, 400),
    ],
)
def test_its_caps(ask: Ask, body: dict[str, Any], status: int) -> None:
    assert ask("POST", PATH, body)[0] == status


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


def test_words_are_sought_in_the_fields_that_hubspot_names(portal: sandbox.Portal, ask: Ask) -> None:
    names = ("firstname", "lastname", "phone", "fax", "mobilephone", "company")
    fields = {name: f"mot{name}" for name in names} | {"hs_marketable_until_renewal": "motrenouvellement"}
    portal.load([Object("contacts", 7, {"email": "motmail@x.fr", "jobtitle": "motjob", **fields}, NOW, NOW)])
    assert all(_find(ask, query=word) == [7] for word in [*fields.values(), "motmail", "MOTFAX mot"])
    assert _find(ask, query="motjob") == []


def test_telephone_numbers_are_sought_without_their_country(portal: sandbox.Portal, ask: Ask) -> None:
    portal.edit(BOB, {"phone": "+33 (0)6 12 34 56 78", "mobilephone": "06.98.76.54.32"})
    assert _find(ask, _filter("hs_searchable_calculated_phone_number", "EQ", "612345678")) == [BOB]
    assert _find(ask, _filter("hs_searchable_calculated_mobile_number", "CONTAINS_TOKEN", "*7654*")) == [BOB]


def test_activities_are_found_by_their_contact(ask: Ask) -> None:
    link = {
        "to": {"id": str(BOB)},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202}],
    }
    note = {"properties": {"hs_note_body": "x", "hs_timestamp": str(NOW)}, "associations": [link]}
    made = ask("POST", "/crm/v3/objects/notes", note)[1]["id"]
    by_contact = {"filters": [_filter("associations.contact", "EQ", str(BOB))]}
    _, body = ask("POST", "/crm/v3/objects/notes/search", by_contact)
    assert [one["id"] for one in body["results"]] == [made]
    assert set(body["results"][0]["properties"]) == {"hs_createdate", "hs_lastmodifieddate", "hs_object_id"}


def test_numbers_are_sorted_as_numbers_and_text_without_case(portal: sandbox.Portal, ask: Ask) -> None:
    for id, views, name in ((JANE, "9", "b"), (BOB, "10", "A"), (ZOE, "100", "C")):
        portal.load([Object("contacts", id, {"hs_analytics_num_page_views": views, "city": name}, NOW, NOW)])
    assert _find(ask, sorts=["hs_analytics_num_page_views"]) == [JANE, BOB, ZOE]
    down = {"propertyName": "hs_analytics_num_page_views", "direction": "DESCENDING"}
    assert _find(ask, sorts=[down]) == [ZOE, BOB, JANE]
    assert _find(ask, sorts=["city"]) == [BOB, JANE, ZOE]
    assert _find(ask) == [JANE, BOB, ZOE]  # by their making, when nothing is said


def test_beyond_ten_thousand_nothing_is_shown_but_the_total_is_true(portal: sandbox.Portal, ask: Ask) -> None:
    portal.load(Object("contacts", 41_000_000_000 + n, {}, NOW, NOW) for n in range(10_050))
    status, page = ask("POST", PATH, {"limit": 100, "after": "9900"})
    assert (status, page["total"], len(page["results"])) == (200, 10_053, 100)
    assert page["paging"] == {"next": {"after": "10000"}}
    assert ask("POST", PATH, {"limit": 100, "after": "10000"})[0] == 400
    same_moment = [_filter("lastmodifieddate", "EQ", str(NOW)), _filter("hs_object_id", "GT", "41000010047")]
    assert _find(ask, *same_moment, sorts=["hs_object_id"]) == [41_000_010_048, 41_000_010_049]


def test_short_and_empty_pages_lose_nobody_here_either(portal: sandbox.Portal, ask: Ask) -> None:
    portal.knobs(short_or_empty_pages_with_next=True)
    portal.load(Object("contacts", 41_000_000_000 + n, {}, NOW, NOW) for n in range(97))
    for limit in (1, 7, 100, 200):
        seen: list[str] = []
        sizes: list[int] = []
        after = "0"
        while after:
            page = ask("POST", PATH, {"limit": limit, "after": after})[1]
            assert page["total"] == 100
            seen += [one["id"] for one in page["results"]]
            sizes.append(len(page["results"]))
            after = page.get("paging", {}).get("next", {}).get("after", "")
        assert len(seen) == len(set(seen)) == 100
        assert 0 in sizes and max(sizes) <= max(1, limit // 2)
