"""`write_back:` of a mapping: which of our words goes into which property of the CRM."""

from __future__ import annotations

from collections.abc import Iterable

from connector.diagnostics import Place
from connector.model import fold
from connector.rules import reading
from connector.rules.nodes import Block, Mistakes, Node, listed, quoted
from connector.rules.properties import property_name
from connector.rules.reading import Kind
from connector.rules.suggest import close
from connector.rules.tree import Lifecycle, WriteBack

WORDS = ("score", "temperature", "stage", "why", "epoch", "rules")  # and the id of each axis
_WRITE_BACK = Kind("`write_back`", ("fields", "lifecycle"))
_LIFECYCLE = Kind("`lifecycle`", ("property", "only", "stages"), ("property", "stages"))


def read_write_back(
    node: Node, axes: tuple[str, ...] | None, stages: tuple[str, ...] | None, mistakes: Mistakes
) -> WriteBack:
    """:param axes, stages: of the workflow; None where they are not known"""
    said = reading.keys(node, _WRITE_BACK, mistakes) or {}
    targets = _Targets(mistakes)
    fields: dict[str, str] = {}
    places: dict[str, Place] = {}
    block = (
        reading.block(said["fields"], "`fields`", mistakes, "score: lq_score") if "fields" in said else None
    )
    for entry in block.entries if block else ():
        known = (*WORDS, *(axes or ()))
        if axes is not None and entry.key.text not in known:
            _unknown_word(entry.key, entry.key.text, known, mistakes)
            continue
        prop = property_name(entry.value, mistakes)
        if prop is not None and targets.take(prop, entry.key.text, entry.value):
            fields[entry.key.text] = prop
            places[entry.key.text] = entry.value.place
    lifecycle = _lifecycle(said["lifecycle"], stages, targets, mistakes) if "lifecycle" in said else None
    return WriteBack(fields, lifecycle, places)


def _unknown_word(at: Node, word: str, known: Iterable[str], mistakes: Mistakes) -> None:
    near = close(word, known)
    mistakes.add(
        "unknown-word",
        at,
        f"{quoted(word)} is nothing that we could write",
        label=f"did you mean {quoted(near)}?" if near else "",
        why=f"what can be written: {listed(known, 20)}.",
        fix=f"write {quoted(near)}." if near else "use one of these, or delete the line.",
    )


class _Targets:
    """Who writes to which property: two writers would overwrite each other for ever."""

    def __init__(self, mistakes: Mistakes) -> None:
        self._mistakes = mistakes
        self._first: dict[str, tuple[str, Node]] = {}

    def take(self, prop: str, word: str, at: Node) -> bool:
        first = self._first.setdefault(fold(prop), (word, at))
        if first[1] is at:
            return True
        same_file = first[1].place.file == at.place.file
        self._mistakes.add(
            "shared-target",
            at,
            f"{quoted(first[0])} and {quoted(word)} both write to {quoted(prop)}",
            label="second writer",
            notes=[(first[1], "first writer")] if same_file else [],
            why="whichever came last would win, and the next run would flip it back.",
            fix="give each its own property, or drop one of the two.",
        )
        return False


def _lifecycle(
    node: Node, stages: tuple[str, ...] | None, targets: _Targets, mistakes: Mistakes
) -> Lifecycle | None:
    said = reading.keys(node, _LIFECYCLE, mistakes)
    if said is None:
        return None
    if "only" in said:
        reading.option(said["only"], "a direction that the CRM's stage may move in", ("forward",), mistakes)
    prop = property_name(said["property"], mistakes) if "property" in said else None
    if prop is not None:
        targets.take(prop, "lifecycle", said["property"])
    block = reading.block(said["stages"], "`stages`", mistakes, "lead: lead") if "stages" in said else None
    values, places = _stages(block, stages, mistakes)
    return Lifecycle(prop or "", values, said.get("property", node).place, places)


def _stages(
    block: Block | None, stages: tuple[str, ...] | None, mistakes: Mistakes
) -> tuple[dict[str, str], dict[str, Place]]:
    values: dict[str, str] = {}
    places: dict[str, Place] = {}
    for entry in block.entries if block else ():
        what = "one of our stages"
        if stages is not None and reading.option(entry.key, what, stages, mistakes, "unknown-stage") is None:
            continue
        value = reading.text(entry.value, "a stage of the CRM", mistakes)
        if value is not None:
            values[entry.key.text] = value
            places[entry.key.text] = entry.value.place
    return values, places
