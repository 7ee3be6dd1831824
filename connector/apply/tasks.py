"""Tasks, each made once: before one is made, the contact's tasks are read for its marker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from connector.apply.sending import Sending, Sent, Verdict, held, later, sent
from connector.errors import MissingScope, Refused, Retry
from connector.hubspot import objects
from connector.hubspot.transport import together
from connector.model import MINUTE, Document
from connector.store.outbox import Row

_AT_ONCE = 10
_CLOCKS = 10 * MINUTE  # so far may the CRM's clock be behind ours


async def send_tasks(s: Sending, rows: Sequence[Row], done: Sent) -> list[Verdict]:
    """What became of each row. A lost answer leaves it pending: a later run finds the task by its marker."""
    verdicts: list[Verdict] = []
    for some in _rounds(rows):
        try:
            there = await objects.tasks_of(s.t, [row.contact_id for row in some])
        except Retry as error:
            verdicts += later(some, done, error)
            continue
        except MissingScope as error:
            verdicts += held(some, done, str(error))
            continue
        parts = await together(_send(s, row, there[row.contact_id], done) for row in some)
        verdicts += [verdict for part in parts for verdict in part]
    return verdicts


def _rounds(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """A few at a time: what was read of the tasks there is fresh when the next one is made."""
    for start in range(0, len(rows), _AT_ONCE):
        yield list(rows[start : start + _AT_ONCE])


async def _send(s: Sending, row: Row, there: Sequence[objects.TaskSeen], done: Sent) -> list[Verdict]:
    wanted = orjson.loads(row.new)
    if any(_is_it(wanted, task) for task in there):
        return sent([row], done, "the task is there already")
    task = objects.Task(
        wanted["subject"], [*wanted["lines"], wanted["marker"]], wanted["due_at"], wanted["owner"]
    )
    try:
        await objects.create_task(s.t, row.contact_id, task)
    except Retry as error:
        return later([row], done, error)
    except (Refused, MissingScope) as error:
        return held([row], done, str(error))
    return sent([row], done)


def _is_it(wanted: Document, task: objects.TaskSeen) -> bool:
    """Whether a task is about the same: journeys are counted anew when the cache was lost, so one from
    before this journey began is another."""
    earlier = wanted["since"] is not None and (task.created_at or 0) < wanted["since"] - _CLOCKS
    return wanted["marker"] in task.body and not earlier
