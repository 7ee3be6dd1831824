"""hubspot-api-client at work for us: rare, typed calls of the account's set-up.

It blocks and knows no time limits by itself, so it runs in a thread, with time limits and with its own
retries off; token, budget, retries, counting and errors are the transport's (`Transport.lend`). Its answers
are read as JSON: its models refuse the nulls of the CRM's real ones (HUBSPOT.md 1.5, 3.2).
"""

from __future__ import annotations

import asyncio
import sys
from types import TracebackType
from typing import Any, Self

import httpx
import urllib3

from connector.hubspot.answers import Answer
from connector.hubspot.transport import Effect, Transport
from connector.model import Document, Secret

TIMEOUT = (10, 60)  # seconds: to connect, to read
_NO_CONNECTION = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)


class Official:
    """`async with Official(t) as crm`: connections are kept while it is open, and closed with it."""

    def __init__(self, t: Transport) -> None:
        self._t = t
        self._apis: dict[tuple[type, Secret], Any] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for api in self._apis.values():
            api.api_client.rest_client.pool_manager.clear()

    async def ask(
        self,
        asked: tuple[str, str],
        api: type,
        verb: str,
        *args: Any,
        effect: Effect = "read",
        **options: Any,
    ) -> Document:
        """One call of `verb` on one of its API classes; `asked` is its method and path, for messages.

        :raises ConnectorError: as Transport.call
        """

        async def exchange(token: Secret) -> Answer:
            made = self._api(api, token)
            return await asyncio.to_thread(_exchange, getattr(made, verb), args, options)

        return await self._t.lend(*asked, exchange, effect=effect)

    def _api(self, api: type, token: Secret) -> Any:
        """The API object for a token: made once, since each has connections of its own."""
        if (api, token) not in self._apis:
            package = sys.modules[api.__module__.rsplit(".api.", 1)[0]]
            configuration = package.Configuration(host=self._t.base_url)
            configuration.access_token = token.reveal()
            configuration.retries = False
            self._apis[api, token] = api(package.ApiClient(configuration=configuration))
        return self._apis[api, token]


def _exchange(verb: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Answer:
    """The call, in a thread; failures of the connection as httpx names them."""
    try:
        answer = verb(*args, **options, _preload_content=False, _request_timeout=TIMEOUT)
        return Answer(answer.status, _lower(answer.headers), answer.data)
    except _NO_CONNECTION as error:
        raise httpx.ConnectError(str(error)) from error
    except urllib3.exceptions.HTTPError as error:
        raise httpx.ReadError(str(error)) from error
    except (AttributeError, UnicodeDecodeError) as error:
        # it decodes the bodies of errors by itself: none at all after a failed TLS handshake, or not UTF-8
        raise httpx.ReadError("an answer that is not text") from error
    except Exception as error:  # every API package has an ApiException class of its own
        status = getattr(error, "status", None)
        if not status:
            raise
        answer = Answer(status, _lower(getattr(error, "headers", None)), _bytes(getattr(error, "body", None)))
    return answer


def _lower(headers: Any) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in (headers or {}).items()}


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""
