"""The account's file: its tables, its one connection, and the transactions on it.

Any SQLite tool opens it: one row per record with its property values as JSON, one per history entry, per
association, per event, per request served.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

TABLES = """
create table if not exists meta(name text primary key, value text not null);
create table if not exists objects(kind text not null, id integer not null, created integer not null,
  modified integer not null, archived integer, email text, props text not null);
create unique index if not exists objects_key on objects(kind, id);
create table if not exists versions(kind text not null, id integer not null, name text not null,
  at integer not null, value text not null, source text not null, source_id text not null, user integer);
create table if not exists labels(from_kind text not null, to_kind text not null, type_id integer not null,
  back_id integer not null, label text not null, name text not null,
  primary key(from_kind, to_kind, type_id)) without rowid;
create table if not exists links(from_kind text not null, from_id integer not null, to_kind text not null,
  to_id integer not null, type_id integer not null,
  primary key(from_kind, from_id, to_kind, to_id, type_id)) without rowid;
create table if not exists emails(email text primary key, id integer not null) without rowid;
create table if not exists aliases(kind text not null, id integer not null, survivor integer not null,
  at integer not null, primary key(kind, id)) without rowid;
create table if not exists lagging(n integer primary key, kind text not null, id integer not null,
  since real not null, until real not null, created integer, modified integer, email text, props text);
create table if not exists later(n integer primary key, due real not null, what text not null,
  kind text not null, id integer not null, other integer not null);
create table if not exists blocklist(email text primary key) without rowid;
create table if not exists properties(kind text not null, name text not null, definition text not null,
  primary key(kind, name)) without rowid;
create table if not exists groups(kind text not null, name text not null, label text not null,
  display_order integer not null, primary key(kind, name)) without rowid;
create table if not exists owners(id integer primary key, email text not null, first_name text not null,
  last_name text not null, user_id integer, archived integer not null default 0,
  teams text not null default '[]');
create table if not exists pipelines(kind text not null, id text not null, definition text not null,
  primary key(kind, id)) without rowid;
create table if not exists forms(guid text primary key, name text not null, type text not null,
  created integer not null, archived integer not null default 0) without rowid;
create table if not exists submissions(n integer primary key, form text not null, at integer not null,
  email text, fields text not null, page_url text not null);
create table if not exists email_events(n integer primary key, id text not null, type text not null,
  at integer not null, recipient text not null, campaign integer not null, subject text not null,
  url text not null, filtered integer not null, user_agent text not null, extra text not null default '{}',
  visible integer not null default 0);
create table if not exists web_events(n integer primary key, id text not null, contact integer not null,
  type text not null, at integer not null, properties text not null);
create table if not exists lists(id integer primary key, name text not null, processing text not null,
  created integer not null, updated integer not null, version integer not null default 1, removed integer,
  deleted integer, filters text not null default '[]');
create table if not exists memberships(list integer not null, contact integer not null, at integer not null,
  primary key(list, contact)) without rowid;
create table if not exists marketing_events(id integer primary key, name text not null, start integer not null,
  end integer not null, created integer not null, type text not null, external_id text not null,
  cancelled integer not null, updated integer not null);
create table if not exists participations(id text primary key, event integer not null,
  contact integer not null, state text not null, at integer not null, created integer not null) without rowid;
create table if not exists tokens(token text primary key, app_id integer not null, scopes text not null,
  expires integer, use text not null default '') without rowid;
create table if not exists grants(n integer primary key, refresh_token text not null unique, revoked integer);
create table if not exists codes(code text primary key, redirect_uri text not null, scopes text not null,
  challenge text not null, method text not null, expires integer not null) without rowid;
create table if not exists faults(n integer primary key, fault text not null);
create table if not exists journal(n integer primary key, at integer not null, method text not null,
  path text not null, query text not null, status integer not null, inputs integer, body text, fault text);
"""

# Built after a bulk load, so that a million rows go in without them.
INDEXES = """
create index if not exists objects_live on objects(kind, modified, id) where archived is null;
create index if not exists objects_made on objects(kind, created, id) where archived is null;
create index if not exists objects_email on objects(kind, lower(email)) where archived is null;
create index if not exists versions_key on versions(kind, id, name);
create index if not exists emails_of on emails(id);
create index if not exists lagging_key on lagging(kind, id);
create index if not exists submissions_form on submissions(form, at);
create index if not exists submissions_email on submissions(email);
create index if not exists email_events_at on email_events(at);
create index if not exists email_events_recipient on email_events(recipient, at);
create index if not exists web_events_type on web_events(type, at);
create index if not exists web_events_contact on web_events(contact, at);
create index if not exists memberships_at on memberships(list, at);
create index if not exists memberships_contact on memberships(contact);
create index if not exists participations_event on participations(event, created);
create index if not exists participations_contact on participations(contact);
"""
_SECONDARY = (
    "select name from sqlite_master where type = 'index' and sql is not null and name <> 'objects_key'"
)


class Database:
    """The one connection, shared by the server's thread and the control calls under `lock`."""

    def __init__(self, path: Path | None) -> None:
        # No path: a private temporary file of SQLite's own, gone when it is closed.
        self.path = path
        self.lock = threading.RLock()
        self.con = sqlite3.connect(str(path or ""), isolation_level=None, check_same_thread=False)
        self.con.execute("pragma journal_mode=wal")
        self.con.execute("pragma synchronous=off")
        self.con.execute("pragma cache_size=-65536")
        self.con.executescript(TABLES)
        self.con.executescript(INDEXES)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.con.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = self.con.execute(sql, values).fetchone()
        return found

    def value(self, sql: str, *values: Any) -> Any:
        found = self.row(sql, *values)
        return found[0] if found else None

    def run(self, sql: str, *values: Any) -> int:
        """Executes and gives the number of rows that it touched."""
        return self.con.execute(sql, values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing; inside another one, that part of it."""
        inner = self.con.in_transaction
        self.con.execute("savepoint part" if inner else "begin immediate")
        try:
            yield
        except BaseException:
            self.con.execute("rollback to part" if inner else "rollback")
            if inner:
                self.con.execute("release part")
            raise
        self.con.execute("release part" if inner else "commit")

    @contextmanager
    def filling(self) -> Iterator[None]:
        """A transaction for a great many rows into an empty account: its indexes are built once, at the end.

        What is journalled is what was there before, which is next to nothing: memory will do.
        """
        self.con.execute("pragma journal_mode=memory")
        try:
            with self.transaction():
                for (name,) in self.rows(_SECONDARY):
                    self.run(f"drop index {name}")
                yield
                for statement in filter(str.strip, INDEXES.split(";")):
                    self.run(statement)
        finally:
            self.con.execute("pragma journal_mode=wal")

    def note(self, name: str, value: Any) -> None:
        """Keeps a setting of the account (JSON) under its name."""
        self.run("insert or replace into meta values (?, ?)", name, orjson.dumps(value).decode())

    def noted(self, name: str, default: Any = None) -> Any:
        text = self.value("select value from meta where name = ?", name)
        return default if text is None else orjson.loads(text)

    def close(self) -> None:
        with self.lock:
            self.con.close()
