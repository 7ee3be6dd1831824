"""How a journey ends by a rule: recycled, or disqualified; and how one that was disqualified comes back.

A rule acts when it begins to hold, once. Which ones held last is in the standing, by what they say and not by
where they stand: a line that moved in the file recycles nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache

from connector.model import OUT, Standing
from connector.rules.tree import Condition, Disqualify, Recycle
from connector.stage.back import Moved, opened_at
from connector.stage.climb import Moment
from connector.stage.criteria import holds, view
from connector.stage.evidence import IN_CRM, Because, because
from connector.stage.witness import index, our_stage, says

Ending = Recycle | Disqualify


def fired(m: Moment, before: Standing) -> frozenset[str]:
    """The rules that hold now."""
    looked = view(m.rules, m.score, before.reached, m.witness, m.signals)
    return frozenset(key(rule) for rule in _endings(m) if holds(rule.when, looked))


def _endings(m: Moment) -> Iterator[Ending]:
    yield from m.rules.workflow.recycle
    yield from m.rules.workflow.disqualify


def key(rule: Ending) -> str:
    """What a rule is remembered by: its kind and what it asks."""
    return f"{_kind(rule)}:{_digest(rule.when)}"


def _kind(rule: Ending) -> str:
    return "recycle" if isinstance(rule, Recycle) else "disqualify"


@lru_cache(maxsize=256)
def _digest(condition: Condition) -> str:
    return hashlib.sha256(repr(_bare(condition)).encode()).hexdigest()[:12]


def _bare(node: object) -> object:
    """A condition without its places in the files."""
    if isinstance(node, tuple):
        return tuple(_bare(one) for one in node)
    if is_dataclass(node):
        return (
            type(node).__name__,
            *(_bare(getattr(node, f.name)) for f in fields(node) if f.name != "place"),
        )
    return node


def _begins(m: Moment, before: Standing, rule: Ending, now_true: frozenset[str]) -> bool:
    """Whether a rule begins to hold. What the CRM remembers of us has been acted on; and where a rule that
    held was edited or deleted, whatever took its place is no news."""
    if before.fired is None or key(rule) not in now_true - before.fired:
        return False
    gone = before.fired - {key(one) for one in _endings(m)}
    return not any(name.startswith(f"{_kind(rule)}:") for name in gone)


def reopened(m: Moment, before: Standing, now_true: frozenset[str]) -> Moved:
    """A disqualified contact comes back when its reason is gone, or when a person sets a stage in the CRM.

    Its signals count as before.
    """
    if before.stage != OUT:
        return before, []
    stages = m.rules.workflow.stages
    word = m.witness
    if word is not None and word.writer == "person" and word.at > (before.stage_since or 0):
        to = our_stage(m.rules, word.value)
        if to is not None:
            opened = replace(opened_at(m, before, to, before.epoch_at), heard_at=word.at)
            return opened, [
                m.move(opened, to, Because(says(m.rules, word), (IN_CRM,)), actor="sales", leaving=OUT)
            ]
    if any(key(rule) in now_true for rule in m.rules.workflow.disqualify):
        return before, []
    opened = opened_at(m, before, stages[0].id, before.epoch_at)
    no_more = Because("nothing disqualifies any more")
    return opened, [m.move(opened, stages[0].id, no_more, leaving=OUT)]


def disqualified(m: Moment, before: Standing, now_true: frozenset[str]) -> Moved:
    """Out of the funnel, until `reopened`."""
    for rule in m.rules.workflow.disqualify:
        if before.stage != OUT and not _customer(m, before) and _begins(m, before, rule, now_true):
            move = m.move(before, OUT, _why(m, before, rule), rule=str(rule.place))
            gone = replace(before, stage=OUT, stage_since=m.at, leaving_since=None, cool_until=None)
            return replace(gone, held_since=None, held_until=None, held_why=""), [move]
    return before, []


def recycled(m: Moment, before: Standing, now_true: frozenset[str]) -> Moved:
    """Closes the journey and opens the next, at the rule's stage at the furthest. Who was never judged has no
    journey to close, and one that begins at this very moment is not closed again."""
    if before.stage in (None, OUT) or before.epoch_at == m.at or _customer(m, before):
        return before, []
    for rule in m.rules.workflow.recycle:
        if _begins(m, before, rule, now_true):
            to = m.rules.workflow.stages[min(index(m.rules, before.stage), index(m.rules, rule.to))].id
            opened = opened_at(m, before, to, m.at if rule.reset else before.epoch_at)
            cool = m.at + rule.cool_down if rule.cool_down else None
            why = _why(m, before, rule)
            move = m.move(before, to, replace(why, why=f"recycled: {why.why}"), rule=str(rule.place))
            heard = before.heard_at if rule.reset else m.at + 1  # with a reset the epoch says it
            return replace(opened, heard_at=heard, cool_until=cool), [move]
    return before, []


def remembered(m: Moment, before: Standing) -> Standing:
    """What can be told again of a standing that only the CRM remembers. Which rule closed the last journey is
    not among it: one that holds, or else the one that cools down longest, so that nobody is early."""
    if before.stage == OUT:
        return replace(before, heard_at=m.at)
    now_true, rules = fired(m, before), m.rules.workflow.recycle
    likely = [rule for rule in rules if key(rule) in now_true] or rules
    until = (before.epoch_at or 0) + max((rule.cool_down for rule in likely), default=0)
    return before if before.epoch_at is None or until <= m.at else replace(before, cool_until=until)


def _why(m: Moment, before: Standing, rule: Ending) -> Because:
    return because(rule.when, view(m.rules, m.score, before.reached, m.witness, m.signals), m.score)


def _customer(m: Moment, standing: Standing) -> bool:
    """Customers are outside the funnel."""
    return index(m.rules, standing.stage) == len(m.rules.workflow.stages) - 1
