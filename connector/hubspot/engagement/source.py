"""The one shape of every engagement source, and how a walk goes on after a stop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from connector.errors import MissingScope, Refused, Unavailable
from connector.hubspot.answers import GRANT
from connector.hubspot.transport import Transport
from connector.model import MINUTE, Document, Engagement

OVERLAP = (
    10 * MINUTE
)  # events and index entries arrive late: an increment begins this much before its bookmark


@dataclass(frozen=True, slots=True)
class EngagementPage:
    """What to store in one transaction. Rows repeat across runs: they are upserted by source, id and contact.

    `progress`: what a killed run resumes the source from. `bookmark`: everything up to it has been given; it
    is stored and the progress cleared. `skipped`: rows of the CRM that cannot be an event (no time).
    `share`: about how much of the whole walk is read with it, where that can be told.
    """

    rows: list[Engagement]
    progress: Document | None
    bookmark: Document | None
    skipped: int = 0
    share: float | None = None


def passed(since: int, at: int, until: int) -> float:
    """The share of a stretch of time that lies before `at`: a walk by time tells its progress so."""
    return min(1.0, max(0.0, (at - since) / max(1, until - since)))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the mapping uses: its events, and whether it cares for a list of this name."""

    events: frozenset[str]
    lists: Callable[[str], bool]


class Source(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def events(self) -> frozenset[str]: ...

    @property
    def late(self) -> int:
        """How long (ms) the CRM may take to show an event: by then it is looked for once more."""

    def read_up_to(self, moment: int, since: int) -> tuple[Document, int]:
        """The bookmark and the `since` of who has read all up to a moment, to read on from there."""

    def pages(
        self,
        t: Transport,
        *,
        bookmark: Document | None,
        progress: Document | None,
        since: int,
        until: int,
        wanted: Wanted,
    ) -> AsyncIterator[EngagementPage]:
        """Events in [since, until] (ms) that follow `bookmark`, from `progress` on.

        The last page has a bookmark and no progress.

        :raises Unavailable: the account's tier or the token's scopes do not have this source
        """


Walk = Callable[[Document | None], AsyncIterator[EngagementPage]]


async def resuming(
    walk: Walk, *, bookmark: Document | None, progress: Document | None, since: int
) -> AsyncIterator[EngagementPage]:
    """`walk(where it stopped)`: from the start if it was a walk with another beginning, or if the CRM
    refuses the cursor in it (cursors are opaque, they age).

    Around what the walk says, progress holds its beginning: {from (bookmark), since, at}.
    """
    same = (
        progress is not None
        and progress.get("from") == bookmark
        and progress.get("since", since + 1) <= since
    )
    begun = progress if same else None
    given = False
    if begun is not None:
        try:
            async for page in walk(begun["at"]):
                given = True
                yield _marked(page, bookmark, begun["since"])
            return
        except Refused:
            if given:
                raise
    async for page in walk(None):
        yield _marked(page, bookmark, since)


def _marked(page: EngagementPage, bookmark: Document | None, since: int) -> EngagementPage:
    if page.progress is None:
        return page
    return replace(page, progress={"from": bookmark, "since": since, "at": page.progress})


@contextmanager
def allowed(what: str, scopes: Sequence[str], tier: str = "") -> Iterator[None]:
    """A missing scope ends this source and no other.

    :raises Unavailable: naming the source, the scope and what to do
    """
    try:
        yield
    except MissingScope as no:
        said = " or ".join(no.scopes or scopes)
        needs = f"the scope {said}" + (f" and {tier}" if tier else "")
        fix = f"{GRANT.format(scopes=said)} The other sources go on."
        raise Unavailable(f"{what} cannot be read: that needs {needs}.", fix) from no
