"""What sales wrote down: notes, tasks, e-mails to one person, messages (HUBSPOT.md 5.1)."""

from __future__ import annotations

from collections.abc import Iterator

from connector.sandbox.population.account import FORMER, OWNERS
from connector.sandbox.population.calendar import DAY, HOUR, MINUTE, iso, moment, office
from connector.sandbox.population.dice import Dice, Weights
from connector.sandbox.population.ids import Dated
from connector.sandbox.population.journeys import Journey
from connector.sandbox.population.people import Person
from connector.sandbox.population.personas import BUSINESS_CARD, BUYER, FAIR_VISITOR
from connector.sandbox.rows import Link, Object

_NOTES = (
    "Rappeler après le salon, budget voté en janvier.",
    "Décide avec la DSI ; veut un devis pour 12 postes.",
    "Utilise un concurrent jusqu'en juin.",
    "Very interested in the attribution module.",
    "Pas le bon interlocuteur : demander la direction.",
    "Left the company? Check LinkedIn.",
)
_TASKS = (
    ("Relancer {who}", "CALL"),
    ("Envoyer l'étude de cas à {who}", "EMAIL"),
    ("Préparer le devis – {who}", "TODO"),
    ("Follow up with {who}", "CALL"),
    ("Vérifier les coordonnées de {who}", "TODO"),
)
_PRIORITY = Weights({"NONE": 0.5, "MEDIUM": 0.3, "HIGH": 0.15, "LOW": 0.05})
_UNDONE = Weights({"NOT_STARTED": 0.75, "IN_PROGRESS": 0.15, "WAITING": 0.1})
_SUBJECTS = (
    "Suite à notre échange",
    "Votre demande de démonstration",
    "Proposition commerciale",
    "Quick question about your project",
    "Documents promis",
)
_CHANNELS = Weights({"LINKEDIN_MESSAGE": 0.6, "WHATS_APP": 0.25, "SMS": 0.15})
_MESSAGES = ("Merci pour l'échange !", "Toujours partant pour jeudi ?", "Nice to meet you at the fair.")
_KINDS = ("notes", "tasks", "emails", "communications")


class Followups:
    def __init__(self, dice: Dice, now: int, start: int) -> None:
        self._dice = dice
        self._now = now
        self._ids = {kind: Dated(start) for kind in _KINDS}

    def of(self, person: Person, journey: Journey) -> list[Object | Link]:
        """The records on `person`, each before the link that leads from it. Nobody writes without an owner."""
        rows: list[Object | Link] = []
        if person.owner < 0 or person.owner == FORMER or person.example:
            return rows
        dice, buyer = self._dice, person.persona is BUYER
        met = person.persona in (BUSINESS_CARD, FAIR_VISITOR)
        for _ in range(dice.count(0.9 if buyer else 0.35 if met else 0.1)):
            self._put(rows, "notes", person, self._at(person, journey), self._note())
        for _ in range(dice.count(0.8 if buyer else 0.25 if met else 0.12)):
            self._task(rows, person, journey)
        if person.email:
            for _ in range(dice.count(2.2 if buyer else 0.25)):
                self._mail(rows, person, self._at(person, journey))
        if dice.chance(0.15 if buyer else 0.04):
            self._put(rows, "communications", person, self._at(person, journey), self._message())
        return rows

    def left(self, at: int) -> Iterator[Object]:
        """What is left of somebody who was erased: a note or a message that belongs to nobody (3.8)."""
        dice = self._dice
        made = max(at, office(dice, moment(dice, at, self._now)))
        if dice.chance(0.5):
            yield self._record("notes", made, self._note(), dice.below(6))
        elif dice.chance(0.4):
            yield self._record("communications", made, self._message(), dice.below(6))

    def _at(self, person: Person, journey: Journey) -> int:
        at = moment(self._dice, person.created, journey.end)
        return max(person.created, office(self._dice, at) + self._dice.below(29) * MINUTE)

    def _note(self) -> dict[str, str]:
        return {"hs_note_body": f"<p>{self._dice.pick(_NOTES)}</p>"}

    def _message(self) -> dict[str, str]:
        channel = self._dice.draw(_CHANNELS)
        values = {"hs_communication_channel_type": channel, "hs_communication_logged_from": "CRM"}
        return {**values, "hs_communication_body": self._dice.pick(_MESSAGES)}

    def _task(self, rows: list[Object | Link], person: Person, journey: Journey) -> None:
        dice, made = self._dice, self._at(person, journey)
        due = max(made, office(dice, made + dice.between(2, 12) * DAY))
        done = due < self._now and dice.chance(0.7)
        subject, sort = dice.pick(_TASKS)
        values = {
            "hs_timestamp": iso(due),
            "hs_task_subject": subject.format(who=f"{person.first} {person.last}"),
            "hs_task_status": "COMPLETED" if done else dice.draw(_UNDONE),
            "hs_task_priority": dice.draw(_PRIORITY),
            "hs_task_type": sort,
        }
        if done:
            values["hs_task_completion_date"] = iso(due)
        self._put(rows, "tasks", person, made, values, due if done else made)

    def _mail(self, rows: list[Object | Link], person: Person, at: int) -> None:
        """An e-mail by hand, and perhaps an answer."""
        dice = self._dice
        subject, owner = dice.pick(_SUBJECTS), OWNERS[person.owner].email
        self._put(rows, "emails", person, at, _mail(subject, "EMAIL", owner, person.address(at)))
        answered = at + dice.between(1, 50) * HOUR
        if answered < self._now and dice.chance(0.38 if person.persona is BUYER else 0.08):
            values = _mail(f"RE: {subject}", "INCOMING_EMAIL", person.address(answered), owner)
            self._put(rows, "emails", person, answered, values)

    def _put(
        self,
        rows: list[Object | Link],
        kind: str,
        person: Person,
        made: int,
        values: dict[str, str],
        modified: int = 0,
    ) -> None:
        record = self._record(kind, made, values, person.owner, modified)
        rows.append(record)
        rows.append(Link(kind, record.id, "contacts", person.id))

    def _record(self, kind: str, made: int, values: dict[str, str], owner: int, modified: int = 0) -> Object:
        properties = {"hs_timestamp": iso(made), **values, "hubspot_owner_id": str(OWNERS[owner].id)}
        return Object(kind, self._ids[kind].at(made), properties, made, max(made, modified))


def _mail(subject: str, direction: str, sender: str, to: str) -> dict[str, str]:
    return {
        "hs_email_subject": subject,
        "hs_email_direction": direction,
        "hs_email_status": "SENT",
        "hs_email_from_email": sender,
        "hs_email_to_email": to,
        "hs_email_text": "Bonjour,\n\nComme convenu.\n",
    }
