"""Two contacts become one: everything that is known of the one follows to the other's id.

Nothing is added up. Events and signals are a union by id and are judged anew; of two journeys the older one
goes on, from the furthest stage that either reached; the steps of both stay. What was put to be sent follows,
and what both were to get is sent once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlite_utils import Database

from connector.model import OUT, HandOff, Standing
from connector.store import decisions, handoffs, identity, outbox, records
from connector.store.outbox import State

_EVERY_STATE = ", ".join(f"'{state.value}'" for state in State)  # the index begins with the state
_OPEN = (State.PENDING, State.SENDING, State.HELD)


def merge(db: Database, old: str, new: str, now: int) -> None:
    """`old` is `new` from now on. To be called inside a transaction."""
    identity.join(db, old, new, now)
    _journeys(db, old, new)
    _evidence(db, old, new)
    _outbox(db, old, new, now)
    _drop_previews(db, old)
    records.remove(db, old)
    for table in ("dirty", "unwitnessed", "stage_note", "departed"):
        db.execute(f"DELETE FROM {table} WHERE contact_id = ?", [old])
    decisions.expect_notes(db, [new])
    decisions.mark_dirty(db, [new])


# -- journeys --------------------------------------------------------------------------------------------


def _journeys(db: Database, old: str, new: str) -> None:
    """Standing, score, hand-offs and steps of both under the new id."""
    both = decisions.standings(db, [old, new])
    if old in both and new in both:
        base, other = sorted(both.values(), key=lambda one: _age(db, one))
        _count_as(db, other, base.journey)
        decisions.put_standing(db, _together(base, other, new))
        db.execute("DELETE FROM score WHERE contact_id = ?", [other.contact_id])
    elif old in both:
        base, other = both[old], None
        decisions.put_standing(db, replace(base, contact_id=new))
    else:
        base, other = None, None
    _hand_offs(db, old, new, base, other)
    db.execute("DELETE FROM standing WHERE contact_id = ?", [old])
    db.execute("UPDATE OR IGNORE score SET contact_id = ? WHERE contact_id = ?", [new, old])
    db.execute("DELETE FROM score WHERE contact_id = ?", [old])
    db.execute("UPDATE transition SET contact_id = ? WHERE contact_id = ?", [new, old])
    db.execute(
        "INSERT INTO hold SELECT ?, field, why, since, until FROM hold WHERE contact_id = ? "
        "ON CONFLICT (contact_id, field) DO UPDATE SET why = excluded.why, since = excluded.since, "
        "until = excluded.until WHERE excluded.until > until",
        [new, old],
    )
    db.execute("DELETE FROM hold WHERE contact_id = ?", [old])


def _age(db: Database, one: Standing) -> tuple[int, int, str]:
    """The older journey is the one that counts signals from further back; of equals, that of the first step."""
    sql = "SELECT min(effective_at) FROM transition WHERE contact_id = ? AND journey = ?"
    first = db.execute(sql, [one.contact_id, one.journey]).fetchone()[0]
    return one.epoch_at or 0, first if first is not None else 2**63, one.contact_id


def _together(base: Standing, other: Standing, contact_id: str) -> Standing:
    """What the rules made of a rejection or a disqualification of the other one, they make of both: `fired`
    and `cool_until` are the older journey's, so that what holds now comes to pass, and no more."""
    out = OUT in (base.stage, other.stage)
    further = other if len(other.reached) > len(base.reached) and not out else base
    held = max(base, other, key=lambda one: one.held_until or 0)
    return replace(
        base,
        contact_id=contact_id,
        stage=further.stage,
        stage_since=further.stage_since,
        leaving_since=further.leaving_since,
        temperature=base.temperature or other.temperature,
        reached=base.reached | other.reached,
        held_since=held.held_since,
        held_until=held.held_until,
        held_why=held.held_why,
        heard_at=max(base.heard_at or 0, other.heard_at or 0) or None,
        wake_at=min((at for at in (base.wake_at, other.wake_at) if at is not None), default=None),
    )


