"""Marketing e-mail: two campaigns a month, and what became of them (HUBSPOT.md 5.3).

A delivery is told of where something followed from it, and of some others: the mass of the silent ones would
be nine tenths of the account and say nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace

from connector.sandbox.population.calendar import DAY, HOUR, MINUTE, SECOND, YEAR, month_of
from connector.sandbox.population.dice import Dice
from connector.sandbox.population.journeys import Journey
from connector.sandbox.population.people import Person
from connector.sandbox.population.personas import PURCHASED
from connector.sandbox.population.web import SITE
from connector.sandbox.rows import EmailEvent

_SUBJECTS = (
    "Ce que vos prospects lisent vraiment",
    "Infolettre de {month} : le SEO n'est pas mort",
    "5 erreurs d'attribution à éviter",
    "The ABM playbook: chapter {number}",
    "Webinaire : RGPD et prospection, où en est-on ?",
    "How Novélia doubled its pipeline",
    "Rendez-vous au salon : badge offert",
    "Nouveautés de {month}",
    "What is a good MQL? We asked 40 teams",
    "Étude de cas : trois mois, +38 % de démos",
    "Your {month} product update",
    "L'été sera chaud : vos leads aussi",
)
_MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)
_LINKS = tuple(
    f"{SITE}{path}?utm_medium=email"
    for path in (
        "/",
        "/blog/definir-un-mql",
        "/clients",
        "/produit",
        "/demo",
        "/tarifs",
        "/evenements/salon",
        "/desinscription",
    )
)
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/19.1 Safari/605.1.15",
)
_PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
_SCANNER = "Mozilla/5.0 (compatible; SecureLinks-Gateway/4.2)"


_UNKNOWN_USER = {"category": "UNKNOWN_USER", "status": "5.1.1", "response": "550 5.1.1 user unknown"}
_TRANSIT = 8 * SECOND  # from SENT to DELIVERED
_SCANNED = 0.6  # of the messages to a company behind a gateway: it knows some senders by now


@dataclass(frozen=True, slots=True)
class Campaign:
    id: int
    at: int
    subject: str


@dataclass(slots=True)
class Mailbox:
    """What a person's address saw; `opted_out` is when it left the mailings, 0 = it did not."""

    events: list[EmailEvent]
    opted_out: int = 0

    def until(self, end: int) -> Mailbox:
        """What of it was before `end`."""
        left = self.opted_out if self.opted_out < end else 0
        return Mailbox([each for each in self.events if each.at < end], left)


