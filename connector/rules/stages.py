"""`stages:` of a workflow: who enters and who leaves each, who is told of it, and what stops there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connector.rules import reading, scalars
from connector.rules.condition import Conditions
from connector.rules.nodes import Mistakes, Node, Scalar, listed, quoted
from connector.rules.reading import Kind
from connector.rules.scoring import duplicate_id
from connector.rules.tree import Condition, Sla, StageRule
from connector.rules.vocabulary import Vocabulary

_STAGE = Kind(
    "a stage",
    ("id", "enter_when", "leave_when", "notify", "sla", "suppress"),
    ("id",),
    {
        **{"name": "id", "stage": "id", "when": "enter_when", "if": "enter_when", "exit_when": "leave_when"},
        **{"alert": "notify", "tell": "notify", "stop": "suppress", "deadline": "sla"},
    },
)
_SLA = Kind(
    "`sla`",
    ("first_touch", "calendar"),
    ("first_touch",),
    {"within": "first_touch", "first_call": "first_touch", "hours": "calendar", "during": "calendar"},
)


def read_stages(
    node: Node, known: Vocabulary, conditions: Conditions, mistakes: Mistakes
) -> tuple[StageRule, ...]:
    """The stages, first to last, without those that have no name."""
    nodes = reading.items(node, "`stages`", mistakes, "- id: contact")
    blocks = [(one, said) for one in nodes or () if (said := reading.keys(one, _STAGE, mistakes)) is not None]
    distinct((said["id"] for _, said in blocks if "id" in said), "stage", mistakes)
    reader = _Reader(known, conditions, mistakes)
    return reading.each(
        blocks, lambda one: reader.stage(*one, first=nodes is not None and one[0] is nodes[0])
    )


def distinct(nodes: Iterable[Node], kind: str, mistakes: Mistakes) -> None:
    """Tells each name that stands there again. `kind`: what it names ("stage")."""
    seen: dict[str, Scalar] = {}
    for node in nodes:
        if isinstance(node, Scalar) and not node.is_null:
            first = seen.setdefault(node.text, node)
            if first is not node:
                duplicate_id(node, first, kind, mistakes)


class _Reader:
    def __init__(self, known: Vocabulary, conditions: Conditions, mistakes: Mistakes) -> None:
        self._known = known
        self._conditions = conditions
        self._mistakes = mistakes
        # the stages above the one that is read; None once one of them cannot be told
        self._before: tuple[str, ...] | None = () if known.stages is not None else None

    def stage(self, node: Node, said: Mapping[str, Node], *, first: bool) -> StageRule | None:
        name = reading.name(said["id"], "a stage's id", self._mistakes) if "id" in said else None
        if first:
            self._everybody(said)
        enter = None
        if "enter_when" in said:
            enter = self._conditions.read(said["enter_when"], self._known.stage(self._before))
        leave, lasting = self._leave(said, name)
        notify = self._names(said, "notify", "a notice", self._known.notices, "unknown-notice")
        suppress = self._names(
            said, "suppress", "a suppression", self._known.suppressions, "unknown-suppression"
        )
        sla = self._sla(said["sla"]) if "sla" in said else None
        self._before = (*self._before, name) if self._before is not None and name else None
        return StageRule(name, node.place, enter, leave, lasting, notify, sla, suppress) if name else None

    def _leave(self, said: Mapping[str, Node], name: str | None) -> tuple[Condition | None, int]:
        if "leave_when" not in said:
            return None, 0
        return self._conditions.lasting(said["leave_when"], self._known.leaving(self._before, name))

    def _everybody(self, said: Mapping[str, Node]) -> None:
        """The first stage is where everybody starts."""
        for key, who in (("enter_when", "who did not meet it"), ("leave_when", "who left it")):
            if key in said:
                self._mistakes.add(
                    "first-stage",
                    said[key],
                    f"the first stage has no {quoted(key)}",
                    why=f"everybody starts there; {who} would stand nowhere.",
                    fix=f"delete {quoted(key)} here, or put a first stage such as `- id: contact` above.",
                )

    def _names(
        self, said: Mapping[str, Node], key: str, what: str, known: tuple[str, ...] | None, code: str
    ) -> tuple[str, ...]:
        """Names of what is defined under the same key at the top."""
        nodes = reading.one_or_more(said[key], quoted(key), self._mistakes) if key in said else None
        names = reading.each(nodes, lambda node: self._name(node, key, what, known, code))
        return tuple(dict.fromkeys(names))

    def _name(self, node: Node, key: str, what: str, known: tuple[str, ...] | None, code: str) -> str | None:
        if known is None:
            return reading.text(node, what, self._mistakes)
        there = f"{quoted(key + ':')} in a file of workflows/; there: {listed(known, 20)}"
        why = f"{what.removeprefix('a ')}s stand under {there}."
        return reading.option(node, what, known, self._mistakes, code, why=why)

    def _sla(self, node: Node) -> Sla | None:
        said = reading.keys(node, _SLA, self._mistakes, "sla: {first_touch: 4h, calendar: business}") or {}
        touch = calendar = None
        if "first_touch" in said:
            touch = scalars.duration(said["first_touch"], "`first_touch`", self._mistakes)
        if "calendar" in said:
            known = self._known.calendars
            calendar = self._name(said["calendar"], "calendar", "a calendar", known, "unknown-calendar")
        return Sla(touch, calendar, node.place) if touch else None
