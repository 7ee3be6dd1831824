"""`calendar:` of a workflow: when the business is open, which is when the clock of a hand-off runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeVar

from connector.model import fold
from connector.rules import reading
from connector.rules.nodes import Entry, Mistakes, Node, Scalar, quoted
from connector.rules.reading import Kind
from connector.rules.tree import Calendar

T = TypeVar("T")
MIDNIGHT = 24 * 60  # the last minute at which a day can close

_CALENDAR = Kind(
    "a calendar",
    ("days", "hours", "holidays"),
    ("days", "hours"),
    {"day": "days", "weekdays": "days", "open": "hours", "opening_hours": "hours", "closed": "holidays"},
)
_EXAMPLE = 'business: {days: [mon, tue, wed, thu, fri], hours: "09:00-18:00"}'
_SHORT = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES = (  # 0 is Monday; the first of each language is how it is written
    _SHORT,
    ("lun", "mar", "mer", "jeu", "ven", "sam", "dim"),
    ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
)
DAYS: Mapping[str, int] = {name: day for names in _NAMES for day, name in enumerate(names)}
_HOURS = re.compile(r"([0-9]{1,2}):([0-9]{2}) ?- ?([0-9]{1,2}):([0-9]{2})")
_SPOKEN = re.compile(r"([0-9]{1,2})(?:[h:.]([0-9]{2})?)?\s*(?:-|–|to|a)\s*([0-9]{1,2})(?:[h:.]([0-9]{2})?)?")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SLASHED = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})")


def read_calendars(node: Node, mistakes: Mistakes) -> dict[str, Calendar]:
    """The calendars by name, without those that cannot be read."""
    entries = reading.entries(node, "`calendar`", mistakes, _EXAMPLE)
    made = {entry.key.text: _calendar(entry, mistakes) for entry in entries}
    return {name: calendar for name, calendar in made.items() if calendar is not None}


def _calendar(entry: Entry, mistakes: Mistakes) -> Calendar | None:
    name = reading.name(entry.key, "a calendar's name", mistakes)
    said = reading.keys(entry.value, _CALENDAR, mistakes, _EXAMPLE) or {}
    days = _each(said["days"], "`days`", _day, mistakes) if "days" in said else None
    hours = _hours(said["hours"], mistakes) if "hours" in said else None
    holidays: frozenset[str] | None = frozenset()
    if "holidays" in said:
        holidays = _each(said["holidays"], "`holidays`", _holiday, mistakes)
    if not name or not days or hours is None or holidays is None:
        return None
    return Calendar(days, *hours, holidays, entry.key.place)


def _each(
    node: Node, name: str, read: Callable[[Node, Mistakes], T | None], mistakes: Mistakes
) -> frozenset[T] | None:
    """What `read` makes of a list or one value; what stands there twice is told."""
    first: dict[T, Node] = {}
    nodes = reading.one_or_more(node, name, mistakes)
    for one in nodes or ():
        made = read(one, mistakes)
        if made is not None and first.setdefault(made, one) is not one:
            _repeated(one, first[made], name, mistakes)
    return frozenset(first) if nodes is not None else None


def _repeated(second: Node, first: Node, name: str, mistakes: Mistakes) -> None:
    said, before = (quoted(one.text) if isinstance(one, Scalar) else "" for one in (second, first))
    mistakes.add(
        "repeated-day",
        second,
        f"{said} stands in {name} twice" if said == before else f"{said} is the same day as {before}",
        notes=[(first, "first")],
        label="second",
        why="one of the two is probably another day, and would be missing.",
        fix="correct it, or delete one of the two.",
    )


# -- days ---------------------------------------------------------------------------------------------


def _day(node: Node, mistakes: Mistakes) -> int | None:
    found = reading.scalar(node, "a day", mistakes)
    if found is None:
        return None
    day = DAYS.get(fold(found.text))
    if day is not None:
        return day
    spread = _spread(found.text)
    if not spread:
        reading.option(
            found, "a day of the week", DAYS, mistakes, why="the days are mon to sun, or lun to dim."
        )
        return None
    mistakes.add(
        "unknown-value",
        found,
        f"{quoted(found.text)} is not a day of the week",
        label=f"did you mean {quoted(spread)}?",
        why="each day stands for itself, so that nobody asks whether the last one belongs to it.",
        fix=f"write {quoted(f'days: {spread}')}.",
    )
    return None


def _spread(said: str) -> str:
    """`mon-fri` as the list that it means; "" for anything else."""
    ends = [DAYS.get(part) for part in re.split(r"\s*-\s*|\s+to\s+|\s+a\s+", fold(said))]
    match ends:
        case [int(first), int(last)] if first != last:
            names = next(names for names in _NAMES[:2] if fold(said)[:3] in names)
            week = (*names[first:], *names[:first])
            return f"[{', '.join(week[: week.index(names[last]) + 1])}]"
    return ""


def _holiday(node: Node, mistakes: Mistakes) -> str | None:
    """`2026-12-25`, as it is kept."""
    found = reading.scalar(node, "a holiday", mistakes)
    if found is None:
        return None
    said = found.text.strip()
    if _ISO.fullmatch(said) and _is_date(said):
        return said
    better = _iso(said)
    mistakes.add(
        "not-a-date",
        found,
        f"`holidays` takes dates, and {quoted(found.text)} is not one",
        label=f"did you mean {quoted(better)}?" if better else "",
        why="dates are written year-month-day, because 03/04 is April in one country and March in another.",
        fix=f"write {quoted(better)}." if better else "write it like `2026-12-25`, once for each year.",
    )
    return None


def _iso(said: str) -> str:
    """`25/12/2026` as 2026-12-25; "" where two days can be meant, or none."""
    match = _SLASHED.fullmatch(said)
    if match is None:
        return ""
    first, second, year = match.groups()
    readings = {f"{year}-{month:0>2}-{day:0>2}" for day, month in ((first, second), (second, first))}
    dates = [one for one in readings if _is_date(one)]
    return dates[0] if len(dates) == 1 else ""


def _is_date(said: str) -> bool:
    try:
        return 1900 <= date.fromisoformat(said).year <= 2200
    except ValueError:
        return False


# -- hours --------------------------------------------------------------------------------------------


def _hours(node: Node, mistakes: Mistakes) -> tuple[int, int] | None:
    """`09:00-18:00` in minutes of the day."""
    found = reading.scalar(node, "`hours`", mistakes, 'hours: "09:00-18:00"')
    if found is None:
        return None
    match = _HOURS.fullmatch(found.text.strip())
    minutes = _minutes(match) if match else None
    if minutes is None:
        _not_hours(found, mistakes)
        return None
    if minutes[0] < minutes[1]:
        return minutes
    mistakes.add(
        "range-backwards",
        found,
        "the business closes before it opens" if minutes[0] > minutes[1] else "the business is never open",
        why="a hand-off would wait for an hour that never comes; what is open all day is `00:00-24:00`.",
        fix='write the hour of opening first, such as `"09:00-18:00"`.',
    )
    return None


def _minutes(match: re.Match[str]) -> tuple[int, int] | None:
    parts = [int(part or 0) for part in match.groups()]
    opens, closes = parts[0] * 60 + parts[1], parts[2] * 60 + parts[3]
    return (opens, closes) if max(parts[1], parts[3]) < 60 and max(opens, closes) <= MIDNIGHT else None


def _not_hours(found: Scalar, mistakes: Mistakes) -> None:
    spoken = _SPOKEN.fullmatch(fold(found.text))
    minutes = _minutes(spoken) if spoken else None
    better = "-".join(f"{at // 60:02}:{at % 60:02}" for at in minutes) if minutes else ""
    mistakes.add(
        "not-hours",
        found,
        f"`hours` takes when the business opens and closes, and {quoted(found.text)} is not that",
        label=f"did you mean {quoted(better)}?" if better else "",
        why="both are hours and minutes of the day from 00:00 to 24:00, in the time zone of the mapping.",
        fix=f'write `"{better}"`.' if better else 'write them like `"09:00-18:00"`.',
    )
