"""From a score to a stage and a temperature: values in, values out.

Reached stages are a set, the current one a pointer that only goes forward here. People and the CRM's own
automation may put a contact further (DESIGN 3, 'Who wrote it'); a stage that the CRM stamps by default, an
import or a form is a note, and evidence only from `sql` on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from connector.model import Score, Standing, Transition, Writer
from connector.rules.tree import All, AnyOf, Condition, Leaf, Not, Reached, Rules, SalesSet, StageRule
from connector.rules.words import words

# from the first of these on even an import's word is evidence: nobody imports customers by default
VALIDATED = ("sql", "qualified_prospect", "customer")


@dataclass(frozen=True, slots=True)
class Witness:
    """The stage that stands in the CRM ('': none) and who wrote it. `undone`: that was a step back, to
    behind ours."""

    value: str
    writer: Writer
    at: int
    by: str = ""
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    why: str
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Decision:
    standing: Standing
    transitions: tuple[Transition, ...]
    hold: Held | None = None
    note: str = ""


def decide(
    rules: Rules,
    score: Score,
    before: Standing,
    witness: Witness | None,
    now: int,
    kinds: frozenset[str] = frozenset(),
) -> Decision:
    """Where the contact stands at the score's `as_of`, decided `now`. `before` is the recorded standing (or
    what the CRM remembers of it); `kinds` of signals that it has only make the reasons more exact."""
    hold = _hold(rules, witness, score.as_of)
    standing = before
    moves: list[Transition] = []
    if hold is None:
        adopted = _adopted(rules, witness)
        standing, back = _taken_back(rules, score, before, witness, now)
        standing, moves = _climb(rules, score, standing, adopted, witness, now, kinds)
        moves = [*back, *moves]
    standing = _with_temperature(rules, score, standing)
    return Decision(standing, tuple(moves), hold, _note(rules, witness, standing))


def our_stage(rules: Rules, crm_value: str) -> str | None:
    """Our stage for a value of the CRM's; of several that map to it, the first."""
    lifecycle = rules.mapping.write_back.lifecycle
    stages = lifecycle.stages if lifecycle else {}
    return next((s.id for s in rules.workflow.stages if stages.get(s.id) == crm_value), None)


def crm_stage(rules: Rules, stage: str | None) -> str | None:
    """The CRM's value for our stage; None where the mapping names none."""
    lifecycle = rules.mapping.write_back.lifecycle
    return lifecycle.stages.get(stage) if lifecycle and stage else None


def _index(rules: Rules, stage: str | None) -> int:
    return next((n for n, s in enumerate(rules.workflow.stages) if s.id == stage), -1)


def _hold(rules: Rules, witness: Witness | None, now: int) -> Held | None:
    if witness is None or not witness.undone or witness.writer not in ("person", "app"):
        return None
    until = witness.at + rules.workflow.overrides.hold
    if until <= now or not rules.workflow.overrides.sales_wins:
        return None
    who = (
        "by hand in the CRM" if witness.writer == "person" else f"by another app ({witness.by or 'unnamed'})"
    )
    return Held(f"set back to {witness.value or 'nothing'} {who}", witness.at, until)


def _adopted(rules: Rules, witness: Witness | None) -> str | None:
    """The stage that others' word puts the contact at, at least."""
    if witness is None or witness.undone:
        return None
    stage = our_stage(rules, witness.value)
    stages = rules.workflow.stages
    validated = next((n for n, s in enumerate(stages) if s.id in VALIDATED), len(stages))
    if witness.writer == "default" and _index(rules, stage) < validated:
        return None
    return stage if witness.writer in ("default", "crm", "person", "app") else None


def _taken_back(
    rules: Rules, score: Score, before: Standing, witness: Witness | None, now: int
) -> tuple[Standing, list[Transition]]:
    """The one way back: the CRM's own automation undid a stage (a deal that was won no longer is)."""
    if witness is None or not witness.undone or witness.writer != "crm":
        return before, []
    stage = our_stage(rules, witness.value)
    if stage is None or _index(rules, stage) >= _index(rules, before.stage):
        return before, []
    why = f"the CRM says {witness.value} ({_by(witness)})"
    move = Transition(
        contact_id=score.contact_id,
        journey=before.journey,
        from_stage=before.stage,
        to_stage=stage,
        rule="",
        why=why,
        actor="crm",
        effective_at=score.as_of,
        decided_at=now,
    )
    return replace(before, stage=stage, stage_since=score.as_of), [move]


