"""What a step rests on: the signals and fields that make its condition true, for the audit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from connector.model import Score
from connector.rules.tree import (
    All,
    AnyOf,
    AnySignal,
    Condition,
    DealIs,
    MethodMet,
    SalesSet,
    SignalRule,
    Test,
    WorkflowRules,
)
from connector.stage.criteria import View, holds, reason

IN_CRM = "crm.stage"  # others' word: the stage that stands in the CRM
MOST = 50


def evidence(condition: Condition, view: View, score: Score) -> tuple[str, ...]:
    """Ids of signals, newest first, and what else was asked: `contact.<field>`, `account.<axis>`, `deal`,
    `method.<name>`, `crm.stage`. At most 50."""
    return tuple(islice(dict.fromkeys(_of(condition, view, score)), MOST))


def _of(condition: Condition, view: View, score: Score) -> Iterator[str]:
    match condition:
        case All(items=items):
            for item in items:
                yield from _of(item, view, score)
        case AnyOf(items=items):
            true = next((item for item in items if holds(item, view)), None)
            yield from _of(true, view, score) if true else ()
        case AnySignal(kinds=kinds):
            yield from islice((id for id, kind in view.signals if kind in kinds), 1)
        case Test(scope="score", name=name):
            yield from _counted(view, score, name)
        case Test(scope=scope, name=name):
            yield f"{scope}.{name}"
        case MethodMet(method=method):
            yield f"method.{method}"
        case DealIs():
            yield "deal"
        case SalesSet():
            yield IN_CRM


def _counted(view: View, score: Score, name: str) -> Iterator[str]:
    """The signals that give points, as many of the newest of each kind as count."""
    for rule in _rules(view.rules.workflow, name):
        of_kind = (id for id, kind in view.signals if kind == rule.signal)
        yield from islice(of_kind, score.counted.get(rule.id, 0))


def _rules(workflow: WorkflowRules, name: str) -> Iterator[SignalRule]:
    wanted = workflow.total.of if name == "total" else (name,)
    for axis in (axis for axis in workflow.axes if axis.id in wanted):
        for group in axis.groups:
            yield from (rule for rule in group.rules if isinstance(rule, SignalRule))


@dataclass(frozen=True, slots=True)
class Because:
    """Why a step was made, in words, and what that rests on."""

    why: str
    evidence: tuple[str, ...] = ()


def because(condition: Condition, view: View, score: Score) -> Because:
    return Because(reason(condition, view, score), evidence(condition, view, score))
