"""The nouns of the product: frozen, without behaviour that reaches outside.

Times are milliseconds since the epoch, UTC. Points are summed as integers, POINT of them a point, so that
sums are exact. Record ids are text: they are the CRM's and may outgrow any number type.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
POINT = 100_000  # the rules say thousandths of a point, decay hundredths of those


# who wrote a value: we; the CRM by default, an import or a form; its own automation; a person; another app
Writer = Literal["ours", "default", "crm", "person", "app"]
OUT = "disqualified"  # where a contact stands that left the funnel: no stage of the workflow's
OUR_MARK = "[connector "  # so begins the marker in the body of each task that is made here


class Secret:
    """A token: its text is masked wherever it is printed; `reveal` is for the wire alone."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def fold(text: str) -> str:
    """Text as it is compared: without case and accents (`Étudiant` equals `etudiant`), ends trimmed.

    Folded text stays as it is when it is folded again.
    """
    if text.isascii() and "\0" not in text:
        return text.lower().strip()
    # letters that hide in a ligature or a symbol come out by the first step, and may be capitals
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(_LIGATURES.get(c, c) for c in plain if not unicodedata.combining(c))
    return bare.casefold().strip()


_LIGATURES = {"œ": "oe", "æ": "ae", "\0": ""}


def iso(at: int | None) -> str | None:
    """A moment as documents show it: `2026-11-16T09:00:00Z`."""
    return None if at is None else f"{datetime.fromtimestamp(at // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}".zfill(20)


def when(text: str) -> datetime | None:
    """The CRM's text for a moment or a date, ISO-8601 (UTC unless it says more) or milliseconds; None where
    it is none."""
    said = text.strip()
    try:
        if said.removeprefix("-").isdecimal() and len(said) > 8:
            return _EPOCH + int(said) * _MS
        found = datetime.fromisoformat(said)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def moment(text: str) -> int | None:
    """`when` in milliseconds."""
    found = when(text)
    return None if found is None else (found - _EPOCH) // _MS


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def mask(address: str | None) -> str:
    """An e-mail address as logs and terminals show it: `j***@acme.fr`."""
    if not address:
        return "(no e-mail)"
    name, at, domain = address.partition("@")
    return f"{name[:1]}***{at}{domain}" if at else f"{name[:1]}***"


@dataclass(frozen=True, slots=True)
class Record:
    """A contact, company, deal or activity as the CRM showed it. Empty text and null are both None."""

    id: str
    properties: Mapping[str, str | None]
    created_at: int | None = None
    modified_at: int | None = None
    archived: bool = False
    history: Mapping[str, tuple[Version, ...]] = field(default_factory=dict)  # newest first
    merged: tuple[str, ...] = ()  # ids that were merged into this one


@dataclass(frozen=True, slots=True)
class Version:
    """One entry of a property's history. `source` is the CRM's sourceType, an open set."""

    value: str
    at: int
    source: str
    source_id: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """An association to a record; `primary` is the CRM's primary company."""

    to_id: str
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Engagement:
    """One event of a contact, named by record id or (where the source has none) by e-mail address.

    `attrs` hold what a mapping's `where` may ask for: text as the CRM gave it, numbers, booleans.
    `label` is what an explanation shows: the page's path, the form's name, the subject.
    """

    source: str
    id: str  # stable within the source
    event: str
    at: int
    contact_id: str | None
    address: str | None
    attrs: Mapping[str, str | float | bool | None]
    label: str = ""


@dataclass(frozen=True, slots=True)
class PropertyDef:
    """A property of the CRM's schema. `options` are (value, label) in display order."""

    name: str
    label: str
    type: str
    field_type: str
    read_only: bool = False
    options: tuple[tuple[str, str], ...] = ()
    calculated: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """What the CRM says of the account: its schema and the people in it."""

    portal_id: str
    ui_domain: str
    time_zone: str
    properties: Mapping[str, Mapping[str, PropertyDef]]  # object -> name -> definition
    owners: Mapping[str, str] = field(default_factory=dict)  # id -> e-mail
    lists: Mapping[str, Literal["static", "dynamic", "absent"]] = field(
        default_factory=dict
    )  # asked for by name

    def stage_order(self, property_name: str) -> tuple[str, ...]:
        """The CRM's lifecycle stages, first to last, as this account has them."""
        found = self.properties.get("contacts", {}).get(property_name)
        return tuple(value for value, _ in found.options) if found else ()


