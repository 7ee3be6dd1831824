"""Signals of robots against a plain reference: whatever is told, in whatever order, batches and meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import pytest
import sqlglot
from accounts import NOW, rules_in
from command_line import Folder
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database
from test_query_plans import check, recorded

from connector import signals
from connector.model import HOUR, MINUTE, Engagement
from connector.rules.compile import kind_select
from connector.rules.tree import Bots, EventSource, MappingRules, SignalKind
from connector.store import engagement, records
from connector.store.schema import open_store, write

W = 10  # milliseconds are enough to tell
LINKS = ("acme.fr/a", "acme.fr/b", "acme.fr/c", "acme.fr/trap", None)
SOME = Bots(3, W, ("*/trap",), ("*bot*",))
OTHERS = (Bots(2, 4, (), ()), Bots(4, 25, ("*/a", "*/b"), ("*pro*",)))
ORDER = ("honeypot", "burst", "agent", "crm_filtered")


@dataclass(frozen=True)
class Act:
    """An event as it is told; told again with the same id it takes the place of the one before."""

    id: int
    contact: str
    event: str
    email: str | None
    at: int
    url: str | None
    agent: str | None
    filtered: bool
    parked: bool  # its address becomes a contact's later

    def engagement(self) -> Engagement:
        attrs: dict[str, Any] = {"email": self.email, "url": self.url, "crm_filtered": self.filtered}
        attrs |= {"agent": self.agent} if self.agent else {}
        contact, address = (None, f"c{self.contact}@acme.fr") if self.parked else (self.contact, None)
        return Engagement("m", str(self.id), self.event, NOW + self.at, contact, address, attrs)


@pytest.fixture(scope="module")
def mapping(tmp_path_factory: pytest.TempPathFactory) -> MappingRules:
    """Opens are judged for all reasons, clicks for three; unsubscribes too are signals."""
    made = rules_in(tmp_path_factory.mktemp("rules")).mapping
    place = made.signals["email_open"].place
    kinds = {
        "opened": EventSource(("email_open",), None, ("bot", "crm_filtered"), place),
        "clicked": EventSource(("email_click",), None, ("honeypot", "burst", "crm_filtered"), place),
        "left": EventSource(("email_unsubscribe",), None, (), place),
    }
    return replace(
        made, bots=SOME, signals={name: SignalKind(name, (source,), place) for name, source in kinds.items()}
    )


# -- the reference ------------------------------------------------------------------------------------

KINDS = {"email_open": "opened", "email_click": "clicked", "email_unsubscribe": "left"}
ASKED = {"opened": ORDER, "clicked": ("honeypot", "burst", "crm_filtered"), "left": ()}


def reference(acts: Iterable[Act], bots: Bots) -> dict[tuple[str, str, int, str], str | None]:
    told = list(acts)
    return {
        (one.contact, KINDS[one.event], NOW + one.at, f"m:{one.id}"): rejected(one, told, bots)
        for one in told
    }


def rejected(one: Act, told: list[Act], bots: Bots) -> str | None:
    kind = KINDS[one.event]
    beside = [a for a in told if a is one or ((a.contact, a.email) == (one.contact, one.email) and one.email)]
    clicks = [a for a in beside if a.event == "email_click" and a.url]
    holds = {
        "honeypot": any(baits(a.url, bots) and abs(a.at - one.at) <= bots.within for a in clicks),
        "burst": any(
            len({a.url for a in clicks if begin <= a.at <= begin + bots.within}) >= bots.links
            for begin in range(one.at - bots.within, one.at + 1)
        ),
        "agent": any(part.strip("*") in (one.agent or "") for part in bots.agents),
        "crm_filtered": one.filtered,
    }
    return next((reason for reason in ORDER if reason in ASKED[kind] and holds[reason]), None)


def baits(url: str | None, bots: Bots) -> bool:
    return any((url or "").endswith(pattern.strip("*")) for pattern in bots.honeypot)


# -- random histories ---------------------------------------------------------------------------------


@st.composite
def acts(draw: st.DrawFn) -> list[Act]:
    """A few dense letters; now and then an event that is told again, otherwise."""
    found: list[Act] = []
    for n in range(draw(st.integers(1, 24))):
        again = found and draw(st.integers(0, 7)) == 0
        event = draw(st.sampled_from(["email_click"] * 4 + ["email_open"] * 3 + ["email_unsubscribe"]))
        old = draw(st.sampled_from(found)) if again else None
        found.append(
            Act(
                old.id if old else n,
                old.contact if old else draw(st.sampled_from("12")),
                old.event if old else event,
                draw(st.sampled_from(("x", "x", "x", "y", None))),
                draw(st.integers(0, 45)),
                draw(st.sampled_from(LINKS)) if (old.event if old else event) == "email_click" else None,
                draw(st.sampled_from((None, None, "firefox", "somebot/1", "proxy"))),
                draw(st.integers(0, 5)) == 0,
                old.parked if old else draw(st.integers(0, 5)) == 0,
            )
        )
    return found


def final(told: Iterable[Act]) -> list[Act]:
    return list({one.id: one for one in told}.values())


@pytest.fixture(scope="module")
def store() -> Iterator[Database]:
    with closing(open_store(":memory:")) as db:
        yield db


def emptied(db: Database) -> Database:
    for table in ("engagement", "signal", "fact", "dirty", "address"):
        db.execute(f"DELETE FROM {table}")
    return db


def stored(db: Database) -> dict[tuple[str, str, int, str], str | None]:
    rows = db.execute("SELECT contact_id, kind, at, id, rejected FROM signal").fetchall()
    return {row[:4]: row[4] for row in rows}


def tell(db: Database, told: list[Act]) -> None:
    with write(db):
        engagement.put(db, [one.engagement() for one in told], NOW)


def know(db: Database) -> None:
    """The addresses are those of the contacts."""
    with write(db):
        records.put_addresses(db, {f"c{contact}@acme.fr": contact for contact in "12"})


@settings(max_examples=150, deadline=None)
@given(acts(), st.data())
def test_signals_are_those_of_the_reference_whatever_the_order(
    store: Database, mapping: MappingRules, told: list[Act], data: st.DataObject
) -> None:
    db, rest, known = emptied(store), list(told), False
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        tell(db, rest[:size])
        rest = rest[size:]
        if data.draw(st.booleans()):
            chosen = data.draw(st.sampled_from([mapping] * 3 + [replace(mapping, bots=b) for b in OTHERS]))
            signals.derive(db, chosen, chunk=data.draw(st.integers(1, 5)))
        if not known and data.draw(st.booleans()):
            know(db)
            known = True
    know(db)
    signals.derive(db, mapping, chunk=data.draw(st.integers(1, 5)))
    expected = reference(final(told), SOME)
    assert stored(db) == expected
    assert signals.differences(db, mapping) == (len(expected), [])
    for bots in OTHERS:
        edited = replace(mapping, bots=bots)
        assert not signals.derived(db, edited)
        signals.derive(db, edited)
        assert stored(db) == reference(final(told), bots)


@settings(max_examples=40, deadline=None)
@given(acts(), st.data())
def test_whoever_gains_or_loses_a_signal_is_judged_again(
    store: Database, mapping: MappingRules, told: list[Act], data: st.DataObject
) -> None:
    db, told = emptied(store), [replace(one, parked=False) for one in told]
    before, after = told[: (half := data.draw(st.integers(0, len(told))))], told[half:]
    for some in (before, after):
        with write(db):
            db.execute("DELETE FROM dirty")
        was = stored(db)
        tell(db, some)
        signals.derive(db, mapping)
    now = stored(db)
    changed = {key[0] for key in was.keys() | now.keys() if was.get(key, 0) != now.get(key, 0)}
    assert changed <= {row[0] for row in db.execute("SELECT contact_id FROM dirty")}


# -- differences ----------------------------------------------------------------------------------------

BURST = [Act(n, "1", "email_click", "x", n, url, None, False, False) for n, url in enumerate(LINKS[:3])] + [
    Act(9, "2", "email_open", "x", 500, None, None, False, False)
]


@pytest.fixture
def derived(store: Database, mapping: MappingRules) -> Database:
    tell(emptied(store), BURST)
    signals.derive(store, mapping)
    return store


@pytest.mark.parametrize(
    ("tampering", "what", "stored", "recomputed"),
    [
        (
            "UPDATE signal SET rejected = NULL WHERE id = 'm:0'",
            "different",
            "clicked 2026-11-16T09:00:00Z m:0: rejected nothing",
            "clicked 2026-11-16T09:00:00Z m:0: rejected burst",
        ),
        (
            "UPDATE signal SET day = 0, form = 'f' WHERE id = 'm:9'",
            "different",
            "opened 2026-11-16T09:00:00Z m:9: day 0, form f",
            "opened 2026-11-16T09:00:00Z m:9: day 20773, form nothing",
        ),
        (
            "DELETE FROM signal WHERE id = 'm:9'",
            "missing",
            "nothing",
            "opened 2026-11-16T09:00:00Z m:9",
        ),
        (
            "INSERT INTO signal SELECT '3', 'opened', at, 'm:7', day, email, form, rejected, ingested_at "
            "FROM signal WHERE id = 'm:9'",
            "extra",
            "opened 2026-11-16T09:00:00Z m:7",
            "nothing",
        ),
    ],
)
def test_a_row_that_was_tampered_with_is_found(
    derived: Database, mapping: MappingRules, tampering: str, what: str, stored: str, recomputed: str
) -> None:
    with write(derived):
        derived.execute(tampering)
    before = derived.conn.total_changes
    count, [found] = signals.differences(derived, mapping)
    contact = {"0": "1", "9": "2", "7": "3"}[(recomputed + stored).split("m:")[1][0]]
    assert count == 4
    assert found == {
        "contact": contact, "kind": "signal", "what": what, "stored": stored, "recomputed": recomputed
    }  # fmt: skip
    assert derived.conn.total_changes == before


def test_of_many_differences_the_first_are_told(
    derived: Database, mapping: MappingRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [Act(100 + n, str(n), "email_open", "x", n, None, None, False, False) for n in range(1_300)]
    tell(derived, many)
    monkeypatch.setattr(signals, "PASS", 100)  # the people are compared some at a time
    count, found = signals.differences(derived, mapping)
    assert (count, len(found)) == (1_304, 1_000)
    signals.derive(derived, mapping)
    assert signals.differences(derived, mapping) == (1_304, [])
    with write(derived):
        derived.execute("DELETE FROM signal WHERE id IN ('m:100', 'm:700', 'm:1399')")
    missing = [(one["contact"], one["what"]) for one in signals.differences(derived, mapping)[1]]
    assert sorted(missing) == [("0", "missing"), ("1299", "missing"), ("600", "missing")]


# -- the statements -------------------------------------------------------------------------------------


def test_a_late_click_reads_its_contacts_events_and_no_others(
    derived: Database, mapping: MappingRules
) -> None:
    tell(derived, [Act(20, "2", "email_click", "x", 505, LINKS[0], None, False, False)])
    with recorded(derived) as statements:
        assert signals.derive(derived, mapping) == 1
    assert any("main.signal" in statement for statement in statements)
    check(derived, statements)


def test_a_gateway_with_thousands_of_clicks_is_judged_in_one_pass(
    store: Database, mapping: MappingRules
) -> None:
    """Steps of SQLite's machine, not seconds: twice the clicks are twice the work, not four times."""
    steps = [_steps(emptied(store), mapping, number) for number in (2_000, 4_000)]
    assert steps[1] < 2.6 * steps[0]


