"""The small account, over a socket, on a held and driven clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from oauth_app import Tokens, asking
from population_rows import CONTACTS
from population_rows import NOW as POPULATED
from small_account import NOW, small

from connector import sandbox
from connector.sandbox.population import populate
from connector.sandbox.rows import Row


@pytest.fixture
def portal() -> Iterator[sandbox.Portal]:
    """The small account over a socket; its clock stands at NOW and moves only when told."""
    with sandbox.start(now=NOW, driven=True, rows=small()) as running:
        running.knobs(burst_limit=0, search_limit=0, associations_limit=0)
        yield running


@pytest.fixture
def client(portal: sandbox.Portal) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {portal.token}"}
    with httpx.Client(base_url=portal.url, headers=headers) as speaking:
        yield speaking


@pytest.fixture
def web(portal: sandbox.Portal) -> Iterator[httpx.Client]:
    """A client without any token."""
    with httpx.Client(base_url=portal.url) as speaking:
        yield speaking


@pytest.fixture
def tokens(portal: sandbox.Portal, web: httpx.Client) -> Tokens:
    return asking(portal, web)


@pytest.fixture
def ask(client: httpx.Client) -> Callable[..., Any]:
    """`ask(method, path, json body)` -> (status, JSON)."""

    def asking(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        answer = client.request(method, path, json=body) if body is not None else client.request(method, path)
        return answer.status_code, answer.json() if answer.content else None

    return asking


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    """A population of CONTACTS."""
    return list(populate(CONTACTS, 7, POPULATED))
