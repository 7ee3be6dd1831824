"""An answer of the CRM: parsed, or turned into the error that says what happens next (HUBSPOT.md 3.7, 8).

Errors carry method, path, status, correlation id and the CRM's own words; never headers, and the words with
the token taken out: some of the CRM's refusals quote it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from connector.errors import (
    ConnectorError,
    MissingScope,
    RateLimited,
    Refused,
    ServerFault,
    Unauthorised,
    Unreachable,
)
from connector.hubspot.paths import scope_of
from connector.hubspot.wire import number
from connector.model import Document

GRANT = (
    "In HubSpot: Settings > Development > Keys > Service keys > (the key) > Scopes: add {scopes}, save, "
    "run the command again."
)
NEW_TOKEN = (
    "In HubSpot: Settings > Development > Keys > Service keys: make a key or show the one you have, "
    "then put it into .env as HUBSPOT_ACCESS_TOKEN=pat-..."
)
_WORDS = 500  # characters of the CRM's own words that a message quotes
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request was, for messages and counting. `writes` is True when it changes the CRM."""

    method: str
    path: str
    writes: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers with lower-case names, body as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> Document | None:
        """The body as a JSON object; None where it is none (cut short, HTML)."""
        try:
            found = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            found = _forgiving(self.body)
        return found if isinstance(found, dict) else None


def _forgiving(body: bytes) -> object:
    """JSON with half a surrogate pair or stray bytes in a text: those become U+FFFD, the page survives."""
    try:
        found = json.loads(body.decode("utf-8", "replace"))
    except ValueError:
        return None
    return _whole(found)


def _whole(value: Any) -> Any:
    match value:
        case str():
            return _LONE_SURROGATE.sub("\ufffd", value)
        case list():
            return [_whole(item) for item in value]
        case dict():
            return {_whole(key): _whole(item) for key, item in value.items()}
        case _:
            return value


def read(asked: Asked, answer: Answer, scrub: Callable[[str], str]) -> Document:
    """The parsed body of a 2xx ({} of a 204).

    :raises Unreachable: a 2xx whose body is no whole JSON object
    :raises ConnectorError: see `refusal`
    """
    if not 200 <= answer.status < 300:
        raise refusal(asked, answer, scrub)
    if answer.status == 204:
        return {}
    document = answer.document()
    if document is None:
        raise Unreachable(
            f"The CRM's answer was cut short or is not JSON ({_where(asked, answer, {})}).",
            "Nothing is lost; run the command again.",
        )
    return document


def rows(document: Document, key: str = "results") -> list[Document]:
    """The list under `key`: a 2xx without it says nothing, and an empty page must not be made of that.

    :raises Unreachable: the key is missing or holds something else
    """
    found = document.get(key)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Unreachable(f"The CRM answered without its {key!r}, so the page cannot be trusted.")
    return found


def words(document: Mapping[str, Any]) -> str:
    """The CRM's own words about one refusal, property errors unpacked out of their JSON-in-a-string."""
    said = str(document.get("message") or document.get("error_description") or "")
    start = said.find("[{")
    if start >= 0:
        try:
            inner = orjson.loads(said[start:])
            said = said[:start] + "; ".join(str(e.get("message", e)) for e in inner)
        except (orjson.JSONDecodeError, AttributeError):
            pass
    return said if len(said) <= _WORDS else said[:_WORDS] + "..."


def category(document: Mapping[str, Any]) -> str:
    """The CRM's category, or the code of its first detail where it gives none."""
    details = [e for e in document.get("errors") or () if isinstance(e, dict)]
    return str(document.get("category") or (details and details[0].get("code")) or "")


def refusal(asked: Asked, answer: Answer, scrub: Callable[[str], str]) -> ConnectorError:
    """The error that a non-2xx means, by status and category and never by its text (four ways to say 403)."""
    document = answer.document() or {}
    where = scrub(_where(asked, answer, document))
    match answer.status:
        case 401 | 530:
            return Unauthorised(f"The CRM does not know this token ({where}).", NEW_TOKEN)
        case 403:
            return _scope(asked, document, where)
        case 429:
            return _limit(document, answer, where)
        case 423:
            return ServerFault(f"The CRM keeps the record locked ({where}).", after=2.0, status=423)
        case 477:
            after = _retry_after(answer) or 24 * 3600.0
            return ServerFault(
                f"The account is moving between the CRM's data centres ({where}).",
                f"It answers again in about {after / 60:.0f} minutes; run the command then.",
                after=after,
                status=477,
            )
        case status if status >= 500:
            return ServerFault(f"The CRM failed ({where}).", after=_retry_after(answer), status=status)
        case status if 300 <= status < 400:
            return Refused(
                f"The CRM's address redirects elsewhere; the token is not sent there ({where}).",
                "Check HUBSPOT_BASE_URL; leave it out for the vendor's own address.",
                status=status,
            )
        case status:
            correlation = _correlation(answer, document)
            return Refused(
                f"The CRM refused it: {scrub(words(document)) or 'no reason given'} ({asked}: {status}, "
                f"correlation {correlation or 'not given'}).",
                status=status,
                category=category(document),
                correlation_id=correlation,
            )


def _scope(asked: Asked, document: Document, where: str) -> MissingScope:
    named = [
        str(scope)
        for detail in document.get("errors") or ()
        if isinstance(detail, dict) and isinstance(detail.get("context"), dict)
        for scope in detail["context"].get("requiredGranularScopes") or ()
    ]
    guess = scope_of(asked.path, writes=asked.writes)
    scopes = [guess] if guess in named or (guess and not named) else named
    said = " or ".join(scopes) or "a scope that it does not name"
    return MissingScope(
        f"The token may not do this: it needs {said} ({where}).", GRANT.format(scopes=said), scopes=scopes
    )


def _limit(document: Document, answer: Answer, where: str) -> RateLimited:
    policy = str(document.get("policyName") or "")
    after = _retry_after(answer)
    if policy == "DAILY":
        return RateLimited(
            f"The account's requests for today are used up ({where}).",
            "They are counted anew from midnight in the account's time zone; it is safe to run again then.",
            after=after,
            policy=policy,
        )
    return RateLimited(
        f"The account's request limit is used up for now ({where}).",
        "Other integrations live in it too: it is safe to run again later.",
        after=after,
        policy=policy,
    )


def _where(asked: Asked, answer: Answer, document: Document) -> str:
    said = words(document)
    quoted = f" {said!r}" if said else ""
    return f"{asked}: {answer.status}{quoted}, correlation {_correlation(answer, document) or 'not given'}"


def _correlation(answer: Answer, document: Document) -> str:
    return str(document.get("correlationId") or answer.headers.get("x-hubspot-correlation-id") or "")


def _retry_after(answer: Answer) -> float | None:
    """Seconds; the date form of the header is not used by the CRM."""
    said = number(answer.headers.get("retry-after"))
    return max(0.0, said) if said is not None else None
