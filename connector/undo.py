"""The way back from a plan: its contacts, from where it found them."""

from __future__ import annotations

from dataclasses import replace

from sqlite_utils import Database

from connector.decide import Start, standing_of
from connector.errors import BadCommand
from connector.model import Standing, Transition
from connector.rules.tree import Rules
from connector.store import outbox
from connector.store.plans import PlanRow


def starts_before(db: Database, rules: Rules, plan: PlanRow, now: int) -> dict[str, Start]:
    """Where each contact of a plan stood before it, by the values that the outbox kept. The CRM's own stage
    never goes back; scores are what the rules say now.

    :raises BadCommand: when the plan sent nothing
    """
    words = rules.mapping.write_back.fields
    stage, temperature = words.get("stage", ""), words.get("temperature", "")
    olds = outbox.olds(db, plan.id)
    if not olds:
        raise BadCommand(f"Plan {plan.id} sent nothing that could be undone.", "See `connector runs`.")
    return {
        contact: _start(db, rules, plan, contact, old.get(stage, ""), old.get(temperature, ""), now)
        for contact, old in olds.items()
    }


def _start(
    db: Database,
    rules: Rules,
    plan: PlanRow,
    contact: str,
    stage: str | None,
    temperature: str | None,
    now: int,
) -> Start:
    """'' stands for a value that the plan did not change, None for one that was not there before."""
    standing = standing_of(db, rules, contact)
    names = list(rules.workflow.stages_named())
    if temperature != "":
        standing = replace(standing, temperature=temperature, temperature_since=None)
    if stage == "" or stage == standing.stage:
        return Start(standing)
    if stage not in names:
        return Start(Standing(contact, standing.journey, standing.epoch_at, temperature=standing.temperature))
    back = Transition(
        contact_id=contact,
        journey=standing.journey,
        from_stage=standing.stage,
        to_stage=stage or names[0],
        rule="",
        why=f"plan {plan.id} was undone",
        actor="sales",
        effective_at=now,
        decided_at=now,
    )
    reached = frozenset(names[: names.index(stage) + 1])
    return Start(replace(standing, stage=stage, stage_since=now, reached=reached), (back,))
