"""What HubSpot has beside the endpoints that are served: a 501 that names it, instead of a 404 or a 405."""

from __future__ import annotations

from connector.sandbox.state import Account
from connector.sandbox.wire import Call, Handler, Reply, Unimitated, route

ABSENT: dict[str, tuple[str, ...]] = {
    "changing pipelines": (
        "POST /crm/pipelines/{kind}",
        "PUT /crm/pipelines/{kind}/{id}",
        "PATCH /crm/pipelines/{kind}/{id}",
        "DELETE /crm/pipelines/{kind}/{id}",
        "POST /crm/pipelines/{kind}/{id}/stages",
        "PUT /crm/pipelines/{kind}/{id}/stages/{stage}",
        "PATCH /crm/pipelines/{kind}/{id}/stages/{stage}",
        "DELETE /crm/pipelines/{kind}/{id}/stages/{stage}",
    ),
    "changing forms": (
        "POST /marketing/forms",
        "PUT /marketing/forms/{guid}",
        "PATCH /marketing/forms/{guid}",
        "DELETE /marketing/forms/{guid}",
    ),
    "changing marketing events": (
        "POST /marketing/marketing-events/events",
        "PATCH /marketing/marketing-events/{id}",
        "DELETE /marketing/marketing-events/{id}",
        "POST /marketing/marketing-events/{id}/attendance/{state}/create",
        "POST /marketing/marketing-events/{id}/attendance/{state}/email-create",
    ),
    "folders of lists": ("GET /crm/lists/folders", "POST /crm/lists/folders"),
    "ids of v1 lists": ("GET /crm/lists/idmapping", "POST /crm/lists/idmapping"),
    "other limits": (
        "GET /crm/limits/calculated-properties",
        "GET /crm/limits/custom-object-types",
        "GET /crm/limits/pipelines",
        "GET /crm/limits/records",
    ),
}


def _refusing(what: str) -> Handler:
    def absent(account: Account, call: Call) -> Reply:  # noqa: ARG001 every handler has this signature
        raise Unimitated(what)

    return absent


ROUTES = tuple(
    route(method, path, _refusing(what))
    for what, shapes in ABSENT.items()
    for method, _, path in (shape.partition(" ") for shape in shapes)
)
