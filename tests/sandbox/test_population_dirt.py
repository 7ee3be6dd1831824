"""The dirt of real accounts, in the rows and in the account that is made of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import httpx
import pytest
from population_rows import CONTACTS, NOW, addresses, binned, linked, merged, objects, people, values

from connector import sandbox
from connector.sandbox.population.account import PARTNER, REWARM, STAGES
from connector.sandbox.population.calendar import DAY, iso
from connector.sandbox.rows import (
    Alias,
    EmailEvent,
    Link,
    Membership,
    Owner,
    Participation,
    Row,
    Submission,
    WebEvent,
)

SECOND = 1_000


# -- merged, in the bin, erased ------------------------------------------------------------------------


def test_merged_people_have_the_id_of_the_merge_and_the_date_of_the_first(rows: list[Row]) -> None:
    stands_for = {row.id: row.survivor for row in rows if isinstance(row, Alias)}
    living = {row.id for row in objects(rows, "contacts")}
    assert not living & set(stands_for)
    assert len(merged(rows)) > 5
    for row in merged(rows):
        old = [int(id) for id in row.properties["hs_merged_object_ids"].split(";")]
        for id in old:
            assert row.id > id
            while id in stands_for:
                id = stands_for[id]
            assert id == row.id
        stamps = [each.split(":") for each in row.properties["hs_calculated_merged_vids"].split(";")]
        assert len(old) == 2 * len(stamps)
        assert all(int(id) in old and row.created < int(at) <= row.modified for id, at in stamps)
        assert len(addresses(row)) == 2
    assert any(row.properties["hs_merged_object_ids"].count(";") == 3 for row in merged(rows))


def test_second_addresses_were_used(rows: list[Row]) -> None:
    found = people(rows)
    second = {address for address, row in found.items() if address != row.properties.get("email")}
    assert len(second) > 20
    assert not second & values(rows, "contacts", "email")
    recipients = {row.recipient for row in rows if isinstance(row, EmailEvent)}
    typed = {row.values["email"].lower() for row in rows if isinstance(row, Submission)}
    assert second & recipients
    assert second & typed


def test_the_bin_holds_people_and_what_they_did_before(rows: list[Row]) -> None:
    lying = {row.id: row for row in binned(rows)}
    assert 10 < len(lying) < 50
    for row in lying.values():
        assert max(row.created, NOW - 90 * DAY) <= row.archived <= NOW
        assert row.modified <= row.archived
    mine = {address: row for row in lying.values() for address in addresses(row)}
    done = [row for row in rows if isinstance(row, EmailEvent) and row.recipient in mine]
    assert done
    assert all(row.at < mine[row.recipient].archived for row in done)
    assert not [
        row for row in rows if isinstance(row, Membership | Participation) and row.contact_id in lying
    ]
    assert not set(mine) & set(people(rows))


def test_of_erased_people_only_what_nobody_thought_of_is_left(rows: list[Row]) -> None:
    joined = {row.from_id for row in rows if isinstance(row, Link)}
    for kind in ("calls", "meetings", "tasks", "emails"):
        assert not [row for row in objects(rows, kind) if row.id not in joined]
    left = [
        row for kind in ("notes", "communications") for row in objects(rows, kind) if row.id not in joined
    ]
    assert 2 <= len(left) < 0.02 * CONTACTS
    named = values(rows, "contacts", "lastname")
    assert not [
        row for row in left for text in row.properties.values() for name in named if f" {name}" in text
    ]


# -- robots, competitors, fields -----------------------------------------------------------------------


def test_a_gateway_clicks_every_link_seconds_after_the_delivery_and_is_not_always_noticed(
    rows: list[Row],
) -> None:
    messages: dict[tuple[str, int], list[EmailEvent]] = defaultdict(list)
    for row in rows:
        if isinstance(row, EmailEvent):
            messages[row.recipient, row.campaign_id].append(row)
    bursts = [some for some in messages.values() if any("Gateway" in row.user_agent for row in some)]
    assert len(bursts) > 100
    domains: Counter[str] = Counter()
    for some in bursts:
        [delivered] = [row.at for row in some if row.type == "DELIVERED"]
        robot = [row for row in some if "Gateway" in row.user_agent]
        assert all(delivered < row.at < delivered + 20 * SECOND for row in robot)
        assert len({row.url for row in robot if row.type == "CLICK"}) == 8
        assert any("/desinscription" in row.url for row in robot)
        assert len({row.filtered for row in robot}) == 1
        domains[some[0].recipient.rpartition("@")[2]] += 1
    assert {row.filtered for some in bursts for row in some if "Gateway" in row.user_agent} == {True, False}
    assert len({some[0].recipient for some in bursts}) > len(domains), "several colleagues of one company"
    untouched = {
        address
        for address in values(rows, "contacts", "email")
        if address.rpartition("@")[2] in domains and any(key[0] == address for key in messages)
    } - {some[0].recipient for some in bursts}
    assert len(untouched) < 0.3 * len({some[0].recipient for some in bursts}), "whole companies, not people"


def test_every_opening_and_click_had_its_delivery(rows: list[Row]) -> None:
    delivered = {
        (row.recipient, row.campaign_id): row.at
        for row in rows
        if isinstance(row, EmailEvent) and row.type == "DELIVERED"
    }
    done = [row for row in rows if isinstance(row, EmailEvent) and row.type in ("OPEN", "CLICK")]
    assert all(delivered[row.recipient, row.campaign_id] < row.at for row in done)


def test_competitors_read_everything_under_their_own_domain(rows: list[Row]) -> None:
    domains = {row.properties["domain"]: row.id for row in objects(rows, "companies")}
    ours = {"scorify.io", "qualeo.fr", "leadpanda.com"} & set(domains)
    assert ours
    companies = {
        row.from_id: row.to_id for row in rows if isinstance(row, Link) and row.to_kind == "companies"
    }
    theirs = [
        row for row in objects(rows, "contacts") if row.properties.get("email", "").rpartition("@")[2] in ours
    ]
    assert len(theirs) >= 5
    assert all(companies[row.id] == domains[row.properties["email"].rpartition("@")[2]] for row in theirs)
    views = Counter(row.contact_id for row in rows if isinstance(row, WebEvent))
    average = sum(views.values()) / CONTACTS
    assert sum(views[row.id] for row in theirs) / len(theirs) > 2 * average
    assert not set(linked(rows, "deals")) & {row.id for row in theirs}, "they never buy"


def test_fields_are_empty_or_say_two_things(rows: list[Row]) -> None:
    contacts = [row.properties for row in objects(rows, "contacts")]
    assert any("firstname" not in one for one in contacts)
    assert any(one.get("lastname") in (".", "?", "Inconnu", "TEST") for one in contacts)
    assert any(one.get("country") in ("FR", "france", "France ", "Espagne", "NO") for one in contacts)
    assert any("ex-directeur" in one.get("jobtitle", "") for one in contacts)
    won = linked(rows, "deals")
    behind = [
        row
        for row in objects(rows, "contacts")
        if row.properties["lifecyclestage"] == "lead"
        and any(deal.properties["dealstage"] == "closedwon" for deal in won.get(row.id, ()))
    ]
    assert behind, "a customer whom nobody moved on"
    opens = {row.recipient for row in rows if isinstance(row, EmailEvent) and row.type == "OPEN"}
    assert any(one.get("hs_email_optout") == "true" and one.get("email") in opens for one in contacts)


def test_stages_of_the_account_s_own_have_people_in_them(rows: list[Row]) -> None:
    stages = Counter(row.properties["lifecyclestage"] for row in objects(rows, "contacts"))
    assert stages[REWARM] > 10
    assert stages[PARTNER] >= 1
    order = [value for value, _ in STAGES.options]
    assert order.index("lead") < order.index(REWARM) < order.index("marketingqualifiedlead")
    assert all(value.isdecimal() and len(value) == 8 for value in (REWARM, PARTNER))


def test_somebody_has_left_and_still_owns_contacts(rows: list[Row]) -> None:
    gone = {str(row.id) for row in rows if isinstance(row, Owner) and row.archived}
    assert len(gone) == 1
    assert any(row.properties.get("hubspot_owner_id") in gone for row in objects(rows, "contacts"))
    for kind in ("tasks", "notes", "emails"):
        assert not values(rows, kind, "hubspot_owner_id") & gone


def test_counters_say_what_the_events_say(rows: list[Row]) -> None:
    found = people(rows)
    told: dict[int, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if isinstance(row, WebEvent):
            told[row.contact_id]["hs_analytics_num_page_views"] += 1
        elif isinstance(row, EmailEvent) and not row.filtered and row.recipient in found:
            told[found[row.recipient].id][f"hs_email_{row.type.lower()}"] += 1
    names = ("hs_analytics_num_page_views", "hs_email_open", "hs_email_click", "hs_email_delivered")
    for contact in objects(rows, "contacts"):
        counted = told[contact.id]
        assert [int(contact.properties.get(name, "0")) for name in names] == [counted[name] for name in names]
    assert sum(each["hs_email_open"] for each in told.values()) > CONTACTS


def test_activities_are_counted_on_their_contacts(rows: list[Row]) -> None:
    kinds = ("calls", "meetings", "emails", "communications", "notes", "tasks")
    by_kind = {kind: linked(rows, kind) for kind in kinds}
    for contact in objects(rows, "contacts"):
        mine = [row for kind in kinds for row in by_kind[kind].get(contact.id, ())]
        talks = [row for row in mine if row.kind not in ("notes", "tasks")]
        assert int(contact.properties.get("num_notes", "0")) == len(mine)
        assert int(contact.properties.get("num_contacted_notes", "0")) == len(talks)
        held = [at for row in talks if (at := row.properties["hs_timestamp"]) <= iso(NOW)]
        assert contact.properties.get("notes_last_contacted", "") == max(held, default="")


# -- in the account that is made of it -----------------------------------------------------------------


@pytest.fixture(scope="module")
def seeded() -> Iterator[httpx.Client]:
    with sandbox.start(contacts=CONTACTS, seed=7, now=NOW) as portal:
        portal.knobs(burst_limit=0, search_limit=0, associations_limit=0)
        headers = {"Authorization": f"Bearer {portal.token}"}
        with httpx.Client(base_url=portal.url, headers=headers) as client:
            yield client


def test_the_account_lists_as_many_as_were_asked_for(seeded: httpx.Client) -> None:
    ids, after = [], None
    while True:
        query = {"limit": 100, **({"after": after} if after else {})}
        page = seeded.get("/crm/v3/objects/contacts", params=query).json()
        ids += [one["id"] for one in page["results"]]
        if "paging" not in page:
            break
        after = page["paging"]["next"]["after"]
    assert len(ids) == len(set(ids)) == CONTACTS


def test_old_ids_and_second_addresses_lead_to_the_survivor(rows: list[Row], seeded: httpx.Client) -> None:
    for row in merged(rows)[:5]:
        second = row.properties["hs_additional_emails"]
        for key, query in [
            *((id, {}) for id in row.properties["hs_merged_object_ids"].split(";")),
            (second, {"idProperty": "email"}),
        ]:
            answer = seeded.get(f"/crm/v3/objects/contacts/{key}", params=query)
            assert answer.status_code == 200, key
            assert answer.json()["id"] == str(row.id)


def test_the_bin_of_the_account(rows: list[Row], seeded: httpx.Client) -> None:
    page = seeded.get("/crm/v3/objects/contacts", params={"limit": 100, "archived": "true"}).json()
    assert {one["id"] for one in page["results"]} == {str(row.id) for row in binned(rows)}
    [first, *_] = binned(rows)
    assert seeded.get(f"/crm/v3/objects/contacts/{first.id}").status_code == 404
    shown = seeded.get(f"/crm/v3/objects/contacts/{first.id}", params={"archived": "true"}).json()
    assert shown["archivedAt"] == iso(first.archived)


def test_the_stages_of_the_account(seeded: httpx.Client) -> None:
    stage = seeded.get("/crm/v3/properties/contacts/lifecyclestage").json()
    shown = sorted(stage["options"], key=lambda option: option["displayOrder"])
    assert [(option["value"], option["label"]) for option in shown] == list(STAGES.options)
    filters = [{"propertyName": "lifecyclestage", "operator": "EQ", "value": REWARM}]
    body = {"filterGroups": [{"filters": filters}], "properties": [f"hs_v2_date_entered_{REWARM}"]}
    found = seeded.post("/crm/v3/objects/contacts/search", json=body).json()
    assert found["total"] > 10
    assert all(one["properties"][f"hs_v2_date_entered_{REWARM}"] for one in found["results"])
