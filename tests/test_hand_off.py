"""The hand-off to sales: offered once, in business time, then taken on, rejected or left; and how fast."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hand_off_diary import CASES, LETTERS, HandOffDiary, agreed, load
from hypothesis import given, settings
from hypothesis import strategies as st
from journey_diary import local, moment

from connector import hand_off
from connector.hand_off import Sales
from connector.model import DAY, HOUR, MINUTE, HandOff
from connector.rules.tree import Rules

NAMES = sorted(path.stem for path in CASES.glob("*.yaml"))


@pytest.fixture(params=["awake", "asleep"])
def diary(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HandOffDiary]:
    found = HandOffDiary(tmp_path, awake=request.param == "awake")
    yield found
    found.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_hand_off_goes_as_its_file_says(diary: HandOffDiary, name: str) -> None:
    case = load(name)
    diary.begin(agreed(case.get("rules", "")), case["contact"], {})
    for entry in case["diary"]:
        diary.happens(entry)
        if "expect" in entry:
            now = diary.stands(moment(entry["on"]))
            assert {key: now[key] for key in entry["expect"]} == entry["expect"], entry["on"]
    diary.judge(moment(entry["on"]))
    assert diary.handed_over() == case["handed_over"]


# -- an old account, and late news -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("created", "at_work", "told"),
    [
        ("2026-11-02 09:00", False, False),  # they were there before us
        ("2026-11-15 19:00", False, True),  # made within the day
        ("2026-11-02 09:00", True, True),  # made while we were at work, and seen late
    ],
)
def test_the_first_run_on_an_old_account_tells_nobody(
    tmp_path: Path, created: str, at_work: bool, told: bool
) -> None:
    with closing(HandOffDiary(tmp_path, awake=False)) as diary:
        diary.begin(agreed(), {"created": created, "persona": "decision_maker"}, {})
        diary.open(at_work=at_work)
        diary.happens({"on": "2026-11-16 10:00", "submits": "demo-download"})
        diary.judge(moment("2026-11-16 10:05"))
        assert diary.standing().stage == "mql"
        assert bool(diary.handed()) == told


@pytest.mark.parametrize(("decided", "told"), [("2026-11-17 10:00", True), ("2026-11-17 10:01", False)])
def test_nobody_is_told_of_what_is_older_than_the_horizon(tmp_path: Path, decided: str, told: bool) -> None:
    with closing(HandOffDiary(tmp_path, awake=False)) as diary:
        diary.begin(agreed(), {"created": "2026-11-02 09:00", "persona": "decision_maker"}, {})
        diary.judge(moment("2026-11-02 10:00"))
        diary.happens({"on": "2026-11-16 10:00", "submits": "demo-download"})
        diary.judge(moment(decided))
        assert [one.told_at for one in diary.handed()] == [moment(decided)] * told


def test_a_run_that_came_late_costs_the_buyer_and_not_the_rep(tmp_path: Path) -> None:
    with closing(HandOffDiary(tmp_path, awake=False)) as diary:
        diary.begin(agreed(), {"created": "2026-11-02 09:00", "persona": "decision_maker"}, {})
        diary.judge(moment("2026-11-02 10:00"))
        diary.happens({"on": "2026-11-16 10:00", "submits": "demo-download"})
        diary.judge(moment("2026-11-16 12:00"))
        diary.happens({"on": "2026-11-16 12:30", "called": "outbound"})
        diary.judge(moment("2026-11-16 12:40"))
        [one] = diary.handed()
        assert hand_off.waits(diary.rules, one) == hand_off.Waits(150 * MINUTE, 30 * MINUTE)


def test_a_call_that_is_logged_late_was_in_time_all_the_same(tmp_path: Path) -> None:
    with closing(HandOffDiary(tmp_path, awake=True)) as diary:
        diary.begin(agreed(), {"created": "2026-11-02 09:00", "persona": "decision_maker"}, {})
        diary.happens({"on": "2026-11-16 10:00", "submits": "demo-download"})
        diary.happens({"on": "2026-11-16 15:00", "expect": {}})
        assert [one.breached_at for one in diary.handed()] == [moment("2026-11-16 14:00")]
        diary.happens({"on": "2026-11-16 11:00", "wrote": "outbound"})  # found the day after
        diary.judge(moment("2026-11-17 09:00"))
        [one] = diary.handed()
        assert (one.breached_at, one.first_touch_at) == (None, moment("2026-11-16 11:00"))
        assert (one.state, one.settled_at) == ("accepted", moment("2026-11-16 11:00"))


# -- for whatever sales does, and whenever we look ---------------------------------------------------

OFFERED = moment("2026-11-16 10:00")
minutes = st.integers(-30 * 60, 30 * 60)
acts = st.lists(minutes.map(lambda n: OFFERED + n * MINUTE), max_size=4).map(lambda m: tuple(sorted(m)))
words = st.none() | st.tuples(minutes.map(lambda n: OFFERED + n * MINUTE), st.sampled_from(["lead", "sql"]))
sales = st.builds(Sales, acts, acts, words)
looks = st.lists(st.integers(0, 40 * 60), min_size=1, max_size=6).map(
    lambda found: [OFFERED + n * MINUTE for n in sorted(found)]
)


def rules() -> Rules:
    return agreed()[0]


def fresh() -> HandOff:
    return HandOff("1", 1, "mql", OFFERED, due_at=OFFERED + 4 * HOUR, told_at=OFFERED)


@given(sales, looks)
def test_however_often_we_look_the_same_came_to_pass(did: Sales, moments: list[int]) -> None:
    often = once = (fresh(),)
    for at in moments:
        often = hand_off.seen(rules(), often, did, at)
    assert often == hand_off.seen(rules(), once, did, moments[-1])


@given(sales, st.data(), looks)
def test_what_is_learnt_late_gives_what_would_have_been_seen_in_time(
    did: Sales, data: st.DataObject, moments: list[int]
) -> None:
    known = replace(did, touches=tuple(t for t in did.touches if data.draw(st.booleans())))
    early = hand_off.seen(rules(), (fresh(),), known, moments[0])
    at = moments[-1]
    assert hand_off.seen(rules(), early, did, at) == hand_off.seen(rules(), (fresh(),), did, at)


@given(sales, looks)
def test_nothing_changes_before_the_moment_that_it_says(did: Sales, moments: list[int]) -> None:
    for at in moments:
        before = hand_off.seen(rules(), (fresh(),), did, at)
        due = hand_off.wake_at(before, did, at)
        until = due - 1 if due is not None else at + 90 * DAY
        quiet = replace(did, deals=(), word=None)  # what comes by itself; the rest is news
        assert hand_off.seen(rules(), before, quiet, until) == before


@given(sales, looks)
def test_its_figures_agree_with_each_other(did: Sales, moments: list[int]) -> None:
    [one] = hand_off.seen(rules(), (fresh(),), did, moments[-1])
    assert (one.state == "accepted") == (one.settled_at is not None)
    assert one.first_touch_at is None or one.state == "accepted"
    assert one.under_way <= (one.first_touch_at == OFFERED)
    in_time = one.settled_at is not None and one.settled_at <= OFFERED + 4 * HOUR
    assert (one.breached_at is not None) == (moments[-1] >= OFFERED + 4 * HOUR and not in_time)
    waits = hand_off.waits(rules(), one)
    assert waits is None or 0 <= waits.rep <= waits.buyer


diaries = (
    st.lists(st.tuples(st.integers(-600, 700), st.sampled_from(sorted(LETTERS))), max_size=4),
    st.lists(st.integers(1, 719), max_size=3),
)


@settings(max_examples=3, deadline=None)
@given(*diaries)
def test_asleep_or_awake_the_hand_off_is_the_same(letters: list[tuple[int, str]], looks: list[int]) -> None:
    asleep_as_awake(letters, looks)


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(*diaries)
def test_asleep_or_awake_the_hand_off_is_the_same_at_length(
    letters: list[tuple[int, str]], looks: list[int]
) -> None:
    asleep_as_awake(letters, looks)


def asleep_as_awake(letters: list[tuple[int, str]], looks: list[int]) -> None:
    """Letters around a hand-off; one that decides at whatever happens, one that looks now and then."""
    told = []
    for awake in (True, False):
        with TemporaryDirectory() as folder, closing(HandOffDiary(Path(folder), awake)) as diary:
            diary.begin(agreed(), {"created": "2026-11-15 09:00", "persona": "decision_maker"}, {})
            diary.judge(moment("2026-11-15 09:00"))
            happened = [(OFFERED + n * MINUTE, {"wrote": letter}) for n, letter in letters]
            happened += [(OFFERED, {"submits": "demo-download"}), (OFFERED + 720 * MINUTE, {"expect": ""})]
            happened += [] if awake else [(OFFERED + n * MINUTE, {"expect": ""}) for n in looks]
            for at, entry in sorted(happened, key=lambda one: one[0]):
                diary.happens({"on": local(at), **entry})
            told.append([replace(one, told_at=None) for one in diary.handed()])
    assert told[0] == told[1]
    assert len(told[0]) == 1


# -- what is a touch, and what is usual --------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "attrs", "is_one"),
    [
        ("call", {"direction": "outbound", "outcome": "connected"}, True),
        ("call", {"direction": "outbound", "outcome": "no_answer"}, True),  # somebody tried
        ("call", {"direction": "outbound", "outcome": None}, True),
        ("call", {"direction": "inbound"}, False),
        ("call", {"direction": None}, False),
        ("meeting", {"outcome": "scheduled"}, True),
        ("meeting", {"outcome": None}, True),
        ("meeting", {"outcome": "no_show"}, True),
        ("meeting", {"outcome": "canceled"}, False),
        ("sales_email", {"direction": "outbound", "status": "sent", "sequence": False}, True),
        ("sales_email", {"direction": "outbound", "sequence": True}, False),
        ("sales_email", {"direction": "outbound", "status": "failed"}, False),
        ("sales_email", {"direction": "inbound"}, False),
        ("email_open", {"direction": "outbound"}, False),
    ],
)
def test_a_touch_is_what_a_human_did(event: str, attrs: dict[str, object], is_one: bool) -> None:
    assert hand_off.is_touch(event, attrs) == is_one


@pytest.mark.parametrize(
    ("values", "median", "p90"),
    [([], None, None), ([7], 7, 7), ([3, 1, 2], 2, 3), ([4, 3, 2, 1], 2, 4), (list(range(1, 11)), 5, 9)],
)
def test_the_median_and_what_nine_of_ten_are_not_above(
    values: list[int], median: int | None, p90: int | None
) -> None:
    assert (hand_off.share(values, 50), hand_off.share(values, 90)) == (median, p90)
