"""Property definitions as v1 and v2 list them (2: v1 to v3 are served until September 2027): a bare array.

Only what the definitions of today know is told; the old fields that nobody reads are left out.
"""

from __future__ import annotations

from connector.sandbox.state import Account
from connector.sandbox.wire import Body, Call, Reply, Unimitated, route


def deals(account: Account, call: Call) -> Reply:  # noqa: ARG001 every handler has this signature
    return Reply(200, _listed(account, "deals"))


def companies(account: Account, call: Call) -> Reply:  # noqa: ARG001 every handler has this signature
    return Reply(200, _listed(account, "companies"))


def any_kind(account: Account, call: Call) -> Reply:
    return Reply(200, _listed(account, call.kind().plural))


def _listed(account: Account, kind: str) -> list[Body]:
    definitions = sorted(account.definitions.of(kind).items())
    return [_old(definition.wire()) for _, definition in definitions if definition.archived is None]


def _old(body: Body) -> Body:
    """The modification rules stand beside the rest, and there are no dates."""
    rules = body["modificationMetadata"]
    kept = ("name", "label", "description", "groupName", "type", "fieldType", "options", "displayOrder")
    more = ("hidden", "formField", "calculated", "externalOptions", "hasUniqueValue")
    return {
        **{name: body[name] for name in (*kept, *more)},
        "readOnlyValue": rules["readOnlyValue"],
        "readOnlyDefinition": rules["readOnlyDefinition"],
        "hubspotDefined": body.get("hubspotDefined", False),
        "deleted": False,
    }


def changing(account: Account, call: Call) -> Reply:  # noqa: ARG001 every handler has this signature
    raise Unimitated(f"changing properties by {call.version}")


def _scopes(object: str) -> str:
    return f"crm.schemas.{object}.read crm.objects.{object}.read"


ROUTES = (
    route("GET", "/legacy/properties/deals", deals, scopes=_scopes("deals")),
    route("POST", "/legacy/properties/deals", changing),
    route("GET", "/legacy/properties/companies", companies, scopes=_scopes("companies")),
    route("POST", "/legacy/properties/companies", changing),
    route("GET", "/legacy/object-properties/{kind}/properties", any_kind, scopes=_scopes("{object}")),
    route("POST", "/legacy/object-properties/{kind}/properties", changing),
)
