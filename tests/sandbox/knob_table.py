"""The knobs in each of their settings: what is done before, what is asked, what is seen (HUBSPOT.md 11.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from small_account import ACME, BOB, DEAL, JANE, NOW, ZOE

from connector.sandbox.rows import Object, Submission

CONTACTS = "/crm/v3/objects/contacts"
BATCH, SEARCH = f"{CONTACTS}/batch", f"{CONTACTS}/search"
Request = tuple[str, str, Any]
Seen = Callable[[httpx.Response], Any]


@dataclass(frozen=True)
class Knob:
    """One knob: the request, what is seen of its answer with each setting, and what happens before (requests,
    and verbs of the account)."""

    name: str
    ask: Request
    seen: Seen
    settings: list[tuple[Any, Any]]
    before: list[Any] = field(default_factory=list)
    also: dict[str, Any] = field(default_factory=dict)


def _get(path: str) -> Request:
    return "GET", path, None


def _patch(id: int, **properties: Any) -> Request:
    return "PATCH", f"{CONTACTS}/{id}", {"properties": properties}


def _batch(verb: str, *inputs: dict[str, Any], **more: Any) -> Request:
    return "POST", f"{BATCH}/{verb}", {"inputs": list(inputs), **more}


def _search(*filters: tuple[str, str, Any], **more: Any) -> Request:
    shown = [
        {"propertyName": name, "operator": operator, "value": value} for name, operator, value in filters
    ]
    return "POST", SEARCH, {"filters": shown, **more}


def _link(type_id: int, to: int) -> dict[str, Any]:
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]
    return {"to": {"id": str(to)}, "types": types}


def _status(answer: httpx.Response) -> int:
    return answer.status_code


def _ids(answer: httpx.Response) -> list[int]:
    return [int(one["id"]) for one in answer.json()["results"]]


def _how_many(answer: httpx.Response) -> int:
    return len(answer.json()["results"])


def _value(name: str) -> Seen:
    return lambda answer: answer.json()["properties"].get(name, "not there")


def _moved(answer: httpx.Response) -> bool:
    """True if the record's date of the last change is now."""
    moved: bool = answer.json()["updatedAt"] == "2026-11-18T11:06:40.000Z"
    return moved


def _upsert(id: str, **properties: Any) -> dict[str, Any]:
    return {"id": id, "idProperty": "email", "properties": properties, "objectWriteTraceId": id}


TWENTY = [Object("contacts", 41_000_000_000 + n, {}, NOW, NOW + n * 1000) for n in range(20)]
READ_TWENTY = _batch("read", *({"id": str(row.id)} for row in TWENTY))
IN_ORDER = [row.id for row in TWENTY]
NOTE: Request = (
    "POST",
    "/crm/v3/objects/notes",
    {"properties": {"hs_timestamp": str(NOW), "hs_note_body": "x"}, "associations": [_link(202, BOB)]},
)
DEAL_OF_BOB = ("PUT", f"/crm/v4/objects/deals/{DEAL}/associations/default/contacts/{BOB}", None)
WON = ("PATCH", f"/crm/v3/objects/deals/{DEAL}", {"properties": {"dealstage": "closedwon"}})
STAGE_OF_BOB = _get(f"{CONTACTS}/{BOB}?properties=lifecyclestage")
STAGE = _value("lifecyclestage")
NEW_CONTACT = ("POST", CONTACTS, {"properties": {"email": "n@x.fr"}})
ERASE_NOBODY = ("POST", f"{CONTACTS}/gdpr-delete", {"objectId": "n@x.fr", "idProperty": "email"})

