"""Custom object types (2, 6): the account has made none. Only Enterprise can, and a key seldom holds the scope."""

from __future__ import annotations

from connector.sandbox.state import Account
from connector.sandbox.wire import Call, Reply, Unimitated, route


def every(account: Account, call: Call) -> Reply:  # noqa: ARG001 every handler has this signature
    return Reply(200, {"results": []})


def making(account: Account, call: Call) -> Reply:  # noqa: ARG001 every handler has this signature
    raise Unimitated("custom object types")


SCOPES = "crm.schemas.custom.read crm.objects.custom.read"
ROUTES = (
    route("GET", "/crm/schemas", every, "archived", scopes=SCOPES, tier="enterprise"),
    route("POST", "/crm/schemas", making),
)
