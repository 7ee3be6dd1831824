"""Business time: nights, weekends, holidays and the two nights on which the clocks change."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connector.business import add, between
from connector.diagnostics import Place
from connector.model import DAY, HOUR, MINUTE
from connector.rules.tree import Calendar

PLACE = Place("workflows/qualification.yaml", 1)
PARIS = ZoneInfo("Europe/Paris")
WEEK = frozenset(range(5))


def calendar(days: frozenset[int] = WEEK, hours: tuple[int, int] = (9, 18), *holidays: str) -> Calendar:
    return Calendar(days, hours[0] * 60, hours[1] * 60, frozenset(holidays), PLACE)


OFFICE = calendar()
ALWAYS = calendar(frozenset(range(7)), (0, 24))


def at(said: str, zone: ZoneInfo = PARIS) -> int:
    return int(datetime.fromisoformat(said).replace(tzinfo=zone).timestamp() * 1000)


# 13 November 2026 is a Friday
@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-13 10:00", 4, "2026-11-13 14:00"),
        ("2026-11-13 14:00", 4, "2026-11-13 18:00"),  # at closing, not at opening on Monday
        ("2026-11-13 16:30", 4, "2026-11-16 11:30"),  # over Friday night
        ("2026-11-13 18:00", 4, "2026-11-16 13:00"),
        ("2026-11-13 23:59", 4, "2026-11-16 13:00"),
        ("2026-11-15 03:00", 4, "2026-11-16 13:00"),
        ("2026-11-13 09:00", 45, "2026-11-19 18:00"),  # a week of work
    ],
)
def test_the_clock_stands_still_outside_the_hours(start: str, hours: int, end: str) -> None:
    assert add(OFFICE, PARIS, at(start), hours * HOUR) == at(end)
    assert between(OFFICE, PARIS, at(start), at(end)) == hours * HOUR


def test_holidays_are_skipped_and_may_be_several() -> None:
    closed = calendar(WEEK, (9, 18), "2026-12-24", "2026-12-25", "2027-01-01")
    assert add(closed, PARIS, at("2026-12-23 17:00"), 2 * HOUR) == at("2026-12-28 10:00")
    assert between(closed, PARIS, at("2026-12-24 09:00"), at("2026-12-27 18:00")) == 0


def test_a_weekend_in_between_counts_for_nothing() -> None:
    assert between(OFFICE, PARIS, at("2026-11-13 17:45"), at("2026-11-16 09:05")) == 20 * MINUTE
    assert between(OFFICE, PARIS, at("2026-11-14 10:00"), at("2026-11-15 20:00")) == 0


def test_the_hours_are_those_of_the_wall_on_both_sides_of_a_change() -> None:
    """Paris: forward on 29 March 2026, back on 25 October 2026, both Sundays."""
    for friday, monday, away in (
        ("2026-03-27 17:00", "2026-03-30 10:00", 64),
        ("2026-10-23 17:00", "2026-10-26 10:00", 66),
    ):
        assert at(monday) - at(friday) == away * HOUR
        assert add(OFFICE, PARIS, at(friday), 2 * HOUR) == at(monday)
        assert between(OFFICE, PARIS, at(friday), at(monday)) == 2 * HOUR


def test_a_night_shift_is_an_hour_shorter_or_longer_when_the_clocks_change() -> None:
    night = calendar(frozenset(range(7)), (0, 6))
    assert between(night, PARIS, at("2026-03-28 12:00"), at("2026-03-29 12:00")) == 5 * HOUR
    assert between(night, PARIS, at("2026-10-24 12:00"), at("2026-10-25 12:00")) == 7 * HOUR
    # hours that do not exist on that day
    gone = calendar(frozenset({6}), (2, 3))
    assert between(gone, PARIS, at("2026-03-28 12:00"), at("2026-03-29 12:00")) == 0
    assert add(gone, PARIS, at("2026-03-28 12:00"), HOUR) == at("2026-04-05 03:00")


def test_open_all_day_every_day_is_the_time_that_passes() -> None:
    start = at("2026-03-28 13:37")
    assert add(ALWAYS, PARIS, start, 30 * DAY) == start + 30 * DAY
    assert between(ALWAYS, PARIS, start, start + 300 * DAY) == 300 * DAY


def test_nothing_backwards_and_no_calendar_without_hours() -> None:
    noon = at("2026-11-13 12:00")
    assert between(OFFICE, PARIS, noon, noon - HOUR) == 0
    assert add(OFFICE, PARIS, noon, 0) == noon
    with pytest.raises(ValueError, match="no hours"):
        add(calendar(frozenset()), PARIS, noon, HOUR)


# -- for whatever calendar, zone and moment ----------------------------------------------------------

ZONES = [PARIS, *map(ZoneInfo, ("UTC", "America/Sao_Paulo", "Asia/Kathmandu", "Africa/Cairo"))]
zones = st.sampled_from([*ZONES, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Pacific/Apia")])
moments = st.integers(at("2011-01-01 00:00"), at("2031-01-01 00:00"))
durations = st.integers(1, 20 * DAY)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    days = draw(st.frozensets(st.integers(0, 6), min_size=1))
    opens = draw(st.integers(0, 24 * 60 - 30))
    closes = draw(st.integers(opens + 30, 24 * 60))
    holidays = draw(st.frozensets(st.dates().map(str), max_size=3))
    return Calendar(days, opens, closes, holidays | {"2026-12-25"}, PLACE)


@given(calendars(), zones, moments, durations)
def test_what_is_added_is_what_lies_between_and_not_a_moment_later(
    hours: Calendar, zone: ZoneInfo, start: int, duration: int
) -> None:
    end = add(hours, zone, start, duration)
    assert between(hours, zone, start, end) == duration
    assert between(hours, zone, start, end - 1) == duration - 1


@given(calendars(), zones, moments, durations, durations)
def test_adding_twice_is_adding_the_sum(
    hours: Calendar, zone: ZoneInfo, start: int, first: int, second: int
) -> None:
    assert add(hours, zone, add(hours, zone, start, first), second) == add(hours, zone, start, first + second)


@given(calendars(), zones, st.lists(moments, min_size=3, max_size=3), st.integers(0, 60))
def test_time_passes_piece_by_piece_and_never_faster_than_the_clock(
    hours: Calendar, zone: ZoneInfo, three: list[int], days: int
) -> None:
    first, middle = sorted(three[:2])
    assume(middle - first < 400 * DAY)
    last = middle + days * DAY
    parts = between(hours, zone, first, middle), between(hours, zone, middle, last)
    assert sum(parts) == between(hours, zone, first, last)
    assert 0 <= parts[0] <= middle - first


@given(zones, moments, durations)
def test_in_a_calendar_that_never_closes_it_is_the_clock(zone: ZoneInfo, start: int, duration: int) -> None:
    assert add(ALWAYS, zone, start, duration) == start + duration