KNOBS = [
    Knob(
        "tier",
        _get("/events/v3/events?eventType=e_visited_page"),
        _status,
        [("professional", 403), ("enterprise", 200)],
    ),
    Knob("burst_limit", _get(CONTACTS), _status, [(1, 429), (2, 200), (0, 200)], [_get(CONTACTS)]),
    Knob("search_limit", _search(), _status, [(1, 429), (2, 200), (0, 200)], [_search()]),
    Knob(
        "associations_limit",
        _get(f"/crm/v4/objects/contacts/{JANE}/associations/companies"),
        _status,
        [(1, 429), (2, 200), (0, 200)],
        [_get(f"/crm/v4/objects/contacts/{JANE}/associations/companies")],
    ),
    Knob("daily_limit", _get(CONTACTS), _status, [(1, 429), (2, 200), (None, 200)], [_get(CONTACTS)]),
    Knob(
        "lag",
        _search(("fax", "EQ", "1")),
        _ids,
        [(0, [BOB]), (10, []), ([5, 20], [])],
        [_patch(BOB, fax="1")],
    ),
    Knob(
        "flapping",
        _search(("fax", "EQ", "1")),
        _ids,
        [(False, [BOB]), (True, [])],
        [_patch(BOB, fax="1"), ("advance", 16)],
        {"lag": 10},
    ),
    Knob(
        "calculated_lag",
        _get(f"{CONTACTS}/{BOB}?properties=num_conversion_events"),
        _value("num_conversion_events"),
        [(0, "1"), (60, None), (30.0, "1")],
        [("load", [Submission("form-1", NOW, {"email": "bob@acme.fr"}, "https://x.fr")]), ("advance", 30)],
    ),
    Knob(
        "merge_activity_lag",
        _get(f"{CONTACTS}/{BOB}?associations=notes"),
        lambda answer: "associations" in answer.json(),
        [(0, True), (1800, False), (600, True)],
        [NOTE, ("merge", JANE, BOB), ("advance", 600)],
    ),
    Knob("default_stage", NEW_CONTACT, STAGE, [("lead", "lead"), ("", "not there"), ("nope", "not there")]),
    Knob(
        "deal_created_stage",
        STAGE_OF_BOB,
        STAGE,
        [("opportunity", "opportunity"), ("", "lead")],
        [DEAL_OF_BOB],
    ),
    Knob(
        "deal_won_stage",
        STAGE_OF_BOB,
        STAGE,
        [("customer", "customer"), ("", "opportunity")],
        [DEAL_OF_BOB, WON],
    ),
    Knob(
        "company_stage_sync",
        STAGE_OF_BOB,
        STAGE,
        [(True, "customer"), (False, "lead")],
        [("PATCH", f"/crm/v3/objects/companies/{ACME}", {"properties": {"lifecyclestage": "customer"}})],
    ),
    Knob(
        "search_body_limit",
        _search(("email", "EQ", "x" * 3_000)),
        _status,
        [(3_000, 400), (0, 200)],
    ),
    Knob("uri_limit", _get(f"{CONTACTS}?properties=email,firstname"), _status, [(16_000, 200), (30, 414)]),
    Knob(
        "association_page",
        ("POST", "/crm/v4/associations/companies/contacts/batch/read", {"inputs": [{"id": str(ACME)}]}),
        lambda answer: len(answer.json()["results"][0]["to"]),
        [(500, 2), (1, 1)],
    ),
    Knob(
        "form_conversion_id",
        _get("/form-integrations/v1/submissions/forms/form-1"),
        lambda answer: "conversionId" in answer.json()["results"][0],
        [(True, True), (False, False)],
    ),
    Knob(
        "shuffle",
        READ_TWENTY,
        lambda answer: _ids(answer) == IN_ORDER,
        [(True, False), (False, True)],
        [("load", TWENTY)],
    ),
    Knob(
        "history_versions",
        _get(f"{CONTACTS}/{JANE}?propertiesWithHistory=lifecyclestage"),
        lambda answer: [one["value"] for one in answer.json()["propertiesWithHistory"]["lifecyclestage"]],
        [(0, ["customer", "marketingqualifiedlead", "lead"]), (2, ["customer", "marketingqualifiedlead"])],
        [_patch(JANE, lifecyclestage="customer")],
    ),
    Knob("no_op_bumps_lastmodified", _patch(JANE, jobtitle="CTO"), _moved, [(False, False), (True, True)]),
    Knob(
        "backward_stage_bumps_lastmodified",
        _patch(JANE, lifecyclestage="lead"),
        _moved,
        [(True, True), (False, False)],
    ),
    Knob(
        "batch_update_missing_id",
        _batch("update", {"id": "9", "properties": {"fax": "1"}}),
        _status,
        [("207", 207), ("400", 400)],
    ),
    Knob(
        "batch_update_trace_ids_207",
        _batch(
            "update",
            {"id": str(BOB), "properties": {"fax": "1"}, "objectWriteTraceId": "a"},
            {"id": str(JANE), "properties": {"missing": "1"}, "objectWriteTraceId": "b"},
        ),
        _status,
        [(True, 207), (False, 400)],
    ),
    Knob(
        "retry_after_on_429",
        _get(CONTACTS),
        lambda answer: (answer.status_code, "Retry-After" in answer.headers),
        [(True, (429, True)), (False, (429, False))],
        [_get(CONTACTS)],
        {"burst_limit": 1},
    ),
    Knob(
        "search_429_body",
        _search(),
        lambda answer: [name for name in ("policyName", "category") if name in answer.json()],
        [("policy", ["policyName"]), ("category", ["category"])],
        [_search()],
        {"search_limit": 1},
    ),
    Knob(
        "to_object_id_type",
        _get(f"/crm/v4/objects/contacts/{JANE}/associations/companies"),
        lambda answer: answer.json()["results"][0]["toObjectId"],
        [("number", ACME), ("string", str(ACME))],
    ),
    Knob(
        "archived_get_without_flag",
        _get(f"{CONTACTS}/{BOB}"),
        _status,
        [("404", 404), ("200", 200)],
        [("archive", BOB)],
    ),
    Knob(
        "restore_bumps_lastmodified",
        _get(f"{CONTACTS}/{BOB}"),
        _moved,
        [(False, False), (True, True)],
        [("archive", BOB), ("restore", BOB)],
    ),
    Knob(
        "cleared_value",
        _get(f"{CONTACTS}/{JANE}?properties=jobtitle"),
        _value("jobtitle"),
        [("null", None), ("", "")],
        [_patch(JANE, jobtitle="")],
    ),
    Knob(
        "search_counts_daily",
        _get(CONTACTS),
        _status,
        [(True, 429), (False, 200)],
        [_search()],
        {"daily_limit": 1},
    ),
    Knob(
        "patch_response_includes_lastmodified",
        _patch(BOB, fax="1"),
        _value("lastmodifieddate"),
        [(True, "2026-11-18T11:06:40.000Z"), (False, "not there")],
    ),
    Knob(
        "search_keeps_sort",
        _search(("hs_object_id", "GTE", "41000000000"), sorts=["lastmodifieddate"], limit=100),
        lambda answer: (_ids(answer) == IN_ORDER, sorted(_ids(answer)) == IN_ORDER),
        [(True, (True, True)), (False, (False, True))],
        [("load", TWENTY)],
    ),
    Knob(
        "short_or_empty_pages_with_next",
        _search(("hs_object_id", "GTE", "41000000000"), limit=20),
        lambda answer: (_how_many(answer), "paging" in answer.json()),
        [(False, (20, False)), (True, (10, True))],
        [("load", TWENTY)],
    ),
    Knob(
        "object_id_compares_as",
        _search(("hs_object_id", "GT", str(ZOE))),
        _ids,
        [("number", []), ("text", [5])],
        [("load", [Object("contacts", 5, {}, NOW, NOW)])],
    ),
    Knob("list_after_is_id", _get(f"{CONTACTS}?after={BOB}"), _status, [(True, 200), (False, 400)]),
    Knob(
        "merged_ids_are_duplicates",
        _batch("update", *({"id": str(id), "properties": {"fax": "1"}} for id in (BOB, JANE))),
        _status,
        [(True, 400), (False, 207)],
        [("merge", BOB, JANE)],
    ),
    Knob(
        "batch_read_repeats_merged",
        _batch("read", {"id": str(BOB)}, {"id": str(JANE)}),
        _how_many,
        [(False, 1), (True, 2)],
        [("merge", BOB, JANE)],
    ),
    Knob(
        "malformed_input",
        _batch("update", {"id": "bob@acme.fr", "properties": {"fax": "1"}}),
        lambda answer: [one["properties"] for one in answer.json()["results"]],
        [("dropped", []), ("empty", [{}])],
    ),
    Knob(
        "partial_upsert_by_email",
        _batch("upsert", _upsert("n@x.fr", fax="1"), _upsert("o@x.fr", email="o@x.fr", missing="1")),
        lambda answer: (answer.status_code, len(answer.json().get("results", []))),
        [("allowed", (207, 1)), ("all_or_nothing", (400, 0)), ("needs_email", (207, 0))],
    ),
    Knob(
        "upsert_race",
        _batch("upsert", _upsert("n@x.fr", fax="1")),
        lambda answer: answer.json().get("errors", [{}])[0].get("category"),
        [(0, None), (5, "CONFLICT"), (3, None)],
        [NEW_CONTACT, ("advance", 4)],
    ),
    Knob(
        "additional_emails_at_create",
        ("POST", CONTACTS, {"properties": {"email": "n@x.fr", "hs_additional_emails": "O@x.fr"}}),
        lambda answer: answer.json().get("properties", {}).get("hs_additional_emails"),
        [(False, None), (True, "o@x.fr")],
    ),
    Knob("blocklisted_email", NEW_CONTACT, _status, [("400", 400), ("201", 201)], [ERASE_NOBODY]),
    Knob(
        "createdate_without_ms",
        _get(f"{CONTACTS}/{JANE}"),
        lambda answer: (answer.json()["createdAt"], answer.json()["properties"]["createdate"]),
        [
            (False, ("2026-11-09T11:06:40.000Z", "2026-11-09T11:06:40.000Z")),
            (True, ("2026-11-09T11:06:40Z", "2026-11-09T11:06:40Z")),
        ],
    ),
    Knob("epoch_bound_500", _search(("lastmodifieddate", "GTE", "0")), _status, [(False, 200), (True, 500)]),
]
