"""Two folders of rules side by side: who would stand elsewhere. Nothing is stored, nothing is decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from sqlite_utils import Database

from connector.decide import fit, judge, portions, scorer_of
from connector.errors import BadCommand
from connector.model import OUT, Document
from connector.rules.compile import kind_select
from connector.rules.tree import MappingRules, Rules
from connector.store import decisions, records


@dataclass(frozen=True, slots=True)
class Compared:
    """`here` and `there`: contacts by stage; `items`: contacts whose stage, temperature or points differ."""

    contacts: int
    here: dict[str, int]
    there: dict[str, int]
    items: list[Document]
    why_not: str = ""  # why DuckDB could not score


def compare(
    db: Database, here: Rules, there: Rules, now: int, tick: Callable[[int], None] = lambda _: None
) -> Compared:
    """Judges everybody by both, from where they stand today.

    :raises BadCommand: when the two mean different things by the CRM's fields and events
    """
    if _meaning(here.mapping) != _meaning(there.mapping):
        raise BadCommand(
            "The two folders differ in what mappings/ makes of the CRM's fields and events.",
            "Compare workflows: copy mappings/ into the other folder first.",
        )
    fit(db, here)
    ids = decisions.everyone(db)
    mine, theirs = scorer_of(here), scorer_of(there)
    counts: tuple[Counter[str], Counter[str]] = Counter(), Counter()
    items: list[Document] = []
    for some in portions(ids):
        for a, b in zip(judge(db, mine, some, now), judge(db, theirs, some, now), strict=True):
            counts[0][a["stage"]["to"]] += 1
            counts[1][b["stage"]["to"]] += 1
            items += _difference(a, b)
        tick(len(some))
    items.sort(key=lambda item: (item["here"]["stage"] == item["there"]["stage"], item["contact"]))
    stages = _ordered(here, counts[0]), _ordered(there, counts[1])
    return Compared(records.count(db), *stages, items, mine.why_not or theirs.why_not)


def _meaning(mapping: MappingRules) -> tuple[object, ...]:
    fields = [(f.name, f.object, f.property, f.type) for f in mapping.fields.values()]
    deals = [(f.name, f.property, f.type) for f in mapping.deal_fields.values()]
    return mapping.timezone, fields, deals, kind_select(mapping), dict(mapping.write_back.fields)


def _difference(a: Document, b: Document) -> list[Document]:
    here, there = _shown(a), _shown(b)
    if here == there:
        return []
    why = b["stage"]["why"] if here["stage"] != there["stage"] else ""
    return [{"contact": a["contact"], "email": a["email"], "here": here, "there": there, "why": why}]


def _shown(document: Document) -> Document:
    return {
        "stage": document["stage"]["to"],
        "temperature": document["temperature"],
        "points": document["points"]["to"],
    }


def _ordered(rules: Rules, counts: Counter[str]) -> dict[str, int]:
    stages = [stage.id for stage in rules.workflow.stages]
    return {stage: counts[stage] for stage in stages} | ({OUT: counts[OUT]} if counts[OUT] else {})
