"""What YAML is to us: text, lists and blocks, each knowing where it stands; and the mistakes found in them.

A scalar keeps the text as typed: `no`, `1_000` and `2026-10-01` are text until somebody who knows the
field's type reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from connector.diagnostics import Diagnostic, Note, Place, in_order

LONGEST_WORD = 60  # of the reader's own text, quoted in a message
LONGEST_LINE = 160  # of the file, shown under a message
NULLS = frozenset({"", "~", "null", "Null", "NULL"})  # YAML 1.2's ways to say nothing


@dataclass(frozen=True, slots=True)
class Scalar:
    text: str
    place: Place
    width: int
    plain: bool = True  # without quotes

    @property
    def is_null(self) -> bool:
        return self.plain and self.text in NULLS


@dataclass(frozen=True, slots=True)
class Items:
    items: tuple[Node, ...]
    place: Place
    width: int


@dataclass(frozen=True, slots=True)
class Entry:
    key: Scalar
    value: Node


@dataclass(frozen=True, slots=True)
class Block:
    entries: tuple[Entry, ...]
    place: Place
    width: int

    def get(self, key: str) -> Node | None:
        return next((entry.value for entry in self.entries if entry.key.text == key), None)


@dataclass(frozen=True, slots=True)
class Hole:
    """Something whose mistake is already told: readers pass over it in silence."""

    place: Place
    width: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A bare place, where there is no node to point at."""

    place: Place
    width: int = 1


Node = Scalar | Items | Block | Hole
Spot = Node | Mark


def quoted(word: str) -> str:
    """The reader's own word in backquotes; long ones are cut, control characters shown as spaces."""
    plain = "".join(c if c.isprintable() else " " for c in word.replace("`", "'"))
    return f"`{plain[:LONGEST_WORD]}…`" if len(plain) > LONGEST_WORD else f"`{plain}`"


def listed(words: Iterable[str], most: int = 12) -> str:
    """`a, b and c`; a long list is cut."""
    names = [w if len(w) <= LONGEST_WORD else w[:LONGEST_WORD] + "…" for w in words]
    if len(names) > most:
        return ", ".join(names[:most]) + f" and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "none yet"


class Mistakes:
    """Collects diagnostics; knows the lines of the files, to show them."""

    def __init__(self) -> None:
        self._found: dict[Diagnostic, None] = {}  # the same mistake is told once
        self._lines: dict[str, tuple[str, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(in_order(self._found))

    def know(self, file: str, lines: tuple[str, ...]) -> None:
        self._lines[file] = lines

    @property
    def lines(self) -> Mapping[str, tuple[str, ...]]:
        return self._lines

    def add(
        self,
        code: str,
        at: Spot,
        what: str,
        *,
        why: str,
        fix: str,
        label: str = "",
        notes: Iterable[tuple[Spot, str]] = (),
        severity: str = "error",
    ) -> None:
        text, width = self._shown(at)
        found = Diagnostic(
            file=at.place.file,
            line=at.place.line,
            col=at.place.col,
            width=width,
            code=code,
            what=what,
            why=why,
            fix=fix,
            label=label,
            text=text,
            severity="note" if severity == "note" else "error",
            notes=tuple(self._note(spot, said) for spot, said in notes),
        )
        self._found[found] = None

    def _note(self, spot: Spot, said: str) -> Note:
        text, width = self._shown(spot)
        return Note(place=spot.place, width=width, label=said, text=text)

    def _shown(self, at: Spot) -> tuple[str, int]:
        """The source line (none, if the place is too far right in a very long one) and the caret's width."""
        lines = self._lines.get(at.place.file, ())
        line = lines[at.place.line - 1] if 0 < at.place.line <= len(lines) else ""
        if len(line) > LONGEST_LINE:
            line = line[: LONGEST_LINE - 1] + "…" if at.place.col < LONGEST_LINE else ""
        line = line.rstrip()
        return line, max(1, min(at.width, len(line) - at.place.col + 1))
