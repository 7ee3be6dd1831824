"""The stages that the CRM, its automation and its people gave a contact (HUBSPOT.md 4.1, 4.3, 4.8)."""

from __future__ import annotations

from connector.sandbox.population.account import PARTNER, REWARM
from connector.sandbox.population.calendar import DAY, MINUTE, SECOND, moment
from connector.sandbox.population.dice import Dice
from connector.sandbox.population.journeys import Journey
from connector.sandbox.population.people import Person
from connector.sandbox.population.personas import BUSINESS_CARD, COORDINATES, DORMANT, NEWSLETTER, RESEARCHER
from connector.sandbox.rows import Version

_APP_ID = "3141592"
_IMPORT_IDS = {
    "old_crm": "4100017",
    "bought_1": "4100042",
    "fair_1": "4100055",
    "bought_2": "4100071",
    "fair_2": "4100093",
}
_USER_ID = 28_604_240  # of the first owner; the CRM's users and owners are numbered apart
_BY_HAND = {"asked": 0.45, "met": 0.5, "open": 0.5, "lost": 0.5, "won": 0.5, "hot": 0.14}
_UNFOUNDED = {
    COORDINATES.name: 0.02,
    RESEARCHER.name: 0.03,
    DORMANT.name: 0.03,
}  # set by hand without a sale in sight


def _source_id(person: Person, form: str, dice: Dice) -> str:
    """What the history names beside the sourceType of the record's creation."""
    user = f"userId:{_USER_ID + dice.below(6)}"
    if person.origin == "IMPORT":
        return _IMPORT_IDS.get(person.wave, "4100200")
    return {"FORM": form, "INTEGRATION": _APP_ID, "CRM_UI": user}[person.origin]


def history(dice: Dice, person: Person, journey: Journey, form: str, now: int) -> tuple[Version, ...]:
    """Versions of `lifecyclestage`, newest first, forward only.

    The oldest is the account's default, `lead`. `form`: guid of the form that made the record, if one did.
    """
    versions = [Version("lead", person.created, person.origin, _source_id(person, form, dice))]
    versions += _by_people(dice, person, journey, now) or _of_the_account(dice, person, journey, now)
    at = versions[-1].at
    if journey.deal_at and dice.chance(0.75):
        at = max(journey.deal_at, at) + 2 * SECOND
        versions.append(Version("opportunity", at, "PIPELINE_SETTINGS", "LCS-set-on-Deal-creation"))
    if journey.outcome == "won" and dice.chance(0.94):
        at = max(journey.closed_at, at) + 2 * SECOND
        versions.append(Version("customer", at, "PIPELINE_SETTINGS", "LCS-set-on-Deal-won"))
    return tuple(reversed(versions))


def _of_the_account(dice: Dice, person: Person, journey: Journey, now: int) -> list[Version]:
    """The stages that the account made: its workflow puts the cold ones aside, people mark partners."""
    if journey.outcome or person.example:
        return []
    share = dice.random()
    if person.persona in (DORMANT, RESEARCHER, NEWSLETTER) and share < 0.07:
        at = moment(dice, min(now, person.created + 30 * DAY), now)
        return [Version(REWARM, at, "AUTOMATION_PLATFORM", "enrollmentId:118230417")]
    if person.persona in (COORDINATES, BUSINESS_CARD) and person.owner >= 0 and share < 0.02:
        user = f"userId:{_USER_ID + person.owner}"
        return [Version(PARTNER, moment(dice, min(now, person.created + MINUTE), now), "CRM_UI", user)]
    return []


def _by_people(dice: Dice, person: Person, journey: Journey, now: int) -> list[Version]:
    share = _BY_HAND.get(journey.outcome, _UNFOUNDED.get(person.persona.name, 0.0))
    if person.example or person.owner < 0 or not dice.chance(share):
        return []
    user = f"userId:{_USER_ID + person.owner}"
    until = journey.deal_at or now
    first = moment(dice, max(person.created + MINUTE, until - 20 * DAY), until)
    stages = [Version("marketingqualifiedlead", min(first, now), "CRM_UI", user)]
    if journey.outcome != "hot" and dice.chance(0.7):
        second = moment(dice, first, until)
        stages.append(Version("salesqualifiedlead", min(second, now), "CRM_UI", user))
    return stages if dice.chance(0.6) else stages[-1:]
