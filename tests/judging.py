"""Scores, words and standings by hand, judged by the default rules or the agreement of the cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from accounts import DAY, NOW, rules_in
from journey_diary import rules_of

from connector.model import POINT, Score, Standing, Writer
from connector.rules import tree
from connector.rules.tree import AnySignal, DealIs, Leaf, Rules
from connector.stage import Decision, Witness, decide

STAGES = ("contact", "lead", "mql", "sql", "qualified_prospect", "customer")
IN_CRM = {
    "lead": "lead",
    "mql": "marketingqualifiedlead",
    "sql": "salesqualifiedlead",
    "qualified_prospect": "opportunity",
    "customer": "customer",
}
ACTS = ("interest", "meeting_request", "meeting", "deal", "won")  # what a contact may have done
REASONS = ("not_now", "competitor")  # what sales may say of it


@cache
def rules() -> Rules:
    with TemporaryDirectory() as folder:
        return rules_in(Path(folder))


@cache
def agreement() -> Rules:
    """With ways to leave, to be recycled and to be disqualified."""
    with TemporaryDirectory() as folder:
        return rules_of(Path(folder))


def is_true(leaf: Leaf, points: int, fit: int, acts: Sequence[str]) -> bool:
    match leaf:
        case tree.Test(name="total", op="below", values=(least,)):
            return points < float(least)
        case tree.Test(name="total"):
            return points >= 100
        case tree.Test(name="fit"):
            return fit >= 0
        case tree.Test(name="rejection_reason", values=values):
            return any(act in values for act in acts)
        case AnySignal(kinds=kinds) if "newsletter_signup" in kinds:
            return "interest" in acts or "meeting_request" in acts
        case AnySignal(kinds=("meeting_request",)):
            return "meeting_request" in acts
        case AnySignal():
            return "meeting" in acts
        case DealIs(item=tree.Test(name="is_won")):
            return "won" in acts
        case DealIs():
            return "deal" in acts
    return False  # no BANT here


def score(points: int = 0, *acts: str, fit: int = 0, at: int = NOW, by: Rules | None = None) -> Score:
    leaves = (by or rules()).workflow.stage_leaves()
    facts = tuple(is_true(leaf, points, fit, acts) for leaf in leaves)
    axes = {"fit": fit * POINT, "engagement": (points - fit) * POINT}
    return Score("1", at, points, points * POINT, axes, {}, {}, {}, facts, None)


def witness(value: str, writer: Writer = "person", *, undone: bool = False, at: int = NOW - DAY) -> Witness:
    return Witness(IN_CRM.get(value, value), writer, at, undone=undone)


def standing(stage: str | None, temperature: str | None = None) -> Standing:
    reached = frozenset(STAGES[: STAGES.index(stage) + 1]) if stage in STAGES else frozenset()
    return Standing("1", stage=stage, reached=reached, temperature=temperature)


def judged(
    points: Score, before: str | None = None, by: Witness | None = None, now: int | None = None
) -> Decision:
    return decide(rules(), points, standing(before), by, points.as_of if now is None else now)


def agreed(points: int, *acts: str, before: Standing, at: int = NOW, word: Witness | None = None) -> Decision:
    """By the agreement, to the end: in a journey that begins here what was done before is history."""
    told = score(points, *acts, at=at, by=agreement())
    found = decide(agreement(), told, before, word, at)
    if not found.again:
        return found
    kept = [act for act in acts if act in REASONS]
    bare = score(0, *kept, at=at, by=agreement()) if found.standing.epoch_at else told
    then = decide(agreement(), bare, found.standing, word, at)
    return replace(then, transitions=(*found.transitions, *then.transitions))


def steps(found: Decision) -> list[tuple[str | None, str, str, bool]]:
    return [(t.from_stage, t.to_stage, t.actor, t.imputed) for t in found.transitions]
