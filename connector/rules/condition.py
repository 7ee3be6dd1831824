"""all/any/not blocks to a checked tree.

A condition is a block with one key: `all:` or `any:` with a list, `not:` with a condition, `use:` with
the name of one under `define:`, or a leaf. What a leaf may ask depends on where it stands (`Where`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo

from connector.rules import reading
from connector.rules.comparison import Comparable, comparison, several
from connector.rules.nodes import Block, Entry, Items, Mistakes, Node, Scalar, Spot, listed, quoted
from connector.rules.suggest import close
from connector.rules.tree import (
    All,
    AnyOf,
    AnySignal,
    Condition,
    DealIs,
    Leaf,
    Not,
    Reached,
    SalesSet,
    Scope,
    Test,
    leaves,
)

DEEPEST = 20  # conditions within conditions
MOST_LEAVES = 500  # of one condition, named ones counted where they are used
WORDS = ("all", "any", "not", "use")
SPECIAL = ("total", "stage", "deal", "any_signal", "sales_set")
RESERVED: Mapping[str, str] = dict.fromkeys((*WORDS, *SPECIAL, "method"), "a word of conditions")

_POINTS = Comparable("number")
_REASONS = {
    "total": "the total is the sum of these rules: it would depend on itself.",
    "stage": "points come first; stages are decided on them.",
    "sales_set": "points come first; stages are decided on them.",
    "any_signal": "a rule counts signals with `signal:` in place of `when:`.",
    "deal": "points are given for who somebody is and what they do; a deal is asked in a stage.",
}


@dataclass(frozen=True, slots=True)
class Where:
    """Where a condition stands, and what it may ask there.

    `words`: what can be compared, by name; None if the files that say so could not be read (then
    nothing is told about names). `special`: which of SPECIAL may be asked, `total` standing for the axes
    too. `before`: the stages that stand earlier; None where that is not asked.
    """

    name: str  # "a rule that gives points"
    subject: str  # "a contact field"
    scope: Scope
    words: Mapping[str, Comparable] | None
    special: tuple[str, ...] = ()
    can_use: bool = False
    before: tuple[str, ...] | None = None
    code: str = "unknown-field"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names of all files. None: the file that gives them could not be read."""

    fields: Mapping[str, Comparable] | None = None
    deal_fields: Mapping[str, Comparable] | None = None
    signals: tuple[str, ...] | None = None
    axes: tuple[str, ...] | None = None
    stages: tuple[str, ...] | None = None
    zone: tzinfo = UTC

    def rule(self) -> Where:
        return Where("a rule that gives points", "a contact field", "contact", self.fields, can_use=True)

    def stage(self, before: tuple[str, ...] | None) -> Where:
        return Where("a stage", "a contact field", "contact", self.fields, SPECIAL, True, before)

    def deal(self) -> Where:
        return Where("`deal`", "a field of a deal", "deal", self.deal_fields)


@dataclass(frozen=True, slots=True)
class _Made:
    """A condition with its height and the number of its leaves."""

    condition: Condition
    height: int = 1
    leaves: int = 1


