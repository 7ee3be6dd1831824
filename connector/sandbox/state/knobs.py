"""What can be turned: how the account is limited and set up, and what nobody outside HubSpot knows for sure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from connector.sandbox.state.schema import Database

TIERS = ("free", "starter", "professional", "enterprise")
DAILY = {"free": 250_000, "starter": 250_000, "professional": 625_000, "enterprise": 1_000_000}
CHOICES = {
    "tier": TIERS,
    "batch_update_missing_id": ("207", "400"),
    "to_object_id_type": ("number", "string"),
    "archived_get_without_flag": ("404", "200"),
    "cleared_value": ("null", ""),
    "object_id_compares_as": ("number", "text"),
    "search_429_body": ("policy", "category"),
    "malformed_input": ("dropped", "empty"),
    "partial_upsert_by_email": ("allowed", "all_or_nothing", "needs_email"),
    "blocklisted_email": ("400", "201"),
    "oauth_denial_status": ("400", "rfc"),
}


@dataclass(frozen=True, slots=True)
class Knobs:
    """The defaults. First the account's limits and settings; then what is unverified: as HUBSPOT.md 11.3 names
    it, and what else its sections 3 and 4 leave open."""

    tier: str = "enterprise"
    burst_limit: int | None = None  # per token and 10 s; None: what the tier has, 0: no limit
    search_limit: int | None = None  # per account and second
    associations_limit: int | None = None
    daily_limit: int | None = None
    grant_limit: int | None = None  # of the OAuth endpoints, per second; how many it really is, is not known
    lag: float | list[float] = 0.0  # seconds until search finds a write; [2, 30]: from 2 to 30, by the seed
    flapping: bool = False  # found, then lost again for half the lag
    calculated_lag: float = 0.0  # seconds until a calculated value shows
    merge_activity_lag: float = 0.0  # seconds until a merged contact has its activities (up to 1,800; 3.8)
    default_stage: str = "lead"  # of a contact or company that is created without; "" for none
    deal_created_stage: str = "opportunity"  # that a deal moves its contacts and companies to; "" for none
    deal_won_stage: str = "customer"
    company_stage_sync: bool = True  # a company's stage moves its contacts forward
    uri_limit: int = 16_000
    search_body_limit: int = (
        3_000  # characters; documented (3.4), yet pullers in wide use send more. 0: no limit
    )
    association_page: int = 500  # associations of one input of a batch read
    form_conversion_id: bool = True
    shuffle: bool = True  # batch results out of order
    history_versions: int = 0  # how many of a property are kept; 0: all

    no_op_bumps_lastmodified: bool = False
    backward_stage_bumps_lastmodified: bool = True
    batch_update_missing_id: str = "207"
    batch_update_trace_ids_207: bool = True
    retry_after_on_429: bool = False
    search_429_body: str = "policy"  # or "category": both wordings are seen (8)
    to_object_id_type: str = "number"
    archived_get_without_flag: str = "404"
    restore_bumps_lastmodified: bool = False
    cleared_value: str = "null"  # or "" (empty text)
    search_counts_daily: bool = True
    patch_response_includes_lastmodified: bool = True
    search_keeps_sort: bool = True  # off: by up to an hour
    short_or_empty_pages_with_next: bool = False
    object_id_compares_as: str = "number"
    list_after_is_id: bool = True
    refresh_token_rotates: bool = False  # and the one before is no longer good
    oauth_denial_status: str = "400"  # or "rfc": 401 for the app's id and secret, 403 for the account

    merged_ids_are_duplicates: bool = True  # an old and the new id in one batch/update: the whole is refused
    batch_read_repeats_merged: bool = False  # both ids asked for: two copies of the survivor
    malformed_input: str = "dropped"  # an address for an id: no result, or one with empty properties
    partial_upsert_by_email: str = "allowed"  # what "partial" means is open: see services/batch
    upsert_race: float = 0.0  # seconds in which two upserts of a new record are at once: 409
    additional_emails_at_create: bool = False  # hs_additional_emails may be given to a new contact
    blocklisted_email: str = "400"  # a contact with an address that was erased before it was known
    epoch_bound_500: bool = False  # a search from the epoch itself fails
    createdate_without_ms: bool = False  # whole seconds are shown as `...37:05Z`

    @property
    def burst(self) -> int:
        usual = 100 if self.tier in ("free", "starter") else 190
        return usual if self.burst_limit is None else self.burst_limit

    @property
    def oauth_burst(self) -> int:
        """Per installed account, whatever its tier (8)."""
        return 110 if self.burst_limit is None else self.burst_limit

    @property
    def grants(self) -> int:
        return 10 if self.grant_limit is None else self.grant_limit

    @property
    def searches(self) -> int:
        return 5 if self.search_limit is None else self.search_limit

    @property
    def associations(self) -> int:
        usual = 100 if self.tier in ("free", "starter") else 150
        return usual if self.associations_limit is None else self.associations_limit

    @property
    def daily(self) -> int:
        return DAILY[self.tier] if self.daily_limit is None else self.daily_limit

    def turned(self, **changes: Any) -> Knobs:
        """A copy with some turned. Raises ValueError for a name or a kind of value that is none."""
        defaults = Knobs()
        names = {field.name for field in fields(Knobs)}
        for name, value in changes.items():
            if name not in names:
                raise ValueError(f"no knob is called {name}; there are {', '.join(sorted(names))}")
            kind = type(getattr(defaults, name))
            if not (_fits(value, kind) or (name == "lag" and _range(value))):
                raise ValueError(f"{name} takes {_WORDS.get(kind, kind.__name__)}, not {value!r}")
            if name in CHOICES and value not in CHOICES[name]:
                raise ValueError(f"{name} is one of {', '.join(map(repr, CHOICES[name]))}, not {value!r}")
        if changes.get("association_page", 1) < 1:
            raise ValueError("association_page takes 1 or more: a page of nothing would never end")
        if isinstance(changes.get("lag"), tuple):
            changes["lag"] = list(changes["lag"])
        return replace(self, **changes)


_WORDS = {
    type(None): "a whole number or null",
    int: "a whole number, 0 or more",
    float: "seconds",
    bool: "true or false",
    str: "text",
}


def _fits(value: Any, kind: type) -> bool:
    if kind is type(None):
        return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return isinstance(value, kind)


def _range(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(_fits(one, float) for one in value)
        and value[0] <= value[1]
    )


class Settings:
    """The knobs as they stand, kept in the account's file."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.knobs = Knobs(**db.noted("knobs", {}))

    def turn(self, **changes: Any) -> Knobs:
        self.knobs = self.knobs.turned(**changes)
        self._db.note("knobs", asdict(self.knobs))
        return self.knobs
