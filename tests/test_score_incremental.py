"""Only who changed or whose time has come is scored again, and the result is that of scoring everybody.

Random interleavings of changes, time, plans and decisions on a real cache; at the end, what is stored equals
what a new cache says that was given the same things in one go.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from random_rules import profile
from sqlite_utils import Database

from connector import rules as reading
from connector.decide import accept, fit, preview
from connector.explain import explain
from connector.model import Engagement, Link, Record, Score
from connector.rules.tree import Rules
from connector.score import Scorer, Subject
from connector.store import decisions, engagement, records
from connector.store.plans import PlanRow
from connector.store.schema import open_store, write

HOUR = 3_600_000
DAY = 24 * HOUR
NOW = 1_794_819_600_000  # 2026-11-16T09:00Z
PEOPLE = tuple("12345")
COMPANIES = ("71", "72")

MAPPING = """
version: 1
crm: hubspot
timezone: Europe/Paris
contact:
  fields:
    job: jobtitle
    budget: {property: bant_budget, type: bool}
    need: {property: bant_need, type: bool}
    asked_on: {property: asked_on, type: date}
    size: {property: numberofemployees, object: company, type: number}
deal:
  fields: {amount: {property: amount, type: number}}
signals:
  visit: {event: page_view, where: {path: {matches: ["/tarifs*"]}}}
  demo: {event: form_submission, where: {form: {is: demo}}}
  open: {event: email_open, reject_if: [crm_filtered]}
write_back: {fields: {score: lq_score}}
"""
WORKFLOW = """
version: 1
name: small
scores:
  fit:
    floor: -10
    groups:
      who:
        rules:
          - {id: chief, when: {job: {matches: ["chef*"]}}, points: 20}
          - {id: large, when: {size: {at_least: 50}}, points: 10}
          - {id: asked, when: {asked_on: {within: 3d}}, points: 7}
          - {id: evidence, when: {method: bant, at_least: 1, fresh: 2d}, points: 4}
          - {id: account_2, when: {account_engagement: {at_least: 2}}, points: 1}
          - {id: account_5, when: {account_engagement: {at_least: 5}}, points: 1}
          - {id: account_12, when: {account_engagement: {at_least: 12}}, points: 1}
          - {id: account_25, when: {account_engagement: {at_least: 25}}, points: 1}
  engagement:
    ceiling: 80
    groups:
      acts:
        cap: 60
        decay: {after: 1d, to: [50%, 0%], every: 2d}
        rules:
          - {id: visit, signal: visit, points: 5, at_most: 2, per: 5d, once_per: day}
          - {id: demo, signal: demo, points: 25, cap: 40}
      mail:
        decay: {half_life: 2d}
        rules:
          - {id: open, signal: open, points: 3, once_per: email}
          - {id: silent, without: [open, visit], for: 2d, points: -6}
total: {of: [fit, engagement], floor: 0}
methods: {bant: {of: [budget, need]}}
accounts: {engagement: {top: 2, cap: 40}}
temperature: [{band: hot, enter: 40, leave: 30}, {band: cold}]
stages:
  - {id: contact}
  - {id: lead, enter_when: {any_signal: [demo, visit]}}
  - id: mql
    enter_when: {all: [{total: {at_least: 40}}, {engagement: {above: 10}}, {without: open, for: 1d}]}
  - {id: customer, enter_when: {deal: {amount: {above: 0}}}}
