"""Whatever a client gets wrong is answered, never with a failure of the sandbox's own."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_account import ACME, BOB, DEAL, JANE, NOW, small

from connector import sandbox
from connector.sandbox.desk import Request
from connector.sandbox.services import ROUTES
from connector.sandbox.wire import Route

PREFIXES = {
    "/crm/objects": "/crm/objects/2026-03",
    "/crm/properties": "/crm/properties/2026-03",
    "/crm/associations": "/crm/associations/2026-03",
    "/crm/owners": "/crm/owners/2026-03",
    "/crm/pipelines": "/crm/pipelines/2026-03",
    "/crm/lists": "/crm/lists/2026-03",
    "/events/event-occurrences": "/events/event-occurrences/2026-03",
    "/marketing/forms": "/marketing/v3/forms",
    "/account-info/details": "/account-info/2026-03/details",
    "/account-info/api-usage": "/account-info/2026-03/api-usage",
    "/email/events": "/email/public/v1/events",
    "/form-submissions": "/form-integrations/v1/submissions/forms",
}
WORDS = [str(JANE), str(BOB), str(ACME), str(DEAL), "9" * 30, "jane@acme.fr", "form-1", "é'\"%"]
WORDS += ["1", "0", "-1", "*", "email", "contacts", "lifecyclestage", "lead", "lastmodifieddate", "num_notes"]
WORDS += ["EQ", "IN", "BETWEEN", "CONTAINS_TOKEN", "HAS_PROPERTY", "associations.company", "MANUAL", "0-1"]
WORDS += ["string", "text", "enumeration", "contactinformation"]
KEYS = [
    "inputs",
    "id",
    "idProperty",
    "properties",
    "propertiesWithHistory",
    "objectWriteTraceId",
    "from",
    "to",
]
KEYS += [
    "filterGroups",
    "filters",
    "propertyName",
    "operator",
    "value",
    "values",
    "highValue",
    "sorts",
    "sort",
]
KEYS += ["limit", "after", "offset", "count", "query", "types", "associationTypeId", "associations", "name"]
KEYS += ["label", "type", "fieldType", "groupName", "options", "displayOrder", "hidden", "hasUniqueValue"]
KEYS += ["description", "archived", "objectId", "primaryObjectId", "objectIdToMerge", "listIds", "email"]
KEYS += ["processingTypes", "processingType", "objectTypeId", "recordIdsToAdd", "lifecyclestage"]
KINDS = st.sampled_from(["contacts", "companies", "deals", "0-1", "tasks", "tickets", "nonsense"])
WORD = st.one_of(st.sampled_from(WORDS), st.text(max_size=8))
SCALAR = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(allow_nan=False), WORD)
JSON = st.recursive(
    SCALAR,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=12,
)
BODY = st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4)


@pytest.fixture(scope="module")
def desk() -> Iterator[sandbox.Desk]:
    account = sandbox.Account(now=NOW, driven=True)
    sandbox.load(account, small())
    account.settings.turn(burst_limit=0, search_limit=0, associations_limit=0, daily_limit=0)
    yield sandbox.Desk(account)
    account.close()


def _request(draw: st.DataObject, route: Route, token: str) -> Request:
    path = route.path
    for prefix, dated in PREFIXES.items():
        if path.startswith(prefix):
            path = dated + path.removeprefix(prefix)
            break
    while "{" in path:
        name = path[path.index("{") : path.index("}") + 1]
        choice = KINDS if name in ("{kind}", "{from}", "{to}") else st.sampled_from(WORDS)
        path = path.replace(name, draw.draw(choice), 1)
    names = sorted(route.query)
    given_query = draw.draw(st.dictionaries(st.sampled_from(names), WORD, max_size=3)) if names else {}
    query = urlencode(given_query)
    raw = orjson.dumps(draw.draw(st.one_of(BODY, JSON)), option=orjson.OPT_NON_STR_KEYS)
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    return Request(route.method, path, query, headers, raw)


@settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_request_breaks_it(desk: sandbox.Desk, data: st.DataObject) -> None:
    route = data.draw(st.sampled_from(ROUTES))
    request = _request(data, route, desk.account.token)
    answer = desk.answer(request)
    assert b"The sandbox itself failed" not in answer.raw, answer.raw
    assert not desk.account.db.con.in_transaction
