"""The vendor's own client (hubspot-api-client 12), an independent witness, walks every endpoint it knows.

`official_records` and `official_services` are the walk, a step at a time. The last test holds the walk
against the sandbox's routes and the client's own list of endpoints, so that a new one cannot be forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import hubspot as vendor
import pytest
from hubspot import HubSpot
from hubspot.crm import contacts, pipelines
from official_records import RECORD_STEPS
from official_services import SERVICE_STEPS
from served_routes import SERVED, name, route_of, shape
from small_account import JANE

from connector import sandbox
from connector.sandbox import kinds, paths
from connector.sandbox.state import SCOPES

STEPS = {**RECORD_STEPS, **SERVICE_STEPS}

# Served, and the client has no method that gets there; why.
NO_METHOD = {
    "GET /account-info/details": "the client has no account-info",
    "GET /account-info/api-usage/daily/private-apps": "the client has no account-info",
    "GET /crm/limits/custom-properties": "newer than the client",
    "GET /crm/pipelines/{kind}/{id}/stages/{stage}/audit": "the client leaves the pipeline out of the path",
    "GET /email/events": "v1 only, which the client never had",
    "GET /form-submissions/{guid}": "v1 only, which the client never had",
    "GET /legacy/object-properties/{kind}/properties": "v2, which the client never had",
    "GET /legacy/properties/companies": "v2, which the client never had",
    "GET /legacy/properties/deals": "v1, which the client never had",
    "POST /crm/lists/records/memberships/batch/read": "newer than the client",
}


@pytest.fixture
def hubspot(portal: sandbox.Portal) -> HubSpot:
    portal.grant([*SCOPES, "crm.schemas.custom.read"])
    return HubSpot(access_token=portal.token, host=portal.url, base_url=portal.url)


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_results_and_errors_arrive_as_the_clients_types(step: object, hubspot: HubSpot) -> None:
    assert callable(step)
    step(hubspot)


def test_refusals_arrive_as_its_exceptions(portal: sandbox.Portal, hubspot: HubSpot) -> None:
    stranger = HubSpot(access_token="pat-na1-other", host=portal.url, base_url=portal.url)
    with pytest.raises(contacts.exceptions.UnauthorizedException):
        stranger.crm.contacts.basic_api.get_page()
    with pytest.raises(pipelines.exceptions.ApiException) as unimitated:
        hubspot.crm.pipelines.pipelines_api.archive("deals", "default")
    assert unimitated.value.status == 501 and "changing pipelines" in unimitated.value.body
    portal.grant(["oauth"])
    with pytest.raises(contacts.exceptions.ForbiddenException) as caught:
        hubspot.crm.contacts.basic_api.get_by_id(str(JANE))
    assert "MISSING_SCOPES" in caught.value.body
    portal.grant(["crm.objects.contacts.read"])
    portal.faults([{"path": "/crm/v3/objects/contacts", "status": 502}])
    with pytest.raises(contacts.exceptions.ServiceException):
        hubspot.crm.contacts.basic_api.get_page()


def test_the_walk_leaves_no_route_out(portal: sandbox.Portal, hubspot: HubSpot) -> None:
    """Neither of the sandbox's routes, nor of the client's methods for what is served."""
    for step in STEPS.values():
        step(hubspot)
    walked = [(entry["method"], entry["path"]) for entry in portal.journal() if entry["status"] < 400]
    taken = {name(found) for method, path in walked if (found := route_of(method, path)) is not None}
    assert sorted({name(route) for route in SERVED} - taken) == sorted(NO_METHOD)
    known = {(method, template) for method, template in _endpoints() if _serves(method, template)}
    missed = {
        f"{method} {template}"
        for method, template in known
        if not any(one == method and shape(template).fullmatch(path) for one, path in walked)
    }
    assert missed == {"GET /crm/v3/pipelines/{objectType}/{pipelineId}/stages/{stageId}/audit"}
    assert len(known) > 150


def _endpoints() -> Iterator[tuple[str, str]]:
    """(method, path) of every method of the client, as its source names them."""
    root = Path(str(vendor.__file__)).parent
    for file in sorted(root.glob("**/api/*_api.py")):
        for path, method in re.findall(r'call_api\(\s*"([^"]+)",\s*"([A-Z]+)"', file.read_text("utf-8")):
            yield method, path


def _serves(method: str, template: str) -> bool:
    """True for an endpoint that the sandbox has, for an object type that it has."""
    route = route_of(method, template)
    if route is None or route not in SERVED:
        return False
    named = dict(zip(route.path.split("/"), str(paths.canonical(template)[0]).split("/"), strict=True))  # type: ignore[index]
    kind = named.get("{kind}", "")
    return not kind or kind.startswith("{") or kinds.find(kind) is not None
