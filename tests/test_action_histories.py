"""Whatever happens, whenever we look and whatever breaks on the way: nobody is told anything twice, nor is a
thing left out. Random lives of a few contacts in a real account, synced at random moments.

What should have been told is worked out from the transitions alone; what was, account and receiver say.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from accounts import DAY, NOW, House, beside, contact, form, ours, submission
from hypothesis import example, given
from hypothesis import strategies as st
from random_lives import small_rules, subject, to_tell
from random_rules import profile
from webhook_receiver import Receiver, receiving

from connector import sandbox
from connector.errors import Retry
from connector.model import Secret
from connector.sandbox import Fault, Writer
from connector.sandbox.rows import Link, ListDef, Membership, Object, Owner, Row

IDS = (101, 102, 103)
NURTURING, OWNED = 1, 2
ROWS: tuple[Row, ...] = (
    *(contact(id, hubspot_owner_id="8" if id == 101 else "") for id in IDS),
    form("demo"),
    form("devis"),
    Owner(8, "olga@acme.fr", "Olga", "Petit"),
    ListDef(NURTURING, "Nurturing"),
    ListDef(OWNED, "Sales owned"),
    *(Membership(NURTURING, id, NOW - 20 * DAY) for id in IDS),
)
CRM = {"mql": "marketingqualifiedlead", "sql": "salesqualifiedlead"}
BREAKS = {  # what goes wrong with the next requests of a kind
    "task": Fault(method="POST", path="/objects/2026-03/tasks", cut="after"),
    "tasks": Fault(method="POST", path="/objects/2026-03/tasks", status=503, times=9),
    "list": Fault(path="/memberships/add", cut="after", times=9),
    "value": Fault(path="/contacts/batch/update", cut="after", times=9),
}
Act = tuple[Any, ...]


class World:
    """What happens in the account, and the runs that look at it."""

    def __init__(self, here: House, receiver: Receiver) -> None:
        self.here, self.portal, self.receiver = here, here.portal, receiver
        self.calls = 0

    async def do(self, act: Act) -> None:
        if act[0] == "syncs":
            await self.syncs()
        else:
            getattr(self, act[0])(*act[1:])

    async def syncs(self) -> None:
        said = {"OPS_URL": self.receiver.url, "OPS_SECRET": "s3cret"}
        with suppress(Retry):  # the CRM is away; the next run goes on
            await self.here.sync(variable=lambda name: Secret(said[name]))

    def sends(self, id: int, name: str) -> None:
        self.portal.happen([submission(name, f"c{id}@acme.fr", NOW - self.here.clock.now())])

    def answers(self, id: int, reason: str) -> None:
        self.portal.edit(id, {"reason": reason})

    def sets(self, id: int, stage: str, by: str) -> None:
        values: dict[str, str | None] = {"lifecyclestage": CRM.get(stage, stage)}
        if by == "person":
            self.portal.edit(id, values)
        else:
            self.portal.change(id, values, Writer("INTEGRATION", "Zapier"))

    def phones(self, id: int) -> None:
        self.calls += 1
        at = self.here.clock.now()
        values = {"hs_timestamp": str(at), "hs_call_direction": "OUTBOUND", "hs_call_disposition": ""}
        call = Object("calls", self.calls, {k: v for k, v in values.items() if v}, at, at)
        self.portal.load([call, Link("calls", self.calls, "contacts", id)])

    def chooses(self, id: int, status: str) -> None:
        self.portal.edit(id, {"hs_lead_status": status})

    def breaks(self, what: str) -> None:
        self.portal.faults([BREAKS[what]])

    def refuses(self, *statuses: int) -> None:
        self.receiver.answers = list(statuses)

    def waits(self, hours: int) -> None:
        self.portal.clear_faults()
        self.receiver.answers = []
        self.here.seconds(3600 * hours)


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    with TemporaryDirectory() as folder, receiving() as receiver:
        rules = small_rules(Path(folder))
        with sandbox.start(now=NOW, driven=True, rows=[*ours(rules), *ROWS]) as portal:
            portal.knobs(burst_limit=0, search_limit=0, associations_limit=0)
            async with beside(portal, rules, Path(folder) / "connector.db") as here:
                yield World(here, receiver)


async def live(acts: list[Act]) -> None:
    async with world() as here:
        for act in (("syncs",), *acts, ("waits", 1), ("syncs",), ("waits", 1), ("syncs",)):
            await here.do(act)
        check(here)


def check(here: World) -> None:
    rows = here.here.rows("SELECT contact_id, kind, key, new, state FROM outbox ORDER BY seq")
    once = Counter(
        (r["contact_id"], r["kind"], r["key"])
        for r in rows
        if r["kind"] in ("task", "webhook") and r["state"] != "dropped"
    )
    assert set(once.values()) <= {1}
    check_tasks(here, [row for row in rows if row["kind"] == "task"])
    check_webhooks(here, [row for row in rows if row["kind"] == "webhook"])
    check_lists(here, [row for row in rows if row["kind"] == "list"])
    moves = here.here.rows("SELECT * FROM transition ORDER BY contact_id, seq")
    for kind in ("task", "webhook"):
        told = {(row["contact_id"], *subject(row["key"])) for row in rows if row["kind"] == kind}
        assert told == set(to_tell(moves, DAY, kind)), kind


def check_tasks(here: World, rows: list[dict[str, Any]]) -> None:
    """Each once. One whose answer was lost is there too if it was withdrawn before anybody looked again."""
    there = markers(here)
    assert set(there.values()) <= {1}
    about = {f"{row['contact_id']} {row['key'].replace(':', ' ')}": row["state"] for row in rows}
    assert {key for key, state in about.items() if state == "sent"} <= set(there) <= set(about)


def markers(here: World) -> Counter[str]:
    """What each task in the account is about: contact, journey, stage."""
    records = here.portal.account.records
    bodies = [
        here.portal.record("tasks", one.id)["properties"]["hs_task_body"]
        for one in records.page("tasks", 0, 1000, archived=False)
    ]
    found = [re.search(r"\[connector \S+ ([^\]]*)\]", body) for body in bodies]
    return Counter(one[1] for one in found if one)


def check_webhooks(here: World, rows: list[dict[str, Any]]) -> None:
    """All of them arrived, whatever broke; a repetition says the same under the same key."""
    told = {(headers["Idempotency-Key"], body) for headers, body in here.receiver.posts}
    bodies = [orjson.loads(row["new"])["body"] for row in rows]
    assert {(body["id"], orjson.dumps(body)) for body in bodies} == told
    assert len({key for key, _ in told}) == len(bodies) == len(told)
    assert {row["state"] for row in rows} <= {"sent"}


def check_lists(here: World, rows: list[dict[str, Any]]) -> None:
    """As what was sent says; a step that was withdrawn may have been made."""
    moved = {int(row["contact_id"]) for row in rows if row["state"] == "sent"}
    perhaps = {int(row["contact_id"]) for row in rows}
    nurtured, owned = (
        {id for id, _ in here.portal.account.engagement.members(number, 0, 100)}
        for number in (NURTURING, OWNED)
    )
    assert moved <= owned <= perhaps
    assert moved <= set(IDS) - nurtured <= perhaps


who = st.sampled_from(IDS)
demo = st.tuples(st.just("sends"), who, st.just("demo"))
happenings = st.one_of(
    demo,
    demo,
    demo,
    st.tuples(st.just("sends"), who, st.just("devis")),
    st.tuples(st.just("answers"), who, st.sampled_from(["", "not_now", "competitor"])),
    st.tuples(
        st.just("sets"), who, st.sampled_from(["", "lead", "mql", "sql", "customer"]), st.just("person")
    ),
    st.tuples(st.just("sets"), who, st.sampled_from(["mql", "sql"]), st.just("app")),
    st.tuples(st.just("phones"), who),
    st.tuples(st.just("chooses"), who, st.sampled_from(["", "OPEN", "CONNECTED"])),
    st.tuples(st.just("breaks"), st.sampled_from(sorted(BREAKS))),
    st.tuples(st.just("refuses"), st.sampled_from([500, 0])),
)
waits = st.tuples(st.just("waits"), st.sampled_from([1, 5, 12, 26, 50, 75, 120]))
lives = st.lists(st.one_of(happenings, happenings, waits, st.just(("syncs",))), min_size=4, max_size=24)

MQL = [("sends", 101, "demo")] * 2


@profile(5)
@example([*MQL, ("syncs",), ("waits", 120), ("syncs",), ("waits", 120), ("syncs",), *MQL, *MQL, ("syncs",)])
@example([*MQL, ("breaks", "task"), ("refuses", 0), ("syncs",)])
@example([*MQL, ("breaks", "task"), ("syncs",), ("answers", 101, "not_now")])
@given(lives)
def test_nobody_is_told_twice_and_nobody_is_left_out(acts: list[Act]) -> None:
    asyncio.run(live(acts))


@pytest.mark.long
@profile(150)
@given(lives)
def test_nobody_is_told_twice_and_nobody_is_left_out_at_length(acts: list[Act]) -> None:
    asyncio.run(live(acts))


@pytest.mark.parametrize(("kept", "gone"), [(101, 102), (102, 101)])
async def test_who_was_handed_over_is_not_handed_over_again_when_merged(kept: int, gone: int) -> None:
    async with world() as here:
        for act in (("syncs",), ("sends", 101, "devis"), ("sends", 102, "demo"), ("waits", 1), ("syncs",)):
            await here.do(act)
        told = markers(here), len(here.receiver.posts)
        assert told == (Counter({"101 1 sql": 1, "101 1 sql chief": 1}), 1)
        merged = here.portal.merge(kept, gone)
        for act in (("waits", 1), ("syncs",), ("waits", 1), ("syncs",)):
            await here.do(act)
        assert (markers(here), len(here.receiver.posts)) == told
        assert here.here.held(merged, "lq_stage") == "sql"