class Mailing:
    def __init__(self, dice: Dice, now: int) -> None:
        self._dice = dice
        self._now = now
        self._campaigns = _campaigns(dice, now)
        self._sent = [each.at for each in self._campaigns]

    def mailbox(self, person: Person, journey: Journey) -> Mailbox:
        box = Mailbox([])
        if not person.email:
            return box
        received = self._campaigns[bisect_left(self._sent, person.created) :]
        if person.persona is PURCHASED:
            self._bought(box, person, received)
            return box
        behind = person.company is not None and person.company.scanning
        obsessed = not person.example and self._dice.chance(0.001)
        for campaign in received:
            if box.opted_out:
                break
            scanned = behind and person.guarded(campaign.at) and self._dice.chance(_SCANNED)
            read = self._dice.chance(_interest(person, journey, campaign.at))
            if scanned or read:
                self._delivered(box, person, campaign)
            elif self._dice.chance(0.004):
                box.events.append(self._event(person, campaign, "SENT", campaign.at))
                self._delivered(box, person, campaign)
            if scanned:
                self._scan(box, person, campaign)
            if read:
                self._read(box, person, campaign, 50 if obsessed else 1 + (self._dice.random() < 0.16))
                obsessed = False
        self._refused(box, person, received)
        return box

    def _event(
        self,
        person: Person,
        campaign: Campaign,
        kind: str,
        at: int,
        url: str = "",
        agent: str = "",
        filtered: bool = False,
    ) -> EmailEvent:
        recipient, subject = person.address(campaign.at), campaign.subject
        return EmailEvent(self._dice.uuid(), kind, at, recipient, campaign.id, subject, url, filtered, agent)

    def _bought(self, box: Mailbox, person: Person, received: list[Campaign]) -> None:
        """A bought list was written to once: some addresses are dead, some owners angry."""
        if not received:
            return
        campaign, share = received[0], self._dice.random()
        if share < 0.08:
            bounced = self._event(person, campaign, "BOUNCE", campaign.at + 20 * SECOND)
            box.events.append(replace(bounced, extra=_UNKNOWN_USER))
            if share < 0.01 and campaign.at + 9 * DAY < self._now:  # the address was made after all
                box.events.append(self._event(person, campaign, "UNBOUNCE", campaign.at + 9 * DAY))
        elif share < 0.09:
            box.opted_out = campaign.at + HOUR
            box.events.append(self._event(person, campaign, "SPAMREPORT", box.opted_out))

    def _delivered(self, box: Mailbox, person: Person, campaign: Campaign) -> None:
        box.events.append(self._event(person, campaign, "DELIVERED", campaign.at + _TRANSIT))

    def _refused(self, box: Mailbox, person: Person, received: list[Campaign]) -> None:
        """What the CRM itself did not send to somebody who had left: told once."""
        later = [each for each in received if each.at > box.opted_out] if box.opted_out else []
        if later:
            box.events.append(self._event(person, later[0], "SUPPRESSED", later[0].at))

    def _read(self, box: Mailbox, person: Person, campaign: Campaign, times: int) -> None:
        dice = self._dice
        proxied = dice.chance(0.05)
        agent = _PROXY if proxied else dice.pick(_AGENTS)
        at = campaign.at + 2 * MINUTE
        for _ in range(times):
            late = dice.random()
            at += int(late * late * late * (4 * DAY if times < 5 else 6 * HOUR)) + SECOND
            if at < self._now:
                box.events.append(
                    self._event(person, campaign, "OPEN", at, "", agent, proxied and dice.chance(0.5))
                )
        if dice.chance(person.persona.clicks):
            self._click(box, person, campaign, at, agent)
        if not person.example and dice.chance(0.006):
            self._leave(box, person, campaign, at + 2 * MINUTE)

    def _click(self, box: Mailbox, person: Person, campaign: Campaign, at: int, agent: str) -> None:
        for _ in range(1 + self._dice.chance(0.2)):
            at += self._dice.between(15, 240) * SECOND
            if at < self._now:
                url = self._dice.pick(_LINKS[:-1])
                box.events.append(self._event(person, campaign, "CLICK", at, url, agent))

    def _leave(self, box: Mailbox, person: Person, campaign: Campaign, at: int) -> None:
        if at < self._now:
            box.opted_out = at
            box.events.append(self._event(person, campaign, "STATUSCHANGE", at))

    def _scan(self, box: Mailbox, person: Person, campaign: Campaign) -> None:
        """A mail gateway opens the message and follows every link at once; the CRM notices half of it."""
        dice = self._dice
        at = campaign.at + _TRANSIT + dice.between(1, 12) * SECOND
        if at + 10 * SECOND > self._now:
            return
        filtered = dice.chance(0.5)
        box.events.append(self._event(person, campaign, "OPEN", at, "", _SCANNER, filtered))
        for number, url in enumerate(_LINKS):
            clicked = at + 400 + number * 300 + dice.below(200)
            box.events.append(self._event(person, campaign, "CLICK", clicked, url, _SCANNER, filtered))
        if dice.chance(0.005):  # the gateway's visit to the last link did unsubscribe somebody
            self._leave(box, person, campaign, at + 5 * SECOND)


def _campaigns(dice: Dice, now: int) -> list[Campaign]:
    """24 of them, some 15 days apart, the last one a few days before `now`; ids of nine digits."""
    campaigns, number = [], 214_000_000 + dice.below(1_000_000)
    for i in range(24):
        number += 1 + dice.below(9_000_000)
        at = now - YEAR + (i + 1) * YEAR // 24 - 4 * DAY - dice.below(5 * HOUR)
        month = _MONTHS[month_of(at) - 1]
        campaigns.append(
            Campaign(number, at, _SUBJECTS[i % len(_SUBJECTS)].format(month=month, number=i // 12 + 1))
        )
    return campaigns


def _interest(person: Person, journey: Journey, at: int) -> float:
    if person.example:
        return 0.9
    if at > journey.end and journey.outcome != "won":
        return 0.04 if journey.end else 0.0
    if journey.heat[0] <= at <= journey.heat[1]:
        return min(0.9, person.persona.opens * 1.5)
    return person.persona.opens
