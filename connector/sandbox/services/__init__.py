"""One file per service, each of the same shape: handlers `(account, call) -> Reply`, and `ROUTES` at the end.

To add an endpoint: write its handler beside its neighbours, add its route with the query parameters that it
knows, and the path map (`paths`) if its prefix is new. State and rules belong in `state/` and `rules/`.
"""

from __future__ import annotations

from connector.sandbox.services import (
    account,
    associations,
    batch,
    email_events,
    events,
    forms,
    lists,
    objects,
    owners,
    pipelines,
    properties,
    search,
)
from connector.sandbox.wire import Route

ROUTES: tuple[Route, ...] = (
    *objects.ROUTES,
    *batch.ROUTES,
    *search.ROUTES,
    *associations.ROUTES,
    *properties.ROUTES,
    *pipelines.ROUTES,
    *owners.ROUTES,
    *forms.ROUTES,
    *email_events.ROUTES,
    *events.ROUTES,
    *lists.ROUTES,
    *account.ROUTES,
)
