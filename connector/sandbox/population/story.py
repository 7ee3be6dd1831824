"""Tells each person's rows, in the order in which they may refer to each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from connector.sandbox.population import account, contacts, counters, journeys, lifecycle
from connector.sandbox.population.calendar import DAY, MINUTE, YEAR, moment
from connector.sandbox.population.companies import Companies
from connector.sandbox.population.dice import Dice
from connector.sandbox.population.followups import Followups
from connector.sandbox.population.ids import Serial
from connector.sandbox.population.mail import Mailbox, Mailing
from connector.sandbox.population.people import People, Person
from connector.sandbox.population.personas import DORMANT, FAIR_VISITOR, GONE, NEWSLETTER, RESEARCHER
from connector.sandbox.population.sales import Sales
from connector.sandbox.population.waves import Arrival, Wave
from connector.sandbox.population.web import Site, Visits
from connector.sandbox.population.webinars import Webinars
from connector.sandbox.rows import Alias, Link, Membership, Object, Row, Submission

_LEAVERS = Wave("leavers", 0.0, 0.0, GONE)
_BIN = 85 * DAY  # the CRM empties its bin after 90


class Story:
    """One stream of chance per subject: a change in one leaves the others as they are."""

    def __init__(self, seed: int, now: int) -> None:
        self._now = now
        companies = Companies(Dice(seed, "companies"), Serial(10_000_000_000, Dice(seed, "company ids")), now)
        ids = Serial(10_000_000_000, Dice(seed, "contact ids"))
        self.people = People(Dice(seed, "people"), Dice(seed, "doubles"), ids, companies, now)
        self._journeys = Dice(seed, "journeys")
        self._records = Dice(seed, "records")
        self._lists = Dice(seed, "lists")
        self._site = Site(Dice(seed, "site"), now)
        self._mailing = Mailing(Dice(seed, "mail"), now)
        self._sales = Sales(Dice(seed, "sales"), now, now - YEAR)
        self._followups = Followups(Dice(seed, "followups"), now, now - YEAR)
        self._bin = Dice(seed, "bin")
        self._webinars = Webinars(Dice(seed, "webinars"), now)

    def of(self, person: Person, company: Row | None) -> Iterator[Row]:
        """A person whom the account has: the company, the record, what they did, what sales did."""
        if company:
            yield company
        journey = self._journey(person)
        visits = self._site.visits(person, journey)
        box = self._mailing.mailbox(person, journey)
        work = self._sales.work(person, journey) + self._followups.of(person, journey)
        yield self._record(person, journey, visits, box, work)
        yield from _aliases(person)
        yield from self._links(person)
        yield from visits.submissions
        yield from visits.events
        yield from box.events
        yield from work
        yield from self._memberships(person, visits)
        yield from self._webinars.of(person, visits.submissions)
        yield from self._strays(person)

    def binned(self, number: int, created: int) -> Iterator[Row]:
        """Somebody whose record lies in the bin; what they did before that is still told of."""
        person, company = self.people.meet(number, Arrival(created, _LEAVERS))
        if company:
            yield company
        archived = moment(self._bin, max(created, self._now - _BIN), self._now)
        journey = self._journey(person)
        visits = self._site.visits(person, journey).until(archived)
        box = self._mailing.mailbox(person, journey).until(archived)
        record = self._record(person, journey, visits, box, [])
        stages = tuple(each for each in record.history["lifecyclestage"] if each.at <= archived)
        record.properties["lifecyclestage"] = stages[0].value
        modified = min(record.modified, archived)
        yield replace(record, archived=archived, modified=modified, history={"lifecyclestage": stages})
        yield from _aliases(person)
        yield from self._links(person)
        yield from visits.submissions
        yield from visits.events
        yield from box.events

    def erased(self, at: int) -> Iterator[Row]:
        """Somebody of whom nothing may be left: a hole in the ids, perhaps a note that nobody thought of."""
        self.people.skip()
        yield from self._followups.left(at)

    def _journey(self, person: Person) -> journeys.Journey:
        if person.example:
            return journeys.Journey("hot", person.created, self._now, (self._now - 28 * DAY, self._now))
        return journeys.plan(self._journeys, person.persona, person.created, self._now, person.fits)

    def _record(
        self,
        person: Person,
        journey: journeys.Journey,
        visits: Visits,
        box: Mailbox,
        work: list[Object | Link],
    ) -> Object:
        form = visits.submissions[0].form if visits.submissions else ""
        stages = lifecycle.history(self._records, person, journey, form, self._now)
        counted = counters.of(visits, box, work, self._now)
        seen, left = _last_seen(visits, box), box.opted_out > 0
        return contacts.record(self._records, person, journey, stages, seen, left, counted, self._now)

    def _links(self, person: Person) -> Iterator[Link]:
        company = person.company
        if company:
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


def _aliases(person: Person) -> Iterator[Alias]:
    """The ids that were merged away stand for the record that came of them; the last merge first."""
    for id, survivor, at in reversed(person.merge.aliases if person.merge else ()):
        yield Alias("contacts", id, survivor, at)


def _last_seen(visits: Visits, box: Mailbox) -> int:
    times = [each.at for each in visits.submissions]
    times += [each.at for each in visits.events]
    times += [each.at for each in box.events]
    return max(times, default=0)
