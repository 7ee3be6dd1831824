"""What a notice says of a contact, and where the CRM keeps it (HUBSPOT.md 4.1, 7)."""

from __future__ import annotations

from collections.abc import Mapping

PROPERTY_LEAD_STATUS = "hs_lead_status"
_OWNER, _FIRST, _LAST, _COMPANY = "hubspot_owner_id", "firstname", "lastname", "company"
NOTICE_PROPERTIES = (PROPERTY_LEAD_STATUS, _OWNER, _FIRST, _LAST, _COMPANY)

Properties = Mapping[str, str | None]


def name_of(properties: Properties) -> str:
    """First and last name, as far as there are any."""
    return " ".join(said for key in (_FIRST, _LAST) if (said := (properties.get(key) or "").strip()))


def company_of(properties: Properties) -> str:
    """The company's name as it stands on the contact."""
    return (properties.get(_COMPANY) or "").strip()


def owner_of(properties: Properties) -> str | None:
    return properties.get(_OWNER) or None


def page_of(ui_domain: str, portal_id: str, contact_id: str) -> str:
    """The address of the contact's page, for people."""
    return f"https://{ui_domain}/contacts/{portal_id}/record/0-1/{contact_id}"
