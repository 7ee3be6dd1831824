"""`decay:` of a group: how points fade with age, in steps or by a half-life."""

from __future__ import annotations

from collections.abc import Mapping

from connector.model import DAY
from connector.rules import reading, scalars
from connector.rules.nodes import Block, Mistakes, Node, quoted
from connector.rules.reading import Kind
from connector.rules.suggest import close
from connector.rules.tree import Decay, HalfLife

MOST_STEPS = 100
SHORTEST, LONGEST = DAY, 3_650 * DAY  # of a half-life

_KEYS = ("after", "to", "every", "half_life")
_STEPS = Kind("`decay`", _KEYS, _KEYS[:3])
_HALF_LIFE = Kind("`decay`", _KEYS, _KEYS[3:])
_EXAMPLE = "decay: {after: 30d, to: [50%, 0%], every: 30d}"


def read_decay(node: Node, mistakes: Mistakes) -> Decay | HalfLife | None:
    """Either of the two; a block that means `half_life` is held to that one."""
    keys = [entry.key.text for entry in node.entries] if isinstance(node, Block) else []
    halved = any(close(key, _KEYS) == "half_life" for key in keys)
    said = reading.keys(node, _HALF_LIFE if halved else _STEPS, mistakes, _EXAMPLE)
    if said is None:
        return None
    return _half_life(said, mistakes) if halved else _steps(said, mistakes)


def _half_life(said: Mapping[str, Node], mistakes: Mistakes) -> HalfLife | None:
    for key in filter(said.__contains__, _STEPS.required):
        mistakes.add(
            "misplaced-key",
            said[key],
            f"{quoted(key)} cannot stand beside `half_life`",
            why="a half-life alone says how fast points fade; steps would say it a second time.",
            fix=f"delete {quoted(key)}, or delete `half_life` and fade in steps.",
        )
    lasting = scalars.duration(said["half_life"], "`half_life`", mistakes)
    if lasting is None or SHORTEST <= lasting <= LONGEST:
        return HalfLife(lasting) if lasting else None
    mistakes.add(
        "out-of-range",
        said["half_life"],
        f"`half_life` lasts between {SHORTEST // DAY} and {LONGEST // DAY:,} days",
        why="points fade once a day; what takes longer than ten years to fade by half does not fade.",
        fix="write a duration such as `30d`.",
    )
    return None


def _steps(said: Mapping[str, Node], mistakes: Mistakes) -> Decay | None:
    after = scalars.duration(said["after"], "`after`", mistakes) if "after" in said else None
    every = scalars.duration(said["every"], "`every`", mistakes) if "every" in said else None
    nodes = reading.one_or_more(said["to"], "`to`", mistakes) if "to" in said else None
    steps = reading.each(nodes, lambda one: scalars.percent(one, "`to`", mistakes))
    if nodes is None or len(steps) < len(nodes) or not _falls(nodes, steps, mistakes):
        return None
    return Decay(after, steps, every) if after is not None and every is not None else None


def _falls(nodes: tuple[Node, ...], steps: tuple[int, ...], mistakes: Mistakes) -> bool:
    if len(steps) > MOST_STEPS:
        mistakes.add(
            "too-long",
            nodes[MOST_STEPS],
            f"this decay has {len(steps)} steps",
            why=f"at most {MOST_STEPS} are taken.",
            fix="make the steps longer with `every`.",
        )
        return False
    for node, before, step in zip(nodes[1:], steps, steps[1:], strict=False):
        if step > before:
            mistakes.add(
                "decay-rises",
                node,
                f"a decay cannot rise from {before}% to {step}%",
                why="what happened long ago never counts more than what happened yesterday.",
                fix="order the percentages from high to low.",
            )
            return False
    return True
