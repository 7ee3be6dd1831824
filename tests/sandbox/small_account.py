"""A small account that every test of the sandbox can overlook."""

from __future__ import annotations

from connector.sandbox.rows import (
    EmailEvent,
    Form,
    Link,
    ListDef,
    MarketingEvent,
    Membership,
    Object,
    Owner,
    Participation,
    PropertyDef,
    Row,
    Submission,
    Version,
    WebEvent,
)

NOW = 1_795_000_000_000  # 2026-11-18T11:06:40Z
DAY = 86_400_000
JANE, BOB, ZOE = 40_000_000_001, 40_000_000_002, 40_000_000_003
ACME, DEAL, OWNER = 50_000_000_001, 60_000_000_001, 77
WEBINAR = 70_000_000_001


def small() -> list[Row]:
    """Three contacts, a company, an open deal, and a little of every engagement."""
    jane = {
        "email": "jane@acme.fr",
        "firstname": "Élodie",
        "lastname": "Jané",
        "lifecyclestage": "marketingqualifiedlead",
        "hs_additional_emails": "elodie@home.fr",
        "jobtitle": "CTO",
        "color": "blue",
    }
    stages = (
        Version("marketingqualifiedlead", NOW - 3 * DAY, "CRM_UI", "userId:5"),
        Version("lead", NOW - 9 * DAY, "FORM", "form"),
    )
    return [
        Owner(OWNER, "sales@acme.fr", "Ana", "Sales"),
        PropertyDef(
            "contacts", "color", "Colour", "enumeration", "select", (("blue", "Blue"), ("red", "Red"))
        ),
        Object("contacts", JANE, jane, NOW - 9 * DAY, NOW - 3 * DAY, {"lifecyclestage": stages}),
        Object(
            "contacts", BOB, {"email": "bob@acme.fr", "lifecyclestage": "lead"}, NOW - 8 * DAY, NOW - 2 * DAY
        ),
        Object("contacts", ZOE, {"firstname": "Zoé"}, NOW - 7 * DAY, NOW - DAY),
        Object("companies", ACME, {"name": "Acme", "domain": "acme.fr"}, NOW - 9 * DAY, NOW - 9 * DAY),
        Object(
            "deals", DEAL, {"dealname": "One", "dealstage": "contractsent", "pipeline": "default"}, NOW, NOW
        ),
        Link("contacts", JANE, "companies", ACME, primary=True),
        Link("contacts", BOB, "companies", ACME),
        Form("form-1", "Démo", NOW - 9 * DAY),
        Submission("form-1", NOW - 9 * DAY, {"email": "jane@acme.fr"}, "https://x.fr/demo"),
        Submission("form-1", NOW - 5 * DAY, {"email": "Elodie@home.fr"}, "https://x.fr/demo"),
        EmailEvent("e1", "OPEN", NOW - 4 * DAY, "jane@acme.fr", 12, "Bonjour", user_agent="Mozilla"),
        EmailEvent("e2", "CLICK", NOW - 3 * DAY, "bob@acme.fr", 12, "Bonjour", url="https://x.fr/prix"),
        WebEvent("w1", JANE, "e_visited_page", NOW - 2 * DAY, {"hs_url": "https://x.fr/prix"}),
        WebEvent("w2", BOB, "e_visited_page", NOW - DAY, {"hs_url": "https://x.fr/"}),
        ListDef(1, "Newsletter"),
        ListDef(2, "Customers", "DYNAMIC"),
        Membership(1, JANE, NOW - 6 * DAY),
        Membership(1, BOB, NOW - 5 * DAY),
        MarketingEvent(WEBINAR, "Webinaire RGPD", NOW - 2 * DAY, NOW - 2 * DAY + 3_600_000, NOW - 9 * DAY),
        Participation(WEBINAR, JANE, "ATTENDED", NOW - 2 * DAY, NOW - 6 * DAY),
        Participation(WEBINAR, BOB, "REGISTERED", NOW - 5 * DAY),
    ]
