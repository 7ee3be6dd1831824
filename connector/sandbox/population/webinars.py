"""The webinars of the year as marketing events, and what became of those who signed up by the form."""

from __future__ import annotations

from collections.abc import Iterator

from connector.sandbox.population.account import FORM_NAMES, GUIDS
from connector.sandbox.population.calendar import DAY, HOUR
from connector.sandbox.population.dice import Dice, Weights
from connector.sandbox.population.people import Person
from connector.sandbox.rows import MarketingEvent, Participation, Submission

_ANNOUNCED = 60 * DAY  # so long before it is held
_LENGTH = HOUR
_CAME = Weights({"ATTENDED": 0.52, "NO_SHOW": 0.36, "CANCELLED": 0.12})
# (id, name, form, days before or after the present one)
_EVENTS = (
    (30_000_000_101, "Webinaire RGPD : prospecter sans risque", 0, -240),
    (30_000_000_202, "Webinar: attribution that adds up", 1, -150),
    (30_000_000_303, "Webinaire RGPD : un an après", 0, -75),
    (30_000_000_404, "Webinar: attribution, questions and answers", 1, 12),
    (30_000_000_505, "Webinaire RGPD : vos questions", 0, 20),
)
_FORMS = tuple(GUIDS[name] for name in FORM_NAMES["webinar"])  # French, English


def events(now: int) -> Iterator[MarketingEvent]:
    for id, name, _, days in _EVENTS:
        start = _start(now, days)
        made = min(now, start) - _ANNOUNCED
        yield MarketingEvent(id, name, start, start + _LENGTH, made, external_id=f"webinar-{id % 1_000}")


def _start(now: int, days: int) -> int:
    """At ten in the morning, UTC."""
    return (now // DAY + days) * DAY + 10 * HOUR


class Webinars:
    def __init__(self, dice: Dice, now: int) -> None:
        self._dice = dice
        self._now = now

    def of(self, person: Person, sent: list[Submission]) -> Iterator[Participation]:
        """Who signs up is registered for the next one in that language, once."""
        told: dict[int, Participation] = {}
        for each in sorted(sent, key=lambda each: each.at):
            if each.form in _FORMS:
                found = self._next(_FORMS.index(each.form), each.at)
                if found is not None and found[0] not in told:
                    told[found[0]] = self._became(person, *found, each.at)
        yield from told.values()

    def _next(self, form: int, at: int) -> tuple[int, int] | None:
        """(id, start)"""
        coming = ((id, _start(self._now, days)) for id, _, of, days in _EVENTS if of == form)
        return next(((id, start) for id, start in coming if start > at), None)

    def _became(self, person: Person, event: int, start: int, signed: int) -> Participation:
        if start + _LENGTH > self._now:
            return Participation(event, person.id, "REGISTERED", signed)
        state = self._dice.draw(_CAME)
        since = {"ATTENDED": start, "NO_SHOW": start + _LENGTH, "CANCELLED": (signed + start) // 2}[state]
        return Participation(event, person.id, state, since, signed)
