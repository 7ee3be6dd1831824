"""A plan becomes a decision: scores, standings, transitions, holds and outbox rows in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlite_utils import Database

from connector.errors import BadCommand
from connector.hubspot.objects import PROPERTY_LEAD_STATUS
from connector.model import Document, HandOff, Score, Transition
from connector.plan import share_moved
from connector.stage import Held
from connector.store import bookmarks, decisions, handoffs, outbox, plans
from connector.store.schema import write


@dataclass(frozen=True, slots=True)
class Accepted:
    """`put`: outbox rows; `stale`: contacts left out since they changed after the plan was made; `held`:
    contacts whose stage is left alone from now on."""

    put: int = 0
    contacts: int = 0
    stale: tuple[str, ...] = ()
    held: Mapping[str, Held] = field(default_factory=dict)


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
                left.append({name: document[name] for name in ("contact", "changes", "actions")})
            else:
                taking.record(document)
        decisions.clear_dirty(db, taking.done, plan.stamp)
        decisions.mark_dirty(db, [document["contact"] for document in left])
        _remember_rules(db, plan)
        if bookmarks.fact(db, "decided_since") is None:
            bookmarks.set_fact(db, "decided_since", now)
        plans.accepted(db, plan.seq)
    stale = tuple(document["contact"] for document in left if document["changes"] or document["actions"])
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
        decisions.put_standing(db, decisions.standing_of(document["standing"]))
        moves = [Transition(**row) for row in document["transitions"]]
        decisions.put_transitions(db, moves, plan.id, plan.rules)
        handoffs.put(db, [HandOff(**row) for row in document["handoffs"]])
        self._hold(contact, document["hold"])
        rows = [
            outbox.Put(contact, "property", c["property"], c["old"], c["new"]) for c in document["changes"]
        ]
        wanted = {row.key: row.new for row in rows} | document["refused"]
        over = document["overtaken"]
        kept = () if over else (PROPERTY_LEAD_STATUS,)
        outbox.withdraw(db, plan, contact, wanted, self._now, kept=kept, kinds=over)
        rows += [outbox.Put(contact, a["kind"], a["key"], None, a["value"]) for a in document["actions"]]
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
