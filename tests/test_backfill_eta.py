"""When a backfill will be done, told from recorded histories: within 20 % after the first minute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count

import pytest

from connector.cli.eta import Outlook

LIMIT = 14.4  # requests a second: 152 in 10 s, less 5 %
PAGES = 4_000
Event = tuple[float, str, int, float | None]  # moment, source, requests so far, share read


def steady(gap: float = 1 / LIMIT, begin: float = 0.0, before: int = 5) -> Iterator[Event]:
    """One source of PAGES requests, as fast as the limit lets them."""
    for page in range(1, PAGES + 1):
        yield begin + page * gap, "contacts", before + page, page / PAGES


def in_steps() -> Iterator[Event]:
    """The limit lets 152 through at once, and then none for 10.5 s."""
    for page in range(1, PAGES + 1):
        window, place = divmod(page - 1, 152)
        yield window * 10.53 + place * 0.012, "contacts", 5 + page, page / PAGES


def slow_at_first() -> Iterator[Event]:
    """Ten seconds at a tenth of the rate."""
    at = 0.0
    for page in range(1, PAGES + 1):
        at += 10 / LIMIT if at < 10 else 1 / LIMIT
        yield at, "contacts", 5 + page, page / PAGES


def refused_once() -> Iterator[Event]:
    """At 55 s the CRM refuses everybody for ten seconds."""
    for at, source, requests, share in steady():
        yield at + (10 if at > 55 else 0), source, requests, share


def taken_up_again() -> Iterator[Event]:
    """Another run had read two thirds."""
    for page in range(1, PAGES + 1):
        yield page / LIMIT, "contacts", 5 + page, (2 * PAGES + page) / (3 * PAGES)


def of_different_cost() -> Iterator[Event]:
    """Contacts take a request a page, the deals beside them three; they share the rate."""
    requests, left = 5, {"contacts": 1_200, "deals": 1_200}
    for turn in count():
        source = ("contacts", "deals")[turn % 2]
        if not any(left.values()):
            return
        if not left[source]:
            continue
        left[source] -= 1
        requests += 3 if source == "deals" else 1
        yield requests / LIMIT, source, requests, 1 - left[source] / 1_200


def one_long_source() -> Iterator[Event]:
    """Calls and forms side by side, a quarter of a second an answer; nobody reaches the limit, forms end
    early, and the calls alone take their time."""
    for turn in range(1, 1_601):
        yield turn * 0.25, "calls", 5 + turn + min(turn, 400), turn / 1_600
        if turn <= 400:
            yield turn * 0.25 + 0.01, "forms", 6 + turn + turn, turn / 400


HISTORIES = {
    "steady": (steady, 0.07),
    "in steps of the limit": (in_steps, 0.07),
    "slow at first": (slow_at_first, 0.07),
    "a pause": (refused_once, 0.07),
    "taken up again": (taken_up_again, 0.07),
    "of different cost": (of_different_cost, 0.07),
    "one long source": (one_long_source, 0.25),
}


def told(
    events: list[Event], expected: Mapping[str, float | None], answer: float
) -> Iterator[tuple[float, float]]:
    """(moment, seconds to go) at every event from the first minute on, up to a twentieth before the end."""
    outlook, began, end = Outlook(expected, ["contacts", "deals"]), events[0][0], events[-1][0]
    for at, source, requests, share in events:
        if share is not None:
            outlook.reached(source, share)
        outlook.took(source, at, requests, limit=LIMIT, answer=answer)
        left = outlook.left(at)
        if at - began < 20:
            assert left is None
        if at - began > 60 and end - at > (end - began) / 20:
            assert left is not None
            yield at, left.seconds


@pytest.mark.parametrize("name", HISTORIES)
def test_it_is_right_within_a_fifth_after_the_first_minute(name: str) -> None:
    make, answer = HISTORIES[name]
    events = list(make())
    found = list(told(events, dict.fromkeys({source for _, source, *_ in events}), answer))
    assert len(found) > 500
    wrong = [(at, seconds) for at, seconds in found if abs(seconds / (events[-1][0] - at) - 1) > 0.2]
    assert wrong == []


def test_what_waits_is_counted_as_far_as_it_is_known() -> None:
    """1,000 pages of contacts wait behind 2,000 of companies."""
    outlook = Outlook({"companies": None, "contacts": 1_000.0}, ["companies", "contacts"])
    for page in range(1, 1_001):
        outlook.reached("companies", page / 2_000)
        outlook.took("companies", page / 10, page, limit=LIMIT, answer=0.07)
    left = outlook.left(100.0)
    assert left is not None
    assert left.all_known
    assert left.seconds == pytest.approx(200, rel=0.02)
    assert left.requests == pytest.approx(2_000, rel=0.02)


def test_it_says_at_least_while_a_source_has_not_told_its_length() -> None:
    outlook = Outlook({"contacts": None, "forms": None}, ["contacts"])
    for page in range(1, 1_001):
        outlook.reached("contacts", page / 2_000)
        outlook.took("contacts", page / 10, page, limit=LIMIT, answer=0.07)
    left = outlook.left(100.0)
    assert left is not None
    assert not left.all_known
    outlook.reached("forms", 1.0)  # the account has none
    left = outlook.left(100.0)
    assert left is not None
    assert left.all_known


def test_the_limit_bounds_what_a_good_beginning_promises() -> None:
    """The first places of the bucket go at once; the rest will not."""
    outlook = Outlook({"contacts": None}, ["contacts"])
    for page in range(1, 1_001):
        outlook.reached("contacts", page / 3_000)
        outlook.took("contacts", page / 40, page, limit=10.0, answer=0.07)
    left = outlook.left(25.0)
    assert left is not None
    assert left.seconds == pytest.approx(200, rel=0.02)


def test_a_silence_is_not_taken_for_progress() -> None:
    outlook = Outlook({"contacts": None}, ["contacts"])
    for page in range(1, 601):
        outlook.reached("contacts", page / 1_200)
        outlook.took("contacts", page / 10, page, limit=LIMIT, answer=0.07)
    before, after = outlook.left(60.0), outlook.left(90.0)
    assert before is not None
    assert after is not None
    assert after.seconds >= before.seconds
