"""Archive, restore, erase (HUBSPOT.md 3.8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from small_account import ACME, BOB, DEAL, JANE, ZOE

from connector import sandbox
from connector.sandbox.rows import Link

Ask = Callable[..., tuple[int, Any]]
CONTACTS = "/crm/v3/objects/contacts"


def _erase(ask: Ask, id: str | int, **more: str) -> int:
    return ask("POST", f"{CONTACTS}/gdpr-delete", {"objectId": str(id), **more})[0]


def test_a_batch_archive_answers_204_whatever_it_finds(ask: Ask) -> None:
    inputs = [{"id": str(BOB)}, {"id": str(BOB)}, {"id": "999"}, {"id": "bob@acme.fr"}]
    assert ask("POST", f"{CONTACTS}/batch/archive", {"inputs": inputs}) == (204, None)
    assert [one["id"] for one in ask("GET", CONTACTS)[1]["results"]] == [str(JANE), str(ZOE)]
    assert ask("POST", f"{CONTACTS}/batch/archive", {"inputs": inputs[:1] * 101})[0] == 400


def test_a_record_in_the_bin_is_read_from_there_only(ask: Ask) -> None:
    ask("DELETE", f"{CONTACTS}/{BOB}")
    body = {"inputs": [{"id": str(BOB)}, {"id": str(JANE)}]}
    found = {
        archived: [
            one["id"] for one in ask("POST", f"{CONTACTS}/batch/read?archived={archived}", body)[1]["results"]
        ]
        for archived in ("true", "false")
    }
    assert found == {"true": [str(BOB)], "false": [str(JANE)]}
    assert ask("PATCH", f"{CONTACTS}/{BOB}", {"properties": {"fax": "1"}})[0] == 404
    assert (
        ask("POST", f"{CONTACTS}/batch/update", {"inputs": [{"id": str(BOB), "properties": {"fax": "1"}}]})[0]
        == 207
    )


def test_who_counts_a_record_follows_without_moving_its_date(portal: sandbox.Portal, ask: Ask) -> None:
    portal.load([Link("contacts", BOB, "deals", DEAL)])

    def counts() -> list[str | None]:
        seen = [("companies", ACME, "num_associated_contacts"), ("deals", DEAL, "num_associated_contacts")]
        return [portal.record(kind, id)["properties"].get(name) for kind, id, name in seen]

    before = portal.record("companies", ACME)["updatedAt"]
    portal.archive(ZOE)
    ask("DELETE", f"{CONTACTS}/{BOB}")
    assert counts() == ["1", None]
    portal.restore(BOB)
    assert counts() == ["2", "1"]
    assert _erase(ask, BOB) == 204
    assert counts() == ["1", None]
    assert portal.record("companies", ACME)["updatedAt"] == before


def test_a_contact_whose_address_was_taken_meanwhile_stays_in_the_bin(
    portal: sandbox.Portal, ask: Ask
) -> None:
    portal.archive(BOB)
    assert ask("POST", CONTACTS, {"properties": {"email": "bob@acme.fr"}})[0] == 201
    with pytest.raises(ValueError, match="another contact has bob"):
        portal.restore(BOB)
    assert ask("GET", f"{CONTACTS}/{BOB}?archived=true")[0] == 200


def test_nothing_can_be_restored_after_ninety_days(portal: sandbox.Portal) -> None:
    portal.archive(BOB)
    portal.advance(90 * 86_400)
    with pytest.raises(ValueError, match="bin"):
        portal.restore(BOB)


def test_an_erasure_is_for_good_by_id_by_either_address_and_by_a_merged_away_id(
    portal: sandbox.Portal, ask: Ask
) -> None:
    assert _erase(ask, "elodie@home.fr", idProperty="email") == 204
    assert ask("GET", f"{CONTACTS}/{JANE}?archived=true")[0] == 404
    new = portal.merge(ZOE, BOB)
    assert _erase(ask, BOB) == 204
    assert ask("GET", CONTACTS)[1] == {"results": []}
    for id in (new, ZOE, BOB):
        assert ask("GET", f"{CONTACTS}/{id}?archived=true")[0] == 404
    assert ask("GET", "/email/public/v1/events")[1]["events"] == []
    assert _erase(ask, new) == 204  # again is harmless
    assert _erase(ask, "x") == 400


def test_an_erasure_looks_into_the_bin(portal: sandbox.Portal, ask: Ask) -> None:
    portal.archive(JANE)
    portal.archive(BOB)
    assert _erase(ask, JANE) == _erase(ask, "BOB@acme.fr", idProperty="email") == 204
    assert ask("GET", f"{CONTACTS}?archived=true")[1]["results"] == []
    assert ask("POST", CONTACTS, {"properties": {"email": "bob@acme.fr"}})[0] == 201


def test_an_address_that_is_erased_before_anybody_had_it_is_refused(portal: sandbox.Portal, ask: Ask) -> None:
    assert _erase(ask, "Nobody@x.fr", idProperty="email") == 204
    body = {"properties": {"email": "nobody@X.fr"}}
    for method, path in (("POST", CONTACTS), ("PATCH", f"{CONTACTS}/{ZOE}")):
        status, answer = ask(method, path, body)
        assert (status, answer["errors"][0]["code"]) == (400, "INVALID_EMAIL")
    item = {"id": "nobody@x.fr", "idProperty": "email", "properties": {"fax": "1"}}
    assert ask("POST", f"{CONTACTS}/batch/upsert", {"inputs": [item]})[0] == 400
    portal.knobs(blocklisted_email="201")
    assert ask("POST", CONTACTS, body)[0] == 201


def test_an_index_that_lags_shows_no_erased_person(portal: sandbox.Portal, ask: Ask) -> None:
    portal.lag([5, 50])
    ask("PATCH", f"{CONTACTS}/{BOB}", {"properties": {"fax": "1"}})
    assert _erase(ask, BOB) == 204
    assert {one["id"] for one in ask("POST", f"{CONTACTS}/search", {})[1]["results"]} == {str(JANE), str(ZOE)}
