"""A believable account with twelve months of history: who is in it, what they did, what sales made of it.

The behaviour follows from who a person is (`personas`) and how far they go (`journeys`), so that a good scoring
finds the buyers; the dirt of real accounts is in it too. Everything is a function of (contacts, seed, now).
"""

from __future__ import annotations

from collections.abc import Iterator

from connector.sandbox.population import account, webinars
from connector.sandbox.population.dice import Dice
from connector.sandbox.population.story import Story
from connector.sandbox.population.waves import arrivals
from connector.sandbox.rows import Row

__all__ = ["populate"]

_WITH_JANE = 10  # the smallest account that has jane@acme.fr
_BINNED, _ERASED = 0.012, 0.006  # for each contact that stayed, those who did not


def populate(contacts: int, seed: int, now: int) -> Iterator[Row]:
    """The rows of an account with `contacts` contacts: twelve months of history ending at `now` (epoch ms).

    Those in the bin, those merged away and those erased are not among the `contacts`. A row refers only to rows
    that came before it. Ids have 11 digits and grow with the time of creation, but for merged records, which
    have the id of the merge. Nothing is later than `now`, but the start and end of appointments and webinars,
    what is due, and the close dates of open deals.
    """
    yield from account.rows(now)
    yield from webinars.events(now)
    story, leaving = Story(seed, now), Dice(seed, "leaving")
    for number, arrival in enumerate(arrivals(contacts, Dice(seed, "arrivals"), now)):
        if number == contacts * 3 // 4 and contacts >= _WITH_JANE:
            yield from story.of(*story.people.jane(number, arrival))
        else:
            yield from story.of(*story.people.meet(number, arrival))
        if leaving.chance(_BINNED):
            yield from story.binned(contacts + number, arrival.created)
        if leaving.chance(_ERASED):
            yield from story.erased(arrival.created)
