"""Which route of the sandbox a request takes, for tests that hold a list of requests against all."""

from __future__ import annotations

import re

from connector.sandbox import paths
from connector.sandbox.services import ROUTES, absent, legacy_properties, oauth, schemas, ungranted
from connector.sandbox.wire import Route

_REFUSING = {
    *(route.handler for route in (*absent.ROUTES, *ungranted.ROUTES)),
    legacy_properties.changing,
    schemas.making,
}
# What answers something; the OAuth endpoints, which take no token, have tests of their own.
SERVED = [route for route in ROUTES if route.handler not in _REFUSING and route not in oauth.ROUTES]


def name(route: Route) -> str:
    return f"{route.method} {route.path}"


def route_of(method: str, path: str) -> Route | None:
    """The route of a path: the one with the fewest parameters."""
    found = paths.canonical(path)
    if found is None:
        return None
    fitting = [one for one in ROUTES if one.method == method and shape(one.path).fullmatch(found[0])]
    return min(fitting, key=lambda one: [part.startswith("{") for part in one.path.split("/")], default=None)


def shape(template: str) -> re.Pattern[str]:
    """`/crm/{kind}` as a pattern that such paths match."""
    return re.compile(re.sub(r"\\\{[^/]+\\\}", "[^/]+", re.escape(template)) + "/?")
