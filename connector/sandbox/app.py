"""The ASGI application: requests to the desk, faults on the way, control routes beside."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from uuid import uuid4

from connector.sandbox import clock, control
from connector.sandbox.desk import JSON, LARGEST, Answer, Desk, Request, correlated
from connector.sandbox.faults import Fault
from connector.sandbox.state import Account
from connector.sandbox.wire import dump

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class ConnectionCut(ConnectionResetError):
    """A scripted cut where there is no connection to cut: in-process, without a socket."""


def portal_app(account: Account | Desk) -> App:
    """The account as an ASGI application, for in-process clients (httpx.ASGITransport) and for the server."""
    desk = account if isinstance(account, Desk) else Desk(account)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            request = await _read(scope, receive)
            if request.path.startswith(control.PREFIX):
                await _send(send, control.answer(desk, request))
            else:
                await _serve(desk, request, scope, send)

    return app


async def _serve(desk: Desk, request: Request, scope: Scope, send: Send) -> None:
    answer, fault = carry(desk, request)
    if fault and fault.delay:
        await clock.pause(fault.delay)
    if fault and fault.cut:
        await _cut(scope)
        return
    await _send(send, answer, short=bool(fault and fault.truncate))


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
    return Answer(status, dump(body), {**answer.headers, "Content-Type": kind, **(fault.headers or {})})


async def _read(scope: Scope, receive: Receive) -> Request:
    raw, more = b"", True
    while more and len(raw) <= LARGEST:
        message = await receive()
        raw += message.get("body", b"")
        more = bool(message.get("more_body")) and message["type"] == "http.request"
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    path = scope.get("raw_path") or scope["path"].encode()
    query = scope.get("query_string", b"").decode("latin-1")
    return Request(scope["method"], path.decode("latin-1").split("?")[0], query, headers, raw)


async def _send(send: Send, answer: Answer, *, short: bool = False) -> None:
    headers = {**answer.headers, "Content-Length": str(len(answer.raw))}
    if short:
        # Whole for HTTP, half for JSON: what a proxy that gave up delivers.
        answer = Answer(answer.status, answer.raw[: len(answer.raw) // 2], answer.headers)
        headers["Content-Length"] = str(len(answer.raw))
    if answer.status == 204:
        del headers["Content-Length"]
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    await send({"type": "http.response.body", "body": answer.raw})


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
