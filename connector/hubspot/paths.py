"""The API's paths behind one version constant, and the scope that each needs.

Dated versions are supported for 18 months; /crm/v3 ends in September 2027 (developers.hubspot.com,
"Legacy APIs: what is going unsupported"). The three paths without the constant have no dated successor yet.
"""

from __future__ import annotations

from typing import Final

VERSION: Final = "2026-03"

OBJECTS: Final = f"/crm/objects/{VERSION}/{{object}}"
OBJECT_SEARCH: Final = f"{OBJECTS}/search"
OBJECT_READ: Final = f"{OBJECTS}/batch/read"
OBJECT_UPDATE: Final = f"{OBJECTS}/batch/update"
ASSOCIATIONS_READ: Final = f"/crm/associations/{VERSION}/{{from_object}}/{{to_object}}/batch/read"
LISTS_SEARCH: Final = f"/crm/lists/{VERSION}/search"
LIST_BY_NAME: Final = f"/crm/lists/{VERSION}/object-type-id/0-1/name/{{name}}"
LIST_CHANGE: Final = f"/crm/lists/{VERSION}/{{list_id}}/memberships/{{verb}}"
LIST_JOINS: Final = f"/crm/lists/{VERSION}/{{list_id}}/memberships/join-order"
EVENTS: Final = f"/events/event-occurrences/{VERSION}"
MARKETING_EVENTS: Final = f"/marketing/marketing-events/{VERSION}"
PARTICIPATIONS: Final = f"{MARKETING_EVENTS}/participations/{{event}}/breakdown"
ACCOUNT: Final = f"/account-info/{VERSION}/details"
TOKEN: Final = f"/oauth/{VERSION}/token"

FORMS: Final = "/marketing/v3/forms"
SUBMISSIONS: Final = "/form-integrations/v1/submissions/forms/{form}"
EMAIL_EVENTS: Final = "/email/public/v1/events"

_SCOPES: Final = (  # a part of the path -> scope to read, scope to write; the first that fits
    ("/associations/", "crm.objects.contacts.read", "crm.objects.contacts.write"),
    ("/properties/", "crm.schemas.{object}.read", "crm.schemas.{object}.write"),
    ("/owners", "crm.objects.owners.read", ""),
    ("/lists/", "crm.lists.read", "crm.lists.write"),
    ("/marketing-events/", "crm.objects.marketing_events.read", ""),
    ("/forms", "forms", ""),
    ("/email/", "content", ""),
    ("/emails", "sales-email-read", "sales-email-read"),
    ("/objects/", "crm.objects.{object}.read", "crm.objects.{object}.write"),
    ("/pipelines/", "crm.objects.deals.read", ""),
)


def scope_of(path: str, *, writes: bool) -> str:
    """The scope that a path needs, for when the CRM's 403 does not name it; '' where we cannot say.

    Activities have no scopes of their own, the contacts' ones cover them; e-mails need one more.
    """
    for part, read, write in _SCOPES:
        if part in path:
            kind = next((k for k in ("companies", "deals") if f"/{k}" in path), "contacts")
            return (write if writes and write else read).format(object=kind)
    return ""
