"""Whether a criterion holds, and why, from the facts that the score query answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from connector.model import Score
from connector.rules.phrases import phrase
from connector.rules.tree import (
    All,
    AnyOf,
    Condition,
    Not,
    Reached,
    Rules,
    SalesSet,
    StageRule,
)
from connector.rules.words import words
from connector.stage.witness import Witness, index, our_stage

Signals = tuple[tuple[str, str], ...]  # (id, kind) of the accepted ones of a journey, newest first


@dataclass(frozen=True, slots=True)
class View:
    rules: Rules
    facts: tuple[bool, ...]  # by the leaf's number
    reached: frozenset[str]
    witness: Witness | None
    signals: Signals = ()

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(kind for _, kind in self.signals)


def view(
    rules: Rules, score: Score, reached: frozenset[str], witness: Witness | None, signals: Signals
) -> View:
    """What a stage's criteria are judged by, for `holds` and `reasons_of`."""
    return View(rules, score.facts, reached, witness, signals)


def holds(condition: Condition, view: View) -> bool:
    match condition:
        case All(items=items):
            return all(holds(item, view) for item in items)
        case AnyOf(items=items):
            return any(holds(item, view) for item in items)
        case Not(item=item):
            return not holds(item, view)
        case Reached(stage=stage):
            return stage in view.reached
        case SalesSet(stage=stage):
            return _sales_set(view, stage)
        case _:
            return view.facts[view.rules.workflow.leaf_number(condition)]


def _sales_set(view: View, stage: str) -> bool:
    if view.witness is None or view.witness.writer != "person" or view.witness.undone:
        return False
    said = index(view.rules, our_stage(view.rules, view.witness.value))
    return said >= index(view.rules, stage) >= 0


def reasons_of(condition: Condition, view: View, score: Score) -> list[str]:
    """In words, the parts of a true condition that make it true."""
    match condition:
        case All(items=items):
            return [reason for item in items for reason in reasons_of(item, view, score)]
        case AnyOf(items=items):
            true = next((item for item in items if holds(item, view)), None)
            return reasons_of(true, view, score) if true else []
        case Reached():
            return []
        case _:
            return [words(condition, score, view.kinds, view.rules.mapping.language)]


def reason(condition: Condition, view: View, score: Score) -> str:
    return "; ".join(reasons_of(condition, view, score)) or phrase(view.rules.mapping.language, "holds")


def criteria(stage: StageRule) -> tuple[Literal["all", "any"], Sequence[Condition]]:
    """A stage's criteria one by one, and whether all of them are needed or any of them will do."""
    match stage.enter_when:
        case None:
            return "all", ()
        case All(items=items):
            return "all", items
        case AnyOf(items=items):
            return "any", items
        case one:
            return "all", (one,)
