"""A mistake in a file, as data; its text is a view of it.

The words follow one grammar: what is wrong (the reader's own word in backquotes), the line with a
caret and a short label, why it matters, what to type instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands in a file; lines and columns count from 1."""

    file: str
    line: int
    col: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Note:
    """A second place that explains the first ('first `email`')."""

    place: Place
    width: int
    label: str
    text: str  # the source line


@dataclass(frozen=True, slots=True)
class Diagnostic:
    file: str
    line: int
    col: int
    width: int
    code: str  # kebab-case, permanent, names the mistake
    what: str
    why: str
    fix: str
    label: str = ""
    text: str = ""  # the source line
    severity: Literal["error", "note"] = "error"
    notes: tuple[Note, ...] = ()

    @property
    def place(self) -> Place:
        return Place(self.file, self.line, self.col)


def draw(found: Diagnostic) -> str:
    """The diagnostic as people read it."""
    gutter = max(len(str(n)) for n in [found.line, *(note.place.line for note in found.notes)])
    lines = [f"{found.file}:{found.line}:{found.col}: {found.severity}[{found.code}]: {found.what}"]
    if found.text:
        lines.append(" " * gutter + " |")
        for note in found.notes:
            lines += _marked(note.place.line, note.place.col, note.text, "-" * note.width, note.label, gutter)
            lines.append("...")
        lines += _marked(found.line, found.col, found.text, "^" * max(1, found.width), found.label, gutter)
    for name, said in (("why", found.why), ("fix", found.fix)):
        if said:
            lines += _wrapped(f"{' ' * gutter} = {name}: ", said)
    return "\n".join(lines)


def _marked(line: int, col: int, text: str, marks: str, label: str, gutter: int) -> list[str]:
    # tabs are kept under the caret, so that it stands below its word
    indent = "".join("\t" if c == "\t" else " " for c in text[: col - 1])
    return [f"{line:>{gutter}} | {text}", f"{' ' * gutter} | {indent}{marks} {label}".rstrip()]


def _wrapped(head: str, said: str, width: int = 92) -> list[str]:
    lines, line = [], head
    indent = " " * len(head)
    for word in said.split():
        if len(line) + len(word) > width and line.strip() and line != indent:
            lines.append(line.rstrip())
            line = indent
        line += word + " "
    return [*lines, line.rstrip()]


def in_order(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    return sorted(found, key=lambda d: (d.file, d.line, d.col, d.code))
