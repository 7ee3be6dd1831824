"""How fast sales is with what it is handed: documents of hand-offs, with both clocks in business time."""

from __future__ import annotations

from collections.abc import Sequence

from sqlite_utils import Database

from connector import hand_off
from connector.model import DAY, Document, HandOff, iso
from connector.rules.tree import Rules
from connector.store import handoffs


def figures(db: Database, rules: Rules | None, now: int) -> Document:
    """How many wait now, what became of those of the last days, and how long it took. Without rules there is
    no calendar, and nothing is said of durations."""
    waiting, breached = handoffs.count_open(db, now)
    recent = handoffs.offered_since(db, now - hand_off.MEASURED)
    found = [hand_off.waits(rules, one) for one in recent] if rules else []
    timed = [one for one in found if one is not None]
    return {
        "open": waiting,
        "breached": breached,
        "days": hand_off.MEASURED // DAY,
        "offered": len(recent),
        **{state: sum(one.state == state for one in recent) for state in ("accepted", "rejected", "expired")},
        "late": sum(one.due_at is not None and _late(one, now) for one in recent),
        "under_way": sum(one.under_way for one in recent),
        "timed": len(timed),
        "buyer_wait": _spread([one.buyer for one in timed]),
        "rep_response": _spread([one.rep for one in timed]),
    }


def _late(one: HandOff, now: int) -> bool:
    """A deadline that passed since the last run is one as well."""
    overdue = one.state == "offered" and one.due_at is not None and one.due_at <= now
    return one.breached_at is not None or overdue


def _spread(values: Sequence[int]) -> Document:
    return {"median": _seconds(hand_off.share(values, 50)), "p90": _seconds(hand_off.share(values, 90))}


def _seconds(duration: int | None) -> int | None:
    return None if duration is None else duration // 1000


def of(db: Database, rules: Rules, contact: str, owners: dict[str, str], now: int) -> list[Document]:
    """A contact's hand-offs, first to last."""
    return [_document(rules, one, owners, now) for one in handoffs.of(db, [contact]).get(contact, ())]


def _document(rules: Rules, one: HandOff, owners: dict[str, str], now: int) -> Document:
    waits = hand_off.waits(rules, one)
    return {
        **short(one, now),
        "journey": one.journey,
        "owner": owners.get(one.owner, one.owner) if one.owner else None,
        "settled_at": iso(one.settled_at),
        "why": one.why,
        "first_touch_at": iso(one.first_touch_at),
        "under_way": one.under_way,
        "buyer_wait": _seconds(waits.buyer) if waits else None,
        "rep_response": _seconds(waits.rep) if waits else None,
    }


def short(one: HandOff, now: int) -> Document:
    """Where a hand-off stands."""
    return {
        "stage": one.stage,
        "state": one.state,
        "offered_at": iso(one.offered_at),
        "due_at": iso(one.due_at),
        "breached_at": iso(one.due_at) if _late(one, now) else None,
    }
