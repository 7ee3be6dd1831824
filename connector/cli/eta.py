"""When a backfill will be done: what is left in requests over the rate at which they go, of all sources together.

Pure: it is told moments and counts, and reads no clock. A source's length in requests is what it took so far
over the share of it that this read. Requests of sources side by side are told apart by whose page comes next,
which is right only on the whole: a source is first taken to cost what the others do. The rate is a line
through the last 90 seconds, which neither the steps in which a limit of 10 seconds lets requests through nor
one pause bends, and never more than the limit leaves. A source of engagement is read page by page: it takes
at least the time that its pages take one after another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from statistics import median

SPAN = 90.0  # seconds that the rate is measured over
FIRST = 20.0  # seconds before there is a word: two windows of the limit
_STEP = 2.0  # seconds between two samples that are kept
_FAITH = 20  # pages until a source's own cost weighs as much as the usual one
_TELLING = 0.005  # share of a source that must be read before it tells the length of the rest


@dataclass(frozen=True, slots=True)
class Left:
    """`seconds` to go: at least, where `all_known` says that some source has not told its length."""

    seconds: float
    requests: float
    all_known: bool


@dataclass(slots=True)
class _Source:
    """`began`: the share of it that the first page of this run left behind; `pages` and `requests` that it
    took since."""

    began: float | None = None
    share: float = 0.0
    pages: int = 0
    requests: int = 0

    def left(self, usual: float) -> float | None:
        """In requests, of which a page usually takes so many."""
        if self.share >= 1:
            return 0.0
        read = 0.0 if self.began is None else self.share - self.began
        if read < _TELLING:
            return None
        cost = (self.requests + _FAITH * usual) / (self.pages + _FAITH)
        return self.pages * cost * (1 - self.share) / read


@dataclass
class Outlook:
    """`expected`: every source that will be read, with the requests that it is likely to take (None: nobody
    knows yet). `at_once`: those that are read by several readers, whom latency does not hold back."""

    expected: Mapping[str, float | None]
    at_once: Iterable[str] = ()
    _sources: dict[str, _Source] = field(default_factory=dict)
    _samples: deque[tuple[float, int]] = field(default_factory=deque)
    _began: float | None = None
    _requests: int = 0
    _answer: float = 0.0  # seconds that one takes
    _limit: float = float("inf")

    def reached(self, source: str, share: float) -> None:
        """That much of a source is read; to be told before `took`."""
        one = self._sources.setdefault(source, _Source())
        one.share = max(one.share, share)

    def took(self, source: str, at: float, requests: int, *, limit: float, answer: float) -> None:
        """A page of `source` is stored at `at` (seconds), `requests` were answered so far, of all sources.

        :param limit: requests a second that the account leaves us
        :param answer: seconds that an answer takes
        """
        one = self._sources.setdefault(source, _Source())
        if self._began is None:
            self._began = at  # what came before made connections and read the account
        if one.began is None:
            one.began = one.share
        else:
            one.pages += 1
            one.requests += requests - self._requests
        self._requests, self._limit, self._answer = requests, limit, answer
        if not self._samples or at - self._samples[-1][0] >= _STEP:
            self._samples.append((at, requests))
        while at - self._samples[0][0] > SPAN:
            self._samples.popleft()

    def left(self, now: float) -> Left | None:
        """None: too early to tell."""
        if self._began is None or now - self._began < FIRST:
            return None
        rate, above = self._line(now)
        if not rate:
            return None
        lengths = {name: self._length(name) for name in self.expected}
        known = {name: length for name, length in lengths.items() if length is not None}
        requests = sum(known.values())
        longest = max((n for name, n in known.items() if name not in self.at_once), default=0.0)
        seconds = max((requests + above) / rate, longest * self._answer)
        return Left(seconds, requests, all_known=len(known) == len(lengths))

    def share(self, source: str) -> float | None:
        """How much of a source is read; None: it does not tell."""
        one = self._sources.get(source)
        return one.share if one and one.share else None

    def _length(self, name: str) -> float | None:
        one = self._sources.get(name)
        found = one.left(self._usual()) if one else None
        return self.expected.get(name) if found is None else found

    def _usual(self) -> float:
        """Requests a page, of the sources that are under way."""
        running = [one for one in self._sources.values() if one.share < 1 and one.pages]
        return sum(one.requests for one in running) / max(1, sum(one.pages for one in running))

    def _line(self, now: float) -> tuple[float, float]:
        """Requests a second, and how many were sent ahead of the line: after a step of the limit, as many as
        it will stand still for. The median slope of all pairs (Theil and Sen): a pause does not bend it."""
        points = [*self._samples, (now, self._requests)]
        slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points, 2) if b[0] > a[0]]
        slope = median(slopes) if slopes else 0.0
        line = slope * now + median(count - slope * at for at, count in points)
        return min(slope, self._limit), max(0.0, self._requests - line)
