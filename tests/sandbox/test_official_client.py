"""The vendor's own client (hubspot-api-client 12) as an independent witness of the sandbox."""

from __future__ import annotations

import pytest
from hubspot import HubSpot
from hubspot.crm import contacts, lists, objects, properties
from hubspot.crm.associations import v4
from small_account import ACME, BOB, DAY, DEAL, JANE, NOW, OWNER, ZOE

from connector import sandbox


@pytest.fixture
def hubspot(portal: sandbox.Portal) -> HubSpot:
    return HubSpot(access_token=portal.token, host=portal.url, base_url=portal.url)


def test_it_lists_every_contact(hubspot: HubSpot) -> None:
    found = hubspot.crm.contacts.get_all(properties=["email", "lifecyclestage"])
    assert [one.id for one in found] == [str(JANE), str(BOB), str(ZOE)]
    assert found[0].properties["lifecyclestage"] == "marketingqualifiedlead"
    assert found[2].properties["email"] is None


def test_it_follows_the_pages(hubspot: HubSpot) -> None:
    api = hubspot.crm.contacts.basic_api
    first = api.get_page(limit=2)
    second = api.get_page(limit=2, after=first.paging.next.after)
    assert [one.id for one in (*first.results, *second.results)] == [str(JANE), str(BOB), str(ZOE)]
    assert second.paging is None


def test_it_reads_history_and_associations(hubspot: HubSpot) -> None:
    one = hubspot.crm.contacts.basic_api.get_by_id(
        str(JANE), properties_with_history=["lifecyclestage"], associations=["companies"]
    )
    versions = one.properties_with_history["lifecyclestage"]
    assert [version.value for version in versions] == ["marketingqualifiedlead", "lead"]
    assert (versions[0].source_type, versions[0].source_id, versions[0].updated_by_user_id) == (
        "CRM_UI",
        "userId:5",
        5,
    )
    assert [row.type for row in one.associations["companies"].results] == [
        "contact_to_company",
        "contact_to_company_unlabeled",
    ]


def test_it_finds_by_a_secondary_address(hubspot: HubSpot) -> None:
    one = hubspot.crm.contacts.basic_api.get_by_id("elodie@home.fr", id_property="email")
    assert one.id == str(JANE)


def test_a_missing_contact_is_its_not_found(hubspot: HubSpot) -> None:
    with pytest.raises(contacts.exceptions.NotFoundException) as caught:
        hubspot.crm.contacts.basic_api.get_by_id("999")
    assert caught.value.status == 404


def test_a_wrong_token_is_its_unauthorized(portal: sandbox.Portal) -> None:
    stranger = HubSpot(access_token="pat-na1-other", host=portal.url, base_url=portal.url)
    with pytest.raises(contacts.exceptions.UnauthorizedException):
        stranger.crm.contacts.basic_api.get_page()


def test_it_creates_and_patches(hubspot: HubSpot) -> None:
    api = hubspot.crm.contacts.basic_api
    made = api.create(
        contacts.SimplePublicObjectInputForCreate(properties={"email": "New@X.fr"}, associations=[])
    )
    assert made.properties["email"] == "new@x.fr"
    assert made.properties["lifecyclestage"] == "lead"
    changed = api.update(made.id, contacts.SimplePublicObjectInput(properties={"jobtitle": "Géomètre"}))
    assert changed.properties["jobtitle"] == "Géomètre"
    api.archive(made.id)
    with pytest.raises(contacts.exceptions.NotFoundException):
        api.get_by_id(made.id)
    assert [one.id for one in api.get_page(archived=True).results] == [made.id]


def test_a_batch_read_with_a_missing_id_is_its_207_type(hubspot: HubSpot) -> None:
    wanted = contacts.BatchReadInputSimplePublicObjectId(
        inputs=[contacts.SimplePublicObjectId(id=str(JANE)), contacts.SimplePublicObjectId(id="999")],
        properties=["email"],
        properties_with_history=[],
    )
    answer = hubspot.crm.contacts.batch_api.read(wanted)
    assert isinstance(answer, contacts.BatchResponseSimplePublicObjectWithErrors)
    assert [one.id for one in answer.results] == [str(JANE)]
    assert answer.num_errors == 1 and answer.errors[0].context == {"ids": ["999"]}


def test_a_batch_update_writes_the_good_and_lists_the_bad(hubspot: HubSpot) -> None:
    batch = contacts.BatchInputSimplePublicObjectBatchInput(
        inputs=[
            contacts.SimplePublicObjectBatchInput(
                id=str(JANE), properties={"jobtitle": "CEO"}, object_write_trace_id="good"
            ),
            contacts.SimplePublicObjectBatchInput(
                id=str(BOB), properties={"missing": "1"}, object_write_trace_id="bad"
            ),
        ]
    )
    answer = hubspot.crm.contacts.batch_api.update(batch)
    assert isinstance(answer, contacts.BatchResponseSimplePublicObjectWithErrors)
    assert [one.object_write_trace_id for one in answer.results] == ["good"]
    assert [error.context["objectWriteTraceId"] for error in answer.errors] == [["bad"]]


