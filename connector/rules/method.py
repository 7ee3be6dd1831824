"""`methods:` of a workflow: BANT, MEDDICC and the like, each with the fields that are its evidence."""

from __future__ import annotations

from collections.abc import Mapping

from connector.rules import reading
from connector.rules.nodes import Entry, Mistakes, Node, Scalar, quoted
from connector.rules.reading import Kind
from connector.rules.tree import Field

MOST_FIELDS = 50

_METHOD = Kind("a method", ("of",), ("of",), dict.fromkeys(("fields", "criteria", "evidence"), "of"))
_EXAMPLE = "meddicc: {of: [m_metrics, m_champion]}"


def read_methods(
    node: Node, fields: Mapping[str, Field] | None, mistakes: Mistakes
) -> dict[str, tuple[str, ...] | None]:
    """Each method's fields; None for one that cannot be read in full: to ask for it is no second mistake.

    :param fields: of a contact, by our name; None where they are not known
    """
    reader = _Reader(fields, mistakes)
    entries = reading.entries(node, "`methods`", mistakes, _EXAMPLE)
    return {entry.key.text: reader.method(entry) for entry in entries}


class _Reader:
    def __init__(self, fields: Mapping[str, Field] | None, mistakes: Mistakes) -> None:
        self._fields = fields
        self._mistakes = mistakes

    def method(self, entry: Entry) -> tuple[str, ...] | None:
        name = reading.name(entry.key, "a method's name", self._mistakes)
        said = reading.keys(entry.value, _METHOD, self._mistakes, _EXAMPLE)
        nodes = reading.one_or_more(said["of"], "`of`", self._mistakes) if said and "of" in said else None
        if nodes is None or (len(nodes) > MOST_FIELDS and self._too_many(nodes)):
            return None
        found = reading.each(nodes, self._field)
        complete = self._distinct(nodes) and len(found) == len(nodes)
        return found if complete and name else None

    def _too_many(self, nodes: tuple[Node, ...]) -> bool:
        self._mistakes.add(
            "too-long",
            nodes[MOST_FIELDS],
            f"this method has {len(nodes)} fields",
            why=f"at most {MOST_FIELDS} are taken.",
            fix="make two methods of it.",
        )
        return True

    def _field(self, node: Node) -> str | None:
        if self._fields is None:
            return reading.text(node, "a field", self._mistakes)
        name = reading.option(node, "a contact field", self._fields, self._mistakes, "unknown-field")
        if name is None or self._fields[name].object == "contacts":
            return name
        self._mistakes.add(
            "misplaced-condition",
            node,
            f"{quoted(name)} cannot be evidence: it lives on the company",
            why="evidence is what was learned of this person, and since when; the company's fields are those "
            "of all its people.",
            fix="map a property of the contact, or ask the company's field beside the method under `all:`.",
        )
        return None

    def _distinct(self, nodes: tuple[Node, ...]) -> bool:
        first: dict[str, Scalar] = {}
        distinct = True
        for node in nodes:
            if not isinstance(node, Scalar) or first.setdefault(node.text, node) is node:
                continue
            distinct = False
            same_file = first[node.text].place.file == node.place.file
            self._mistakes.add(
                "repeated-field",
                node,
                f"{quoted(node.text)} stands in this method twice",
                notes=[(first[node.text], "first")] if same_file else [],
                label="second",
                why="one piece of evidence would count as two.",
                fix="delete one of them.",
            )
        return distinct