def _climb(
    rules: Rules,
    score: Score,
    before: Standing,
    adopted: str | None,
    witness: Witness | None,
    now: int,
    kinds: frozenset[str],
) -> tuple[Standing, list[Transition]]:
    target, reasons = _furthest(rules, score, before, adopted, witness, kinds)
    standing, moves = before, []
    for n in range(_index(rules, before.stage) + 1, target + 1):
        stage = rules.workflow.stages[n]
        actor, rule, why, imputed = _entry(rules, n, target, reasons, adopted, witness)
        moves.append(
            Transition(
                contact_id=score.contact_id,
                journey=before.journey,
                from_stage=standing.stage,
                to_stage=stage.id,
                rule=rule,
                why=why,
                actor=actor,
                effective_at=score.as_of,
                decided_at=now,
                imputed=imputed,
            )
        )
        reached = standing.reached | {stage.id}
        standing = replace(standing, stage=stage.id, stage_since=score.as_of, reached=reached)
    return standing, moves


def _entry(
    rules: Rules,
    n: int,
    target: int,
    reasons: Mapping[int, str],
    adopted: str | None,
    witness: Witness | None,
) -> tuple[Literal["rule", "sales", "crm"], str, str, bool]:
    """Actor, rule, reason and whether imputed, for entering stage number `n`."""
    place = str(rules.workflow.stages[n].place)
    if n in reasons:
        return "rule", place, reasons[n], False
    if witness is not None and n == _index(rules, adopted):
        actor: Literal["sales", "crm"] = "sales" if witness.writer == "person" else "crm"
        return actor, "", f"the CRM says {witness.value} ({_by(witness)})", False
    if n == 0:
        return "rule", place, "coordinates only", False
    return "rule", place, f"passed over on the way to {rules.workflow.stages[target].id}", True


def _furthest(
    rules: Rules,
    score: Score,
    before: Standing,
    adopted: str | None,
    witness: Witness | None,
    kinds: frozenset[str],
) -> tuple[int, dict[int, str]]:
    """The furthest stage that holds, and the reason for each that holds by its own rule."""
    facts = dict(zip(rules.workflow.stage_leaves(), score.facts, strict=True))
    reached = set(before.reached)
    target = max(_index(rules, before.stage), _index(rules, adopted), 0)
    reached |= {s.id for s in rules.workflow.stages[: target + 1]}
    reasons: dict[int, str] = {}
    for n, stage in enumerate(rules.workflow.stages):
        if stage.enter_when is None or n <= _index(rules, before.stage):
            continue
        view = View(rules, facts, frozenset(reached), witness, kinds)
        if holds(stage.enter_when, view):
            reasons[n] = "; ".join(reasons_of(stage.enter_when, view, score)) or "its rule holds"
            target = max(target, n)
            reached |= {s.id for s in rules.workflow.stages[: n + 1]}
    return target, reasons


@dataclass(frozen=True, slots=True)
class View:
    rules: Rules
    facts: Mapping[Leaf, bool]
    reached: frozenset[str]
    witness: Witness | None
    kinds: frozenset[str] = frozenset()


def view(
    rules: Rules, score: Score, standing: Standing, witness: Witness | None, kinds: frozenset[str]
) -> View:
    """What a stage's criteria are judged by, for `holds` and `reasons_of`."""
    facts = dict(zip(rules.workflow.stage_leaves(), score.facts, strict=True))
    return View(rules, facts, standing.reached, witness, kinds)


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
            return view.facts[condition]


def _sales_set(view: View, stage: str) -> bool:
    if view.witness is None or view.witness.writer != "person" or view.witness.undone:
        return False
    said = _index(view.rules, our_stage(view.rules, view.witness.value))
    return said >= _index(view.rules, stage) >= 0


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
            return [words(condition, score, view.kinds)]


def written_by(writer: Writer, by: str = "") -> str:
    """Who set a stage in the CRM, in words."""
    said = {
        "person": "set by hand",
        "crm": "set by the CRM's own automation",
        "app": f"set by another app {by}".strip(),
        "default": "by default, an import or a form",
        "ours": "ours",
    }
    return said[writer]


def _by(witness: Witness) -> str:
    return written_by(witness.writer, witness.by)


def _note(rules: Rules, witness: Witness | None, standing: Standing) -> str:
    """The visible difference between what the CRM says and what we say."""
    if witness is None or witness.writer == "ours":
        return ""
    said = our_stage(rules, witness.value)
    if said == standing.stage or crm_stage(rules, standing.stage) == witness.value:
        return ""
    return f"the CRM says {witness.value or 'nothing'} ({_by(witness)})"


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
