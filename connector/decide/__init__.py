"""A preview is not a decision: `preview` stores a plan and nothing else, `accept` makes it one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest

from sqlite_utils import Database

from connector import signals
from connector.decide.accepting import Accepted, accept, braked
from connector.decide.view import Start, View, scorer_of, signals_of, standing_of, witness_of
from connector.model import Document, Score
from connector.plan import Tally
from connector.rules.compile import dependencies
from connector.rules.tree import Rules
from connector.score import Scorer, Subject
from connector.store import bookmarks, columns, decisions, plans, records
from connector.store.schema import write

__all__ = [
    "PASS",
    "Accepted",
    "Start",
    "accept",
    "braked",
    "fit",
    "judge",
    "portions",
    "preview",
    "scorer_of",
    "signals_of",
    "standing_of",
    "witness_of",
]

CHUNK = 1_000  # contacts judged at a time: memory does not grow with the account
PASS = 20_000  # the same where very many are: an engine of its own scores them


def preview(
    db: Database,
    rules: Rules,
    now: int,
    only: Sequence[str] | None = None,
    *,
    starts: Mapping[str, Start] | None = None,
    everyone: bool = False,
    scorer: Scorer | None = None,
    tick: Callable[[int], None] = lambda _: None,
) -> plans.PlanRow:
    """Judges whoever needs it (everyone, if the rules are not those applied last) and stores the plan.

    :param scorer: one of these rules, for who wants to ask it afterwards how it went
    """
    stamp = fit(db, rules)
    whole = everyone or bookmarks.fact(db, "rules") != rules.hash
    ids = list(only) if only is not None else decisions.everyone(db) if whole else decisions.to_judge(db, now)
    with write(db):
        seq = plans.start(db, now, now, rules.hash, stamp)
    tally = Tally(contacts=records.count(db))
    scorer = scorer or scorer_of(rules)
    for some in portions(ids):
        documents = list(judge(db, scorer, some, now, starts))
        for document in documents:
            tally.add(document)
        with write(db):
            plans.add(db, seq, documents)
        tick(len(documents))
    new = rules.hash not in (bookmarks.fact(db, "applied_rules") or [])
    with write(db):
        plans.finish(
            db,
            seq,
            tally.digest.hexdigest()[:8],
            "open" if ids else "empty",
            tally.summary(rules_are_new=new),
        )
    return plans.find_seq(db, seq)


def portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many as are judged at a time."""
    size = PASS if len(ids) >= PASS else CHUNK
    return (ids[start : start + size] for start in range(0, len(ids), size))


def fit(db: Database, rules: Rules) -> int:
    """What is known of changes at a moment at which columns and signals are those of these rules: a preview
    of other rules may have been at work on the same cache."""
    while True:
        stamp = decisions.stamp_now(db)
        accounts = dependencies(rules).accounts
        followed = decisions.follows_accounts(db) == accounts
        if followed and columns.fitted(db, rules.mapping) and signals.derived(db, rules.mapping):
            return stamp
        with write(db):
            columns.ensure_columns(db, rules.mapping)
            decisions.follow_accounts(db, accounts)
        signals.derive(db, rules.mapping)


def judge(
    db: Database, scorer: Scorer, ids: Sequence[str], now: int, starts: Mapping[str, Start] | None = None
) -> Iterator[Document]:
    """The plan's documents of these contacts at `now`. A run that comes late replays the moments that it
    missed, in order: a nap over a dip gives what an awake run would have decided. Signals and others' words
    count from their own moment on; what the CRM does not date is as the last pull saw it."""
    view = View(db, scorer.rules, ids, now)
    view.start_from(starts or {})
    scores = _Scores(db, scorer)
    if not starts:
        _by_edit(scores, view, now)
        _look_back(scores, view, now)
    due = {} if starts else view.missed(now)
    while due:
        passed = [view.pass_by(score, now) for score in _settled(scores, view, view.subjects(due), now)]
        due = {i: at for i, at in passed if at is not None and at < now}
    for score in _settled(scores, view, view.subjects(dict.fromkeys(ids, now)), now):
        yield view.document(score, now)


class _Scores:
    """The scorer, for a few contacts: what was scored before is not scored again."""

    def __init__(self, db: Database, scorer: Scorer) -> None:
        self._db, self._scorer = db, scorer
        self._known: dict[Subject, Score] = {}

    def of(self, subjects: Sequence[Subject]) -> list[Score]:
        """In the order of the contacts' ids."""
        new = {one.contact_id: one for one in subjects if one not in self._known}
        self._known |= {new[s.contact_id]: s for s in self._scorer.scores(self._db, list(new.values()))}
        found = [self._known[one] for one in subjects if one in self._known]
        return sorted(found, key=lambda score: score.contact_id)


def _by_edit(scores: _Scores, view: View, now: int) -> None:
    """Whom the rules, had they been these, would have had further on at the last decision already: an edit
    brings them there, nothing that they did, and nobody is told of it."""
    last = view.last_decided()
    climbing = [
        s.contact_id for s in scores.of(view.subjects(dict.fromkeys(last, now))) if view.climbs(s, now)
    ]
    for score in scores.of(view.subjects({i: last[i] for i in climbing})):
        view.climb(score, now, by_edit=True)


def _look_back(scores: _Scores, view: View, now: int) -> None:
    """What became known late enters stages at the moment at which it would have, had it been known: nobody is
    told of what is long past. It opens nothing and ends nothing, for what was decided stays."""
    late = view.late()
    known = scores.of(view.subjects({i: moments[-1] for i, moments in late.items()}))
    climbing = {score.contact_id for score in known if view.climbs(score, now)}
    rounds = zip_longest(*(((i, at) for at in late[i]) for i in sorted(climbing)))
    for some in rounds:
        for score in scores.of(view.subjects(dict(filter(None, some)))):
            view.climb(score, now)


def _settled(scores: _Scores, view: View, subjects: Sequence[Subject], now: int) -> Iterator[Score]:
    """The subjects' scores; where a journey begins at this very moment, the score that it begins with."""
    settled: list[Score] = []
    while subjects:
        begun: list[Subject] = []
        for score in scores.of(subjects):
            standing = view.begun(score, now)
            if standing is None:
                settled.append(score)
            else:
                begun.append(Subject(score.contact_id, score.as_of, standing.epoch_at))
        subjects = begun
    yield from sorted(settled, key=lambda score: score.contact_id)
