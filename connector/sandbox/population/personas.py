"""The sorts of people in the account and how each behaves: what a good scoring can find."""

from __future__ import annotations

from dataclasses import dataclass

from connector.sandbox.population.dice import Weights


@dataclass(frozen=True, slots=True, eq=False)  # each is itself: compared by identity
class Persona:
    """Shares are 0 to 1. `visits` is the mean number of web sessions beside the one that made the contact."""

    name: str
    origins: Weights[str]  # how the record came to be: FORM, IMPORT, CRM_UI, INTEGRATION
    jobs: Weights[str]  # key of names.JOBS; "" = no job title
    known: Weights[str]  # hs_persona; "" = empty
    visits: float = 0.0
    pricing: float = 0.0  # of sessions, those that see the prices
    forms: Weights[str] | None = None  # what a session may end in (key of account.FORM_NAMES); "" = nothing
    first_form: Weights[str] | None = None  # the form that made the contact
    opens: float = 0.0  # of campaigns received
    clicks: float = 0.0  # of campaigns opened
    active_days: int = 365  # after creation
    owned: float = 0.0
    employed: float = 1.0  # those of whom a company is known
    list_origin: str = ""


_FORM = Weights({"FORM": 1.0})
_IMPORT = Weights({"IMPORT": 1.0})
_ANY_JOB = Weights({"decision_maker": 0.22, "practitioner": 0.4, "other": 0.26, "": 0.12})
_QUIET = Weights({"": 0.86, "practitioner": 0.06, "decision_maker": 0.05, "other": 0.03})

COORDINATES = Persona(
    "coordinates",
    Weights({"CRM_UI": 0.55, "IMPORT": 0.3, "INTEGRATION": 0.15}),
    _ANY_JOB,
    _QUIET,
    opens=0.22,
    owned=0.35,
    employed=0.9,
)
PURCHASED = Persona(
    "purchased",
    _IMPORT,
    Weights({"decision_maker": 0.5, "practitioner": 0.3, "other": 0.1, "": 0.1}),
    Weights({"": 1.0}),
    owned=0.04,
    list_origin="purchased_list",
)
BUSINESS_CARD = Persona(
    "business_card",
    Weights({"CRM_UI": 0.4, "IMPORT": 0.6}),
    _ANY_JOB,
    _QUIET,
    opens=0.2,
    owned=0.5,
    list_origin="business_card",
)
FAIR_VISITOR = Persona(
    "fair_visitor",
    _IMPORT,
    _ANY_JOB,
    Weights({"": 0.6, "decision_maker": 0.15, "practitioner": 0.2, "other": 0.05}),
    visits=0.5,
    pricing=0.22,
    forms=Weights({"": 0.8, "whitepaper": 0.15, "demo": 0.05}),
    opens=0.3,
    clicks=0.18,
    active_days=120,
    owned=0.5,
    list_origin="trade_fair",
)
NEWSLETTER = Persona(
    "newsletter",
    _FORM,
    _ANY_JOB,
    Weights({"": 0.8, "practitioner": 0.12, "decision_maker": 0.06, "other": 0.02}),
    visits=0.6,
    pricing=0.08,
    forms=Weights({"": 0.93, "whitepaper": 0.07}),
    first_form=Weights({"newsletter": 1.0}),
    opens=0.37,
    clicks=0.17,
    owned=0.05,
    employed=0.7,
)
RESEARCHER = Persona(
    "researcher",
    _FORM,
    Weights({"practitioner": 0.6, "decision_maker": 0.14, "other": 0.18, "": 0.08}),
    Weights({"": 0.55, "practitioner": 0.34, "decision_maker": 0.08, "other": 0.03}),
    visits=2.8,
    pricing=0.4,
    forms=Weights({"": 0.74, "whitepaper": 0.1, "webinar": 0.07, "newsletter": 0.02, "demo": 0.08}),
    first_form=Weights({"whitepaper": 0.55, "webinar": 0.3, "newsletter": 0.1, "contact": 0.05}),
    opens=0.36,
    clicks=0.24,
    active_days=300,
    owned=0.15,
    employed=0.88,
)
STUDENT = Persona(
    "student",
    _FORM,
    Weights({"student": 0.78, "other": 0.07, "": 0.15}),
    Weights({"": 0.45, "student": 0.55}),
    visits=2.2,
    pricing=0.3,
    forms=Weights({"": 0.66, "whitepaper": 0.14, "webinar": 0.06, "demo": 0.14}),
    first_form=Weights({"whitepaper": 0.5, "demo": 0.3, "webinar": 0.2}),
    opens=0.42,
    clicks=0.3,
    active_days=90,
    owned=0.02,
    employed=0.0,
)
BUYER = Persona(
    "buyer",
    _FORM,
    Weights({"decision_maker": 0.55, "practitioner": 0.36, "other": 0.05, "": 0.04}),
    Weights({"decision_maker": 0.52, "": 0.3, "practitioner": 0.16, "other": 0.02}),
    visits=0.8,
    pricing=0.3,
    forms=Weights({"": 0.72, "whitepaper": 0.12, "webinar": 0.1, "demo": 0.06}),
    first_form=Weights(
        {"demo": 0.38, "whitepaper": 0.24, "webinar": 0.16, "contact": 0.14, "newsletter": 0.08}
    ),
    opens=0.48,
    clicks=0.28,
    owned=0.95,
)
COMPETITOR = Persona(
    "competitor",
    _FORM,
    Weights({"practitioner": 0.6, "decision_maker": 0.4}),
    Weights({"": 0.7, "practitioner": 0.3}),
    visits=5.0,
    pricing=0.7,
    forms=Weights({"": 0.6, "demo": 0.3, "whitepaper": 0.1}),
    first_form=Weights({"demo": 0.7, "whitepaper": 0.3}),
    opens=0.7,
    clicks=0.5,
    owned=0.2,
)
DORMANT = Persona(
    "dormant",
    Weights({"IMPORT": 0.7, "FORM": 0.3}),
    _ANY_JOB,
    _QUIET,
    visits=1.2,
    pricing=0.2,
    forms=Weights({"": 0.2, "whitepaper": 0.4, "newsletter": 0.25, "demo": 0.15}),
    first_form=Weights({"whitepaper": 0.6, "newsletter": 0.4}),
    opens=0.35,
    clicks=0.3,
    active_days=75,
    owned=0.3,
)

# who comes in which way: bursts of an import differ from the daily flow
OLD_CRM = Weights({DORMANT: 0.5, COORDINATES: 0.36, BUYER: 0.12})
BOUGHT = Weights({PURCHASED: 1.0})
FAIR = Weights({BUSINESS_CARD: 0.5, FAIR_VISITOR: 0.44, BUYER: 0.06})
GONE = Weights({STUDENT: 0.3, PURCHASED: 0.3, COORDINATES: 0.25, NEWSLETTER: 0.1, COMPETITOR: 0.05})
DAILY = Weights(
    {
        COORDINATES: 0.45,
        BUSINESS_CARD: 0.06,
        NEWSLETTER: 0.13,
        RESEARCHER: 0.135,
        STUDENT: 0.045,
        BUYER: 0.168,
        COMPETITOR: 0.008,
        DORMANT: 0.017,
    }
)
