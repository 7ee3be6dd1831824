"""One value of a file as what it should be: a number, points, a duration, true or false, a date.

Durations are milliseconds, points are thousandths. A date is the start of its day in the mapping's time
zone, as the cache keeps dates; a datetime without a zone is read there too.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta, tzinfo

from connector.diagnostics import Place
from connector.model import DAY, HOUR, MINUTE, fold
from connector.rules.nodes import Mistakes, Node, Scalar, quoted
from connector.rules.reading import scalar

MOST_POINTS = 10_000  # of a rule
MOST_TOTAL = 1_000_000  # of floors, ceilings, caps, thresholds
LONGEST_DURATION = 36_500 * DAY
_NUMBER = re.compile(r"[+-]?([0-9]+(_[0-9]+)*)([.][0-9]+)?([eE][+-]?[0-9]{1,3})?")
_DECIMAL = re.compile(r"([+-]?)([0-9]{1,12}(?:_[0-9]{1,3}){0,4})(?:[.]([0-9]+))?")
_DURATION = re.compile(r"([0-9]{1,9})(m|h|d|w)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(
    _DATE.pattern + r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)? ?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_UNITS = {"m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_SPOKEN = re.compile(r"([0-9]{1,9})\s*([a-z]+)")
_UNIT_WORDS = {
    "m": ("min", "mins", "minute", "minutes"),
    "h": ("hour", "hours", "hr", "hrs", "heure", "heures"),
    "d": ("day", "days", "j", "jour", "jours"),
    "w": ("week", "weeks", "semaine", "semaines"),
}
_BOOLS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOWHERE = Place("", 0)


def number(node: Node, name: str, mistakes: Mistakes) -> float | None:
    """A number as an IEEE double; `1_000` is a thousand."""
    found = scalar(node, name, mistakes)
    if found is None:
        return None
    said = found.text.strip()
    if _NUMBER.fullmatch(said) and math.isfinite(value := float(said)):
        return value
    _not_a_number(found, name, mistakes)
    return None


def _not_a_number(found: Scalar, name: str, mistakes: Mistakes) -> None:
    guess = re.sub(r"\s|(?<=[0-9])[€%]$", "", found.text).replace(",", ".")
    better = guess if _NUMBER.fullmatch(guess) and guess != found.text else ""
    mistakes.add(
        "not-a-number",
        found,
        f"{name} takes a number, and {quoted(found.text)} is not one",
        label=f"did you mean {quoted(better)}?" if better else "",
        why="numbers are digits, with a point before the decimals, and nothing else.",
        fix=f"write {quoted(better)}." if better else "write a number, such as `50` or `2.5`.",
    )


def thousandths(
    node: Node, name: str, mistakes: Mistakes, most: int = MOST_TOTAL, least: int | None = None
) -> int | None:
    """Points with up to three decimals, exactly; between -most (or `least`) and most."""
    found = scalar(node, name, mistakes)
    if found is None:
        return None
    match = _DECIMAL.fullmatch(found.text.strip())
    if match is None:
        _not_a_number(found, name, mistakes)
        return None
    sign, whole, decimals = match.group(1), match.group(2), (match.group(3) or "").rstrip("0")
    if len(decimals) > 3:
        _out_of_range(
            found,
            f"{name} takes at most three decimals",
            "points are counted in thousandths.",
            "round it.",
            mistakes,
        )
        return None
    value = int(whole) * 1000 + int(decimals.ljust(3, "0"))
    value = -value if sign == "-" else value
    return _within(
        found, name, value, least * 1000 if least is not None else -most * 1000, most * 1000, mistakes, 1000
    )


def whole(node: Node, name: str, mistakes: Mistakes, least: int, most: int) -> int | None:
    """A whole number between `least` and `most`."""
    found = scalar(node, name, mistakes)
    if found is None:
        return None
    match = _DECIMAL.fullmatch(found.text.strip())
    if match is None:
        _not_a_number(found, name, mistakes)
        return None
    if (match.group(3) or "").strip("0"):
        _out_of_range(
            found,
            f"{name} takes a whole number",
            "it counts whole things.",
            "leave out the decimals.",
            mistakes,
        )
        return None
    return _within(found, name, int(match.group(1) + match.group(2)), least, most, mistakes)


def _within(
    found: Scalar, name: str, value: int, least: int, most: int, mistakes: Mistakes, unit: int = 1
) -> int | None:
    if least <= value <= most:
        return value
    bounds = f"between {least // unit:,} and {most // unit:,}"
    _out_of_range(
        found,
        f"{name} takes a number {bounds}",
        "a number beyond that is usually a slip.",
        f"write a number {bounds}.",
        mistakes,
    )
    return None


def _out_of_range(found: Scalar, what: str, why: str, fix: str, mistakes: Mistakes) -> None:
    mistakes.add("out-of-range", found, what, label=f"this is {quoted(found.text)}", why=why, fix=fix)


def percent(node: Node, name: str, mistakes: Mistakes) -> int | None:
    """`50%` as 50."""
    found = scalar(node, name, mistakes)
    if found is None:
        return None
    said = found.text.strip()
    if re.fullmatch(r"[0-9]{1,9}\s?%", said):
        return _within(found, name, int(said.rstrip("% ")), 0, 100, mistakes)
    mistakes.add(
        "not-a-percentage",
        found,
        f"{name} takes a percentage, and {quoted(found.text)} is not one",
        why="a step of a decay says how much of the points is left.",
        fix=f"write `{said}%`."
        if said.isascii() and said.isdigit()
        else "write a whole number and a % sign, such as `50%`.",
    )
    return None


def flag(node: Node, name: str, mistakes: Mistakes) -> bool | None:
    """true or false; yes, no, on and off are understood where only this can be meant."""
    found = scalar(node, name, mistakes)
    if found is None:
        return None
    value = _BOOLS.get(found.text.strip().lower())
    if value is None:
        mistakes.add(
            "not-true-or-false",
            found,
            f"{name} takes `true` or `false`, and {quoted(found.text)} is neither",
            why="there is no third answer; to ask for an empty field, write `unknown: true`.",
            fix="write `true` or `false`.",
        )
    return value


def duration(node: Node, name: str, mistakes: Mistakes, *, zero: bool = False) -> int | None:
    """`30d`, `4h`, `90m`, `2w` in milliseconds; more than nothing, unless `zero` may be."""
    found = scalar(node, name, mistakes)
    if found is None:
        return None
    match = _DURATION.fullmatch(found.text.strip())
    if match is None:
        _not_a_duration(found, name, mistakes)
        return None
    value = int(match.group(1)) * _UNITS[match.group(2)]
    if (value or zero) and value <= LONGEST_DURATION:
        return value
    what = f"{name} lasts longer than nothing" if not value else f"{name} lasts at most a hundred years"
    _out_of_range(
        found,
        what,
        "nothing could ever fall into it, or everything would.",
        "write a duration such as `30d`.",
        mistakes,
    )
    return None


def _not_a_duration(found: Scalar, name: str, mistakes: Mistakes) -> None:
    said = found.text.strip()
    bare = said.isascii() and said.isdigit()
    better = f"{said}d" if bare else _spoken(said)
    mistakes.add(
        "missing-unit" if bare else "not-a-duration",
        found,
        f"{name} needs a unit" if bare else f"{name} takes a duration, and {quoted(found.text)} is not one",
        label=f"did you mean {quoted(better)}?" if better else "",
        why="a duration is a whole number and a unit: m (minutes), h (hours), d (days of 24 hours) or "
        "w (weeks); months differ in length and are not known.",
        fix=f"write {quoted(better)}, or another unit."
        if better
        else "write a duration such as `30d` or `4h`.",
    )


def _spoken(said: str) -> str:
    match = _SPOKEN.fullmatch(fold(said))
    if match is None:
        return ""
    return next((match.group(1) + unit for unit, words in _UNIT_WORDS.items() if match.group(2) in words), "")


def day(node: Node, name: str, mistakes: Mistakes, zone: tzinfo) -> int | None:
    """`2026-10-01` as the start of that day in `zone`, in ms."""
    found = scalar(node, name, mistakes)
    if found is None:
        return None
    said = found.text.strip()
    try:
        value = date.fromisoformat(said) if _DATE.fullmatch(said) else None
    except ValueError:
        value = None
    if value is not None and 1900 <= value.year <= 2200:
        start = datetime(value.year, value.month, value.day, tzinfo=zone)
        return (start - _EPOCH) // timedelta(milliseconds=1)
    _not_a_date(found, f"{name} takes a date", mistakes)
    return None


def moment(node: Node, name: str, mistakes: Mistakes, zone: tzinfo) -> int | None:
    """`2026-10-01`, `2026-10-01 09:30` or with a zone, in ms; without one, in `zone`."""
    found = scalar(node, name, mistakes)
    if found is None:
        return None
    said = found.text.strip().upper()
    try:
        value = (
            datetime.fromisoformat(said.replace(" +", "+").replace(" Z", "Z"))
            if _DATETIME.fullmatch(said)
            else None
        )
    except ValueError:
        value = None
    if value is not None and 1900 <= value.year <= 2200:
        aware = value if value.tzinfo is not None else value.replace(tzinfo=zone)
        return (aware - _EPOCH) // timedelta(milliseconds=1)
    _not_a_date(found, f"{name} takes a date, with or without a time", mistakes)
    return None


def _not_a_date(found: Scalar, what: str, mistakes: Mistakes) -> None:
    mistakes.add(
        "not-a-date",
        found,
        f"{what}, and {quoted(found.text)} is not one",
        why="dates are written year-month-day, because 03/04 is April in one country and March in another.",
        fix="write it like `2026-10-01`; with a time like `2026-10-01 09:30`.",
    )
