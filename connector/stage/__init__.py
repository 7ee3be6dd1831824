"""From a score to a stage and a temperature: values in, values out.

Reached stages are a set, the current one a pointer that goes forward, by rules and by others' word (DESIGN 3,
'Who wrote it'); back only in the few ways of `back`. Everything that depends on the path (timers, bands) is in
the standing, and `wake_at` of a decision says when it changes without new input.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from connector.model import OUT, HandOff, Score, Standing, Transition
from connector.rules.tree import Rules
from connector.stage.back import Held, held, leaving, left, released, set_back, set_back_by, taken_back
from connector.stage.climb import Moment, climb
from connector.stage.criteria import Signals, View, criteria, holds, reasons_of, view
from connector.stage.ending import disqualified, fired, recycled, remembered, reopened
from connector.stage.witness import Witness, crm_stage, fresh, in_crm, index, note, our_stage, written_by

__all__ = [
    "OUT",
    "Decision",
    "Held",
    "Signals",
    "View",
    "Witness",
    "criteria",
    "crm_stage",
    "decide",
    "holds",
    "in_crm",
    "our_stage",
    "reasons_of",
    "set_back_by",
    "view",
    "written_by",
]


@dataclass(frozen=True, slots=True)
class Decision:
    """`again`: a journey began at this very moment, and the score is to be made anew for it. `handoffs`: all
    of the contact's, as they are after it. `taken_on`: the stage at which sales had taken the contact on."""

    standing: Standing
    transitions: tuple[Transition, ...]
    hold: Held | None = None
    note: str = ""
    again: bool = False
    handoffs: tuple[HandOff, ...] = ()
    taken_on: str | None = None


def decide(
    rules: Rules,
    score: Score,
    before: Standing,
    witness: Witness | None,
    now: int,
    signals: Signals = (),
    *,
    taken: bool = False,
) -> Decision:
    """Where the contact stands at the score's `as_of`, decided `now`. `before` is the recorded standing (or
    what the CRM remembers of it); `signals` of the journey, newest first, only make the reasons more exact and are
    their evidence. `taken`: sales took the contact on."""
    m = Moment(rules, score, fresh(witness, before, score.as_of), now, signals, taken)
    if before.fired is None:
        before = remembered(m, before)
        m = replace(m, witness=fresh(witness, before, score.as_of))
    standing, moves = _by_word(m, released(m, before))
    if standing.journey == before.journey:
        standing, more = _by_rules(m, standing)
        moves += more
    again = standing.journey != before.journey
    if not again:
        standing = _with_temperature(rules, score, standing)
    standing = replace(standing, wake_at=_wake_at(rules, standing, m.at, witness))
    taken_on = before.stage if taken and standing.journey == before.journey else None
    said = note(rules, witness, standing)
    return Decision(standing, tuple(moves), held(standing, m.at), said, again, taken_on=taken_on)


def _by_word(m: Moment, before: Standing) -> tuple[Standing, list[Transition]]:
    """Back by what others said."""
    standing, moves = taken_back(m, before)
    standing, more = set_back(m, standing)
    return standing, moves + more


def _by_rules(m: Moment, before: Standing) -> tuple[Standing, list[Transition]]:
    now_true = fired(m, before)
    for way in (reopened, disqualified, recycled):
        standing, moves = way(m, before, now_true)
        if moves:
            return replace(standing, fired=now_true), moves
    standing, moves = (before, []) if before.stage == OUT else _along(m, before)
    return standing if standing.fired == now_true else replace(standing, fired=now_true), moves


def _along(m: Moment, before: Standing) -> tuple[Standing, list[Transition]]:
    """Forward, or out of a stage that no longer holds; by others' word alone while held or cooling down."""
    cooling = before.cool_until is not None and m.at < before.cool_until
    free = not cooling and held(before, m.at) is None
    standing, moves = climb(m, before, by_rules=free)
    if not free:
        return replace(standing, leaving_since=None), moves
    return (leaving(m, replace(standing, leaving_since=None)), moves) if moves else left(m, standing)


def _wake_at(rules: Rules, standing: Standing, at: int, witness: Witness | None) -> int | None:
    """When a timer of the standing runs out, or what others said by then (while the run was reading) counts."""
    n = index(rules, standing.stage)
    moments = [standing.cool_until, standing.held_until, witness.at if witness else None]
    if standing.leaving_since is not None and n >= 0:
        moments.append(standing.leaving_since + rules.workflow.stages[n].leave_for)
    return min((moment for moment in moments if moment is not None and moment > at), default=None)


def _with_temperature(rules: Rules, score: Score, standing: Standing) -> Standing:
    names = [band.name for band in rules.workflow.bands]
    current = names.index(standing.temperature) if standing.temperature in names else len(names)
    for n, band in enumerate(rules.workflow.bands):
        entered = band.enter is None or score.points >= band.enter
        stays = current <= n and band.leave is not None and score.points >= band.leave
        if entered or stays:
            if band.name == standing.temperature:
                return standing
            return replace(standing, temperature=band.name, temperature_since=score.as_of)
    return standing
