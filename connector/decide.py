"""A preview is not a decision: `preview` stores a plan and nothing else, `accept` makes it one.

Between the cache and the pure steps score, stage and plan. Accepting writes scores, standings,
transitions, holds and outbox rows in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from connector.errors import BadCommand
from connector.model import Document, Score, Standing, Transition
from connector.plan import Seen, Tally, item, share_moved
from connector.rules.tree import Rules
from connector.score import Scorer, Subject
from connector.stage import Held, Witness, crm_stage, decide
from connector.store import bookmarks, decisions, engagement, outbox, plans, records
from connector.store.schema import write

CHUNK = 1_000  # contacts judged at a time: memory does not grow with the account


@dataclass(frozen=True, slots=True)
class Accepted:
    """`put`: outbox rows; `stale`: contacts left out since they changed after the plan was made."""

    put: int
    contacts: int
    stale: tuple[str, ...]


def preview(
    db: Database,
    rules: Rules,
    now: int,
    only: Sequence[str] | None = None,
    *,
    everyone: bool = False,
    tick: Callable[[int], None] = lambda _: None,
) -> plans.PlanRow:
    """Judges whoever needs it (everyone, if the rules are not those applied last) and stores the plan."""
    stamp = decisions.stamp_now(db)
    whole = everyone or bookmarks.fact(db, "rules") != rules.hash
    ids = list(only) if only is not None else decisions.everyone(db) if whole else decisions.to_judge(db, now)
    with write(db):
        seq = plans.start(db, now, now, rules.hash, stamp)
    tally = Tally(contacts=records.counts(db)["contact"])
    scorer = Scorer(rules)
    for start in range(0, len(ids), CHUNK):
        documents = list(judge(db, scorer, ids[start : start + CHUNK], now))
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


def judge(db: Database, scorer: Scorer, ids: Sequence[str], now: int) -> Iterator[Document]:
    """The plan's documents of these contacts at `now`."""
    rules = scorer.rules
    view = _View(db, rules, ids)
    subjects = [Subject(i, now, view.standing(i).epoch_at) for i in ids]
    for score in scorer.scores(db, subjects):
        yield view.document(rules, score, now)


class _View:
    """What the cache says of a few contacts, read at once."""

    def __init__(self, db: Database, rules: Rules, ids: Sequence[str]) -> None:
        self._db = db
        self._rules = rules
        self._order = stage_order(db)
        self._seen = records.seen(db, ids)
        self._standings = decisions.standings(db, ids)
        self._sent = outbox.last_sent(db, ids)
        self._refused = outbox.refused(db, ids)
        self._points = decisions.last_points(db, ids)
        self._notes = decisions.notes(db, ids)

    def standing(self, contact_id: str) -> Standing:
        """As recorded here, else as the CRM remembers it of us (the cache is disposable)."""
        return self._standings.get(contact_id) or _remembered(
            self._rules, contact_id, self._seen[contact_id][1] if contact_id in self._seen else {}
        )

    def witness(self, contact_id: str) -> Witness | None:
        """Who wrote the stage in the CRM, if it was not we."""
        lifecycle = self._rules.mapping.write_back.lifecycle
        now = self._seen[contact_id][1].get(lifecycle.property) if lifecycle else None
        note = self._notes.get(contact_id)
        if lifecycle is None or now is None or note is None or note.value != now:
            return None
        standing = self.standing(contact_id)
        ours = self._sent.get(contact_id, {}).get(lifecycle.property) or crm_stage(
            self._rules, standing.stage
        )
        if ours == now or note.writer == "ours":
            return None
        behind = (
            ours in self._order
            and now in self._order
            and self._order.index(now) < self._order.index(ours or "")
        )
        return Witness(note.value, note.writer, note.at, note.source_id or note.source, undone=behind)

    def document(self, rules: Rules, score: Score, now: int) -> Document:
        email, properties = self._seen[score.contact_id]
        standing, witness = self.standing(score.contact_id), self.witness(score.contact_id)
        decision = decide(rules, score, standing, witness, now)
        if decision.transitions:  # few: their reasons name the signals
            decision = decide(rules, score, standing, witness, now, kinds_of(self._db, score.contact_id, now))
        seen = Seen(
            score.contact_id,
            email,
            properties,
            points=self._points.get(score.contact_id),
            refused=self._refused.get(score.contact_id, {}),
            sent=self._sent.get(score.contact_id, {}),
        )
        return item(rules, seen, score, decision, self._order)


def kinds_of(db: Database, contact_id: str, until: int) -> frozenset[str]:
    """The kinds of signals that a contact has."""
    return frozenset(engagement.kinds(db, contact_id, until))


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
        epoch_at=records.moment(epoch) if epoch else None,
        stage=stage,
        temperature=properties.get(fields.get("temperature", "")),
        reached=frozenset(stages[: stages.index(stage) + 1]),
    )


def braked(plan: plans.PlanRow, brake: float) -> bool:
    """Whether a person must apply this plan: it would move too many at once."""
    return share_moved(plan.summary) > brake


def accept(db: Database, plan: plans.PlanRow, now: int) -> Accepted:
    """Makes the plan a decision. Contacts whose inputs changed since it was made are left out.

    :raises BadCommand: when rows are still in flight: settle them first
    """
    if outbox.counts(db)["sending"]:
        raise BadCommand(
            "Changes of an earlier run are still in flight.", "Run `connector sync`: it settles them."
        )
    stale: list[str] = []
    put = contacts = 0
    with write(db):
        changed = decisions.changed_after(db, plan.stamp)
        done: list[str] = []
        for document in plans.items(db, plan.seq):
            if document["contact"] in changed:
                if document["changes"]:
                    stale.append(document["contact"])
                continue
            put += _record(db, plan, document, now)
            contacts += bool(document["changes"])
            done.append(document["contact"])
        decisions.clear_dirty(db, done, plan.stamp)
        decisions.end_holds(db, now)
        _remember_rules(db, plan)
        plans.set_status(db, plan.seq, "accepted")
    return Accepted(put, contacts, tuple(stale))


def _record(db: Database, plan: plans.PlanRow, document: Document, now: int) -> int:
    contact = document["contact"]
    score = {**document["score"], "facts": tuple(document["score"]["facts"])}
    decisions.put_score(db, Score(**score), plan.rules)
    decisions.put_standing(
        db, Standing(**{**document["standing"], "reached": frozenset(document["standing"]["reached"])})
    )
    decisions.put_transitions(db, [Transition(**row) for row in document["transitions"]], plan.id, plan.rules)
    if document["hold"]:
        held = Held(**document["hold"])
        decisions.put_hold(db, decisions.HoldRow(contact, "stage", held.why, held.since, held.until))
    rows = [outbox.Put(contact, "property", c["property"], c["old"], c["new"]) for c in document["changes"]]
    return outbox.put(db, plan.id, plan.rules, rows, now)


def _remember_rules(db: Database, plan: plans.PlanRow) -> None:
    """These rules decided; a plan over a few contacts alone does not make them the account's."""
    applied = [h for h in bookmarks.fact(db, "applied_rules") or [] if h != plan.rules]
    if plan.summary["judged"] >= plan.summary["contacts"] or bookmarks.fact(db, "rules") == plan.rules:
        bookmarks.set_fact(db, "rules", plan.rules)
        bookmarks.set_fact(db, "applied_rules", [*applied, plan.rules][-50:])
