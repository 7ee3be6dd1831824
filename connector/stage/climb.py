"""The way forward: by the stages' own rules, and as far as others' word goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from connector.model import Score, Standing, Transition
from connector.rules.phrases import phrase
from connector.rules.tree import Rules
from connector.stage.criteria import Signals, holds, view
from connector.stage.evidence import IN_CRM, Because, because
from connector.stage.witness import Witness, adopted, index, says


@dataclass(frozen=True, slots=True)
class Moment:
    """One evaluation: of whom, by what, decided when. `signals` only make reasons more exact, and are their
    evidence; `taken`: sales took the contact on."""

    rules: Rules
    score: Score
    witness: Witness | None
    now: int
    signals: Signals = ()
    taken: bool = False

    @property
    def at(self) -> int:
        return self.score.as_of

    def move(
        self,
        before: Standing,
        to: str,
        because: Because,
        *,
        rule: str = "",
        actor: Literal["rule", "sales", "crm"] = "rule",
        imputed: bool = False,
        leaving: str | None = None,
    ) -> Transition:
        """The row of a step from where `before` stands, or from the stage that is `leaving`."""
        return Transition(
            contact_id=self.score.contact_id,
            journey=before.journey,
            from_stage=leaving or before.stage,
            to_stage=to,
            rule=rule,
            why=because.why,
            actor=actor,
            effective_at=self.at,
            decided_at=self.now,
            imputed=imputed,
            evidence=because.evidence,
        )


def climb(m: Moment, before: Standing, *, by_rules: bool) -> tuple[Standing, list[Transition]]:
    """Forward as far as it goes; one transition for each stage entered. Not `by_rules`: by others' word alone."""
    target, reasons = _furthest(m, before, by_rules)
    standing, moves = before, []
    for n in range(index(m.rules, before.stage) + 1, target + 1):
        stage = m.rules.workflow.stages[n]
        actor, rule, said, imputed = _entry(m, n, target, reasons)
        moves.append(m.move(standing, stage.id, said, rule=rule, actor=actor, imputed=imputed))
        reached = standing.reached | {stage.id}
        standing = replace(standing, stage=stage.id, stage_since=m.at, reached=reached)
    return standing, moves


def _entry(
    m: Moment, n: int, target: int, reasons: Mapping[int, Because]
) -> tuple[Literal["rule", "sales", "crm"], str, Because, bool]:
    """Actor, rule, reason and whether imputed, for entering stage number `n`."""
    place, language = str(m.rules.workflow.stages[n].place), m.rules.mapping.language
    said = m.witness is not None and n == index(m.rules, adopted(m.rules, m.witness))
    by_hand = said and m.witness is not None and m.witness.writer == "person"
    if n in reasons:
        return "sales" if by_hand else "rule", place, reasons[n], False
    if said and m.witness is not None:
        actor: Literal["sales", "crm"] = "sales" if by_hand else "crm"
        return actor, "", Because(says(m.rules, m.witness), (IN_CRM,)), False
    if n == 0:
        return "rule", place, Because(phrase(language, "coordinates")), False
    passed = phrase(language, "passed", m.rules.workflow.stages[target].id)
    return "rule", place, Because(passed), True


def _furthest(m: Moment, before: Standing, by_rules: bool) -> tuple[int, dict[int, Because]]:
    """The furthest stage that holds, and the reason for each that holds by its own rule."""
    stages = m.rules.workflow.stages
    reached = set(before.reached)
    target = max(index(m.rules, before.stage), index(m.rules, adopted(m.rules, m.witness)), 0)
    reached |= {s.id for s in stages[: target + 1]}
    reasons: dict[int, Because] = {}
    for n, stage in enumerate(stages if by_rules else ()):
        if stage.enter_when is None or n <= index(m.rules, before.stage):
            continue
        looked = view(m.rules, m.score, frozenset(reached), m.witness, m.signals)
        if holds(stage.enter_when, looked):
            reasons[n] = because(stage.enter_when, looked, m.score)
            target = max(target, n)
            reached |= {s.id for s in stages[: n + 1]}
    return target, reasons
