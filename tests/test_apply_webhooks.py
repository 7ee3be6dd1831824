"""Webhooks that a stage leads to: told at least once, signed, under one key."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from accounts import contact, house
from action_house import HOOK, ROWS, asks_for_a_quote, known, retried, states, subscribes, synced
from webhook_receiver import Receiver, receiving

from connector.model import Secret


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def telling(receiver: Receiver, **more: str) -> dict[str, Any]:
    """A way with the address and the secret in its environment."""
    said = {"OPS_URL": receiver.url, "OPS_SECRET": "s3cret", **more}
    return {"variable": lambda name: Secret(said[name]) if said.get(name) else None}


async def test_a_webhook_says_what_happened_and_is_signed(tmp_path: Path, receiver: Receiver) -> None:
    async with house(tmp_path, ROWS, edits=HOOK) as here:
        await known(here)
        subscribes(here, 101)
        done = await synced(here, **telling(receiver))
        [(headers, body)], [told] = receiver.posts, receiver.bodies
        assert done.actions == 1
        assert told == {
            "id": told["id"],
            "contact": "101",
            "stage": "lead",
            "from": "contact",
            "score": 0,
            "why": told["why"],
            "effective_at": "2026-11-16T09:00:01Z",
            "rules": here.rules.hash,
        }
        assert "newsletter" in told["why"]
        assert headers["Idempotency-Key"] == told["id"]
        stamp = headers["X-Connector-Timestamp"]
        wanted = hmac.new(b"s3cret", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        assert headers["X-Connector-Signature"] == f"v1={wanted}"
        assert int(stamp) == here.clock.now() // 1000


@pytest.mark.parametrize("status", [500, 0])
async def test_until_it_is_taken_it_is_told_again_under_the_same_key(
    tmp_path: Path, receiver: Receiver, status: int
) -> None:
    async with house(tmp_path, ROWS, edits=HOOK) as here:
        await known(here)
        subscribes(here, 101)
        receiver.answers = [status, status]
        for _ in range(2):
            assert set((await synced(here, **telling(receiver))).waiting) == {"101"}
        assert here.held(101, "lq_stage") == "lead"
        assert (await synced(here, **telling(receiver))).actions == 1
        assert len({headers["Idempotency-Key"] for headers, _ in receiver.posts}) == 1
        assert len({body for _, body in receiver.posts}) == 1
        await synced(here, **telling(receiver))
        assert len(receiver.posts) == 3


async def test_a_no_waits_for_a_person(tmp_path: Path, receiver: Receiver) -> None:
    async with house(tmp_path, ROWS, edits=HOOK) as here:
        await known(here)
        subscribes(here, 101)
        receiver.answers = [410]
        done = await synced(here, **telling(receiver))
        assert done.held == {"101": "the address in OPS_URL answered 410"}
        await synced(here, **telling(receiver))
        assert len(receiver.posts) == 1
        retried(here)
        await synced(here, **telling(receiver))
        assert states(here, "webhook") == [("101", "sent")]


async def test_variables_that_are_missing_are_named_and_the_rest_goes_on(
    tmp_path: Path, receiver: Receiver
) -> None:
    async with house(tmp_path, ROWS, edits=HOOK) as here:
        await known(here)
        subscribes(here, 101)
        done = await synced(here)
        assert "OPS_URL and OPS_SECRET is not set" in done.held["101"]
        assert here.held(101, "lq_stage") == "lead"
        retried(here)
        done = await synced(here, **telling(receiver, OPS_SECRET=""))
        assert "OPS_SECRET is not set" in done.held["101"]
        assert receiver.posts == []


async def test_an_address_that_is_silent_is_not_asked_for_each_contact(
    tmp_path: Path, receiver: Receiver
) -> None:
    rows = [*ROWS, *(contact(200 + n) for n in range(12))]
    async with house(tmp_path, rows, edits=HOOK) as here:
        await known(here)
        subscribes(here, *range(200, 212))
        receiver.answers = [0] * 20
        done = await synced(here, **telling(receiver))
        assert len(done.waiting) == 12
        assert len(receiver.posts) == 5  # those that were on their way together


async def test_no_secret_and_no_address_is_kept_anywhere(tmp_path: Path, receiver: Receiver) -> None:
    async with house(tmp_path, ROWS, edits=HOOK) as here:
        await known(here)
        for number, answer in enumerate((0, 500, 404), start=101):
            subscribes(here, number) if number < 103 else asks_for_a_quote(here, 101)
            receiver.answers = [answer]
            done = await synced(here, **telling(receiver))
            assert "hidden" not in repr(done)
        assert "hidden" not in repr(here.tables())
        assert "s3cret" not in repr(here.tables())
