"""`company_size: {between: [50, 1000]}`: one operator, and values of the field's type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from connector.model import fold
from connector.rules import reading, scalars
from connector.rules.nodes import Block, Entry, Hole, Mistakes, Node, Scalar, listed, quoted
from connector.rules.suggest import close
from connector.rules.tree import FieldType, Op, Scope, Test, Value

LONGEST_PATTERN = 1_000  # characters
MOST_PATTERNS = 500  # of one `matches`
LONGEST_VALUE = 10_000  # characters of a text that is compared

_TEXT: tuple[Op, ...] = ("is", "in", "matches", "known", "unknown")
_ORDERED: tuple[Op, ...] = ("is", "in", "between", "at_least", "above", "below")
_TIME: tuple[Op, ...] = ("between", "at_least", "above", "below", "within", "within_next", "known", "unknown")
OPERATORS: Mapping[FieldType, tuple[Op, ...]] = {
    "text": _TEXT,
    "choice": _TEXT,
    "number": (*_ORDERED, "known", "unknown"),
    "bool": ("is", "known", "unknown"),
    "date": ("is", "in", *_TIME),
    "datetime": _TIME,
}
SCORE_OPERATORS: tuple[Op, ...] = ("is", "between", "at_least", "above", "below")  # and an account's points
_SLIPS = {
    **dict.fromkeys(("=", "==", "eq", "equals", "equal"), "is"),
    **dict.fromkeys((">", "gt", "more_than", "over", "greater_than", "after"), "above"),
    **dict.fromkeys((">=", "gte", "min", "minimum", "from"), "at_least"),
    **dict.fromkeys(("<", "lt", "less_than", "under", "before"), "below"),
    **dict.fromkeys(("contains", "like", "pattern", "starts_with", "glob", "regex"), "matches"),
    **dict.fromkeys(("one_of", "any_of", "among"), "in"),
    **dict.fromkeys(("exists", "is_known", "present", "filled"), "known"),
    **dict.fromkeys(("empty", "missing", "is_unknown", "null"), "unknown"),
}


@dataclass(frozen=True, slots=True)
class Comparable:
    """What a condition may compare: its type, and its options where the mapping lists them. `fixed`: they are
    the CRM's own, and nobody can add to them."""

    type: FieldType
    values: tuple[str, ...] = ()
    fixed: bool = False


def comparison(
    entry: Entry, scope: Scope, about: Comparable, zone: tzinfo, mistakes: Mistakes
) -> Test | None:
    """The entry (`name: {operator: value}`) as a test of `about`."""
    name = entry.key.text
    found = _operator(entry, about, scope, mistakes)
    if found is None:
        return None
    op, node = found
    values = _values(op, node, name, about, zone, mistakes)
    if values is None:
        return None
    return Test(scope, name, about.type, op, values, entry.key.place)


def _operator(entry: Entry, about: Comparable, scope: Scope, mistakes: Mistakes) -> tuple[Op, Node] | None:
    points = scope in ("score", "account")
    known = SCORE_OPERATORS if points else OPERATORS[about.type]
    name = quoted(entry.key.text)
    if not isinstance(entry.value, Block) or not entry.value.entries:
        _no_operator(entry, known, mistakes)
        return None
    if len(entry.value.entries) > 1:
        several(entry.value.entries[0].key, entry.value.entries[1].key, mistakes)
        return None
    asked = entry.value.entries[0]
    for op in known:
        if op == asked.key.text:
            return op, asked.value
    every = {op for ops in OPERATORS.values() for op in ops}
    if asked.key.text in every:
        kind = "points" if points else f"a {about.type}"
        mistakes.add(
            "wrong-operator",
            asked.key,
            f"{quoted(asked.key.text)} cannot be asked of {name}, which is {kind}",
            why=f"{kind} can be compared with {listed(known)}.",
            fix=f"use one of these, or give {name} another type in the mapping."
            if scope == "contact"
            else "use one of these.",
        )
        return None
    near = close(asked.key.text, known, _SLIPS)
    mistakes.add(
        "unknown-operator",
        asked.key,
        f"{quoted(asked.key.text)} is not a comparison",
        label=f"did you mean {quoted(near)}?" if near else "",
        why=f"{name} can be compared with {listed(known)}.",
        fix=f"write {quoted(near)}." if near else "use one of these.",
    )
    return None


def _no_operator(entry: Entry, known: tuple[Op, ...], mistakes: Mistakes) -> None:
    if isinstance(entry.value, Hole):
        return
    name, said = entry.key.text, entry.value.text if isinstance(entry.value, Scalar) else ""
    op = "is" if "is" in known else known[0]
    if said in ("known", "unknown"):
        example = f"{name}: {{{said}: true}}"
    elif isinstance(entry.value, Scalar):
        example = f"{name}: {{{op}: {said or '...'}}}"
    else:
        example = f"{name}: {{in: [...]}}"
    mistakes.add(
        "missing-operator",
        entry.value,
        f"{quoted(name)} does not say how it is compared",
        why=f"a comparison is a word and a value; {quoted(name)} can be compared with {listed(known)}.",
        fix=f"write `{example}`.",
    )


