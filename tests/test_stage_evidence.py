"""What a step rests on, in the audit: signals by id, fields and others' word by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from journey_diary import WHO, Diary, agreed_rules

from connector.store import decisions


@pytest.fixture
def diary(tmp_path: Path) -> Iterator[Diary]:
    found = Diary(tmp_path)
    found.begin(
        agreed_rules(),
        {"created": "2026-03-02 09:00", "persona": "decision_maker"},
        {"company_size": "200"},
    )
    yield found
    found.close()


def told(diary: Diary) -> list[tuple[str, list[str]]]:
    return [(row["to_stage"], orjson.loads(row["evidence"])) for row in decisions.transitions(diary.db, WHO)]


def id_of(diary: Diary, number: int) -> str:
    """Of the event that happened as number so many, as its signal has it."""
    source, id = diary.events[number].source, diary.events[number].id
    return f"{source}:{id}"


def test_signals_that_count_are_named_the_newest_first(diary: Diary) -> None:
    for day in (3, 4, 5):
        diary.happens({"on": f"2026-03-0{day} 10:00", "submits": "demo-download"})
    first, second, third = (id_of(diary, n) for n in range(3))
    assert told(diary) == [("contact", []), ("lead", [first]), ("mql", [third, second, first])]


def test_what_was_done_before_a_journey_is_no_evidence_in_it(diary: Diary) -> None:
    for day in (3, 4, 5):
        diary.happens({"on": f"2026-03-0{day} 10:00", "submits": "demo-download"})
    diary.happens({"on": "2026-03-06 10:00", "sets": {"rejection_reason": "not_now"}})
    for day in (8, 9, 10):
        diary.happens({"on": f"2026-04-{day:02} 10:00", "submits": "demo-download"})
    later = [id_of(diary, n) for n in (5, 4, 3)]
    assert told(diary)[-2:] == [("lead", ["contact.rejection_reason"]), ("mql", later)]


def test_fields_deals_and_others_word_are_named(diary: Diary) -> None:
    yes = {"bant_budget": "true", "bant_authority": "true", "bant_need": "true", "bant_timing": "2026-06-01"}
    diary.happens({"on": "2026-03-03 10:00", "sets": yes})
    bant = [f"contact.{name}" for name in yes]
    diary.happens({"on": "2026-03-04 10:00", "deal": {"probability": "0.2", "amount": "5"}})
    diary.happens({"on": "2026-03-05 10:00", "stage_in_crm": "customer", "by": "person"})
    steps = [(stage, seen) for stage, seen in told(diary) if seen]
    assert steps == [("sql", bant), ("qualified_prospect", ["deal"]), ("customer", ["crm.stage"])]
