"""`scores:` of a workflow: axes, their groups, and the rules that give points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from connector.rules import reading, scalars
from connector.rules.condition import RESERVED, Conditions, Vocabulary
from connector.rules.nodes import Entry, Items, Mistakes, Node, Scalar, quoted
from connector.rules.reading import Kind
from connector.rules.signal import has_attribute
from connector.rules.tree import Axis, Decay, Group, PropertyRule, Rule, SignalKind, SignalRule
from connector.rules.write_back import WORDS

LANGUAGES = ("en", "fr")
MOST_OCCURRENCES = 10_000
MOST_STEPS = 100
ONCE_PER: tuple[Literal["day", "email", "form"], ...] = ("day", "email", "form")

_AXIS = Kind(
    "a score",
    ("floor", "ceiling", "groups"),
    ("groups",),
    {"min": "floor", "max": "ceiling", "cap": "ceiling"},
)
_GROUP = Kind("a group", ("cap", "decay", "rules"), ("rules",), {"ceiling": "cap", "max": "cap"})
_DECAY = Kind("`decay`", ("after", "to", "every"), ("after", "to", "every"))
_COMMON = ("id", "label", "points")
_COUNTING = ("at_most", "per", "once_per")
_SLIPS = {"score": "points", "name": "label", "max": "at_most", "within": "per", "if": "when"}
_RULE = Kind("a rule", (*_COMMON, "when", "signal", *_COUNTING), ("id", "points"), _SLIPS)
_RESERVED_AXES = {**RESERVED, **dict.fromkeys(WORDS, "a word of `write_back`")}


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
        name = reading.name(entry.key, "a score's name", self._mistakes, _RESERVED_AXES)
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
        made = reading.each(entries, self._group)
        return Axis(name, made, entry.key.place, floor, ceiling) if name else None

    def _bound(self, said: Mapping[str, Node], key: str) -> int | None:
        return scalars.thousandths(said[key], quoted(key), self._mistakes) if key in said else None

    def _group(self, entry: Entry) -> Group | None:
        name = reading.name(entry.key, "a group's name", self._mistakes)
        said = reading.keys(entry.value, _GROUP, self._mistakes)
        if said is None:
            return None
        cap = scalars.thousandths(said["cap"], "`cap`", self._mistakes, least=0) if "cap" in said else None
        decay = self._decay(said["decay"]) if "decay" in said else None
        nodes = reading.items(said["rules"], "`rules`", self._mistakes) if "rules" in said else None
        rules: tuple[Rule, ...] = reading.each(nodes, lambda one: self._rule(one, decay))
        return Group(name, rules, entry.key.place, cap) if name else None

    def _decay(self, node: Node) -> Decay | None:
        said = reading.keys(node, _DECAY, self._mistakes, "decay: {after: 30d, to: [50%, 0%], every: 30d}")
        if said is None:
            return None
        after = scalars.duration(said["after"], "`after`", self._mistakes) if "after" in said else None
        every = scalars.duration(said["every"], "`every`", self._mistakes) if "every" in said else None
        nodes = reading.one_or_more(said["to"], "`to`", self._mistakes) if "to" in said else None
        steps = reading.each(nodes, lambda one: scalars.percent(one, "`to`", self._mistakes))
        if nodes is None or len(steps) < len(nodes) or not self._falls(nodes, steps):
            return None
        return Decay(after, steps, every) if after is not None and every is not None else None

    def _falls(self, nodes: tuple[Node, ...], steps: tuple[int, ...]) -> bool:
        if len(steps) > MOST_STEPS:
            self._mistakes.add(
                "too-long",
                nodes[MOST_STEPS],
                f"this decay has {len(steps)} steps",
                why=f"at most {MOST_STEPS} are taken.",
                fix="make the steps longer with `every`.",
            )
            return False
        for node, before, step in zip(nodes[1:], steps, steps[1:], strict=False):
            if step > before:
                self._mistakes.add(
                    "decay-rises",
                    node,
                    f"a decay cannot rise from {before}% to {step}%",
                    why="what happened long ago never counts more than what happened yesterday.",
                    fix="order the percentages from high to low.",
                )
                return False
        return True

    # -- rules --------------------------------------------------------------------------------------

    def _rule(self, node: Node, decay: Decay | None) -> Rule | None:
        said = reading.keys(node, _RULE, self._mistakes, "{id: demo, signal: demo_download, points: 25}")
        if said is None:
            return None
        head = self._head(said)
        if ("when" in said) == ("signal" in said):
            self._which_kind(node, "when" in said)
            return None
        if "when" in said:
            when = self._conditions.read(said["when"], self._known.rule())
            for key in filter(said.__contains__, _COUNTING):
                self._not_counted(said[key], key)
            return PropertyRule(head.id, head.label, head.points, when, node.place) if head and when else None
        return self._signal_rule(said, node, head, decay)

    def _which_kind(self, node: Node, both: bool) -> None:
        self._mistakes.add(
            "unclear-rule",
            node,
            "the rule has both `when` and `signal`" if both else "the rule has neither `when` nor `signal`",
            why="`when` gives points for who somebody is, `signal` for each thing that they do.",
            fix="make two rules of it." if both else "add `signal: ...` or `when: {...}`.",
        )

    def _not_counted(self, at: Node, key: str) -> None:
        self._mistakes.add(
            "misplaced-key",
            at,
            f"{quoted(key)} belongs to a rule with `signal`, and this one has `when`",
            why="a property is true or not; it does not happen several times.",
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
        self, said: Mapping[str, Node], node: Node, head: _Head | None, decay: Decay | None
    ) -> SignalRule | None:
        signal = self._conditions.signal(said["signal"])
        at_most = per = None
        if "at_most" in said:
            at_most = scalars.whole(said["at_most"], "`at_most`", self._mistakes, 1, MOST_OCCURRENCES)
        if "per" in said:
            per = scalars.duration(said["per"], "`per`", self._mistakes)
        once_per = self._once_per(said["once_per"], signal) if "once_per" in said else None
        if head is None or signal is None:
            return None
        return SignalRule(head.id, head.label, head.points, signal, node.place, at_most, per, once_per, decay)

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
