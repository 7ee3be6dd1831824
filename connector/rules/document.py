"""One YAML text to nodes: the reader's events, taken one at a time.

Aliases, tags and second documents are mistakes: they make a file say what nobody sees written there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from connector.diagnostics import Place
from connector.rules.nodes import Block, Entry, Hole, Items, Mark, Mistakes, Node, Scalar, Spot, quoted
from connector.rules.syntax import said

DEEPEST = 60  # blocks within blocks
BREAKS = re.compile("[\n\x85\u2028\u2029]")  # where the YAML reader counts a line
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")  # an escape can make them


def read_document(text: str, file: str, mistakes: Mistakes) -> Node | None:
    """The document as nodes; None if it cannot be read (said so)."""
    from ruamel.yaml.error import YAMLError

    builder = _Builder(file, mistakes)
    try:
        for event in _events(text):
            builder.take(event)
            if builder.stopped:
                return None
    except YAMLError as error:
        _broken(error, text, file, mistakes)
        return None
    if builder.root is None or (isinstance(builder.root, Scalar) and builder.root.is_null):
        mistakes.add(
            "empty-file",
            Mark(Place(file, 1)),
            "the file is empty",
            why="an empty file is usually one that was not saved; its rules would be missing.",
            fix="write its content again, or delete the file.",
        )
        return None
    return builder.root


def _events(text: str) -> Iterator[Any]:
    """The reader's events. What it trips over by itself (an escape beyond Unicode, a version of 5,000
    digits) is its complaint like any other."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    events = YAML(typ="safe", pure=True).parse(text)
    while True:
        try:
            event = next(events)
        except StopIteration:
            return
        except YAMLError:
            raise
        except Exception as error:
            raise YAMLError("unknown escape or number") from error
        yield event


def _broken(error: Any, text: str, file: str, mistakes: Mistakes) -> None:
    context, problem = getattr(error, "context", None) or "", getattr(error, "problem", None)
    complaint = f"{context} {problem or getattr(error, 'reason', '')}"
    opening, mark = getattr(error, "context_mark", None), getattr(error, "problem_mark", None)
    if said(complaint).at_opening and opening is not None:
        mark = opening
    if mark is not None:
        place = Place(file, mark.line + 1, mark.column + 1)
    else:  # the reader of characters gives a position in the text
        before = text[: getattr(error, "position", 0)]
        place = Place(file, len(BREAKS.findall(before)) + 1, len(BREAKS.split(before)[-1]) + 1)
    _complain(Mark(place), complaint, mistakes)


def _complain(at: Mark, complaint: str, mistakes: Mistakes) -> None:
    words = said(complaint)
    mistakes.add("broken-yaml", at, words.what, why=words.why, fix=words.fix)


# -- events to nodes ----------------------------------------------------------------------------------


class _Open:
    """A list or block that is being read. For a block, `parts` alternate key and value."""

    def __init__(self, start: Any, is_block: bool) -> None:
        self.start = start
        self.is_block = is_block
        self.parts: list[Node] = []


