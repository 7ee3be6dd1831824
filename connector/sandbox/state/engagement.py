"""What people did: form submissions, marketing e-mail events, web events, list memberships (HUBSPOT.md 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from connector.sandbox.rows import EmailEvent, Form, ListDef, Membership, Owner, Submission, WebEvent
from connector.sandbox.state.schema import Database

FORM = "insert or replace into forms values (?, ?, ?, ?, ?)"
SUBMISSION = "insert into submissions values (null, ?, ?, ?, ?, ?)"
EMAIL_EVENT = "insert into email_events values (null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
WEB_EVENT = "insert into web_events values (null, ?, ?, ?, ?, ?)"
LIST = (
    "insert or replace into lists(id, name, processing, created, updated, filters) values (?, ?, ?, ?, ?, ?)"
)
MEMBERSHIP = "insert or replace into memberships values (?, ?, ?)"


def owner_row(row: Owner) -> tuple[Any, ...]:
    shown = (row.id, row.email.lower(), row.first_name, row.last_name, row.id + 1)
    return (*shown, int(row.archived), orjson.dumps(row.teams).decode())


def form_row(row: Form) -> tuple[Any, ...]:
    return row.guid, row.name, row.type, row.created, int(row.archived)


def submission_row(row: Submission) -> tuple[Any, ...]:
    email = row.values.get("email", "").strip().lower() or None
    return row.form, row.at, email, orjson.dumps(row.values).decode(), row.page_url


def email_event_row(row: EmailEvent) -> tuple[Any, ...]:
    shown = (row.id, row.type, row.at, row.recipient.lower(), row.campaign_id, row.subject)
    extra = orjson.dumps(row.extra).decode() if row.extra else "{}"
    return (*shown, row.url, int(row.filtered), row.user_agent, extra, row.visible_from)


def web_event_row(row: WebEvent) -> tuple[Any, ...]:
    return row.id, row.contact_id, row.type, row.at, orjson.dumps(row.properties).decode()


def list_row(row: ListDef, now: int) -> tuple[Any, ...]:
    return row.id, row.name, row.processing, now, now, orjson.dumps(row.filters).decode()


def membership_row(row: Membership) -> tuple[Any, ...]:
    return row.list_id, row.contact_id, row.at


@dataclass(frozen=True, slots=True)
class ListRow:
    """A list. `removed` is when somebody last left it, `deleted` when it went to the bin."""

    id: int
    name: str
    processing: str
    created: int
    updated: int
    version: int
    removed: int | None
    deleted: int | None
    filters: str  # names of properties that it filters by, as JSON


_LIVING = (
    "exists (select 1 from objects where kind = 'contacts' and objects.id = contact and archived is null)"
)
FormRow = tuple[str, str, str, int, int]  # guid, name, type, created, archived


class Engagement:
    """The events and lists of the account, by source."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def forms(self, after: str, size: int, *, archived: bool = False) -> list[FormRow]:
        """At most `size` forms with guids from `after` on."""
        sql = "select * from forms where guid >= ? and archived = ? order by guid limit ?"
        return self._db.rows(sql, after, archived, size)

    def form(self, guid: str) -> FormRow | None:
        return self._db.row("select * from forms where guid = ?", guid)

    def submissions(self, form: str, skip: int, size: int) -> list[tuple[int, int, str, str]]:
        """(number, at, fields as JSON, page) newest first."""
        sql = (
            "select n, at, fields, page_url from submissions where form = ?"
            " order by at desc, n desc limit ? offset ?"
        )
        return self._db.rows(sql, form, size, skip)

    def email_events(self, where: str, values: tuple[Any, ...], size: int) -> list[tuple[Any, ...]]:
        """Rows newest first: n, id, type, at, recipient, campaign, subject, url, filtered, user agent, the rest
        as JSON, visible from."""
        sql = f"select * from email_events where {where} order by at desc, n desc limit ?"
        return self._db.rows(sql, *values, size)

    def sent_by(self, recipient: str, campaign: int, at: int) -> tuple[str, int] | None:
        """(id, at) of the SENT event that an event of this moment came of."""
        sql = (
            "select id, at from email_events where recipient = ? and at <= ? and campaign = ? and type = 'SENT'"
            " order by at desc, n desc limit 1"
        )
        return self._db.row(sql, recipient, at, campaign)

    def sending(self, id: str, at: int) -> tuple[str, int, int] | None:
        """(recipient, campaign, when the same was sent again) of a SENT event."""
        sql = "select recipient, campaign from email_events where at = ? and id = ? and type = 'SENT'"
        found = self._db.row(sql, at, id)
        if found is None:
            return None
        again = "select min(at) from email_events where recipient = ? and at > ? and campaign = ? and type = 'SENT'"
        until = self._db.value(again, found[0], at, found[1])
        return found[0], found[1], until if until is not None else 2**62

    def web_events(self, where: str, values: tuple[Any, ...], order: str, size: int) -> list[tuple[Any, ...]]:
        """Rows by time: n, id, contact, type, at, properties as JSON."""
        sql = f"select * from web_events where {where} order by {order} limit ?"
        return self._db.rows(sql, *values, size)

    def event_types(self) -> list[str]:
        return [row[0] for row in self._db.rows("select distinct type from web_events order by type")]

    def lists(self, where: str, values: tuple[Any, ...], order: str) -> list[ListRow]:
        """Those that were not deleted."""
        sql = f"select * from lists where deleted is null and {where} order by {order}"
        return [ListRow(*row) for row in self._db.rows(sql, *values)]

    def find_list(self, id: int) -> ListRow | None:
        """One list, also a deleted one."""
        row = self._db.row("select * from lists where id = ?", id)
        return None if row is None else ListRow(*row)

    def filtering(self, name: str) -> list[str]:
        """The lists that filter contacts by a property."""
        sql = "select lists.name from lists, json_each(filters) where deleted is null and value = ? order by lists.id"
        return [row[0] for row in self._db.rows(sql, name)]

    def asking(self, name: str) -> list[str]:
        """The forms in use that ask for a contact property."""
        sql = (
            "select distinct forms.name from submissions join forms on guid = form, json_each(fields) as field"
            " where forms.archived = 0 and field.key = ? order by forms.name"
        )
        return [row[0] for row in self._db.rows(sql, name)]

    def size(self, list_id: int) -> int:
        """How many living contacts are on it."""
        return int(self._db.value(f"select count(*) from memberships where list = ? and {_LIVING}", list_id))

    def last_joined(self, list_id: int) -> int | None:
        found: int | None = self._db.value("select max(at) from memberships where list = ?", list_id)
        return found

    def members(self, list_id: int, start: int, size: int) -> list[tuple[int, int]]:
        """(contact, since) by contact id from `start` on."""
        sql = f"select contact, at from memberships where list = ? and contact >= ? and {_LIVING}"
        return self._db.rows(f"{sql} order by contact limit ?", list_id, start, size)

    def joined(self, list_id: int, skip: int, size: int) -> list[tuple[int, int]]:
        """(contact, since), who joined last first."""
        sql = f"select contact, at from memberships where list = ? and {_LIVING}"
        return self._db.rows(f"{sql} order by at desc, contact desc limit ? offset ?", list_id, size, skip)

    def lists_of(self, contact: int) -> list[tuple[int, int, int]]:
        """(list, its version, since) of one contact."""
        sql = (
            "select list, version, at from memberships join lists on id = list"
            f" where contact = ? and deleted is null and {_LIVING} order by list"
        )
        return self._db.rows(sql, contact)

    def join(self, list_id: int, contact: int, now: int) -> bool:
        return self._db.run("insert or ignore into memberships values (?, ?, ?)", list_id, contact, now) == 1

    def join_from(self, list_id: int, source: int, now: int) -> None:
        sql = f"insert or ignore into memberships select ?, contact, ? from memberships where list = ? and {_LIVING}"
        self._db.run(sql, list_id, now, source)

    def leave(self, list_id: int, contact: int, now: int) -> bool:
        if self._db.run("delete from memberships where list = ? and contact = ?", list_id, contact) != 1:
            return False
        self._db.run("update lists set removed = ? where id = ?", now, list_id)
        return True

    def leave_all(self, list_id: int, now: int) -> None:
        if self._db.run("delete from memberships where list = ?", list_id):
            self._db.run("update lists set removed = ? where id = ?", now, list_id)

    def move(self, old: int, new: int) -> None:
        """A merge: the lists and web events of one contact become another's."""
        self._db.run("update or ignore memberships set contact = ? where contact = ?", new, old)
        self._db.run("delete from memberships where contact = ?", old)
        self._db.run("update web_events set contact = ? where contact = ?", new, old)

    def forget(self, contact: int, emails: list[str]) -> None:
        """An erasure takes everything of the person (3.8, 5.4)."""
        self._db.run("delete from memberships where contact = ?", contact)
        self._db.run("delete from web_events where contact = ?", contact)
        for email in emails:
            self._db.run("delete from submissions where email = ?", email)
            self._db.run("delete from email_events where recipient = ?", email)
