"""A preview is not a decision: `preview` stores a plan and nothing else, `accept` makes it one.

Between the cache and the pure steps score, stage and plan. Accepting writes scores, standings,
transitions, holds and outbox rows in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlite_utils import Database

from connector import signals
from connector.errors import BadCommand
from connector.model import Document, Score, Standing, Transition, moment
from connector.plan import Seen, Tally, item, kinds, share_moved
from connector.rules.compile import dependencies
from connector.rules.tree import Rules
from connector.score import Scorer, Subject
from connector.stage import Decision, Held, Witness, crm_stage, decide
from connector.store import bookmarks, columns, decisions, engagement, outbox, plans, records
from connector.store.schema import write

CHUNK = 1_000  # contacts judged at a time: memory does not grow with the account
PASS = 20_000  # the same where very many are: an engine of its own scores them


@dataclass(frozen=True, slots=True)
class Accepted:
    """`put`: outbox rows; `stale`: contacts left out since they changed after the plan was made; `held`:
    contacts whose stage is left alone from now on."""

    put: int = 0
    contacts: int = 0
    stale: tuple[str, ...] = ()
    held: Mapping[str, Held] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Start:
    """Where a judgement starts from, if not from the recorded standing, and how it came there."""

    standing: Standing
    transitions: tuple[Transition, ...] = ()


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
    `scorer`: one of these rules, for who wants to ask it afterwards how it went."""
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
    missed, in order: a nap over a dip gives what an awake run would have decided."""
    view = _View(db, scorer.rules, ids)
    view.start_from(starts or {})
    due = {} if starts else decisions.due(db, ids, now)
    while due:
        missed = [Subject(i, at, view.standing(i).epoch_at) for i, at in due.items()]
        due = {}
        for score in scorer.scores(db, missed):
            view.pass_by(score, now)
            if score.next_change_at is not None and score.next_change_at < now:
                due[score.contact_id] = score.next_change_at
    for score in scorer.scores(db, [Subject(i, now, view.standing(i).epoch_at) for i in ids]):
        yield view.document(score, now)


class _View:
    """What the cache says of a few contacts, read at once."""

    def __init__(self, db: Database, rules: Rules, ids: Sequence[str]) -> None:
        self._db = db
        self._rules = rules
        self._order = stage_order(db)
        self._seen = records.seen(db, ids)
        self._standings = decisions.standings(db, ids)
        self._sent = outbox.last_sent(db, ids, kinds(rules).keys() | {_lifecycle(rules)})
        self._refused = outbox.refused(db, ids)
        self._points = decisions.last_points(db, ids)
        self._notes = decisions.notes(db, ids)
        self._passed: dict[str, tuple[Transition, ...]] = {}

    def start_from(self, starts: Mapping[str, Start]) -> None:
        self._standings |= {contact: start.standing for contact, start in starts.items()}
        self._passed |= {contact: start.transitions for contact, start in starts.items()}

    def standing(self, contact_id: str) -> Standing:
        """As recorded here, else as the CRM remembers it of us (the cache is disposable)."""
        return self._standings.get(contact_id) or _remembered(
            self._rules, contact_id, self._seen[contact_id][1] if contact_id in self._seen else {}
        )

    def witness(self, contact_id: str) -> Witness | None:
        """Who wrote the stage in the CRM, if it was not we."""
        note = self._notes.get(contact_id)
        _, properties = self._seen.get(contact_id, (None, {}))
        if note is None or note.writer == "ours" or note.value != (properties.get(self._lifecycle) or ""):
            return None
        sent = self._sent.get(contact_id, {}).get(self._lifecycle)
        ours = crm_stage(self._rules, self.standing(contact_id).stage) or sent
        undone = self._behind(note.value, ours) and self._behind(note.value, note.before)
        return Witness(note.value, note.writer, note.at, note.source_id or note.source, undone)

    @property
    def _lifecycle(self) -> str:
        return _lifecycle(self._rules)

    def _behind(self, value: str, other: str | None) -> bool:
        """Whether a stage of the CRM's comes before another; a cleared one comes before all."""
        if other not in self._order or value not in ("", *self._order):
            return False
        return value == "" or self._order.index(value) < self._order.index(other)

    def pass_by(self, score: Score, now: int) -> None:
        """A moment that was missed: what would have been decided then is where the next one starts."""
        decision = self._decide(score, now)
        self._standings[score.contact_id] = decision.standing
        self._passed[score.contact_id] = decision.transitions

    def _decide(self, score: Score, now: int) -> Decision:
        contact = score.contact_id
        standing, witness = self.standing(contact), self.witness(contact)
        decision = decide(self._rules, score, standing, witness, now)
        if decision.transitions and decision.standing.stage != self._rules.workflow.stages[0].id:
            kinds = kinds_of(self._db, contact, score.as_of)  # few: their reasons name the signals
            decision = decide(self._rules, score, standing, witness, now, kinds)
        passed = self._passed.get(contact, ())
        return replace(decision, transitions=(*passed, *decision.transitions))

    def document(self, score: Score, now: int) -> Document:
        contact = score.contact_id
        email, properties = self._seen[contact]
        seen = Seen(
            contact,
            email,
            properties,
            points=self._points.get(contact),
            refused=self._refused.get(contact, {}),
            sent=self._sent.get(contact, {}),
        )
        return item(self._rules, seen, score, self._decide(score, now), self._order)


