"""What makes a stage, how it ends, and what entering it leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connector.diagnostics import Place
from connector.rules.tree.conditions import Condition


@dataclass(frozen=True, slots=True)
class Band:
    """Hottest first; the last has neither `enter` nor `leave`. Whole points."""

    name: str
    place: Place
    enter: int | None = None
    leave: int | None = None


@dataclass(frozen=True, slots=True)
class Sla:
    """How soon after a hand-off sales is to be in touch, counted by a calendar (None: all day)."""

    first_touch: int  # ms
    calendar: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class StageRule:
    """`leave_when` must have held for `leave_for` ms; it counts only while sales has not accepted. `notify`
    and `suppress` are names of the workflow's."""

    id: str
    place: Place
    enter_when: Condition | None = None
    leave_when: Condition | None = None
    leave_for: int = 0
    notify: tuple[str, ...] = ()
    sla: Sla | None = None
    suppress: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Overrides:
    sales_wins: bool
    hold: int  # ms


@dataclass(frozen=True, slots=True)
class Recycle:
    """Closes the journey and begins the next at stage `to`. `reset`: signals up to then count no more;
    for `cool_down` ms no stage after `to` is entered."""

    when: Condition
    to: str
    place: Place
    reset: bool = False
    cool_down: int = 0


@dataclass(frozen=True, slots=True)
class Disqualify:
    """Out of the funnel until a person reopens the contact."""

    when: Condition
    place: Place


@dataclass(frozen=True, slots=True)
class Calendar:
    """Business time, in the mapping's time zone. `days`: 0 is Monday; `opens`, `closes`: minutes of the day;
    `holidays`: ISO dates."""

    days: frozenset[int]
    opens: int
    closes: int
    holidays: frozenset[str]
    place: Place


@dataclass(frozen=True, slots=True)
class TaskNotice:
    """A task for the contact's owner, or for the owner with the `fallback` address. `subject`: language ->
    text, in which {name} and {company} stand for the contact's; `due` ms after the hand-off,
    by the clock of the stage's `sla`."""

    subject: Mapping[str, str]
    due: int
    fallback: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class WebhookNotice:
    """Names of the environment variables that hold the address and the secret that signs."""

    url_from: str
    secret_from: str
    place: Place


@dataclass(frozen=True, slots=True)
class Notify:
    task: TaskNotice | None
    lead_status: str | None
    webhook: WebhookNotice | None
    place: Place


@dataclass(frozen=True, slots=True)
class Suppress:
    """Static lists of the CRM, by name."""

    leave_list: str | None
    join_list: str | None
    place: Place
