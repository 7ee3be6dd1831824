"""What can be turned: how the account is limited, and what nobody outside HubSpot knows for sure (11.3)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from connector.sandbox.state.schema import Database

TIERS = ("free", "starter", "professional", "enterprise")
DAILY = {"free": 250_000, "starter": 250_000, "professional": 625_000, "enterprise": 1_000_000}


@dataclass(frozen=True, slots=True)
class Knobs:
    """The first of the comments is the default; the names of the second block are those of HUBSPOT.md 11.3."""

    tier: str = "enterprise"
    burst_limit: int | None = None  # per token and 10 s; None: what the tier has, 0: no limit
    search_limit: int | None = None  # per account and second
    associations_limit: int | None = None
    daily_limit: int | None = None
    lag: float = 0.0  # seconds until a write can be found by search
    flapping: bool = False  # found, then lost again for half the lag
    default_stage: str = "lead"  # of a contact that is created without; "" for none
    uri_limit: int = 16_000
    association_page: int = 500  # associations of one input of a batch read
    form_conversion_id: bool = True
    shuffle: bool = True  # batch results out of order

    no_op_bumps_lastmodified: bool = False
    backward_stage_bumps_lastmodified: bool = True
    batch_update_missing_id: str = "207"  # or "400"
    batch_update_trace_ids_207: bool = True
    retry_after_on_429: bool = False
    to_object_id_type: str = "number"  # or "string"
    archived_get_without_flag: str = "404"  # or "200"
    restore_bumps_lastmodified: bool = False
    cleared_value: str = "null"  # or "" (empty text)
    search_counts_daily: bool = True
    patch_response_includes_lastmodified: bool = True
    search_keeps_sort: bool = True
    short_or_empty_pages_with_next: bool = False
    object_id_compares_as: str = "number"  # or "text"
    list_after_is_id: bool = True

    @property
    def burst(self) -> int:
        usual = 100 if self.tier in ("free", "starter") else 190
        return usual if self.burst_limit is None else self.burst_limit

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
        kinds = {field.name: type(getattr(Knobs(), field.name)) for field in fields(Knobs)}
        for name, value in changes.items():
            if name not in kinds:
                raise ValueError(f"no knob is called {name}; there are {', '.join(sorted(kinds))}")
            if not _fits(value, kinds[name]):
                raise ValueError(f"{name} takes {kinds[name].__name__}, not {value!r}")
        if changes.get("tier", "free") not in TIERS:
            raise ValueError(f"tier is one of {', '.join(TIERS)}")
        return replace(self, **changes)


def _fits(value: Any, kind: type) -> bool:
    if kind is type(None):
        return value is None or (isinstance(value, int) and not isinstance(value, bool))
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind)


class Settings:
    """The knobs as they stand, kept in the account's file."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.knobs = Knobs(**db.noted("knobs", {}))

    def turn(self, **changes: Any) -> Knobs:
        self.knobs = self.knobs.turned(**changes)
        self._db.note("knobs", asdict(self.knobs))
        return self.knobs
