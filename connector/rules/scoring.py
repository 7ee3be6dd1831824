"""`scores:` of a workflow: axes, their groups, and the rules that give points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from connector.rules import reading, scalars
from connector.rules.condition import Conditions
from connector.rules.decay import read_decay
from connector.rules.nodes import Block, Entry, Items, Mistakes, Node, Scalar, listed, quoted
from connector.rules.reading import Kind
from connector.rules.signal import has_attribute
from connector.rules.tree import (
    Axis,
    Condition,
    Decay,
    Group,
    HalfLife,
    PropertyRule,
    Rule,
    SignalKind,
    SignalRule,
)
from connector.rules.vocabulary import ACCOUNT, RESERVED, Vocabulary, Where
from connector.rules.write_back import WORDS

LANGUAGES = ("en", "fr")
MOST_OCCURRENCES = 10_000
ONCE_PER: tuple[Literal["day", "email", "form"], ...] = ("day", "email", "form")

_AXIS = Kind(
    "a score",
    ("floor", "ceiling", "groups"),
    ("groups",),
    {"min": "floor", "max": "ceiling", "cap": "ceiling"},
)
_GROUP = Kind("a group", ("cap", "decay", "rules"), ("rules",), {"ceiling": "cap", "max": "cap"})
_KINDS = ("when", "signal", "without")  # a rule has one of them
_OWN: Mapping[str, tuple[str, ...]] = {  # and what belongs to that kind alone
    "signal": ("at_most", "per", "once_per", "cap"),
    "without": ("for",),
}
_SLIPS = {
    **{"score": "points", "name": "label", "max": "at_most", "within": "per", "if": "when"},
    **{"absent": "without", "lasting": "for", "ceiling": "cap"},
}
_RULE = Kind(
    "a rule",
    ("id", "label", "points", *_KINDS, *_OWN["signal"], *_OWN["without"]),
    ("id", "points"),
    _SLIPS,
)
_ABSENCE = replace(_RULE, slips={**_SLIPS, **dict.fromkeys(("within", "since"), "for")})


@dataclass(frozen=True, slots=True)
class _Head:
    """What both kinds of rule have."""

    id: str
    label: Mapping[str, str]
    points: int


class Scoring:
    """Reads axes; remembers rule ids, which are unique over all of them."""

    def __init__(
        self,
        known: Vocabulary,
        signals: Mapping[str, SignalKind],
        conditions: Conditions,
        mistakes: Mistakes,
    ) -> None:
        self._known = known
        self._signals = signals
        self._conditions = conditions
        self._mistakes = mistakes
        self._ids: dict[str, Scalar] = {}

    def axes(self, node: Node) -> tuple[Axis, ...]:
        entries = reading.entries(node, "`scores`", self._mistakes, "fit: {groups: ...}")
        return reading.each(entries, self._axis)

    def _axis(self, entry: Entry) -> Axis | None:
        name = reading.name(entry.key, "a score's name", self._mistakes, self._reserved())
        said = reading.keys(entry.value, _AXIS, self._mistakes)
        if said is None:
            return None
        floor, ceiling = self._bound(said, "floor"), self._bound(said, "ceiling")
        if floor is not None and ceiling is not None and floor > ceiling:
            self._mistakes.add(
                "floor-above-ceiling",
                said["floor"],
                "the floor is higher than the ceiling",
                notes=[(said["ceiling"], "ceiling")] if said["ceiling"].place <= said["floor"].place else [],
                why="no number is at or over the one and at or under the other.",
                fix="make the floor the lower of the two.",
            )
        groups = said.get("groups")
        example = "intent: {rules: [...]}"
        entries = reading.entries(groups, "`groups`", self._mistakes, example) if groups else ()
        where = self._known.rule(entry.key.text)
        made = reading.each(entries, lambda one: self._group(one, where))
        return Axis(name, made, entry.key.place, floor, ceiling) if name else None

    def _reserved(self) -> dict[str, str]:
        """Words that no score may be called, each with what it is."""
        accounts = dict.fromkeys(
            (ACCOUNT + axis for axis in self._known.axes or ()), "the score of an account"
        )
        return {**RESERVED, **dict.fromkeys(WORDS, "a word of `write_back`"), **accounts}

    def _bound(self, said: Mapping[str, Node], key: str) -> int | None:
        return scalars.thousandths(said[key], quoted(key), self._mistakes) if key in said else None

    def _group(self, entry: Entry, where: Where) -> Group | None:
        name = reading.name(entry.key, "a group's name", self._mistakes)
        said = reading.keys(entry.value, _GROUP, self._mistakes)
        if said is None:
            return None
        cap = self._cap(said)
        decay = read_decay(said["decay"], self._mistakes) if "decay" in said else None
        nodes = reading.items(said["rules"], "`rules`", self._mistakes) if "rules" in said else None
        rules: tuple[Rule, ...] = reading.each(nodes, lambda one: self._rule(one, decay, where))
        return Group(name, rules, entry.key.place, cap) if name else None

    def _cap(self, said: Mapping[str, Node]) -> int | None:
        return scalars.thousandths(said["cap"], "`cap`", self._mistakes, least=0) if "cap" in said else None

    # -- rules --------------------------------------------------------------------------------------

    def _rule(self, node: Node, decay: Decay | HalfLife | None, where: Where) -> Rule | None:
        kind = _ABSENCE if isinstance(node, Block) and node.get("without") else _RULE
        said = reading.keys(node, kind, self._mistakes, "{id: demo, signal: demo_download, points: 25}")
        if said is None or not isinstance(node, Block):
            return None
        head = self._head(said)
        kinds = [kind for kind in _KINDS if kind in said]
        if len(kinds) != 1:
            self._which_kind(node, kinds)
            return None
        self._not_of(kinds[0], said)
        if kinds[0] == "signal":
            return self._signal_rule(said, node, head, decay)
        by_field = kinds[0] == "when"
        when = self._conditions.read(said["when"], where) if by_field else self._absence(node, said)
        return PropertyRule(head.id, head.label, head.points, when, node.place) if head and when else None

    def _absence(self, node: Block, said: Mapping[str, Node]) -> Condition | None:
        if "for" not in said:
            reading.missing_key(node, "for", "a rule with `without`", self._mistakes, "for: 60d")
        return self._conditions.without(node, said)

    def _which_kind(self, node: Node, kinds: list[str]) -> None:
        self._mistakes.add(
            "unclear-rule",
            node,
            f"the rule has {listed(map(quoted, kinds))}"
            if kinds
            else "the rule has none of `when`, `signal` and `without`",
            why="`when` gives points for who somebody is, `signal` for each thing that they do, `without` "
            "for what they have not done for a while; a rule is one of these.",
            fix=f"make {'three' if len(kinds) > 2 else 'two'} rules of it."
            if kinds
            else "add `when: {...}`, `signal: ...`, or `without: ...` and `for: 60d`.",
        )

    def _not_of(self, kind: str, said: Mapping[str, Node]) -> None:
        """Tells what belongs to another kind of rule."""
        for other, own in _OWN.items():
            for key in filter(said.__contains__, own if other != kind else ()):
                self._mistakes.add(
                    "misplaced-key",
                    said[key],
                    f"{quoted(key)} belongs to a rule with {quoted(other)}, and this one has {quoted(kind)}",
                    why="it says for how long nothing has happened; `per` says how far back signals count."
                    if key == "for"
                    else "a condition is true or not; it does not happen several times.",
                    fix="delete it here.",
                )

    def _head(self, said: Mapping[str, Node]) -> _Head | None:
        points = None
        if "points" in said:
            points = scalars.thousandths(said["points"], "`points`", self._mistakes, scalars.MOST_POINTS)
        id_ = reading.name(said["id"], "a rule's id", self._mistakes) if "id" in said else None
        label = self._label(said["label"]) if "label" in said else {}
        if id_ is None or not isinstance(said["id"], Scalar):
            return None
        first = self._ids.setdefault(id_, said["id"])
        if first is not said["id"]:
            duplicate_id(said["id"], first, "rule", self._mistakes)
        return None if points is None else _Head(id_, label or {"en": id_.replace("_", " ")}, points)

    def _label(self, node: Node) -> dict[str, str]:
        """Language -> text; one text stands for all languages."""
        if isinstance(node, Scalar | Items):
            said = reading.text(node, "`label`", self._mistakes, 'label: {fr: "...", en: "..."}')
            return dict.fromkeys(LANGUAGES, said) if said else {}
        kind = Kind("`label`", LANGUAGES)
        texts = reading.keys(node, kind, self._mistakes) or {}
        read = {lang: reading.text(one, "a label", self._mistakes) for lang, one in texts.items()}
        return {lang: said for lang, said in read.items() if said}

    def _signal_rule(
        self, said: Mapping[str, Node], node: Node, head: _Head | None, decay: Decay | HalfLife | None
    ) -> SignalRule | None:
        signal = self._conditions.signal(said["signal"])
        at_most = per = None
        if "at_most" in said:
            at_most = scalars.whole(said["at_most"], "`at_most`", self._mistakes, 1, MOST_OCCURRENCES)
        if "per" in said:
            per = scalars.duration(said["per"], "`per`", self._mistakes)
        once_per = self._once_per(said["once_per"], signal) if "once_per" in said else None
        cap = self._cap(said)
        if head is None or signal is None:
            return None
        return SignalRule(
            head.id, head.label, head.points, signal, node.place, at_most, per, once_per, decay, cap
        )

    def _once_per(self, node: Node, signal: str | None) -> Literal["day", "email", "form"] | None:
        said = reading.option(node, "something that `once_per` counts", ONCE_PER, self._mistakes)
        once = next((known for known in ONCE_PER if known == said), None)
        kind = self._signals.get(signal or "")
        if once in (None, "day") or kind is None:
            return once
        lacking = has_attribute(kind, once or "")
        if lacking is not None:
            self._mistakes.add(
                "uncountable",
                node,
                f"{quoted(kind.name)} cannot count once per {once}: the event {quoted(lacking)} has none",
                why=f"the rule would not know which {once} an event belongs to.",
                fix="use `once_per: day`, or leave it out.",
            )
        return once


def duplicate_id(second: Scalar, first: Scalar, kind: str, mistakes: Mistakes) -> None:
    """:param kind: what both are ("rule", "stage", "band")"""
    same_file = first.place.file == second.place.file
    mistakes.add(
        "duplicate-id",
        second,
        f"two {kind}s are called {quoted(second.text)}"
        + ("" if same_file else f", the other in {first.place}"),
        label=f"second {quoted(second.text)}",
        notes=[(first, f"first {quoted(first.text)}")] if same_file else [],
        why="reasons and plans name it; nobody could tell which of the two is meant.",
        fix="rename one of them.",
    )
