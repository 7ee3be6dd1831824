"""Points out of the cache: the agreement's own arithmetic, and a pure function of evidence and a moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from accounts import DAY, NOW, rules_in
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from connector import signals
from connector.model import POINT, Engagement, Record, Score
from connector.rules.tree import Rules
from connector.score import Scorer, Subject
from connector.store import columns, engagement, records
from connector.store.schema import open_store, write

Act = tuple[str, int, str]  # what, age in days, of which e-mail


@cache
def rules() -> Rules:
    with TemporaryDirectory() as folder:
        return rules_in(Path(folder))


@cache
def scorer() -> Scorer:
    return Scorer(rules())


opened: list[Database] = []


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """Every cache that a test made."""
    yield
    while opened:
        opened.pop().close()


@pytest.fixture
def db() -> Database:
    return cache_of([])


def cache_of(acts: Iterable[Act], **values: str) -> Database:
    """One contact, id 1, who did these things, newest first or not."""
    db = open_store(":memory:")
    opened.append(db)
    with write(db):
        columns.ensure_columns(db, rules().mapping)
        records.put(db, "contacts", [Record("1", values)], rules().mapping, NOW)
        engagement.put(db, [told(n, *act) for n, act in enumerate(acts)], NOW)
    signals.derive(db, rules().mapping)
    return db


def told(n: int, what: str, days: int, email: str) -> Engagement:
    name, attrs = {
        "pricing": ("page_view", {"path": "/tarifs"}),
        "demo": ("form_submission", {"form": "demo-download"}),
        "open": ("email_open", {"email": email}),
        "click": ("email_click", {"email": email}),
        "robot": ("email_click", {"email": email, "crm_filtered": True}),
    }[what]
    return Engagement("s", str(n), name, NOW - days * DAY, "1", None, attrs, what)


def scored(db: Database, at: int = NOW, epoch: int | None = None) -> Score:
    [found] = scorer().scores(db, [Subject("1", at, epoch)])
    return found


AGREED = [
    *[("pricing", day, "") for day in (1, 2)],
    *[("demo", day, "") for day in (1, 2)],
    *[("open", 1, str(email)) for email in range(4)],
]


def test_the_arithmetic_of_the_agreement() -> None:
    assert scored(cache_of(AGREED)).points == 100
    student = scored(cache_of(AGREED, jobtitle="Étudiante en marketing"))
    assert (student.points, student.axes["fit"]) == (50, -50 * POINT)


@pytest.mark.parametrize(("day", "points"), [(0, 25), (29, 25), (30, 13), (60, 6), (89, 6), (90, 0)])
def test_one_demo_download_grows_old(day: int, points: int) -> None:
    assert scored(cache_of([("demo", 0, "")]), NOW + day * DAY).points == points


def test_a_step_of_the_decay_is_at_its_very_moment() -> None:
    db = cache_of([("demo", 0, "")])
    first = scored(db)
    assert first.next_change_at == NOW + 30 * DAY
    assert [scored(db, NOW + 30 * DAY + ms).points for ms in (-1, 0)] == [25, 13]


def test_fifty_opens_of_one_email_are_one_and_fifty_emails_are_capped() -> None:
    assert scored(cache_of([("open", 1, "7")] * 50)).points == 5
    many = scored(cache_of([("open", 1, str(n)) for n in range(50)]))
    assert (many.points, many.groups["engagement.email"]) == (25, 25 * POINT)
    assert many.counted["open"] == 50


def test_a_robots_clicks_are_worth_nothing() -> None:
    assert scored(cache_of([("robot", 1, "7")])).points == 0


def test_what_is_dated_in_the_future_counts_from_then_on() -> None:
    db = cache_of([("demo", -3, "")])
    assert (scored(db).points, scored(db).next_change_at) == (0, NOW + 3 * DAY)
    assert scored(db, NOW + 3 * DAY).points == 25


def test_what_was_before_the_journey_belongs_to_another() -> None:
    db = cache_of([("demo", 1, ""), ("pricing", 5, "")])
    assert scored(db, epoch=NOW - 3 * DAY).points == 25
    assert scored(db, epoch=NOW).points == 0


def test_contacts_come_in_the_order_of_their_ids_and_unknown_ones_not_at_all(db: Database) -> None:
    with write(db):
        records.put(db, "contacts", [Record(id, {}) for id in ("10", "9")], rules().mapping, NOW)
    subjects = [Subject(id, NOW) for id in ("9", "unknown", "10", "1")]
    assert [score.contact_id for score in scorer().scores(db, subjects)] == ["1", "10", "9"]
    assert scorer().scores(db, []) == []


def test_each_contact_has_its_own_moment() -> None:
    both = cache_of([("demo", 0, "")])
    with write(both):
        records.put(both, "contacts", [Record("2", {})], rules().mapping, NOW)
        engagement.put(both, [Engagement("s", "x", "page_view", NOW, "2", None, {"path": "/tarifs"})], NOW)
    signals.derive(both, rules().mapping)
    found = scorer().scores(both, [Subject("1", NOW + 30 * DAY), Subject("2", NOW)])
    assert [(score.as_of, score.points) for score in found] == [(NOW + 30 * DAY, 13), (NOW, 15)]


def test_points_say_which_signals_count_and_why_others_do_not() -> None:
    db = cache_of(
        [("demo", 1, ""), ("demo", 1, ""), *[("demo", day, "") for day in (40, 50, 60)], ("demo", 95, "")]
    )
    rule = [r.id for r in rules().workflow.rules()].index("demo")
    found = [p for p in scorer().points(db, Subject("1", NOW)) if p.rule == rule]
    assert [(p.counted, p.why_not, p.percent) for p in found] == [
        (True, None, 100),
        (False, "once_per", 100),
        (True, None, 50),
        (True, None, 50),
        (False, "at_most", 25),
    ]
    assert sum(p.points for p in found) == scored(db).parts["demo"] == 50 * POINT


acts = st.lists(
    st.tuples(
        st.sampled_from(["pricing", "demo", "open", "click", "robot"]),
        st.integers(-5, 100),
        st.sampled_from("789"),
    ),
    max_size=25,
)


@settings(max_examples=30, deadline=None)
@given(acts, st.randoms(use_true_random=False), st.integers(-10, 120))
def test_the_order_in_which_things_became_known_makes_no_difference(
    history: list[Act], chance: object, day: int
) -> None:
    shuffled = list(history)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = cache_of(history), cache_of(shuffled)
    assert scored(first, NOW + day * DAY) == scored(second, NOW + day * DAY)


@settings(max_examples=40, deadline=None)
@given(acts)
def test_nothing_changes_before_the_moment_that_is_told(history: list[Act]) -> None:
    db = cache_of(history)
    now = scored(db)
    until = now.next_change_at
    if until is None:
        assert scored(db, NOW + 1000 * DAY).points == now.points
    else:
        assert until > NOW
        before = scored(db, until - 1)
        assert (before.points, before.parts, before.facts) == (now.points, now.parts, now.facts)
