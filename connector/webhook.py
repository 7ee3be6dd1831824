"""A signed POST to an address of the team's own. Neither the address nor the secret appears in any message.

The receiver checks `X-Connector-Signature`, which is `v1=` and the hex HMAC-SHA256 of the timestamp, a dot
and the body as it came, and knows a repetition by its `Idempotency-Key`.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

import httpx

from connector.errors import Hold, Refused, Retry, ServerFault, Unreachable
from connector.model import Secret

TIMEOUT = 10.0  # seconds
_AGAIN = frozenset({408, 409, 425, 429})  # of the 4xx, those that may go through later
_HERE = ("127.0.0.1", "localhost", "::1")
Client = httpx.AsyncClient


def client() -> Client:
    """For the posts of a batch. Redirects are not followed: they would take the body elsewhere. Plain http
    stays on this machine, whatever proxy the environment names."""
    here = {"http://": httpx.AsyncHTTPTransport()}
    return httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, mounts=here)


async def post(http: Client, name: str, url: Secret, secret: Secret, key: str, body: bytes, now: int) -> None:
    """Sends `body` once. `name` is the variable that holds the address: what messages call it.

    :raises Unreachable: no answer; :raises ServerFault: 5xx, or another answer that says `later`
    :raises Hold: an answer that will not change by itself, or an address that we do not post to
    """
    _need_safe(name, url)
    timestamp = str(now // 1000)
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": key,
        "X-Connector-Timestamp": timestamp,
        "X-Connector-Signature": signature(secret, timestamp, body),
    }
    try:
        answer = await http.post(url.reveal(), content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unreachable(f"the address in {name} did not answer ({type(error).__name__})") from None
    if answer.is_success:
        return
    said = f"the address in {name} answered {answer.status_code}"
    if answer.status_code >= 500 or answer.status_code in _AGAIN:
        raise ServerFault(said, status=answer.status_code)
    raise Refused(said, status=answer.status_code)


def overloaded(error: Retry) -> bool:
    """Whether the next event would fare no better now."""
    return not isinstance(error, ServerFault) or error.status in (429, 503)


def signature(secret: Secret, timestamp: str, body: bytes) -> str:
    signed = timestamp.encode() + b"." + body
    return "v1=" + hmac.new(secret.reveal().encode(), signed, hashlib.sha256).hexdigest()


def _need_safe(name: str, url: Secret) -> None:
    """:raises Hold: the address is none, or would carry a contact's data in the clear"""
    try:
        parts = urlsplit(url.reveal())
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if host and (parts.scheme == "https" or (parts.scheme == "http" and host in _HERE)):
        return
    raise Hold(f"{name} holds no address that begins with https:// (http:// only on this machine)")
