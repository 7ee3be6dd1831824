"""Nodes as what they should be: a block with known keys, a list, text. What they are not is a mistake.

Every function answers None for what it could not read; the mistake is then already told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from connector.model import fold
from connector.rules.nodes import Block, Entry, Hole, Items, Mistakes, Node, Scalar, Spot, listed, quoted
from connector.rules.suggest import close

LONGEST_NAME = 60
LONGEST_TEXT = 200
_NAME = re.compile(r"[a-z][a-z0-9_]*")
S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a block may hold. `name` as in "a field"; `slips`: words people type for a key of ours;
    `elsewhere`: keys that are known, but in another place (key -> the place)."""

    name: str
    keys: tuple[str, ...]
    required: tuple[str, ...] = ()
    slips: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)


def block(node: Node, name: str, mistakes: Mistakes, example: str = "") -> Block | None:
    """`node` as a block; `name` says what it is ("a field")."""
    if isinstance(node, Block):
        return node
    _wrong_shape(node, f"{name} is a block of `key: value` lines", example, mistakes)
    return None


def entries(node: Node, name: str, mistakes: Mistakes, example: str = "") -> tuple[Entry, ...]:
    """The entries of a block that must have some."""
    found = block(node, name, mistakes, example)
    if found is not None and not found.entries:
        empty_list(found, name, mistakes)
    return found.entries if found else ()


def keys(node: Node, kind: Kind, mistakes: Mistakes, example: str = "") -> dict[str, Node] | None:
    """The block's values by key; keys that `kind` does not know, and those that it misses, are told."""
    found = block(node, kind.name, mistakes, example)
    if found is None:
        return None
    known: dict[str, Node] = {}
    for entry in found.entries:
        if entry.key.text in kind.keys:
            known[entry.key.text] = entry.value
        elif (meant := unknown_key(entry.key, kind, mistakes)) is not None:
            known.setdefault(meant, Hole(entry.value.place, entry.value.width))
    for key in kind.required:
        if key not in known:
            missing_key(found, key, kind.name, mistakes)
    return known


def unknown_key(key: Scalar, kind: Kind, mistakes: Mistakes) -> str | None:
    """Tells it, and answers the key that was probably meant."""
    near = close(key.text, kind.keys, kind.slips)
    place = kind.elsewhere.get(key.text)
    mistakes.add(
        "unknown-key",
        key,
        f"{quoted(key.text)} is not a key of {kind.name}",
        label=f"it belongs in {place}" if place else f"did you mean {quoted(near)}?" if near else "",
        why=f"the keys of {kind.name} are {listed(kind.keys, 20)}; one that we do not know would be ignored.",
        fix=f"move it to {place}."
        if place
        else f"rename {quoted(key.text)} to {quoted(near)}."
        if near
        else "delete the line, or use one of these keys.",
    )
    return None if place else near


def missing_key(at: Spot, key: str, name: str, mistakes: Mistakes, example: str = "") -> None:
    mistakes.add(
        "missing-key",
        at,
        f"{name} has no {quoted(key)}",
        why="without it the rest cannot be understood.",
        fix=f"add `{example or key + ': ...'}`.",
    )


def items(node: Node, name: str, mistakes: Mistakes, example: str = "") -> tuple[Node, ...] | None:
    """`node` as a list with something in it."""
    if not isinstance(node, Items):
        _wrong_shape(node, f"{name} is a list, each entry on a line with `- ` before it", example, mistakes)
        return None
    if not node.items:
        empty_list(node, name, mistakes)
        return None
    return node.items


def one_or_more(node: Node, name: str, mistakes: Mistakes) -> tuple[Node, ...] | None:
    """A list, or one value that stands for a list of one."""
    return items(node, name, mistakes) if isinstance(node, Items) else (node,)


def empty_list(node: Node, name: str, mistakes: Mistakes) -> None:
    mistakes.add(
        "empty-list",
        node,
        f"{name} has nothing in it",
        why="nothing can ever be found there.",
        fix="put at least one entry between the brackets, or delete the line.",
    )


