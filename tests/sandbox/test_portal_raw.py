"""Raw bytes over a socket: every answer is HTTP, none a failure of the sandbox, which serves on."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random
from typing import Any

import httpx
import orjson
import pytest
from consistency import complaints
from small_account import BOB, NOW, small

from connector import sandbox

CONTACTS = "/crm/v3/objects/contacts"
Say = Callable[..., bytes]


@pytest.fixture(scope="module")
def portal() -> Iterator[sandbox.Portal]:
    """One account for all of these: what one request does must not keep the next from being served."""
    with sandbox.start(now=NOW, driven=True, rows=small()) as running:
        running.knobs(burst_limit=0, search_limit=0, associations_limit=0)
        yield running


@pytest.fixture
def say(portal: sandbox.Portal) -> Say:
    """`say(bytes)` sends them, ends its half, and gives everything that came back."""

    def saying(data: bytes) -> bytes:
        came = b""
        with socket.create_connection(("127.0.0.1", portal.port), timeout=20) as raw:
            with suppress(OSError):  # it may have hung up already
                raw.sendall(data)
                raw.shutdown(socket.SHUT_WR)
            with suppress(ConnectionError):
                while part := raw.recv(65_536):
                    came += part
        return came

    return saying


def _request(portal: sandbox.Portal, method: str, path: bytes, head: bytes = b"", body: bytes = b"") -> bytes:
    first = method.encode() + b" " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    bearer = f"Authorization: Bearer {portal.token}\r\n".encode()
    if body and b"ransfer" not in head:
        head += b"Content-Length: %d\r\n" % len(body)
    return first + bearer + head + b"\r\n" + body


def _status(came: bytes) -> int:
    assert came.startswith(b"HTTP/1.1 "), came[:100]
    return int(came[9:12])


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "BREW"])
def test_a_method_that_no_path_has(portal: sandbox.Portal, say: Say, method: str) -> None:
    came = say(_request(portal, method, CONTACTS.encode()))
    assert _status(came) == 405 and b"allow: GET, POST\r\n" in came
    assert came.endswith(b"\r\n\r\n") is (method == "HEAD")
    assert portal.journal()[-1]["method"] == method


PATHS = [
    (b"/", 501),
    (b"//", 501),
    (b"//crm/v3/objects/contacts", 501),
    (b"/crm/v3/objects//contacts", 501),
    (b"/crm/../crm/v3/objects/contacts", 501),
    (b"*", 501),
    (b"http://localhost/crm/v3/owners", 501),
    (b"/crm/v3/objects/contacts/..", 404),
    (b"/crm/v3/objects/contacts/a%2fb", 404),
    (b"/crm/v3/objects/contacts/%00", 404),
    (b"/crm/v3/objects/contacts/%c0%af", 404),
    (b"/crm/v3/objects/contacts/%ED%A0%80", 404),
    (b"/crm/v3/objects/contacts/%zz%", 404),
    (b"/crm/v3/objects/contacts/" + b"9" * 5_000, 404),
    (b"/crm/v3/objects/contacts/\xff", 400),
    (b"/crm/v3/objects/contacts?limit=" + b"9" * 5_000, 400),
    (b"/crm/v3/objects/contacts?limit=--5", 400),
    (b"/crm/v3/objects/contacts?limit=%C2%B2", 400),
    (b"/crm/v3/objects/contacts?%", 501),
    (b"/crm/v3/objects/contacts?limit=1&%ff=%ff", 501),
    (b"/crm/v3/objects/contacts?&&&limit=1&&", 200),
    (b"/crm/v3/objects/contacts///?limit=1#x", 400),
    (b"/" + b"a" * 100_000, 414),
    (b"/" + b"a" * 3_000_000, 400),
    (b"/__sandbox__/..", 404),
    (b"/__sandbox__/record/contacts/%00", 400),
]


@pytest.mark.parametrize(("path", "status"), PATHS, ids=lambda value: str(value)[:40])
def test_an_absurd_path(portal: sandbox.Portal, say: Say, path: bytes, status: int) -> None:
    assert _status(say(_request(portal, "GET", path))) == status


NO_HTTP = [
    b"\x16\x03\x01\x02\x00\x01\x00",  # TLS
    b"\r\n\r\n",
    b"GET /\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",  # no host
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n",
]


@pytest.mark.parametrize("data", NO_HTTP, ids=lambda data: repr(data)[:40])
def test_what_is_no_http_is_told_so(say: Say, data: bytes) -> None:
    assert _status(say(data)) == 400


def test_rubbish_after_a_request_ends_the_connection(portal: sandbox.Portal, say: Say) -> None:
    good = _request(portal, "GET", b"/crm/v3/owners").replace(b"Connection: close\r\n", b"")
    assert _status(say(good + b"\x00\x01rubbish\r\n\r\n")) == 200
    assert say(good + good + b"\r\n").count(b"HTTP/1.1 200") == 2  # two at once are answered in turn


def test_absurd_headers(portal: sandbox.Portal, say: Say) -> None:
    for head in (
        b"X: " + b"y" * 100_000 + b"\r\n",
        b"Authorization: Basic eDp5\r\n",
        b"Cookie: \xff\xfe\r\n",
    ):
        came = say(_request(portal, "GET", b"/crm/v3/owners", head))
        assert _status(came) == (401 if head.startswith(b"Authorization") else 200)
    for name in (b"Bearer", b"Bearer \xc3\xa9", b"bearer  " + b"x" * 10_000, b""):
        data = b"GET /crm/v3/owners HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: "
        assert _status(say(data + name + b"\r\n\r\n")) == 401


BODIES: list[tuple[bytes, int]] = [
    (b"NaN", 400),
    (b'{"properties":{"fax":NaN}}', 400),
    (b'{"properties":{"fax":1e400}}', 400),
    (b'{"properties":{"fax":' + b"9" * 400 + b"}}", 400),
    (b'{"properties":{"annualrevenue":1e308}}', 201),
    (b'{"properties":{"fax":123456789012345678901234567890}}', 201),
    (b'{"properties":{"fax":"1","fax":"2"}}', 201),  # the last counts, as with HubSpot's reader
    (b'{"properties":{"fax":"a\\u0000b"}}', 201),
    (b"[" * 100_000, 400),
    (b'{"a":' * 100_000, 400),
    (b'{"properties":{"fax":' + b"[" * 100_000 + b"]" * 100_000 + b"}}", 400),
    (b'{"properties":{"fax":"\\ud800"}}', 400),
    (b'{"properties":{"fax":"\xff"}}', 400),
    (b"\xef\xbb\xbf{}", 400),
    ('{"properties":{}}'.encode("utf-16"), 400),
    (b"", 400),
    (b"null", 400),
    (b"{} {}", 400),
    (b"\x00", 400),
    (b'{"properties":{"fax":{}}}', 400),
    (b'{"properties":[]}', 400),
    (b'{"properties":{"":""}}', 400),
]


@pytest.mark.parametrize(("body", "status"), BODIES, ids=lambda value: repr(value)[:40])
def test_a_body_that_is_no_good(portal: sandbox.Portal, body: bytes, status: int) -> None:
    headers = {"Authorization": f"Bearer {portal.token}", "Content-Type": "application/json"}
    for method, path in (
        ("POST", CONTACTS),
        ("POST", f"{CONTACTS}/batch/update"),
        ("PATCH", f"{CONTACTS}/{BOB}"),
    ):
        answer = httpx.request(method, portal.url + path, content=body, headers=headers)
        assert answer.status_code == status or path != CONTACTS
        assert answer.status_code < 500 or answer.status_code == 501
        assert answer.json()["correlationId" if answer.status_code >= 400 else "id"]


def test_chunks_are_read_like_any_body(portal: sandbox.Portal, say: Say) -> None:
    head = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    chunks = b'5;x=y\r\n{"pro\r\n10\r\nperties":{"fax":\r\n5\r\n"7"}}\r\n0\r\nTrailer: x\r\n\r\n'
    came = say(_request(portal, "PATCH", f"{CONTACTS}/{BOB}".encode(), head, chunks))
    assert _status(came) == 200 and portal.record("contacts", BOB)["properties"]["fax"] == "7"


def test_a_client_that_hangs_up_in_the_middle_of_a_body_has_asked_nothing(
    portal: sandbox.Portal, say: Say
) -> None:
    before = len(portal.journal()), portal.record("contacts", BOB)
    head = b"Content-Type: application/json\r\nContent-Length: 500\r\n"
    data = _request(portal, "PATCH", f"{CONTACTS}/{BOB}".encode(), head)
    assert say(data + b'{"properties":{"fax":"8"}}') == b""
    assert (len(portal.journal()), portal.record("contacts", BOB)) == before


def test_a_body_over_the_cap_is_refused_before_it_is_read(portal: sandbox.Portal, say: Say) -> None:
    head = b"Content-Type: application/json\r\n"
    declared = _request(portal, "POST", CONTACTS.encode(), head + b"Content-Length: 50000000\r\n")
    assert _status(say(declared + b"{")) == 413
    endless = _request(portal, "POST", CONTACTS.encode(), head + b"Transfer-Encoding: chunked\r\n")
    with socket.create_connection(("127.0.0.1", portal.port), timeout=20) as raw:
        raw.sendall(endless)
        for _ in range(21):
            raw.sendall(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
        assert raw.recv(12) == b"HTTP/1.1 413"
    headers = {"Authorization": f"Bearer {portal.token}", "Content-Type": "application/json"}
    answer = httpx.post(portal.url + CONTACTS, content=b"x" * 25_000_000, headers=headers)
    assert answer.status_code == 413
    assert all(len(one["body"] or "") < 20_000_000 for one in portal.journal(bodies=True)[-3:])


def test_a_name_that_somebody_pointed_at_loopback_is_refused(portal: sandbox.Portal) -> None:
    """A page in a browser must reach neither the account nor its controls through a name of its own."""
    before = portal.state()
    for host in ("evil.example", f"evil.example:{portal.port}", "127.0.0.1.evil.example", "localhost.evil"):
        for path in ("/crm/v3/owners", "/__sandbox__/state"):
            answer = httpx.get(portal.url + path, headers={"Host": host})
            assert answer.status_code == 421
            assert answer.json()["message"].startswith("The sandbox answers for this machine only")
    assert portal.state() == before
    for host in ("localhost", f"LOCALHOST:{portal.port}", "127.0.0.1:1", "[::1]:99", "api.hubapi.com"):
        assert httpx.get(f"{portal.url}/crm/v3/owners", headers={"Host": host}).status_code == 401


def test_hundreds_of_spoilt_requests_over_the_socket(portal: sandbox.Portal, say: Say) -> None:
    rng = Random(11)
    body = orjson.dumps({"inputs": [{"id": str(BOB), "properties": {"fax": "1"}}]})
    head = b"Content-Type: application/json\r\n"
    good = [
        _request(portal, "GET", b"/crm/v3/objects/contacts?limit=2&properties=email"),
        _request(portal, "POST", f"{CONTACTS}/batch/update".encode(), head, body),
        _request(portal, "POST", f"{CONTACTS}/search".encode(), head, b'{"filterGroups":[],"limit":2}'),
        _request(
            portal, "PATCH", f"/crm/objects/2026-09/contacts/{BOB}".encode(), head, b'{"properties":{}}'
        ),
    ]
    statuses = set()
    for _ in range(400):
        came = say(_spoilt(rng, rng.choice(good)))
        if came:  # some of them wait for more, and are hung up on
            statuses.add(_status(came))
    assert statuses <= {200, 207, 400, 401, 404, 405, 413, 415, 421, 501}, statuses
    assert {200, 400, 401} <= statuses
    assert complaints(portal.account.db.con) == []


def _spoilt(rng: Random, data: bytes) -> bytes:
    """A few bytes changed, cut out, doubled or put in."""
    spoilt = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at, long = rng.randrange(len(spoilt)), rng.randrange(1, 9)
        change: Any = [rng.randbytes(long), b"", bytes(spoilt[at : at + long]) * 2, b"\r\n", b"\x00"]
        spoilt[at : at + rng.choice([0, 1, long])] = rng.choice(change)
    return bytes(spoilt)


@pytest.mark.parametrize("host", ["0.0.0.0", "", "192.0.2.1", "::", "localhost.evil"])
def test_it_is_not_started_for_others_than_this_machine(host: str) -> None:
    with pytest.raises(ValueError, match="it listens on loopback only"):
        sandbox.start(host=host, contacts=1_000_000)  # nobody is made for an account that is not served
