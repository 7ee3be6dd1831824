"""A signed POST: what an answer means, where nothing is posted to, and that nothing secret is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from webhook_receiver import Receiver, receiving

from connector import webhook
from connector.errors import Hold, Refused, ServerFault, Unreachable
from connector.model import Secret

NOW = 1_794_819_600_123


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


async def posted(url: str, times: int = 1) -> None:
    async with webhook.client() as http:
        for _ in range(times):
            await webhook.post(http, "OPS_URL", Secret(url), Secret("s3cret"), "key-1", b'{"a": 1}', NOW)


async def test_it_carries_key_time_and_signature(receiver: Receiver) -> None:
    await posted(receiver.url)
    [(headers, body)] = receiver.posts
    assert body == b'{"a": 1}'
    assert headers["Idempotency-Key"] == "key-1"
    assert headers["X-Connector-Timestamp"] == "1794819600"
    # echo -n '1794819600.{"a": 1}' | openssl dgst -sha256 -hmac s3cret
    said = "35c6b552c85e61e8c16b0bcce67bf0889733340df885ac6b27fa80a7433f49f2"
    assert headers["X-Connector-Signature"] == f"v1={said}"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_any_success_will_do(receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    await posted(receiver.url)
    assert len(receiver.posts) == 1


@pytest.mark.parametrize(
    ("status", "error", "overloaded"),
    [
        (500, ServerFault, False),
        (503, ServerFault, True),
        (408, ServerFault, False),
        (409, ServerFault, False),
        (425, ServerFault, False),
        (429, ServerFault, True),
        (0, Unreachable, True),
    ],
)
async def test_what_may_go_through_later(
    receiver: Receiver, status: int, error: type[ServerFault], overloaded: bool
) -> None:
    receiver.answers = [status]
    with pytest.raises(error) as no:
        await posted(receiver.url)
    assert webhook.overloaded(no.value) is overloaded
    assert "hidden" not in str(no.value)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 410, 422])
async def test_what_will_not_change_by_itself(receiver: Receiver, status: int) -> None:
    """A redirect is not followed: the contact's data would go elsewhere."""
    receiver.answers = [status]
    with pytest.raises(Refused, match=f"OPS_URL answered {status}"):
        await posted(receiver.url)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.acme.fr/hidden",
        "http://127.0.0.1.acme.fr/hidden",
        "http://127.0.0.1@acme.fr/hidden",
        "ftp://hidden",
        "hidden",
        "https://[hidden",
        "https:///hidden",
    ],
)
async def test_an_address_that_is_none_or_unsafe_is_not_posted_to(url: str) -> None:
    with pytest.raises(Hold, match="OPS_URL holds no address that begins with https://") as no:
        await posted(url)
    assert "hidden" not in str(no.value)


async def test_nobody_there(receiver: Receiver) -> None:
    with pytest.raises(Unreachable) as no:
        await posted("http://127.0.0.1:1/hidden")
    assert str(no.value) == "the address in OPS_URL did not answer (ConnectError)"
    assert receiver.posts == []


async def test_plain_http_goes_past_the_environments_proxy(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    await posted(receiver.url)
    assert len(receiver.posts) == 1
