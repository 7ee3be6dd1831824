"""What real accounts do while somebody reads them: the same for every reader, timed by its pages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from tally import PAGE, WITNESS, Reader, Run, last, living

from connector.sandbox import Fault, Portal
from connector.sandbox.rows import Object

LAG = 30.0  # seconds that a write stays unknown to search (HUBSPOT.md 3.4)
SETTLED = LAG + 5
MANY, AT_ONCE = 12_000, 300.0  # contacts of one millisecond, and seconds to read them in
DAY = 86_400_000  # milliseconds
_LOOK = 0.01  # seconds between two looks at the journal

Happening = tuple[int, Callable[[], object]]  # after so many pages: what


@contextmanager
def happening(portal: Portal, script: Sequence[Happening]) -> Iterator[None]:
    """Carries the script out beside what is done within; whatever a short run did not reach, at its end."""
    waiting, over, since = sorted(script, key=lambda one: one[0]), threading.Event(), last(portal)

    def watch() -> None:
        pages, seen = 0, since
        while waiting:
            for entry in portal.journal(seen):
                seen = entry["n"]
                pages += bool(PAGE.search(entry["path"])) and entry["status"] == 200
            while waiting and (over.is_set() or pages >= waiting[0][0]):
                waiting.pop(0)[1]()
            over.wait(_LOOK)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


@contextmanager
def hot(portal: Portal, id: str) -> Iterator[None]:
    """A contact that somebody or something touches every second, as large accounts always have one."""
    over = threading.Event()

    def touch() -> None:
        times = 0
        while not over.wait(1.0):
            times += 1
            portal.edit(id, {WITNESS: f"touched {times}"})

    toucher = threading.Thread(target=touch)
    toucher.start()
    try:
        yield
    finally:
        over.set()
        toucher.join()


def busy(portal: Portal, reader: Reader) -> list[Run]:
    """Lag; edits, a merge, a 429 and a cut in the first run; edits just before the second; a third, quiet."""
    portal.lag(LAG)
    ids = sorted(living(portal), key=int)
    portal.faults(
        [Fault(path="contacts", skip=14, status=429), Fault(path="contacts", skip=24, cut="before")]
    )
    during = [
        (10, lambda: edit(portal, [*ids[:20], *ids[-20:]], "edited in the first run")),
        (20, lambda: portal.merge(ids[100], ids[101])),
    ]
    runs = []
    with hot(portal, ids[300]):
        with happening(portal, during):
            runs.append(reader.run())
        time.sleep(SETTLED)
        edit(portal, ids[200:230], "edited before the second run")
        time.sleep(2)
        runs.append(reader.run())
    time.sleep(SETTLED)
    runs.append(reader.run())
    return runs


def empty_page(portal: Portal, reader: Reader) -> list[Run]:
    """Two pages of the first run are one half full and one empty, with a next page both (trap 42)."""
    turn = portal.knobs
    during = [
        (20, lambda: turn(short_or_empty_pages_with_next=True)),
        (22, lambda: turn(short_or_empty_pages_with_next=False)),
    ]
    with happening(portal, during):
        runs = [reader.run()]
    return [*runs, reader.run()]


def quiet(portal: Portal, reader: Reader) -> list[Run]:
    """Nothing but twenty edits between two runs."""
    runs = [reader.run()]
    edit(portal, sorted(living(portal), key=int)[:20], "edited between two runs")
    return [*runs, reader.run()]


def moving(portal: Portal, reader: Reader) -> list[Run]:
    """All are modified after the first run, and in the second 150 of them again; a third, quiet.

    A part of those is at the head of the list, which has been read by then, a part at its end, which has not.
    """
    ids = sorted(living(portal), key=int)
    runs = [reader.run()]
    edit(portal, ids, "modified")
    heads = [ids[start : start + 25] for start in (0, 25, 50)]
    tails = [ids[-start - 25 : len(ids) - start] for start in (0, 25, 50)]
    during: list[Happening] = [
        (page, partial(edit, portal, [*head, *tail], "modified while it was read"))
        for page, head, tail in zip((3, 6, 9), heads, tails, strict=True)
    ]
    with happening(portal, during):
        runs.append(reader.run())
    return [*runs, reader.run()]


def one_millisecond(portal: Portal, reader: Reader) -> list[Run]:
    """12,000 contacts are there, a millisecond apart; then all are modified in one and the same."""
    now = portal.account.clock.now()
    first = 1 + max(map(int, living(portal)), default=0)
    ids = range(first, first + MANY)
    portal.load(Object("contacts", id, {WITNESS: "old"}, now - DAY, now - DAY + id % MANY) for id in ids)
    runs = [reader.run()]
    moment = portal.account.clock.now()
    portal.load(Object("contacts", id, {WITNESS: "new"}, now - DAY, moment) for id in ids)
    return [*runs, reader.run(AT_ONCE)]


def edit(portal: Portal, ids: Sequence[str], value: str) -> None:
    for id in ids:
        portal.edit(id, {WITNESS: value})