def _steps(db: Database, mapping: MappingRules, number: int) -> int:
    tell(
        db,
        [Act(n, "1", "email_click", "x", n % 9, f"acme.fr/{n}", None, False, False) for n in range(number)],
    )
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    select = kind_select(mapping)
    db.conn.set_progress_handler(count, 1_000)
    rows = db.execute(f"SELECT rejected, count(*) FROM ({select}) GROUP BY rejected").fetchall()
    db.conn.set_progress_handler(None, 0)
    assert rows == [("burst", number)]
    return counted[0]


def test_the_other_engines_say_the_same(derived: Database, mapping: MappingRules) -> None:
    odd = replace(SOME, honeypot=("*'); DROP TABLE signal; --*", '*"ça % _ 😀*', "*/c"))
    odd_mapping = replace(mapping, bots=odd)
    rows = derived.execute("SELECT id, party, contact_id, at, event, attrs FROM engagement").fetchall()
    here = derived.execute(f"{kind_select(odd_mapping)} ORDER BY id").fetchall()
    with closing(duckdb.connect()) as duck:
        duck.execute(
            "CREATE TABLE engagement "
            '(id TEXT, party TEXT, contact_id TEXT, "at" BIGINT, event TEXT, attrs JSON)'
        )
        duck.executemany("INSERT INTO engagement VALUES (?, ?, ?, ?, ?, ?)", rows)
        there = duck.execute(f"{kind_select(odd_mapping, 'duckdb')} ORDER BY id").fetchall()
    assert here == there
    assert {row[-1] for row in here} == {"honeypot", None}
    assert sqlglot.parse_one(kind_select(odd_mapping, "spark"), dialect="spark")


