"""How much of the account's allowance is used (HUBSPOT.md 6): custom properties by object."""

from __future__ import annotations

from connector.sandbox.kinds import KINDS
from connector.sandbox.rules import defining
from connector.sandbox.state import Account
from connector.sandbox.wire import Body, Call, Reply, route


def custom_properties(account: Account, call: Call) -> Reply:  # noqa: ARG001 every handler has this signature
    limit = defining.MOST[account.knobs.tier]
    rows = [_row(account, kind, limit) for kind in KINDS]
    usage, most = sum(int(row["usage"]) for row in rows), limit * len(rows)
    body = {"overallLimit": most, "overallUsage": usage, "overallPercentage": _share(usage, most)}
    return Reply(200, {**body, "byObjectType": rows})


def _row(account: Account, kind: str, limit: int) -> Body:
    used = len(defining.custom(account, kind))
    return {
        "objectTypeId": KINDS[kind].type_id,
        "singularLabel": KINDS[kind].singular.title(),
        "pluralLabel": kind.title(),
        "limit": limit,
        "usage": used,
        "percentage": _share(used, limit),
    }


def _share(part: int, whole: int) -> float:
    return round(100 * part / whole, 2)


ROUTES = (route("GET", "/crm/limits/custom-properties", custom_properties),)
