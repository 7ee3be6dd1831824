"""Whose word about a stage stands in the CRM, and what it is worth (DESIGN 3, 'Who wrote it')."""

from __future__ import annotations

from dataclasses import dataclass, replace

from connector.model import Standing, Writer
from connector.rules.phrases import phrase
from connector.rules.tree import Rules

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


def our_stage(rules: Rules, crm_value: str) -> str | None:
    """Our stage for a value of the CRM's; of several that map to it, the first."""
    lifecycle = rules.mapping.write_back.lifecycle
    stages = lifecycle.stages if lifecycle else {}
    return next((s.id for s in rules.workflow.stages if stages.get(s.id) == crm_value), None)


def crm_stage(rules: Rules, stage: str | None) -> str | None:
    """The CRM's value for our stage; None where the mapping names none."""
    lifecycle = rules.mapping.write_back.lifecycle
    return lifecycle.stages.get(stage) if lifecycle and stage else None


def index(rules: Rules, stage: str | None) -> int:
    return next((n for n, s in enumerate(rules.workflow.stages) if s.id == stage), -1)


def in_crm(rules: Rules, stage: str | None) -> str | None:
    """The CRM's value for a stage, or for the nearest before it that the mapping names."""
    stages = rules.workflow.stages[: index(rules, stage) + 1]
    return next((value for s in reversed(stages) if (value := crm_stage(rules, s.id))), None)


def fresh(witness: Witness | None, standing: Standing, at: int) -> Witness | None:
    """What others said by then. A word about an earlier journey says nothing of this one; one that was acted
    on, or is older than the stage, still says where the contact stands, and sets it back no second time."""
    if witness is None or witness.at > at or witness.at <= _or(standing.epoch_at, witness.at - 1):
        return None
    heard = _or(standing.heard_at, witness.at - 1)
    if witness.at < heard:
        return None
    known = witness.at == heard or witness.at < _or(standing.stage_since, witness.at)
    return replace(witness, undone=False) if known else witness


def _or(moment: int | None, other: int) -> int:
    return other if moment is None else moment


def adopted(rules: Rules, witness: Witness | None) -> str | None:
    """The stage that others' word puts the contact at, at least; None where it says nothing of the kind."""
    if witness is None or witness.undone:
        return None
    stage = our_stage(rules, witness.value)
    stages = rules.workflow.stages
    validated = next((n for n, s in enumerate(stages) if s.id in VALIDATED), len(stages))
    if witness.writer == "default" and index(rules, stage) < validated:
        return None
    return stage if witness.writer in ("default", "crm", "person", "app") else None


def written_by(writer: Writer, by: str = "", language: str = "en") -> str:
    """Who set a stage in the CRM, in words."""
    return phrase(language, f"by_{writer}", *([by] if writer == "app" else []))


def says(rules: Rules, witness: Witness) -> str:
    language = rules.mapping.language
    by = written_by(witness.writer, witness.by, language)
    return phrase(language, "said", witness.value or phrase(language, "nothing"), by)


def note(rules: Rules, witness: Witness | None, standing: Standing) -> str:
    """The visible difference between what the CRM says and what we say."""
    if witness is None or witness.writer == "ours":
        return ""
    if (
        standing.stage in (our_stage(rules, witness.value),)
        or crm_stage(rules, standing.stage) == witness.value
    ):
        return ""
    return says(rules, witness)
