"""`plan --against`: who would stand elsewhere by another folder's workflows; nothing is stored."""

from __future__ import annotations

from pathlib import Path

import pytest
from accounts import DAY, contact, form, house, rules_in, submission

from connector.compare import compare
from connector.errors import BadCommand

ROWS = [
    form("demo-download"),
    form("newsletter"),
    contact(1, jobtitle="Directrice"),
    contact(2, jobtitle="Étudiant"),
    contact(3),
    submission("demo-download", "c1@acme.fr", 2 * DAY),
    submission("newsletter", "c3@acme.fr", 2 * DAY),
]
DEARER = {"workflows/qualification.yaml": [("            points: 25", "            points: 130")]}


async def test_who_would_stand_elsewhere_and_nothing_is_stored(tmp_path: Path) -> None:
    async with house(tmp_path / "here", ROWS) as h:
        await h.sync()
        before = h.tables()
        found = compare(h.db, h.rules, rules_in(tmp_path / "there", DEARER), h.clock.now())
        assert h.tables() == before
    assert found.contacts == 3
    assert found.here == found.there | {"lead": 2, "mql": 0}
    assert found.there["mql"] == 1
    [item] = found.items
    assert item["contact"] == "1"
    assert item["here"] == {"stage": "lead", "temperature": "cold", "points": 25}
    assert item["there"] == {"stage": "mql", "temperature": "hot", "points": 130}
    assert item["why"].startswith("total 130 is at or over 100")


async def test_the_same_rules_differ_nowhere(tmp_path: Path) -> None:
    async with house(tmp_path / "here", ROWS) as h:
        await h.sync()
        found = compare(h.db, h.rules, rules_in(tmp_path / "there"), h.clock.now())
    assert found.items == []
    assert found.here == found.there


async def test_other_mappings_cannot_be_compared(tmp_path: Path) -> None:
    other = {"mappings/signals.yaml": [("[newsletter]", "[lettre]")]}
    async with house(tmp_path / "here", ROWS) as h:
        await h.sync()
        with pytest.raises(BadCommand, match="mappings/"):
            compare(h.db, h.rules, rules_in(tmp_path / "there", other), h.clock.now())