def scalar(node: Node, name: str, mistakes: Mistakes, example: str = "") -> Scalar | None:
    """`node` as one value that says something."""
    if not isinstance(node, Scalar):
        _wrong_shape(node, f"{name} is one value", example, mistakes)
        return None
    if node.is_null:
        missing_value(node, name, mistakes)
        return None
    return node


def missing_value(node: Scalar, name: str, mistakes: Mistakes) -> None:
    mistakes.add(
        "missing-value",
        node,
        f"{name} has no value",
        why=f"{quoted(node.text)} without quotes means nothing in YAML."
        if node.plain and node.text
        else "nothing stands behind the `:`, and empty text says nothing either.",
        fix="write a value; in a condition, `unknown: true` asks for an empty field.",
    )


def text(node: Node, name: str, mistakes: Mistakes, example: str = "") -> str | None:
    """One line of text, as typed; runs of spaces and line ends become one space."""
    found = scalar(node, name, mistakes, example)
    if found is None:
        return None
    said = " ".join(found.text.split())
    if not said:
        missing_value(found, name, mistakes)
        return None
    if len(said) > LONGEST_TEXT:
        mistakes.add(
            "too-long",
            found,
            f"{name} has {len(said)} characters",
            why=f"more than {LONGEST_TEXT} do not fit where it is shown.",
            fix="shorten it.",
        )
        return None
    return said


def name(node: Node, what: str, mistakes: Mistakes, reserved: Mapping[str, str] | None = None) -> str | None:
    """A name that people give: lower case letters, digits and `_`. `reserved`: word -> what it is."""
    found = scalar(node, what, mistakes)
    if found is None:
        return None
    if not _NAME.fullmatch(found.text) or len(found.text) > LONGEST_NAME:
        better = _as_name(found.text)
        mistakes.add(
            "unusable-name",
            found,
            f"{quoted(found.text)} cannot be {what}",
            label=f"for example {quoted(better)}" if better else "",
            why=f"names are made of the letters a to z, digits and _, begin with a letter, and have at most "
            f"{LONGEST_NAME} characters: they become columns and property values.",
            fix="rename it here and wherever it is used.",
        )
        return None
    if reserved and found.text in reserved:
        mistakes.add(
            "reserved-name",
            found,
            f"{quoted(found.text)} cannot be {what}: it is {reserved[found.text]}",
            why="a condition could not tell which of the two is meant.",
            fix=f"choose another name, for example {quoted('my_' + found.text)}.",
        )
        return None
    return found.text


def _as_name(said: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", fold(said[: LONGEST_NAME * 2])).strip("_0123456789")[:LONGEST_NAME]


def option(
    node: Node,
    what: str,
    known: Iterable[str],
    mistakes: Mistakes,
    code: str = "unknown-value",
    slips: Mapping[str, str] | None = None,
    why: str = "",
) -> str | None:
    """One of the words of `known`; `what` says of what ("a field type")."""
    found = scalar(node, what, mistakes)
    names = tuple(known)
    if found is None or found.text in names:
        return found.text if found else None
    near = close(found.text, names, slips)
    mistakes.add(
        code,
        found,
        f"{quoted(found.text)} is not {what}",
        label=f"did you mean {quoted(near)}?" if near else "",
        why=why or f"known here: {listed(names, 20)}.",
        fix=f"write {quoted(near)}." if near else "use what is known, or delete it.",
    )
    return None


def each(nodes: Iterable[S] | None, read: Callable[[S], T | None]) -> tuple[T, ...]:
    """What `read` makes of each, without those that it could not read."""
    return tuple(made for node in nodes or () if (made := read(node)) is not None)


def _wrong_shape(node: Node, what: str, example: str, mistakes: Mistakes) -> None:
    if isinstance(node, Hole):
        return
    shape = {Scalar: "one value", Items: "a list", Block: "a block"}[type(node)]
    if isinstance(node, Scalar) and node.is_null:
        shape = "nothing"
    mistakes.add(
        "wrong-shape",
        node,
        what,
        label=f"this is {shape}",
        why="what stands here cannot be read as that.",
        fix=f"write it like `{example}`." if example else "compare it with the default rules.",
    )
