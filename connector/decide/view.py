"""What the cache says of a few contacts, and what is decided on them: between it and the pure steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlite_utils import Database

from connector.hand_off import forward
from connector.hubspot.objects import PROPERTY_MERGED_IDS
from connector.model import Document, Score, Standing, Transition, moment
from connector.notices import Notices
from connector.plan import Seen, item, kinds
from connector.rules.tree import Rules
from connector.sales import Desk
from connector.score import Scorer, Subject
from connector.stage import OUT, Decision, Signals, Witness, decide, in_crm, set_back_by
from connector.store import bookmarks, decisions, engagement, outbox, records


@dataclass(frozen=True, slots=True)
class Start:
    """Where a judgement starts from, if not from the recorded standing, and how it came there."""

    standing: Standing
    transitions: tuple[Transition, ...] = ()


class View:
    """What the cache says of a few contacts, read at once."""

    def __init__(self, db: Database, rules: Rules, ids: Sequence[str], now: int = 0) -> None:
        self._db = db
        self._rules = rules
        self._ids = ids
        self._order = tuple(bookmarks.fact(db, "stages") or ())  # as the last pull saw them
        self._seen = records.seen(db, ids)
        self._standings = decisions.standings(db, ids)
        self._sent = outbox.last_sent(db, ids, kinds(rules).keys() | {_lifecycle(rules)})
        self._refused = outbox.refused(db, ids)
        self._points = decisions.last_points(db, ids)
        self._notes = decisions.notes(db, ids)
        self._passed: dict[str, tuple[Transition, ...]] = {}
        self._decided: dict[str, tuple[Score, Decision]] = {}
        self._sales = Desk(db, rules, ids, lambda i: self.standing(i).stage is not None, now)
        self._notices = Notices(db, rules, ids, self._sales.may_tell)

    def start_from(self, starts: Mapping[str, Start]) -> None:
        self._standings |= {contact: start.standing for contact, start in starts.items()}
        self._passed |= {contact: start.transitions for contact, start in starts.items()}

    def standing(self, contact_id: str) -> Standing:
        """As recorded here, else as the CRM remembers it of us (the cache is disposable)."""
        known = self._standings.get(contact_id)
        if known is not None:
            return known
        properties = self._seen[contact_id][1] if contact_id in self._seen else {}
        remembered = _remembered(self._rules, contact_id, properties)
        stepped_back = self._stepped_back(contact_id)
        return _still_held(self._rules, remembered, self._notes.get(contact_id), stepped_back)

    def _stepped_back(self, contact_id: str) -> bool:
        """Two were merged, one of them set back: the hold goes on, in a journey that began before it."""
        note, (_, properties) = self._notes.get(contact_id), self._seen.get(contact_id, (None, {}))
        if note is None or note.writer not in ("person", "app") or not properties.get(PROPERTY_MERGED_IDS):
            return False
        return self._behind(note.value, note.before)

    def witness(self, contact_id: str) -> Witness | None:
        """Who wrote the stage in the CRM, if it was not we."""
        note = self._notes.get(contact_id)
        _, properties = self._seen.get(contact_id, (None, {}))
        if note is None or note.writer == "ours" or note.value != (properties.get(self._lifecycle) or ""):
            return None
        ours = in_crm(self._rules, self.standing(contact_id).stage)
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

    def missed(self, now: int) -> dict[str, int]:
        """Moments before `now` at which something was to be decided on these contacts. One that came after
        the account's first decision was there from its creation on."""
        found = decisions.due(self._db, self._ids, now)
        since = bookmarks.fact(self._db, "decided_since")
        new = records.created(self._db, self._ids, since, now) if since is not None else {}
        return found | {i: at for i, at in new.items() if self.standing(i).stage is None}

    def subjects(self, moments: Mapping[str, int]) -> list[Subject]:
        """Contacts at a moment each, in the journey in which they are."""
        return [Subject(i, at, self.standing(i).epoch_at) for i, at in moments.items()]

    def last_decided(self) -> dict[str, int]:
        """When those of the contacts were last decided on whom other rules than these did."""
        if bookmarks.fact(self._db, "rules") in (None, self._rules.hash):
            return {}
        return decisions.decided(self._db, self._ids)

    def late(self) -> dict[str, tuple[int, ...]]:
        """Moments of the present stage, before the last decision, that something known late may concern."""
        found = decisions.late(self._db, self._ids)
        since = {i: max(self.standing(i).stage_since or 0, self.standing(i).epoch_at or 0) for i in found}
        return {i: later for i, some in found.items() if (later := tuple(at for at in some if at > since[i]))}

    def climbs(self, score: Score, now: int) -> bool:
        return self._entered(score, now) is not None

    def climb(self, score: Score, now: int, *, by_edit: bool = False) -> None:
        """Into the stages that the contact would have entered at the score's moment, and nothing else.
        `by_edit`: it enters them now, since the rules were edited."""
        decision = self._entered(score, now)
        if decision is None:
            return
        before, after, moves = self.standing(score.contact_id), decision.standing, decision.transitions
        since = now if by_edit else after.stage_since
        if by_edit:
            moves = tuple(replace(move, actor="edit", effective_at=now) for move in moves)
        there = replace(before, stage=after.stage, stage_since=since, reached=after.reached)
        handoffs = self._sales.now(score.contact_id) if by_edit else decision.handoffs
        self._start(score.contact_id, replace(decision, standing=there, transitions=moves, handoffs=handoffs))

    def _entered(self, score: Score, now: int) -> Decision | None:
        """A decision, if what it does is to go forward by the rules."""
        decision, before = self._decide(score, now), self.standing(score.contact_id)
        moves = decision.transitions[len(self._passed.get(score.contact_id, ())) :]
        fits = all(move.actor == "rule" and forward(self._rules, move) for move in moves)
        return decision if moves and fits and decision.standing.journey == before.journey else None

    def begun(self, score: Score, now: int) -> Standing | None:
        """The standing with which a journey begins at the score's moment; None if none does."""
        decision = self._decide(score, now)
        if not decision.again:
            return None
        self._start(score.contact_id, decision)
        return decision.standing

    def pass_by(self, score: Score, now: int) -> tuple[str, int | None]:
        """A moment that was missed: what would have been decided then is where the next one starts. Gives
        when that is."""
        decision = self._decide(score, now)
        self._start(score.contact_id, decision)
        note = self._notes.get(score.contact_id)
        moments = (score.next_change_at, decision.standing.wake_at, note.at if note else None)
        later = [moment for moment in moments if moment is not None and moment > score.as_of]
        return score.contact_id, min(later, default=None)

    def _start(self, contact_id: str, decision: Decision) -> None:
        self._standings[contact_id] = decision.standing
        self._passed[contact_id] = decision.transitions
        self._decided.pop(contact_id, None)
        self._sales.start(contact_id, decision.handoffs)

    def _decide(self, score: Score, now: int) -> Decision:
        """From where the contact stands now; asked again for the same score, what was decided."""
        known = self._decided.get(score.contact_id)
        if known is None or known[0] is not score:
            known = self._decided[score.contact_id] = (score, self._judged(score, now))
        return known[1]

    def _judged(self, score: Score, now: int) -> Decision:
        contact = score.contact_id
        standing, witness = self.standing(contact), self.witness(contact)
        taken = self._sales.taken(contact, standing, witness, score.as_of)
        decision = decide(self._rules, score, standing, witness, now, taken=taken)
        if decision.transitions and decision.standing.stage != self._rules.workflow.stages[0].id:
            signals = signals_of(self._db, contact, standing.epoch_at, score.as_of)  # of few: their reasons
            decision = decide(self._rules, score, standing, witness, now, signals, taken=taken)
        decision = self._sales.follow(decision, self._seen[contact][1], witness, score.as_of)
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
        decision = self._decide(score, now)
        led = self._notices.led_to(contact, email, properties, score, decision)
        return item(self._rules, seen, score, decision, self._order, led) | self._sales.document(decision)


