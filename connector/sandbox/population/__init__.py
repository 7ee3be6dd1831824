"""A believable account with twelve months of history: who is in it, what they did, what sales made of it.

The behaviour follows from who a person is (`personas`) and how far they go (`journeys`),
so that a good scoring finds
the buyers; the dirt of real accounts is in it too. Everything is a function of (contacts, seed, now).
"""

from __future__ import annotations

from collections.abc import Iterator

from connector.sandbox.population import account, contacts, journeys, lifecycle
from connector.sandbox.population.calendar import DAY, MINUTE, YEAR, moment
from connector.sandbox.population.companies import Companies
from connector.sandbox.population.dice import Dice
from connector.sandbox.population.ids import Serial
from connector.sandbox.population.mail import Mailbox, Mailing
from connector.sandbox.population.people import People, Person
from connector.sandbox.population.personas import DORMANT, FAIR_VISITOR, NEWSLETTER, RESEARCHER
from connector.sandbox.population.sales import Sales
from connector.sandbox.population.waves import arrivals
from connector.sandbox.population.web import Site, Visits
from connector.sandbox.rows import Link, Membership, Row, Submission

__all__ = ["populate"]

_WITH_JANE = 10  # the smallest account that has jane@acme.fr


def populate(contacts: int, seed: int, now: int) -> Iterator[Row]:
    """The rows of an account with `contacts` contacts: twelve months of history ending at `now` (epoch ms).

    A row refers only to rows that came before it. Ids have 11 digits and grow with the time of creation.
    Nothing is later than `now`, but the start and end of appointments and the close dates of open deals.
    """
    yield from account.rows(now)
    story = _Story(seed, now)
    for number, arrival in enumerate(arrivals(contacts, Dice(seed, "arrivals"), now)):
        if number == contacts * 3 // 4 and contacts >= _WITH_JANE:
            yield from story.of(*story.people.jane(number, arrival))
        else:
            yield from story.of(*story.people.meet(number, arrival))


class _Story:
    """Tells each person's rows; one stream of chance per subject."""

    def __init__(self, seed: int, now: int) -> None:
        self._now = now
        companies = Companies(Dice(seed, "companies"), Serial(10_000_000_000, Dice(seed, "company ids")), now)
        self.people = People(
            Dice(seed, "people"), Serial(10_000_000_000, Dice(seed, "contact ids")), companies
        )
        self._journeys = Dice(seed, "journeys")
        self._records = Dice(seed, "records")
        self._lists = Dice(seed, "lists")
        self._site = Site(Dice(seed, "site"), now)
        self._mailing = Mailing(Dice(seed, "mail"), now)
        self._sales = Sales(Dice(seed, "sales"), now, now - YEAR)

    def of(self, person: Person, company: Row | None) -> Iterator[Row]:
        if company:
            yield company
        journey = journeys.plan(self._journeys, person.persona, person.created, self._now, person.fits)
        if person.example:
            journey = journeys.Journey("hot", person.created, self._now, (self._now - 28 * DAY, self._now))
        visits = self._site.visits(person, journey)
        form = visits.submissions[0].form if visits.submissions else ""
        stages = lifecycle.history(self._records, person, journey, form, self._now)
        box = self._mailing.mailbox(person, journey)
        seen = _last_seen(visits, box)
        yield contacts.record(self._records, person, journey, stages, seen, box.opted_out > 0, self._now)
        yield from self._links(person)
        yield from visits.submissions
        yield from visits.events
        yield from box.events
        yield from self._sales.work(person, journey)
        yield from self._memberships(person, visits)
        yield from self._strays(person)

    def _links(self, person: Person) -> Iterator[Link]:
        company = person.company
        if company and company.id:
            yield Link("contacts", person.id, "companies", company.id, primary=True)
            if len(company.people) < 5:
                company.people.append(person.id)

    def _memberships(self, person: Person, visits: Visits) -> Iterator[Membership]:
        dice, now = self._lists, self._now
        if person.wave in account.FAIR_LISTS and person.persona.list_origin != "business_card":
            yield Membership(account.FAIR_LISTS[person.wave], person.id, person.created)
        recent = [at for at in visits.pricing if at > now - 30 * DAY]
        if recent:
            yield Membership(account.PRICING_LIST, person.id, min(now, min(recent) + 3 * MINUTE))
        if person.persona in (NEWSLETTER, RESEARCHER, DORMANT, FAIR_VISITOR) and dice.chance(0.06):
            yield Membership(account.NURTURING_LIST, person.id, moment(dice, person.created, now))

    def _strays(self, person: Person) -> Iterator[Submission]:
        if person.email and self._lists.chance(0.005):
            yield self._site.stray(person)


def _last_seen(visits: Visits, box: Mailbox) -> int:
    times = [each.at for each in visits.submissions]
    times += [each.at for each in visits.events]
    times += [each.at for each in box.events]
    return max(times, default=0)
