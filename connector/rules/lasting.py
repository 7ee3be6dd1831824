"""`for` beside a condition: how long it must have held. Only `leave_when` of a stage has it."""

from __future__ import annotations

from dataclasses import replace

from connector.rules.leaf import WITHOUT, joint_kind
from connector.rules.nodes import Block, Entry, Hole, Mistakes, Node, Scalar, quoted
from connector.rules.suggest import close
from connector.rules.vocabulary import Vocabulary, Where

_SLIPS = dict.fromkeys(("lasting", "during", "since", "within", "after"), "for")


def timed(node: Node, where: Where, known: Vocabulary, mistakes: Mistakes) -> tuple[Block, Node] | None:
    """The condition without its `for`, and what stands behind that; None if it has none of its own."""
    if not isinstance(node, Block):
        return None
    alone = len(node.entries) == 1  # `{for: 14d}` lacks a condition, not an absence
    kind = joint_kind(node, where, known)
    span = next((entry for entry in node.entries if entry.key.text == "for"), None)
    if kind is WITHOUT and not (alone and span):
        return None
    if span is None and kind is None and not alone:
        span = _misspelt(node, where, known, mistakes)
    if span is None:
        return None
    return replace(node, entries=tuple(entry for entry in node.entries if entry.key != span.key)), span.value


def _misspelt(node: Block, where: Where, known: Vocabulary, mistakes: Mistakes) -> Entry | None:
    """The entry that was probably meant as `for`, told; nothing stands behind it then."""
    strange = (entry for entry in node.entries if not known.can_ask(entry.key.text, where))
    found = next((entry for entry in strange if close(entry.key.text, ("for",), _SLIPS)), None)
    if found is None or where.words is None:
        return None
    mistakes.add(
        "unknown-key",
        found.key,
        f"{quoted(found.key.text)} is no condition",
        label="did you mean `for`?",
        why="beside the condition of `leave_when` stands `for` alone: how long it must have held.",
        fix=f"rename {quoted(found.key.text)} to `for`.",
    )
    return Entry(found.key, Hole(found.value.place, found.value.width))


def stray_for(at: Scalar, condition: Scalar, mistakes: Mistakes) -> None:
    """`for` beside a condition that does not wait."""
    mistakes.add(
        "misplaced-key",
        at,
        f"`for` cannot stand beside {quoted(condition.text)} here",
        why="it says for how long something has not happened (beside `without`), or how long the whole "
        "condition of `leave_when` must have held.",
        fix="delete it here; in `leave_when` of a stage, put it beside the outermost condition.",
    )
