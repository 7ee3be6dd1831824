"""What sales did: meetings, calls and deals, each with its links (HUBSPOT.md 5.1, 5.9)."""

from __future__ import annotations

from connector.sandbox.population.account import OWNERS
from connector.sandbox.population.calendar import DAY, HOUR, MINUTE, SECOND, iso, moment, office
from connector.sandbox.population.dice import Dice, Weights
from connector.sandbox.population.ids import Dated
from connector.sandbox.population.journeys import Journey
from connector.sandbox.population.people import Person
from connector.sandbox.population.personas import BUYER
from connector.sandbox.rows import Link, Object

_OPEN_STAGES = Weights(
    {
        "appointmentscheduled": 0.2,
        "qualifiedtobuy": 0.25,
        "presentationscheduled": 0.25,
        "decisionmakerboughtin": 0.15,
        "contractsent": 0.15,
    }
)
_WON, _LOST = "closedwon", "closedlost"
_SECOND_DEAL = Weights({_WON: 0.4, _LOST: 0.35, "open": 0.25})
_SUBJECTS = (
    "Licence annuelle",
    "Pack démarrage",
    "Annual licence",
    "Audit + intégration",
    "Extension d'équipe",
    "Pilot",
)
_MEETINGS = (
    "Découverte",
    "Démonstration",
    "Intro call",
    "Point d'étape",
    "Présentation du devis",
    "Product demo",
)
_TYPES = ("Découverte", "Démo", "Suivi")
_HELD = Weights({"COMPLETED": 0.9, "RESCHEDULED": 0.06, "SCHEDULED": 0.04})  # some forget to note the outcome
_FAILED = Weights({"NO_SHOW": 0.5, "CANCELED": 0.5})
_CALLS = Weights(
    {
        "connected": 0.42,
        "no_answer": 0.3,
        "voicemail": 0.17,
        "busy": 0.05,
        "live_message": 0.03,
        "wrong": 0.03,
    }
)
_OUTCOMES = {  # call: (disposition, status, shortest and longest in seconds)
    "connected": ("f240bbac-87c9-4f6e-bf70-924b57d47db7", "COMPLETED", 40, 1500),
    "busy": ("9d9162e7-6cf3-4944-bf63-4dff82258764", "BUSY", 1, 8),
    "no_answer": ("73a0d17f-1163-4015-bdd5-ec830791da20", "NO_ANSWER", 5, 40),
    "voicemail": ("b2cf5968-551e-4856-9783-52b3da59a7d0", "COMPLETED", 15, 70),
    "live_message": ("a4c4c377-d246-4b32-a13b-75a56a4cd0ff", "COMPLETED", 20, 120),
    "wrong": ("17b47fee-58de-441e-a44c-c6300d46f273", "COMPLETED", 5, 30),
}