def test_it_searches(hubspot: HubSpot) -> None:
    wanted = contacts.PublicObjectSearchRequest(
        filter_groups=[
            {
                "filters": [
                    {"propertyName": "lastmodifieddate", "operator": "GTE", "value": str(NOW - 2 * DAY)}
                ]
            }
        ],
        sorts=[{"propertyName": "lastmodifieddate", "direction": "DESCENDING"}],
        properties=["email"],
        limit=1,
        after="0",
    )
    page = hubspot.crm.contacts.search_api.do_search(wanted)
    assert (page.total, [one.id for one in page.results], page.paging.next.after) == (2, [str(ZOE)], "1")


def test_it_reads_and_makes_associations(hubspot: HubSpot) -> None:
    wanted = v4.BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": str(JANE)}, {"id": str(ZOE)}])
    answer = hubspot.crm.associations.v4.batch_api.get_page("contacts", "companies", wanted)
    assert isinstance(answer, v4.BatchResponsePublicAssociationMultiWithLabelWithErrors)
    (found,) = answer.results
    assert [(kind.type_id, kind.label) for kind in found.to[0].association_types] == [
        (1, "Primary"),
        (279, None),
    ]
    assert answer.errors[0].sub_category == "crm.associations.NO_ASSOCIATIONS_FOUND"
    hubspot.crm.associations.v4.basic_api.create_default("contacts", str(ZOE), "companies", str(ACME))
    page = hubspot.crm.associations.v4.basic_api.get_page("contacts", str(ZOE), "companies")
    assert [str(one.to_object_id) for one in page.results] == [str(ACME)]


def test_a_task_with_its_contact(hubspot: HubSpot) -> None:
    link = {
        "to": {"id": str(BOB)},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}],
    }
    task = {
        "hs_timestamp": "2026-11-20T09:00:00Z",
        "hs_task_subject": "Appeler",
        "hs_task_status": "NOT_STARTED",
    }
    made = hubspot.crm.objects.tasks.basic_api.create(
        objects.tasks.SimplePublicObjectInputForCreate(properties=task, associations=[link])
    )
    page = hubspot.crm.associations.v4.basic_api.get_page("contacts", str(BOB), "tasks")
    assert [str(one.to_object_id) for one in page.results] == [made.id]


def test_it_makes_a_group_and_properties_once(hubspot: HubSpot) -> None:
    api = hubspot.crm.properties
    api.groups_api.create("contacts", properties.PropertyGroupCreate(name="lq", label="Qualification"))
    wanted = properties.PropertyCreate(
        name="lq_score", label="Score", type="number", field_type="number", group_name="lq"
    )
    assert api.core_api.create("contacts", wanted).name == "lq_score"
    with pytest.raises(properties.exceptions.ApiException) as caught:
        api.core_api.create("contacts", wanted)
    assert caught.value.status == 409
    assert api.core_api.get_by_name("contacts", "lq_score").type == "number"
    api.core_api.archive("contacts", "lq_score")
    assert api.core_api.create("contacts", wanted).archived is False
    assert "lq" in [group.name for group in api.groups_api.get_all("contacts").results]


def test_its_definitions_say_what_is_read_only(hubspot: HubSpot) -> None:
    found = {one.name: one for one in hubspot.crm.properties.core_api.get_all("contacts").results}
    assert found["hubspotscore"].modification_metadata.read_only_value is True
    assert found["num_conversion_events"].calculated is True
    assert found["jobtitle"].modification_metadata.read_only_value is False
    assert [option.value for option in found["lifecyclestage"].options][:2] == ["subscriber", "lead"]


def test_it_reads_owners_and_pipelines(hubspot: HubSpot) -> None:
    (owner,) = hubspot.crm.owners.owners_api.get_page().results
    assert (owner.id, owner.email) == (str(OWNER), "sales@acme.fr")
    (pipeline,) = hubspot.crm.pipelines.pipelines_api.get_all("deals").results
    assert [stage.metadata["probability"] for stage in pipeline.stages][-2:] == ["1.0", "0.0"]


def test_it_reads_deals(hubspot: HubSpot) -> None:
    (deal,) = hubspot.crm.deals.get_all(properties=["hs_deal_stage_probability", "hs_is_closed_won"])
    assert deal.id == str(DEAL)
    assert deal.properties["hs_deal_stage_probability"] == "0.9"


def test_it_reads_lists_and_their_members(hubspot: HubSpot) -> None:
    found = hubspot.crm.lists.lists_api.do_search(lists.ListSearchRequest(query="news"))
    assert [one.list_id for one in found.lists] == ["1"]
    members = hubspot.crm.lists.memberships_api.get_page_ordered_by_added_to_list_date("1")
    assert [one.record_id for one in members.results] == [str(BOB), str(JANE)]


def test_it_reads_forms_and_events(hubspot: HubSpot) -> None:
    (form,) = hubspot.marketing.forms.forms_api.get_page().results
    assert form.name == "Démo"
    events = hubspot.events.events_api.get_page(event_type="e_visited_page")
    assert [event.object_id for event in events.results] == [str(BOB), str(JANE)]


def test_it_merges(hubspot: HubSpot) -> None:
    merged = hubspot.crm.contacts.basic_api.merge(
        contacts.PublicMergeInput(primary_object_id=str(BOB), object_id_to_merge=str(JANE))
    )
    assert merged.id not in (str(BOB), str(JANE))
    assert hubspot.crm.contacts.basic_api.get_by_id(str(JANE)).id == merged.id
