"""Webhooks: at least once each, always under the same key."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from connector import webhook
from connector.apply.sending import Sending, Sent, Verdict, held, later, sent
from connector.errors import Hold, Retry
from connector.hubspot.transport import together
from connector.store.outbox import Row

_AT_ONCE = 5


async def send_webhooks(s: Sending, rows: Sequence[Row], done: Sent) -> list[Verdict]:
    """What became of each row. An address that is silent or has enough is left alone in this run."""
    verdicts: list[Verdict] = []
    async with webhook.client() as http:
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            parts = await together(_send(s, http, row, done) for row in some)
            verdicts += [verdict for part in parts for verdict in part]
    return verdicts


async def _send(s: Sending, http: webhook.Client, row: Row, done: Sent) -> list[Verdict]:
    wanted = orjson.loads(row.new)
    url_from, secret_from = wanted["url_from"], wanted["secret_from"]
    url, secret = s.variable(url_from), s.variable(secret_from)
    if url is None or secret is None:
        missing = " and ".join(n for n, v in ((url_from, url), (secret_from, secret)) if v is None)
        return held([row], done, f"{missing} is not set: put it into .env, then `connector outbox retry`")
    if url_from in s.silent:
        return later([row], done, f"the address in {url_from} did not take more in this run")
    body, key = orjson.dumps(wanted["body"]), wanted["body"]["id"]
    try:
        await webhook.post(http, url_from, url, secret, key, body, s.t.clock.now())
    except Retry as error:
        s.silent.update({url_from} if webhook.overloaded(error) else ())
        return later([row], done, error)
    except Hold as error:
        return held([row], done, str(error))
    return sent([row], done)
