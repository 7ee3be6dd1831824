"""The leaves of a condition that are no comparison: signals that came or did not, methods, stages."""

from __future__ import annotations

from collections.abc import Mapping

from connector.diagnostics import Place
from connector.rules import reading, scalars
from connector.rules.method import MOST_FIELDS
from connector.rules.nodes import Block, Entry, Mistakes, Node, listed, quoted
from connector.rules.reading import Kind
from connector.rules.suggest import close
from connector.rules.tree import AnySignal, Leaf, MethodMet, Reached, SalesSet, Without
from connector.rules.vocabulary import Vocabulary, Where

# the two leaves that have more than one key; the first key is what they are known by
WITHOUT = Kind(
    "a condition with `without`",
    ("without", "for"),
    ("without", "for"),
    dict.fromkeys(("lasting", "since", "within", "per"), "for"),
)
METHOD = Kind(
    "a condition with `method`",
    ("method", "at_least", "of", "fresh"),
    ("method", "at_least"),
    {"min": "at_least", "within": "fresh", "for": "fresh"},
)


def joint_kind(found: Block, where: Where, known: Vocabulary) -> Kind | None:
    """The kind of leaf with several keys that a block is, if it is one: by its first key, or by the others
    if that one is misspelt."""
    keys = [entry.key.text for entry in found.entries]
    for kind in (WITHOUT, METHOD):
        head = kind.keys[0]
        if head in keys and head not in (where.words or ()):
            return kind
        strange = [key for key in keys if key not in kind.keys]
        slip = len(strange) == 1 < len(keys) and close(strange[0], (head,)) == head
        if slip and not known.can_ask(strange[0], where):
            return kind
    return WITHOUT if keys == ["for"] and where.scope == "contact" else None


class Leaves:
    def __init__(self, known: Vocabulary, mistakes: Mistakes) -> None:
        self._known = known
        self._mistakes = mistakes

    def one(self, kind: str, entry: Entry, where: Where) -> Leaf | None:
        """A leaf with one key, of a kind of SPECIAL: `any_signal`, `stage`, `sales_set`."""
        place = entry.key.place
        match kind:
            case "any_signal":
                kinds = self._kinds(entry.value, "`any_signal`")
                return AnySignal(kinds, place) if kinds else None
            case "stage":
                stage = self._reached(entry, where)
                return Reached(stage, place) if stage else None
            case _:
                stage = self._stage(entry.value)
                return SalesSet(stage, place) if stage else None

    # -- signals --------------------------------------------------------------------------------------

    def signal(self, node: Node) -> str | None:
        """The name of a signal of the mapping."""
        if self._known.signals is None:
            return reading.text(node, "a signal", self._mistakes)
        return reading.option(
            node, "a signal of the mapping", self._known.signals, self._mistakes, "unknown-signal"
        )

    def _kinds(self, node: Node, name: str) -> tuple[str, ...] | None:
        nodes = reading.one_or_more(node, name, self._mistakes)
        kinds = reading.each(nodes, self.signal)
        return tuple(dict.fromkeys(kinds)) if nodes and len(kinds) == len(nodes) else None

    def without(self, said: Mapping[str, Node], place: Place) -> Without | None:
        kinds = self._kinds(said["without"], "`without`") if "without" in said else None
        lasting = scalars.duration(said["for"], "`for`", self._mistakes) if "for" in said else None
        return Without(kinds, lasting, place) if kinds and lasting else None

    # -- methods --------------------------------------------------------------------------------------

    def method(self, said: Mapping[str, Node], place: Place) -> MethodMet | None:
        name = self._method(said["method"]) if "method" in said else None
        fields = (self._known.methods or {}).get(name) if name else None
        most = len(fields) if fields else MOST_FIELDS
        least = fresh = None
        if "at_least" in said:
            least = scalars.whole(said["at_least"], "`at_least`", self._mistakes, 1, most)
        if "of" in said:
            self._count(said["of"], name, fields)
        if "fresh" in said:
            fresh = scalars.duration(said["fresh"], "`fresh`", self._mistakes)
        if name is None or fields is None or least is None or ("fresh" in said and fresh is None):
            return None
        return MethodMet(name, fields, least, fresh, place)

    def _method(self, node: Node) -> str | None:
        known = self._known.methods
        if known is None:
            return reading.text(node, "a method", self._mistakes)
        why = f"methods stand under `methods:` in a file of workflows/; there: {listed(known, 20)}."
        return reading.option(node, "a method", known, self._mistakes, "unknown-method", why=why)

    def _count(self, node: Node, name: str | None, fields: tuple[str, ...] | None) -> None:
        said = scalars.whole(node, "`of`", self._mistakes, 1, MOST_FIELDS)
        if said is None or fields is None or said == len(fields):
            return
        self._mistakes.add(
            "wrong-count",
            node,
            f"{quoted(name or '')} has {len(fields)} fields, and this says {said}",
            why=f"under `methods:` it has {listed(fields, 20)}.",
            fix=f"write `of: {len(fields)}`, or correct the method.",
        )

    # -- stages ---------------------------------------------------------------------------------------

    def _reached(self, entry: Entry, where: Where) -> str | None:
        kind = Kind("`stage`", ("reached",), ("reached",))
        found = reading.keys(entry.value, kind, self._mistakes, "stage: {reached: lead}")
        if not found or "reached" not in found:
            return None
        stage = self._stage(found["reached"])
        return stage if stage and self.earlier(stage, found["reached"], where) else None

    def _stage(self, node: Node) -> str | None:
        if self._known.stages is None:
            return reading.text(node, "a stage", self._mistakes)
        return reading.option(node, "a stage", self._known.stages, self._mistakes, "unknown-stage")

    def earlier(self, stage: str, at: Node, where: Where) -> bool:
        """Whether a stage that is to be reached stands before the one that asks for it, or is the one that
        asks whether to leave it."""
        if where.before is None or stage in where.before or stage == where.own:
            return True
        if where.own:
            what = f"who stands at {quoted(where.own)} has not reached {quoted(stage)}"
            reached = listed((*where.before, where.own))
            why = f"`leave_when` is asked of those who stand at this stage; reached there: {reached}."
        else:
            what = f"{quoted(stage)} is not reached before this stage"
            why = f"stages are entered first to last; before this one: {listed(where.before)}."
        fix = "name an earlier stage, or move the stages into the right order."
        self._mistakes.add("later-stage", at, what, why=why, fix=fix)
        return False