class Conditions:
    """Reads conditions; reads each named one once, when it is first used or asked for."""

    def __init__(self, known: Vocabulary, mistakes: Mistakes, defined: tuple[Entry, ...] = ()) -> None:
        self._known = known
        self._mistakes = mistakes
        self._defined = {entry.key.text: entry for entry in defined}
        self._made: dict[str, _Made | None] = {}
        self._reading: list[str] = []  # named conditions in the making, to see a circle

    def read(self, node: Node, where: Where) -> Condition | None:
        made = self._read(node, where, 1)
        if made is not None and made.leaves > MOST_LEAVES:
            self._mistakes.add(
                "too-long",
                node,
                f"this condition asks {made.leaves:,} things",
                why=f"more than {MOST_LEAVES} cannot be shown as reasons, nor judged in one go.",
                fix="use `in` or `matches` with a list in place of many conditions.",
            )
            return None
        return made.condition if made else None

    def read_defined(self) -> None:
        """Reads the named conditions that nobody used, so that their mistakes are told too."""
        for name in self._defined:
            self._named(name, 1)

    def _read(self, node: Node, where: Where, depth: int) -> _Made | None:
        if depth > DEEPEST:
            self._too_deep(node)
            return None
        found = reading.block(node, "a condition", self._mistakes, "persona: {is: student}")
        if found is None:
            return None
        if not found.entries:
            self._nothing(found)
            return None
        if len(found.entries) > 1:
            several(found, self._mistakes)
            return None
        entry = found.entries[0]
        word = entry.key.text
        if where.words is not None and word in where.words:  # an event has an attribute `stage`
            return self._compare(entry, where.scope, where.words[word])
        match word:
            case "all" | "any":
                return self._several(entry, where, depth)
            case "not":
                return self._negated(entry, where, depth)
            case "use":
                return self._used(entry, where, depth)
        return self._leaf(entry, where, depth)

    def _nothing(self, found: Block) -> None:
        self._mistakes.add(
            "missing-value",
            found,
            "this condition is empty",
            why="an empty condition could mean everybody or nobody.",
            fix="write what it asks, such as `{persona: {is: student}}`, or delete the line.",
        )

    def _too_deep(self, at: Spot) -> None:
        self._mistakes.add(
            "too-deep",
            at,
            f"more than {DEEPEST} conditions stand within each other here",
            why="nobody could read it, and neither do we.",
            fix="name the inner part under `define:` and join conditions of the same kind into one list.",
        )

    def _several(self, entry: Entry, where: Where, depth: int) -> _Made | None:
        name = quoted(entry.key.text)
        nodes = reading.items(entry.value, name, self._mistakes, f"{entry.key.text}: [{{...}}, {{...}}]")
        parts = reading.each(nodes, lambda node: self._read(node, where, depth + 1))
        if nodes is None or len(parts) < len(nodes):
            return None
        inner = tuple(part.condition for part in parts)
        made = All(inner, entry.key.place) if entry.key.text == "all" else AnyOf(inner, entry.key.place)
        return _Made(made, 1 + max(p.height for p in parts), sum(p.leaves for p in parts))

    def _negated(self, entry: Entry, where: Where, depth: int) -> _Made | None:
        if isinstance(entry.value, Items):
            self._mistakes.add(
                "wrong-shape",
                entry.value,
                "`not` takes one condition, and this is a list",
                why="not all of them, or none of them? The two readings give different people.",
                fix="write `not: {any: [...]}` (none of them) or `not: {all: [...]}` (not all of them).",
            )
            return None
        made = self._read(entry.value, where, depth + 1)
        return made and _Made(Not(made.condition, entry.key.place), made.height + 1, made.leaves)

    # -- named conditions ---------------------------------------------------------------------------

    def _used(self, entry: Entry, where: Where, depth: int) -> _Made | None:
        if not where.can_use:
            self._misplaced(entry.key, where, "named conditions are about contacts.")
            return None
        name = reading.option(
            entry.value,
            "a condition under `define:`",
            self._defined,
            self._mistakes,
            "unknown-condition",
            why=f"defined here: {listed(self._defined)}.",
        )
        if name is None:
            return None
        if name in self._reading:
            self._circle(entry.value, name)
            return None
        made = self._named(name, depth + 1)
        if made is None or not self._fits(made.condition, entry.value, where):
            return None
        if depth + made.height > DEEPEST:
            self._too_deep(entry.value)
            return None
        return _Made(made.condition, made.height + 1, made.leaves)

    def _named(self, name: str, depth: int) -> _Made | None:
        if name not in self._made:
            entry = self._defined[name]
            self._made[name] = None  # holds while it is in the making
            self._reading.append(name)
            made = self._read(entry.value, self._known.stage(None), depth)
            self._reading.pop()
            self._made[name] = made if made is None or made.leaves <= MOST_LEAVES else None
            if made is not None and made.leaves > MOST_LEAVES:
                self.read(entry.value, self._known.stage(None))  # tells that it is too long
        return self._made[name]

    def _circle(self, at: Node, name: str) -> None:
        way = [*self._reading[self._reading.index(name) :], name]
        self._mistakes.add(
            "circular-use",
            at,
            f"{quoted(name)} is defined by itself: " + ", which uses ".join(way),
            notes=[(self._defined[name].key, "defined here")] if self._same_file(at, name) else [],
            why="a condition that needs its own answer has none.",
            fix="take one of these `use:` out of the circle.",
        )

    def _same_file(self, at: Node, name: str) -> bool:
        return self._defined[name].key.place.file == at.place.file

    def _fits(self, condition: Condition, at: Node, where: Where) -> bool:
        """Whether a named condition asks only what may be asked where it is used."""
        fits = True
        for leaf in leaves(condition):
            word = _word(leaf)
            if word is not None and word not in where.special:
                self._misplaced(at, where, _REASONS[word], word)
                fits = False
            elif isinstance(leaf, Reached) and not self._earlier(leaf.stage, at, where):
                fits = False
        return fits

    # -- leaves -------------------------------------------------------------------------------------

    def _leaf(self, entry: Entry, where: Where, depth: int) -> _Made | None:
        word = entry.key.text
        axis = where.scope == "contact" and word in (self._known.axes or ())
        kind = "total" if axis else word
        if kind in SPECIAL:
            if kind not in where.special:
                self._misplaced(entry.key, where, _REASONS[kind] if where.scope == "contact" else "")
                return None
            return self._special(kind, entry, where, depth)
        if where.words is not None and not (where.scope == "contact" and self._known.axes is None):
            self._unknown(entry.key, where)
        return None

    def _special(self, kind: str, entry: Entry, where: Where, depth: int) -> _Made | None:
        place = entry.key.place
        made: Leaf | None = None
        match kind:
            case "total":
                return self._compare(entry, "score", _POINTS)
            case "any_signal":
                kinds = self._signals(entry.value)
                made = AnySignal(kinds, place) if kinds else None
            case "stage":
                stage = self._reached(entry, where)
                made = Reached(stage, place) if stage else None
            case "sales_set":
                stage = self._stage(entry.value)
                made = SalesSet(stage, place) if stage else None
            case "deal":
                inner = self._read(entry.value, self._known.deal(), depth + 1)
                return inner and _Made(DealIs(inner.condition, place), inner.height + 1, inner.leaves)
        return _Made(made) if made else None

    def _compare(self, entry: Entry, scope: Scope, about: Comparable) -> _Made | None:
        made = comparison(entry, scope, about, self._known.zone, self._mistakes)
        return _Made(made) if made else None

    def _signals(self, node: Node) -> tuple[str, ...] | None:
        nodes = reading.one_or_more(node, "`any_signal`", self._mistakes)
        kinds = reading.each(nodes, self.signal)
        return tuple(dict.fromkeys(kinds)) if nodes and len(kinds) == len(nodes) else None

    def signal(self, node: Node) -> str | None:
        """The name of a signal of the mapping."""
        if self._known.signals is None:
            return reading.text(node, "a signal", self._mistakes)
        return reading.option(
            node, "a signal of the mapping", self._known.signals, self._mistakes, "unknown-signal"
        )

    def _reached(self, entry: Entry, where: Where) -> str | None:
        kind = reading.Kind("`stage`", ("reached",), ("reached",))
        asked = reading.keys(entry.value, kind, self._mistakes, "stage: {reached: lead}")
        if not asked or "reached" not in asked:
            return None
        stage = self._stage(asked["reached"])
        return stage if stage and self._earlier(stage, asked["reached"], where) else None

    def _stage(self, node: Node) -> str | None:
        if self._known.stages is None:
            return reading.text(node, "a stage", self._mistakes)
        return reading.option(node, "a stage", self._known.stages, self._mistakes, "unknown-stage")

    def _earlier(self, stage: str, at: Node, where: Where) -> bool:
        if where.before is None or stage in where.before:
            return True
        self._mistakes.add(
            "later-stage",
            at,
            f"{quoted(stage)} is not reached before this stage",
            why=f"stages are entered first to last; before this one: {listed(where.before)}.",
            fix="name an earlier stage, or move the stages into the right order.",
        )
        return False

    # -- what may not be asked ------------------------------------------------------------------------

    def _misplaced(self, at: Node, where: Where, why: str, word: str = "") -> None:
        said = at.text if isinstance(at, Scalar) else ""
        asks = f"{quoted(said)} asks {quoted(word)}, which" if word else quoted(said)
        self._mistakes.add(
            "misplaced-condition",
            at,
            f"{asks} cannot be asked in {where.name}",
            why=why or f"here only {where.subject} can be compared: {listed(where.words or (), 20)}.",
            fix="delete it here, or ask it in `enter_when` of a stage.",
        )

    def _unknown(self, key: Scalar, where: Where) -> None:
        words = tuple(where.words or ())
        extra = (*WORDS, *where.special) if where.scope == "contact" else WORDS[:3]
        axes = self._known.axes or () if "total" in where.special else ()
        near = close(key.text, (*words, *extra, *axes))
        self._mistakes.add(
            where.code,
            key,
            f"{quoted(key.text)} is not {where.subject}",
            label=f"did you mean {quoted(near)}?" if near else "",
            why=f"here can be asked: {listed((*words, *axes, *extra), 40)}.",
            fix=f"write {quoted(near)}."
            if near
            else "use one of these"
            + (", or add the field to mappings/." if where.scope in ("contact", "deal") else "."),
        )


def _word(leaf: Leaf) -> str | None:
    """The special word that a leaf is asked with; None for a contact's field."""
    match leaf:
        case Test(scope="score"):
            return "total"
        case AnySignal():
            return "any_signal"
        case Reached():
            return "stage"
        case SalesSet():
            return "sales_set"
        case DealIs():
            return "deal"
    return None


def event_condition(
    node: Node, events: str, attributes: Mapping[str, Comparable] | None, mistakes: Mistakes, zone: tzinfo
) -> Condition | None:
    """The `where` of a signal's source: its leaves ask attributes of the event(s)."""
    where = Where("`where`", f"an attribute of {events}", "event", attributes, code="unknown-attribute")
    return Conditions(replace(Vocabulary(), zone=zone), mistakes).read(node, where)
