"""Changes on their way: one open row for a thing at a time, whatever happens in whatever order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from sqlite_utils import Database

from connector.store import outbox
from connector.store.outbox import Put, State
from connector.store.plans import PlanRow
from connector.store.schema import open_store

NOW = 1_000_000
CONTACTS, KEYS, VALUES = ("1", "2", "3"), ("lq_score", "lq_stage"), ("a", "b")


@pytest.fixture
def db() -> Iterator[Database]:
    opened = open_store(":memory:")
    yield opened
    opened.close()


def plan(seq: int) -> PlanRow:
    return PlanRow(seq, f"p{seq}", 0, 0, "rules", 0, "open", {})


def a_put(contact: str = "1", key: str = "lq_score", new: str = "a") -> Put:
    return Put(contact, "property", key, None, new)


def states(db: Database) -> list[tuple[str, str]]:
    return [(row["new"], row["state"]) for row in db.query("SELECT new, state FROM outbox ORDER BY seq")]


def test_applying_a_plan_twice_adds_nothing(db: Database) -> None:
    assert outbox.put(db, plan(1), [a_put(), a_put(key="lq_stage")], 5) == 2
    assert outbox.put(db, plan(1), [a_put(), a_put(key="lq_stage")], 6) == 0
    assert outbox.counts(db)["pending"] == 2


def test_a_newer_plan_replaces_what_waits_or_is_held(db: Database) -> None:
    outbox.put(db, plan(1), [a_put(new="a")], 5)
    outbox.put(db, plan(2), [a_put(new="b")], 6)
    outbox.settle(db, [(row.seq, State.HELD, "no") for row in outbox.claim(db, 9, NOW)], 7)
    outbox.put(db, plan(3), [a_put(new="c")], 8)
    assert states(db) == [("a", "dropped"), ("b", "dropped"), ("c", "pending")]


def test_an_earlier_value_may_come_back(db: Database) -> None:
    for seq, new in enumerate(("a", "b", "a"), start=1):
        outbox.put(db, plan(seq), [a_put(new=new)], seq)
        outbox.settle(db, [(row.seq, State.SENT, "") for row in outbox.claim(db, 9, NOW)], seq)
    assert states(db) == [("a", "sent"), ("b", "sent"), ("a", "sent")]
    assert outbox.last_sent(db, ["1", "2"], KEYS) == {"1": {"lq_score": "a"}}


def test_what_is_no_longer_wanted_is_withdrawn(db: Database) -> None:
    """Held or left behind by a run that died: sent later, it would undo what is decided now."""
    outbox.put(db, plan(1), [a_put(new="a"), a_put(key="lq_stage", new="mql"), a_put("2")], 5)
    outbox.withdraw(db, plan(2), "1", {"lq_stage": "mql"}, 6)
    outbox.withdraw(db, plan(1), "2", {}, 6)
    assert states(db) == [("a", "dropped"), ("mql", "pending"), ("a", "pending")]


def an_action(kind: str, key: str = "1:mql", new: str = "{}") -> Put:
    return Put("1", kind, key, None, new)


@pytest.mark.parametrize("kind", [outbox.TASK, outbox.WEBHOOK])
def test_what_happened_once_is_told_once(db: Database, kind: str) -> None:
    assert outbox.put(db, plan(1), [an_action(kind)], 5) == 1
    assert outbox.put(db, plan(2), [an_action(kind, new='{"a":1}')], 6) == 0  # on its way
    outbox.settle(db, [(row.seq, State.HELD, "no") for row in outbox.claim(db, 9, NOW)], 7)
    assert outbox.put(db, plan(3), [an_action(kind)], 8) == 0  # a person decides
    outbox.decide(db, [], State.PENDING, 9)
    outbox.settle(db, [(row.seq, State.SENT, "") for row in outbox.claim(db, 9, NOW)], 10)
    assert outbox.put(db, plan(4), [an_action(kind)], 11) == 0  # done
    assert outbox.put(db, plan(4), [an_action(kind, "2:mql")], 11) == 1
    assert states(db) == [("{}", "sent"), ("{}", "pending")]


def test_what_was_withdrawn_may_happen_again(db: Database) -> None:
    outbox.put(db, plan(1), [an_action(outbox.TASK)], 5)
    outbox.withdraw(db, plan(2), "1", {}, 6, kinds=["task"])
    assert outbox.put(db, plan(3), [an_action(outbox.TASK)], 7) == 1
    assert [state for _, state in states(db)] == ["dropped", "pending"]


def test_the_last_word_about_a_list_counts(db: Database) -> None:
    for seq, do in enumerate(("leave", "join"), start=1):
        outbox.put(db, plan(seq), [an_action(outbox.LIST, "Nurturing", do)], 5)
    assert states(db) == [("leave", "dropped"), ("join", "pending")]


def test_only_what_is_not_right_any_more_is_withdrawn(db: Database) -> None:
    rows = [an_action(kind, kind, kind) for kind in (outbox.TASK, outbox.LIST, outbox.WEBHOOK)]
    outbox.put(db, plan(1), [*rows, a_put(key="status", new="OPEN"), a_put(new="a")], 5)
    outbox.withdraw(db, plan(2), "1", {}, 6, kept=["status"])
    assert [new for new, state in states(db) if state == "pending"] == ["task", "list", "webhook", "OPEN"]
    outbox.withdraw(db, plan(3), "1", {}, 7, kinds=["task", "list"])
    assert [new for new, state in states(db) if state == "pending"] == ["webhook"]


def test_actions_are_no_values_of_properties(db: Database) -> None:
    """A list may be called like a property."""
    outbox.put(db, plan(1), [an_action(outbox.LIST, "lq_score", "join")], 5)
    outbox.settle(db, [(row.seq, State.SENT, "") for row in outbox.claim(db, 9, NOW)], 6)
    assert (outbox.last_sent(db, ["1"], KEYS), outbox.olds(db, "p1")) == ({}, {})
    outbox.put(db, plan(2), [an_action(outbox.LIST, "lq_score", "leave")], 7)
    outbox.settle(db, [(row.seq, State.HELD, "no") for row in outbox.claim(db, 9, NOW)], 8)
    assert outbox.refused(db, ["1"]) == {}


def test_a_run_claims_each_contact_once(db: Database) -> None:
    outbox.put(db, plan(1), [a_put(c) for c in CONTACTS], 5)
    first = outbox.claim(db, 2, NOW)
    outbox.settle(db, [(row.seq, State.PENDING, "no answer") for row in first], 6)
    assert [row.contact_id for row in outbox.claim(db, 9, NOW, after="2")] == ["3"]
    assert outbox.claim(db, 9, NOW, after="3") == []
    assert [row.contact_id for row in outbox.claim(db, 9, NOW)] == ["1", "2"]


def test_who_is_handed_over_can_be_claimed_before_values_alone(db: Database) -> None:
    told = Put("2", outbox.LIST, "Sales owned", None, "{}")
    outbox.put(db, plan(1), [a_put("1"), a_put("2"), told, a_put("3")], 5)
    assert [row.contact_id for row in outbox.claim(db, 1, NOW, acting=True)] == ["2", "2"]
    assert outbox.claim(db, 1, NOW, after="2", acting=True) == []
    assert [row.contact_id for row in outbox.claim(db, 9, NOW, acting=False)] == ["1", "3"]


def test_a_failed_step_is_not_claimed_again_among_values(db: Database) -> None:
    outbox.put(db, plan(1), [Put("2", outbox.LIST, "Sales owned", None, "{}"), a_put("2"), a_put("3")], 5)
    first = outbox.claim(db, 9, NOW, acting=True)
    outbox.settle(db, [(row.seq, State.PENDING, "no answer") for row in first], 6)
    assert [row.contact_id for row in outbox.claim(db, 9, NOW, acting=False)] == ["3"]


def test_a_task_that_may_still_arrive_waits_with_its_contact(db: Database) -> None:
    outbox.put(db, plan(1), [an_action(outbox.TASK), a_put(), a_put("2")], 5)
    lost = [row for row in outbox.claim(db, 9, NOW) if row.kind == outbox.TASK]
    outbox.settle(db, [(row.seq, State.PENDING, "no answer") for row in outbox.in_flight(db)], NOW)
    assert [row.contact_id for row in outbox.claim(db, 9, NOW + outbox.ARRIVED - 1)] == ["2"]
    again = outbox.claim(db, 9, NOW + outbox.ARRIVED)
    assert lost[0].seq in [row.seq for row in again]
    assert len(again) == 2


def test_claims_go_contact_by_contact_with_all_of_their_rows(db: Database) -> None:
    outbox.put(db, plan(1), [a_put(c, k) for c in CONTACTS for k in KEYS], 5)
    first = outbox.claim(db, 2, NOW)
    assert [(row.contact_id, row.key) for row in first] == [(c, k) for c in ("1", "2") for k in KEYS]
    assert outbox.any_in_flight(db)
    assert outbox.in_flight(db) == first
    assert [row.contact_id for row in outbox.claim(db, 2, NOW)] == ["3", "3"]
    assert outbox.claim(db, 2, NOW) == []


def test_a_persons_word_about_held_rows(db: Database) -> None:
    outbox.put(db, plan(1), [a_put(), a_put("2"), a_put("3")], 5)
    rows = outbox.claim(db, 9, NOW)
    outbox.settle(db, [(row.seq, State.HELD, "no such option") for row in rows], 6)
    assert outbox.refused(db, list(CONTACTS)) == {c: {"lq_score": "a"} for c in CONTACTS}
    assert outbox.decide(db, [rows[0].seq], State.PENDING, 7) == 1
    assert outbox.decide(db, [rows[0].seq], State.DROPPED, 7) == 0  # not held any more
    assert outbox.decide(db, [], State.DROPPED, 8) == 2
    assert [row["state"] for row in outbox.listed(db)] == ["pending"]


def test_open_rows_are_listed_the_held_ones_first(db: Database) -> None:
    outbox.put(db, plan(1), [a_put("1"), a_put("2")], 5)
    rows = outbox.claim(db, 9, NOW)
    outbox.settle(db, [(rows[1].seq, State.HELD, "x" * 3000)], 6)
    listed = outbox.listed(db)
    assert [(row["contact_id"], row["state"], len(row["said"])) for row in listed] == [
        ("2", "held", 2000),
        ("1", "sending", 0),
    ]


class Sequences(RuleBasedStateMachine):
    """put, claim, settle and decide in any order, against a plain model of what is on its way."""

    plans = Bundle("plans")

    def __init__(self) -> None:
        super().__init__()
        self.db = open_store(":memory:")
        self.seq = 0
        self.sent: dict[tuple[str, str], str] = {}

    def teardown(self) -> None:
        self.db.close()

    @rule(target=plans)
    def a_plan(self) -> PlanRow:
        self.seq += 1
        return plan(self.seq)

    @rule(
        plan=plans, contact=st.sampled_from(CONTACTS), key=st.sampled_from(KEYS), new=st.sampled_from(VALUES)
    )
    def put(self, plan: PlanRow, contact: str, key: str, new: str) -> None:
        outbox.put(self.db, plan, [a_put(contact, key, new)], 1)

    @rule(
        plan=plans,
        contact=st.sampled_from(CONTACTS),
        wanted=st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES)),
    )
    def withdraw(self, plan: PlanRow, contact: str, wanted: dict[str, str]) -> None:
        outbox.withdraw(self.db, plan, contact, wanted, 1)

    @rule(contacts=st.integers(1, 3))
    def claim(self, contacts: int) -> None:
        pending = outbox.counts(self.db)["pending"]
        claimed = outbox.claim(self.db, contacts, NOW)
        assert bool(claimed) == bool(pending)

    @rule(became=st.sampled_from([State.SENT, State.HELD, State.PENDING, State.DROPPED]))
    def settle(self, became: State) -> None:
        rows = outbox.in_flight(self.db)[:1]
        outbox.settle(self.db, [(row.seq, became, "") for row in rows], 2)
        if became is State.SENT:
            self.sent |= {(row.contact_id, row.key): row.new for row in rows}

    @rule(word=st.sampled_from([State.PENDING, State.DROPPED]))
    def decide(self, word: State) -> None:
        outbox.decide(self.db, [], word, 3)

    @invariant()
    def never_two_open_rows_for_one_thing(self) -> None:
        twice = self.db.execute(
            "SELECT contact_id, key FROM outbox WHERE state IN ('pending', 'sending', 'held') "
            "GROUP BY contact_id, kind, key HAVING count(*) > 1"
        ).fetchall()
        assert twice == []

    @invariant()
    def a_plan_says_a_thing_once(self) -> None:
        twice = self.db.execute(
            "SELECT 1 FROM outbox GROUP BY plan, contact_id, kind, key HAVING count(*) > 1"
        ).fetchall()
        assert twice == []

    @invariant()
    def nothing_sent_is_forgotten(self) -> None:
        found = outbox.last_sent(self.db, CONTACTS, KEYS)
        assert {(c, k): v for c, some in found.items() for k, v in some.items()} == self.sent


Sequences.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestSequences = Sequences.TestCase
