"""Marketing events and who took part in them (HUBSPOT.md 5.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connector.sandbox.rows import MarketingEvent, Participation
from connector.sandbox.state.schema import Database

EVENT = "insert or replace into marketing_events values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
PARTICIPATION = (
    "insert into participations values (?, ?, ?, ?, ?, ?)"
    " on conflict(id) do update set state = excluded.state, at = excluded.at"
)
_LIVING = (
    "exists (select 1 from objects where kind = 'contacts' and objects.id = contact and archived is null)"
)


def event_row(row: MarketingEvent) -> tuple[Any, ...]:
    shown = (row.id, row.name, row.start, row.end, row.created, row.type, row.external_id)
    return (*shown, int(row.cancelled), row.updated or row.created)


def participation_row(row: Participation) -> tuple[Any, ...]:
    id = f"{row.event_id}-{row.contact_id}"
    return id, row.event_id, row.contact_id, row.state, row.at, row.created or row.at


@dataclass(frozen=True, slots=True)
class EventRow:
    id: int
    name: str
    start: int
    end: int
    created: int
    type: str
    external_id: str
    cancelled: int
    updated: int


@dataclass(frozen=True, slots=True)
class ParticipationRow:
    id: str
    event: int
    contact: int
    state: str
    at: int
    created: int


class Participations:
    """The marketing events of the account, and the present state of everybody in them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def events(self, after: int, size: int) -> list[EventRow]:
        """At most `size` events with ids from `after` on."""
        sql = "select * from marketing_events where id >= ? order by id limit ?"
        return [EventRow(*row) for row in self._db.rows(sql, after, size)]

    def event(self, id: int) -> EventRow | None:
        row = self._db.row("select * from marketing_events where id = ?", id)
        return None if row is None else EventRow(*row)

    def counted(self, event: int) -> dict[str, int]:
        """State -> how many living contacts are in it."""
        sql = f"select state, count(*) from participations where event = ? and {_LIVING} group by state"
        return {state: int(number) for state, number in self._db.rows(sql, event)}

    def some(self, where: str, values: tuple[Any, ...], skip: int, size: int) -> list[ParticipationRow]:
        """Those of living contacts, in the order in which they were made."""
        sql = (
            f"select * from participations where {where} and {_LIVING} order by created, id limit ? offset ?"
        )
        return [ParticipationRow(*row) for row in self._db.rows(sql, *values, size, skip)]

    def total(self, where: str, values: tuple[Any, ...]) -> int:
        sql = f"select count(*) from participations where {where} and {_LIVING}"
        return int(self._db.value(sql, *values))

    def move(self, old: int, new: int) -> None:
        """A merge: both contacts' participations are the new one's, two in one event if there are two."""
        self._db.run("update participations set contact = ? where contact = ?", new, old)

    def forget(self, contact: int) -> None:
        self._db.run("delete from participations where contact = ?", contact)
