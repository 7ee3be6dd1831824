"""What people do in the account that `populate` makes: it hangs together, and tells who buys."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import pairwise

from population_rows import CONTACTS, NOW, STAGES, objects, values

from connector.sandbox.rows import EmailEvent, Link, Membership, Row, Submission, WebEvent


def test_stages_go_forward_and_agree_with_the_deals(rows: list[Row]) -> None:
    kept = {row.id: row.properties for row in objects(rows, "deals")}
    deals: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        if isinstance(row, Link) and (row.from_kind, row.to_kind) == ("deals", "contacts"):
            deals[row.to_id].add(kept[row.from_id]["dealstage"])
    sources = set()
    for contact in objects(rows, "contacts"):
        versions = contact.history["lifecyclestage"]
        assert versions[0].value == contact.properties["lifecyclestage"]
        assert (versions[-1].value, versions[-1].at) == ("lead", contact.created)
        assert all(
            a.at >= b.at and STAGES.index(a.value) > STAGES.index(b.value) for a, b in pairwise(versions)
        )
        sources |= {version.source for version in versions}
        by_automation = {version.value for version in versions if version.source == "PIPELINE_SETTINGS"}
        assert "opportunity" not in by_automation or deals[contact.id]
        assert "customer" not in by_automation or "closedwon" in deals[contact.id]
    assert sources == {"FORM", "IMPORT", "CRM_UI", "INTEGRATION", "PIPELINE_SETTINGS"}


def test_some_stages_were_set_by_people(rows: list[Row]) -> None:
    versions = [each for row in objects(rows, "contacts") for each in row.history["lifecyclestage"]]
    hands = [each for each in versions if each.value in ("marketingqualifiedlead", "salesqualifiedlead")]
    assert len(hands) > 20
    assert all(each.source == "CRM_UI" and each.source_id.startswith("userId:") for each in hands)


def test_bought_addresses_do_nothing(rows: list[Row]) -> None:
    bought = [
        row for row in objects(rows, "contacts") if row.properties.get("list_origin") == "purchased_list"
    ]
    ids, addresses = {row.id for row in bought}, {row.properties.get("email") for row in bought}
    assert 0.1 * CONTACTS < len(bought) < 0.25 * CONTACTS
    assert not [row for row in rows if isinstance(row, WebEvent | Membership) and row.contact_id in ids]
    done = {row.type for row in rows if isinstance(row, EmailEvent) and row.recipient in addresses}
    assert done <= {"BOUNCE", "SPAMREPORT"}
    assert not [
        row for row in rows if isinstance(row, Submission) and row.values["email"].lower() in addresses
    ]


def test_submissions_are_typed_by_people(rows: list[Row]) -> None:
    sent = [row.values["email"] for row in rows if isinstance(row, Submission)]
    known = values(rows, "contacts", "email")
    assert 0.2 < sum(address != address.lower() for address in sent) / len(sent) < 0.3
    assert 1 <= sum(address.lower() not in known for address in sent) < 0.02 * len(sent)


def test_page_views_have_an_address_and_a_title(rows: list[Row]) -> None:
    views = [row for row in rows if isinstance(row, WebEvent)]
    assert {row.type for row in views} == {"e_visited_page"}
    assert all(
        row.properties["hs_url"].startswith("https://www.example.fr/") and row.properties["hs_title"]
        for row in views
    )
    seen = " ".join({row.properties["hs_url"] for row in views})
    assert all(
        part in seen for part in ("/tarifs", "/pricing", "/produit", "/clients", "/blog/", "utm_source=")
    )


def test_event_ids_are_unique(rows: list[Row]) -> None:
    ids = [row.id for row in rows if isinstance(row, EmailEvent | WebEvent)]
    assert len(ids) == len(set(ids))


def test_campaigns(rows: list[Row]) -> None:
    campaigns = {row.campaign_id for row in rows if isinstance(row, EmailEvent)}
    assert 20 <= len(campaigns) <= 24
    assert all(len(str(campaign)) == 9 for campaign in campaigns)


def test_gateways_click_everything_within_seconds_and_are_not_always_noticed(rows: list[Row]) -> None:
    clicks: dict[tuple[str, int], list[EmailEvent]] = defaultdict(list)
    for row in rows:
        if isinstance(row, EmailEvent) and row.type == "CLICK":
            clicks[row.recipient, row.campaign_id].append(row)
    bursts = [
        some for some in clicks.values() if len({row.url for row in some}) >= 5 and _span(some) < 10_000
    ]
    assert len(bursts) > 20
    assert {row.filtered for some in bursts for row in some} == {True, False}
    assert all("/desinscription" in some[-1].url for some in bursts)


def _span(some: list[EmailEvent]) -> int:
    return max(row.at for row in some) - min(row.at for row in some)


def test_the_dirt_of_real_accounts(rows: list[Row]) -> None:
    contacts = objects(rows, "contacts")
    people = Counter(
        (row.properties["firstname"].lower(), row.properties["lastname"], row.properties.get("company", "?"))
        for row in contacts
    )
    assert sum(count > 1 for count in people.values()) >= 5
    assert sum("jobtitle" not in row.properties for row in contacts) > 50
    assert sum("hs_persona" not in row.properties for row in contacts) > CONTACTS / 2
    assert any("numberofemployees" not in row.properties for row in objects(rows, "companies"))
    won = [row for row in objects(rows, "deals") if row.properties["dealstage"] == "closedwon"]
    assert any("amount" not in row.properties for row in won)
    emails = [row.properties.get("email", "") for row in contacts]
    assert any(email.endswith("@scorify.io") for email in emails)  # a competitor


def test_those_who_bought_looked_at_prices_and_demos_before(rows: list[Row]) -> None:
    kept = {row.id: row for row in objects(rows, "deals")}
    won: dict[int, int] = {}
    for row in rows:
        if isinstance(row, Link) and (row.from_kind, row.to_kind) == ("deals", "contacts"):
            deal = kept[row.from_id]
            if deal.properties["dealstage"] == "closedwon":
                won[row.to_id] = min(deal.created, won.get(row.to_id, NOW))
    seen: Counter[bool] = Counter()
    for row in rows:
        if isinstance(row, WebEvent) and re.search("/tarifs|/pricing", row.properties["hs_url"]):
            seen[row.contact_id in won and row.at < won[row.contact_id]] += 1
    per_winner, per_other = seen[True] / len(won), seen[False] / (CONTACTS - len(won))
    assert per_winner > 3 * per_other
