"""How text is drawn: colour, moments in the reader's time zone, columns, numbers with their noun."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from connector.model import Document


@dataclass(frozen=True, slots=True)
class Ink:
    """Colour or not, how much, and in which time zone."""

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


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Columns side by side, as wide as they must be; those in `right` stand to the right."""
    widths = [max(_width(row[n]) for row in rows) for n in range(len(rows[0]))] if rows else []
    return [
        "  ".join(
            " " * (width - _width(cell)) + cell if n in right else cell + " " * (width - _width(cell))
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _width(cell: str) -> int:
    """How many places the terminal gives a cell: colour takes none, an accent of its own neither."""
    return sum(not unicodedata.combining(c) for c in click.unstyle(cell))


def lasting(seconds: int) -> str:
    """`35 s`, `45 min`, `1 h 20 min`; business time has no days."""
    hours, minutes = divmod(seconds // 60, 60)
    if hours:
        return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"
    return f"{minutes} min" if minutes else f"{seconds} s"


def count(number: int, what: str, many: str = "") -> str:
    """`1 contact`, `1,284 contacts`."""
    return f"{number:,} {what if number == 1 else many or what + 's'}"
