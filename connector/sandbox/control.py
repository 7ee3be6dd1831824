"""The control routes, under `/__sandbox__/`: what a test or a person does to the account, not a client.

`Controls` are the verbs; `answer` is their HTTP. They are not in the journal, take no token and know no limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Any

import orjson

from connector.sandbox import faults, rows
from connector.sandbox.desk import Answer, Desk, Request
from connector.sandbox.kinds import KINDS
from connector.sandbox.rules import happening, lifecycle, merging, validation, writing
from connector.sandbox.services.objects import created
from connector.sandbox.state import Token, load
from connector.sandbox.state.records import Record, Writer
from connector.sandbox.wire import Refusal, query_of

PREFIX = "/__sandbox__/"
Given = dict[str, Any]


class Controls:
    """Everything that can be done to an account from outside the API. All raise ValueError for nonsense."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._account = desk.account

    def advance(self, seconds: float) -> int:
        """Moves the clock; gives the new moment in milliseconds."""
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
        with self._account.db.lock, self._account.db.transaction():
            record = self._find(kind, id)
            values = {name: "" if value is None else value for name, value in properties.items()}
            changes, problems = validation.check(self._account, kind, values, record.props)
            for problem in problems:
                if problem.code != "READ_ONLY_VALUE":
                    raise ValueError(f"{problem.name}: {problem.message}")
                changes[problem.name] = str(values[problem.name])
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
        with account.db.lock, account.db.transaction():
            changes = writing.checked(account, kind, properties, None)
            record = writing.create(account, kind, changes, Writer("CRM_UI", by, _user(by)))
            for other, id in links:
                account.links.add(kind, record.id, other, int(id))
            happening.noted(account, record)
            if kind == "deals":
                lifecycle.follow_deal(account, record)
            return record.id

    def merge(self, first: int | str, second: int | str, kind: str = "contacts") -> int:
        """Merges two records; gives the new id."""
        with self._account.db.lock, self._account.db.transaction():
            return merging.merge(
                self._account, kind, int(first), int(second), Writer("CRM_UI", "userId:1", 1)
            ).id

    def archive(self, id: int | str, kind: str = "contacts") -> None:
        with self._account.db.lock, self._account.db.transaction():
            self._account.records.archive(self._find(kind, id))

    def restore(self, id: int | str, kind: str = "contacts") -> None:
        """Back from the bin, which only a person in the app can do (3.1)."""
        records = self._account.records
        with self._account.db.lock, self._account.db.transaction():
            record = records.find(kind, int(id), archived=True)
            if record is None:
                raise ValueError(f"the bin has no {kind} {id}")
            records.restore(record, bump=self._account.knobs.restore_bumps_lastmodified)

    def erase(self, id: int | str) -> None:
        """A contact and everything of theirs, for good."""
        with self._account.db.lock, self._account.db.transaction():
            merging.erase(self._account, self._account.records.canonical("contacts", int(id)))

    def load(self, many: Iterable[rows.Row]) -> None:
        """Adds rows as they stand; records by the same id are replaced."""
        load(self._account, many)

    def happen(self, many: Iterable[rows.Row]) -> None:
        """Adds engagement as it happens: the contacts' counters and dates move with it."""
        with self._account.db.lock:
            happening.happen(self._account, many)

    def lag(self, seconds: float, *, flapping: bool = False) -> None:
        """How long a write stays unknown to search."""
        self.knobs(lag=float(seconds), flapping=flapping)

    def knobs(self, **changes: Any) -> Given:
        """Turns knobs and gives all as they stand (`state/knobs`)."""
        with self._account.db.lock:
            return asdict(self._account.settings.turn(**changes))

    def faults(self, script: Iterable[Given | faults.Fault]) -> None:
        """Adds faults for calls to come (`faults.Fault`)."""
        parsed = [one if isinstance(one, faults.Fault) else faults.parse(one) for one in script]
        with self._account.db.lock:
            self._desk.faults.script(parsed)

    def waiting(self) -> list[Given]:
        with self._account.db.lock:
            return [asdict(fault) for fault in self._desk.faults.waiting()]

    def clear_faults(self) -> None:
        with self._account.db.lock:
            self._desk.faults.clear()

    def grant(
        self, scopes: Iterable[str] | None = None, *, expires: int | None = None, token: str = ""
    ) -> Token:
        """Changes what a token may do (the account's own if none is named), or makes a new one."""
        account = self._account
        with account.db.lock:
            own = account.find_token(account.token)
            old = account.find_token(token or account.token) or replace(_known(own), token=token)
            kept = old.scopes if scopes is None else frozenset(scopes)
            new = replace(old, scopes=kept, expires=expires)
            account.keep_token(new)
            return new

    def journal(self, since: int = 0, *, bodies: bool = False) -> list[Given]:
        """Every request served, oldest first (`journal.Journal`)."""
        with self._account.db.lock:
            return self._desk.journal.entries(since, bodies=bodies)

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
                "now": account.clock.now(),
                "held": account.clock.held is not None,
                "knobs": asdict(account.knobs),
                "counts": account.counts(),
                "requests": account.db.value("select count(*) from journal"),
                "usedToday": account.used_today,
            }

    def _find(self, kind: str, id: int | str, *, bin: bool = False) -> Record:
        if kind not in KINDS:
            raise ValueError(f"{kind} is no kind of record; there are {', '.join(KINDS)}")
        records = self._account.records
        number = records.canonical(kind, int(id))
        record = records.find(kind, number) or (records.find(kind, number, archived=True) if bin else None)
        if record is None:
            raise ValueError(f"there is no {kind} {id}")
        return record