# -- doctor ---------------------------------------------------------------------------------------------


def read(id: str, at: int, **attrs: str) -> Engagement:
    event = "email_click" if "url" in attrs else "email_open"
    return Engagement("s", id, event, at, "70", None, {"email": "1", **attrs})


def test_doctor_tells_the_share_that_is_rejected_and_what_is_dated_ahead(applied: Folder) -> None:
    before = applied("doctor").stdout
    assert re.search(r"\d+ % of \d+ e-mail opens are rejected: .*crm_filtered \d+", before)
    said = re.search(r"\d+ % of (\d+) e-mail clicks are rejected: burst (\d+)\n", before)
    assert said is not None  # by the gateways of the population
    clicks, robots = int(said[1]), int(said[2])
    assert "dated in the future" not in before
    told = [read(f"c{n}", NOW - n, url=f"acme.fr/{n}") for n in range(3)]
    told += [read(f"o{n}", NOW + n * MINUTE) for n in (5, 6)]
    told.append(Engagement("s", "m", "meeting", NOW + HOUR, "70", None, {"outcome": "SCHEDULED"}))
    with closing(open_store(applied.path / "connector.db")) as db, write(db):
        engagement.put(db, told, NOW)
    applied.edit("mappings/signals.yaml", "agents: [", 'agents: ["*mozilla*", ')
    assert applied("plan").code == 0
    items = {item["what"]: item for item in applied.json("doctor")["items"]}
    [strict] = [item for what, item in items.items() if re.search("e-mail opens are rejected: .*agent", what)]
    assert strict["state"] == "note"
    assert strict["fix"] == "see `bots` and `reject_if` in mappings/: are they too strict?"
    [told_now] = [what for what in items if f" of {clicks + 3:,} e-mail clicks are rejected: " in what]
    assert f"burst {robots + 3}" in told_now and f"agent {clicks - robots}" in told_now
    ahead = "1 signal dated in the future: email_open of contact 70 2026-11-16T09:06:00Z"
    assert items[ahead]["state"] == "note"
