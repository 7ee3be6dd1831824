"""One result record per verb; text and JSON are views of it. The text is drawn from the document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
import orjson

from connector.diagnostics import Diagnostic
from connector.model import Document

VERSION = 1  # of the documents: fields are added, never renamed


@dataclass(frozen=True, slots=True)
class Result:
    """What a verb did: `status` in a word, figures in `summary`, one row each in `items`."""

    command: str
    status: str = "done"
    summary: Document = field(default_factory=dict)
    items: Sequence[Document] = ()
    diagnostics: Sequence[Document] = ()
    exit_code: int = 0

    def document(self) -> Document:
        return {
            "version": VERSION,
            "command": self.command,
            "status": self.status,
            "summary": self.summary,
            "items": list(self.items),
            "diagnostics": list(self.diagnostics),
        }

    def json(self, *, indent: bool = True) -> str:
        return orjson.dumps(self.document(), option=orjson.OPT_INDENT_2 if indent else None).decode()


def diagnostic(found: Diagnostic) -> Document:
    """A mistake in a file, as documents carry it."""
    return {
        "severity": found.severity,
        "code": found.code,
        "file": found.file,
        "line": found.line,
        "col": found.col,
        "what": found.what,
        "why": found.why,
        "fix": found.fix,
    }


@dataclass(frozen=True, slots=True)
class Ink:
    """How text is drawn: colour or not, how much, and in which time zone."""

    color: bool = False
    verbose: bool = False
    quiet: bool = False
    zone: str = "UTC"

    def good(self, text: str) -> str:
        return self._paint(text, fg="green")

    def warn(self, text: str) -> str:
        return self._paint(text, fg="yellow")

    def bad(self, text: str) -> str:
        return self._paint(text, fg="red")

    def bold(self, text: str) -> str:
        return self._paint(text, bold=True)

    def _paint(self, text: str, **style: Any) -> str:
        return click.style(text, **style) if self.color else text

    def day(self, moment: str | None) -> str:
        return "-" if moment is None else f"{self._local(moment).day} {self._local(moment):%b %Y}"

    def minute(self, moment: str | None) -> str:
        return "-" if moment is None else f"{self.day(moment)} {self._local(moment):%H:%M}"

    def _local(self, moment: str) -> datetime:
        return datetime.fromisoformat(moment).astimezone(ZoneInfo(self.zone))


Draw = Callable[[Document, Ink], list[str]]


def text(result: Result, ink: Ink) -> str:
    """The human view of a result; '' where there is nothing to say."""
    from connector.views import changes, health, people, setup

    draw: dict[str, Draw] = {
        **changes.DRAW,
        **people.DRAW,
        **health.DRAW,
        **setup.DRAW,
    }
    return "\n".join(draw[result.command](result.document(), ink))


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Columns side by side, as wide as they must be; those in `right` stand to the right."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))] if rows else []
    return [
        "  ".join(
            cell.rjust(width) if n in right else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def count(number: int, what: str, many: str = "") -> str:
    """`1 contact`, `1,284 contacts`."""
    return f"{number:,} {what if number == 1 else many or what + 's'}"
