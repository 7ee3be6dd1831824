"""The ways back: a person's word, the CRM's own, leaving, recycling, disqualifying. Nothing else goes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from connector.model import Standing, Transition
from connector.rules.tree import Condition
from connector.stage.climb import Moment
from connector.stage.criteria import holds, reason, view
from connector.stage.witness import index, our_stage, says

OUT = "disqualified"  # where a contact stands that left the funnel: no stage of the workflow's
Moved = tuple[Standing, list[Transition]]


@dataclass(frozen=True, slots=True)
class Held:
    why: str
    since: int
    until: int


def held(standing: Standing, at: int) -> Held | None:
    """What is left alone for a person's sake, as long as it lasts."""
    if standing.held_until is None or standing.held_since is None or standing.held_until <= at:
        return None
    return Held(standing.held_why, standing.held_since, standing.held_until)


def taken_back(m: Moment, before: Standing) -> Moved:
    """The CRM's own automation undid a stage: a deal that was won no longer is."""
    if m.witness is None or not m.witness.undone or m.witness.writer != "crm":
        return before, []
    stage = our_stage(m.rules, m.witness.value)
    if stage is None or index(m.rules, stage) >= index(m.rules, before.stage):
        return before, []
    move = m.move(before, stage, says(m.witness), actor="crm")
    return replace(before, stage=stage, stage_since=m.at, leaving_since=None), [move]


def set_back(m: Moment, before: Standing) -> Moved:
    """A person or another app set the contact back: this journey ends there, and for a while nothing moves.

    What happened before counts no more: to come back it takes fresh evidence.
    """
    overrides, word = m.rules.workflow.overrides, m.witness
    if word is None or not word.undone or word.writer not in ("person", "app") or not overrides.sales_wins:
        return before, []
    until = word.at + overrides.hold
    if until <= m.at or before.held_since == word.at:
        return before, []
    who = "by hand in the CRM" if word.writer == "person" else f"by another app ({word.by or 'unnamed'})"
    why = f"set back to {word.value or 'nothing'} {who}"
    stages = m.rules.workflow.stages
    to = stages[max(0, index(m.rules, our_stage(m.rules, word.value)))].id
    actor: Literal["sales", "crm"] = "sales" if word.writer == "person" else "crm"
    moves = [m.move(before, to, why, actor=actor)] if index(m.rules, before.stage) > index(m.rules, to) else []
    opened = opened_at(m, before, to, word.at)
    return replace(opened, held_since=word.at, held_until=until, held_why=why), moves


def opened_at(m: Moment, before: Standing, stage: str, epoch: int) -> Standing:
    """The next journey, which begins at a stage."""
    stages = m.rules.workflow.stages
    return replace(
        before,
        journey=before.journey + 1,
        epoch_at=epoch,
        stage=stage,
        stage_since=m.at,
        reached=frozenset(s.id for s in stages[: index(m.rules, stage) + 1]),
        leaving_since=None,
        cool_until=None,
    )


def fired(m: Moment, before: Standing) -> frozenset[str]:
    """The rules for recycling and disqualifying that hold now: each acts when it begins to hold, once."""
    return frozenset(str(place) for place, when in _rules(m) if _holds(m, before, when))


def beginning(before: Standing, now_true: frozenset[str]) -> frozenset[str]:
    """Those of the rules that begin to hold now; what was remembered of an earlier cache has acted already."""
    return now_true - (now_true if before.fired is None else before.fired)


def _rules(m: Moment) -> Iterator[tuple[object, Condition]]:
    workflow = m.rules.workflow
    yield from ((rule.place, rule.when) for rule in workflow.recycle)
    yield from ((rule.place, rule.when) for rule in workflow.disqualify)


def _holds(m: Moment, before: Standing, when: Condition) -> bool:
    return holds(when, view(m.rules, m.score, before, m.witness, m.kinds))


def reopened(m: Moment, before: Standing, now_true: frozenset[str]) -> Standing:
    """A disqualified contact comes back when a person takes the reason away, or sets a stage in the CRM."""
    if before.stage != OUT:
        return before
    word = m.witness is not None and m.witness.writer == "person" and m.witness.at > (before.stage_since or 0)
    reasons = {str(rule.place) for rule in m.rules.workflow.disqualify}
    if not word and reasons & now_true:
        return before
    return replace(before, journey=before.journey + 1, stage=None, stage_since=None, reached=frozenset())


def disqualified(m: Moment, before: Standing, now_true: frozenset[str]) -> Moved:
    for rule in m.rules.workflow.disqualify:
        if str(rule.place) in beginning(before, now_true) and not _customer(m, before) and before.stage != OUT:
            why = reason(rule.when, view(m.rules, m.score, before, m.witness, m.kinds), m.score)
            move = m.move(before, OUT, why, rule=str(rule.place))
            return replace(before, stage=OUT, stage_since=m.at, leaving_since=None), [move]
    return before, []


def recycled(m: Moment, before: Standing, now_true: frozenset[str]) -> Moved:
    """Closes the journey and opens the next, at the rule's stage at the furthest."""
    for rule in m.rules.workflow.recycle:
        if str(rule.place) not in beginning(before, now_true) or _customer(m, before) or before.stage == OUT:
            continue
        here = min(index(m.rules, before.stage), index(m.rules, rule.to))
        to = m.rules.workflow.stages[max(0, here)].id
        why = "recycled: " + reason(rule.when, view(m.rules, m.score, before, m.witness, m.kinds), m.score)
        opened = replace(opened_at(m, before, to, m.at), cool_until=m.at + rule.cool_down or None)
        return opened, [m.move(before, to, why, rule=str(rule.place))]
    return before, []


def left(m: Moment, before: Standing, accepted: bool) -> Moved:
    """Out of the stage, to the one before, once what says so has held long enough; never after sales accepted."""
    n = index(m.rules, before.stage)
    stage = m.rules.workflow.stages[n] if n > 0 else None
    looked = view(m.rules, m.score, before, m.witness, m.kinds)
    leaving = stage is not None and stage.leave_when is not None and holds(stage.leave_when, looked)
    if stage is None or stage.leave_when is None or not leaving or accepted:
        return replace(before, leaving_since=None), []
    since = m.at if before.leaving_since is None else before.leaving_since
    still = stage.enter_when is not None and holds(stage.enter_when, looked)
    if m.at < since + stage.leave_for or still:
        return replace(before, leaving_since=since), []
    to = m.rules.workflow.stages[n - 1].id
    move = m.move(before, to, reason(stage.leave_when, looked, m.score), rule=str(stage.place))
    reached = before.reached - {stage.id}
    return replace(before, stage=to, stage_since=m.at, reached=reached, leaving_since=None), [move]


def _customer(m: Moment, standing: Standing) -> bool:
    """Customers are outside the funnel."""
    return index(m.rules, standing.stage) == len(m.rules.workflow.stages) - 1
