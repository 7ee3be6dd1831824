"""What a person does on the site: sessions of page views, some of which end in a form."""

from __future__ import annotations

from dataclasses import dataclass

from connector.sandbox.population.account import FORM_NAMES, GUIDS
from connector.sandbox.population.calendar import DAY, HOUR, MINUTE, SECOND, moment
from connector.sandbox.population.dice import Dice, Weights
from connector.sandbox.population.journeys import Journey
from connector.sandbox.population.people import Person
from connector.sandbox.rows import Submission, WebEvent

SITE = "https://www.example.fr"

PRICING = (("/tarifs", "Tarifs"), ("/pricing", "Pricing"))  # French, English
_LANDINGS = {
    "fr": (
        ("/", "Accueil"),
        ("/", "Accueil"),
        ("/produit", "Le produit"),
        ("/clients", "Nos clients"),
        ("/blog/seo-b2b-guide-complet", "SEO B2B : le guide complet"),
        ("/blog/rgpd-et-prospection", "RGPD et prospection"),
        ("/blog/definir-un-mql", "Définir un MQL, enfin"),
        ("/evenements/salon", "Retrouvez-nous au salon"),
        ("/carrieres", "Carrières : à vos marques"),
    ),
    "en": (
        ("/", "Home"),
        ("/en/product", "Product"),
        ("/en/customers", "Customers"),
        ("/integrations/hubspot", "HubSpot"),
        ("/blog/attribution-models-compared", "Attribution models compared"),
        ("/blog/abm-in-30-days", "ABM in 30 days"),
    ),
}
_UTM = Weights(
    {
        "": 0.62,
        "?utm_source=google&utm_medium=cpc&utm_campaign=marque-fr": 0.12,
        "?utm_source=linkedin&utm_medium=paid-social&utm_campaign=abm-2026": 0.1,
        "?utm_source=newsletter&utm_medium=email&utm_campaign=infolettre": 0.12,
        "?utm_source=partenaire&utm_medium=referral": 0.04,
    }
)
_FORM_PAGES = {  # subject: (French, English) path
    "newsletter": ("/blog/definir-un-mql", "/blog/abm-in-30-days"),
    "demo": ("/telechargement-demo", "/en/demo"),
    "whitepaper": ("/ressources/livre-blanc-seo", "/en/resources/abm"),
    "contact": ("/contact", "/en/contact"),
    "webinar": ("/webinaires/rgpd", "/en/webinars/attribution"),
    "meeting": ("/demande-rdv", "/en/meet-us"),
    "quote": ("/tarifs", "/pricing"),
}
_HEAT_FORMS = Weights({"": 0.46, "demo": 0.51, "whitepaper": 0.03})


@dataclass(slots=True)
class Visits:
    events: list[WebEvent]
    submissions: list[Submission]
    pricing: list[int]  # times of pricing page views
    sessions: list[int]  # times of the first page

    def until(self, end: int) -> Visits:
        """What of it was before `end`."""
        events = [each for each in self.events if each.at < end]
        sent = [each for each in self.submissions if each.at < end]
        return Visits(
            events, sent, [at for at in self.pricing if at < end], [at for at in self.sessions if at < end]
        )


class Site:
    def __init__(self, dice: Dice, now: int) -> None:
        self._dice = dice
        self._now = now

    def visits(self, person: Person, journey: Journey) -> Visits:
        """What `person` did on the site, in no order; somebody without an address was never recognised."""
        seen = Visits([], [], [], [])
        if person.example:
            self._example(seen, person)
        elif person.email:
            self._behaviour(seen, person, journey)
        return seen

    def _behaviour(self, seen: Visits, person: Person, journey: Journey) -> None:
        dice, persona = self._dice, person.persona
        if person.origin == "FORM" and persona.first_form:
            self._session(
                seen, person, person.created, dice.chance(persona.pricing), dice.draw(persona.first_form)
            )
        if persona.forms:
            for _ in range(dice.count(persona.visits)):
                at = moment(dice, journey.start, journey.end)
                self._session(seen, person, at, dice.chance(persona.pricing), dice.draw(persona.forms))
        self._heat(seen, person, journey)

    def _heat(self, seen: Visits, person: Person, journey: Journey) -> None:
        """A buyer's last weeks before the decision: prices, demos, then perhaps a request."""
        dice = self._dice
        if journey.outcome:
            for _ in range(dice.between(3, 6)):
                at = moment(dice, *journey.heat)
                self._session(seen, person, at, dice.chance(0.82), dice.draw(_HEAT_FORMS))
        if journey.asked_at:
            request = "meeting" if dice.chance(0.6) else "quote"
            self._session(seen, person, journey.asked_at, dice.chance(0.6), request)

    def _example(self, seen: Visits, person: Person) -> None:
        now = self._now
        self._session(seen, person, person.created, False, "whitepaper")
        for days, form in ((20, "demo"), (12, ""), (6, "demo"), (2, "")):
            self._session(seen, person, now - days * DAY - 3 * HOUR, True, form)

    def _session(self, seen: Visits, person: Person, at: int, pricing: bool, form: str) -> None:
        """Page views that lead up to `at`, and the form sent then, if any."""
        dice = self._dice
        english = person.language != "fr"
        pages = [dice.pick(_LANDINGS["en" if english else "fr"]) for _ in range(1 + dice.chance(0.3))]
        if pricing:
            pages.append(PRICING[english])
        elif dice.chance(0.35):
            pages.append(dice.pick(_LANDINGS["fr"]))
        start = at - len(pages) * 70 * SECOND
        seen.sessions.append(start)
        for number, (path, title) in enumerate(pages):
            query = dice.draw(_UTM) if number == 0 else ""
            viewed = start + number * 70 * SECOND + dice.below(60 * SECOND)
            properties = {"hs_url": f"{SITE}{path}{query}", "hs_title": title}
            seen.events.append(WebEvent(dice.uuid(), person.id, "e_visited_page", viewed, properties))
            if pricing and number == len(pages) - 1:
                seen.pricing.append(viewed)
        if form:
            seen.submissions.append(self._submission(person, at, form, english))

    def _submission(self, person: Person, at: int, form: str, english: bool) -> Submission:
        dice = self._dice
        values = {
            "email": self._typed(person.address(at)),
            "firstname": person.first,
            "lastname": person.last,
        }
        if person.company and dice.chance(0.4):
            values["company"] = person.company.name
        page = f"{SITE}{_FORM_PAGES[form][english]}"
        return Submission(GUIDS[FORM_NAMES[form][english]], at, values, page)

    def stray(self, person: Person) -> Submission:
        """A form sent from an address that nobody in the account has: a slip of the keyboard."""
        local, _, domain = person.email.partition("@")
        at = moment(self._dice, person.created, self._now - MINUTE)
        values = {"email": f"{local}.x@{domain[1:]}", "firstname": person.first, "lastname": person.last}
        return Submission(GUIDS["newsletter"], at, values, f"{SITE}/blog/definir-un-mql")

    def _typed(self, email: str) -> str:
        """The address as a person types it: a quarter not in lower case."""
        local, _, domain = email.partition("@")
        share = self._dice.random()
        if share < 0.12:
            return f"{local.title()}@{domain}"
        if share < 0.2:
            return f"{local.title()}@{domain.capitalize()}"
        return email.upper() if share < 0.26 else email
