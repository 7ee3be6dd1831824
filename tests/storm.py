"""A storm over a small account: everything that people, other tools and a bad network do, at random, while
syncs run. What must come of it is asked of the account itself (`storm_oracle`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
from accounts import DAY, NOW, House, ours, rules_in
from storm_account import (
    CALM,
    EDITS,
    FAIR,
    FAULTS,
    FORMS,
    IN_CRM,
    KNOBS,
    PLACES,
    SCHEMA,
    STAGES,
    UPDATE,
    account,
)
from storm_links import JOINED, associate, dissociate
from storm_way import Gusts, Steady

from connector import sandbox
from connector.errors import Retry, Stop
from connector.hubspot.transport import Transport
from connector.model import Secret
from connector.rules.tree import Rules
from connector.sandbox import Fault, Portal, Writer
from connector.sandbox.rows import EmailEvent, Membership, Submission, WebEvent
from connector.settings import OAuthApp
from connector.store import outbox, records
from connector.store.schema import open_store, write

PERSON = Writer("CRM_UI", "userId:1", 1)


@dataclass
class Storm:
    """What happens to the account, and what of it the account does not remember by itself: who was erased
    (`gone`: texts that name them), who was merged, and where in the journal people wrote what."""

    portal: Portal
    dice: Random
    clock: Steady
    strength: float = 0.0  # of each request: how likely something happens before it
    gone: set[str] = field(default_factory=set)
    merged: set[int] = field(default_factory=set)
    written: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    set_back: dict[int, int] = field(default_factory=dict)  # contact -> when a person did
    told: list[str] = field(default_factory=list)
    unmet: set[int] = field(default_factory=set)  # in the bin before the cache met them
    stepped: dict[int, int] = field(default_factory=dict)  # contact -> when anybody last set it back
    known: Callable[[], set[int]] = set  # whom the cache has met
    seen: Callable[[int], str | None] = lambda _: None  # the CRM's stage of a contact, as the cache has it
    trouble: list[list[Any]] = field(default_factory=list)
    count: int = 0
    app: OAuthApp | None = None  # an app whose tokens end and are renewed, instead of a service key
    listen: Callable[[httpx.Request], None] = lambda _: None  # told of each request

    def gust(self, request: httpx.Request) -> None:
        """A moment passes with each request. Nobody can see what happens in the very moment of a write."""
        self.clock.advance(0.02)
        self.listen(request)
        self.strike(request)
        if self.dice.random() < self.strength and not request.url.path.endswith(UPDATE):
            self.happen()
            self.clock.advance(0.02)

    def blow(self) -> None:
        """Between two syncs."""
        for _ in range(self.dice.randrange(5)):
            self.happen()
            self.clock.advance(1)
        self.trouble = [self.threat() for _ in range(self.dice.randrange(4))]
        if self.dice.random() < 0.2:  # those go another way, several at once
            self.portal.faults([Fault(path=self.dice.choice(SCHEMA), **self.dice.choice(FAULTS))])

    def threat(self) -> list[Any]:
        """[how many requests from now, to which place, how often, what]"""
        place = self.dice.choice(PLACES)
        skip = self.dice.randrange(3 if place else 40)
        what, times = self.dice.choice(FAULTS), self.dice.choice([1, 1, 1, 2, 7])
        return [skip, place, 1 if "empty" in what else times, what]  # said twice, nothing is nothing

    def strike(self, request: httpx.Request) -> None:
        """Trouble whose time has come meets this very request, and the same again."""
        path = request.url.path
        for one in [one for one in self.trouble if one[1] in path]:
            one[0] -= 1
            if one[0] < 0:
                self.trouble.remove(one)
                self.portal.faults([Fault(method=request.method, path=path, times=one[2], **one[3])])

    def calm(self) -> None:
        self.strength, self.trouble = 0, []
        self.portal.clear_faults()
        self.portal.knobs(**CALM)

    def happen(self) -> None:
        """One thing; what the account does not allow does not happen."""
        what = self.dice.choice(HAPPENINGS)
        self.told.append(f"{self.clock.now()} {what.__name__}")
        with suppress(ValueError):
            what(self)

    # -- who there is ------------------------------------------------------------------------------------

    def ids(self, kind: str, *, bin: bool = False) -> list[int]:
        with self.portal.account.db.lock:
            page = self.portal.account.records.page(kind, 0, 10_000, archived=bin)
            return [record.id for record in page]

    def one(self, kind: str = "contacts", *, bin: bool = False) -> int:
        """:raises ValueError: there is none"""
        some = self.ids(kind, bin=bin)
        if not some:
            raise ValueError(kind)
        return self.dice.choice(some)

    def address(self) -> str:
        return str(self.portal.record("contacts", self.one())["properties"].get("email", ""))

    def note(self, id: int, name: str) -> None:
        """The next request in the journal comes after this."""
        last = self.portal.account.db.value("select coalesce(max(n), 0) from journal")
        self.written[str(id), name].append(int(last))

    # -- people edit -------------------------------------------------------------------------------------

    def edit(self) -> None:
        names = ("jobtitle", "city", "firstname", "bant_need_confirmed", "hs_persona", "hubspot_owner_id")
        name = self.dice.choice(names)
        values = {"bant_need_confirmed": ["true", ""], "hs_persona": ["decision_maker", "student", ""]}
        values["hubspot_owner_id"] = ["8", ""]
        value = self.dice.choice(values.get(name, ["Étudiante", "Directeur", "Lyon", ""]))
        self.portal.edit(self.one(), {name: value})

    def answer(self) -> None:
        reason = self.dice.choice(["", "not_now", "competitor"])
        self.portal.edit(self.one(), {"sales_rejection_reason": reason})

    def set_stage(self) -> None:
        id, stage = self.one(), self.dice.choice(STAGES)
        self._stage(id, stage)

    def step_back(self) -> None:
        id = self.one()
        now = self.portal.record("contacts", id)["properties"].get("lifecyclestage", "")
        if now in STAGES[1:]:
            self._stage(id, self.dice.choice(STAGES[: STAGES.index(now)]))

    def _unseen(self, id: int, stage: str) -> bool:
        """A stage that is back before anybody looked: nothing shows it, but a new cache would know."""
        now = self.portal.record("contacts", id)["properties"].get("lifecyclestage", "")
        return stage == self.seen(id) != now

    def _stage(self, id: int, stage: str, by: Writer = PERSON) -> None:
        said = self.portal.record("contacts", id)["properties"]
        ours, now = IN_CRM.get(said.get("lq_stage", "")), said.get("lifecyclestage", "")
        if self._unseen(id, stage):
            return
        self.portal.change(id, {"lifecyclestage": stage}, by)  # an app's step back is refused in silence
        if by == PERSON and now in STAGES and STAGES.index(stage) < STAGES.index(now):
            self.stepped[id] = self.clock.now()
        if by == PERSON and ours and STAGES.index(stage) < STAGES.index(ours):
            self.set_back[id] = self.clock.now()
        self.note(id, "lifecyclestage")

    def other_app(self) -> None:
        self._stage(self.one(), self.dice.choice(STAGES), Writer("INTEGRATION", "Zapier"))

    def tamper(self) -> None:
        name, value = self.dice.choice(
            [("lq_score", "77"), ("lq_stage", "mql"), ("lq_why", ""), ("lq_fit", "")]
        )
        id = self.one()
        self.portal.edit(id, {name: value})
        self.note(id, name)

    # -- records come and go -----------------------------------------------------------------------------

    def merge(self) -> None:
        pair = self.one(), self.one()
        if pair[0] != pair[1] and not self._hides_a_step_back(pair):
            new = self.portal.merge(*pair)
            self.merged.add(new)  # their lists, tasks and words are both's now
            if steps := [self.stepped[id] for id in pair if id in self.stepped]:
                self.stepped[new] = max(steps)

    def _hides_a_step_back(self, pair: tuple[int, int]) -> bool:
        """Of whom somebody set back a new cache knows it by the newest word about the stage alone."""
        steps = [self.stepped[id] for id in pair if id in self.stepped]
        records = self.portal.account.records
        words = [records.history(self.portal._find("contacts", id), "lifecyclestage") for id in pair]
        return bool(steps) and max(some[0].at for some in words if some) != max(steps)

    def archive(self) -> None:
        id = self.one()
        self.portal.archive(id)
        (self.unmet.discard if id in self.known() else self.unmet.add)(id)

    def restore(self) -> None:
        self.portal.restore(self.one(bin=True))

    def erase(self) -> None:
        id = self.one(bin=self.dice.random() < 0.5)
        with self.portal.account.db.lock:
            found = self.portal.record("contacts", id)["properties"]
            aliases = self.portal.account.db.rows("select id from aliases where kind = 'contacts'")
            olds = [a for (a,) in aliases if self.portal.account.records.canonical("contacts", a) == id]
        self.portal.erase(id)
        addresses = [found.get("email") or "", *(found.get("hs_additional_emails") or "").split(";")]
        if not {id, *olds} & self.known():
            return  # whom the cache never met it cannot miss
        self.gone |= {text for text in (str(id), *map(str, olds), *addresses) if text}

    def make(self) -> None:
        self.count += 1
        email = f"n{self.count}x{self.dice.randrange(10**6)}@acme.fr"
        self.portal.create("contacts", {"email": email, "hubspot_owner_id": "8"})
        self._send(email)

    def merge_companies(self) -> None:
        pair = self.one("companies"), self.one("companies")
        if pair[0] != pair[1]:
            self.portal.merge(*pair, "companies")

    def grow(self) -> None:
        size = self.dice.choice(["3", "60", "4000"])
        self.portal.edit(self.one("companies"), {"numberofemployees": size}, kind="companies")

    def found(self) -> None:
        links = [("contacts", self.one())]
        self.portal.create("companies", {"name": "Nouvelle", "numberofemployees": "77"}, links=links)

    def offer(self) -> None:
        values = {"dealname": "Offre", "pipeline": "default", "dealstage": "appointmentscheduled"}
        values["amount"] = self.dice.choice(["", "900"])
        id = self.one()
        if not self._unseen(id, "opportunity"):  # where a deal takes its people
            self.portal.create("deals", values, links=[("contacts", id)])

    def negotiate(self) -> None:
        stage = self.dice.choice(["contractsent", "closedwon", "closedlost"])
        self.portal.edit(self.one("deals"), {"dealstage": stage}, kind="deals")

    def withdraw(self) -> None:
        self.portal.archive(self.one("deals"), "deals")

    # -- people do something -----------------------------------------------------------------------------

    def ask(self) -> None:
        self._send(self.address())

    def _send(self, email: str) -> None:
        row = Submission(
            f"guid-{self.dice.choice(FORMS)}", self.clock.now(), {"email": email}, "https://acme.fr/x"
        )
        self.portal.happen([row])

    def click(self) -> None:
        self.count += 1
        kind = self.dice.choice(["OPEN", "CLICK"])
        values = (f"mail-{self.count}", kind, self.clock.now(), self.address(), self.count)
        self.portal.happen(
            [EmailEvent(*values, "Bonjour", url="https://acme.fr/z" if kind == "CLICK" else "")]
        )

    def visit(self) -> None:
        self.count += 1
        values = {"hs_url": "https://acme.fr/tarifs"}
        row = WebEvent(f"view-{self.count}", self.one(), "e_visited_page", self.clock.now(), values)
        self.portal.happen([row])

    def join(self) -> None:
        who = self.one()
        if not self.portal.account.db.value(
            "select 1 from memberships where list = ? and contact = ?", FAIR, who
        ):
            self.portal.load([Membership(FAIR, who, self.clock.now())])

    def phone(self) -> None:
        values = {"hs_timestamp": str(self.clock.now()), "hs_call_direction": "OUTBOUND"}
        self.portal.create("calls", values, links=[("contacts", self.one())])

    def meet(self) -> None:
        values = {"hs_timestamp": str(self.clock.now()), "hs_meeting_outcome": "COMPLETED"}
        self.portal.create("meetings", values, links=[("contacts", self.one())])

    def cancel(self) -> None:
        kind = self.dice.choice(["calls", "meetings"])
        self.portal.archive(self.one(kind), kind)

    def associate(self) -> None:
        kind = self.dice.choice(JOINED)
        id = self.one()
        if kind != "deals" or not self._unseen(id, "opportunity"):
            associate(self.portal, id, kind, self.one(kind))

    def dissociate(self) -> None:
        dissociate(self.portal, self.dice, self.dice.choice(JOINED))

    def expire(self) -> None:
        """The access token; who has no app to renew it has a key that does not end."""
        if self.app is not None:
            self.portal.expire()


HAPPENINGS: tuple[Callable[[Storm], None], ...] = (
    *(Storm.edit, Storm.edit, Storm.answer, Storm.set_stage, Storm.step_back, Storm.step_back),
    *(Storm.other_app, Storm.tamper, Storm.merge, Storm.merge, Storm.archive, Storm.restore, Storm.erase),
    *(Storm.make, Storm.merge_companies, Storm.grow, Storm.found, Storm.offer, Storm.negotiate),
    *(Storm.withdraw, Storm.ask, Storm.ask, Storm.ask, Storm.click, Storm.click, Storm.visit, Storm.visit),
    *(Storm.join, Storm.phone, Storm.meet, Storm.cancel, Storm.associate, Storm.dissociate, Storm.expire),
)


@asynccontextmanager
async def cache(portal: Portal, rules: Rules, file: Path, storm: Storm) -> AsyncIterator[House]:
    """A cache of the account, on the way to which the storm blows."""
    db = open_store(file)
    try:
        key, way = storm.app or Secret(portal.token), Gusts(storm.gust, storm.clock.turn)
        async with Transport(portal.url, key, storm.clock, http=way) as t:
            yield House(portal, rules, db, t, storm.clock)
    finally:
        db.close()


async def weather(
    here: House, storm: Storm, syncs: int, quiet: Callable[[House, Storm, int], None] = lambda *_: None
) -> None:
    """A first sync in peace, the storm, and as much calm as everything needs to be seen. `quiet` is told of
    each sync that went well and during which nothing happened, and when it began."""
    await here.sync()
    storm.strength = 0.05
    for _ in range(syncs):
        storm.blow()
        here.seconds(storm.dice.choice([20, 300, 700, 3600, 30_000]))
        before, began = len(storm.told), here.clock.now()
        with suppress(Retry, Stop):  # the next sync goes on
            await here.sync()
            if len(storm.told) == before:
                quiet(here, storm, began)
    storm.calm()
    for _ in range(3):
        here.seconds(DAY // 1000)
        retry(here)
        await here.sync()


def retry(here: House) -> None:
    """As a person does who types `outbox retry`: what the account did not answer for waits until then."""
    rows = here.rows("SELECT seq FROM outbox WHERE state = 'held'")
    with write(here.db):
        outbox.settle(here.db, [(row["seq"], outbox.State.PENDING, "") for row in rows], here.clock.now())


@asynccontextmanager
async def land(folder: Path, seed: int) -> AsyncIterator[tuple[House, Storm]]:
    dice = Random(seed)
    rules = rules_in(folder, EDITS)
    with sandbox.start(now=NOW, driven=True, rows=[*ours(rules), *account(dice)]) as portal:
        portal.knobs(burst_limit=0, search_limit=0, associations_limit=0)
        for knobs in dice.sample(KNOBS, 2):
            portal.knobs(**knobs)
        storm = Storm(portal, dice, Steady(portal))
        if seed % 2:
            app = portal.app
            storm.app = OAuthApp(app.client_id, Secret(app.client_secret), Secret(app.refresh_token))
        async with cache(portal, rules, folder / "connector.db", storm) as here:
            storm.known = lambda: met(here)
            storm.seen = lambda id: records.values(here.db, [str(id)], "lifecyclestage").get(str(id))
            yield here, storm


def met(here: House) -> set[int]:
    sql = "SELECT id FROM contact UNION SELECT contact_id FROM departed UNION SELECT old FROM alias"
    return {int(row["id"]) for row in here.rows(sql)}