def _lifecycle(rules: Rules) -> str:
    """The CRM's own stage property; '' where the mapping names none."""
    found = rules.mapping.write_back.lifecycle
    return found.property if found else ""


def signals_of(db: Database, contact_id: str, since: int | None, until: int) -> Signals:
    """The accepted signals of a journey: (id, kind), newest first."""
    found = engagement.accepted(db, contact_id, until, since)
    return tuple((id, kind) for id, kind, _ in found)


def scorer_of(rules: Rules) -> Scorer:
    """The scorer of these rules; journeys that are not recorded began when the CRM remembers it of us."""

    def epochs(db: Database, ids: Sequence[str]) -> dict[str, int | None]:
        prop = rules.mapping.write_back.fields.get("epoch")
        remembered = records.values(db, ids, prop) if prop else {}
        return {i: moment(value) for i, value in remembered.items() if value} | decisions.epochs(db, ids)

    return Scorer(rules, epochs)


def standing_of(db: Database, rules: Rules, contact_id: str) -> Standing:
    return View(db, rules, [contact_id]).standing(contact_id)


def witness_of(db: Database, rules: Rules, contact_id: str) -> Witness | None:
    return View(db, rules, [contact_id]).witness(contact_id)


def _remembered(rules: Rules, contact_id: str, properties: Mapping[str, str | None]) -> Standing:
    fields = rules.mapping.write_back.fields
    stages = [stage.id for stage in rules.workflow.stages]
    stage = properties.get(fields.get("stage", ""))
    if stage not in (*stages, OUT):
        return Standing(contact_id)
    epoch = moment(properties.get(fields.get("epoch", "")) or "")
    return Standing(
        contact_id,
        journey=1 if epoch is None else 2,  # at least
        epoch_at=epoch,
        stage=stage,
        temperature=properties.get(fields.get("temperature", "")),
        reached=frozenset(stages[: stages.index(stage) + 1] if stage in stages else ()),
        fired=None,
    )


def _still_held(
    rules: Rules, standing: Standing, note: decisions.StageNote | None, stepped_back: bool
) -> Standing:
    """A journey that began as somebody set the contact back: left alone as long as it would have been."""
    if note is None or note.writer not in ("person", "app", "crm") or standing.stage is None:
        return standing
    if note.at != standing.epoch_at and not stepped_back:
        return standing
    word = Witness(note.value, note.writer, note.at, note.source_id or note.source)
    until = note.at + rules.workflow.overrides.hold
    return replace(standing, held_since=note.at, held_until=until, held_why=set_back_by(word))
