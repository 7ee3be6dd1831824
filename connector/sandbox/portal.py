"""Starting and serving an account: in a thread for tests and the demo, in the foreground for the command line."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from connector.sandbox import fill
from connector.sandbox.app import portal_app
from connector.sandbox.control import Controls
from connector.sandbox.desk import Desk
from connector.sandbox.fill import Refused
from connector.sandbox.rows import Row
from connector.sandbox.state import Account
from connector.sandbox.state import load as load_rows

HOST = "127.0.0.1"
HOSTS = {HOST: HOST, "localhost": HOST, "::1": "::1"}  # what may be asked for -> the address that is bound
LONGEST_HEAD = 1_000_000  # bytes of a request's first line and headers; more is no request


class _Protocol(H11Protocol):
    """uvicorn's, with the connection within the application's reach, so that a fault can cut it."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP; after an answer has begun there is nothing left but to hang up."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.abort()


class _Server(uvicorn.Server):
    """uvicorn's, but a signal ends it and is not raised again: the file is closed and the caller goes on."""

    listening: Callable[[], None] = staticmethod(lambda: None)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening()  # from here on a signal ends it properly

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        ending = (signal.SIGINT, signal.SIGTERM)
        before = {one: signal.signal(one, self.handle_exit) for one in ending}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


class Portal(Controls):
    """A running account. A context manager; `close` stops it. The verbs of `control.Controls` are its methods."""

    def __init__(self, account: Account, refused: Refused, port: int = 0, host: str = HOST) -> None:
        desk = Desk(account)
        super().__init__(desk)
        self.account = account
        self.refused = refused
        self.token = account.token
        self._socket = _listen(bound(host), port)
        self.port: int = self._socket.getsockname()[1]
        shown = f"[{bound(host)}]" if ":" in bound(host) else bound(host)
        self.url = f"http://{shown}:{self.port}"
        self._server = _Server(_config(desk))
        self._thread: threading.Thread | None = None

    def start(self) -> Portal:
        """Serves in a thread of its own; returns once it does."""
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            self._thread.join(0.002)
        return self

    def run(self, listening: Callable[[Portal], None] | None = None) -> None:
        """Serves until SIGINT or SIGTERM; `listening` is called once it can be reached."""
        if listening is not None:
            self._server.listening = partial(listening, self)
        try:
            self._server.run([self._socket])
        finally:
            self.close()

    def close(self) -> None:
        """Stops serving and closes the account's file. Once is enough, again is harmless."""
        if self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
            self._thread = None
        self._socket.close()
        self.account.close()

    def __enter__(self) -> Portal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def bound(host: str) -> str:
    """The loopback address that a host means. Raises ValueError for any other host."""
    if host.lower() not in HOSTS:
        raise ValueError(
            f"it listens on loopback only ({', '.join(HOSTS)}), not on {host}: its controls ask for no token, "
            "and whoever could reach it could change everything in it"
        )
    return HOSTS[host.lower()]


def _listen(address: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError if the port is taken."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # The protocol is named so that asyncio sets TCP_NODELAY: without it every answer waits 40 ms for an ACK.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address, port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening


def _config(desk: Desk) -> uvicorn.Config:
    return uvicorn.Config(
        portal_app(desk, served=True),
        http=_Protocol,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )


def prepare(
    contacts: int = 0,
    seed: int = 7,
    now: int | None = None,
    *,
    state: Path | None = None,
    load: Path | None = None,
    driven: bool = False,
    rows: Iterable[Row] | None = None,
) -> tuple[Account, Refused]:
    """An account ready to serve: opened as it was if the file has one, else made and filled."""
    account = Account(state, seed=seed, now=now, driven=driven)
    refused: Refused = []
    try:
        if account.fresh:
            refused = _fill(account, contacts, seed, load, rows)
    except BaseException:
        account.close()
        raise
    return account, refused


def _fill(
    account: Account, contacts: int, seed: int, load: Path | None, rows: Iterable[Row] | None
) -> Refused:
    if contacts:
        fill.populate(account, contacts, seed)
    refused = fill.load_csv(account, load) if load is not None else []
    if rows is not None:
        load_rows(account, rows)
    return refused


def start(
    contacts: int = 0,
    seed: int = 7,
    now: int | None = None,
    *,
    state: Path | None = None,
    load: Path | None = None,
    port: int = 0,
    host: str = HOST,
    driven: bool = False,
    rows: Iterable[Row] | None = None,
) -> Portal:
    """A running account on loopback, filled with a population, a CSV file, rows, or nothing.

    `now` (milliseconds) holds its clock; `driven` makes the limiters run on advances alone. With `state` the
    account is kept in that file; one that is already there is opened as it was, and nothing is loaded. Raises
    ValueError for a `host` that is not loopback.
    """
    bound(host)  # before a population is made for nothing
    account, refused = prepare(contacts, seed, now, state=state, load=load, driven=driven, rows=rows)
    return _portal(account, refused, port, host).start()


def serve(
    contacts: int = 0,
    seed: int = 7,
    now: int | None = None,
    *,
    state: Path | None = None,
    load: Path | None = None,
    port: int = 0,
    host: str = HOST,
    driven: bool = False,
    rows: Iterable[Row] | None = None,
    listening: Callable[[Portal], None] | None = None,
) -> None:
    """The same in the foreground until SIGINT or SIGTERM; `listening` is called once it can be reached."""
    bound(host)
    account, refused = prepare(contacts, seed, now, state=state, load=load, driven=driven, rows=rows)
    portal = _portal(account, refused, port, host)
    portal.run(listening)


def _portal(account: Account, refused: Refused, port: int, host: str) -> Portal:
    try:
        return Portal(account, refused, port, host)
    except BaseException:
        account.close()
        raise
