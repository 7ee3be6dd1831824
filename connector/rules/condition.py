"""all/any/not blocks to a checked tree.

A condition is a block with one key: `all:` or `any:` with a list, `not:` with a condition, `use:` with
the name of one under `define:`, or a leaf. Two leaves alone have more keys: `without` and `method`. In
`leave_when` of a stage, and there alone, the outermost condition may have `for` beside it. What a leaf may
ask depends on where it stands (`Where`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo

from connector.rules import reading, scalars
from connector.rules.comparison import Comparable, comparison, several
from connector.rules.lasting import stray_for, timed
from connector.rules.leaf import WITHOUT, Leaves, joint_kind
from connector.rules.nodes import Block, Entry, Items, Mistakes, Node, Spot, listed, quoted
from connector.rules.reading import Kind
from connector.rules.tree import All, AnyOf, Condition, DealIs, Not, Reached, Scope, Without, leaves
from connector.rules.vocabulary import SPECIAL, Vocabulary, Where, asked, misplaced, unknown

DEEPEST = 20  # conditions within conditions
MOST_LEAVES = 500  # of one condition, named ones counted where they are used

_POINTS = Comparable("number")


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
        self._leaves = Leaves(known, mistakes)
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

    def lasting(self, node: Node, where: Where) -> tuple[Condition | None, int]:
        """A condition, and for how long (ms) it must have held: `{total: {below: 70}, for: 14d}`.

        Beside `without`, `for` is that leaf's own; an absence that is to last is put in a list:
        `{all: [{without: demo_download, for: 60d}], for: 14d}`.
        """
        found = timed(node, where, self._known, self._mistakes)
        if found is None:
            return self.read(node, where), 0
        rest, span = found
        held = scalars.duration(span, "`for`", self._mistakes)
        return self.read(rest, where), held or 0

    def signal(self, node: Node) -> str | None:
        """The name of a signal of the mapping."""
        return self._leaves.signal(node)

    def without(self, rule: Block, said: Mapping[str, Node]) -> Without | None:
        """The absence that a rule gives points for; `said` are the rule's values by key."""
        place = next(entry.key.place for entry in rule.entries if entry.key.text == "without")
        return self._leaves.without(said, place)

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
        joint = joint_kind(found, where, self._known)
        if joint is not None:
            return self._joint(found, joint, where)
        entry = found.entries[0]
        if len(found.entries) > 1:
            self._side_by_side(found, where)
            return None
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

    def _side_by_side(self, found: Block, where: Where) -> None:
        first, second, *_ = (entry.key for entry in found.entries)
        for span, other in ((first, second), (second, first)):
            if span.text == "for" and where.scope == "contact":
                stray_for(span, other, self._mistakes)
                return
        several(first, second, self._mistakes)

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
            misplaced(entry.key, where, "named conditions are about contacts.", self._mistakes)
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
            kind, word = asked(leaf) or ("", "")
            if kind and kind not in where.special:
                misplaced(at, where, where.reasons.get(kind, ""), self._mistakes, word)
                fits = False
            elif isinstance(leaf, Reached) and not self._leaves.earlier(leaf.stage, at, where):
                fits = False
        return fits

    # -- leaves -------------------------------------------------------------------------------------

    def _leaf(self, entry: Entry, where: Where, depth: int) -> _Made | None:
        kind = self._known.kind(entry.key.text, where)
        if kind in (*SPECIAL, "account"):
            if kind not in where.special:
                misplaced(entry.key, where, where.reasons.get(kind, ""), self._mistakes)
                return None
            return self._special(kind, entry, where, depth)
        if where.words is not None and not (where.scope == "contact" and self._known.axes is None):
            unknown(entry.key, where, self._known, self._mistakes)
        return None

    def _special(self, kind: str, entry: Entry, where: Where, depth: int) -> _Made | None:
        if kind == "total":
            return self._compare(entry, "score", _POINTS)
        if kind == "account":
            return self._of_account(entry)
        if kind == "deal":
            inner = self._read(entry.value, self._known.deal(), depth + 1)
            return inner and _Made(DealIs(inner.condition, entry.key.place), inner.height + 1, inner.leaves)
        made = self._leaves.one(kind, entry, where)
        return _Made(made) if made else None

    def _joint(self, found: Block, kind: Kind, where: Where) -> _Made | None:
        """A leaf with several keys."""
        word = kind.keys[0]
        head = next((entry.key for entry in found.entries if entry.key.text == word), found.entries[0].key)
        if word not in where.special:
            misplaced(head, where, where.reasons.get(word, ""), self._mistakes)
            return None
        for entry in found.entries:
            key = entry.key
            if key.text not in kind.keys and self._known.can_ask(key.text, where):
                first, second = (head, key) if head.place < key.place else (key, head)
                several(first, second, self._mistakes)
                return None
        said = reading.keys(found, kind, self._mistakes) or {}
        read = self._leaves.without if kind is WITHOUT else self._leaves.method
        made = read(said, head.place)
        return _Made(made) if made else None

    def _compare(self, entry: Entry, scope: Scope, about: Comparable, name: str = "") -> _Made | None:
        made = comparison(entry, scope, about, self._known.zone, self._mistakes)
        return _Made(replace(made, name=name or made.name)) if made else None

    def _of_account(self, entry: Entry) -> _Made | None:
        axis = self._known.account_axis(entry.key.text) or ""
        made = self._compare(entry, "account", _POINTS, axis)
        if self._known.accounts is None or axis in self._known.accounts:
            return made
        there = listed(self._known.accounts)
        self._mistakes.add(
            "unknown-account",
            entry.key,
            f"{quoted(axis)} is not added up over a company's people",
            why=f"that is done for the scores under `accounts:` alone; there: {there}.",
            fix=f"add `accounts: {{{axis}: {{top: 3}}}}` to a file of workflows/, or `{axis}: {{top: 3}}` to "
            "what stands there.",
        )
        return None


def event_condition(
    node: Node, events: str, attributes: Mapping[str, Comparable] | None, mistakes: Mistakes, zone: tzinfo
) -> Condition | None:
    """The `where` of a signal's source: its leaves ask attributes of the event(s)."""
    where = Where("`where`", f"an attribute of {events}", "event", attributes, code="unknown-attribute")
    return Conditions(replace(Vocabulary(), zone=zone), mistakes).read(node, where)
