"""What a person is told of a contact that left the funnel, or that began anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from journey_diary import WHO, Diary, agreed_rules, load, moment

from connector import report
from connector.explain import explain
from connector.views import Result
from connector.views.ink import Ink
from connector.views.people import contacts as draw_contacts
from connector.views.people import explain as draw_explain


@pytest.fixture
def diary(tmp_path: Path) -> Iterator[Diary]:
    found = Diary(tmp_path, awake=False)
    yield found
    found.close()


def live(diary: Diary, name: str, until: str) -> int:
    """The life of a case file up to a moment."""
    case = load(name)
    diary.begin(agreed_rules(), case["contact"], case.get("company", {}))
    for entry in case["diary"]:
        if moment(entry["on"]) < moment(until):
            diary.happens(entry)
    diary.judge(moment(until))
    return moment(until)


def explained(diary: Diary, at: int) -> str:
    found = explain(diary.db, diary.rules, WHO, at)
    return "\n".join(
        draw_explain(Result("explain", summary=found.summary, items=found.items).document(), Ink())
    )


def listed(diary: Diary, at: int) -> str:
    count, items = report.contacts(diary.db, diary.rules, at)
    document = Result("contacts", summary={"found": count}, items=items).document()
    return "\n".join(draw_contacts(document, Ink()))


def test_a_disqualified_contact_is_told_with_its_reason(diary: Diary) -> None:
    at = live(diary, "sad-student", "2026-03-09 12:00")
    said = explained(diary, at)
    assert "points, warm, disqualified since 9 Mar" in said
    reason = "rejection_reason is one of competitor, student, bad_data"
    assert f"Disqualified ({reason}): outside the funnel until that is no longer so" in said
    assert f"lead -> disqualified: {reason}" in said
    assert f"9 Mar 2026  {reason}" in listed(diary, at)


def test_a_recycled_contact_is_told_with_its_journey_and_until_when_nothing_moves(diary: Diary) -> None:
    at = live(diary, "sad-rejected-and-recycled", "2026-03-16 12:00")
    said = explained(diary, at)
    assert "lead since 16 Mar" in said
    assert ", in journey 2." in said
    assert "belongs to an earlier journey, and counts no more:\n  " in said
    assert "Recycled: no stage is entered by rules before" in said
    assert "lead (2)" in listed(diary, at)
    assert "recycled: rejection_reason is one of not_now, no_budget" in listed(diary, at)
    later = live_on(diary, "2026-04-15 12:00")
    assert "Journey 2:" in explained(diary, later)
    assert "Recycled:" not in explained(diary, later)


def live_on(diary: Diary, until: str) -> int:
    for n in (20, 21, 22):
        diary.happens({"on": f"2026-03-{n} 10:00", "submits": "demo-download"})
    diary.judge(moment(until))
    return moment(until)


def test_who_is_about_to_leave_a_stage_is_told_when(diary: Diary) -> None:
    at = live(diary, "06-nobody-does-anything", "2026-04-04 12:00")
    told = "It leaves mql on 18 Apr 2026 unless that changes: total is under 70 for 14 days"
    assert f"{told} (since 4 Apr 2026)." in explained(diary, at)
