"""The path map (HUBSPOT.md 2): v1/v3/v4 and dated paths come down to one canonical path without a version."""

from __future__ import annotations

import re

DATES = frozenset({"2026-03", "2026-09"})
BETAS = frozenset({"2026-09-beta"})

# canonical prefix -> (undated prefix, the versions it is served under)
UNDATED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("/crm/objects", "/crm/{v}/objects", ("v3", "v4")),
    ("/crm/properties", "/crm/{v}/properties", ("v3",)),
    ("/crm/associations", "/crm/{v}/associations", ("v4",)),
    ("/crm/owners", "/crm/{v}/owners", ("v3",)),
    ("/crm/pipelines", "/crm/{v}/pipelines", ("v3",)),
    ("/crm/lists", "/crm/{v}/lists", ("v3",)),
    ("/crm/limits", "/crm/{v}/limits", ("v3",)),
    ("/events/event-occurrences", "/events/{v}/events", ("v3",)),
    ("/marketing/forms", "/marketing/{v}/forms", ("v3",)),
    ("/marketing/marketing-events", "/marketing/{v}/marketing-events", ("v3",)),
    ("/account-info/details", "/account-info/{v}/details", ("v3",)),
    ("/account-info/api-usage", "/account-info/{v}/api-usage", ("v3",)),
    ("/email/events", "/email/public/{v}/events", ("v1",)),
    ("/legacy/properties/companies", "/companies/{v}/properties", ("v2",)),
    ("/legacy/properties/deals", "/properties/{v}/deals/properties", ("v1",)),
    ("/legacy/object-properties", "/properties/{v}", ("v2",)),
    ("/crm/schemas", "/crm/{v}/schemas", ("v3",)),
    ("/crm/schemas", "/crm-object-schemas/{v}/schemas", ("v3",)),
    ("/form-submissions", "/form-integrations/{v}/submissions/forms", ("v1",)),
    ("/oauth", "/oauth/{v}", ("v1", "v3")),
)
# canonical prefix -> where the date stands
DATED: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("/crm/objects", "/crm/objects/{v}", DATES),
    ("/crm/properties", "/crm/properties/{v}", DATES),
    ("/crm/associations", "/crm/associations/{v}", DATES),
    ("/crm/owners", "/crm/owners/{v}", DATES),
    ("/crm/pipelines", "/crm/pipelines/{v}", DATES),
    ("/crm/lists", "/crm/lists/{v}", DATES),
    ("/crm/limits", "/crm/limits/{v}", DATES),
    ("/events/event-occurrences", "/events/event-occurrences/{v}", DATES),
    ("/marketing/forms", "/marketing/forms/{v}", BETAS),
    ("/marketing/marketing-events", "/marketing/marketing-events/{v}", DATES),
    ("/account-info/details", "/account-info/{v}/details", DATES),
    ("/account-info/api-usage", "/account-info/{v}/api-usage", DATES),
    ("/oauth", "/oauth/{v}", DATES),
)


def _patterns() -> list[tuple[re.Pattern[str], str]]:
    rows = [*UNDATED, *((canonical, shape, tuple(sorted(dates))) for canonical, shape, dates in DATED)]
    return [
        (re.compile(shape.replace("{v}", f"(?P<v>{'|'.join(versions)})") + r"(?=/|$)"), canonical)
        for canonical, shape, versions in rows
    ]


_PATTERNS = _patterns()


def canonical(path: str) -> tuple[str, str] | None:
    """(canonical path, version) of a request's path, trailing slash or not; None where the map has none."""
    for pattern, prefix in _PATTERNS:
        if match := pattern.match(path):
            return prefix + path[match.end() :].rstrip("/"), match["v"]
    return None
