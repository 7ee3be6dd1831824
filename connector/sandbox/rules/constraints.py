"""Validation rules that admins set on single properties; they bind every write (HUBSPOT.md 3.9).

Of the codes HUBSPOT.md 3.7 names INVALID_ALPHA and MAX_LENGTH; the others are called after their rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from connector.sandbox.refusals import Problem
from connector.sandbox.state import Account
from connector.sandbox.state.requirements import RULES, Constraint

_CODES = {"ALPHANUMERIC": "INVALID_ALPHA", "REGEX": "INVALID_FORMAT"}


def demand(account: Account, kind: str, name: str, rule: str, value: str) -> Constraint:
    """A constraint as a control takes it. Raises ValueError for one that could not be kept."""
    if account.definitions.find(kind, name) is None:
        raise ValueError(f"{kind} have no property {name}")
    if rule not in RULES:
        raise ValueError(f"{rule} is no rule; there are {', '.join(RULES)}")
    try:
        _CHECKS[rule]("", value)
    except (ValueError, re.error) as wrong:
        raise ValueError(f"{rule} does not work with {value!r}: {wrong}") from None
    return Constraint(kind, name, rule, value)


def broken(account: Account, kind: str, name: str, text: str) -> Problem | None:
    """The first rule that a value breaks."""
    for one in account.requirements.on(kind, name):
        if not _CHECKS[one.rule](text, one.value):
            return Problem(name, _CODES.get(one.rule, one.rule), _message(one, text))
    return None


def _message(one: Constraint, text: str) -> str:
    said = f" {one.value}" if one.value else ""
    return f"{text} does not meet the validation rule {one.rule}{said} of {one.name}."


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")  # is neither above nor below any bound


_CHECKS: dict[str, Callable[[str, str], bool]] = {
    "REGEX": lambda text, value: re.fullmatch(value, text) is not None,
    "ALPHANUMERIC": lambda text, _value: text.replace(" ", "").isalnum(),
    "MIN_LENGTH": lambda text, value: len(text) >= int(value),
    "MAX_LENGTH": lambda text, value: len(text) <= int(value),
    "MIN_NUMBER": lambda text, value: _number(text) >= float(value),
    "MAX_NUMBER": lambda text, value: _number(text) <= float(value),
}
