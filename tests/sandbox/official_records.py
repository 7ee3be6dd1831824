"""A walk with the vendor's own client (hubspot-api-client 12) over the endpoints for records.

A step is a function of the client; it asserts that results, errors and 207s arrive as the client's own types.
Steps make what they change themselves, so that they can follow each other on one account.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hubspot import HubSpot
from hubspot.crm import contacts, properties
from small_account import JANE

Step = Callable[[HubSpot], None]
WHEN = "2026-11-17T09:30:00.000Z"

# kind -> (where the client keeps it, HubSpot's own property group, what a new one is made with, a change)
KINDS: dict[str, tuple[str, str, dict[str, str], dict[str, str]]] = {
    "contacts": ("crm.contacts", "contactinformation", {"firstname": "Noé"}, {"jobtitle": "Géomètre"}),
    "companies": ("crm.companies", "companyinformation", {"name": "Été"}, {"city": "Nîmes"}),
    "deals": ("crm.deals", "dealinformation", {"dealname": "Un"}, {"dealstage": "qualifiedtobuy"}),
    "calls": ("crm.objects.calls", "call", {"hs_timestamp": WHEN}, {"hs_call_title": "Rappel"}),
    "emails": ("crm.objects.emails", "email", {"hs_timestamp": WHEN}, {"hs_email_subject": "Re"}),
    "meetings": ("crm.objects.meetings", "meeting", {"hs_timestamp": WHEN}, {"hs_meeting_title": "Démo"}),
    "notes": ("crm.objects.notes", "note", {"hs_timestamp": WHEN}, {"hs_note_body": "Vu"}),
    "tasks": ("crm.objects.tasks", "task", {"hs_timestamp": WHEN}, {"hs_task_subject": "Appeler"}),
    "communications": (
        "crm.objects.communications",
        "communication",
        {"hs_timestamp": WHEN},
        {"hs_communication_body": "Oui"},
    ),
}


class Records:
    """The endpoints of one kind, however the client shapes them: by kind, or with the kind as a word."""

    def __init__(self, hubspot: HubSpot, kind: str, *, generic: bool = False) -> None:
        place, self.group, self.new, self.change = KINDS[kind]
        self.kind, self.hubspot = kind, hubspot
        self.models: Any = importlib.import_module("hubspot.crm.objects" if generic else f"hubspot.{place}")
        api: Any = hubspot
        for part in ("crm.objects" if generic else place).split("."):
            api = getattr(api, part)
        self.basic, self.batch, self.search = api.basic_api, api.batch_api, api.search_api
        self.word = [kind] if generic else []

    def create(self, **values: str) -> Any:
        wanted = self.models.SimplePublicObjectInputForCreate(
            properties={**self.new, **values}, associations=[]
        )
        return self.basic.create(*self.word, simple_public_object_input_for_create=wanted)

    def get(self, id: str, **options: Any) -> Any:
        return self.basic.get_by_id(*self.word, id, **options)

    def update(self, id: str, values: dict[str, str], **options: Any) -> Any:
        change = self.models.SimplePublicObjectInput(properties=values)
        return self.basic.update(*self.word, id, simple_public_object_input=change, **options)

    def page(self, **options: Any) -> Any:
        return self.basic.get_page(*self.word, **options)

    def archive(self, id: str) -> None:
        self.basic.archive(*self.word, id)


def basic(hubspot: HubSpot, kind: str, *, generic: bool = False) -> None:
    """Create, read, change, list, archive one by one."""
    records = Records(hubspot, kind, generic=generic)
    models, change = records.models, records.change
    made = records.create(**change)
    assert isinstance(made, models.SimplePublicObject)
    name, value = next(iter(change.items()))
    one = records.get(made.id, properties=[name], properties_with_history=[name], associations=["contacts"])
    assert isinstance(one, models.SimplePublicObjectWithAssociations)
    assert one.properties[name] == value and one.created_at == made.created_at
    version = one.properties_with_history[name][0]
    assert isinstance(version, models.ValueWithTimestamp) and version.source_type == "INTEGRATION"

    changed = records.update(made.id, records.change)
    assert isinstance(changed, models.SimplePublicObject) and changed.properties[name] == value
    first = records.page(limit=1, properties=[name])
    assert isinstance(first, models.CollectionResponseSimplePublicObjectWithAssociationsForwardPaging)
    records.create()
    second = records.page(limit=100, after=records.page(limit=1).paging.next.after)
    assert {one.id for one in first.results}.isdisjoint(one.id for one in second.results)

    records.archive(made.id)
    with pytest.raises(models.exceptions.NotFoundException) as caught:
        records.get(made.id)
    assert caught.value.status == 404 and "resource not found" in caught.value.body
    assert made.id in [one.id for one in records.page(archived=True, limit=100).results]
    with pytest.raises(models.exceptions.ApiException) as refused:
        records.update(second.results[-1].id, {"no_such_property": "1"})
    assert refused.value.status == 400


def batches(hubspot: HubSpot, kind: str, *, generic: bool = False) -> None:
    """Create, read, change, upsert, archive many: the whole, and the 207 of each."""
    records = Records(hubspot, kind, generic=generic)
    models, word, api = records.models, records.word, records.batch
    whole, part = models.BatchResponseSimplePublicObject, models.BatchResponseSimplePublicObjectWithErrors
    name, value = next(iter(records.change.items()))

    def new(trace: str, **more: str) -> Any:
        values = {**records.new, **more}
        return models.SimplePublicObjectBatchInputForCreate(
            properties=values, associations=[], object_write_trace_id=trace
        )

    def creating(*inputs: Any) -> Any:
        batch = models.BatchInputSimplePublicObjectBatchInputForCreate(inputs=list(inputs))
        return api.create(*word, batch_input_simple_public_object_batch_input_for_create=batch)

    made = creating(new("a"), new("b"))
    assert isinstance(made, whole) and {one.object_write_trace_id for one in made.results} == {"a", "b"}
    partly = creating(new("a"), new("b", no_such_property="1"))
    assert isinstance(partly, part) and partly.num_errors == 1
    assert isinstance(partly.errors[0], models.StandardError)
    assert partly.errors[0].context == {"objectWriteTraceId": ["b"]}
    ids = [one.id for one in made.results]

    def reading(*wanted: str) -> Any:
        inputs = [models.SimplePublicObjectId(id=id) for id in wanted]
        batch = models.BatchReadInputSimplePublicObjectId(
            inputs=inputs, properties=[name], properties_with_history=[]
        )
        return api.read(*word, batch_read_input_simple_public_object_id=batch)

    assert isinstance(reading(*ids), whole)
    missing = reading(*ids, "999")
    assert isinstance(missing, part) and missing.errors[0].context == {"ids": ["999"]}
    assert {one.id for one in missing.results} == set(ids)

    def updating(*inputs: tuple[str, dict[str, str]]) -> Any:
        made_of = [
            models.SimplePublicObjectBatchInput(id=id, properties=values, object_write_trace_id=id)
            for id, values in inputs
        ]
        batch = models.BatchInputSimplePublicObjectBatchInput(inputs=made_of)
        return api.update(*word, batch_input_simple_public_object_batch_input=batch)

    assert isinstance(updating((ids[0], records.change), (ids[1], records.change)), whole)
    partly = updating((ids[0], records.change), (ids[1], {"no_such_property": "1"}))
    assert isinstance(partly, part) and partly.errors[0].context["objectWriteTraceId"] == [ids[1]]
    assert {one.properties[name] for one in reading(*ids).results} == {value}
    with pytest.raises(models.exceptions.ApiException) as twice:
        updating((ids[0], records.change), (ids[0], records.change))
    assert twice.value.status == 400 and "Duplicate IDs" in twice.value.body

    _upserts(records)
    gone = models.BatchInputSimplePublicObjectId(inputs=[models.SimplePublicObjectId(id=id) for id in ids])
    assert api.archive(*word, batch_input_simple_public_object_id=gone) is None
    assert {one.id for one in reading(*ids).results or []} == set()


def _upserts(records: Records) -> None:
    """By a property with values of its own, which is made first."""
    hubspot, models, kind = records.hubspot, records.models, records.kind
    key = properties.PropertyCreate(
        name="erp_key",
        label="Clé",
        type="string",
        field_type="text",
        group_name=records.group,
        has_unique_value=True,
    )
    try:
        hubspot.crm.properties.core_api.create(kind, key)
    except properties.exceptions.ApiException as there:
        assert there.status == 409

    def upserting(*inputs: tuple[str, dict[str, str]]) -> Any:
        made_of = [
            models.SimplePublicObjectBatchInputUpsert(
                id=id, id_property="erp_key", properties=values, object_write_trace_id=id
            )
            for id, values in inputs
        ]
        batch = models.BatchInputSimplePublicObjectBatchInputUpsert(inputs=made_of)
        return records.batch.upsert(*records.word, batch_input_simple_public_object_batch_input_upsert=batch)

    made = upserting(("E1", records.new), ("E2", records.new))
    assert isinstance(made, models.BatchResponseSimplePublicUpsertObject)
    assert isinstance(made.results[0], models.SimplePublicUpsertObject)
    again = upserting(("E1", records.change), ("E3", {**records.new, "no_such_property": "1"}))
    assert isinstance(again, models.BatchResponseSimplePublicUpsertObjectWithErrors)
    assert [one.new for one in again.results] == [False] and again.num_errors == 1
    for one in made.results:
        records.archive(one.id)


def searching(hubspot: HubSpot, kind: str, *, generic: bool = False) -> None:
    records = Records(hubspot, kind, generic=generic)
    models = records.models
    ids = [records.create().id for _ in range(3)]
    wanted = models.PublicObjectSearchRequest(
        filter_groups=[
            models.FilterGroup(
                filters=[models.Filter(property_name="hs_object_id", operator="IN", values=ids)]
            )
        ],
        sorts=[{"propertyName": "hs_object_id", "direction": "DESCENDING"}],
        properties=["hs_object_id"],
        limit=2,
        after="0",
    )
    page = records.search.do_search(*records.word, public_object_search_request=wanted)
    assert isinstance(page, models.CollectionResponseWithTotalSimplePublicObjectForwardPaging)
    assert (page.total, [one.id for one in page.results]) == (3, sorted(ids, reverse=True)[:2])
    wanted.after = page.paging.next.after
    rest = records.search.do_search(*records.word, public_object_search_request=wanted)
    assert [one.id for one in rest.results] == [min(ids)] and rest.paging is None
    wanted.after = "10000"
    with pytest.raises(models.exceptions.ApiException) as caught:
        records.search.do_search(*records.word, public_object_search_request=wanted)
    assert caught.value.status == 400


def merging(hubspot: HubSpot, kind: str) -> None:
    records = Records(hubspot, kind)
    first, second = records.create(), records.create()
    wanted = records.models.PublicMergeInput(primary_object_id=first.id, object_id_to_merge=second.id)
    merged = records.basic.merge(wanted)
    assert isinstance(merged, records.models.SimplePublicObject)
    assert {records.get(id).id for id in (first.id, second.id)} == {merged.id}


def every_contact(hubspot: HubSpot) -> None:
    """The client's own paging, a hundred at a time."""
    records = Records(hubspot, "contacts")
    ids = {records.create().id for _ in range(101)}
    found = hubspot.crm.contacts.get_all(properties=["email"])
    assert ids <= {one.id for one in found} and len(found) == len({one.id for one in found})
    for id in ids:
        records.archive(id)


