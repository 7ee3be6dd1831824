"""HTTP in and out: the call a handler is given, the reply it gives, and the route that joins them.

A service is a file of handlers `(account, call) -> Reply` and its `ROUTES`; what can go wrong is a `Refusal`,
raised with the body that HubSpot sends (`refusals`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from connector.sandbox import kinds
from connector.sandbox.state import Account, Token

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `body` is made JSON unless it is bytes; None sends no body."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """An error answer; the correlation id is put in when it is sent, equal to the header's."""

    def __init__(self, status: int, body: Body, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(body.get("message", ""))
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


class Unimitated(Exception):
    """Something real accounts may have and this one has not: 501, by name."""


def refuse(status: int, message: str, category: str = "", **more: Any) -> Refusal:
    """The usual error body: status, message, then what is given, then the category (HUBSPOT.md 3.7)."""
    body: Body = {"status": "error", "message": message, **more}
    if category:
        body["category"] = category
    return Refusal(status, body)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, its path already taken apart. `version` is `v3`, `v4`, `v1` or the date."""

    method: str
    path: str
    version: str
    args: Mapping[str, str]
    query: Mapping[str, tuple[str, ...]]
    raw: bytes = b""
    token: Token | None = None
    content_type: str = "application/json"

    @property
    def dated(self) -> bool:
        return self.version[0].isdigit()

    def kind(self, name: str = "kind") -> kinds.Kind:
        """The object type that the path names. Raises Refusal or Unimitated for any other."""
        text = self.args[name]
        found = kinds.find(text)
        if found is None and text.lower() in kinds.ABSENT:
            raise Unimitated(f"object type {text}")
        if found is None:
            raise refuse(400, f"Unable to infer object type from: {text}", "VALIDATION_ERROR")
        return found

    def many(self, name: str) -> list[str]:
        """`a,b` and `a&...=b` alike, in order, once each (HUBSPOT.md 1.5)."""
        texts = (text for value in self.query.get(name, ()) for text in value.split(","))
        return list(dict.fromkeys(text.strip() for text in texts if text.strip()))

    def one(self, name: str, default: str = "") -> str:
        values = self.query.get(name)
        return values[-1] if values else default

    def flag(self, name: str) -> bool:
        return self.one(name, "false").lower() == "true"

    def whole(self, name: str, default: int, most: int, least: int = 1) -> int:
        """A whole number between `least` and `most`. Raises Refusal (400) outside."""
        text = self.one(name)
        if not text:
            return default
        if not _WHOLE.fullmatch(text):
            raise refuse(400, f"Invalid {name}: {text} was not a valid number.", "VALIDATION_ERROR")
        return within(name, int(text), most, least)

    def json(self, known: Iterable[str] | None = None) -> Body:
        """The body, an object. Raises Refusal (400, 415), and Unimitated for a key outside `known`."""
        if "json" not in self.content_type.lower():
            raise Refusal(415, {"status": "error", "message": "Unsupported Media Type"})
        body = decode(self.raw)
        if not isinstance(body, dict):
            raise bad_json("Cannot deserialize value of type `object`")
        if known is not None and (odd := sorted(set(body) - set(known))):
            raise Unimitated(f"body key {', '.join(odd)} of {self.method} {self.path}")
        return body

    def form(self, known: Iterable[str] | None = None) -> dict[str, str]:
        """The body, a form; what is empty is not there. Raises Refusal (400, 415) and Unimitated as `json`."""
        if "x-www-form-urlencoded" not in self.content_type.lower():
            raise Refusal(415, {"status": "error", "message": "Unsupported Media Type"})
        fields = query_of(self.raw.decode(errors="replace"))
        if twice := sorted(name for name, values in fields.items() if len(values) > 1):
            raise refuse(400, f"Parameter given more than once: {', '.join(twice)}", "VALIDATION_ERROR")
        if known is not None and (odd := sorted(set(fields) - set(known))):
            raise Unimitated(f"body key {', '.join(odd)} of {self.method} {self.path}")
        return {name: values[0] for name, values in fields.items() if values[0]}

    def array(self) -> list[Any]:
        """The body, an array. Raises Refusal (400, 415)."""
        if "json" not in self.content_type.lower():
            raise Refusal(415, {"status": "error", "message": "Unsupported Media Type"})
        body = decode(self.raw)
        if not isinstance(body, list):
            raise bad_json("Cannot deserialize value of type `java.util.ArrayList`")
        return body

    def inputs(self, most: int, known: Iterable[str]) -> list[Body]:
        """The `inputs` of a batch. Raises Refusal (400) for none, too many, or what is not an object."""
        body = self.json(("inputs", *known))
        inputs = body.get("inputs")
        if inputs is None:
            raise bad_json("Some required fields were not set: [inputs]")
        if not isinstance(inputs, list) or not all(isinstance(item, dict) for item in inputs):
            raise bad_json("Cannot deserialize value of type `array`")
        if len(inputs) > most:
            raise refuse(
                400,
                f"The maximum number of inputs supported in a batch is {most}. "
                "Please reduce the number of items and try again",
                "VALIDATION_ERROR",
            )
        return inputs


_WHOLE = re.compile(r"-?\d{1,18}")  # as many digits as surely fit into 64 bits


Handler = Callable[[Account, Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `path` is canonical (no version); `query` are the parameters it knows.

    `scopes`: any one of them will do; `{object}` stands for the object of the path. `bucket` is the rate limit
    it draws on (`limits`); `tier` the least subscription that has it.
    """

    method: str
    path: str
    handler: Handler
    query: frozenset[str] = frozenset()
    scopes: tuple[str, ...] = ()
    bucket: str = "burst"
    tier: str = "free"
    versions: str = ""  # e.g. "v4": these versions only; empty is any that the path map has
    public: bool = False  # it takes no bearer token: who asks says so in the body (`/oauth`)

    def knows(self, parameter: str) -> bool:
        """True for a query parameter of its own; `property.*` stands for every name after the dot."""
        return parameter in self.query or f"{parameter.partition('.')[0]}.*" in self.query


def route(
    method: str,
    path: str,
    handler: Handler,
    *query: str,
    scopes: str = "",
    bucket: str = "burst",
    public: bool = False,
    **more: str,
) -> Route:
    return Route(
        method, path, handler, frozenset(query), tuple(scopes.split()), bucket, public=public, **more
    )


def decode(raw: bytes) -> Any:
    """JSON of a request. Raises Refusal (400) with the place of the mistake."""
    try:
        return orjson.loads(raw or b"null")
    except orjson.JSONDecodeError as mistake:
        raise bad_json(mistake.msg, mistake.lineno, mistake.colno) from None


def bad_json(why: str, line: int = 1, column: int = 1) -> Refusal:
    """400 for a body that does not read (HUBSPOT.md 3.7: no category)."""
    mark = "." if why.startswith("Some required fields") else ":"
    return refuse(400, f"Invalid input JSON on line {line}, column {column}{mark} {why}")


def within(name: str, number: int, most: int, least: int = 1) -> int:
    if not least <= number <= most:
        bound = f"less than or equal to {most}" if number > most else f"greater than or equal to {least}"
        raise refuse(400, f"Invalid {name}: {number}. It must be {bound}.", "VALIDATION_ERROR")
    return number


def integer(body: Body, name: str, default: int) -> int:
    """A whole number of a body. Raises Refusal (400) for anything else."""
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**31:
        raise bad_json(f'Cannot deserialize value of type `int` from "{value}": not a valid `int` value')
    return value


def texts(body: Body, name: str) -> list[str]:
    """A list of a body, as text. Raises Refusal (400) for anything else."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or any(isinstance(one, list | dict) for one in value):
        raise bad_json("Cannot deserialize value of type `java.util.ArrayList<java.lang.String>`")
    return [str(one) for one in value]


def query_of(text: str) -> dict[str, tuple[str, ...]]:
    """A query string as name -> values, repetitions kept."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        found[name] = (*found.get(name, ()), value)
    return found


def dump(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"" if body is None else orjson.dumps(body)


def completed(now: str, results: list[Body], errors: list[Body], ok: int = 200) -> Reply:
    """The answer to a batch: 207 as soon as there is an error (HUBSPOT.md 3.6). `now` is an ISO time."""
    failed: Body = {"numErrors": len(errors), "errors": errors} if errors else {}
    body = {"status": "COMPLETE", "results": results, **failed, "startedAt": now, "completedAt": now}
    return Reply(207 if errors else ok, body)
