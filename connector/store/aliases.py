"""What a page of contacts tells of merges, returns, and people who were forgotten."""

from __future__ import annotations

from collections.abc import Sequence

from sqlite_utils import Database

from connector.model import Record
from connector.store import identity
from connector.store.identity import Gate
from connector.store.merging import merge


def follow(db: Database, found: Sequence[Record], now: int) -> list[Record]:
    """Everything of a merged id follows to the record that absorbed it. Gives the records that may be stored:
    all but people who were forgotten. To be called inside the transaction that stores them."""
    gate, kept = Gate(db), []
    for record in found:
        known = [one for one in (record.id, *record.merged) if gate.is_erased(one)]
        if known:
            identity.also(db, record.id, known[0], now)
            continue
        kept.append(record)
        _alive(db, record.id, gate)
        for old in record.merged:
            if old != record.id and identity.survivor(db, old) != record.id:
                merge(db, old, record.id, now)
    return kept


def _alive(db: Database, contact_id: str, gate: Gate) -> None:
    """It stands for itself and is in no bin, whatever was known of it."""
    if gate.survivor(contact_id) != contact_id:
        identity.part(db, contact_id)
    db.execute("DELETE FROM departed WHERE contact_id = ?", [contact_id])