def several(first: Scalar, second: Scalar, mistakes: Mistakes) -> None:
    """Two conditions side by side: all of them, or any?"""
    mistakes.add(
        "two-conditions",
        second,
        f"{quoted(second.text)} stands beside {quoted(first.text)}: all of them, or any?",
        notes=[(first, "first condition")],
        label="second condition",
        why="the two readings give different people.",
        fix="put them in a list under `all:` or `any:`, each with `- ` before it.",
    )


# -- values -------------------------------------------------------------------------------------------


def _values(
    op: Op, node: Node, name: str, about: Comparable, zone: tzinfo, mistakes: Mistakes
) -> tuple[Value, ...] | None:
    label = quoted(op)
    if op in ("known", "unknown"):
        return _asked_for(op, node, mistakes)
    if op in ("within", "within_next"):
        span = scalars.duration(node, label, mistakes)
        return None if span is None else (span,)
    if op == "matches":
        return _patterns(node, mistakes)
    read = _reader(about, label, name, zone, mistakes)
    if op == "between":
        return _range(node, read, mistakes)
    nodes = reading.one_or_more(node, label, mistakes) if op == "in" else (node,)
    if nodes is None:
        return None
    values: tuple[Value, ...] = reading.each(nodes, read)
    return tuple(dict.fromkeys(values)) if len(values) == len(nodes) else None


def _asked_for(op: Op, node: Node, mistakes: Mistakes) -> tuple[Value, ...] | None:
    said = scalars.flag(node, quoted(op), mistakes)
    if said is False:
        other = "unknown" if op == "known" else "known"
        mistakes.add(
            "double-negative",
            node,
            f"{quoted(op + ': false')} says the opposite of what stands there",
            why="such a line is easily read the wrong way round.",
            fix=f"write `{other}: true`.",
        )
    return () if said else None


def _range(node: Node, read: Callable[[Node], Value | None], mistakes: Mistakes) -> tuple[Value, ...] | None:
    both = reading.items(node, "`between`", mistakes, "between: [50, 1000]")
    if both is None:
        return None
    if len(both) != 2:
        mistakes.add(
            "wrong-shape",
            node,
            f"`between` takes two values, and this has {len(both)}",
            why="it says the lowest and the highest that still count.",
            fix="write it like `between: [50, 1000]`.",
        )
        return None
    low, high = read(both[0]), read(both[1])
    if low is None or high is None:
        return None
    if isinstance(low, str) or isinstance(high, str) or low <= high:
        return (low, high)
    mistakes.add(
        "range-backwards",
        node,
        "the first value of `between` is higher than the second",
        why="nothing lies between them, so nobody would ever match.",
        fix="swap them: the lower one comes first.",
    )
    return None


def _patterns(node: Node, mistakes: Mistakes) -> tuple[Value, ...] | None:
    nodes = reading.one_or_more(node, "`matches`", mistakes)
    if nodes is None:
        return None
    if len(nodes) > MOST_PATTERNS:
        mistakes.add(
            "too-long",
            node,
            f"`matches` has {len(nodes)} patterns",
            why=f"at most {MOST_PATTERNS} are compared at once.",
            fix="join patterns with *, or split the list between two conditions under `any:`.",
        )
        return None
    found = reading.each(nodes, lambda one: _text(one, "`matches`", LONGEST_PATTERN, mistakes))
    return tuple(dict.fromkeys(found)) if len(found) == len(nodes) else None


def _text(node: Node, name: str, longest: int, mistakes: Mistakes) -> str | None:
    """Text as it is compared: folded, not empty."""
    found = reading.scalar(node, name, mistakes)
    if found is None:
        return None
    if len(found.text) > longest:
        mistakes.add(
            "too-long",
            found,
            f"this text has {len(found.text):,} characters",
            why=f"{name} takes at most {longest:,}.",
            fix="shorten it; in a pattern, * stands for anything.",
        )
        return None
    folded = fold(found.text)
    if not folded:
        reading.missing_value(found, name, mistakes)
    return folded or None


def _reader(
    about: Comparable, label: str, name: str, zone: tzinfo, mistakes: Mistakes
) -> Callable[[Node], Value | None]:
    """How one value of this type is read."""
    match about.type:
        case "number":
            return lambda node: scalars.number(node, label, mistakes)
        case "bool":
            return lambda node: scalars.flag(node, label, mistakes)
        case "date":
            return lambda node: scalars.day(node, label, mistakes, zone)
        case "datetime":
            return lambda node: scalars.moment(node, label, mistakes, zone)
        case _:
            return lambda node: _choice(node, label, name, about, mistakes)


def _choice(node: Node, label: str, name: str, about: Comparable, mistakes: Mistakes) -> str | None:
    folded = _text(node, label, LONGEST_VALUE, mistakes)
    if folded is None or not about.values or folded in {fold(value) for value in about.values}:
        return folded
    said = node.text if isinstance(node, Scalar) else folded
    near = close(said, about.values)
    mistakes.add(
        "unknown-option",
        node,
        f"{quoted(said)} is not one of the values of {quoted(name)}",
        label=f"did you mean {quoted(near)}?" if near else "",
        why=f"the {'CRM has' if about.fixed else 'mapping lists'} {listed(about.values, 20)}; "
        "nothing else can ever be there.",
        fix=f"write {quoted(near)}."
        if near
        else "use one of these" + ("." if about.fixed else f", or add it to the values of {quoted(name)}."),
    )
    return None