@dataclass(frozen=True, slots=True)
class Update:
    """What one record shall hold: property -> value ('' clears)."""

    id: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one Update: `ok` with the record as answered, or the CRM's own words."""

    id: str
    ok: bool
    record: Record | None = None
    category: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """One contact's points at `as_of`, POINT to a point, but for `points`, the rounded total.

    `groups` (`axis.group`) are after their caps, `axes` and `total` after floors and ceilings; `parts` is
    rule id -> points, `counted` rule id -> signals that count; `facts` is the truth of every stage
    criterion's leaf, by the leaf's number in the workflow.
    """

    contact_id: str
    as_of: int
    points: int
    total: int
    axes: Mapping[str, int]
    groups: Mapping[str, int]
    parts: Mapping[str, int]
    counted: Mapping[str, int]
    facts: tuple[bool, ...]
    next_change_at: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a contact stands: the recorded decision. `stage` None: never judged.

    `epoch_at`: when the journey began; signals up to then belong to an earlier one. `leaving_since`: since
    when the stage's `leave_when` holds. `cool_until`: no stage is entered by rules before. `fired`: the rules
    for recycling and disqualifying that held last (None: unknown, the standing is what the CRM remembers).
    `heard_at`: the last word about the stage that was acted on. `wake_at`: when a timer runs out.
    """

    contact_id: str
    journey: int = 1
    epoch_at: int | None = None
    stage: str | None = None
    stage_since: int | None = None
    temperature: str | None = None
    temperature_since: int | None = None
    reached: frozenset[str] = frozenset()
    leaving_since: int | None = None
    cool_until: int | None = None
    fired: frozenset[str] | None = frozenset()
    held_since: int | None = None
    held_until: int | None = None
    held_why: str = ""
    heard_at: int | None = None
    wake_at: int | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """A stage entered. `rule` is file:line; `actor` is rule, sales, crm or edit: an edit of the rules
    alone, nothing that anybody did. imputed: passed over. `evidence`: ids of signals, names of fields."""

    contact_id: str
    journey: int
    from_stage: str | None
    to_stage: str
    rule: str
    why: str
    actor: Literal["rule", "sales", "crm", "edit"]
    effective_at: int
    decided_at: int
    imputed: bool = False
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HandOff:
    """A contact offered to sales on entering a stage: once in a journey, and again where that expired.

    `due_at`: by when somebody is to be in touch (None: no SLA). `state`: offered, then accepted, rejected
    (`why`) or expired at `settled_at`. `first_touch_at`: the first human touch after it was offered;
    `under_way`: sales was already talking to them. `breached_at`: `due_at`, if it was still open then.
    `told_at`: when it was decided; later than `offered_at` where a run came late.
    """

    contact_id: str
    journey: int
    stage: str
    offered_at: int
    owner: str | None = None
    due_at: int | None = None
    state: Literal["offered", "accepted", "rejected", "expired"] = "offered"
    settled_at: int | None = None
    why: str = ""
    first_touch_at: int | None = None
    under_way: bool = False
    breached_at: int | None = None
    told_at: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """Something to be done in the CRM or outside beside a property: `kind` task, list or webhook.

    `key` is unique for what it is about (a hand-off, a list's name), so that nothing is done twice; `value`
    is JSON: what to do.
    """

    kind: Literal["task", "list", "webhook"]
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Change:
    """One property of one record: what the CRM holds, what it shall hold."""

    property: str
    old: str | None
    new: str


Document = dict[str, Any]  # JSON as printed and stored
