"""pull: what changed in the CRM, into the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.cli.door import Door, verb
from connector.cli.walk import walk
from connector.model import Document
from connector.views import Result

if TYPE_CHECKING:
    from connector.pull import Pulled
    from connector.sync import Way


@verb("pull")
def pull(door: Door) -> Result:
    """Read what changed in the CRM since the last time."""
    return walk(door, lambda way: _pull(door, way))


async def _pull(door: Door, way: Way) -> Result:
    from connector import signals
    from connector.pull import Pulling
    from connector.pull import pull as pulling
    from connector.reconcile import reconcile

    began = way.clock.monotonic()
    p = Pulling(way.t, way.db, way.rules, way.clock.now(), way.tick)
    found = await pulling(p)
    await reconcile(p)
    judged = signals.derive(way.db, way.rules.mapping, tick=lambda count: way.tick("signals", count))
    summary = {
        **pulled(found),
        "signals": judged,
        "requests": way.t.requests,
        "seconds": way.clock.monotonic() - began,
    }
    return Result(door.verb, summary=summary, items=by_source(found))


def pulled(found: Pulled) -> Document:
    return {
        "seen": sum(found.seen.values()),
        "changed": sum(found.changed.values()),
        "absent": dict(found.absent),
    }


def by_source(found: Pulled) -> list[Document]:
    return [
        {"source": name, "seen": number, "changed": found.changed.get(name, 0)}
        for name, number in found.seen.items()
        if number
    ]
