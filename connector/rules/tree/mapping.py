"""All of mappings/: what the CRM's properties and events mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from connector.diagnostics import Place
from connector.rules.tree.conditions import Condition, FieldType


@dataclass(frozen=True, slots=True)
class Field:
    """Our name for a property of the CRM. `object` is where it lives: a contact's field may be read off
    its company. `values` are the options of a choice that `provision` makes."""

    name: str
    property: str
    object: Literal["contacts", "companies", "deals"]
    type: FieldType
    place: Place
    optional: bool = False
    provision: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventSource:
    """An event of the CRM that makes a signal when `where` holds (its tests have scope `event`)."""

    events: tuple[str, ...]
    where: Condition | None
    reject_if: tuple[str, ...]  # names of reasons: REASONS, or `bot` for those of ours together
    place: Place


@dataclass(frozen=True, slots=True)
class SignalKind:
    name: str
    sources: tuple[EventSource, ...]
    place: Place


BOT = ("honeypot", "burst", "agent")  # what tells a robot, the surest first
REASONS = (*BOT, "crm_filtered")  # of several the first is kept; the last is the CRM's own bot flag
READING = ("email_open", "email_click")  # the events that robots make; an unsubscribe is always honoured


@dataclass(frozen=True, slots=True)
class Bots:
    """How robots give themselves away, per contact and e-mail. burst: so many different links clicked in a
    span of `within` ms; honeypot: a click on a link that no person sees (patterns); agent: what opened or
    clicked names itself (patterns)."""

    links: int = 3
    within: int = 10_000
    honeypot: tuple[str, ...] = ()
    agents: tuple[str, ...] = ("*bot/*", "*crawler*", "*spider*", "*barracuda*", "*mimecast*", "*proofpoint*")


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The CRM's own stage property, moved forward only. `stages`: our stage -> the CRM's value."""

    property: str
    stages: Mapping[str, str]
    place: Place
    places: Mapping[str, Place] = field(default_factory=dict)  # of the CRM's values, by our stage


@dataclass(frozen=True, slots=True)
class WriteBack:
    """Our words (score, stage, why, an axis id...) -> the CRM property that carries them."""

    fields: Mapping[str, str]
    lifecycle: Lifecycle | None
    places: Mapping[str, Place]  # by our word


@dataclass(frozen=True, slots=True)
class MappingRules:
    """All of mappings/. `signals` keep the order of the file: an event makes the first kind that fits."""

    timezone: str
    language: str
    fields: Mapping[str, Field]  # of a contact, by our name
    deal_fields: Mapping[str, Field]
    signals: Mapping[str, SignalKind]
    write_back: WriteBack
    key: str = ""  # the property that identifies a contact; "" is the CRM's own record id
    key_place: Place | None = None
    dated: frozenset[str] = frozenset()  # contact fields of which a method asks since when they stand
    bots: Bots = Bots()