def _hand_offs(db: Database, old: str, new: str, base: Standing | None, other: Standing | None) -> None:
    """Of the same stage in the same journey one stays, beside those that expired: the one that sales took on,
    else one that is open."""
    kept: dict[tuple[int, str, int | None], HandOff] = {}
    for one in (hand_off for some in handoffs.of(db, [old, new]).values() for hand_off in some):
        moved = other is not None and (one.contact_id, one.journey) == (other.contact_id, other.journey)
        journey = base.journey if base is not None and moved else one.journey
        place = (journey, one.stage, one.offered_at if one.state == "expired" else None)
        known, mine = kept.get(place), replace(one, contact_id=new, journey=journey)
        kept[place] = max(known, mine, key=_worth) if known else mine
    db.execute("DELETE FROM handoff WHERE contact_id IN (?, ?)", [old, new])
    handoffs.put(db, kept.values())


def _worth(one: HandOff) -> tuple[bool, bool, int]:
    return one.state == "accepted", one.state == "offered", -one.offered_at


def _count_as(db: Database, other: Standing, journey: int) -> None:
    """What was told of the other's journey was told of the one that goes on: its number is in the key."""
    if other.journey == journey:
        return
    mine, length = f"{other.journey}:", len(str(other.journey)) + 1
    db.execute(
        f"UPDATE OR IGNORE outbox SET key = ? || substr(key, ?) WHERE state IN ({_EVERY_STATE}) "
        "AND contact_id = ? AND kind IN ('task', 'webhook') AND substr(key, 1, ?) = ?",
        [f"{journey}:", length + 1, other.contact_id, length, mine],
    )


# -- evidence --------------------------------------------------------------------------------------------


def _evidence(db: Database, old: str, new: str) -> None:
    """Addresses, deals and events; signals are made of the events again."""
    db.execute("UPDATE address SET contact_id = ? WHERE contact_id = ?", [new, old])
    for sql in (
        "UPDATE OR IGNORE deal_contact SET contact_id = ?1 WHERE contact_id = ?2",
        "UPDATE OR IGNORE engagement SET contact_id = ?1, judged = 0, "
        "party = CASE WHEN party = ?2 THEN ?1 ELSE party END WHERE contact_id = ?2",
    ):
        db.execute(sql, [new, old])
    for table in ("deal_contact", "engagement", "signal"):
        db.execute(f"DELETE FROM {table} WHERE contact_id = ?", [old])


# -- what is to be sent ----------------------------------------------------------------------------------


def _outbox(db: Database, old: str, new: str, now: int) -> None:
    """Values are decided anew; of what tells a thing once, the first stays."""
    rows = [
        (seq, contact, kind, key, State(state))
        for seq, contact, kind, key, state in db.execute(
            f"SELECT seq, contact_id, kind, key, state FROM outbox WHERE state IN ({_EVERY_STATE}) "
            "AND contact_id IN (?, ?) ORDER BY unsure_at IS NULL, seq",
            [old, new],
        )
    ]
    values = [
        seq for seq, who, kind, _, state in rows if kind == outbox.PROPERTY and state in _OPEN and who == old
    ]
    told: dict[tuple[str, str], list[tuple[int, State]]] = {}
    for seq, _, kind, key, state in rows:
        if kind != outbox.PROPERTY and (state in _OPEN or (state is State.SENT and kind != outbox.LIST)):
            told.setdefault((kind, key), []).append((seq, state))
    twice = [seq for some in told.values() for seq in _repeated(some)]
    said = f"merged into {new}"
    outbox.settle(db, [(seq, State.DROPPED, said) for seq in (*values, *twice)], now)
    _move_rows(db, old, new)


def _repeated(rows: Sequence[tuple[int, State]]) -> Iterable[int]:
    """All open ones but the first, which is one that may have arrived if there is any; or all where one was
    sent."""
    order = [State.SENT, State.SENDING, State.PENDING, State.HELD]
    _, *others = sorted(rows, key=lambda row: order.index(row[1]))
    return [seq for seq, state in others if state is not State.SENT]


def _move_rows(db: Database, old: str, new: str) -> None:
    """One plan may have said the same of both: the second row stands under no plan's number."""
    where = f"WHERE state IN ({_EVERY_STATE}) AND contact_id = ?"
    db.execute(f"UPDATE OR IGNORE outbox SET contact_id = ? {where}", [new, old])
    db.execute(f"UPDATE outbox SET contact_id = ?, plan = -seq {where}", [new, old])


def _drop_previews(db: Database, contact_id: str) -> None:
    """What a plan that nobody accepted yet says of it is out of date."""
    db.execute(
        "DELETE FROM plan_item WHERE contact_id = ? AND plan IN "
        "(SELECT seq FROM (SELECT seq, status FROM plan ORDER BY seq DESC LIMIT 40) WHERE status <> 'accepted')",
        [contact_id],
    )
