"""The control routes, under `/__sandbox__/`: the verbs of `control` over HTTP, as one table.

They are not in the journal, take no token and know no limit. `GET /__sandbox__/` lists them. What makes no sense
is a 400 with a sentence that names what it should be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson

from connector.sandbox.control import Controls
from connector.sandbox.desk import Answer, Desk, Request
from connector.sandbox.row_json import row_of
from connector.sandbox.state.records import Writer
from connector.sandbox.wire import query_of

PREFIX = "/__sandbox__/"
Given = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Takes:
    """A kind of value: in words, and whether a value is one."""

    what: str
    fits: Callable[[Any], bool]


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return _whole(value) or (isinstance(value, float) and math.isfinite(value))


def _span(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_number, value))


def _texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) or one is None for one in value.values())


NUMBER = Takes("a number", _number)
SPAN = Takes("a number, or a list of the least and the most", lambda value: _number(value) or _span(value))
WHOLE = Takes("a whole number", _whole)
TEXT = Takes("text", lambda value: isinstance(value, str))
TRUTH = Takes("true or false", lambda value: isinstance(value, bool))
ID = Takes(
    "the id of a record", lambda value: _whole(value) or (isinstance(value, str) and value.isdecimal())
)
VALUES = Takes("an object of property values, text or null", _texts)
OBJECT = Takes("an object", lambda value: isinstance(value, dict))
LIST = Takes("a list", lambda value: isinstance(value, list))
NAMES = Takes(
    "a list of texts", lambda value: isinstance(value, list) and all(isinstance(x, str) for x in value)
)
BYTES = Takes("the body, as it is", lambda value: isinstance(value, bytes))
MAYBE_WHOLE = Takes("a whole number or null", lambda value: value is None or _whole(value))
MAYBE_NAMES = Takes("a list of texts or null", lambda value: value is None or NAMES.fits(value))
ANY = Takes("the value of a knob (GET knobs shows all)", lambda _value: True)


@dataclass(frozen=True, slots=True)
class Control:
    """One route. `takes`: the keys of its body (of its query for GET) and parts of its path; those with `?` may
    be left out, `...` stands for the body as a whole, `*` for any other key. `gives`: the key of the answer."""

    method: str
    path: str
    verb: str
    does: str
    takes: Mapping[str, Takes] = field(default_factory=dict)
    gives: str = ""
    run: Callable[[Controls, Given], Any] | None = None  # where it is more than a call of the verb

    def call(self, controls: Controls, given: Given) -> Any:
        if self.run is not None:
            found = self.run(controls, given)
        else:
            verb = getattr(controls, self.verb)
            found = verb(**given) if callable(verb) else verb
        return {self.gives: found} if self.gives else found


def _change(controls: Controls, given: Given) -> None:
    writer = Writer(given.pop("source"), given.pop("source_id", ""))
    controls.change(writer=writer, **given)


_ONE = {"id": ID, "kind?": TEXT}
CONTROLS = (
    Control(
        "GET", "state", "state", "The account at a glance: who it is, its clock, its knobs, what it holds."
    ),
    Control("GET", "counts", "counts", "How much there is of everything."),
    Control("GET", "dump", "dump", "The account's SQLite file itself, whole."),
    Control(
        "POST",
        "seed",
        "seed",
        "Makes a population in an account that has no contacts.",
        {"contacts": WHOLE, "seed?": WHOLE},
        gives="counts",
    ),
    Control(
        "POST",
        "csv",
        "load_csv",
        "Loads a CSV file, the body as it is, as contacts; lines that cannot be one come back with the reason.",
        {"...": BYTES},
        run=lambda controls, given: controls.load_csv(given["..."]),
    ),
    Control(
        "POST",
        "rows",
        "load",
        'Adds rows as they stand: a list of {"row": "Object", ...its fields}.',
        {"...": LIST},
        run=lambda controls, given: controls.load([row_of(one) for one in given["..."]]),
    ),
    Control("POST", "advance", "advance", "Moves the clock forward.", {"seconds": NUMBER}, gives="now"),
    Control(
        "POST",
        "lag",
        "lag",
        "Keeps writes from search for some seconds; flapping: found, lost, found again.",
        {"seconds": SPAN, "flapping?": TRUTH},
    ),
    Control("GET", "rules", "rules", "What admins demand of property values."),
    Control(
        "POST",
        "require",
        "require",
        "A property must have a value, always or `when` others have one of some values (2026-09 paths).",
        {"name": TEXT, "kind?": TEXT, "when?": OBJECT},
    ),
    Control(
        "POST",
        "constrain",
        "constrain",
        "A validation rule for the values of a property, such as MAX_LENGTH, on every path.",
        {"name": TEXT, "rule": TEXT, "value?": TEXT, "kind?": TEXT},
    ),
    Control("DELETE", "rules", "clear_rules", "Takes back what admins demand."),
    Control("GET", "knobs", "knobs", "All knobs as they stand."),
    Control("POST", "knobs", "knobs", "Turns knobs and gives all as they stand.", {"*": ANY}),
    Control(
        "POST",
        "edit",
        "edit",
        "A person edits a record in the app.",
        {**_ONE, "properties": VALUES, "by?": TEXT},
    ),
    Control(
        "POST",
        "change",
        "change",
        "The same in anybody's name: an automation, an import, another app.",
        {**_ONE, "properties": VALUES, "source": TEXT, "source_id?": TEXT},
        run=_change,
    ),
    Control(
        "POST",
        "create",
        "create",
        "A person makes a record in the app; links are pairs of kind and id.",
        {"kind": TEXT, "properties": VALUES, "by?": TEXT, "links?": LIST},
        gives="id",
    ),
    Control(
        "POST",
        "merge",
        "merge",
        "Merges the second record into the first; gives the new id.",
        {"first": ID, "second": ID, "kind?": TEXT},
        gives="id",
    ),
    Control("POST", "archive", "archive", "Puts a record into the bin.", _ONE),
    Control("POST", "restore", "restore", "Takes a record out of the bin, as only a person can.", _ONE),
    Control("POST", "erase", "erase", "Erases a contact and everything of theirs, for good.", {"id": ID}),
    Control(
        "POST",
        "happen",
        "happen",
        "Adds engagement as it happens: a list of rows; the contacts' counters and dates move with it.",
        {"...": LIST},
        run=lambda controls, given: controls.happen([row_of(one) for one in given["..."]]),
    ),
    Control("GET", "faults", "waiting", "The faults that are still to come."),
    Control(
        "POST",
        "faults",
        "faults",
        "Adds faults for calls to come: a list of objects.",
        {"...": LIST},
        run=lambda controls, given: controls.faults(given["..."]),
    ),
    Control("DELETE", "faults", "clear_faults", "Takes back the faults that are still to come."),
    Control(
        "POST",
        "token",
        "grant",
        "Changes what a token may do (the account's own if none is named), or makes a new one.",
        {"scopes?": MAYBE_NAMES, "expires?": MAYBE_WHOLE, "token?": TEXT, "app_id?": WHOLE},
        run=lambda controls, given: {"token": controls.grant(**given).token},
    ),
    Control(
        "POST",
        "authorise",
        "authorise",
        "A person consents to the OAuth app; gives the authorization code.",
        {
            "scopes?": MAYBE_NAMES,
            "redirect_uri?": TEXT,
            "code_challenge?": TEXT,
            "code_challenge_method?": TEXT,
        },
        gives="code",
    ),
    Control("POST", "uninstall", "uninstall", "Takes the OAuth app out of the account."),
    Control(
        "POST",
        "expire",
        "expire",
        "Ends a token now; without a name every access token that the OAuth app holds.",
        {"token?": TEXT},
    ),
    Control(
        "GET",
        "journal",
        "journal",
        "Requests served, oldest first, with numbers above `since`, on paths that hold `path`.",
        {"since?": WHOLE, "path?": TEXT, "bodies?": TRUTH},
    ),
    Control("DELETE", "journal", "clear_journal", "Empties the journal."),
    Control(
        "GET",
        "record/{kind}/{id}",
        "record",
        "A record with every value that it has; a merged-away id gives the survivor.",
        {"kind": TEXT, "id": ID},
    ),
    Control(
        "GET",
        "history/{kind}/{id}/{name}",
        "history",
        "Every version of one property, newest first.",
        {"kind": TEXT, "id": ID, "name": TEXT},
    ),
)


def answer(desk: Desk, request: Request) -> Answer:
    """200 with what the verb gives, 400 for nonsense, 404 for a route that is none, 405 for its method."""
    path = unquote(request.path.removeprefix(PREFIX.rstrip("/")).strip("/"))
    if not path and request.method == "GET":
        return _told(200, {"controls": [_listed(one) for one in CONTROLS]})
    found = [(one, args) for one in CONTROLS if (args := _match(one.path, path)) is not None]
    if not found:
        return _told(404, {"message": f"no such control: {path}; GET {PREFIX} lists those that there are"})
    for control, args in found:
        if control.method == request.method:
            return _carry_out(desk, control, args, request)
    allowed = ", ".join(sorted({control.method for control, _ in found}))
    return _told(405, {"message": f"{path} takes {allowed}, not {request.method}"}, {"Allow": allowed})


def _carry_out(desk: Desk, control: Control, args: Given, request: Request) -> Answer:
    try:
        result = control.call(Controls(desk), _given(control, args, request))
    except (ValueError, TypeError, OverflowError) as wrong:
        return _told(400, {"message": str(wrong) or type(wrong).__name__})
    except Exception as bug:  # said as such, as at the front desk
        return _told(500, {"message": f"The sandbox itself failed: {type(bug).__name__}: {bug}"})
    if isinstance(result, bytes):
        return Answer(200, result, {"Content-Type": "application/vnd.sqlite3"})
    return _told(200, {} if result is None else result)


def _listed(control: Control) -> Given:
    takes = {"(the body)" if name == "..." else name: kind.what for name, kind in control.takes.items()}
    return {"method": control.method, "path": PREFIX + control.path, "does": control.does, "takes": takes}


def _match(shape: str, path: str) -> Given | None:
    parts, patterns = path.split("/"), shape.split("/")
    if len(parts) != len(patterns):
        return None
    pairs = list(zip(patterns, parts, strict=True))
    if any(pattern != part for pattern, part in pairs if pattern[0] != "{"):
        return None
    return {pattern[1:-1]: part for pattern, part in pairs if pattern[0] == "{"}


def _given(control: Control, args: Given, request: Request) -> Given:
    """What a route was given, checked. Raises ValueError that names what it should be."""
    if "..." in control.takes:
        kind = control.takes["..."]
        body = request.raw if kind is BYTES else _json(request.raw)
        if not kind.fits(body):
            raise ValueError(f"the body is {_said(body)}; it should be {kind.what}")
        return {"...": body}
    if control.method == "GET":
        given = {**_query(control, request.query), **args}
    else:
        given = _json(request.raw or b"{}")
    if not isinstance(given, dict):
        raise ValueError(f"the body is {_said(given)}; it should be an object")
    _check(control, given)
    return given


def _check(control: Control, given: Given) -> None:
    known = {name.rstrip("?"): kind for name, kind in control.takes.items()}
    odd = sorted(set(given) - set(known))
    if odd and "*" not in known:
        there = ", ".join(known) or "nothing"
        raise ValueError(f"{control.path} knows no {', '.join(odd)}; it takes {there}")
    for name, kind in control.takes.items():
        if name not in given and not name.endswith("?") and name != "*":
            raise ValueError(f"{control.path} needs {name}: {kind.what}")
    for name, value in given.items():
        if name in known and not known[name].fits(value):
            raise ValueError(f"{name} is {_said(value)}; it should be {known[name].what}")


def _json(raw: bytes) -> Any:
    try:
        return orjson.loads(raw or b"null")
    except orjson.JSONDecodeError as mistake:
        raise ValueError(f"the body should be JSON: {mistake}") from None


def _said(value: Any) -> str:
    shown = orjson.dumps(value).decode() if not isinstance(value, bytes) else repr(value)
    return shown if len(shown) < 60 else f"{shown[:60]}..."


def _query(control: Control, text: str) -> Given:
    """A query's texts as what the control takes: `5` and `true` are read where no text is wanted."""
    given: Given = {}
    for name, values in query_of(text).items():
        kind = control.takes.get(f"{name}?", TEXT)
        given[name] = values[-1]
        if kind is not TEXT and values[-1].isdecimal():
            given[name] = int(values[-1][:18])
        elif kind is not TEXT and values[-1] in ("true", "false"):
            given[name] = values[-1] == "true"
    return given


def _told(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, orjson.dumps(body), {"Content-Type": "application/json", **(headers or {})})