def _known(token: Token | None) -> Token:
    if token is None:
        raise ValueError("the account has no token of its own any more")
    return token


def _user(by: str) -> int | None:
    number = by.removeprefix("userId:")
    return int(number) if number != by and number.isdecimal() else None


def _row(given: Given) -> rows.Row:
    """A row from JSON: `{"row": "WebEvent", ...its fields}`."""
    makers: dict[str, Callable[..., rows.Row]] = {
        kind.__name__: kind
        for kind in (
            rows.Link,
            rows.Owner,
            rows.Form,
            rows.Submission,
            rows.EmailEvent,
            rows.WebEvent,
            rows.ListDef,
            rows.Membership,
        )
    }
    values = dict(given)
    name = values.pop("row", "")
    if name == "Object":
        return rows.Object(**values)
    if name == "PropertyDef":
        options = tuple((str(value), str(label)) for value, label in values.pop("options", ()))
        return rows.PropertyDef(**values, options=options)
    if name not in makers:
        raise ValueError(f"{name or 'nothing'} is no kind of row; there are {', '.join(makers)}")
    return makers[name](**values)


def _get(controls: Controls, name: str, query: dict[str, str]) -> Any:
    """The routes that only look."""
    match name.split("/"):
        case ["journal"]:
            return controls.journal(int(query.get("since", 0)), bodies=query.get("bodies") == "true")
        case ["counts"]:
            return controls.counts
        case ["state"]:
            return controls.state()
        case ["faults"]:
            return controls.waiting()
        case ["knobs"]:
            return controls.knobs()
        case ["record", kind, id]:
            return controls.record(kind, id)
        case ["history", kind, id, property_name]:
            return controls.history(kind, id, property_name)
    raise LookupError(name)


def _post(controls: Controls, name: str, body: Any) -> Any:
    """The routes that change something."""
    given: Given = body if isinstance(body, dict) else {}
    match name:
        case "advance":
            return {"now": controls.advance(float(given["seconds"]))}
        case "edit":
            return controls.edit(**given)
        case "change":
            writer = Writer(str(given.pop("source")), str(given.pop("source_id", "")))
            return controls.change(writer=writer, **given)
        case "create":
            return {"id": controls.create(**given)}
        case "merge":
            return {"id": controls.merge(**given)}
        case "archive":
            return controls.archive(**given)
        case "restore":
            return controls.restore(**given)
        case "erase":
            return controls.erase(**given)
        case "lag":
            return controls.lag(**given)
        case "knobs":
            return controls.knobs(**given)
        case "faults":
            return controls.faults(body)
        case "rows":
            return controls.load([_row(one) for one in body])
        case "happen":
            return controls.happen([_row(one) for one in body])
        case "token":
            return {"token": controls.grant(**given).token}
    raise LookupError(name)


def _delete(controls: Controls, name: str) -> None:
    match name:
        case "faults":
            return controls.clear_faults()
        case "journal":
            return controls.clear_journal()
    raise LookupError(name)


def answer(desk: Desk, request: Request) -> Answer:
    """HTTP of the verbs: 200 with JSON, 400 for nonsense, 404 for a route that is none."""
    controls, name = Controls(desk), request.path.removeprefix(PREFIX).strip("/")
    try:
        body = orjson.loads(request.raw or b"{}")
        if request.method == "GET":
            query = {key: values[-1] for key, values in query_of(request.query).items()}
            result = _get(controls, name, query)
        elif request.method == "DELETE":
            result = None
            _delete(controls, name)
        else:
            result = _post(controls, name, body)
    except LookupError as missing:
        return _told(
            404 if not isinstance(missing, KeyError) else 400, {"message": f"no such control: {missing}"}
        )
    except (ValueError, TypeError, Refusal) as wrong:
        return _told(400, {"message": str(wrong)})
    return _told(200, {} if result is None else result)


def _told(status: int, body: Any) -> Answer:
    return Answer(status, orjson.dumps(body), {"Content-Type": "application/json"})
