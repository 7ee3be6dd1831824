"""The cache is disposable: deleted at any moment and built anew from the CRM, it changes nothing there. Not a
value, not a task, not a place on a list. A population with its engagement, and what may happen to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from accounts import NOW, House, form, house, submission
from hypothesis import example, given
from hypothesis import strategies as st
from random_rules import profile

from connector.pull import pull
from connector.sandbox import Writer
from connector.sandbox.rows import Link, ListDef, Membership, Object, Row, WebEvent
from connector.store.schema import open_store

CONTACTS = 40
CRM = ("marketingqualifiedlead", "salesqualifiedlead")
FORMS = ("newsletter", "demo-download", "devis")
LISTS = (ListDef(901, "Nurturing"), ListDef(902, "Sales owned"))
READS = ("/search", "/batch/read")  # what is asked by POST
Act = tuple[Any, ...]


class World:
    """An account that lives, and the cache beside it."""

    def __init__(self, here: House, folder: Path) -> None:
        self.here, self.portal, self._folder = here, here.portal, folder
        records = self.portal.account.records.page("contacts", 0, CONTACTS, archived=False)
        self._ids = [record.id for record in records]
        self._made = 0

    async def do(self, act: Act) -> None:
        if act[0] in ("buys", "is_moved") or "lifecyclestage" in act:
            # a stage that came back before anybody looked was unseen, and a new cache sees it
            self.here.seconds(1)
            await self.syncs()
        done = getattr(self, act[0])(*act[1:])
        if done is not None:
            await done

    async def syncs(self) -> None:
        await self.here.sync()

    async def loses(self) -> None:
        """The file is deleted once everything is said; whatever a new one says is too much."""
        for _ in range(3):
            await self.here.sync()
            if not self.said():
                break
        else:
            raise AssertionError("it never falls silent")
        self.here.db.close()
        self._made += 1
        self.here.db = open_store(self._folder / f"again{self._made}.db")
        await pull(self.here.pulling(), full=True)
        done = await self.here.apply(self.here.plan())
        assert self.said() == [], done.plan.summary
        await self.here.sync()
        assert self.said() == [], "the sync after it"

    def said(self) -> list[Any]:
        """Requests that changed something, since this was last asked."""
        return [
            (one["path"], one["body"])
            for one in self.here.requests()
            if one["method"] != "GET" and not one["path"].endswith(READS)
        ]

    # -- what happens ----------------------------------------------------------------------------------

    def waits(self, hours: int) -> None:
        self.here.seconds(3600 * hours)

    def sends(self, n: int, name: str) -> None:
        address = self._contact(n).get("email")
        if address:
            self.portal.happen([submission(name, address, NOW - self._now)])

    def looks(self, n: int) -> None:
        """At the prices."""
        seen = {"hs_url": "https://acme.fr/tarifs/pro", "hs_path": "/tarifs/pro"}
        self.portal.happen([WebEvent(f"seen-{self._next()}", self._id(n), "e_visited_page", self._now, seen)])

    def is_told(self, n: int, name: str, value: str) -> None:
        """A person fills a property in."""
        self.portal.edit(self._id(n), {name: value})

    def is_moved(self, n: int, stage: str) -> None:
        self.portal.change(self._id(n), {"lifecyclestage": stage}, Writer("INTEGRATION", "Zapier"))

    def phones(self, n: int) -> None:
        id, at = self._next(), self._now
        call = Object("calls", id, {"hs_timestamp": str(at), "hs_call_direction": "OUTBOUND"}, at, at)
        self.portal.load([call, Link("calls", id, "contacts", self._id(n))])

    def buys(self, n: int, stage: str) -> None:
        """A deal is made."""
        values = {"dealname": "Pro", "dealstage": stage, "amount": "900", "pipeline": "default"}
        self.portal.create("deals", values, links=[("contacts", self._id(n))])

    def is_merged(self, n: int, other: int) -> None:
        """Two of them turn out to be one."""
        if self._id(n) != self._id(other):
            self.portal.merge(self._id(n), self._id(other))

    def comes(self) -> None:
        """Somebody new; from now on things happen to them too."""
        self._ids[0] = self.portal.create("contacts", {"email": f"neu{self._next()}@acme.fr"})

    def is_nurtured(self, n: int) -> None:
        self.portal.load([Membership(901, self._id(n), self._now)])

    def _id(self, n: int) -> int:
        """Of whom it is now, if they were merged."""
        return self.portal.account.records.canonical("contacts", self._ids[n])

    @property
    def _now(self) -> int:
        return self.here.clock.now()

    def _next(self) -> int:
        self._made += 1
        return 990_000_000 + self._made

    def _contact(self, n: int) -> dict[str, str]:
        found: dict[str, str] = self.portal.record("contacts", self._id(n))["properties"]
        return found


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    rows: list[Row] = [*(form(name) for name in FORMS), *LISTS]
    with TemporaryDirectory() as folder:
        async with house(Path(folder), rows, contacts=CONTACTS) as here:
            yield World(here, Path(folder))


async def live(acts: list[Act]) -> None:
    async with world() as here:
        await here.syncs()
        for act in acts:
            await here.do(act)
        await here.loses()


some = st.integers(0, CONTACTS - 1)
few = st.integers(0, 2)  # so that more than one thing happens to somebody
EDITS = (
    *(("lifecyclestage", stage) for stage in ("", "lead", *CRM, "customer")),
    *(("sales_rejection_reason", reason) for reason in ("", "not_now", "competitor")),
    *(("hs_persona", persona) for persona in ("", "decision_maker")),
    *((f"bant_{what}_confirmed", "true") for what in ("budget", "authority", "need")),
    ("bant_timing", "2027-01-15"),
    ("lq_stage", "mql"),
    ("lq_score", "999"),
    ("hs_lead_status", "CONNECTED"),
)
edit = st.tuples(few, st.sampled_from(EDITS)).map(lambda one: ("is_told", one[0], *one[1]))
happenings = st.one_of(
    st.tuples(st.just("sends"), few | some, st.sampled_from(FORMS)),
    st.tuples(st.just("sends"), few, st.sampled_from(FORMS)),
    st.tuples(st.just("looks"), few | some),
    edit,
    edit,
    st.tuples(st.just("is_moved"), few, st.sampled_from(CRM)),
    st.tuples(st.just("phones"), few),
    st.tuples(st.just("buys"), few, st.sampled_from(["appointmentscheduled", "closedwon", "closedlost"])),
    st.tuples(st.just("is_nurtured"), few),
    st.tuples(st.just("is_merged"), few, some),
    st.just(("comes",)),
)
waits = st.tuples(st.just("waits"), st.sampled_from([1, 5, 26, 24 * 7, 24 * 15, 24 * 40]))
runs = st.sampled_from([("syncs",), ("syncs",), ("loses",)])
steps = st.one_of(happenings, happenings, waits, runs, runs)
lives = st.lists(steps, min_size=8, max_size=24)

SOLD = [("sends", 0, "devis"), ("syncs",), ("is_told", 0, "sales_rejection_reason", "not_now"), ("syncs",)]


@profile(3)
@example([*SOLD, ("loses",), ("waits", 24 * 40), ("sends", 0, "devis"), ("syncs",), ("loses",)])
@given(lives)
def test_a_cache_that_is_built_anew_writes_nothing(acts: list[Act]) -> None:
    asyncio.run(live(acts))


@pytest.mark.long
@profile(80)
@given(lives)
def test_a_cache_that_is_built_anew_writes_nothing_at_length(acts: list[Act]) -> None:
    asyncio.run(live(acts))