def _lifecycle(rules: Rules) -> str:
    """The CRM's own stage property; '' where the mapping names none."""
    found = rules.mapping.write_back.lifecycle
    return found.property if found else ""


def kinds_of(db: Database, contact_id: str, until: int) -> frozenset[str]:
    """The kinds of signals that a contact has."""
    return frozenset(engagement.kinds(db, contact_id, until))


def scorer_of(rules: Rules) -> Scorer:
    """The scorer of these rules; journeys that are not recorded began when the CRM remembers it of us."""

    def epochs(db: Database, ids: Sequence[str]) -> dict[str, int | None]:
        prop = rules.mapping.write_back.fields.get("epoch")
        remembered = records.values(db, ids, prop) if prop else {}
        return {i: moment(value) for i, value in remembered.items() if value} | decisions.epochs(db, ids)

    return Scorer(rules, epochs)


def standing_of(db: Database, rules: Rules, contact_id: str) -> Standing:
    return _View(db, rules, [contact_id]).standing(contact_id)


def witness_of(db: Database, rules: Rules, contact_id: str) -> Witness | None:
    return _View(db, rules, [contact_id]).witness(contact_id)


def stage_order(db: Database) -> tuple[str, ...]:
    """The CRM's lifecycle stages as the last pull saw them."""
    return tuple(bookmarks.fact(db, "stages") or ())


def _remembered(rules: Rules, contact_id: str, properties: Mapping[str, str | None]) -> Standing:
    fields = rules.mapping.write_back.fields
    stages = [stage.id for stage in rules.workflow.stages]
    stage = properties.get(fields.get("stage", ""))
    if stage not in stages:
        return Standing(contact_id)
    epoch = properties.get(fields.get("epoch", "")) or ""
    return Standing(
        contact_id,
        epoch_at=moment(epoch),
        stage=stage,
        temperature=properties.get(fields.get("temperature", "")),
        reached=frozenset(stages[: stages.index(stage) + 1]),
    )


def braked(plan: plans.PlanRow, brake: float) -> bool:
    """Whether a person must apply this plan: it would move too many at once."""
    return share_moved(plan.summary) > brake


def accept(db: Database, plan: plans.PlanRow, now: int) -> Accepted:
    """Makes the plan a decision, once. Contacts whose inputs changed, or who were decided on, since it was
    made are left out and judged again.

    :raises BadCommand: when rows are still in flight: settle them first
    """
    if outbox.any_in_flight(db):
        raise BadCommand(
            "Changes of an earlier run are still in flight.", "Run `connector sync`: it settles them."
        )
    with write(db):
        if plans.find_seq(db, plan.seq).status == "accepted":
            return Accepted()
        changed = decisions.changed_after(db, plan.stamp)
        taking = _Taking(db, plan, decisions.next_stamp(db), now)
        left: list[Document] = []
        for document in plans.items(db, plan.seq):
            if document["contact"] in changed:
                left.append({name: document[name] for name in ("contact", "changes")})
            else:
                taking.record(document)
        decisions.clear_dirty(db, taking.done, plan.stamp)
        decisions.mark_dirty(db, [document["contact"] for document in left])
        _remember_rules(db, plan)
        plans.accepted(db, plan.seq)
    stale = tuple(document["contact"] for document in left if document["changes"])
    return Accepted(taking.put, taking.contacts, stale, taking.held)


class _Taking:
    """What the accepted documents of a plan leave in the cache, inside its one transaction."""

    def __init__(self, db: Database, plan: plans.PlanRow, stamp: int, now: int) -> None:
        self._db, self._plan, self._stamp, self._now = db, plan, stamp, now
        self.put = self.contacts = 0
        self.done: list[str] = []
        self.held: dict[str, Held] = {}

    def record(self, document: Document) -> None:
        db, plan, contact = self._db, self._plan, document["contact"]
        score = {**document["score"], "facts": tuple(document["score"]["facts"])}
        decisions.put_score(db, Score(**score), plan.rules, self._stamp)
        standing = {**document["standing"], "reached": frozenset(document["standing"]["reached"])}
        decisions.put_standing(db, Standing(**standing))
        moves = [Transition(**row) for row in document["transitions"]]
        decisions.put_transitions(db, moves, plan.id, plan.rules)
        self._hold(contact, document["hold"])
        rows = [
            outbox.Put(contact, "property", c["property"], c["old"], c["new"]) for c in document["changes"]
        ]
        wanted = {row.key: row.new for row in rows} | document["refused"]
        outbox.withdraw(db, plan, contact, wanted, self._now)
        self.put += outbox.put(db, plan, rows, self._now)
        self.contacts += bool(rows)
        self.done.append(contact)

    def _hold(self, contact: str, said: Document | None) -> None:
        if said is None:
            decisions.end_hold(self._db, contact)
            return
        held = Held(**said)
        row = decisions.HoldRow(contact, "stage", held.why, held.since, held.until)
        if decisions.put_hold(self._db, row):
            self.held[contact] = held


def _remember_rules(db: Database, plan: plans.PlanRow) -> None:
    """These rules decided; a plan over a few contacts alone does not make them the account's."""
    applied = [h for h in bookmarks.fact(db, "applied_rules") or [] if h != plan.rules]
    if plan.summary["judged"] >= plan.summary["contacts"] or bookmarks.fact(db, "rules") == plan.rules:
        bookmarks.set_fact(db, "rules", plan.rules)
        bookmarks.set_fact(db, "applied_rules", [*applied, plan.rules][-50:])
