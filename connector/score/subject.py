"""Whom to score, and as of when."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """A contact to be scored at a moment; signals up to `epoch_at` belong to an earlier journey."""

    contact_id: str
    as_of: int
    epoch_at: int | None = None
