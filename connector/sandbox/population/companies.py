"""Companies: one for every three or four contacts, known by a domain that no other company has."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from connector.sandbox.population import names
from connector.sandbox.population.calendar import moment
from connector.sandbox.population.dice import Dice, Weights
from connector.sandbox.population.ids import Serial
from connector.sandbox.rows import Object

_NEW = 0.325  # of contacts with a company, those who bring a new one
_OPEN = 300  # companies that colleagues may still join: keeps memory flat
_SCANNING = 0.02  # companies whose mail gateway opens and clicks everything

_COUNTRY = Weights(
    {
        "France": 0.72,
        "Belgique": 0.06,
        "Suisse": 0.05,
        "Canada": 0.04,
        "Germany": 0.04,
        "United Kingdom": 0.05,
        "Ireland": 0.02,
        "United States": 0.02,
    }
)
_SIZE = Weights(
    {
        (1, 9): 0.2,
        (10, 49): 0.28,
        (50, 249): 0.24,
        (250, 1000): 0.13,
        (1001, 5000): 0.07,
        (5001, 90_000): 0.02,
        (0, 0): 0.06,
    }
)
_TARGET = Weights({(50, 249): 0.65, (250, 1000): 0.35})
_PATTERN = Weights({"first.last": 0.55, "f.last": 0.2, "firstlast": 0.1, "first": 0.15})
_TLD = {
    "France": "fr",
    "Belgique": "be",
    "Suisse": "ch",
    "Canada": "ca",
    "Germany": "de",
    "United Kingdom": "co.uk",
    "Ireland": "ie",
    "United States": "com",
}


@dataclass(slots=True)
class Company:
    id: int
    name: str
    domain: str
    country: str
    city: str
    employees: int  # 0 = not known
    pattern: str  # of its e-mail addresses
    owner: int  # place in account.OWNERS
    scanning: bool
    addresses: set[str] = field(default_factory=set)
    people: list[int] = field(default_factory=list)

    @property
    def language(self) -> str:
        return names.CITIES[self.country][0]

    @property
    def fits(self) -> bool:
        return 50 <= self.employees <= 1000


class Companies:
    def __init__(self, dice: Dice, ids: Serial, now: int) -> None:
        self._dice = dice
        self._ids = ids
        self._now = now
        self._competitors: dict[str, Company] = {}
        self._open: deque[Company] = deque(maxlen=_OPEN)
        self._domains = {"acme.fr", "example.fr", *(domain for _, domain in names.COMPETITORS)}

    def place(self, created: int, target: bool) -> tuple[Company, Object | None]:
        """The company of a new contact, and its record if it is new too; `target`: one of a fitting size."""
        if self._open and not self._dice.chance(_NEW):
            for _ in range(6 if target else 1):
                company = self._dice.pick(self._open)
                if company.fits or not target:
                    return company, None
        return self._found(created, target)

    def acme(self, created: int) -> tuple[Company, Object]:
        company = Company(
            self._ids.next(), "Acme", "acme.fr", "France", "Lyon", 240, "first", 0, scanning=False
        )
        return company, self._record(company, created)

    def competitor(self, created: int) -> tuple[Company, Object | None]:
        """One of those who sell what we sell, known by their domains."""
        name, domain = self._dice.pick(names.COMPETITORS)
        if domain in self._competitors:
            return self._competitors[domain], None
        company = Company(
            self._ids.next(), name, domain, "France", "Paris", 85, "first.last", 0, scanning=False
        )
        self._competitors[domain] = company
        record = self._record(company, created)
        record.properties.update(
            industry="COMPUTER_SOFTWARE", description="Éditeur de lead scoring (concurrent)"
        )
        return company, record

    def _found(self, created: int, target: bool) -> tuple[Company, Object]:
        dice = self._dice
        country = dice.draw(_COUNTRY)
        name = self._name(names.CITIES[country][0])
        low, high = dice.draw(_TARGET if target else _SIZE)
        city = dice.pick(names.CITIES[country][2])
        company = Company(
            self._ids.next(),
            name,
            self._domain(name, city, country),
            country,
            city,
            dice.between(low, high),
            dice.draw(_PATTERN),
            dice.below(6),
            dice.chance(_SCANNING),
        )
        self._open.append(company)
        return company, self._record(company, created)

    def _name(self, language: str) -> str:
        dice = self._dice
        if dice.chance(0.35):
            return "".join(dice.pick(part) for part in names.COINED)
        surname = dice.pick(names.SURNAMES[language])
        if language == "de":
            return surname + dice.pick(names.GERMAN_ENDINGS)
        if language == "en":
            return surname + dice.pick(names.ENGLISH_ENDINGS)
        return f"{dice.pick(names.TRADES)} {surname}{dice.pick(names.FRENCH_ENDINGS)}"

    def _domain(self, name: str, city: str, country: str) -> str:
        tld = _TLD[country] if self._dice.chance(0.8) else "com"
        slug = names.ascii_slug(name)
        tries = [f"{slug}.{tld}", f"{slug}-{names.ascii_slug(city)}.{tld}"]
        domain = next((each for each in tries if each not in self._domains), "")
        number = len(self._domains)
        while not domain or domain in self._domains:
            domain = f"{slug}-{number}.{tld}"
            number += 1
        self._domains.add(domain)
        return domain

    def _record(self, company: Company, created: int) -> Object:
        properties = {
            "name": company.name,
            "domain": company.domain,
            "country": company.country,
            "city": company.city,
            "industry": self._dice.pick(names.INDUSTRIES),
        }
        if company.employees:
            properties["numberofemployees"] = str(company.employees)
        return Object("companies", company.id, properties, created, moment(self._dice, created, self._now))
