"""The search index runs behind the records, by how much is a matter of luck (HUBSPOT.md 3.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from small_account import BOB, DAY, JANE, NOW, ZOE, small

from connector import sandbox
from connector.sandbox.rows import Object
from connector.sandbox.state.index import Query

Ask = Callable[..., tuple[int, Any]]
PATH = "/crm/v3/objects/contacts/search"
FAXED = Query("json_extract(props, '$.fax') = '1'", (), "id")


def _find(ask: Ask, *filters: dict[str, Any], **body: Any) -> list[int]:
    groups = [{"filters": list(filters)}] if filters else []
    status, answer = ask("POST", PATH, {"filterGroups": groups, **body})
    assert status == 200, answer
    return [int(one["id"]) for one in answer["results"]]


def _filter(name: str, operator: str, value: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator, "value": value}


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


def _arrivals(seed: int, lag: float | list[float]) -> list[int]:
    """After how many seconds each of thirty writes is found."""
    with sandbox.start(seed=seed, now=NOW, driven=True) as portal:
        portal.load(Object("contacts", 41_000_000_000 + n, {}, NOW, NOW) for n in range(30))
        portal.knobs(lag=lag)
        for n in range(30):
            portal.edit(41_000_000_000 + n, {"fax": "1"})
        found: list[int] = []
        for _ in range(35):
            portal.advance(1)
            found.append(portal.account.index.search("contacts", FAXED, 0, 100)[0])
        return found


def test_a_lag_may_be_a_range_that_the_seed_decides() -> None:
    counts = _arrivals(7, [2, 30])
    assert counts[0] == 0 and counts[30] == 30  # after one second nothing, after thirty-one all
    assert len(set(counts)) > 10 and counts == sorted(counts)
    assert counts == _arrivals(7, [2, 30]) != _arrivals(8, [2, 30])


def test_a_later_write_that_is_found_first_takes_the_earlier_one_with_it(
    portal: sandbox.Portal, ask: Ask
) -> None:
    portal.lag(30)
    portal.edit(BOB, {"jobtitle": "PDG"})
    portal.lag(2)
    portal.edit(BOB, {"fax": "1"})
    portal.advance(3)
    both = [_filter("jobtitle", "EQ", "PDG"), _filter("fax", "EQ", "1")]
    assert _find(ask, *both) == [BOB]


def test_once_nothing_lags_any_more_a_write_is_found_at_once(portal: sandbox.Portal, ask: Ask) -> None:
    portal.lag(30, flapping=True)
    portal.edit(BOB, {"jobtitle": "PDG"})
    portal.lag(0)
    portal.edit(BOB, {"fax": "1"})
    assert _find(ask, _filter("jobtitle", "EQ", "PDG"), _filter("fax", "EQ", "1")) == [BOB]


@pytest.mark.parametrize("lag", [-1, "soon", [3], [5, 2], [1, "2"], True])
def test_a_lag_that_is_none_is_refused(portal: sandbox.Portal, lag: Any) -> None:
    with pytest.raises(ValueError, match="lag"):
        portal.knobs(lag=lag)


def test_an_account_that_is_opened_again_has_nothing_hidden(tmp_path: Any) -> None:
    file = tmp_path / "portal.db"
    with sandbox.start(now=NOW, state=file, rows=small()) as portal:
        portal.knobs(lag=[5, 600], calculated_lag=600.0)
        portal.edit(JANE, {"fax": "1"})
    with sandbox.start(state=file) as portal:
        assert portal.state()["knobs"]["lag"] == [5, 600]
        assert portal.account.index.search("contacts", FAXED, 0, 9) == (1, [JANE])
