"""A walk with the vendor's own client over everything but records (`official_records`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hubspot import HubSpot
from hubspot.crm import contacts, lists, owners, pipelines, properties, schemas
from hubspot.crm.associations import v4
from hubspot.crm.associations.v4 import schema
from hubspot.events import (
    CollectionResponseExternalUnifiedEvent,
    ExternalUnifiedEvent,
    VisibleExternalEventTypeNames,
)
from hubspot.marketing import events, forms
from small_account import ACME, BOB, JANE, OWNER, WEBINAR

Step = Callable[[HubSpot], None]


def _contact(hubspot: HubSpot) -> str:
    wanted = contacts.SimplePublicObjectInputForCreate(properties={"firstname": "Noé"}, associations=[])
    return str(hubspot.crm.contacts.basic_api.create(wanted).id)


def _wanted(name: str, **more: Any) -> Any:
    given = {"label": name, "type": "number", "field_type": "number", "group_name": "contactinformation"}
    return properties.PropertyCreate(name=name, **{**given, **more})


def property_definitions(hubspot: HubSpot) -> None:
    api = hubspot.crm.properties.core_api
    made = api.create("contacts", _wanted("walk_score"))
    assert isinstance(made, properties.ModelProperty) and made.modification_metadata.archivable is True
    with pytest.raises(properties.exceptions.ApiException) as twice:
        api.create("contacts", _wanted("walk_score"))
    assert twice.value.status == 409 and "PROPERTY_WITH_NAME_EXISTS" in twice.value.body
    changed = api.update("contacts", "walk_score", properties.PropertyUpdate(label="Note"))
    assert (changed.label, api.get_by_name("contacts", "walk_score").label) == ("Note", "Note")
    every = api.get_all("contacts")
    assert isinstance(every, properties.CollectionResponsePropertyNoPaging)
    shown = {one.name: one for one in every.results}
    assert shown["hubspotscore"].modification_metadata.read_only_value is True
    assert shown["num_conversion_events"].calculated is True
    assert [option.value for option in shown["lifecyclestage"].options][:2] == ["subscriber", "lead"]
    assert "walk_score" in shown
    api.archive("contacts", "walk_score")
    with pytest.raises(properties.exceptions.NotFoundException):
        api.get_by_name("contacts", "walk_score")
    archived = api.get_all("contacts", archived=True).results
    assert "walk_score" in [one.name for one in archived]


def property_batches(hubspot: HubSpot) -> None:
    api = hubspot.crm.properties.batch_api
    batch = properties.BatchInputPropertyCreate
    made = api.create("contacts", batch(inputs=[_wanted("walk_a"), _wanted("walk_b")]))
    assert isinstance(made, properties.BatchResponseProperty)
    partly = api.create("contacts", batch(inputs=[_wanted("walk_a"), _wanted("walk_c")]))
    assert isinstance(partly, properties.BatchResponsePropertyWithErrors)
    assert partly.errors[0].category == "OBJECT_ALREADY_EXISTS"
    names = [properties.PropertyName(name=name) for name in ("walk_a", "walk_b", "walk_z")]
    wanted = properties.BatchReadInputPropertyName(archived=False, inputs=names[:2])
    found = api.read("contacts", wanted)
    assert isinstance(found, properties.BatchResponseProperty)
    wanted = properties.BatchReadInputPropertyName(archived=False, inputs=names)
    partly = api.read("contacts", wanted)
    assert isinstance(partly, properties.BatchResponsePropertyWithErrors) and partly.num_errors == 1
    assert api.archive("contacts", properties.BatchInputPropertyName(inputs=names)) is None


def property_groups(hubspot: HubSpot) -> None:
    api = hubspot.crm.properties.groups_api
    made = api.create("contacts", properties.PropertyGroupCreate(name="walk", label="Pas", display_order=2))
    assert isinstance(made, properties.PropertyGroup)
    changed = api.update("contacts", "walk", properties.PropertyGroupUpdate(label="Marche"))
    assert (changed.label, changed.display_order) == ("Marche", 2)
    assert api.get_by_name("contacts", "walk").label == "Marche"
    every = api.get_all("contacts")
    assert isinstance(every, properties.CollectionResponsePropertyGroupNoPaging)
    assert "walk" in [group.name for group in every.results]
    api.archive("contacts", "walk")
    with pytest.raises(properties.exceptions.NotFoundException):
        api.get_by_name("contacts", "walk")


def associations_one_by_one(hubspot: HubSpot) -> None:
    api, id = hubspot.crm.associations.v4.basic_api, _contact(hubspot)
    plain = api.create_default("contacts", id, "companies", str(ACME))
    assert isinstance(plain, v4.BatchResponsePublicDefaultAssociation)
    assert plain.results[0].association_spec.association_type_id == 279
    primary = v4.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=1)
    joined = api.create("contacts", id, "companies", str(ACME), [primary])
    assert isinstance(joined, v4.LabelsBetweenObjectPair) and joined.labels == ["Primary"]
    page = api.get_page("contacts", id, "companies", limit=500)
    assert isinstance(page, v4.CollectionResponseMultiAssociatedObjectWithLabelForwardPaging)
    types = [(kind.type_id, kind.label) for kind in page.results[0].association_types]
    assert types == [(1, "Primary"), (279, None)] and str(page.results[0].to_object_id) == str(ACME)
    api.archive("contacts", id, "companies", str(ACME))
    assert api.get_page("contacts", id, "companies").results == []
    with pytest.raises(v4.exceptions.NotFoundException) as caught:
        api.create_default("contacts", id, "companies", "12")
    assert "TO_OBJECT_NOT_FOUND" in caught.value.body


def associations_in_batches(hubspot: HubSpot) -> None:
    api, id = hubspot.crm.associations.v4.batch_api, _contact(hubspot)
    pair = ("contacts", "companies")
    here, there = v4.PublicObjectId(id=id), v4.PublicObjectId(id=str(ACME))
    plain = v4.PublicDefaultAssociationMultiPost(_from=here, to=there)
    made = api.create_default(*pair, v4.BatchInputPublicDefaultAssociationMultiPost(inputs=[plain]))
    assert isinstance(made, v4.BatchResponsePublicDefaultAssociation)

    primary = [v4.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=1)]
    one = v4.PublicAssociationMultiPost(_from=here, to=there, types=primary)
    lost = v4.PublicAssociationMultiPost(_from=here, to=v4.PublicObjectId(id="12"), types=primary)
    made = api.create(*pair, v4.BatchInputPublicAssociationMultiPost(inputs=[one]))
    assert isinstance(made, v4.BatchResponseLabelsBetweenObjectPair)
    partly = api.create(*pair, v4.BatchInputPublicAssociationMultiPost(inputs=[one, lost]))
    assert isinstance(partly, v4.BatchResponseLabelsBetweenObjectPairWithErrors)
    assert partly.errors[0].sub_category == "crm.associations.TO_OBJECT_NOT_FOUND"

    def reading(*ids: str) -> Any:
        inputs = [v4.PublicFetchAssociationsBatchRequest(id=id) for id in ids]
        return api.get_page(*pair, v4.BatchInputPublicFetchAssociationsBatchRequest(inputs=inputs))

    found = reading(id)
    assert isinstance(found, v4.BatchResponsePublicAssociationMultiWithLabel)
    assert [kind.type_id for kind in found.results[0].to[0].association_types] == [1, 279]
    partly = reading(id, "12")
    assert isinstance(partly, v4.BatchResponsePublicAssociationMultiWithLabelWithErrors)
    assert partly.errors[0].sub_category == "crm.associations.NO_ASSOCIATIONS_FOUND"

    assert api.archive_labels(*pair, v4.BatchInputPublicAssociationMultiPost(inputs=[one])) is None
    assert [kind.type_id for kind in reading(id).results[0].to[0].association_types] == [279]
    gone = v4.PublicAssociationMultiArchive(_from=here, to=[there])
    assert api.archive(*pair, v4.BatchInputPublicAssociationMultiArchive(inputs=[gone])) is None
    assert reading(id).results == []


def association_labels(hubspot: HubSpot) -> None:
    api, pair = hubspot.crm.associations.v4.schema.definitions_api, ("contacts", "companies")
    wanted = schema.PublicAssociationDefinitionCreateRequest(
        name="walker", label="Marcheur", inverse_label="Suivi par"
    )
    made = api.create(*pair, wanted)
    assert isinstance(made, schema.CollectionResponseAssociationSpecWithLabelNoPaging)
    own = made.results[0]
    assert (own.label, own.category) == ("Marcheur", "USER_DEFINED")
    change = schema.PublicAssociationDefinitionUpdateRequest(association_type_id=own.type_id, label="Coureur")
    assert api.update(*pair, change) is None
    assert "Coureur" in [one.label for one in api.get_all(*pair).results]
    assert api.remove(*pair, own.type_id) is None
    assert "Coureur" not in [one.label for one in api.get_all(*pair).results]
    with pytest.raises(schema.exceptions.NotFoundException):
        api.remove(*pair, own.type_id)


def every_owner(hubspot: HubSpot) -> None:
    api = hubspot.crm.owners.owners_api
    page = api.get_page(limit=1, email="sales@acme.fr", archived=False)
    assert isinstance(page, owners.CollectionResponsePublicOwnerForwardPaging)
    assert [(one.id, one.email) for one in page.results] == [(str(OWNER), "sales@acme.fr")]
    assert page.results[0].id in [one.id for one in hubspot.crm.owners.get_all()]
    one = api.get_by_id(OWNER, id_property="id", archived=False)
    assert isinstance(one, owners.PublicOwner) and one.first_name == "Ana"
    with pytest.raises(owners.exceptions.NotFoundException):
        api.get_by_id(1)


def every_pipeline(hubspot: HubSpot) -> None:
    found = hubspot.crm.pipelines
    every = found.pipelines_api.get_all("deals")
    assert isinstance(every, pipelines.CollectionResponsePipelineNoPaging)
    one = found.pipelines_api.get_by_id("deals", "default")
    assert isinstance(one, pipelines.Pipeline) and one == every.results[0]
    assert [stage.metadata["probability"] for stage in one.stages][-2:] == ["1.0", "0.0"]
    stages = found.pipeline_stages_api.get_all("deals", "default")
    assert isinstance(stages, pipelines.CollectionResponsePipelineStageNoPaging)
    stage = found.pipeline_stages_api.get_by_id("deals", "default", "closedwon")
    assert isinstance(stage, pipelines.PipelineStage) and stage == stages.results[5]
    audit = found.pipeline_audits_api.get_audit("deals", "default")
    assert isinstance(audit, pipelines.CollectionResponsePublicAuditInfoNoPaging)
    with pytest.raises(pipelines.exceptions.NotFoundException):
        found.pipelines_api.get_by_id("deals", "other")
    with pytest.raises(pipelines.exceptions.NotFoundException):
        # The client forgets to put the pipeline into the path of a stage's audit.
        found.pipeline_stage_audits_api.get_audit("deals", "closedwon")


def every_list(hubspot: HubSpot) -> None:
    api = hubspot.crm.lists.lists_api
    wanted = lists.ListCreateRequest(name="Marche", object_type_id="0-1", processing_type="MANUAL")
    made = api.create(wanted)
    assert isinstance(made, lists.ListCreateResponse)
    id = made.list.list_id
    with pytest.raises(lists.exceptions.ApiException) as twice:
        api.create(wanted)
    assert twice.value.status == 400 and "ILS.DUPLICATE_LIST_NAMES" in twice.value.body
    renamed = api.update_name(id, list_name="Course", include_filters=False)
    assert isinstance(renamed, lists.ListUpdateResponse) and renamed.updated_list.name == "Course"
    one = api.get_by_id(id, include_filters=True)
    assert isinstance(one, lists.ListFetchResponse) and one.list.size == 0
    assert api.get_by_name("Course", "0-1").list.list_id == id
    several = api.get_all(list_ids=[id, "1"])
    assert isinstance(several, lists.ListsByIdResponse)
    assert {one.list_id for one in several.lists} == {"1", id}
    found = api.do_search(lists.ListSearchRequest(query="cours", count=1, additional_properties=[]))
    assert isinstance(found, lists.ListSearchResponse)
    assert found.lists[0].additional_properties["hs_list_size"] == "0"
    assert api.remove(id) is None
    with pytest.raises(lists.exceptions.NotFoundException):
        api.get_by_id(id)
    assert api.restore(id) is None
    assert api.get_by_id(id).list.name == "Course"
    api.remove(id)


def memberships(hubspot: HubSpot) -> None:
    wanted = lists.ListCreateRequest(name="Pas", object_type_id="0-1", processing_type="MANUAL")
    id = hubspot.crm.lists.lists_api.create(wanted).list.list_id
    api = hubspot.crm.lists.memberships_api
    added = api.add(id, [str(BOB), str(JANE), "12"])
    assert isinstance(added, lists.MembershipsUpdateResponse)
    assert (set(added.records_ids_added), added.record_ids_missing) == ({str(BOB), str(JANE)}, ["12"])
    change = lists.MembershipChangeRequest(record_ids_to_add=[], record_ids_to_remove=[str(BOB)])
    assert api.add_and_remove(id, change).record_ids_removed == [str(BOB)]
    page = api.get_page(id, limit=10)
    assert isinstance(page, lists.ApiCollectionResponseJoinTimeAndRecordId)
    assert [one.record_id for one in page.results] == [str(JANE)]
    assert api.get_page_ordered_by_added_to_list_date(id, limit=10).total == 1
    of = api.get_lists("0-1", str(JANE))
    assert isinstance(of, lists.ApiCollectionResponseRecordListMembershipNoPaging)
    assert id in [one.list_id for one in of.results]
    assert api.remove(id, [str(JANE)]).record_ids_removed == [str(JANE)]
    assert api.add_all_from_list(id, "1") is None
    assert api.get_page(id).total == 2
    assert api.remove_all(id) is None
    assert api.get_page(id).total == 0
    with pytest.raises(lists.exceptions.ApiException) as caught:
        api.add("2", [str(BOB)])
    assert caught.value.status == 400


def every_form(hubspot: HubSpot) -> None:
    api = hubspot.marketing.forms.forms_api
    page = api.get_page(limit=10, form_types=["all"], archived=False)
    assert isinstance(page, forms.CollectionResponseFormDefinitionBaseForwardPaging)
    assert [(one.id, one.name) for one in page.results] == [("form-1", "Démo")]
    assert api.get_by_id("form-1").name == "Démo"
    with pytest.raises(forms.exceptions.NotFoundException):
        api.get_by_id("other")


def web_events(hubspot: HubSpot) -> None:
    api = hubspot.events.events_api
    page = api.get_page(event_type="e_visited_page", limit=1, sort=["-occurredAt"])
    assert isinstance(page, CollectionResponseExternalUnifiedEvent)
    assert isinstance(page.results[0], ExternalUnifiedEvent)
    rest = api.get_page(event_type="e_visited_page", after=page.paging.next.after)
    assert [one.object_id for one in (*page.results, *rest.results)] == [str(BOB), str(JANE)]
    of = api.get_page(object_type="contact", object_id=JANE, occurred_after=page.results[0].occurred_at)
    assert of.results == []
    types = api.get_types()
    assert isinstance(types, VisibleExternalEventTypeNames) and "e_visited_page" in types.event_types


def marketing_events(hubspot: HubSpot) -> None:
    api = hubspot.marketing.events.basic_api
    page = api.get_all(limit=10)
    assert isinstance(page, events.CollectionResponseMarketingEventPublicReadResponseV2ForwardPaging)
    (one,) = page.results
    assert (one.object_id, one.event_name, one.attendees) == (str(WEBINAR), "Webinaire RGPD", 1)
    assert api.get_by_object_id(str(WEBINAR)).registrants == 2
    states = hubspot.marketing.events.retrieve_participant_state_api
    counted = states.get_participations_counters_by_marketing_event_id(WEBINAR)
    assert (counted.attended, counted.registered, counted.no_shows) == (1, 1, 0)
    of = states.get_participations_breakdown_by_marketing_event_id(WEBINAR, limit=10)
    assert isinstance(of, events.CollectionResponseWithTotalParticipationBreakdownForwardPaging)
    shown = {row.associations.contact.contact_id: row.properties.attendance_state for row in of.results}
    assert shown == {str(JANE): "ATTENDED", str(BOB): "REGISTERED"}
    hers = states.get_participations_breakdown_by_contact_id("elodie@home.fr", state="ATTENDED")
    assert [row.associations.marketing_event.name for row in hers.results] == ["Webinaire RGPD"]


def custom_objects(hubspot: HubSpot) -> None:
    found = hubspot.crm.schemas.core_api.get_all(archived=False)
    assert isinstance(found, schemas.CollectionResponseObjectSchemaNoPaging) and found.results == []


SERVICE_STEPS: dict[str, Step] = {
    "property definitions": property_definitions,
    "properties in batches": property_batches,
    "property groups": property_groups,
    "associations one by one": associations_one_by_one,
    "associations in batches": associations_in_batches,
    "association labels": association_labels,
    "owners": every_owner,
    "pipelines": every_pipeline,
    "lists": every_list,
    "memberships": memberships,
    "forms": every_form,
    "web events": web_events,
    "marketing events": marketing_events,
    "custom objects": custom_objects,
}
