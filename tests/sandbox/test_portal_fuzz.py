"""Whatever a client gets wrong is answered, never by a failure of the sandbox, and the state stays sound."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from consistency import complaints
from fuzz_grammar import Grammar
from small_account import NOW, small

from connector import sandbox
from connector.sandbox import control_routes
from connector.sandbox.desk import Request
from connector.sandbox.kinds import KINDS
from connector.sandbox.rows import PropertyDef
from connector.sandbox.services import ROUTES

EACH = 2_500  # requests of one stream
KNOBS = {"burst_limit": 0, "search_limit": 0, "associations_limit": 0, "daily_limit": 0, "grant_limit": 0}
# What is asked of the account and of its file, opened again.
SEEN = [f"/crm/v3/objects/{kind}?limit=100&archived={bin}" for kind in KINDS for bin in ("false", "true")]
SEEN += [f"/crm/v3/properties/{kind}?archived={bin}" for kind in KINDS for bin in ("false", "true")]
SEEN += [f"/crm/v3/properties/{kind}/groups" for kind in KINDS]
SEEN += [f"/crm/v4/associations/contacts/{kind}/labels" for kind in ("contacts", "companies", "deals")]
SEEN += ["/crm/v3/owners", "/crm/v3/pipelines/deals", "/marketing/v3/forms"]
# What a person or the clock does in between, so that requests meet archived, merged and erased records.
CONTROLS = [
    "advance",
    "edit",
    "archive",
    "restore",
    "restore",
    "merge",
    "erase",
    "knobs",
    "create",
    "create",
    "lag",
]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[sandbox.Desk]:
    account = sandbox.Account(tmp_path / "account.db", now=NOW, driven=True)
    prepare(account)
    yield sandbox.Desk(account)
    account.close()


def prepare(account: sandbox.Account) -> None:
    """The small account with a unique property, no limits, and a token that may do everything."""
    sandbox.load(account, [*small(), PropertyDef("contacts", "own_key", "Clé", "string", "text")])
    own = account.definitions.find("contacts", "own_key")
    token = account.find_token(account.token)
    assert own is not None and token is not None
    account.definitions.keep(replace(own, unique=True))
    account.settings.turn(**KNOBS)
    named = {scope.replace("{object}", one) for route in ROUTES for scope in route.scopes for one in KINDS}
    account.keep_token(replace(token, scopes=frozenset({*named, "sales-email-read"})))


def _fuzz(desk: sandbox.Desk, seed: int, number: int) -> Counter[int]:
    app = desk.account.grants.app
    own = {"client_id": app.client_id, "client_secret": app.client_secret, "refresh_token": app.refresh_token}
    own |= {"grant_type": "refresh_token", "token": app.refresh_token}
    grammar, statuses = Grammar(seed, own), Counter[int]()
    for turn in range(number):
        if turn % 25 == 24:
            _control(desk, grammar)
        route, request = grammar.request(desk.account.token)
        answer = desk.answer(request)
        grammar.learn(route, request, answer)
        statuses[answer.status] += 1
        assert answer.status < 500 or answer.status == 501, (turn, request, answer.raw[:500])
        assert answer.raw == b"" or orjson.loads(answer.raw) is not None, request
        assert not desk.account.db.con.in_transaction, request
    return statuses


def _control(desk: sandbox.Desk, grammar: Grammar) -> None:
    rng = grammar.rng
    id, other = grammar.id("contacts"), grammar.id("contacts")
    bodies: dict[str, object] = {
        "advance": {"seconds": rng.choice([1, 3600, 86_400 * 20])},
        "edit": {"id": id, "properties": {"email": f"p{rng.randrange(60)}@x.fr", "lifecyclestage": "lead"}},
        "merge": {"first": id, "second": other},
        "knobs": {"cleared_value": rng.choice(["", "null"]), "shuffle": rng.random() < 0.5},
        "create": rng.choice(
            [
                {"kind": "contacts", "properties": {"email": f"p{rng.randrange(60)}@x.fr"}},
                {"kind": "deals", "properties": {"dealstage": "closedwon"}, "links": [["contacts", id]]},
                {"kind": "companies", "properties": {"name": "Société"}, "links": [["contacts", id]]},
            ]
        ),
        "lag": {"seconds": rng.choice([0, 5]), "flapping": rng.random() < 0.5},
    }
    name = rng.choice(CONTROLS)
    body = bodies.get(name, {"id": id})
    if rng.random() < 0.3:
        body = grammar.spoilt(body)
    raw = json.dumps(body).encode()
    answer = control_routes.answer(desk, Request("POST", control_routes.PREFIX + name, "", {}, raw))
    assert answer.status in (200, 400), (name, body, answer.raw)
    if name == "create" and answer.status == 200 and isinstance(body, dict):
        grammar.ids.setdefault(body["kind"], []).append(str(orjson.loads(answer.raw)["id"]))
    assert not desk.account.db.con.in_transaction
    desk.account.settings.turn(**KNOBS, uri_limit=16_000, association_page=500)


def _sound(desk: sandbox.Desk) -> None:
    assert complaints(desk.account.db.con) == []
    path = desk.account.db.path
    assert path is not None
    with sqlite3.connect(path) as con:
        assert con.execute("select count(*) from objects").fetchone()[0] > 5
    con.close()
    again = sandbox.Account(path, driven=True)
    for address in SEEN:
        old, new = (_seen(one, address) for one in (desk, sandbox.Desk(again)))
        assert old == new, address  # what is kept in memory is what is in the file
    again.close()


def _seen(desk: sandbox.Desk, address: str) -> object:
    headers = {"authorization": f"Bearer {desk.account.token}"}
    path, _, query = address.partition("?")
    answer = desk.answer(Request("GET", path, query, headers, b""))
    assert answer.status == 200, answer.raw
    return orjson.loads(answer.raw)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_no_request_breaks_it_and_the_state_stays_sound(desk: sandbox.Desk, seed: int) -> None:
    statuses = _fuzz(desk, seed, EACH)
    assert complaints(desk.account.db.con) == []
    assert min(statuses[status] for status in (200, 201, 204, 207, 400, 401, 404, 415, 501)) > 5, statuses
    assert sum(statuses[status] for status in (200, 201, 204, 207)) > 0.25 * EACH, statuses
    _sound(desk)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 120))
def test_fifty_thousand_more(desk: sandbox.Desk, seed: int) -> None:
    _fuzz(desk, seed, EACH)
    _sound(desk)
