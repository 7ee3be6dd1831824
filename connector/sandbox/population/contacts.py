"""The contact's own record: its properties as text, its history, the time of its last change."""

from __future__ import annotations

from connector.sandbox.population import names
from connector.sandbox.population.account import OWNERS
from connector.sandbox.population.calendar import HOUR, YEAR, moment
from connector.sandbox.population.dice import Dice, Weights
from connector.sandbox.population.journeys import Journey
from connector.sandbox.population.people import Person
from connector.sandbox.population.personas import BUYER, STUDENT
from connector.sandbox.rows import Object, Version

_ONLINE = {  # where a form's sender came from
    "buyer": Weights(
        {
            "ORGANIC_SEARCH": 0.4,
            "REFERRALS": 0.2,
            "PAID_SEARCH": 0.18,
            "DIRECT_TRAFFIC": 0.12,
            "EMAIL_MARKETING": 0.06,
            "SOCIAL_MEDIA": 0.04,
        }
    ),
    "": Weights(
        {
            "ORGANIC_SEARCH": 0.36,
            "SOCIAL_MEDIA": 0.18,
            "DIRECT_TRAFFIC": 0.16,
            "PAID_SOCIAL": 0.1,
            "PAID_SEARCH": 0.08,
            "EMAIL_MARKETING": 0.06,
            "REFERRALS": 0.04,
            "OTHER_CAMPAIGNS": 0.02,
        }
    ),
}
_STATUS = {  # hs_lead_status by outcome; "" = empty
    "won": Weights({"CONNECTED": 0.5, "OPEN_DEAL": 0.2, "": 0.3}),
    "lost": Weights({"BAD_TIMING": 0.5, "UNQUALIFIED": 0.5}),
    "open": Weights({"OPEN_DEAL": 0.8, "IN_PROGRESS": 0.2}),
    "met": Weights({"CONNECTED": 0.5, "IN_PROGRESS": 0.5}),
    "asked": Weights({"OPEN": 0.4, "ATTEMPTED_TO_CONTACT": 0.35, "NEW": 0.25}),
    "hot": Weights({"": 0.5, "NEW": 0.4, "ATTEMPTED_TO_CONTACT": 0.1}),
    "": Weights({"": 0.72, "NEW": 0.16, "ATTEMPTED_TO_CONTACT": 0.06, "UNQUALIFIED": 0.06}),
}


def record(
    dice: Dice,
    person: Person,
    journey: Journey,
    stages: tuple[Version, ...],
    last_seen: int,
    opted_out: bool,
    counted: dict[str, str],
    now: int,
) -> Object:
    """`stages`: the history of `lifecyclestage`, newest first. `last_seen`: the last activity, 0 if none.

    `counted`: what the CRM counts of it (`counters`).
    """
    properties = _identity(dice, person)
    properties.update(counted)
    properties["hs_analytics_source"] = _source(dice, person)
    properties["lifecyclestage"] = stages[0].value
    status = "NEW" if person.example else dice.draw(_STATUS[journey.outcome])
    if status:
        properties["hs_lead_status"] = status
    if person.owner >= 0:
        properties["hubspot_owner_id"] = str(OWNERS[person.owner].id)
    if opted_out:
        properties["hs_email_optout"] = "true"
    if not person.example:
        _contradict(dice, person, properties)
    merged = person.merge.at if person.merge else 0
    modified = _modified(dice, person, max(stages[0].at, last_seen, merged), now)
    return Object("contacts", person.id, properties, person.created, modified, {"lifecyclestage": stages})


def _identity(dice: Dice, person: Person) -> dict[str, str]:
    properties = {
        "firstname": person.first,
        "lastname": person.last,
        "country": person.country,
        "city": person.city,
    }
    optional = {
        "email": person.email,
        "jobtitle": person.title,
        "hs_persona": person.persona_value,
        "list_origin": _list_origin(dice, person),
        "hs_additional_emails": person.other,
        "hs_object_source": person.origin,
        **_merged(person),
    }
    properties.update({name: value for name, value in optional.items() if value})
    if person.company and dice.chance(0.7):
        properties["company"] = person.company.name
    if dice.chance(0.4):
        properties["phone"] = _phone(dice, person.country)
    return properties


def _merged(person: Person) -> dict[str, str]:
    """What tells of a merge (3.8): the old ids, and when each of the later ones came in."""
    merge = person.merge
    if merge is None:
        return {}
    old = ";".join(map(str, merge.old))
    gone = [f"{id}:{at}" for id, _, at in merge.aliases[1::2]]
    return {
        "hs_merged_object_ids": old,
        "hs_all_contact_vids": old,
        "hs_calculated_merged_vids": ";".join(gone),
    }


def _list_origin(dice: Dice, person: Person) -> str:
    if person.persona.list_origin:
        return person.persona.list_origin
    if person.wave.startswith("fair"):
        return "trade_fair"
    referred = person.persona is BUYER and not person.example and dice.chance(0.08)
    return "referral" if referred else ""


def _source(dice: Dice, person: Person) -> str:
    if person.origin != "FORM":
        return "OFFLINE"
    return dice.draw(_ONLINE["buyer" if person.persona is BUYER else ""])


def _phone(dice: Dice, country: str) -> str:
    code = names.CITIES[country][1]
    pairs = [f"{dice.below(100):02d}" for _ in range(4)]
    if code == "+33":
        return (
            ".".join([f"0{dice.between(1, 7)}", *pairs]) if dice.chance(0.3) else f"+33 6 {' '.join(pairs)}"
        )
    return f"{code} {dice.between(20, 99)} {''.join(pairs)}"


def _contradict(dice: Dice, person: Person, properties: dict[str, str]) -> None:
    """Dirt: one record in twenty says two things at once, or nothing."""
    if person.persona is STUDENT and dice.chance(0.06):
        properties["hs_persona"] = "decision_maker"
    share = dice.random()
    if share < 0.01:
        properties["country"] = dice.pick(("FR", "france", "France ", "Espagne", "NO"))
    elif share < 0.02:
        properties["company"] = dice.pick(("-", "n/a", "Indépendant", "test", "ACME"))
    elif share < 0.027 and person.persona.list_origin != "purchased_list":
        properties["hs_email_optout"] = "true"
    elif share < 0.032:  # two columns of an import were swapped
        properties["firstname"], properties["lastname"] = person.last, person.first
    elif share < 0.038:
        properties["lastname"] = dice.pick((".", "?", "Inconnu", "TEST"))
    elif share < 0.046:
        for name in ("firstname", "lastname", "city"):
            del properties[name]
    elif share < 0.05:
        properties["jobtitle"] = dice.pick(("étudiante, stagiaire chez le client", "ex-directeur marketing"))


def _modified(dice: Dice, person: Person, last_change: int, now: int) -> int:
    if person.wave == "bought_2":  # one bulk edit: in a large account thousands share this millisecond
        return max(last_change, now - YEAR + int(YEAR * 0.625) + 2 * HOUR)
    edited = moment(dice, person.created, now) if dice.chance(0.3) else person.created
    return min(now, max(person.created, last_change + dice.below(HOUR), edited))