class _Builder:
    """Takes the YAML reader's events, one at a time, without recursion: a file of brackets is no danger."""

    def __init__(self, file: str, mistakes: Mistakes) -> None:
        self._file = file
        self._mistakes = mistakes
        self._open: list[_Open] = []
        self._documents = 0
        self.root: Node | None = None
        self.stopped = False

    def take(self, event: Any) -> None:
        kind = type(event).__name__
        if kind == "DocumentStartEvent":
            self._document(event)
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            self._begin(event, kind == "MappingStartEvent")
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            self._end(event)
        elif kind == "ScalarEvent":
            self._scalar(event)
        elif kind == "AliasEvent":
            self._alias(event)

    def _scalar(self, event: Any) -> None:
        plain = event.style not in ("'", '"', "|", ">")
        node: Node = Scalar(event.value, self._place(event), self._width(event), plain)
        if event.style == '"' and _UNSPEAKABLE.search(event.value):
            _complain(Mark(node.place, node.width), "special characters are not allowed", self._mistakes)
            node = Hole(node.place, node.width)
        self._add(node, event)

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            self.stopped = True
            self._mistakes.add(
                "second-document",
                Mark(self._place(event), 3),
                "a second document begins here",
                why="`---` starts another document in the same file; only the first would be read.",
                fix="delete the `---`, or move what follows into a file of its own.",
            )

    def _begin(self, event: Any, is_block: bool) -> None:
        self._open.append(_Open(event, is_block))
        if len(self._open) > DEEPEST:
            self.stopped = True
            self._mistakes.add(
                "too-deep",
                Mark(self._place(event)),
                f"more than {DEEPEST} blocks stand within each other here",
                why="nobody could read it, and neither do we.",
                fix="check the brackets; name parts of a condition under `define:`.",
            )

    def _end(self, event: Any) -> None:
        done = self._open.pop()
        place = self._place(done.start)
        node: Node
        if done.is_block:
            entries = tuple(self._entries(done.parts))
            width = self._span(done.start, event) if done.start.flow_style else 1
            if not done.start.flow_style and entries:
                width = entries[0].key.width
            node = Block(entries, place, width)
        else:
            node = Items(
                tuple(done.parts), place, self._span(done.start, event) if done.start.flow_style else 1
            )
        self._add(node, done.start)

    def _entries(self, parts: list[Node]) -> Iterator[Entry]:
        seen: dict[str, Scalar] = {}
        for key, value in zip(parts[::2], parts[1::2], strict=False):
            if isinstance(key, Hole):
                continue
            if not isinstance(key, Scalar) or key.is_null:
                self._bad_key(key)
            elif key.plain and key.text == "<<":
                self._no_alias(key, f"{quoted('<<')} merges another block into this one")
            elif key.text in seen:
                twice(key, seen[key.text], self._mistakes)
            else:
                seen[key.text] = key
                if isinstance(value, Scalar) and value.plain and not value.text:
                    value = replace(value, place=key.place, width=key.width)  # nothing there: show its key
                yield Entry(key, value)

    def _bad_key(self, key: Node) -> None:
        self._mistakes.add(
            "wrong-shape",
            key,
            "there is no key before this `:`"
            if isinstance(key, Scalar)
            else "a list or block cannot be a key",
            why="what stands behind a `:` belongs to the name before it.",
            fix="write a name, then `:`.",
        )

    def _alias(self, event: Any) -> None:
        node = Hole(self._place(event), self._width(event))
        self._no_alias(node, f"{quoted('*' + event.anchor)} without quotes is a YAML alias, not text")
        self._append(node)

    def _no_alias(self, at: Spot, what: str) -> None:
        self._mistakes.add(
            "yaml-alias",
            at,
            what,
            why="aliases (`&name`, `*name`, `<<`) make a file say things that do not stand where they count.",
            fix='a pattern that begins with * needs quotes: "*student*"; '
            "for a condition used twice, give it a name under `define:`.",
        )

    def _add(self, node: Node, event: Any) -> None:
        if event.anchor is not None:
            self._no_alias(
                Mark(node.place, len(event.anchor) + 1), f"{quoted('&' + event.anchor)} is a YAML anchor"
            )
        if event.tag is not None:
            self._mistakes.add(
                "yaml-tag",
                Mark(node.place),
                "text that begins with `!` is a YAML tag",
                why="a tag changes how the value is read; here a field's type is said in the mapping.",
                fix='delete the tag; if the `!` is part of the text, quote it: "!important".',
            )
            node = Hole(node.place, node.width)
        self._append(node)

    def _append(self, node: Node) -> None:
        if self._open:
            self._open[-1].parts.append(node)
        else:
            self.root = node

    def _place(self, event: Any) -> Place:
        return Place(self._file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _width(self, event: Any) -> int:
        return self._span(event, event)

    @staticmethod
    def _span(first: Any, last: Any) -> int:
        """Columns from one to the other; to the end of the line if they stand on two."""
        start, end = first.start_mark, last.end_mark
        return int(max(1, end.column - start.column)) if start.line == end.line else 10_000


def twice(key: Scalar, first: Scalar, mistakes: Mistakes) -> None:
    """A key that stands there already."""
    other = key.place.file != first.place.file
    mistakes.add(
        "duplicate-key",
        key,
        f"{quoted(key.text)} is written twice" + (f", first in {first.place}" if other else ""),
        label=f"second {quoted(key.text)}",
        notes=[] if other else [(first, f"first {quoted(key.text)}")],
        why="only one of the two could count, so edits to the other would do nothing.",
        fix="delete one of the two, or give this one another name.",
    )
