"""Required and conditional properties, which bind writes on the 2026-09 paths only (HUBSPOT.md 3.9).

A required property must be given when a record is made and may not be cleared. A conditional one must have a
value while the properties that it depends on have one of the named values; it is looked at when a record is made
and when a write touches it or one of those (an older record that breaks the rule may be changed elsewhere).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.sandbox.refusals import Problem
from connector.sandbox.state import Account
from connector.sandbox.state.requirements import Requirement
from connector.sandbox.wire import Refusal, refuse


def demand(account: Account, kind: str, name: str, when: Mapping[str, Any]) -> Requirement:
    """A requirement as a control takes it. Raises ValueError for a property that there is not."""
    for one in (name, *when):
        if account.definitions.find(kind, one) is None:
            raise ValueError(f"{kind} have no property {one}")
    if not all(isinstance(values, list) for values in when.values()):
        raise ValueError("when names properties, each with a list of values")
    return Requirement(kind, name, {one: [str(value) for value in values] for one, values in when.items()})


def missing(
    account: Account, kind: str, changes: Mapping[str, str], old: Mapping[str, str] | None
) -> list[Problem]:
    """What a write leaves without a value; `old` are the values of the record, None while it is made."""
    after = {**(old or {}), **changes}
    found = (_missing(one, changes, after, old is None) for one in account.requirements.of(kind))
    return [problem for problem in found if problem is not None]


def _missing(
    one: Requirement, changes: Mapping[str, str], after: Mapping[str, str], new: bool
) -> Problem | None:
    touched = new or one.name in changes or any(name in changes for name in one.when)
    holds = all(after.get(name, "") in values for name, values in one.when.items())
    if after.get(one.name) or not touched or not holds:
        return None
    if not one.when:
        return Problem(one.name, "MISSING_REQUIRED_PROPERTY", f"A value for {one.name} must be provided")
    message = (
        f"{one.name} is required because of a conditional property rule based on [{', '.join(one.when)}]"
    )
    return Problem(one.name, "MISSING_CONDITIONAL_REQUIRED_PROPERTY", message)


def refusal(problems: list[Problem]) -> Refusal:
    return refuse(
        400,
        "The property values provided are invalid",
        "VALIDATION_ERROR",
        errors=[
            {"message": problem.message, "code": problem.code, "context": {"propertyName": [problem.name]}}
            for problem in problems
        ],
    )
