"""The ASGI application: requests to the desk, faults on the way, control routes beside."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from uuid import uuid4

from connector.sandbox import clock, control_routes
from connector.sandbox.desk import JSON, LARGEST, Answer, Desk, Request, correlated
from connector.sandbox.faults import Fault
from connector.sandbox.state import Account
from connector.sandbox.wire import dump

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Whom a request over a socket may be for: this machine, or HubSpot for a client that was led here. A page in a
# browser that points a name of its own at loopback is neither.
OURS = ("127.0.0.1", "localhost", "[::1]")
THEIRS = ("hubapi.com", "hubspot.com")
PARTS = 8  # of a slow body


class ConnectionCut(ConnectionResetError):
    """A scripted cut where there is no connection to cut: in-process, without a socket."""


def portal_app(account: Account | Desk, *, served: bool = False) -> App:
    """The account as an ASGI application, for in-process clients (httpx.ASGITransport) and for the server.

    `served`: over a socket, where a request must be meant for this machine.
    """
    desk = account if isinstance(account, Desk) else Desk(account)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            request = await _read(scope, receive)
            if request is None:
                return
            if served and not _meant(request.headers.get("host", "")):
                await _send(send, _misdirected(request))
            elif (request.path + "/").startswith(control_routes.PREFIX):
                await _send(send, control_routes.answer(desk, request))
            else:
                await _serve(desk, request, scope, send)

    return app


def _meant(host: str) -> bool:
    name = host.lower().rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host.lower()
    return not host or name in OURS or any(f".{name}".endswith(f".{one}") for one in THEIRS)


def _misdirected(request: Request) -> Answer:
    host = request.headers.get("host", "")
    message = f"The sandbox answers for this machine only ({', '.join(OURS)}), not for {host}."
    return Answer(421, dump({"status": "error", "message": message}), {"Content-Type": JSON})


async def _serve(desk: Desk, request: Request, scope: Scope, send: Send) -> None:
    answer, fault = carry(desk, request)
    if fault and fault.delay:
        await clock.pause(fault.delay)
    if fault and fault.cut:
        await _cut(scope)
        return
    await _send(send, answer, fault)


def carry(desk: Desk, request: Request) -> tuple[Answer, Fault | None]:
    """The answer to a request, with the fault that struck it; both are in the journal."""
    with desk.account.db.lock:
        fault = desk.faults.strike(request.method, request.path)
        if fault is None or not fault.before:
            answer = desk.answer(request)
        else:
            answer = Answer(0, b"", {"X-HubSpot-Correlation-Id": str(uuid4())})
        if fault is not None and (fault.status or fault.html or fault.empty):
            answer = _spoilt(fault, answer, desk.account.clock.now())
        status = 0 if fault and fault.cut else answer.status
        label = fault.label if fault else None
        now = desk.account.clock.now()
        desk.journal.note(now, request.method, request.path, request.query, status, request.raw, label)
        return answer, fault


def _spoilt(fault: Fault, answer: Answer, now: int) -> Answer:
    status, body = fault.answer(now)
    if isinstance(body, dict) and "message" in body:
        body = correlated(body, answer.headers)
    kind = "text/html" if fault.html else JSON
    headers = {**answer.headers, "Content-Type": kind, **fault.usual_headers, **(fault.headers or {})}
    return Answer(status, dump(body), headers)


async def _read(scope: Scope, receive: Receive) -> Request | None:
    """The request; None if the client hung up in the middle of it. A body over the cap is not read to its end."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    length = _declared(headers)
    raw, more = bytearray(), length <= LARGEST
    while more and len(raw) <= LARGEST:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        raw += message.get("body", b"")
        more = bool(message.get("more_body"))
    path = scope.get("raw_path") or scope["path"].encode()
    query = scope.get("query_string", b"").decode("latin-1")
    return Request(scope["method"], path.decode("latin-1").split("?")[0], query, headers, bytes(raw), length)


def _declared(headers: dict[str, str]) -> int:
    """How long the body says it is; 0 where it does not."""
    text = headers.get("content-length", "")
    return int(text[:18]) if text.isdecimal() else 0


async def _send(send: Send, answer: Answer, fault: Fault | None = None) -> None:
    raw, headers = answer.raw, dict(answer.headers)
    if fault and fault.truncate:
        # Whole for HTTP, half for JSON: what a proxy that gave up delivers.
        raw = raw[: len(raw) // 2]
    if answer.status in (204, 304):
        raw = b""
    else:
        headers["Content-Length"] = str(len(raw))
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    if fault and fault.slow:
        step = len(raw) // PARTS + 1
        for part in (raw[start : start + step] for start in range(0, len(raw), step)):
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await clock.pause(fault.slow / PARTS)
        raw = b""
    await send({"type": "http.response.body", "body": raw})


async def _cut(scope: Scope) -> None:
    """Closes the connection without a byte of an answer."""
    transport = scope.get("state", {}).get("transport")
    if transport is None:
        raise ConnectionCut("the connection was cut, as the fault says")
    transport.abort()
    for _ in range(3):  # the server hears of it in its next turns
        await asyncio.sleep(0)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
