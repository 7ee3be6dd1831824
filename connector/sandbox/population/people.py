"""Who a contact is: name, job, company, address; duplicates and holes included."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from connector.sandbox.population import names
from connector.sandbox.population.account import FORMER
from connector.sandbox.population.calendar import DAY, YEAR, moment
from connector.sandbox.population.companies import Companies, Company
from connector.sandbox.population.dice import Dice, Weights
from connector.sandbox.population.ids import Dated, Serial
from connector.sandbox.population.personas import (
    BUYER,
    COMPETITOR,
    COORDINATES,
    PURCHASED,
    STUDENT,
    Persona,
)
from connector.sandbox.population.waves import Arrival
from connector.sandbox.rows import Object

_DUPLICATES = 0.02
_NO_EMAIL = 0.06  # of records that nobody made by a form
_MERGED = 0.008  # of those with an address, the ones that were two records once
_TWICE = 0.15  # of these, the ones that were three
_SECOND_ADDRESS = 0.02
_LEFT_BEHIND = 0.15  # of what the old CRM gave to somebody, what belongs to one who has left
_FOREIGN = Weights({"same": 0.88, "fr": 0.05, "en": 0.04, "de": 0.03})


@dataclass(frozen=True, slots=True)
class Merge:
    """Records that became one: `old` in the order of their making, `ids` what each id stands for and since when."""

    old: tuple[int, ...]
    at: int
    aliases: tuple[tuple[int, int, int], ...]  # (id, survivor, at)


@dataclass(slots=True)
class Person:
    id: int
    number: int  # place in the order of creation
    persona: Persona
    created: int
    wave: str
    origin: str  # FORM, IMPORT, CRM_UI, INTEGRATION
    first: str
    last: str
    language: str
    company: Company | None
    country: str
    city: str
    job: str  # key of names.JOBS, "" = no title
    title: str
    persona_value: str
    email: str = ""
    owner: int = -1  # place in account.OWNERS, -1 = nobody
    other: str = ""  # a second address
    other_until: int = 0  # they used it before this; afterwards the first one only
    merge: Merge | None = None

    @property
    def fits(self) -> bool:
        return self.job == "decision_maker" and self.company is not None and self.company.fits

    def guarded(self, at: int) -> bool:
        """Whether mail of a moment goes through a gateway that opens it before they do."""
        company = self.company
        return company is not None and company.scanning and self.address(at).endswith(f"@{company.domain}")

    def address(self, at: int) -> str:
        """The address that they used at a moment."""
        return self.other if self.other and at < self.other_until else self.email

    @property
    def example(self) -> bool:
        """The one person whom the documentation names."""
        return self.email == "jane@acme.fr"


class People:
    def __init__(self, dice: Dice, doubles: Dice, ids: Serial, companies: Companies, now: int) -> None:
        self._dice = dice
        self._doubles = doubles
        self._ids = ids
        self._merged = Dated(now - YEAR)
        self._companies = companies
        self._now = now
        self._recent: deque[Person] = deque(maxlen=40)

    def meet(self, number: int, arrival: Arrival) -> tuple[Person, Object | None]:
        """The next person and, if it is new, the record of their company."""
        dice = self._dice
        persona = dice.draw(arrival.wave.cast)
        if persona is COORDINATES and self._recent and dice.chance(_DUPLICATES / 0.32):
            return self._again(number, arrival, dice.pick(self._recent)), None
        company, record = self._company(persona, arrival.created)
        person = self._person(number, arrival, persona, company)
        person.email = self._email(person)
        self._recent.append(person)
        if person.email and persona is not PURCHASED:
            self._double(person)
        return person, record

    def skip(self) -> None:
        """A record was made and nothing of it is left: a hole in the ids."""
        self._ids.next()

    def jane(self, number: int, arrival: Arrival) -> tuple[Person, Object]:
        """jane@acme.fr, the example of the documentation: a decision maker who is about to buy."""
        company, record = self._companies.acme(arrival.created)
        person = Person(
            self._ids.next(),
            number,
            BUYER,
            arrival.created,
            arrival.wave.name,
            "FORM",
            "Jane",
            "Lefèvre",
            "fr",
            company,
            "France",
            "Lyon",
            "decision_maker",
            "Directrice marketing",
            "decision_maker",
            "jane@acme.fr",
            0,
        )
        return person, record

    def _company(self, persona: Persona, created: int) -> tuple[Company | None, Object | None]:
        if persona is COMPETITOR:
            return self._companies.competitor(created)
        if not self._dice.chance(persona.employed):
            return None, None
        return self._companies.place(created, target=persona is BUYER and self._dice.chance(0.6))

    def _person(self, number: int, arrival: Arrival, persona: Persona, company: Company | None) -> Person:
        dice = self._dice
        language = company.language if company else "fr"
        first, last, woman = self._name(language)
        job = dice.draw(persona.jobs)
        title = dice.pick(names.JOBS[job])[woman] if job else ""
        country = company.country if company else "France"
        city = company.city if company else dice.pick(names.CITIES["France"][2])
        origin = dice.draw(persona.origins) if not arrival.wave.length else "IMPORT"
        person = Person(
            self._ids.next(),
            number,
            persona,
            arrival.created,
            arrival.wave.name,
            origin,
            first,
            last,
            language,
            company,
            country,
            city,
            job,
            title,
            dice.draw(persona.known),
        )
        if dice.chance(persona.owned):
            person.owner = company.owner if company else dice.below(6)
            if person.wave == "old_crm" and dice.chance(_LEFT_BEHIND):
                person.owner = FORMER
        return person

    def _double(self, person: Person) -> None:
        """Some have a second address, most of these because they were two records once (HUBSPOT.md 3.8)."""
        dice = self._doubles
        share = dice.random()
        if share >= _MERGED + _SECOND_ADDRESS:
            return
        own = person.email.rpartition("@")[2]
        person.other = _numbered(person, dice.pick([each for each in names.MAILBOXES if each != own]))
        person.other_until = moment(dice, person.created, self._now)
        if share < _MERGED and person.created + DAY < self._now:
            self._merge(person)

    def _merge(self, person: Person) -> None:
        """The record stands under a new id; those that it was made of have theirs only as names for it."""
        dice, old, aliases = self._doubles, [person.id, self._ids.next()], []
        at = moment(dice, person.created + DAY, self._now)
        person.id = self._merged.at(at)
        aliases += [(id, person.id, at) for id in old]
        if dice.chance(_TWICE):
            at = moment(dice, at, self._now)
            again = [person.id, self._ids.next()]
            person.id = self._merged.at(at)
            aliases += [(id, person.id, at) for id in again]
            old += again
        person.other_until = at
        person.merge = Merge(tuple(old), at, tuple(aliases))

    def _name(self, language: str) -> tuple[str, str, bool]:
        dice = self._dice
        origin = dice.draw(_FOREIGN)
        if origin == "same":
            origin = language
        woman = dice.chance(0.5)
        return dice.pick(names.FIRST_NAMES[origin][woman]), dice.pick(names.SURNAMES[origin]), woman

    def _email(self, person: Person) -> str:
        dice = self._dice
        if person.origin != "FORM" and dice.chance(_NO_EMAIL):
            return ""
        if person.persona is STUDENT and dice.chance(0.7):
            return _numbered(person, dice.pick(names.UNIVERSITIES))
        if person.company is None or (person.origin == "FORM" and dice.chance(0.06)):
            return _numbered(person, dice.pick(names.MAILBOXES))
        if person.persona is COMPETITOR:
            return _numbered(person, person.company.domain)
        return _at_work(person, person.company)

    def _again(self, number: int, arrival: Arrival, known: Person) -> Person:
        """A second record of a person whom the account has already, under a private address or none."""
        dice = self._dice
        origin = "IMPORT" if arrival.wave.length else "CRM_UI"
        first = known.first.upper() if dice.chance(0.3) else known.first
        person = Person(
            self._ids.next(),
            number,
            COORDINATES,
            arrival.created,
            arrival.wave.name,
            origin,
            first,
            known.last,
            known.language,
            known.company,
            known.country,
            known.city,
            known.job,
            known.title,
            "",
        )
        if dice.chance(0.75):
            person.email = _numbered(person, dice.pick(names.MAILBOXES))
        return person


def _numbered(person: Person, domain: str) -> str:
    """An address at a mailbox that many share: its number keeps it from being somebody else's."""
    local = f"{names.ascii_slug(person.first, '')}.{names.ascii_slug(person.last, '')}"
    return f"{local}{person.number + 1}@{domain}"


def _at_work(person: Person, company: Company) -> str:
    first, last = names.ascii_slug(person.first), names.ascii_slug(person.last, "")
    local = {
        "first.last": f"{first}.{last}",
        "f.last": f"{first[0]}.{last}",
        "firstlast": f"{first}{last}",
        "first": first,
    }[company.pattern]
    address, again = local, 1
    while address in company.addresses:
        again += 1
        address = f"{local}{again}"
    company.addresses.add(address)
    return f"{address}@{company.domain}"
