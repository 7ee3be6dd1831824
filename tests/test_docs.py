"""docs/json.md and what is printed agree: every field of every document, both ways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from command_line import CHECKOUT, Folder
from documents import every_document

from connector import sandbox
from connector.cli import VERBS

NOW = 1_794_819_600_000  # 2026-11-16T09:00Z
PAGE = (CHECKOUT / "docs" / "json.md").read_text("utf-8")
Printed = dict[str, list[dict[str, Any]]]
ENVELOPE = ["version", "command", "status", "summary", "items", "diagnostics"]


@dataclass(frozen=True)
class Section:
    """What the page says of a verb's documents."""

    statuses: frozenset[str]
    fields: frozenset[str]


def sections() -> dict[str, Section]:
    found = {}
    for part in PAGE.split("\n## ")[1:]:
        head, _, body = part.partition("\n")
        status = re.search(r"^Status: .*$", body, re.M)
        words = frozenset(re.findall(r"`([a-z ]+)`", status[0])) if status else frozenset()
        fields = frozenset(re.findall(r"^\| `([^`]+)` \|", body, re.M))
        for verb in head.split(", "):
            found[verb] = Section(words, fields)
    return found


SECTIONS = sections()
EVERY = SECTIONS.pop("every document")


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a document with its path: `items[].stage.from`. An empty list or object is a value."""
    match value:
        case dict() if value:
            for name, inner in value.items():
                yield from leaves(inner, f"{path}.{name}" if path else name)
        case list() if value:
            for inner in value:
                yield from leaves(inner, f"{path}[]")
        case _:
            yield path, value


def documented(path: str, fields: frozenset[str]) -> str | None:
    """The field of the page that a printed path is: itself, or a name under `*`."""
    above = path.rpartition(".")[0] + ".*"
    return path if path in fields else above if above in fields else None


def nothing(value: Any) -> bool:
    return value is None or value == [] or value == {}


def test_the_page_has_every_verb() -> None:
    assert set(SECTIONS) == set(VERBS)


def same_six_parts(printed: Printed) -> None:
    assert set(printed) == set(VERBS)
    for verb, documents in printed.items():
        for document in documents:
            assert list(document) == ENVELOPE
            assert (document["version"], document["command"]) == (1, verb)
            assert document["status"] in SECTIONS[verb].statuses | {"failed"}, verb


def not_documented(printed: Printed) -> set[str]:
    """Fields that are printed and do not stand on the page."""
    unknown = set()
    for verb, documents in printed.items():
        fields = SECTIONS[verb].fields | EVERY.fields
        for document in documents:
            for path, value in leaves(document):
                above = any(field.startswith((f"{path}.", f"{path}[]")) for field in fields)
                if documented(path, fields) is None and not (nothing(value) and above):
                    unknown.add(f"{verb}: {path}")
    return unknown


def not_printed(printed: Printed) -> list[str]:
    """Fields that stand on the page and are not printed."""
    missing = []
    everywhere: set[str] = set()
    sharing: dict[Section, set[str]] = {}
    for verb, documents in printed.items():
        fields = SECTIONS[verb].fields | EVERY.fields
        paths = [documented(path, fields) for document in documents for path, _ in leaves(document)]
        seen = {path for path in paths if path}
        everywhere |= seen
        sharing.setdefault(SECTIONS[verb], set()).update(seen)
    for section, seen in sharing.items():
        missing += sorted(section.fields - seen)
    return missing + sorted(EVERY.fields - everywhere - {"summary", "items"})


def test_the_page_and_the_documents_agree(applied: Folder) -> None:
    """One test for the three: the walk that prints every field takes a while."""
    with sandbox.start(contacts=150, now=NOW, driven=True) as fresh:
        fresh.knobs(burst_limit=0, search_limit=0, associations_limit=0)
        printed = every_document(applied, fresh, applied.path.parent)
    same_six_parts(printed)
    assert not_documented(printed) == set()
    assert (missing := not_printed(printed)) == [], missing
