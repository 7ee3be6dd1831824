"""What the account has before its contacts: owners, properties of its own, forms, lists."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import NAMESPACE_URL, uuid5

from connector.sandbox.population.calendar import DAY, YEAR, year_of
from connector.sandbox.population.waves import WAVES, wave_start
from connector.sandbox.rows import Form, ListDef, Owner, PropertyDef, Row

OWNERS = (
    Owner(41_230_101, "claire.dupont@example-sales.fr", "Claire", "Dupont", teams=("France",)),
    Owner(41_230_102, "francois.besnard@example-sales.fr", "François", "Besnard", teams=("France",)),
    Owner(41_230_103, "siobhan.obrien@example-sales.fr", "Siobhán", "O'Brien", teams=("International",)),
    Owner(41_230_104, "mehdi.benali@example-sales.fr", "Mehdi", "Benali", teams=("France", "Grands comptes")),
    Owner(41_230_105, "jurgen.muller@example-sales.fr", "Jürgen", "Müller", teams=("International",)),
    Owner(41_230_106, "zoe.lefevre@example-sales.fr", "Zoë", "Lefèvre", teams=("France",)),
    Owner(41_230_107, "gerard.pelissier@example-sales.fr", "Gérard", "Pélissier", archived=True),
)
FORMER = 6  # place of the one who has left; what the old CRM gave him is still his
FORM_NAMES = {  # subject: (French form, English form)
    "newsletter": ("newsletter", "newsletter"),
    "demo": ("telechargement-demo", "demo-download"),
    "whitepaper": ("livre-blanc-seo", "whitepaper-abm"),
    "webinar": ("webinaire-rgpd", "webinar-attribution"),
    "contact": ("contact", "contact"),
    "meeting": ("demande-rdv", "demande-rdv"),
    "quote": ("devis", "devis"),
}
_ORDER = (
    "newsletter",
    "demo-download",
    "telechargement-demo",
    "livre-blanc-seo",
    "whitepaper-abm",
    "webinar-attribution",
    "webinaire-rgpd",
    "contact",
    "demande-rdv",
    "devis",
)
GUIDS = {name: str(uuid5(NAMESPACE_URL, f"https://www.example.fr/forms/{name}")) for name in _ORDER}

FAIR_LISTS = {"fair_1": 101, "fair_2": 102}  # wave: list
PRICING_LIST, NURTURING_LIST, SALES_LIST = 103, 104, 105

LIST_ORIGIN = PropertyDef(
    "contacts",
    "list_origin",
    "Origine de la liste",
    "enumeration",
    "select",
    (
        ("purchased_list", "Liste achetée"),
        ("business_card", "Carte de visite"),
        ("trade_fair", "Salon"),
        ("referral", "Recommandation"),
    ),
)
PERSONA = PropertyDef(
    "contacts",
    "hs_persona",
    "Persona",
    "enumeration",
    "radio",
    (
        ("decision_maker", "Décideur"),
        ("practitioner", "Praticien"),
        ("student", "Étudiant"),
        ("other", "Autre"),
    ),
)


# Stages that the account made: the CRM numbers them, the account names them (HUBSPOT.md 4.1).
REWARM, PARTNER = "51439524", "98177316"
STAGES = PropertyDef(
    "contacts",
    "lifecyclestage",
    "Lifecycle Stage",
    "enumeration",
    "radio",
    (
        ("subscriber", "Abonné"),
        ("lead", "Lead"),
        (REWARM, "Lead à réchauffer"),
        ("marketingqualifiedlead", "Marketing Qualified Lead"),
        ("salesqualifiedlead", "Sales Qualified Lead"),
        ("opportunity", "Opportunité"),
        ("customer", "Client"),
        ("evangelist", "Ambassadeur"),
        (PARTNER, "Partenaire"),
        ("other", "Autre"),
    ),
)


def rows(now: int) -> Iterator[Row]:
    yield from OWNERS
    yield STAGES
    yield LIST_ORIGIN
    yield PERSONA
    for number, (name, guid) in enumerate(GUIDS.items()):
        yield Form(guid, name, now - YEAR - (30 - number) * DAY)
    yield from _lists(now)


def _lists(now: int) -> Iterator[ListDef]:
    for wave in WAVES:
        if wave.name in FAIR_LISTS:
            subject = "marketing" if wave.name == "fair_1" else "tech"
            yield ListDef(FAIR_LISTS[wave.name], f"salon-{subject}-{year_of(wave_start(wave, now))}")
    yield ListDef(PRICING_LIST, "Visited pricing page", "DYNAMIC")
    yield ListDef(NURTURING_LIST, "Nurturing")
    yield ListDef(SALES_LIST, "Sales owned")
