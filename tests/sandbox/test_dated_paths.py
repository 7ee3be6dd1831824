"""The dated paths answer what the undated ones do: the same requests, in one order, on accounts of one seed.

Two things differ, each with a test: an archive of associations, and writes since 2026-09.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from served_routes import SERVED, name, route_of
from small_account import ACME, BOB, DEAL, JANE, NOW, OWNER, WEBINAR, ZOE, small

from connector import sandbox

DATES = ("2026-03", "2026-09")
# The path map of HUBSPOT.md 2.
MAP = (
    (r"/crm/v[34]/objects", "/crm/objects/{D}"),
    (r"/crm/v3/properties", "/crm/properties/{D}"),
    (r"/crm/v4/associations", "/crm/associations/{D}"),
    (r"/crm/v3/owners", "/crm/owners/{D}"),
    (r"/crm/v3/pipelines", "/crm/pipelines/{D}"),
    (r"/crm/v3/lists", "/crm/lists/{D}"),
    (r"/crm/v3/limits", "/crm/limits/{D}"),
    (r"/events/v3/events", "/events/event-occurrences/{D}"),
    (r"/marketing/v3/marketing-events", "/marketing/marketing-events/{D}"),
    (r"/account-info/v3/", "/account-info/{D}/"),
)
# Served under no date, or under one of its own.
UNDATED = {
    "GET /email/events": "v1 has no successor",
    "GET /form-submissions/{guid}": "v1 has no successor",
    "GET /marketing/forms": "2026-09-beta only",
    "GET /marketing/forms/{guid}": "2026-09-beta only",
    "GET /crm/schemas": "not imitated but for an empty answer",
    "GET /legacy/object-properties/{kind}/properties": "v2",
    "GET /legacy/properties/companies": "v2",
    "GET /legacy/properties/deals": "v1",
}
_CONTACT = {"email": "Noé@x.fr", "firstname": "Noé"}
_NOTE = {"hs_timestamp": "2026-11-17T09:30:00Z", "hs_note_body": "Vu"}
_PRIMARY = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
_PAIR = {"from": {"id": str(BOB)}, "to": {"id": str(ACME)}}
_SCORE = {"label": "Score", "type": "number", "fieldType": "number", "groupName": "contactinformation"}
_LIST = {"name": "Salon", "objectTypeId": "0-1", "processingType": "MANUAL"}
_SEARCH = {
    "filterGroups": [{"filters": [{"propertyName": "email", "operator": "HAS_PROPERTY"}]}],
    "limit": 2,
    "properties": ["email"],
}


def _batch(*inputs: Any, **more: Any) -> dict[str, Any]:
    return {"inputs": list(inputs), **more}


# (method, undated path, body, what its id is called from then on)
Request = tuple[str, str, Any, str]


def _records() -> Iterator[Request]:
    contacts = "/crm/v3/objects/contacts"
    yield "POST", contacts, {"properties": _CONTACT, "associations": []}, "noe"
    yield "POST", contacts, {"properties": _CONTACT}, ""  # 409
    yield "GET", f"{contacts}?limit=2&properties=email,color&associations=companies", None, ""
    yield "GET", f"{contacts}/{JANE}?propertiesWithHistory=lifecyclestage&associations=companies", None, ""
    yield "GET", f"{contacts}/elodie@home.fr?idProperty=email", None, ""
    yield "GET", f"{contacts}/9", None, ""
    yield "GET", f"{contacts}/abc", None, ""
    yield "PATCH", f"{contacts}/{{noe}}", {"properties": {"jobtitle": "Géomètre", "color": "red"}}, ""
    yield "PATCH", f"{contacts}/{JANE}", {"properties": {"lifecyclestage": "lead"}}, ""
    yield "PATCH", f"{contacts}/{JANE}", {"properties": {"missing": "1"}}, ""
    yield "POST", f"{contacts}/batch/read", _batch({"id": str(JANE)}, {"id": "9"}, properties=["email"]), ""
    yield "POST", f"{contacts}/batch/create", _batch({"properties": {"firstname": "A"}}), ""
    traced = [
        {"id": str(id), "properties": {"color": color}, "objectWriteTraceId": color}
        for id, color in ((JANE, "red"), (BOB, "green"))
    ]
    yield "POST", f"{contacts}/batch/update", _batch(*traced), ""
    yield "POST", f"{contacts}/batch/update", _batch({"id": "1", "properties": {}}, {"id": "1"}), ""
    upsert = {"id": "new@x.fr", "idProperty": "email", "properties": {"email": "new@x.fr", "city": "Nîmes"}}
    yield "POST", f"{contacts}/batch/upsert", _batch(upsert), ""
    yield "POST", f"{contacts}/search", _SEARCH, ""
    yield "POST", f"{contacts}/search", {"after": "10000"}, ""
    yield "POST", f"{contacts}/merge", {"primaryObjectId": "{noe}", "objectIdToMerge": str(ZOE)}, "merged"
    yield "GET", f"{contacts}/{{noe}}", None, ""
    yield "POST", f"{contacts}/gdpr-delete", {"objectId": "{merged}"}, ""
    yield "POST", f"{contacts}/batch/archive", _batch({"id": "9"}), ""
    yield "POST", "/crm/v3/objects/notes", {"properties": _NOTE}, "note"
    yield "POST", "/crm/v3/objects/notes", {"properties": {}}, ""
    yield "DELETE", "/crm/v3/objects/notes/{note}", None, ""
    yield "GET", "/crm/v3/objects/0-46?archived=true", None, ""
    yield "GET", "/crm/v3/objects/tickets", None, ""
    yield "PATCH", f"/crm/v3/objects/deals/{DEAL}", {"properties": {"dealstage": "closedwon"}}, ""


def _associations() -> Iterator[Request]:
    pair, one = "/crm/v4/associations/contacts/companies", f"/crm/v4/objects/contacts/{JANE}/associations"
    yield "POST", f"{pair}/batch/read", _batch({"id": str(JANE)}, {"id": "9"}), ""
    yield "POST", f"{pair}/batch/create", _batch({**_PAIR, "types": _PRIMARY}), ""
    yield "POST", f"{pair}/batch/create", _batch({**_PAIR, "types": []}), ""
    yield "POST", f"{pair}/batch/associate/default", _batch(_PAIR), ""
    yield "POST", f"{pair}/batch/labels/archive", _batch({**_PAIR, "types": _PRIMARY}), ""
    yield "POST", f"{pair}/labels", {"name": "boss", "label": "Chef"}, ""
    yield "PUT", f"{pair}/labels", {"associationTypeId": 10_001, "label": "Patron"}, ""
    yield "GET", f"{pair}/labels", None, ""
    yield "DELETE", f"{pair}/labels/10001", None, ""
    yield "PUT", f"{one}/default/deals/{DEAL}", None, ""
    yield "PUT", f"{one}/companies/{ACME}", _PRIMARY, ""
    yield "GET", f"{one}/companies?limit=1", None, ""
    yield "GET", f"{one}/deals", None, ""
    yield "DELETE", f"{one}/deals/{DEAL}", None, ""
    yield "PUT", f"{one}/default/companies/12", None, ""


def _properties() -> Iterator[Request]:
    properties = "/crm/v3/properties/contacts"
    yield "POST", f"{properties}/groups", {"name": "lq", "label": "Notes"}, ""
    yield "PATCH", f"{properties}/groups/lq", {"label": "Qualification"}, ""
    yield "GET", f"{properties}/groups/lq", None, ""
    yield "GET", f"{properties}/groups", None, ""
    yield "DELETE", f"{properties}/groups/lq", None, ""
    yield "POST", properties, {"name": "score", **_SCORE}, ""
    yield "POST", properties, {"name": "score", **_SCORE}, ""
    yield "PATCH", f"{properties}/score", {"label": "Note"}, ""
    yield "GET", f"{properties}/score", None, ""
    yield "POST", f"{properties}/batch/create", _batch({"name": "a", **_SCORE}, {"name": "B", **_SCORE}), ""
    yield "POST", f"{properties}/batch/read", _batch({"name": "a"}, {"name": "b"}, archived=False), ""
    yield "POST", f"{properties}/batch/archive", _batch({"name": "a"}), ""
    yield "DELETE", f"{properties}/score", None, ""
    yield "GET", f"{properties}?archived=true", None, ""
    yield "GET", "/crm/v3/properties/0-3", None, ""
    yield "GET", "/crm/v3/limits/custom-properties", None, ""


def _lists() -> Iterator[Request]:
    lists = "/crm/v3/lists"
    yield "POST", lists, _LIST, ""
    yield "POST", lists, _LIST, ""
    yield "GET", f"{lists}/3", None, ""
    yield "GET", f"{lists}?listIds=1&listIds=3", None, ""
    yield "GET", f"{lists}/object-type-id/0-1/name/Salon", None, ""
    yield "PUT", f"{lists}/3/update-list-name?listName=Foire", None, ""
    yield "PUT", f"{lists}/3/memberships/add", [str(BOB), "9"], ""
    yield "PUT", f"{lists}/3/memberships/add-from/1", None, ""
    yield "PUT", f"{lists}/3/memberships/remove", [str(BOB)], ""
    change = {"recordIdsToAdd": [str(BOB)], "recordIdsToRemove": ["9"]}
    yield "PUT", f"{lists}/3/memberships/add-and-remove", change, ""
    yield "PUT", f"{lists}/2/memberships/add", [str(BOB)], ""
    yield "GET", f"{lists}/3/memberships?limit=1", None, ""
    yield "GET", f"{lists}/3/memberships/join-order", None, ""
    yield "GET", f"{lists}/records/0-1/{BOB}/memberships", None, ""
    record = {"objectTypeId": "0-1", "recordId": str(BOB)}
    yield "POST", f"{lists}/records/memberships/batch/read", _batch(record), ""
    yield "POST", f"{lists}/search", {"query": "o"}, ""
    yield "DELETE", f"{lists}/3/memberships", None, ""
    yield "DELETE", f"{lists}/3", None, ""
    yield "PUT", f"{lists}/3/restore", None, ""
    yield "GET", f"{lists}/99", None, ""


def _others() -> Iterator[Request]:
    yield "GET", "/crm/v3/owners/", None, ""
    yield "GET", f"/crm/v3/owners/{OWNER}", None, ""
    yield "GET", "/crm/v3/owners/1", None, ""
    pipelines = "/crm/v3/pipelines/deals"
    yield "GET", pipelines, None, ""
    for rest in ("default", "default/audit", "default/stages", "default/stages/closedwon", "other"):
        yield "GET", f"{pipelines}/{rest}", None, ""
    yield "GET", f"{pipelines}/default/stages/closedwon/audit", None, ""
    yield "GET", "/events/v3/events/?eventType=e_visited_page&limit=1", None, ""
    yield "GET", "/events/v3/events?sort=id&eventType=e_visited_page", None, ""
    yield "GET", "/events/v3/events/event-types", None, ""
    events = "/marketing/v3/marketing-events"
    rest = ("", "9", WEBINAR, f"participations/{WEBINAR}", f"participations/{WEBINAR}/breakdown?limit=1")
    for path in (*rest, f"participations/contacts/{JANE}/breakdown", "participations/x/breakdown?limit=101"):
        yield "GET", f"{events}/{path}", None, ""
    yield "GET", "/account-info/v3/details", None, ""
    yield "GET", "/account-info/v3/api-usage/daily/private-apps", None, ""


REQUESTS = [*_records(), *_associations(), *_properties(), *_lists(), *_others()]


class Account:
    """A fresh small account, spoken to under one version."""

    def __init__(self, stack: ExitStack, date: str) -> None:
        running = stack.enter_context(sandbox.start(now=NOW, driven=True, rows=small()))
        running.knobs(burst_limit=0, search_limit=0, associations_limit=0)
        headers = {"Authorization": f"Bearer {running.token}"}
        self.client = stack.enter_context(httpx.Client(base_url=running.url, headers=headers))
        self.portal, self.date = running, date
        self.named: dict[str, str] = {}

    def ask(self, request: Request) -> tuple[int, Any]:
        method, path, body, called = request
        for word, id in self.named.items():
            path = path.replace(f"{{{word}}}", id)
            body = _filled(body, word, id)
        answer = self.client.request(method, dated(path, self.date), json=body)
        shown = answer.json() if answer.content else None
        if called:
            self.named[called] = shown["id"]
        return answer.status_code, plain(shown)


def dated(path: str, date: str) -> str:
    """The same under a date; as it is without one."""
    for old, new in MAP if date else ():
        if found := re.match(old, path):
            return new.format(D=date) + path[found.end() :]
    return path


def _filled(body: Any, word: str, id: str) -> Any:
    if not isinstance(body, dict):
        return body
    return {key: id if value == f"{{{word}}}" else value for key, value in body.items()}


def plain(body: Any) -> Any:
    """Without what is never the same: correlation ids, and links, which name the path."""
    if isinstance(body, dict):
        kept = {key: plain(value) for key, value in body.items() if key not in ("correlationId", "link")}
        if "does not imitate" in str(body.get("message")):
            kept["message"] = str(body["message"]).partition(" (")[0]
        return kept
    return [plain(one) for one in body] if isinstance(body, list) else body


def test_every_version_answers_the_same() -> None:
    with ExitStack() as stack:
        first, *others = [Account(stack, date) for date in ("", *DATES)]
        for request in REQUESTS:
            expected = first.ask(request)
            assert expected[0] not in (405, 500), request
            for account in others:
                assert account.ask(request) == expected, (account.date, request)
        states = [account.portal.state() for account in (first, *others)]
        assert states[0]["counts"] == states[1]["counts"] == states[2]["counts"]


def test_every_route_that_has_a_dated_path_is_among_the_requests() -> None:
    asked = {found for method, path, *_ in REQUESTS if (found := route_of(method, path.partition("?")[0]))}
    left = {name(one) for one in {*SERVED} - asked}
    assert left == {*UNDATED, "POST /crm/associations/{from}/{to}/batch/archive"}


@pytest.mark.parametrize("date", ["", *DATES])
def test_an_archive_of_associations_is_200_on_dated_paths_only(date: str) -> None:
    gone = _batch({"from": {"id": str(JANE)}, "to": [{"id": str(ACME)}]})
    with ExitStack() as stack:
        account = Account(stack, date)
        path = "/crm/v4/associations/contacts/companies/batch/archive"
        status, body = account.ask(("POST", path, gone, ""))
        assert (status, body is None) == ((200, False) if date else (204, True))
        page = account.ask(("GET", f"/crm/v4/objects/contacts/{JANE}/associations/companies", None, ""))
        assert page == (200, {"results": []})


@pytest.mark.parametrize("date", ["", *DATES])
def test_writes_are_looked_at_more_closely_since_2026_09(date: str) -> None:
    """A required property is required there (HUBSPOT.md 3.9)."""
    with ExitStack() as stack:
        account = Account(stack, date)
        account.portal.require("firstname")
        new = {"properties": {"email": "sans@nom.fr"}}
        status, body = account.ask(("POST", "/crm/v3/objects/contacts", new, ""))
        assert status == (400 if date == "2026-09" else 201)
        if status == 400:
            assert body["errors"][0]["code"] == "MISSING_REQUIRED_PROPERTY"
