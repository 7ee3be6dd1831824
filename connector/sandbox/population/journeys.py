"""How far a person goes: the outcome, and the moments that visits, mail, deals and stages hang on."""

from __future__ import annotations

from dataclasses import dataclass

from connector.sandbox.population.calendar import DAY, HOUR, moment
from connector.sandbox.population.dice import Dice, Weights
from connector.sandbox.population.personas import BUYER, Persona

# without a sale to follow: hot (interested now), asked (for a meeting or a quote), met (an appointment)
_YOUNG = Weights({"hot": 0.6, "asked": 0.25, "met": 0.15})
_OLD = Weights({"hot": 0.2, "asked": 0.2, "met": 0.08, "open": 0.11, "lost": 0.13, "won": 0.28})
_OLD_FITTING = Weights({"hot": 0.2, "asked": 0.18, "met": 0.08, "open": 0.11, "lost": 0.06, "won": 0.37})
_CYCLE = 45 * DAY  # younger contacts have no deal yet


@dataclass(frozen=True, slots=True)
class Journey:
    """`start` to `end`: when the person is about. `heat`: when a buyer makes up their mind. 0: never."""

    outcome: str
    start: int
    end: int
    heat: tuple[int, int] = (0, 0)
    asked_at: int = 0
    met_at: int = 0
    deal_at: int = 0
    closed_at: int = 0


def plan(dice: Dice, persona: Persona, created: int, now: int, fits: bool) -> Journey:
    """The journey of a person; `fits` (right size, right role) makes a win likelier."""
    if persona is not BUYER:
        return Journey("", created, min(now, created + persona.active_days * DAY))
    old = _OLD_FITTING if fits else _OLD
    outcome = dice.draw(_YOUNG if now - created < _CYCLE else old)
    if outcome in ("open", "lost", "won"):
        return _sale(dice, outcome, created, now)
    return _before_sale(dice, outcome, created, now)


def _before_sale(dice: Dice, outcome: str, created: int, now: int) -> Journey:
    if outcome == "hot":
        return Journey("hot", created, now, _heat(created, now))
    at = moment(dice, max(created, now - 110 * DAY), now)
    asked = at if outcome == "asked" or dice.chance(0.7) else 0
    met = min(now, at + dice.between(1, 9) * DAY) if outcome == "met" else 0
    return Journey(outcome, created, now, _heat(created, at), asked, met)


def _sale(dice: Dice, outcome: str, created: int, now: int) -> Journey:
    latest = now - 3 * DAY if outcome == "open" else now - 25 * DAY
    earliest = max(created + 5 * DAY, now - 75 * DAY) if outcome == "open" else created + 5 * DAY
    deal = moment(dice, earliest, latest)
    closed = 0 if outcome == "open" else moment(dice, deal + 8 * DAY, min(now - HOUR, deal + 80 * DAY))
    met = moment(dice, max(created, deal - 6 * DAY), deal)
    asked = moment(dice, max(created, met - 5 * DAY), met) if dice.chance(0.65) else 0
    return Journey(outcome, created, closed or now, _heat(created, asked or met), asked, met, deal, closed)


def _heat(created: int, end: int) -> tuple[int, int]:
    return max(created, end - 28 * DAY), end
