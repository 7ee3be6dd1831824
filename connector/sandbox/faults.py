"""Scripted faults: what a test or a person asked the next calls to suffer (HUBSPOT.md 11.2).

A fault picks calls by method and part of the path, lets the first `skip` of them pass, and strikes `times`.
Before the commit nothing was done; with `commit` (and after a cut "after") the call was carried out and only
its answer is lost or spoilt.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import orjson

from connector.sandbox import refusals
from connector.sandbox.clock import iso
from connector.sandbox.state.schema import Database
from connector.sandbox.wire import Body

HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
MESSAGES: dict[int, Body] = {
    423: {"message": "The resource is locked.", "category": "LOCKED"},
    477: {"message": "The account is being migrated between data centres."},
    429: refusals.rolling_limit(6_748_263),
}
USUAL_HEADERS = {477: {"Retry-After": "3600"}}  # a migration says for how long, up to a day (3.7)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `cut` closes the connection: "before" anything is done, or "after" it is done."""

    method: str = ""  # empty: any
    path: str = ""  # a part of the path, as the client wrote it
    times: int = 1
    skip: int = 0
    status: int = 0  # answer with this status
    body: Any = None  # and this body instead of HubSpot's usual one
    headers: dict[str, str] | None = None
    delay: float = 0.0  # seconds before the answer
    slow: float = 0.0  # seconds over which the body comes, in pieces
    cut: str = ""  # "before" | "after"
    truncate: bool = False  # half of the body
    html: bool = False  # a gateway's page instead of JSON
    empty: bool = False  # 2xx with nothing done and nothing in it
    commit: bool = False  # with status, html or empty: carry it out first

    def picks(self, method: str, path: str) -> bool:
        return (not self.method or self.method.upper() == method) and self.path in path

    @property
    def before(self) -> bool:
        """True if the call is not to be carried out."""
        spoilt = self.status or self.html or self.empty or self.cut == "before"
        return bool(spoilt) and not self.commit

    def answer(self, now: int) -> tuple[int, Any]:
        """(status, body) that take the place of the true answer; `now` in milliseconds."""
        if self.html:
            return self.status or 502, HTML
        if self.empty:
            return self.status or 200, {"status": "COMPLETE", "results": []}
        usual = {"status": "error", "message": "internal error", **MESSAGES.get(self.status, {})}
        if self.status == 401:
            usual = refusals.expired(5, iso(now - 5_000)).body
        return self.status, usual if self.body is None else self.body

    @property
    def usual_headers(self) -> dict[str, str]:
        """Those that HubSpot sends with the status."""
        return USUAL_HEADERS.get(self.status, {})

    @property
    def label(self) -> str:
        """What the journal says of it."""
        told = {
            name: value for name, value in asdict(self).items() if value and name not in ("times", "skip")
        }
        return ", ".join(f"{name}={value}" for name, value in told.items())


def parse(given: Any) -> Fault:
    """A fault from JSON. Raises ValueError that names what is wrong with it, and what it should be."""
    if not isinstance(given, dict):
        raise ValueError(f"a fault is an object, not {given!r}")
    known = {field.name: type(field.default) for field in fields(Fault)}
    if odd := sorted(set(given) - set(known)):
        raise ValueError(f"a fault has no {', '.join(odd)}; it has {', '.join(sorted(known))}")
    for name, value in given.items():
        if name not in ("body", "headers") and not _fits(value, known[name]):
            raise ValueError(f"{name} is {value!r}; it should be {WORDS[known[name]]}")
    fault = Fault(**given)
    _check(fault)
    return fault


WORDS = {str: "text", int: "a whole number", bool: "true or false", float: "a number of seconds, 0 or more"}


def _fits(value: Any, kind: type) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
    return type(value) is kind


def _check(fault: Fault) -> None:
    if fault.cut not in ("", "before", "after"):
        raise ValueError('cut is "before" or "after"')
    if fault.status and not 200 <= fault.status <= 599:
        raise ValueError(f"status is {fault.status}; it should be between 200 and 599")
    if fault.times < 1 or fault.skip < 0:
        raise ValueError("times should be 1 or more, skip 0 or more")
    headers = fault.headers
    if headers is not None and not (isinstance(headers, dict) and all(map(_header, headers.items()))):
        raise ValueError("headers should be an object of names and texts as HTTP allows them")
    try:
        orjson.dumps(fault.body)
    except TypeError as wrong:
        raise ValueError(f"body should be JSON: {wrong}") from None


def _header(pair: tuple[Any, Any]) -> bool:
    name, value = pair
    texts = isinstance(name, str) and isinstance(value, str)
    return (
        texts
        and bool(_NAME.fullmatch(name))
        and bool(_VALUE.fullmatch(value))
        and name.lower() not in _FRAMING
    )


_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"([\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?)?")
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})  # the server's own


class Faults:
    """The faults still to come, kept in the account's file."""

    def __init__(self, db: Database) -> None:
        self._db = db
        rows = db.rows("select n, fault from faults order by n")
        self._waiting = {n: Fault(**orjson.loads(text)) for n, text in rows}

    def script(self, faults: list[Fault]) -> None:
        """Adds faults; the first that picks a call strikes it."""
        for fault in faults:
            self._db.run("insert into faults values (null, ?)", orjson.dumps(asdict(fault)).decode())
            self._waiting[int(self._db.value("select last_insert_rowid()"))] = fault

    def clear(self) -> None:
        self._waiting.clear()
        self._db.run("delete from faults")

    def waiting(self) -> list[Fault]:
        return list(self._waiting.values())

    def strike(self, method: str, path: str) -> Fault | None:
        """The fault for this call, counted."""
        for n, fault in list(self._waiting.items()):
            if not fault.picks(method, path):
                continue
            if fault.skip:
                self._keep(n, replace(fault, skip=fault.skip - 1))
                continue
            self._keep(n, replace(fault, times=fault.times - 1))
            return fault
        return None

    def _keep(self, n: int, fault: Fault) -> None:
        if fault.times > 0:
            self._waiting[n] = fault
            text = orjson.dumps(asdict(fault)).decode()
            self._db.run("update faults set fault = ? where n = ?", text, n)
            return
        del self._waiting[n]
        self._db.run("delete from faults where n = ?", n)
