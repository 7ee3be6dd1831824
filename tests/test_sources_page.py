"""docs/sources.md names every source and every event, with all that a mapping may ask of it."""

from __future__ import annotations

import re
from pathlib import Path

from accounts import CHECKOUT, rules_in

from connector.hubspot.engagement import SOURCES
from connector.rules.signal import EVENTS

PAGE = (CHECKOUT / "docs" / "sources.md").read_text("utf-8")


def table(head: str) -> list[list[str]]:
    """The cells of the table with this head, row by row."""
    lines = PAGE[PAGE.index(f"| {head} |") :].splitlines()[2:]
    rows = lines[: next(n for n, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def named(cell: str) -> list[str]:
    return re.findall(r"`([a-z_]+)`", cell)


def test_every_source_has_its_place_and_what_is_lost_without_it() -> None:
    told = {name: row for row in table("source") for name in named(row[0])}
    for source in SOURCES:
        assert source.events <= set(named(told[source.name][4])), source.name


def test_every_event_with_all_that_may_be_asked_of_it() -> None:
    told = {name: named(row[1]) for row in table("event") for name in named(row[0])}
    assert told == {event: list(attributes) for event, attributes in EVENTS.items()}


def test_the_example_is_one(tmp_path: Path) -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    rules = rules_in(tmp_path, {"mappings/signals.yaml": [("signals:\n", f"signals:\n{example}")]})
    assert rules.mapping.signals["webinar_attended"].sources[0].events == ("marketing_event",)