"""


@pytest.fixture(scope="module")
def rules() -> Iterator[Rules]:
    with TemporaryDirectory() as folder:
        for name, text in (("mappings/m.yaml", MAPPING), ("workflows/w.yaml", WORKFLOW)):
            (Path(folder) / name).parent.mkdir()
            (Path(folder) / name).write_text(text, "utf-8")
        yield reading.load(Path(folder))


class Cache:
    """A cache and the calls with which a pull fills it."""

    def __init__(self, rules: Rules, file: Path) -> None:
        self.rules = rules
        self.db: Database = open_store(file)
        fit(self.db, rules)

    def put(self, kind: str, record: str, values: dict[str, str | None], at: int) -> None:
        with write(self.db):
            changed = records.put(self.db, kind, [Record(record, values)], self.rules.mapping, at)
            decisions.mark_dirty(self.db, records.members(self.db, kind, changed))
            if kind == "contacts":
                records.put_addresses(self.db, {f"a{record}@x.fr": record})

    def date(self, contact: str, since: dict[str, int | None]) -> None:
        with write(self.db):
            records.date_values(self.db, contact, since)
            decisions.mark_dirty(self.db, [contact])

    def join(self, contact: str, company: str | None) -> None:
        with write(self.db):
            links = {contact: [Link(company)] if company else []}
            decisions.mark_dirty(self.db, records.put_companies(self.db, links))

    def deal_of(self, deal: str, contacts: list[str]) -> None:
        with write(self.db):
            links = {deal: [Link(contact) for contact in contacts]}
            decisions.mark_dirty(self.db, records.put_deal_contacts(self.db, links))

    def tell(self, event: Engagement, at: int) -> None:
        with write(self.db):
            engagement.put(self.db, [event], at)

    def remove(self, contact: str) -> None:
        with write(self.db):
            records.remove(self.db, contact)


class World:
    """What the CRM holds, told to a cache as it happens."""

    def __init__(self, cache: Cache) -> None:
        self.cache, self.rules = cache, cache.rules
        self.now = NOW
        self.records: dict[tuple[str, str], dict[str, str | None]] = {}
        self.since: dict[str, dict[str, int | None]] = {}
        self.company: dict[str, str | None] = {}
        self.deals: dict[str, list[str]] = {}
        self.events: dict[str, Engagement] = {}
        self.plan: PlanRow | None = None

    def do(self, act: tuple[Any, ...]) -> None:
        getattr(self, act[0])(*act[1:])

    def contact(self, who: str, job: str, budget: str, asked: int) -> None:
        day = (NOW + asked * DAY) // DAY * DAY
        values = {"jobtitle": job, "bant_budget": budget, "bant_need": "true", "asked_on": str(day)}
        before = self.records.get(("contacts", who))
        self.records["contacts", who] = values
        self.cache.put("contacts", who, values, self.now)
        self.company.setdefault(who, None)
        if before != values:
            kept = self.since.get(who, {}) if before else {}
            same = before is not None and before["bant_budget"] == budget
            self.since[who] = {"budget": kept.get("budget") if same else self.now, "need": self.now - DAY}
            self.cache.date(who, self.since[who])

    def size(self, company: str, size: str) -> None:
        self.records["companies", company] = {"numberofemployees": size}
        self.cache.put("companies", company, {"numberofemployees": size}, self.now)

    def join(self, who: str, company: str | None) -> None:
        if who in self.company:
            self.company[who] = company
            self.cache.join(who, company)

    def deal(self, deal: str, contacts: list[str], amount: str) -> None:
        self.records["deals", deal] = {"amount": amount}
        self.deals[deal] = contacts
        self.cache.put("deals", deal, {"amount": amount}, self.now)
        self.cache.deal_of(deal, contacts)

    def event(self, id: str, who: str, by_address: bool, what: str, hours: int) -> None:
        """Somebody did something `hours` ago, or it is dated in the future; told again it may say more."""
        name, attrs = {
            "visit": ("page_view", {"path": "/tarifs/pro"}),
            "blog": ("page_view", {"path": "/blog"}),
            "demo": ("form_submission", {"form": "Démo"}),
            "open": ("email_open", {"email": id[-1]}),
            "robot": ("email_open", {"email": id[-1], "crm_filtered": True}),
        }[what]
        party = (None, f"a{who}@x.fr") if by_address else (who, None)
        known = self.events.get(id)
        if known is not None:
            party = (known.contact_id, known.address)  # the same event is the same person's
        made = Engagement("s", id, name, self.now - hours * HOUR, *party, attrs)
        self.events[id] = made
        self.cache.tell(made, self.now)

    def remove(self, who: str) -> None:
        if self.records.pop(("contacts", who), None):
            self.company.pop(who)
            self.since.pop(who)
            self.cache.remove(who)

    def wait(self, hours: int) -> None:
        self.now += hours * HOUR

    def look(self) -> None:
        self.plan = preview(self.cache.db, self.rules, self.now)

    def decide(self) -> None:
        if self.plan is not None:
            accept(self.cache.db, self.plan, self.now)

    def tick(self) -> None:
        self.look()
        self.decide()

    def told_anew(self, file: Path, chance: random.Random) -> Cache:
        """A new cache with everything that is so now, in another order."""
        anew = Cache(self.rules, file)
        for kind, record in chance.sample(list(self.records), len(self.records)):
            anew.put(kind, record, self.records[kind, record], self.now)
        for who, company in self.company.items():
            anew.join(who, company)
            anew.date(who, self.since[who])
        for deal, contacts in self.deals.items():
            anew.deal_of(deal, contacts)
        for event in chance.sample(list(self.events.values()), len(self.events)):
            anew.tell(event, self.now)
        fit(anew.db, self.rules)
        return anew


def stored(db: Database, now: int) -> dict[str, tuple[Any, ...]]:
    """The scores that nothing has outdated."""
    rows = db.execute(
        "SELECT contact_id, points, axes, parts, counted, facts, next_change_at FROM score s "
        "WHERE coalesce(next_change_at > ?, 1) AND contact_id IN (SELECT id FROM contact) "
        "AND contact_id NOT IN (SELECT contact_id FROM dirty)",
        [now],
    )
    return {row[0]: (row[1], *map(json.loads, row[2:5]), row[5], row[6]) for row in rows}


def comparable(score: Score) -> tuple[Any, ...]:
    facts = "".join("01"[fact] for fact in score.facts)
    sums = (dict(score.axes), dict(score.parts), dict(score.counted))
    return (score.points, *sums, facts, score.next_change_at)


def check_lines(db: Database, rules: Rules, who: str, now: int) -> None:
    """What is explained adds up to what is shown: caps, floors and the rounding have lines of their own."""
    explained = explain(db, rules, who, now)
    total = sum(Fraction(str(line["points"])) for line in explained.items)
    assert total == explained.summary["points"], explained.items


def check(rules: Rules, acts: list[tuple[Any, ...]], seed: int) -> None:
    with TemporaryDirectory() as folder:
        world = World(Cache(rules, Path(folder) / "way.db"))
        with closing(world.cache.db) as db:
            for act in acts:
                world.do(act)
            fit(db, rules)
            with closing(world.told_anew(Path(folder) / "new.db", random.Random(seed)).db) as anew:
                everybody = [Subject(who, world.now) for who in PEOPLE]
                full = {s.contact_id: comparable(s) for s in Scorer(rules).scores(anew, everybody)}
            kept = stored(db, world.now)
            assert kept == {who: full[who] for who in kept}
            world.tick()
            assert stored(db, world.now) == full  # nobody is left out, whatever came before
            for who in list(full)[:2]:
                check_lines(db, rules, who, world.now)


people, companies = st.sampled_from(PEOPLE), st.sampled_from(COMPANIES)
jobs = st.sampled_from(["Chef de projet", "chef", "stagiaire", ""])
CHANGES = (
    st.tuples(st.just("contact"), people, jobs, st.sampled_from(["true", "false", ""]), st.integers(-5, 5)),
    st.tuples(st.just("size"), companies, st.sampled_from(["10", "50", "1e3", "beaucoup", ""])),
    st.tuples(st.just("join"), people, st.none() | companies),
    st.tuples(
        st.just("deal"),
        st.sampled_from(["91", "92"]),
        st.lists(people, unique=True, max_size=2),
        st.sampled_from(["", "0", "12.5"]),
    ),
    st.tuples(st.just("remove"), people),
)
events = st.tuples(
    st.just("event"),
    st.integers(10, 40).map(str),
    people,
    st.booleans(),
    st.sampled_from(["visit", "visit", "blog", "demo", "demo", "open", "robot"]),
    st.integers(-24, 72),
)
waits = st.tuples(st.just("wait"), st.sampled_from([1, 5, 24, 30, 48, 72]))
runs = st.sampled_from([("tick",), ("tick",), ("look",), ("decide",)])
START = (("contact", who, "chef", "true", 0) for who in PEOPLE[:3])
first = [*START, *(("join", who, "71") for who in PEOPLE[:3]), ("tick",)]
walks = st.lists(st.one_of(*CHANGES, events, events, events, waits, runs, runs), min_size=6, max_size=30)


ALONE = ("contact", "4", "chef", "true", 0)
DEMO = ("event", "10", "1", False, "demo", 0)


@profile(25)
@example(acts=[DEMO, ("tick",), ("wait", 24)], seed=0)  # due at this very moment
@example(acts=[DEMO, ("tick",), ("remove", "1")], seed=0)  # a colleague less
@example(acts=[DEMO, ("tick",), ("join", "1", "72")], seed=0)  # left behind
@example(acts=[DEMO, ("look",), ("contact", "1", "", "true", 0), ("decide",)], seed=0)  # too late
@example(acts=[DEMO, ("tick",), (*DEMO[:4], "blog", 0)], seed=0)  # told again, as something else
@example(acts=[ALONE, ("deal", "91", ["4"], "5"), ("tick",), ("deal", "91", ["1"], "5")], seed=0)
@given(acts=walks, seed=st.integers(0, 99))
def test_increments_give_what_scoring_everybody_gives(rules: Rules, acts: list, seed: int) -> None:
    check(rules, [*first, *acts], seed)


@pytest.mark.long
@profile(400)
@given(acts=walks, seed=st.integers(0, 99))
def test_increments_give_what_scoring_everybody_gives_at_length(rules: Rules, acts: list, seed: int) -> None:
    check(rules, [*first, *acts], seed)
