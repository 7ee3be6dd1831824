"""Properties of object types that the account has nothing of: its key has no scope for them, so 403.

Pullers ask for the properties of every type that HubSpot knows before they read the first contact, and leave
out those that they are refused. Scopes are those that published pullers ask their users to grant. A key that
does hold one meets the 501 of a type that is not imitated.
"""

from __future__ import annotations

from connector.sandbox.state import Account
from connector.sandbox.wire import Call, Reply, Unimitated, route

SCOPES = {
    "tickets": "tickets",
    "leads": "crm.objects.leads.read",
    "line_items": "e-commerce",
    "goal_targets": "crm.objects.goals.read",
    "postal_mail": "crm.objects.postal_mail.read",
}


def absent(account: Account, call: Call) -> Reply:  # noqa: ARG001 every handler has this signature
    raise Unimitated(f"object type {call.path.rstrip('/').rpartition('/')[2]}")


ROUTES = tuple(
    route("GET", f"/crm/properties/{name}", absent, "archived", "limit", scopes=scope)
    for name, scope in SCOPES.items()
)
