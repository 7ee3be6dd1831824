"""Calendars: when the business is open, and what people write for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from rulebook import codes, load, mistakes

from connector.rules.tree import Calendar


def calendar(folder: Path, said: str) -> Calendar:
    made = load(folder, name=f"name: x\ncalendar: {{business: {{{said}}}}}").workflow
    return made.calendars["business"]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("[mon, tue, wed, thu, fri]", {0, 1, 2, 3, 4}),
        ("[lun, mar, mer, jeu, ven, sam, dim]", {0, 1, 2, 3, 4, 5, 6}),
        ("[Monday, MARDI, sat]", {0, 1, 5}),
        ("sun", {6}),
    ],
)
def test_days_have_english_and_french_names(tmp_path: Path, days: str, expected: set[int]) -> None:
    assert calendar(tmp_path, f'days: {days}, hours: "09:00-18:00"').days == expected


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ("09:00-18:00", (540, 1_080)),
        ("9:30 - 17:45", (570, 1_065)),
        ('"00:00-24:00"', (0, 1_440)),
        ("23:59-24:00", (1_439, 1_440)),
    ],
)
def test_hours_are_minutes_of_the_day(tmp_path: Path, hours: str, expected: tuple[int, int]) -> None:
    made = calendar(tmp_path, f"days: [mon], hours: {hours}")
    assert (made.opens, made.closes) == expected
    assert made.holidays == frozenset()
    assert (made.place.line, made.place.col) == (3, 12)


def test_holidays_are_dates(tmp_path: Path) -> None:
    made = calendar(tmp_path, 'days: [mon], hours: 09:00-18:00, holidays: ["2026-12-25", 2028-02-29]')
    assert made.holidays == {"2026-12-25", "2028-02-29"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("days: [mon]", ["missing-key"]),
        ("hours: 09:00-18:00", ["missing-key"]),
        ("days: [], hours: 09:00-18:00", ["empty-list"]),
        ("days: [mon, lundi], hours: 09:00-18:00", ["repeated-day"]),
        ("days: [mon, mon, mon], hours: 09:00-18:00", ["repeated-day"] * 2),
        ("days: [0], hours: 09:00-18:00", ["unknown-value"]),
        ("days: [mon], hours: 18:00-09:00", ["range-backwards"]),
        ("days: [mon], hours: 09:00-09:00", ["range-backwards"]),
        ("days: [mon], hours: 09:00-24:01", ["not-hours"]),
        ("days: [mon], hours: 09:60-18:00", ["not-hours"]),
        ("days: [mon], hours: 540", ["not-hours"]),
        ("days: [mon], hours: [09:00-12:00, 14:00-18:00]", ["wrong-shape"]),
        ("days: [mon], hours: 09:00-18:00, holidays: []", ["empty-list"]),
        ("days: [mon], hours: 09:00-18:00, holidays: [2026-02-29]", ["not-a-date"]),
        ("days: [mon], hours: 09:00-18:00, holidays: [2026-12-25, 2026-12-25]", ["repeated-day"]),
        ("days: [mon], hours: 09:00-18:00, closed: [2026-12-25]", ["unknown-key"]),
    ],
)
def test_mistakes_in_calendars(tmp_path: Path, said: str, expected: list[str]) -> None:
    assert codes(tmp_path, name=f"name: x\ncalendar: {{business: {{{said}}}}}") == expected


def label(folder: Path, said: str) -> str:
    (found,) = mistakes(folder, name=f"name: x\ncalendar: {{business: {{{said}}}}}")
    return found.label


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("25/12/2026", "2026-12-25"),
        ("12/25/2026", "2026-12-25"),
        ("25.12.2026", "2026-12-25"),
        ("5/5/2026", "2026-05-05"),
        ("03/04/2026", ""),
        ("31/02/2026", ""),
        ("Noël", ""),
    ],
)
def test_a_date_of_another_country_leads_to_ours_if_it_can_mean_one_day(
    tmp_path: Path, typed: str, near: str
) -> None:
    said = label(tmp_path, f"days: [mon], hours: 09:00-18:00, holidays: [{typed}]")
    assert said == (f"did you mean `{near}`?" if near else "")


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("9h-18h", "09:00-18:00"),
        ("9h30 à 18h", "09:30-18:00"),
        ("9-18", "09:00-18:00"),
        ("09.00–18.30", "09:00-18:30"),
        ("9 to 25", ""),
        ("all day", ""),
    ],
)
def test_spoken_hours_lead_to_written_ones(tmp_path: Path, typed: str, near: str) -> None:
    assert label(tmp_path, f"days: [mon], hours: {typed}") == (f"did you mean `{near}`?" if near else "")


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("mon-fri", "[mon, tue, wed, thu, fri]"),
        ("lundi à mercredi", "[lun, mar, mer]"),
        ("Monday to Tuesday", "[mon, tue]"),
        ("ven-lun", "[ven, sam, dim, lun]"),
        ("mon-mon", "mon"),
        ("wensday", "wednesday"),
        ("week", ""),
    ],
)
def test_a_spread_of_days_leads_to_a_list(tmp_path: Path, typed: str, near: str) -> None:
    said = label(tmp_path, f"days: {typed}, hours: 09:00-18:00")
    assert said == (f"did you mean `{near}`?" if near else "")
