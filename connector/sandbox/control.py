"""The controls: what a test or a person does to the account, not a client. Their HTTP is `control_routes`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from connector.sandbox import faults, fill, rows
from connector.sandbox.desk import Desk
from connector.sandbox.kinds import KINDS
from connector.sandbox.rules import (
    conditions,
    constraints,
    granting,
    happening,
    joining,
    leaving,
    lifecycle,
    merging,
    validation,
    writing,
)
from connector.sandbox.services.objects import created
from connector.sandbox.state import Token, load
from connector.sandbox.state.grants import App
from connector.sandbox.state.records import Record, Writer
from connector.sandbox.wire import Refusal

Given = dict[str, Any]
END = 221_845_392_000  # 9000-01-01 in seconds: later years would not fit the wire's dates
MOST_SEEDED = 1_000_000


class Controls:
    """Everything that can be done to an account from outside the API. All raise ValueError for nonsense."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._account = desk.account

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One change of the account: all of it or nothing; a refusal of the rules becomes a sentence."""
        account = self._account
        with account.db.lock:
            try:
                with account.db.transaction():
                    yield
            except BaseException as wrong:
                account.definitions.reload()
                if isinstance(wrong, Refusal):
                    raise ValueError(str(wrong)) from None
                raise

    def seed(self, contacts: int, seed: int | None = None) -> Given:
        """A population for an account that has no contacts; gives how much there is of everything."""
        account = self._account
        if not 0 < contacts <= MOST_SEEDED:
            raise ValueError(f"contacts should be between 1 and {MOST_SEEDED:,}")
        with account.db.lock:
            if account.records.count("contacts"):
                raise ValueError("the account has contacts already; only one that has none can be seeded")
            fill.populate(account, contacts, account.seed if seed is None else seed)
            return account.counts()

    def load_csv(self, raw: bytes) -> Given:
        """A CSV file as contacts; lines that cannot be one are listed with the reason (line 0: it has none)."""
        account = self._account
        with account.db.lock:
            before = account.records.count("contacts")
            refused = fill.load_csv_bytes(account, raw)
            loaded = account.records.count("contacts") - before
        return {"loaded": loaded, "refused": [{"line": line, "why": why} for line, why in refused]}

    def dump(self) -> bytes:
        """The account's SQLite file, whole: written to disk it opens with any SQLite tool."""
        with self._account.db.lock:
            raw = bytearray(self._account.db.con.serialize())
        raw[18:20] = b"\x01\x01"  # no write-ahead log beside it (SQLite's file format 1.3)
        return bytes(raw)

    def advance(self, seconds: float) -> int:
        """Moves the clock; gives the new moment in milliseconds."""
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError("seconds should be zero or more: the clock goes forward only")
        if self._account.clock.now() / 1000 + seconds > END:
            raise ValueError("the account's clock stops short of the year 9000")
        return self._account.advance(seconds)

    def edit(
        self, id: int | str, properties: dict[str, str | None], by: str = "userId:1", kind: str = "contacts"
    ) -> None:
        """A person edits a record in the app: CRM_UI in the history, and any stage may be chosen (4.8)."""
        self.change(id, properties, Writer("CRM_UI", by, _user(by)), kind)

    def change(
        self, id: int | str, properties: dict[str, str | None], writer: Writer, kind: str = "contacts"
    ) -> None:
        """The same in anybody's name: an automation, an import, another app."""
        with self._changing():
            record = self._find(kind, id)
            values = {name: "" if value is None else value for name, value in properties.items()}
            changes, problems = validation.check(self._account, kind, values, record.props)
            problems += writing.taken(self._account, kind, changes, record)
            for problem in problems:
                if problem.code != "READ_ONLY_VALUE":
                    raise ValueError(f"{problem.name}: {problem.message}")
                changes[problem.name] = str(values[problem.name])
            if kind == "contacts":
                writing.free_addresses(self._account, changes, record)
            if writer.source != "CRM_UI":  # only a person may choose an earlier stage (4.3)
                lifecycle.forward_only(self._account, record, changes)
            writing.put(self._account, record, changes, writer)

    def create(
        self,
        kind: str,
        properties: dict[str, str],
        by: str = "userId:1",
        links: Iterable[tuple[str, int]] = (),
    ) -> int:
        """A person makes a record in the app; gives its id."""
        account = self._account
        with self._changing():
            changes = writing.checked(account, _kind(kind), properties, None)
            record = writing.create(account, kind, changes, Writer("CRM_UI", by, _user(by)))
            for other, id in links:
                end = self._find(other, id)
                account.links.add(kind, record.id, other, end.id)
                joining.joined(account, kind, record.id, other, end.id, follow=False)
            happening.noted(account, record)
            if kind == "deals":
                lifecycle.follow_deal(account, record)
            return record.id

    def merge(self, first: int | str, second: int | str, kind: str = "contacts") -> int:
        """Merges two records; gives the new id."""
        with self._changing():
            kept, gone = self._find(kind, first), self._find(kind, second)
            return merging.merge(self._account, kind, kept.id, gone.id, Writer("CRM_UI", "userId:1", 1)).id

    def archive(self, id: int | str, kind: str = "contacts") -> None:
        with self._changing():
            leaving.archive(self._account, self._find(kind, id))

    def restore(self, id: int | str, kind: str = "contacts") -> None:
        """Back from the bin, which only a person in the app can do (3.1)."""
        records = self._account.records
        with self._changing():
            record = records.find(_kind(kind), _number(id), archived=True)
            if record is None:
                raise ValueError(f"the bin has no {kind} {id}")
            leaving.restore(self._account, record)

    def erase(self, id: int | str) -> None:
        """A contact and everything of theirs, for good."""
        with self._changing():
            leaving.erase(self._account, self._find("contacts", id, bin=True).id)

    def load(self, many: Iterable[rows.Row]) -> None:
        """Adds rows as they stand; records by the same id are replaced."""
        with self._changing():
            load(self._account, many)

    def happen(self, many: Iterable[rows.Row]) -> None:
        """Adds engagement as it happens: the contacts' counters and dates move with it."""
        with self._changing():
            happening.happen(self._account, many)

    def lag(self, seconds: float | list[float], *, flapping: bool = False) -> None:
        """How long a write stays unknown to search; two numbers: between the two, by the account's seed."""
        self.knobs(lag=seconds, flapping=flapping)

    def require(self, name: str, kind: str = "contacts", when: dict[str, list[str]] | None = None) -> None:
        """A property must have a value, always or while others have one of the given ones (2026-09 paths)."""
        with self._account.db.lock:
            found = conditions.demand(self._account, _kind(kind), name, when or {})
            self._account.requirements.require(found)

    def constrain(self, name: str, rule: str, value: str = "", kind: str = "contacts") -> None:
        """A validation rule for the values of a property, on every path: MAX_LENGTH, REGEX, ..."""
        with self._account.db.lock:
            found = constraints.demand(self._account, _kind(kind), name, rule, value)
            self._account.requirements.constrain(found)

    def rules(self) -> Given:
        """What is required of values, and by which rules they are checked."""
        with self._account.db.lock:
            demands = self._account.requirements
            return {
                "required": [asdict(one) for one in demands.required],
                "constraints": [asdict(one) for one in demands.constraints],
            }

    def clear_rules(self) -> None:
        with self._account.db.lock:
            self._account.requirements.clear()

    def knobs(self, **changes: Any) -> Given:
        """Turns knobs and gives all as they stand (`state/knobs`)."""
        with self._account.db.lock:
            return asdict(self._account.settings.turn(**changes))

    def faults(self, script: Iterable[Given | faults.Fault]) -> None:
        """Adds faults for calls to come (`faults.Fault`)."""
        parsed = [faults.parse(asdict(one) if isinstance(one, faults.Fault) else one) for one in script]
        with self._account.db.lock:
            self._desk.faults.script(parsed)

    def waiting(self) -> list[Given]:
        with self._account.db.lock:
            return [asdict(fault) for fault in self._desk.faults.waiting()]

    def clear_faults(self) -> None:
        with self._account.db.lock:
            self._desk.faults.clear()

    def grant(
        self,
        scopes: Iterable[str] | None = None,
        *,
        expires: int | None = None,
        token: str = "",
        app_id: int | None = None,
    ) -> Token:
        """Changes what a token may do (the account's own if none is named), or makes a new one: of the same app,
        as a rotation does, unless another is named."""
        account = self._account
        with account.db.lock:
            own = account.find_token(account.token)
            old = account.find_token(token or account.token) or replace(_known(own), token=token)
            kept = old.scopes if scopes is None else frozenset(scopes)
            new = replace(old, scopes=kept, expires=expires, app_id=app_id or old.app_id)
            account.keep_token(new)
            return new

    @property
    def app(self) -> App:
        """The account's OAuth app as it stands: its id and secret, its latest refresh token."""
        with self._account.db.lock:
            return self._account.grants.app

    def authorise(
        self,
        scopes: Iterable[str] | None = None,
        redirect_uri: str = "",
        code_challenge: str = "",
        code_challenge_method: str = "S256",
    ) -> str:
        """A person consents to the app (all scopes, its own redirect address); gives the authorization code."""
        with self._changing():
            given = (redirect_uri, code_challenge, code_challenge_method)
            return granting.authorise(self._account, scopes, *given)

    def uninstall(self) -> None:
        """A person takes the app out of the account: its tokens are good for nothing from now on."""
        with self._changing():
            self._account.grants.uninstall(self._account.clock.now())

    def expire(self, token: str = "") -> None:
        """Ends a token now; without a name every access token that the app holds."""
        with self._changing():
            granting.expire(self._account, token)

    def journal(self, since: int = 0, *, path: str = "", bodies: bool = False) -> list[Given]:
        """Every request served (on paths that hold `path`), oldest first (`journal.Journal`)."""
        with self._account.db.lock:
            return self._desk.journal.entries(since, path=path, bodies=bodies)

    def clear_journal(self) -> None:
        with self._account.db.lock:
            self._desk.journal.clear()

    def record(self, kind: str, id: int | str) -> Given:
        """A record with every value that it has; merged-away ids give the survivor, the bin is looked into."""
        with self._account.db.lock:
            return created(self._find(kind, id, bin=True))

    def history(self, kind: str, id: int | str, name: str) -> list[Given]:
        """Every version of one property, newest first."""
        with self._account.db.lock:
            return [entry.wire() for entry in self._account.records.history(self._find(kind, id), name)]

    @property
    def counts(self) -> dict[str, int]:
        with self._account.db.lock:
            return self._account.counts()

    def state(self) -> Given:
        """The account at a glance: who it is, its clock, its knobs, how much it holds."""
        account = self._account
        with account.db.lock:
            return {
                "portalId": account.portal_id,
                "token": account.token,
                "app": _shown(account.grants.app),
                "now": account.clock.now(),
                "held": account.clock.held is not None,
                "knobs": asdict(account.knobs),
                "counts": account.counts(),
                "requests": account.db.value("select count(*) from journal"),
                "usedToday": account.used_today,
            }

    def _find(self, kind: str, id: int | str, *, bin: bool = False) -> Record:
        self._account.settle()
        records = self._account.records
        number = records.canonical(_kind(kind), _number(id))
        record = records.find(kind, number) or (records.find(kind, number, archived=True) if bin else None)
        if record is None:
            raise ValueError(f"there is no {kind} {id}")
        return record


def _shown(app: App) -> Given:
    return {**asdict(app), "scopes": sorted(app.scopes)}


def _known(token: Token | None) -> Token:
    if token is None:
        raise ValueError("the account has no token of its own any more")
    return token


def _user(by: str) -> int | None:
    number = by.removeprefix("userId:")
    return int(number) if number != by and number.isdecimal() else None


def _kind(name: str) -> str:
    if name not in KINDS:
        raise ValueError(f"{name} is no kind of record; there are {', '.join(KINDS)}")
    return name


def _number(id: int | str) -> int:
    """The number of a record. Raises ValueError for what can be none."""
    text = str(id)
    if not text.isdecimal() or len(text) > 18:
        raise ValueError(f"{text[:40]} is no id of a record; it should be a whole number")
    return int(text)