def purging(hubspot: HubSpot) -> None:
    """gdpr-delete, by id and by address."""
    records = Records(hubspot, "contacts")
    first, second = records.create(), records.create(email="purge@x.fr")
    api = hubspot.crm.contacts.basic_api
    assert api.purge(contacts.PublicGdprDeleteInput(object_id=first.id)) is None
    api.purge(contacts.PublicGdprDeleteInput(object_id="purge@x.fr", id_property="email"))
    for id in (first.id, second.id):
        with pytest.raises(contacts.exceptions.NotFoundException):
            api.get_by_id(id, archived=True)


def by_address(hubspot: HubSpot) -> None:
    one = hubspot.crm.contacts.basic_api.get_by_id("elodie@home.fr", id_property="email")
    assert one.id == str(JANE)
    made = Records(hubspot, "contacts").create(email="Twice@x.fr")
    with pytest.raises(contacts.exceptions.ApiException) as caught:
        Records(hubspot, "contacts").create(email="twice@x.fr")
    assert caught.value.status == 409 and made.id in caught.value.body


RECORD_STEPS: dict[str, Step] = {
    **{f"{kind} one by one": partial(basic, kind=kind) for kind in KINDS},
    **{f"{kind} in batches": partial(batches, kind=kind) for kind in KINDS},
    **{f"{kind} by search": partial(searching, kind=kind) for kind in KINDS},
    **{f"{kind} merged": partial(merging, kind=kind) for kind in ("contacts", "companies", "deals")},
    "objects one by one": partial(basic, kind="notes", generic=True),
    "objects in batches": partial(batches, kind="companies", generic=True),
    "objects by search": partial(searching, kind="contacts", generic=True),
    "every contact": every_contact,
    "contacts purged": purging,
    "contacts by address": by_address,
}
