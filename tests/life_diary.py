"""A lead's life as a marketer would write it down: told to an account on a socket, synced after each step.

A case file (tests/cases/lives/*.yaml) has a `contact` (the words of the mapping; `lists`: the static lists
that it is on; `owner`: an address), its `company`, and a `life`. An entry says `on` (local time) what happens
in the CRM, and `then` what the sync a minute later has made of it. What `then` does not name is as it was
before; an entry without `then` is one of which the sync writes nothing at all. `sync: no`: none comes before
what happens next.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accounts import CHECKOUT, House, beside, ours, rules_in
from journey_diary import local, moment
from ruamel.yaml import YAML

from connector import sandbox
from connector.model import HandOff
from connector.model import moment as stamp
from connector.pull import pull
from connector.rules.tree import Rules
from connector.sandbox import Portal
from connector.sandbox.rows import (
    EmailEvent,
    Form,
    ListDef,
    Membership,
    Owner,
    PropertyDef,
    Row,
    Submission,
    WebEvent,
)
from connector.sandbox.state.records import Writer
from connector.store import decisions, handoffs
from connector.store.schema import open_store

CASES = CHECKOUT / "tests" / "cases" / "lives"
OWNERS = {"olga@maison.fr": 8, "karim@maison.fr": 9}
LISTS = {"Nurturing": 1, "Sales owned": 2}
IN_CRM = {  # as the files say it: the CRM's property
    "stage": "lq_stage",
    "stage_in_crm": "lifecyclestage",
    "temperature": "lq_temperature",
    "points": "lq_score",
    "lead_status": "hs_lead_status",
}
WRITTEN = {*IN_CRM.values(), "lq_fit", "lq_engagement", "lq_why", "lq_epoch", "lq_rules"}
ALWAYS = (*IN_CRM, "lists", "hand_off", "held")  # what holds until an entry says otherwise
NOTHING = {**dict.fromkeys(ALWAYS, "none"), "held": "no"}
LIST_ORIGIN = PropertyDef("contacts", "list_origin", "Where the list is from", "string", "text")
CALLS = {
    "connected": "f240bbac-87c9-4f6e-bf70-924b57d47db7",
    "no answer": "73a0d17f-1163-4015-bdd5-ec830791da20",
}
WRITERS = {
    "person": Writer("CRM_UI", "userId:8", 8),
    "import": Writer("IMPORT", "4711"),
}
Case = dict[str, Any]


def load(name: str) -> Case:
    """A case file; every value is text, as it stands there."""
    found = YAML(typ="base", pure=True).load((CASES / f"{name}.yaml").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


async def account(folder: Path, begun: int, stack: AsyncExitStack) -> House:
    """An account with lists and owners, an hour before something begins, and nobody in it but a bystander."""
    rules = rules_in(folder)
    rows: list[Row] = [*ours(rules), LIST_ORIGIN, *(ListDef(id, name) for name, id in LISTS.items())]
    rows += [Owner(id, address, address.split("@")[0].title(), "Petit") for address, id in OWNERS.items()]
    portal = stack.enter_context(sandbox.start(now=begun - 3_600_000, driven=True, rows=rows))
    portal.knobs(burst_limit=0, search_limit=0, associations_limit=0)
    portal.create("contacts", {"email": "autre@ailleurs.fr", "hs_persona": "decision_maker"})
    return await stack.enter_async_context(beside(portal, rules, folder / "cache.db"))


@asynccontextmanager
async def living(folder: Path, case: Case) -> AsyncIterator[Life]:
    """The account and the contact of a case, an hour after the account was first looked at."""
    async with AsyncExitStack() as stack:
        house = await account(folder, moment(case["contact"]["created"]), stack)
        life = Life(folder, stack, house.portal, house.rules, house)
        await house.sync()
        life.begin(case)
        yield life


@dataclass
class Life:
    """One contact's. `told`: what holds by now, as the files say it."""

    folder: Path
    stack: AsyncExitStack
    portal: Portal
    rules: Rules
    house: House
    who: int = 0
    email: str = ""
    told: dict[str, str] = field(default_factory=lambda: dict(NOTHING))
    forgotten: int = 0  # when the cache was last deleted
    made: int = 0  # rows that happened, for their ids
    ids: dict[str, int] = field(default_factory=dict)  # of meetings and deals, by their names

    # -- what happens ------------------------------------------------------------------------------------

    def begin(self, case: Case) -> None:
        self.until(moment(case["contact"].pop("created")))
        said = dict(case["contact"])
        lists = said.pop("lists", [])
        self.email = said["email"]
        self.who = self.portal.create("contacts", self._properties(said))
        self.portal.happen([Membership(LISTS[name], self.who, self.now) for name in lists])
        if company := case.get("company"):
            link = [("contacts", self.who)]
            self.portal.create("companies", self._properties({"name": "x", **company}), links=link)
        self.told |= {"stage_in_crm": self._held("lifecyclestage"), "lists": self._lists()}

    def _properties(self, said: dict[str, str]) -> dict[str, str]:
        """By the CRM's names: of the mapping's words, else as they stand."""
        fields = self.rules.mapping.fields
        values = {fields[name].property if name in fields else name: value for name, value in said.items()}
        owner = values.get("hubspot_owner_id")
        return values | ({"hubspot_owner_id": str(OWNERS[owner])} if owner else {})

    @property
    def now(self) -> int:
        return self.house.clock.now()

    def until(self, at: int) -> None:
        assert at >= self.now, f"{local(at)} is past"
        self.house.seconds((at - self.now) / 1000)

    async def goes_on(self, entry: Case, *, asleep: bool = False) -> None:
        """What happened, the sync a minute later, and what it has made of it. `asleep`: without a sync where
        nothing but points come of it, so that the next one has to catch up."""
        self.until(moment(entry["on"]))
        for name, value in entry.items():
            if name not in ("on", "because", "then", "by", "sync"):
                self._happens(name, value, entry.get("by", ""))
        then = entry.get("then", {})
        if entry.get("sync") == "no" or (asleep and then.keys() <= {"points", "why"}):
            self.told |= {name: said for name, said in then.items() if name == "points"}
        else:
            self.house.seconds(60)
            await self._synced(entry["on"], then)

    def _happens(self, name: str, value: Any, by: str) -> None:
        match name:
            case "sets":
                self.portal.change(self.who, dict(self._properties(value)), WRITERS["person"])
            case "stage_in_crm":
                self.portal.change(self.who, {"lifecyclestage": value}, WRITERS[by])
            case "called":
                self._activity("calls", hs_call_direction="OUTBOUND", hs_call_disposition=CALLS[value])
            case "wrote":
                self._activity(
                    "emails", hs_email_direction="EMAIL", hs_email_status="SENT", hs_email_subject=value
                )
            case "books":
                start = str(moment(value))
                booked = {"hs_meeting_start_time": start, "hs_meeting_outcome": "SCHEDULED"}
                self.ids["meeting"] = self._activity("meetings", hs_timestamp=start, **booked)
            case "meets":
                values: dict[str, str | None] = {"hs_meeting_outcome": value.upper()}
                self.portal.edit(self.ids["meeting"], values, kind="meetings")
            case "deal":
                self._deal(dict(value))
            case _:
                for one in value if isinstance(value, list) else [value]:
                    self.portal.happen(self._acts(name, one))

    def _activity(self, kind: str, **values: str) -> int:
        said = {"hs_timestamp": str(self.now), **values}
        return self.portal.create(kind, said, by="userId:8", links=[("contacts", self.who)])

    def _deal(self, said: dict[str, str]) -> None:
        name = said["name"]
        values = {{"name": "dealname", "stage": "dealstage"}.get(key, key): said[key] for key in said}
        if name in self.ids:
            self.portal.edit(self.ids[name], dict(values), kind="deals")
        else:
            self.ids[name] = self.portal.create("deals", values, links=[("contacts", self.who)])

    def _acts(self, name: str, value: str) -> Iterable[Row]:
        """What the contact itself does."""
        self.made += 1
        id, at = f"act-{self.made}", self.now
        match name:
            case "submits":
                yield Form(f"guid-{value}", value, 0)
                yield Submission(f"guid-{value}", at, {"email": self.email}, "https://maison.fr/x")
            case "visits":
                yield WebEvent(id, self.who, "e_visited_page", at, {"hs_url": f"https://maison.fr{value}"})
            case "opens" | "clicks":
                kind = {"opens": "OPEN", "clicks": "CLICK"}[name]
                yield EmailEvent(
                    id, kind, at, self.email, self._campaign(value), value, "https://maison.fr/a"
                )
            case "gateway_clicks":  # every link of it, within two seconds
                for n in range(3):
                    link, then = f"https://maison.fr/{n}", at + 900 * n
                    yield EmailEvent(
                        f"{id}-{n}", "CLICK", then, self.email, self._campaign(value), value, link
                    )
            case _:
                raise AssertionError(f"nobody knows what `{name}` is")

    def _campaign(self, subject: str) -> int:
        return self.ids.setdefault(f"e-mail {subject}", 100 + len(self.ids))

    # -- what is made of it --------------------------------------------------------------------------------

    async def _synced(self, on: str, then: Case) -> None:
        told = self.told | {name: _line(then[name]) for name in ALWAYS if name in then}
        before, stood, tasks = self._values(), self._stands(), self._tasks()
        self.house.requests()
        await self.house.sync()
        now = self._stands()
        known = self._known(told)
        differs = {name: (now[name], "not", known[name]) for name in ALWAYS if now[name] != known[name]}
        assert differs == {}, f"{on}: {differs}"
        new = self._tasks()[len(tasks) :]
        assert new == then.get("tasks", []), f"{on}: {new}"
        assert then.get("reason", found := self._reason()) == found, f"{on}: {found}"
        assert then.get("why", found := self._why()) == found, f"{on}: {found}"
        values = "why" in then or any(stood[name] != told[name] for name in IN_CRM)
        self._wrote_only(before, values=values, tasks=len(new), lists=len(LISTS) if "lists" in then else 0)
        self.told = told

    async def rests(self) -> None:
        """One more sync: nothing is written, nobody is told."""
        self.house.seconds(60)
        await self._synced("at the end", {})

    async def forget(self) -> None:
        """The cache is deleted, and made again: backfill, plan, apply. Nothing is written."""
        self.forgotten = self.now
        tasks = self._tasks()
        self.house.requests()
        self.house.db.close()
        self.house.db = open_store(self.folder / f"cache{self.now}.db")
        await pull(self.house.pulling(), full=True)
        done = await self.house.apply(self.house.plan())
        assert done.sent is not None
        assert (done.sent.sent, done.sent.actions, done.sent.held, done.sent.dropped) == (0, 0, {}, {})
        assert self._tasks() == tasks
        assert self._writes() == []

    def _known(self, told: dict[str, str]) -> dict[str, str]:
        """The same without a hand-off that was offered before the cache was lost: it is not told again."""
        found = re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d", told.get("hand_off", ""))
        lost = found is not None and moment(found[0]) <= self.forgotten
        return told | {"hand_off": "none"} if lost else told

    def _wrote_only(self, before: dict[str, str], *, values: bool, tasks: int = 0, lists: int = 0) -> None:
        """Every request that could change anything: this contact's values, those that are ours to write and
        were not so before; tasks and steps onto lists as many as were made."""
        writes = self._writes()
        updates = [json.loads(r["body"]) for r in writes if r["path"].endswith("/contacts/batch/update")]
        assert len(updates) == values, writes
        for update in updates:
            [one] = update["inputs"]
            assert one["id"] == str(self.who)
            assert one["properties"].keys() <= WRITTEN
            assert {n for n, value in one["properties"].items() if before.get(n) == value} == set()
        assert sum(r["path"].endswith("/tasks") for r in writes) == tasks
        assert sum("/memberships/" in r["path"] for r in writes) == lists
        assert len(writes) == values + tasks + lists

    def _writes(self) -> list[dict[str, Any]]:
        """The requests that may have changed something, since this was last asked."""
        found = [r for r in self.house.requests() if r["method"] != "GET"]
        return [r for r in found if r["path"].rsplit("/", 1)[-1] not in ("read", "search")]

    def _values(self) -> dict[str, str]:
        """All that the CRM holds of the contact."""
        found = self.portal.record("contacts", self.who)["properties"]
        assert isinstance(found, dict)
        return found

    # -- how it stands -------------------------------------------------------------------------------------

    def _held(self, name: str) -> str:
        return self.house.held(self.who, name) or "none"

    def _stands(self) -> dict[str, str]:
        hold = decisions.holds(self.house.db, [str(self.who)], self.now).get(str(self.who))
        given = handoffs.of(self.house.db, [str(self.who)]).get(str(self.who), ())
        return {
            **{name: self._held(prop) for name, prop in IN_CRM.items()},
            "lists": self._lists(),
            "hand_off": _handed(given[-1]) if given else "none",
            "held": f"{hold.why}, until {local(hold.until)}" if hold else "no",
        }

    def _lists(self) -> str:
        members = self.portal.account.engagement.members
        on = [n for n, id in LISTS.items() if self.who in {who for who, _ in members(id, 0, 100)}]
        return ", ".join(on) or "none"

    def _why(self) -> list[str]:
        return self._held("lq_why").splitlines()

    def _reason(self) -> str:
        """Of the last stage that was entered, as far as this cache knows."""
        return "".join(row["why"] for row in decisions.transitions(self.house.db, str(self.who))[-1:])

    def _tasks(self) -> list[str]:
        """Every task of the account, a line each."""
        kept = self.portal.account.records.page("tasks", 0, 100, archived=False)
        return [self._task(self.portal.record("tasks", one.id)["properties"]) for one in kept]

    def _task(self, said: dict[str, str]) -> str:
        owner = next((address for address, id in OWNERS.items() if str(id) == said["hubspot_owner_id"]), "?")
        due = stamp(said["hs_timestamp"])
        assert due is not None
        return f"{said['hs_task_subject']}, for {owner}, due {local(due)}"


def _line(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _handed(one: HandOff) -> str:
    due = f", due {local(one.due_at)}" if one.due_at is not None else ""
    late = f", late since {local(one.breached_at)}" if one.breached_at is not None else ""
    settled = f" {local(one.settled_at)}" if one.settled_at is not None else ""
    why = f" ({one.why})" if one.why else ""
    return f"{one.stage} {local(one.offered_at)}{due}{late}: {one.state}{settled}{why}"
