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


@dataclass(frozen=True, slots=True)
class Membership:
    list_id: int
    contact_id: int
    at: int


Row = Object | Link | Owner | PropertyDef | Form | Submission | EmailEvent | WebEvent | ListDef | Membership
