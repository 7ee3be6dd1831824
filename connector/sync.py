"""The whole way, once: pull, reconcile, signals, score, stage, plan, outbox, apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sqlite_utils import Database

from connector import signals
from connector.apply import Sending, Sent, need_properties, send, settle_in_flight
from connector.clock import Clock
from connector.decide import Accepted, accept, braked, preview
from connector.hubspot.transport import Transport
from connector.model import Secret
from connector.pull import Pulled, Pulling, pull
from connector.pull.histories import read_histories
from connector.reconcile import reconcile
from connector.rules.tree import Rules
from connector.store.plans import PlanRow


@dataclass(frozen=True, slots=True)
class Way:
    """What a run needs. `tick` is told step and count; `stop` is asked between batches; `variable` gives
    what the environment says under a name that a webhook gives."""

    t: Transport
    db: Database
    rules: Rules
    clock: Clock
    brake: float
    tick: Callable[[str, int], None] = lambda _step, _count: None
    stop: Callable[[], bool] = lambda: False
    variable: Callable[[str], Secret | None] = lambda _name: None

    def sending(self) -> Sending:
        tick = partial(self.tick, "apply")
        return Sending(self.t, self.db, self.rules, self.clock.now(), self.stop, tick, self.variable)


@dataclass(frozen=True, slots=True)
class Synced:
    """`accepted` and `sent` are None where the brake (`braked`) or a dry run stopped before."""

    pulled: Pulled
    plan: PlanRow
    braked: bool
    accepted: Accepted | None = None
    sent: Sent | None = None


async def sync(way: Way, *, dry_run: bool = False) -> Synced:
    """One sync. :raises ConnectorError: as the steps do; whatever happens, the next sync goes on from here."""
    now = way.clock.now()
    pulling = Pulling(way.t, way.db, way.rules, now, way.tick)
    pulled = await pull(pulling)
    await reconcile(pulling)
    need_properties(way.db, way.rules)
    if (await settle_in_flight(way.sending())).rows:
        await read_histories(pulling)
    signals.derive(way.db, way.rules.mapping, tick=lambda count: way.tick("signals", count))
    plan = preview(way.db, way.rules, now, tick=lambda count: way.tick("plan", count))
    if dry_run or braked(plan, way.brake):
        return Synced(pulled, plan, braked(plan, way.brake))
    return await apply(way, plan, pulled)


async def apply(way: Way, plan: PlanRow, pulled: Pulled) -> Synced:
    """Accepts a plan and sends what it decided, with whatever an earlier run left pending."""
    accepted = accept(way.db, plan, way.clock.now())
    sent = await send(way.sending())
    return Synced(pulled, plan, braked=False, accepted=accepted, sent=sent)
