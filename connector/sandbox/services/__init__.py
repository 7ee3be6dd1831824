"""One file per service, each of the same shape: handlers `(account, call) -> Reply`, and `ROUTES` at the end.

To add an endpoint: write its handler beside its neighbours, add its route with the query parameters that it
knows, and the path map (`paths`) if its prefix is new. State and rules belong in `state/` and `rules/`.
"""

from __future__ import annotations

from connector.sandbox.services import (
    absent,
    account,
    association_types,
    associations,
    batch,
    crm_limits,
    email_events,
    events,
    forms,
    legacy_properties,
    lists,
    marketing_events,
    memberships,
    oauth,
    objects,
    owners,
    pipelines,
    properties,
    property_groups,
    schemas,
    search,
    ungranted,
)
from connector.sandbox.wire import Route

ROUTES: tuple[Route, ...] = (
    *objects.ROUTES,
    *batch.ROUTES,
    *search.ROUTES,
    *associations.ROUTES,
    *association_types.ROUTES,
    *properties.ROUTES,
    *property_groups.ROUTES,
    *crm_limits.ROUTES,
    *pipelines.ROUTES,
    *owners.ROUTES,
    *forms.ROUTES,
    *email_events.ROUTES,
    *events.ROUTES,
    *lists.ROUTES,
    *memberships.ROUTES,
    *marketing_events.ROUTES,
    *account.ROUTES,
    *absent.ROUTES,
    *oauth.ROUTES,
    *legacy_properties.ROUTES,
    *schemas.ROUTES,
    *ungranted.ROUTES,
)
