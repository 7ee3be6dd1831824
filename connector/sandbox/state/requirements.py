"""What the account's admins demand of values (HUBSPOT.md 3.9): required properties, always or on a condition,
which bind writes on the 2026-09 paths only; and validation rules of single properties, which bind every write.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from connector.sandbox.state.schema import Database

RULES = ("REGEX", "ALPHANUMERIC", "MIN_LENGTH", "MAX_LENGTH", "MIN_NUMBER", "MAX_NUMBER")


@dataclass(frozen=True, slots=True)
class Requirement:
    """A property that must have a value: always, or while others have one of the given values."""

    kind: str
    name: str
    when: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Constraint:
    """A validation rule of one property; `rule` is one of RULES, `value` its length, bound or pattern."""

    kind: str
    name: str
    rule: str
    value: str = ""


class Requirements:
    """The demands as they stand, kept in the account's file."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.required = [Requirement(**one) for one in db.noted("required", [])]
        self.constraints = [Constraint(**one) for one in db.noted("constraints", [])]

    def require(self, one: Requirement) -> None:
        self.required.append(one)
        self._keep()

    def constrain(self, one: Constraint) -> None:
        self.constraints.append(one)
        self._keep()

    def clear(self) -> None:
        self.required, self.constraints = [], []
        self._keep()

    def of(self, kind: str) -> list[Requirement]:
        return [one for one in self.required if one.kind == kind]

    def on(self, kind: str, name: str) -> list[Constraint]:
        return [one for one in self.constraints if (one.kind, one.name) == (kind, name)]

    def _keep(self) -> None:
        self._db.note("required", [asdict(one) for one in self.required])
        self._db.note("constraints", [asdict(one) for one in self.constraints])
