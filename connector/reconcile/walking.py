"""Everything once a day, a slice at each sync: as much as is due since the walk began.

It reads what the search cannot tell: computed values, whose change moves no date; associations that were
made or taken away; records that are there and were never shown, or not there and never said to be gone.
Activities are asked for by the ids that are known of them. It goes on where it was stopped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from connector.errors import MissingScope, Refused
from connector.hubspot import objects
from connector.hubspot.engagement import ACTIVITIES, EngagementPage
from connector.model import DAY
from connector.pull import OBJECTS, Pulling
from connector.pull.events import store_events
from connector.pull.pages import store_page
from connector.pull.pulling import joined_with, properties_of
from connector.reconcile.counting import FORGOTTEN
from connector.reconcile.leaving import resolve, resolve_others
from connector.store import bookmarks, decisions, engagement, erasure, identity, outbox, presence
from connector.store.bookmarks import RECONCILIATION
from connector.store.identity import Gate
from connector.store.schema import write

PAGE = 100
STRANGERS = 1_000  # contacts of events, at a time
_BY_NAME = {one.name: one for one in ACTIVITIES}
State = dict[str, Any]  # started, step, after, done and total (pages), skipped: people who were forgotten


async def walk(p: Pulling) -> None:
    """The pages that are due."""
    state = bookmarks.get(p.db, RECONCILIATION).progress or _begun(p)
    while _due(state, p.now):
        following = await _step(p, state)
        if following is None:
            _end(p, state)
            return
        state = following
        p.tick(RECONCILIATION, 0)


def _begun(p: Pulling) -> State:
    """A walk begins when the one before has ended; the first one with the first load."""
    mark = bookmarks.get(p.db, RECONCILIATION)
    started = mark.value["ended"] if mark.value else p.now
    rows = sum(presence.count(p.db, name) for name in OBJECTS if properties_of(p.rules, name))
    rows += presence.count_events(p.db, tuple(_BY_NAME))
    state = {"started": started, "step": 0, "after": None, "done": 0, "skipped": 0}
    state |= {"total": rows // PAGE + len(STEPS)}
    with write(p.db):
        bookmarks.progress(p.db, RECONCILIATION, state)
    return state


def _due(state: State, now: int) -> bool:
    passed = min(1.0, (now - state["started"]) / DAY)
    return passed >= 1 or int(state["done"]) < int(state["total"] * passed)


async def _step(p: Pulling, state: State) -> State | None:
    """One page of the present step; None after the last."""
    if state["step"] >= len(STEPS):
        return None
    go, name = STEPS[state["step"]]
    try:
        following = await go(p, name, {**state, "done": state["done"] + 1})
    except MissingScope:  # this one cannot be read; the others can
        following = None
    except Refused:
        if state["after"] is None:
            raise
        following = _from_its_beginning(state)
    if following is None:
        following = {**state, "step": state["step"] + 1, "after": None, "done": state["done"] + 1}
    with write(p.db):
        bookmarks.progress(p.db, RECONCILIATION, following)
    return following


def _from_its_beginning(state: State) -> State | None:
    """Cursors age. One that is refused again is given up: what was not seen is asked for by id."""
    return None if state.get("again") == state["step"] else {**state, "after": None, "again": state["step"]}


def _end(p: Pulling, state: State) -> None:
    with write(p.db):
        found = identity.count_since(p.db, state["started"])
        value = {"started": state["started"], "ended": p.now, **found}
        bookmarks.set_fact(p.db, FORGOTTEN, state["skipped"])
        bookmarks.move(p.db, RECONCILIATION, value, p.now)


# -- the steps: each takes one page, and gives where it is then, or None when it is done ------------------


async def _list(p: Pulling, object_type: str, state: State) -> State | None:
    """A page of all there are, as the first load reads them."""
    wanted = properties_of(p.rules, object_type)
    if not wanted:
        return None
    joined = joined_with(p, object_type)
    page = await objects.list_page(p.t, object_type, wanted, state["after"], joined=joined)
    gate = Gate(p.db)
    skipped = sum(gate.is_erased(record.id) for record in page.records) if object_type == "contacts" else 0
    following = {**state, "after": page.after, "skipped": state["skipped"] + skipped}
    if page.after is None:
        following["step"] += 1
    store_page(p, object_type, page.records, page.links, RECONCILIATION, following)
    return following


async def _unseen(p: Pulling, object_type: str, state: State) -> State | None:
    """Records that no page had since the walk began: asked for by id."""
    if not properties_of(p.rules, object_type):
        return None
    ids = presence.unseen(p.db, object_type, state["started"], PAGE)
    if not ids:
        return None
    await (resolve(p, ids) if object_type == "contacts" else resolve_others(p, object_type, ids))
    return state


async def _activities(p: Pulling, source: str, state: State) -> State | None:
    """Whether those that are known are still there, and whose they are. What sales did once is not undone by
    it: a first touch stays with the hand-off."""
    ids = engagement.ids_after(p.db, source, state["after"] or "", PAGE)
    if not ids:
        return None
    told, missing = await _BY_NAME[source].again(p.t, ids)
    store_events(p, source, source, EngagementPage(told, None, None), {}, None)
    with write(p.db):
        gone = engagement.remove(p.db, source, sorted(missing))
        decisions.mark_dirty(p.db, [*gone, *engagement.unlink(p.db, told, p.now - outbox.JOINED)])
    return {**state, "after": ids[-1]}


async def _strangers(p: Pulling, _name: str, state: State) -> State | None:
    """Contacts of whom events were told and nothing else: one that was merged and erased before any page
    showed it, say."""
    ids, following = engagement.strangers(p.db, state["after"] or "", STRANGERS)
    if ids:
        await resolve(p, ids)
    return None if following is None else {**state, "after": following}


async def _departed(p: Pulling, _name: str, state: State) -> State | None:
    """Those in the bin: whether they are still there."""
    since = state.get("since", p.now)
    ids = erasure.departed(p.db, since, PAGE)
    if not ids:
        return None
    await resolve(p, ids)
    return {**state, "since": since}


Step = Callable[[Pulling, str, State], Awaitable[State | None]]
STEPS: tuple[tuple[Step, str], ...] = (
    *((step, name) for name in OBJECTS for step in (_list, _unseen)),
    *((_activities, name) for name in _BY_NAME),
    (_strangers, ""),
    (_departed, ""),
)
