"""`recycle:` and `disqualify:` of a workflow: how a journey ends before it is won."""

from __future__ import annotations

from connector.rules import reading, scalars
from connector.rules.condition import Conditions
from connector.rules.nodes import Block, Items, Mistakes, Node, listed, quoted
from connector.rules.reading import Kind
from connector.rules.tree import Disqualify, Recycle
from connector.rules.vocabulary import Vocabulary

NOTHING = "none"  # `reset: none`

_RECYCLE = Kind(
    "a rule of `recycle`",
    ("when", "to", "reset", "cool_down"),
    ("when", "to"),
    {"if": "when", "stage": "to", "pause": "cool_down", "wait": "cool_down", "for": "cool_down"},
)
_DISQUALIFY = Kind("a rule of `disqualify`", ("when",), ("when",), {"if": "when"})


class Endings:
    def __init__(self, known: Vocabulary, conditions: Conditions, mistakes: Mistakes) -> None:
        self._known = known
        self._conditions = conditions
        self._mistakes = mistakes

    def recycle(self, node: Node, scores: Node | None) -> tuple[Recycle, ...]:
        """:param scores: of the workflow, to see what signals give points to"""
        example = "- {when: {reason: {is: not_now}}, to: lead}"
        nodes = reading.items(node, "`recycle`", self._mistakes, example)
        counted = _counted(scores)
        return reading.each(nodes, lambda one: self._recycle(one, counted, example[2:]))

    def disqualify(self, node: Node) -> tuple[Disqualify, ...]:
        example = "- {when: {reason: {is: competitor}}}"
        nodes = reading.items(node, "`disqualify`", self._mistakes, example)
        return reading.each(nodes, lambda one: self._disqualify(one, example[2:]))

    def _disqualify(self, node: Node, example: str) -> Disqualify | None:
        said = reading.keys(node, _DISQUALIFY, self._mistakes, example) or {}
        where = self._known.ending("a rule of `disqualify`")
        when = self._conditions.read(said["when"], where) if "when" in said else None
        return Disqualify(when, node.place) if when else None

    def _recycle(self, node: Node, counted: frozenset[str] | None, example: str) -> Recycle | None:
        said = reading.keys(node, _RECYCLE, self._mistakes, example) or {}
        where = self._known.ending("a rule of `recycle`")
        when = self._conditions.read(said["when"], where) if "when" in said else None
        to = self._to(said["to"]) if "to" in said else None
        reset = self._reset(said["reset"], counted) if "reset" in said else False
        pause = said.get("cool_down")
        cool_down = scalars.duration(pause, "`cool_down`", self._mistakes, zero=True) if pause else 0
        return Recycle(when, to, node.place, reset, cool_down or 0) if when and to else None

    def _to(self, node: Node) -> str | None:
        stages = self._known.stages
        if stages is None:
            return reading.text(node, "a stage", self._mistakes)
        stage = reading.option(node, "a stage", stages, self._mistakes, "unknown-stage")
        if stage is None or stage != stages[-1]:
            return stage
        self._mistakes.add(
            "last-stage",
            node,
            f"{quoted(stage)} is the last stage, and nobody begins there again",
            why="a recycled contact goes back, to travel the rest of the way once more.",
            fix=f"name an earlier stage: {listed(stages[:-1])}.",
        )
        return None

    def _reset(self, node: Node, counted: frozenset[str] | None) -> bool:
        """Whether signals up to then count no more. All of them or none: what a person did is what every
        score of signals counts, so the name only has to be one that a reset changes."""
        known = self._known.axes
        if known is None:
            return reading.text(node, "`reset`", self._mistakes) not in (None, NOTHING)
        words = (*known, NOTHING)
        why = (
            "a reset ends what the signals up to then count for, in every score; it names a score that they "
            f"give points to, or {quoted(NOTHING)}. Here: {listed(words, 20)}."
        )
        slips = dict.fromkeys(("no", "false", "never", "nothing"), NOTHING)
        axis = reading.option(node, "one of the scores", words, self._mistakes, "unknown-axis", slips, why)
        if axis is not None and axis != NOTHING and counted is not None and axis not in counted:
            self._no_signals(node, axis, counted)
        return axis is not None and axis != NOTHING

    def _no_signals(self, node: Node, axis: str, counted: frozenset[str]) -> None:
        there = [one for one in self._known.axes or () if one in counted]
        made = f"Made of signals: {listed(there, 20)}." if there else "No score here is made of signals."
        self._mistakes.add(
            "no-signals",
            node,
            f"{quoted(axis)} cannot be reset: no signal gives points to it",
            why="a reset ends what the signals up to then count for, in every score; who somebody is stays "
            f"true. {made}",
            fix=f"write {quoted(f'reset: {there[0]}')}, or {quoted(f'reset: {NOTHING}')}."
            if there
            else "delete `reset`.",
        )


def _counted(scores: Node | None) -> frozenset[str] | None:
    """The scores that signals give points to; one that does not look as it should may be among them. None
    where there is no telling."""
    if not isinstance(scores, Block):
        return None
    return frozenset(entry.key.text for entry in scores.entries if _has_signals(entry.value))


def _has_signals(axis: Node) -> bool:
    groups = axis.get("groups") if isinstance(axis, Block) else None
    if not isinstance(groups, Block):
        return True
    lists = [entry.value.get("rules") for entry in groups.entries if isinstance(entry.value, Block)]
    if len(lists) < len(groups.entries) or not all(isinstance(one, Items) for one in lists):
        return True
    rules = [rule for one in lists if isinstance(one, Items) for rule in one.items]
    return any(not isinstance(rule, Block) or _is_of_signal(rule) for rule in rules)


def _is_of_signal(rule: Block) -> bool:
    return not {entry.key.text for entry in rule.entries} & {"when", "without"}
