"""What an account is made of: the rows that `population` and `csvload` give and `state` keeps.

Times are milliseconds since the epoch, UTC. Property values are text, as the CRM's wire has them.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Version:
    """One entry of a property's history. `source` is the CRM's sourceType (CRM_UI, IMPORT, ...)."""

    value: str
    at: int
    source: str
    source_id: str = ""


@dataclass(frozen=True, slots=True)
class Object:
    """A record: contact, company, deal, meeting, call... `kind` is the plural (`contacts`)."""

    kind: str
    id: int
    properties: dict[str, str]
    created: int
    modified: int
    history: dict[str, tuple[Version, ...]] = field(
        default_factory=dict
    )  # newest first; others get one entry
    archived: int = 0  # since when it is in the bin; 0: it is not


@dataclass(frozen=True, slots=True)
class Alias:
    """An id that was merged away: `survivor` stands for it. The survivor is a record, the other is not."""

    kind: str
    id: int
    survivor: int
    at: int


@dataclass(frozen=True, slots=True)
class Link:
    """An association, as (kind, id) to (kind, id); the other direction is made by `state`."""

    from_kind: str
    from_id: int
    to_kind: str
    to_id: int
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    id: int
    email: str
    first_name: str
    last_name: str
    archived: bool = False  # left: no user any more
    teams: tuple[str, ...] = ()  # names, the primary one first


@dataclass(frozen=True, slots=True)
class PropertyDef:
    """A property that the account has beyond the CRM's own. `type`/`field_type` as in the properties API."""

    kind: str
    name: str
    label: str
    type: str
    field_type: str
    options: tuple[tuple[str, str], ...] = ()  # (value, label)


@dataclass(frozen=True, slots=True)
class Form:
    guid: str
    name: str
    created: int
    type: str = "hubspot"  # hubspot | captured | flow | blog_comment
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    form: str  # guid
    at: int
    values: dict[str, str]
    page_url: str


@dataclass(frozen=True, slots=True)
class EmailEvent:
    """A marketing e-mail event: SENT, DELIVERED, OPEN, CLICK, BOUNCE, SPAMREPORT, STATUSCHANGE..."""

    id: str
    type: str
    at: int
    recipient: str
    campaign_id: int
    subject: str
    url: str = ""
    filtered: bool = False
    user_agent: str = ""
    extra: dict[str, str] = field(default_factory=dict)  # bounce category, drop reason, ... (HUBSPOT.md 5.3)
    visible_from: int = 0  # an event that arrives late is not told of before


@dataclass(frozen=True, slots=True)
class WebEvent:
    """An occurrence of the events API; `type` is e.g. `e_visited_page`."""

    id: str
    contact_id: int
    type: str
    at: int
    properties: dict[str, str]


@dataclass(frozen=True, slots=True)
class ListDef:
    id: int
    name: str
    processing: str = "MANUAL"  # MANUAL | DYNAMIC | SNAPSHOT
    filters: tuple[str, ...] = ()  # the contact properties that a DYNAMIC one is made by


@dataclass(frozen=True, slots=True)
class Membership:
    list_id: int
    contact_id: int
    at: int


@dataclass(frozen=True, slots=True)
class MarketingEvent:
    """A webinar, a trade fair... of the marketing events API. `updated` 0: when it was made."""

    id: int
    name: str
    start: int
    end: int
    created: int
    type: str = "WEBINAR"
    external_id: str = ""
    cancelled: bool = False
    updated: int = 0


@dataclass(frozen=True, slots=True)
class Participation:
    """Somebody's state in a marketing event: REGISTERED, ATTENDED, NO_SHOW, CANCELLED or EMPTY, since `at`.

    Told again for the same two it is a change of state: the record and its date of making stay.
    """

    event_id: int
    contact_id: int
    state: str
    at: int
    created: int = 0  # 0: as `at`


Row = (
    Object
    | Alias
    | Link
    | Owner
    | PropertyDef
    | Form
    | Submission
    | EmailEvent
    | WebEvent
    | ListDef
    | Membership
    | MarketingEvent
    | Participation
)
