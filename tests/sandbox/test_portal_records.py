"""Pages, single records, batches, merges, as HUBSPOT.md 3 has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from small_account import ACME, BOB, DAY, JANE, NOW, OWNER, ZOE

from connector import sandbox
from connector.sandbox.rows import Object, Submission, WebEvent

Ask = Callable[..., tuple[int, Any]]
CONTACTS = "/crm/v3/objects/contacts"


def test_a_list_page_shows_what_is_asked_and_what_is_always_there(ask: Ask) -> None:
    _, page = ask("GET", f"{CONTACTS}?limit=1&properties=color,no_such_property&properties=fax")
    assert page["results"][0] == {
        "id": str(JANE),
        "properties": {
            "color": "blue",
            "createdate": "2026-11-09T11:06:40.000Z",
            "fax": None,
            "hs_object_id": str(JANE),
            "lastmodifieddate": "2026-11-15T11:06:40.000Z",
        },
        "createdAt": "2026-11-09T11:06:40.000Z",
        "updatedAt": "2026-11-15T11:06:40.000Z",
        "archived": False,
    }
    link = f"https://api.hubapi.com{CONTACTS}?after={BOB}&limit=1&properties=color,no_such_property&properties=fax"
    assert page["paging"] == {"next": {"after": str(BOB), "link": link}}


def test_a_page_holds_a_hundred_or_fifty_with_history(ask: Ask) -> None:
    assert ask("GET", f"{CONTACTS}?limit=100")[0] == 200
    assert ask("GET", f"{CONTACTS}?limit=101")[0] == 400
    assert ask("GET", f"{CONTACTS}?limit=51&propertiesWithHistory=email")[0] == 400
    assert ask("GET", f"{CONTACTS}?limit=x")[0] == 400


def test_a_cursor_that_was_not_given_out_is_refused_when_it_must_be(portal: sandbox.Portal, ask: Ask) -> None:
    portal.knobs(list_after_is_id=False)
    assert ask("GET", f"{CONTACTS}?after={BOB}")[0] == 400
    after = ask("GET", f"{CONTACTS}?limit=1")[1]["paging"]["next"]["after"]
    assert ask("GET", f"{CONTACTS}?limit=1&after={after}")[1]["results"][0]["id"] == str(BOB)


def test_short_and_empty_pages_lose_nobody(portal: sandbox.Portal, ask: Ask) -> None:
    portal.knobs(short_or_empty_pages_with_next=True)
    portal.load(Object("contacts", 41_000_000_000 + 10 * n, {}, NOW, NOW) for n in range(9))
    seen: list[str] = []
    sizes, after = [], ""
    while after is not None:
        page = ask("GET", f"{CONTACTS}?limit=4&after={after}")[1]
        seen += [one["id"] for one in page["results"]]
        sizes.append(len(page["results"]))
        after = page.get("paging", {}).get("next", {}).get("after")
    assert seen == [str(JANE), str(BOB), str(ZOE), *(str(41_000_000_000 + 10 * n) for n in range(9))]
    assert {0, 2} <= set(sizes)


def test_every_name_of_a_type_is_the_same_type(ask: Ask) -> None:
    pages = [
        ask("GET", f"/crm/objects/2026-03/{name}")[1]["results"] for name in ("contacts", "contact", "0-1")
    ]
    assert pages[0] == pages[1] == pages[2]
    assert ask("GET", "/crm/v3/objects/nonsense")[0] == 400


def test_the_bin_is_listed_apart_and_a_restored_record_keeps_its_id(portal: sandbox.Portal, ask: Ask) -> None:
    assert ask("DELETE", f"{CONTACTS}/{BOB}") == (204, None)
    assert ask("DELETE", f"{CONTACTS}/{BOB}") == (204, None)
    assert ask("GET", f"{CONTACTS}/{BOB}")[0] == 404
    assert ask("GET", f"{CONTACTS}/{BOB}?archived=true")[1]["archivedAt"] == "2026-11-18T11:06:40.000Z"
    assert [one["id"] for one in ask("GET", f"{CONTACTS}?archived=true")[1]["results"]] == [str(BOB)]
    portal.restore(BOB)
    assert ask("GET", f"{CONTACTS}/{BOB}")[1]["archived"] is False


def test_the_bin_is_emptied_after_ninety_days(portal: sandbox.Portal, ask: Ask) -> None:
    portal.archive(BOB)
    portal.advance(90 * 86_400 - 1)
    assert [one["id"] for one in ask("GET", f"{CONTACTS}?archived=true")[1]["results"]] == [str(BOB)]
    portal.advance(1)
    assert ask("GET", f"{CONTACTS}?archived=true")[1]["results"] == []
    assert ask("GET", f"{CONTACTS}/{BOB}?archived=true")[0] == 404


def test_a_batch_with_history_holds_fifty(ask: Ask) -> None:
    body = {"inputs": [{"id": str(n)} for n in range(51)], "propertiesWithHistory": ["email"]}
    assert ask("POST", f"{CONTACTS}/batch/read", body)[0] == 400
    body["inputs"] = [{"id": str(JANE)}]
    (one,) = ask("POST", f"{CONTACTS}/batch/read", body)[1]["results"]
    assert [entry["value"] for entry in one["propertiesWithHistory"]["email"]] == ["jane@acme.fr"]


def test_an_erased_person_leaves_no_trace(ask: Ask) -> None:
    assert (
        ask("POST", f"{CONTACTS}/gdpr-delete", {"objectId": "jane@acme.fr", "idProperty": "email"})[0] == 204
    )
    assert ask("GET", f"{CONTACTS}/{JANE}?archived=true")[0] == 404
    assert ask("GET", f"{CONTACTS}?archived=true")[1]["results"] == []
    assert ask("GET", "/form-integrations/v1/submissions/forms/form-1")[1]["results"] == []


def test_a_merge_makes_a_new_record_that_both_old_ids_mean(ask: Ask) -> None:
    body = {"primaryObjectId": str(BOB), "objectIdToMerge": str(JANE)}
    _, new = ask("POST", f"{CONTACTS}/merge", body)
    assert new["id"] not in (str(BOB), str(JANE)) and len(new["id"]) == 11
    values = new["properties"]
    assert (values["email"], values["hs_additional_emails"]) == ("bob@acme.fr", "jane@acme.fr;elodie@home.fr")
    assert values["lifecyclestage"] == "marketingqualifiedlead"
    assert values["hs_merged_object_ids"] == f"{BOB};{JANE}"
    assert values["jobtitle"] == "CTO" and values["num_conversion_events"] == "2"
    for old in (BOB, JANE):
        assert ask("GET", f"{CONTACTS}/{old}")[1]["id"] == new["id"]
    assert [one["id"] for one in ask("GET", CONTACTS)[1]["results"]] == [str(ZOE), new["id"]]
    assert ask("GET", f"{CONTACTS}?archived=true")[1]["results"] == []
    page = ask("GET", f"/crm/v4/objects/contacts/{new['id']}/associations/companies")[1]
    assert [one["toObjectId"] for one in page["results"]] == [ACME]


def test_a_merged_away_id_may_be_patched_but_not_batch_updated(portal: sandbox.Portal, ask: Ask) -> None:
    new = portal.merge(BOB, JANE)
    assert ask("PATCH", f"{CONTACTS}/{JANE}", {"properties": {"fax": "1"}})[1]["id"] == str(new)
    status, body = ask(
        "POST", f"{CONTACTS}/batch/update", {"inputs": [{"id": str(JANE), "properties": {"fax": "2"}}]}
    )
    assert (status, body["results"], body["errors"][0]["context"]) == (207, [], {"ids": [str(JANE)]})


def test_a_batch_read_gives_the_survivor_once(portal: sandbox.Portal, ask: Ask) -> None:
    new = portal.merge(BOB, JANE)
    ids = [{"id": str(id)} for id in (BOB, JANE, ZOE)]
    status, body = ask("POST", f"{CONTACTS}/batch/read", {"inputs": ids})
    assert status == 200 and {one["id"] for one in body["results"]} == {str(new), str(ZOE)}


def test_a_batch_read_by_address_names_the_missing_ones(ask: Ask) -> None:
    body = {"idProperty": "email", "inputs": [{"id": "elodie@home.fr"}, {"id": "nobody@x.fr"}]}
    status, answer = ask("POST", f"{CONTACTS}/batch/read", body)
    assert (status, [one["id"] for one in answer["results"]]) == (207, [str(JANE)])
    assert answer["errors"][0]["context"] == {"ids": ["nobody@x.fr"]}


def test_an_address_for_an_id_is_dropped_without_a_word(ask: Ask) -> None:
    body = {"inputs": [{"id": "jane@acme.fr", "properties": {"fax": "1"}}]}
    status, answer = ask("POST", f"{CONTACTS}/batch/update", body)
    assert (status, answer["results"], "errors" in answer) == (200, [], False)


def test_a_missing_id_may_refuse_the_whole_batch(portal: sandbox.Portal, ask: Ask) -> None:
    portal.knobs(batch_update_missing_id="400")
    inputs = [{"id": str(BOB), "properties": {"fax": "1"}}, {"id": "999", "properties": {"fax": "1"}}]
    assert ask("POST", f"{CONTACTS}/batch/update", {"inputs": inputs})[0] == 400
    assert "fax" not in portal.record("contacts", BOB)["properties"]


def test_trace_ids_may_be_no_help(portal: sandbox.Portal, ask: Ask) -> None:
    portal.knobs(batch_update_trace_ids_207=False)
    inputs = [
        {"id": str(BOB), "properties": {"fax": "1"}, "objectWriteTraceId": "a"},
        {"id": str(JANE), "properties": {"missing": "1"}, "objectWriteTraceId": "b"},
    ]
    assert ask("POST", f"{CONTACTS}/batch/update", {"inputs": inputs})[0] == 400
    assert "fax" not in portal.record("contacts", BOB)["properties"]


def test_results_come_back_in_another_order_always_the_same(portal: sandbox.Portal, ask: Ask) -> None:
    portal.load(Object("contacts", 41_000_000_000 + n, {}, NOW, NOW) for n in range(20))
    inputs = [{"id": str(41_000_000_000 + n), "properties": {"fax": str(n)}} for n in range(20)]
    orders = [
        [one["id"] for one in ask("POST", f"{CONTACTS}/batch/update", {"inputs": inputs})[1]["results"]]
        for _ in range(2)
    ]
    assert orders[0] == orders[1] != [one["id"] for one in inputs]
    assert sorted(orders[0]) == [one["id"] for one in inputs]


def test_what_is_written_is_kept_as_text_of_its_type(portal: sandbox.Portal, ask: Ask) -> None:
    portal.grant()
    group = {
        "name": "lq_score",
        "label": "S",
        "type": "number",
        "fieldType": "number",
        "groupName": "contactinformation",
    }
    assert ask("POST", "/crm/v3/properties/contacts", group)[0] == 201
    values = {
        "closedate": 1795000000000,
        "lq_score": 87,
        "jobtitle": "",
        "hubspot_owner_id": OWNER,
        "fax": None,
    }
    _, body = ask("PATCH", f"{CONTACTS}/{JANE}", {"properties": values})
    assert body["properties"]["closedate"] == "2026-11-18T11:06:40.000Z"
    assert body["properties"]["lq_score"] == "87"
    assert body["properties"]["jobtitle"] is None
    assert body["properties"]["hubspot_owner_id"] == str(OWNER)


def test_nothing_new_does_not_move_the_date(portal: sandbox.Portal, ask: Ask) -> None:
    before = portal.record("contacts", JANE)["updatedAt"]
    body = {"properties": {"jobtitle": "CTO", "fax": None, "mobilephone": ""}}
    assert ask("PATCH", f"{CONTACTS}/{JANE}", body)[1]["updatedAt"] == before
    portal.knobs(no_op_bumps_lastmodified=True)
    assert ask("PATCH", f"{CONTACTS}/{JANE}", body)[1]["updatedAt"] > before


def test_history_tells_who_wrote_what(portal: sandbox.Portal, ask: Ask) -> None:
    ask("PATCH", f"{CONTACTS}/{BOB}", {"properties": {"jobtitle": "PDG"}})
    portal.advance(60)
    portal.edit(BOB, {"jobtitle": ""}, by="userId:9")
    versions = ask("GET", f"{CONTACTS}/{BOB}?propertiesWithHistory=jobtitle,email")[1][
        "propertiesWithHistory"
    ]
    app = portal.account.find_token(portal.token)
    assert app is not None
    assert versions["jobtitle"] == [
        {
            "value": "",
            "timestamp": "2026-11-18T11:07:40.000Z",
            "sourceType": "CRM_UI",
            "sourceId": "userId:9",
            "updatedByUserId": 9,
        },
        {
            "value": "PDG",
            "timestamp": "2026-11-18T11:06:40.000Z",
            "sourceType": "INTEGRATION",
            "sourceId": str(app.app_id),
        },
    ]
    assert [(one["value"], one["sourceType"]) for one in versions["email"]] == [("bob@acme.fr", "IMPORT")]


def test_calculated_values_move_no_date(portal: sandbox.Portal) -> None:
    before = portal.record("contacts", BOB)
    portal.load([Submission("form-1", NOW - DAY, {"email": "BOB@acme.fr"}, "https://x.fr")])
    after = portal.record("contacts", BOB)
    assert after["properties"]["num_conversion_events"] == "1"
    assert after["properties"]["recent_conversion_event_name"] == "Démo"
    assert after["updatedAt"] == before["updatedAt"]
    assert portal.record("contacts", JANE)["properties"]["num_conversion_events"] == "2"


def test_a_page_view_as_it_happens_moves_counter_and_date(portal: sandbox.Portal) -> None:
    portal.happen([WebEvent("w9", ZOE, "e_visited_page", NOW, {})])
    record = portal.record("contacts", ZOE)
    assert record["properties"]["hs_analytics_num_page_views"] == "1"
    assert record["updatedAt"] == "2026-11-18T11:06:40.000Z"


def test_an_activity_needs_its_time_and_is_noted_on_its_contact(portal: sandbox.Portal, ask: Ask) -> None:
    assert ask("POST", "/crm/v3/objects/notes", {"properties": {"hs_note_body": "x"}})[0] == 400
    link = {
        "to": {"id": BOB},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202}],
    }
    body = {"properties": {"hs_note_body": "x", "hs_timestamp": str(NOW)}, "associations": [link]}
    assert ask("POST", "/crm/v3/objects/notes", body)[0] == 201
    assert portal.record("contacts", BOB)["properties"]["num_notes"] == "1"


def test_an_upsert_says_what_was_new(ask: Ask) -> None:
    inputs = [
        {
            "id": "elodie@home.fr",
            "idProperty": "email",
            "properties": {"fax": "1"},
            "objectWriteTraceId": "a",
        },
        {"id": "New@x.fr", "idProperty": "email", "properties": {"fax": "2"}, "objectWriteTraceId": "b"},
    ]
    _, body = ask("POST", f"{CONTACTS}/batch/upsert", {"inputs": inputs})
    assert {one["objectWriteTraceId"]: one["new"] for one in body["results"]} == {"a": False, "b": True}


def test_a_cleared_value_is_null_or_empty_and_one_never_set_is_null(portal: sandbox.Portal, ask: Ask) -> None:
    path = f"{CONTACTS}/{JANE}?properties=jobtitle,fax"
    ask("PATCH", f"{CONTACTS}/{JANE}", {"properties": {"jobtitle": ""}})
    assert ask("GET", path)[1]["properties"]["jobtitle"] is None
    portal.knobs(cleared_value="")
    ask("PATCH", f"{CONTACTS}/{JANE}", {"properties": {"jobtitle": "CTO"}})
    ask("PATCH", f"{CONTACTS}/{JANE}", {"properties": {"jobtitle": ""}})
    values = ask("GET", path)[1]["properties"]
    assert (values["jobtitle"], values["fax"]) == ("", None)
    known = {"filters": [{"propertyName": "jobtitle", "operator": "HAS_PROPERTY"}]}
    assert ask("POST", f"{CONTACTS}/search", known)[1]["total"] == 0


def test_a_restored_record_may_move_its_date(portal: sandbox.Portal) -> None:
    before = portal.record("contacts", BOB)["updatedAt"]
    portal.archive(BOB)
    portal.restore(BOB)
    assert portal.record("contacts", BOB)["updatedAt"] == before
    portal.knobs(restore_bumps_lastmodified=True)
    portal.archive(BOB)
    portal.restore(BOB)
    assert portal.record("contacts", BOB)["updatedAt"] > before


def test_the_bin_may_answer_without_being_asked(portal: sandbox.Portal, ask: Ask) -> None:
    portal.archive(BOB)
    portal.knobs(archived_get_without_flag="200")
    assert ask("GET", f"{CONTACTS}/{BOB}")[1]["archived"] is True


def test_a_patch_may_leave_its_date_out_of_the_properties(portal: sandbox.Portal, ask: Ask) -> None:
    portal.knobs(patch_response_includes_lastmodified=False)
    _, body = ask("PATCH", f"{CONTACTS}/{BOB}", {"properties": {"fax": "1"}})
    assert "lastmodifieddate" not in body["properties"] and body["updatedAt"] == "2026-11-18T11:06:40.000Z"


def test_associations_with_what_is_in_the_bin_are_not_shown(portal: sandbox.Portal, ask: Ask) -> None:
    portal.archive(ACME, kind="companies")
    path = f"/crm/v4/objects/contacts/{BOB}/associations/companies"
    assert ask("GET", path)[1]["results"] == []
    portal.restore(ACME, kind="companies")
    assert [one["toObjectId"] for one in ask("GET", path)[1]["results"]] == [ACME]
