"""What people did: form submissions, marketing e-mail events, web events, list memberships (HUBSPOT.md 5)."""

from __future__ import annotations

from typing import Any

import orjson

from connector.sandbox.rows import EmailEvent, Form, ListDef, Membership, Submission, WebEvent
from connector.sandbox.state.schema import Database

FORM = "insert or replace into forms values (?, ?, 'hubspot', ?)"
SUBMISSION = "insert into submissions values (null, ?, ?, ?, ?, ?)"
EMAIL_EVENT = "insert into email_events values (null, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
WEB_EVENT = "insert into web_events values (null, ?, ?, ?, ?, ?)"
LIST = "insert or replace into lists values (?, ?, ?, ?, ?)"
MEMBERSHIP = "insert or replace into memberships values (?, ?, ?)"


def form_row(row: Form) -> tuple[Any, ...]:
    return row.guid, row.name, row.created


def submission_row(row: Submission) -> tuple[Any, ...]:
    email = row.values.get("email", "").strip().lower() or None
    return row.form, row.at, email, orjson.dumps(row.values).decode(), row.page_url


def email_event_row(row: EmailEvent) -> tuple[Any, ...]:
    shown = (row.id, row.type, row.at, row.recipient.lower(), row.campaign_id, row.subject)
    return (*shown, row.url, int(row.filtered), row.user_agent)


def web_event_row(row: WebEvent) -> tuple[Any, ...]:
    return row.id, row.contact_id, row.type, row.at, orjson.dumps(row.properties).decode()


def list_row(row: ListDef, now: int) -> tuple[Any, ...]:
    return row.id, row.name, row.processing, now, now


def membership_row(row: Membership) -> tuple[Any, ...]:
    return row.list_id, row.contact_id, row.at


class Engagement:
    """The events and lists of the account, by source."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def forms(self, after: str, size: int) -> list[tuple[str, str, str, int]]:
        """(guid, name, type, created) of at most `size` forms with guids from `after` on."""
        return self._db.rows("select * from forms where guid >= ? order by guid limit ?", after, size)

    def form(self, guid: str) -> tuple[str, str, str, int] | None:
        return self._db.row("select * from forms where guid = ?", guid)

    def submissions(self, form: str, skip: int, size: int) -> list[tuple[int, int, str, str]]:
        """(number, at, fields as JSON, page) newest first."""
        sql = (
            "select n, at, fields, page_url from submissions where form = ?"
            " order by at desc, n desc limit ? offset ?"
        )
        return self._db.rows(sql, form, size, skip)

    def email_events(self, where: str, values: tuple[Any, ...], size: int) -> list[tuple[Any, ...]]:
        """Rows newest first: n, id, type, at, recipient, campaign, subject, url, filtered, user agent."""
        sql = f"select * from email_events where {where} order by at desc, n desc limit ?"
        return self._db.rows(sql, *values, size)

    def web_events(self, where: str, values: tuple[Any, ...], order: str, size: int) -> list[tuple[Any, ...]]:
        """Rows by time: n, id, contact, type, at, properties as JSON."""
        sql = f"select * from web_events where {where} order by {order} limit ?"
        return self._db.rows(sql, *values, size)

    def event_types(self) -> list[str]:
        return [row[0] for row in self._db.rows("select distinct type from web_events order by type")]

    def lists(
        self, where: str, values: tuple[Any, ...], order: str
    ) -> list[tuple[int, str, str, int, int, int]]:
        """(id, name, processing, created, updated, members)."""
        sql = (
            "select id, name, processing, created, updated, (select count(*) from memberships where list = id)"
            f" from lists where {where} order by {order}"
        )
        return self._db.rows(sql, *values)

    def members(self, list_id: int, start: int, size: int) -> list[tuple[int, int]]:
        """(contact, since) by contact id from `start` on."""
        sql = "select contact, at from memberships where list = ? and contact >= ? order by contact limit ?"
        return self._db.rows(sql, list_id, start, size)

    def joined(self, list_id: int, skip: int, size: int) -> list[tuple[int, int]]:
        """(contact, since), who joined last first."""
        sql = "select contact, at from memberships where list = ? order by at desc, contact desc limit ? offset ?"
        return self._db.rows(sql, list_id, size, skip)

    def lists_of(self, contact: int) -> list[tuple[int, int]]:
        """(list, since) of one contact."""
        return self._db.rows("select list, at from memberships where contact = ? order by list", contact)

    def join(self, list_id: int, contact: int, now: int) -> bool:
        return self._db.run("insert or ignore into memberships values (?, ?, ?)", list_id, contact, now) == 1

    def leave(self, list_id: int, contact: int) -> bool:
        return self._db.run("delete from memberships where list = ? and contact = ?", list_id, contact) == 1

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