class Sales:
    def __init__(self, dice: Dice, now: int, start: int) -> None:
        self._dice = dice
        self._now = now
        self._ids = {kind: Dated(start) for kind in ("deals", "meetings", "calls")}

    def work(self, person: Person, journey: Journey) -> list[Object | Link]:
        """The records that sales has on `person`, each before the links that lead from it."""
        rows: list[Object | Link] = []
        self._meetings(rows, person, journey)
        self._calls(rows, person, journey)
        if journey.deal_at:
            closed = {"won": _WON, "lost": _LOST}.get(journey.outcome, "")
            self._deal(
                rows, person, closed or self._dice.draw(_OPEN_STAGES), journey.deal_at, journey.closed_at
            )
            self._second_deal(rows, person, journey)
        return rows

    def _meetings(self, rows: list[Object | Link], person: Person, journey: Journey) -> None:
        dice = self._dice
        if journey.outcome == "asked" and dice.chance(0.3):
            self._meeting(rows, person, moment(dice, journey.asked_at, self._now), dice.draw(_FAILED))
        if not journey.met_at:
            return
        if journey.outcome == "met" and dice.chance(0.4):
            self._appointment(rows, person)
            return
        failed = journey.outcome == "lost" and dice.chance(0.5)
        self._meeting(rows, person, journey.met_at, dice.draw(_FAILED if failed else _HELD))
        if journey.outcome in ("open", "won"):
            until = journey.closed_at or self._now
            for _ in range(dice.count(0.8)):
                self._meeting(rows, person, moment(dice, journey.deal_at, until), dice.draw(_HELD))
        if journey.outcome in ("open", "met") and dice.chance(0.3):
            self._appointment(rows, person)

    def _appointment(self, rows: list[Object | Link], person: Person) -> None:
        """A meeting still to come."""
        dice = self._dice
        made = moment(dice, max(person.created, self._now - 6 * DAY), self._now)
        self._meeting(rows, person, made, "SCHEDULED", office(dice, self._now + dice.between(5, 20) * DAY))

    def _meeting(
        self, rows: list[Object | Link], person: Person, at: int, outcome: str, start: int = 0
    ) -> None:
        dice = self._dice
        start = start or max(person.created, office(dice, at))
        made = (
            min(self._now, at) if start > self._now else max(person.created, start - dice.between(1, 6) * DAY)
        )
        end = start + dice.pick((30, 45, 60)) * MINUTE
        who = person.company.name if person.company else person.last
        properties = {
            "hs_timestamp": iso(start),
            "hs_meeting_title": f"{dice.pick(_MEETINGS)} – {who}",
            "hs_meeting_start_time": iso(start),
            "hs_meeting_end_time": iso(end),
            "hs_meeting_outcome": outcome,
            "hs_activity_type": dice.pick(_TYPES),
        }
        self._activity(rows, person, "meetings", properties, made, max(made, min(end, self._now)))

    def _calls(self, rows: list[Object | Link], person: Person, journey: Journey) -> None:
        dice = self._dice
        if person.owner < 0 or person.example:
            return
        for _ in range(dice.count(1.0 if person.persona is BUYER else 0.35)):
            at = max(person.created, office(dice, moment(dice, person.created, journey.end)))
            outcome = dice.draw(_CALLS)
            disposition, status, shortest, longest = _OUTCOMES[outcome]
            seconds = dice.between(shortest, longest)
            properties = {
                "hs_timestamp": iso(at),
                "hs_call_title": f"Appel {person.first} {person.last}",
                "hs_call_direction": "OUTBOUND" if dice.chance(0.86) else "INBOUND",
                "hs_call_duration": str(seconds * SECOND + dice.below(1000)),
                "hs_call_status": status,
                "hs_call_disposition": disposition,
            }
            self._activity(rows, person, "calls", properties, at, min(self._now, at + seconds * SECOND))

    def _activity(
        self,
        rows: list[Object | Link],
        person: Person,
        kind: str,
        properties: dict[str, str],
        made: int,
        modified: int,
    ) -> None:
        if person.owner >= 0:
            properties["hubspot_owner_id"] = str(OWNERS[person.owner].id)
        number = self._ids[kind].at(made)
        rows.append(Object(kind, number, properties, made, modified))
        rows.append(Link(kind, number, "contacts", person.id))

    def _second_deal(self, rows: list[Object | Link], person: Person, journey: Journey) -> None:
        """Customers come back, some lost ones are tried again."""
        dice, latest = self._dice, self._now - 15 * DAY
        share = {"won": 0.7, "lost": 0.4}.get(journey.outcome, 0.0)
        if journey.closed_at + 10 * DAY > latest or not dice.chance(share):
            return
        made = moment(dice, journey.closed_at + 10 * DAY, latest)
        stage = dice.draw(_SECOND_DEAL) if journey.outcome == "won" else _LOST
        if stage == "open":
            self._deal(rows, person, dice.draw(_OPEN_STAGES), made, 0)
        else:
            self._deal(rows, person, stage, made, moment(dice, made + 8 * DAY, self._now - HOUR))

    def _deal(self, rows: list[Object | Link], person: Person, stage: str, made: int, closed: int) -> None:
        dice = self._dice
        company = person.company
        properties = {
            "dealname": f"{company.name if company else person.last} – {dice.pick(_SUBJECTS)}",
            "pipeline": "default",
            "dealstage": stage,
            "closedate": iso(closed or self._now + dice.between(-12, 60) * DAY),
            "hubspot_owner_id": str(OWNERS[max(person.owner, 0)].id),
        }
        amount = self._amount(person)
        if not dice.chance(0.08):  # nobody filled it in, won or not
            properties["amount"] = str(amount)
        number = self._ids["deals"].at(made)
        touched = closed if stage in (_WON, _LOST) else moment(dice, made, self._now)
        rows.append(Object("deals", number, properties, made, max(made, touched)))
        rows.append(Link("deals", number, "contacts", person.id))
        if company and company.id:
            rows.append(Link("deals", number, "companies", company.id, primary=True))
            colleagues = [each for each in company.people if each != person.id]
            if colleagues and dice.chance(0.12):
                rows.append(Link("deals", number, "contacts", dice.pick(colleagues)))

    def _amount(self, person: Person) -> int:
        size = person.company.employees if person.company else 0
        seats = 3 if size < 50 else 12 if size <= 1000 else 40
        return self._dice.between(seats, seats * 3) * 900 + self._dice.below(9) * 100
