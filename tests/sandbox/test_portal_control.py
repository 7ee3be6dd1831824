"""The controls over HTTP: all listed, all verbs there, nonsense told what it should be, the state a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from small_account import ACME, BOB, DAY, JANE, NOW, ZOE

from connector import sandbox
from connector.sandbox.control_routes import CONTROLS, PREFIX

VIEW = {
    "row": "WebEvent",
    "id": "w",
    "contact_id": BOB,
    "type": "e_visited_page",
    "at": NOW,
    "properties": {},
}


@pytest.fixture
def control(portal: sandbox.Portal) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{portal.url}{PREFIX}") as speaking:
        yield speaking


def _done(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_every_verb_has_a_route_and_every_route_a_verb() -> None:
    verbs = {name for name in vars(sandbox.Controls) if not name.startswith("_")}
    assert {one.verb for one in CONTROLS} | {"app"} == verbs  # `app` is a part of `state`
    assert len({(one.method, one.path) for one in CONTROLS}) == len(CONTROLS)


@pytest.mark.parametrize("root", [PREFIX, PREFIX.rstrip("/")])
def test_the_root_lists_every_control_with_a_sentence(portal: sandbox.Portal, root: str) -> None:
    listed = _done(httpx.get(f"{portal.url}{root}"))["controls"]
    assert [(one["method"], one["path"]) for one in listed] == [(c.method, PREFIX + c.path) for c in CONTROLS]
    assert all(one["does"].endswith(".") and len(one["does"].split()) > 2 for one in listed)
    (advance,) = [one for one in listed if one["path"].endswith("advance")]
    assert advance["takes"] == {"seconds": "a number"}


# -- what each does ------------------------------------------------------------------------------------


def test_time_and_knobs(portal: sandbox.Portal, control: httpx.Client) -> None:
    assert _done(control.post("advance", json={"seconds": 60})) == {"now": NOW + 60_000}
    assert _done(control.post("knobs", json={"tier": "starter"}))["tier"] == "starter"
    assert _done(control.post("lag", json={"seconds": 3, "flapping": True})) == {}
    knobs = _done(control.get("knobs"))
    assert (knobs["tier"], knobs["lag"], knobs["flapping"]) == ("starter", 3.0, True)
    assert portal.account.clock.now() == NOW + 60_000


def test_what_a_person_does_in_the_app(control: httpx.Client) -> None:
    _done(control.post("edit", json={"id": BOB, "properties": {"jobtitle": "PDG"}, "by": "userId:9"}))
    _done(control.post("change", json={"id": str(BOB), "properties": {"fax": "1"}, "source": "IMPORT"}))
    props = _done(control.get(f"record/contacts/{BOB}"))["properties"]
    assert (props["jobtitle"], props["fax"]) == ("PDG", "1")
    (entry,) = _done(control.get(f"history/contacts/{BOB}/jobtitle"))
    assert (entry["sourceType"], entry["updatedByUserId"]) == ("CRM_UI", 9)
    note = {"kind": "notes", "properties": {"hs_timestamp": str(NOW), "hs_note_body": "Rappelé"}}
    made = _done(control.post("create", json={**note, "links": [["contacts", BOB]]}))["id"]
    assert _done(control.get(f"record/notes/{made}"))["properties"]["hs_note_body"] == "Rappelé"
    assert _done(control.get(f"record/contacts/{BOB}"))["properties"]["num_notes"] == "1"


def test_merge_archive_restore_erase(portal: sandbox.Portal, control: httpx.Client) -> None:
    new = _done(control.post("merge", json={"first": BOB, "second": JANE}))["id"]
    assert new not in (BOB, JANE) and _done(control.get(f"record/contacts/{JANE}"))["id"] == str(new)
    _done(control.post("archive", json={"id": new}))
    assert portal.counts["contacts"] == 1
    _done(control.post("restore", json={"id": new}))
    assert portal.counts["contacts"] == 2
    _done(control.post("erase", json={"id": new}))
    assert portal.counts["contacts"] == 1
    assert control.get(f"record/contacts/{new}").json() == {"message": f"there is no contacts {new}"}


def test_rows_as_they_stand_and_as_they_happen(portal: sandbox.Portal, control: httpx.Client) -> None:
    version = {"value": "lead", "at": NOW - DAY, "source": "IMPORT"}
    row = {
        "row": "Object",
        "kind": "contacts",
        "id": 41_000_000_000,
        "properties": {"email": "éva@acme.fr", "lifecyclestage": "lead"},
        "created": NOW - DAY,
        "modified": NOW,
        "history": {"lifecyclestage": [version]},
    }
    colour = {
        "row": "PropertyDef",
        "kind": "contacts",
        "name": "gout",
        "label": "Goût",
        "type": "enumeration",
    }
    colour |= {"field_type": "select", "options": [["the", "Thé"], ["cafe", "Café"]]}
    link = {"row": "Link", "from_kind": "contacts", "from_id": 41_000_000_000, "to_kind": "companies"}
    _done(control.post("rows", json=[row, colour, {**link, "to_id": ACME, "primary": True}]))
    assert portal.record("contacts", 41_000_000_000)["properties"]["email"] == "éva@acme.fr"
    before = portal.record("contacts", BOB)
    _done(control.post("rows", json=[{**VIEW, "id": "w3"}]))
    assert portal.record("contacts", BOB) == before
    _done(control.post("happen", json=[{**VIEW, "id": "w4"}]))
    assert portal.record("contacts", BOB)["properties"]["hs_analytics_num_page_views"] == "1"


def test_a_population_for_an_account_that_has_nobody() -> None:
    with sandbox.start(now=NOW, driven=True) as portal, sandbox.start(30, 5, NOW, driven=True) as other:
        control = httpx.Client(base_url=f"{portal.url}{PREFIX}", timeout=60)
        with control:
            counts = _done(control.post("seed", json={"contacts": 30, "seed": 5}))["counts"]
            assert counts == other.counts
            again = control.post("seed", json={"contacts": 30})
            assert again.status_code == 400 and "has contacts already" in again.json()["message"]
        with pytest.raises(ValueError, match="has contacts already"):
            other.seed(5)


def test_a_csv_comes_in_and_what_cannot_comes_back_with_the_reason(
    portal: sandbox.Portal, control: httpx.Client
) -> None:
    text = "E-mail;Ville;Goût\nana@x.fr;Orléans;thé\nana@x.fr;Nîmes;café\njane@acme.fr;Lyon;\npas une;;\n"
    told = _done(control.post("csv", content=text.encode("cp1252")))
    assert told["loaded"] == 1
    assert told["refused"] == [
        {"line": 3, "why": "the e-mail is the same as on line 2"},
        {"line": 5, "why": "the e-mail is not an address"},
        {"line": 0, "why": "the account has a contact with the address jane@acme.fr"},
    ]
    again = portal.load_csv(b"email,ville\nzo@x.fr,Lille\n")
    assert again == {"loaded": 1, "refused": []}
    rows = portal.account.db.rows("select email from objects where id > 90000000000 order by id")
    assert rows == [("ana@x.fr",), ("zo@x.fr",)]
    empty = control.post("csv", content=b"")
    assert empty.status_code == 400 and "is empty" in empty.json()["message"]


def test_the_state_comes_as_a_file_that_opens_anywhere(
    portal: sandbox.Portal, control: httpx.Client, tmp_path: Path
) -> None:
    httpx.get(f"{portal.url}/crm/v3/objects/contacts")
    portal.edit(ZOE, {"jobtitle": "Cheffe"})
    answer = control.get("dump")
    assert answer.headers["Content-Type"] == "application/vnd.sqlite3"
    file = tmp_path / "account.db"
    file.write_bytes(answer.content)
    con = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)
    try:
        assert con.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert con.execute("select count(*) from objects where kind = 'contacts'").fetchone() == (3,)
        (title,) = con.execute(
            "select json_extract(props, '$.jobtitle') from objects where id = ?", (ZOE,)
        ).fetchone()
        assert title == "Cheffe"
        assert con.execute("select path, status from journal").fetchall() == [
            ("/crm/v3/objects/contacts", 401)
        ]
    finally:
        con.close()
    assert portal.dump() == answer.content
    with sandbox.start(state=file) as opened:
        assert opened.state()["counts"] == portal.state()["counts"]


def test_the_journal_is_read_from_a_number_on_by_path_and_with_bodies(
    portal: sandbox.Portal, client: httpx.Client, control: httpx.Client
) -> None:
    client.get("/crm/v3/owners")
    client.patch(f"/crm/v3/objects/contacts/{BOB}", json={"properties": {"fax": "1"}})
    client.get("/crm/v3/objects/contacts?limit=1")
    first, second, third = _done(control.get("journal"))
    assert (first["path"], second["inputs"], third["query"]) == ("/crm/v3/owners", 1, "limit=1")
    assert "body" not in second
    told = _done(control.get("journal", params={"since": first["n"], "path": "contacts", "bodies": "true"}))
    assert [one["n"] for one in told] == [second["n"], third["n"]]
    assert told[0]["body"] == '{"properties":{"fax":"1"}}' and told[1]["body"] is None
    assert _done(control.get("state"))["requests"] == 3
    _done(control.delete("journal"))
    assert _done(control.get("journal")) == [] and portal.journal() == []


def test_faults_and_tokens(portal: sandbox.Portal, client: httpx.Client, control: httpx.Client) -> None:
    _done(control.post("faults", json=[{"status": 500, "times": 2}]))
    assert client.get("/crm/v3/owners").status_code == 500
    assert [(one["status"], one["times"]) for one in _done(control.get("faults"))] == [(500, 1)]
    _done(control.delete("faults"))
    assert client.get("/crm/v3/owners").status_code == 200
    assert _done(control.post("token", json={"scopes": ["oauth"], "token": "pat-two"})) == {
        "token": "pat-two"
    }
    headers = {"Authorization": "Bearer pat-two"}
    assert httpx.get(f"{portal.url}/crm/v3/owners", headers=headers).status_code == 403
    assert _done(control.get("counts"))["contacts"] == 3


def test_the_controls_leave_no_trace_and_take_no_token(portal: sandbox.Portal, control: httpx.Client) -> None:
    portal.knobs(daily_limit=1, burst_limit=1)
    for _ in range(3):
        _done(control.get("state"))
    assert portal.journal() == [] and portal.state()["usedToday"] == 0


# -- nonsense ------------------------------------------------------------------------------------------

ROW = {"row": "Object", "kind": "contacts", "id": 1, "properties": {}, "created": 1, "modified": 1}
NONSENSE = [
    ("POST", "advance", {"seconds": -1}, "seconds should be zero or more"),
    ("POST", "advance", {}, "advance needs seconds: a number"),
    ("POST", "advance", {"seconds": "soon"}, 'seconds is "soon"; it should be a number'),
    ("POST", "advance", {"seconds": 1e300}, "the account's clock stops short of the year 9000"),
    ("POST", "advance", [1], "the body is [1]; it should be an object"),
    ("POST", "advance", {"seconds": 1, "minutes": 1}, "advance knows no minutes; it takes seconds"),
    ("POST", "knobs", {"colour": 1}, "no knob is called colour"),
    ("POST", "knobs", {"lag": "long"}, "lag"),
    ("POST", "knobs", {"tier": "gold"}, "tier is one of"),
    ("POST", "knobs", {"association_page": 0}, "association_page takes 1 or more"),
    ("POST", "knobs", {"uri_limit": -1}, "uri_limit takes a whole number, 0 or more, not -1"),
    ("POST", "lag", {"seconds": None}, "seconds is null; it should be a number"),
    ("POST", "edit", {"id": 5, "properties": {}}, "there is no contacts 5"),
    ("POST", "edit", {"id": "five", "properties": {}}, 'id is "five"; it should be the id of a record'),
    ("POST", "edit", {"id": 10**18, "properties": {}}, "is no id of a record"),
    ("POST", "edit", {"id": BOB, "properties": {"fax": 1}}, "an object of property values, text or null"),
    ("POST", "edit", {"id": BOB, "properties": {"colour": "x"}}, 'Property "colour" does not exist'),
    (
        "POST",
        "edit",
        {"id": BOB, "properties": {}, "kind": "ticket"},
        "ticket is no kind of record; there are",
    ),
    ("POST", "create", {"kind": "notes", "properties": {}}, "hs_timestamp is required"),
    ("POST", "create", {"kind": "contacts", "properties": {"email": "bob@acme.fr"}}, f"Existing ID: {BOB}"),
    ("POST", "merge", {"first": BOB, "second": BOB}, f"Cannot merge object {BOB} with itself"),
    ("POST", "merge", {"first": BOB, "second": 5}, "there is no contacts 5"),
    ("POST", "restore", {"id": BOB}, f"the bin has no contacts {BOB}"),
    ("POST", "erase", {"id": 5}, "there is no contacts 5"),
    ("POST", "seed", {"contacts": 0}, "contacts should be between 1 and 1,000,000"),
    ("POST", "rows", {}, "the body is {}; it should be a list"),
    ("POST", "rows", [5], "a row should be an object"),
    ("POST", "rows", [{"row": "Nothing"}], "Nothing is no kind of row; there are Object"),
    ("POST", "rows", [{"row": "Object"}], "Object needs kind, id, properties, created, modified"),
    ("POST", "rows", [{**ROW, "kind": "ticket"}], "Object.kind is ticket; it should be one of contacts"),
    ("POST", "rows", [{**ROW, "id": 2**63}], "Object.id is"),
    ("POST", "rows", [{**ROW, "properties": {"a": 1}}], "Object.properties.a is 1; it should be text"),
    ("POST", "rows", [{**ROW, "colour": 1}], "Object has no colour; it has kind"),
    ("POST", "happen", [{**VIEW, "at": "now"}], "WebEvent.at is 'now'; it should be a whole number"),
    ("POST", "faults", {}, "it should be a list"),
    ("POST", "faults", [{"colour": "red"}], "a fault has no colour; it has body"),
    ("POST", "faults", [{"status": 99}], "status is 99; it should be between 200 and 599"),
    ("POST", "faults", [{"delay": -1}], "delay is -1; it should be a number of seconds, 0 or more"),
    ("POST", "faults", [{"cut": "twice"}], 'cut is "before" or "after"'),
    ("POST", "faults", [{"times": 0}], "times should be 1 or more"),
    ("POST", "faults", [{"headers": {"A": "b\r\nC: d"}}], "as HTTP allows them"),
    ("POST", "faults", [{"headers": {"Content-Length": "5"}}], "as HTTP allows them"),
    ("POST", "token", {"scopes": "oauth"}, "it should be a list of texts or null"),
    ("GET", "journal?since=now", None, 'since is "now"; it should be a whole number'),
    ("GET", "journal?until=5", None, "journal knows no until; it takes since, path, bodies"),
    ("GET", "record/contacts/x", None, 'id is "x"; it should be the id of a record'),
    ("GET", "record/tickets/5", None, "tickets is no kind of record; there are contacts"),
]


@pytest.mark.parametrize(("method", "name", "body", "said"), NONSENSE, ids=lambda value: str(value)[:30])
def test_nonsense_is_told_what_it_should_be(
    portal: sandbox.Portal, control: httpx.Client, method: str, name: str, body: Any, said: str
) -> None:
    before = portal.state(), portal.waiting()
    answer = control.request(method, name, json=body)
    assert answer.status_code == 400 and said in answer.json()["message"], answer.text
    assert (portal.state(), portal.waiting()) == before


def test_no_control_breaks_on_what_is_no_json(control: httpx.Client) -> None:
    for one in CONTROLS:
        if one.method == "POST" and one.path != "csv":
            answer = control.post(one.path, content=b'{"a": ')
            assert answer.status_code == 400 and "should be JSON" in answer.json()["message"], one.path


def test_a_control_that_is_none_and_a_method_that_is_not_its_own(control: httpx.Client) -> None:
    none = control.get("nothing")
    assert none.status_code == 404 and none.json()["message"].startswith("no such control: nothing;")
    other = control.delete("state")
    assert (other.status_code, other.headers["Allow"]) == (405, "GET")


# -- the same as Python --------------------------------------------------------------------------------


def test_python_is_told_the_same(portal: sandbox.Portal) -> None:
    with pytest.raises(ValueError, match="should be zero or more"):
        portal.advance(float("nan"))
    with pytest.raises(ValueError, match="there is no contacts 5"):
        portal.merge(BOB, 5)
    with pytest.raises(ValueError, match="body should be JSON"):
        portal.faults([sandbox.Fault(body=object())])
    with pytest.raises(ValueError, match="is no id of a record"):
        portal.archive("abc")
