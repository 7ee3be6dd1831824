"""The words that odd requests are made of."""

from __future__ import annotations

from typing import Any

from small_account import NOW, OWNER

Json = Any

NAMES = [
    "email",
    "firstname",
    "jobtitle",
    "lifecyclestage",
    "color",
    "hs_lead_status",
    "hubspot_owner_id",
    "fax",
]
NAMES += [
    "own_key",
    "city",
    "amount",
    "dealname",
    "dealstage",
    "closedate",
    "name",
    "domain",
    "numberofemployees",
    "hs_timestamp",
]
NAMES += ["hs_note_body", "hs_task_status", "hs_object_id", "lastmodifieddate", "hs_additional_emails"]
VALUES = [
    "lead",
    "customer",
    "subscriber",
    "opportunity",
    "",
    "blue",
    "true",
    "12.5",
    str(NOW),
    "2026-11-01",
    "é'\"%",
]
VALUES += [
    "jane@acme.fr",
    "bob@acme.fr",
    "neu@x.fr",
    "elodie@home.fr",
    str(OWNER),
    "closedwon",
    "contractsent",
    "NEW",
]
WORDS = [
    *NAMES,
    *VALUES,
    "9" * 30,
    "9" * 5000,
    "-1",
    "--5",
    "1e309",
    "\x00",
    "*",
    "0-1",
    "string",
    "text",
    "number",
]
WORDS += [
    "٣",
    "²",
    "\ud7ff",
    "𝒳",
    "a" * 300,
    "null",
    "contactinformation",
    "enumeration",
    "select",
    "../..",
    "%",
]
MADE, GROUPS = ["made_1", "made_2", "own_key"], ["group_1", "group_2"]
OPERATORS = [
    "EQ",
    "NEQ",
    "LT",
    "LTE",
    "GT",
    "GTE",
    "BETWEEN",
    "IN",
    "NOT_IN",
    "HAS_PROPERTY",
    "NOT_HAS_PROPERTY",
]
OPERATORS += ["CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"]
JUNK: list[Json] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    2**63,
    2**70,
    1e308,
    "",
    "\x00",
    [],
    {},
    [[]],
    {"": ""},
    [None],
    "x",
]
KEYS = [
    "id",
    "inputs",
    "properties",
    "idProperty",
    "objectWriteTraceId",
    "associations",
    "from",
    "to",
    "types",
]
KEYS += [
    "limit",
    "after",
    "query",
    "filterGroups",
    "sorts",
    "name",
    "label",
    "type",
    "fieldType",
    "groupName",
]
KEYS += [
    "options",
    "objectId",
    "primaryObjectId",
    "objectIdToMerge",
    "processingType",
    "objectTypeId",
    "hidden",
]
KEYS += [
    "recordIdsToAdd",
    "recordIdsToRemove",
    "listIds",
    "offset",
    "count",
    "propertiesWithHistory",
    "archived",
]
KEYS += [
    "hasUniqueValue",
    "displayOrder",
    "inverseLabel",
    "recordId",
    "associationTypeId",
    "filters",
    "names",
]


COMMON = [
    "idProperty",
    "objectWriteTraceId",
    "associations",
    "filterGroups",
    "sorts",
    "propertiesWithHistory",
]
