"""Everybody scored anew, and held against what the increments left: to the last digit, or it is said.

A contact whose inputs changed since it was judged, or whose time has come, waits for the next run and is not
compared. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlite_utils import Database

from connector import signals
from connector.decide import PASS, scorer_of
from connector.errors import BadCommand
from connector.model import Document
from connector.rules.tree import Rules
from connector.score import Scorer, Subject
from connector.store import bookmarks, decisions, records


@dataclass(slots=True)
class Verified:
    """`waiting`: to be judged at the next run; `items`: what is not as it should be, a row each."""

    contacts: int
    compared: int = 0
    signals: int = 0
    engines: str = ""  # that made the scores
    why_not: str = ""  # why DuckDB could not
    items: list[Document] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        return self.contacts - self.compared


def verify(db: Database, rules: Rules, now: int, tick: Callable[[int], None] = lambda _: None) -> Verified:
    """Recomputes every signal and every score.

    :raises BadCommand: when the cache was last judged by other rules
    """
    if bookmarks.fact(db, "rules") not in (rules.hash, None) or not signals.derived(db, rules.mapping):
        raise BadCommand(
            "The scores in the cache are by other rules than those here.",
            "Run `connector plan` and apply it, or name the folder of those rules with --rules.",
        )
    found = Verified(records.count(db))
    found.signals, wrong = signals.differences(db, rules.mapping)
    found.items += wrong
    scorer = scorer_of(rules)
    for rows in decisions.settled(db, rules.hash, now, PASS):
        found.items += _compare(db, scorer, rows, now)
        found.compared += len(rows)
        tick(len(rows))
    found.engines, found.why_not = ", ".join(sorted(scorer.used)), scorer.why_not
    return found


def _compare(db: Database, scorer: Scorer, rows: list[decisions.Settled], now: int) -> Iterator[Document]:
    subjects = [Subject(row.contact_id, now, row.epoch_at) for row in rows]
    fresh = {score.contact_id: score for score in scorer.scores(db, subjects)}
    for row in rows:
        stored, again = row.said, decisions.said_of(fresh[row.contact_id])
        for name in stored:
            if stored[name] != again[name]:
                what = {"what": name, "stored": str(stored[name]), "recomputed": str(again[name])}
                yield {"contact": row.contact_id, "kind": "score", **what}
