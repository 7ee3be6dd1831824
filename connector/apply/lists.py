"""Steps onto lists and off them: harmless when they are made twice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import orjson

from connector.apply.sending import Sending, Sent, Verdict, held, later, sent
from connector.errors import MissingScope, Refused, Retry
from connector.hubspot.lists import ContactList, change_list, find_list
from connector.hubspot.transport import together
from connector.store.outbox import Row, State


async def send_lists(s: Sending, rows: Sequence[Row], done: Sent) -> list[Verdict]:
    """What became of each row; one request for all that make the same step."""
    in_order = sorted(rows, key=_step)
    steps = [(*step, list(some)) for step, some in groupby(in_order, key=_step)]
    parts = await together(_insisted(s, name, do, some, done) for name, do, some in steps)
    return [verdict for part in parts for verdict in part]


async def _insisted(s: Sending, name: str, do: str, rows: Sequence[Row], done: Sent) -> list[Verdict]:
    try:
        return await _send(s, name, do, rows, done)
    except Retry as error:
        return later(rows, done, error)
    except (Refused, MissingScope) as error:
        return held(rows, done, str(error))


def _step(row: Row) -> tuple[str, str]:
    return row.key, orjson.loads(row.new)["do"]


async def _send(s: Sending, name: str, do: str, rows: Sequence[Row], done: Sent) -> list[Verdict]:
    found = await _found(s, name)
    if found is None:
        return held(rows, done, f"the CRM has no list of contacts called {name!r}: make it, as a static list")
    if found.dynamic:
        return held(
            rows, done, f"the list {name!r} is dynamic: the CRM alone decides who is on it; name a static one"
        )
    missing = await change_list(
        s.t, found.id, "join" if do == "join" else "leave", [r.contact_id for r in rows]
    )
    gone = [row for row in rows if row.contact_id in missing]
    done.dropped |= {row.contact_id: "the contact is not in the CRM any more" for row in gone}
    verdicts = sent([row for row in rows if row.contact_id not in missing], done)
    return verdicts + [(row.seq, State.DROPPED, done.dropped[row.contact_id]) for row in gone]


async def _found(s: Sending, name: str) -> ContactList | None:
    if name not in s.lists:
        s.lists[name] = await find_list(s.t, name)
    return s.lists[name]
