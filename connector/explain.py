"""Every point of one contact with its rule and its signals, the stage and why, and what comes next.

The figures come out of the same SELECT that decides; nothing is computed a second time here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import orjson
from sqlite_utils import Database

from connector import speed
from connector.decide import scorer_of, signals_of, standing_of, witness_of
from connector.errors import BadCommand
from connector.model import POINT, Document, Score, Standing, iso, mask
from connector.plan import decimal, label
from connector.rules.tree import Rule, Rules, SignalRule
from connector.rules.words import leaving, words
from connector.score import Point, Scorer, Subject
from connector.stage import criteria, holds, view, written_by
from connector.store import bookmarks, decisions, engagement, records

BOUNDARIES = 60  # moments ahead that are looked at for the next change


@dataclass(frozen=True, slots=True)
class Explanation:
    """`summary` and `items` as `explain --json` prints them (docs/json.md)."""

    summary: Document
    items: list[Document]


def find(db: Database, who: str) -> dict[str, Any]:
    """The contact of this id or address.

    :raises BadCommand: when nobody, or several, have it
    """
    found = records.find(db, who)
    if not found:
        raise BadCommand(
            f"No contact {mask(who) if '@' in who else who} in the cache.",
            "Check the id or the address; a new contact comes with the next `connector pull`.",
        )
    if len(found) > 1:
        raise BadCommand(
            f"{mask(who)} belongs to several contacts.",
            f"Name one by id: {', '.join(r['id'] for r in found)}",
        )
    return found[0]


def explain(db: Database, rules: Rules, who: str, at: int) -> Explanation:
    """What the rules say of a contact at `at`. Contact fields are those of the last pull, whatever `at`."""
    contact = find(db, who)
    scorer = scorer_of(rules)
    standing = standing_of(db, rules, contact["id"])
    subject = Subject(contact["id"], at, standing.epoch_at)
    [score] = scorer.scores(db, [subject])
    summary = {
        "contact": contact["id"],
        "email": contact["email"],
        "as_of": iso(at),
        "rules": rules.hash,
        "points": score.points,
        "axes": {axis: number(points) for axis, points in score.axes.items()},
        "temperature": standing.temperature,
        "stage": standing.stage,
        "stage_since": iso(standing.stage_since),
        "journey_number": standing.journey,
        "counts_since": iso(standing.epoch_at),
        "earlier": _earlier(db, standing),
        "cooling_until": iso(standing.cool_until) if (standing.cool_until or 0) > at else None,
        "leaving": _leaving(rules, standing),
        "seen_at": iso(contact["seen_at"]),
        "hold": _hold(db, contact["id"], at),
        "note": _note(db, contact["id"]),
        "stages": _stages(db, rules, score, contact["id"]),
        "journey": _journey(db, contact["id"]),
        "handoffs": speed.of(db, rules, contact["id"], bookmarks.fact(db, "owners") or {}, at),
        "next": _next(db, scorer, subject, score),
    }
    return Explanation(summary, _lines(db, scorer, subject, score))


def number(points: int) -> float:
    return points / POINT


def _earlier(db: Database, standing: Standing) -> list[Document]:
    """What was done in earlier journeys: it stays visible, and counts no more."""
    if standing.epoch_at is None:
        return []
    found = engagement.accepted(db, standing.contact_id, standing.epoch_at)
    shown = engagement.labels(db, standing.contact_id, [id for id, _, _ in found])
    return [{"id": i, "kind": kind, "at": iso(at), "label": shown.get(i, "")} for i, kind, at in found]


def _hold(db: Database, contact_id: str, at: int) -> Document | None:
    row = decisions.holds(db, [contact_id], at).get(contact_id)
    return {"why": row.why, "since": iso(row.since), "until": iso(row.until)} if row else None


def _leaving(rules: Rules, standing: Standing) -> Document | None:
    """The stage that no longer holds: since when, and from when on it is left."""
    stage = next((s for s in rules.workflow.stages if s.id == standing.stage), None)
    if stage is None or standing.leaving_since is None:
        return None
    return {
        "when": leaving(stage, language=rules.mapping.language),
        "since": iso(standing.leaving_since),
        "until": iso(standing.leaving_since + stage.leave_for),
    }


def _note(db: Database, contact_id: str) -> str:
    note = decisions.notes(db, [contact_id]).get(contact_id)
    if note is None or note.writer == "ours":
        return ""
    by = written_by(note.writer, note.source_id)
    return f"the CRM's own stage is {note.value or 'nothing'}, {by} ({note.source})"


def _journey(db: Database, contact_id: str) -> list[Document]:
    """Every stage entered, in order."""
    return [
        {
            "from": row["from_stage"],
            "to": row["to_stage"],
            "at": iso(row["effective_at"]),
            "why": row["why"],
            "rule": row["rule"],
            "actor": row["actor"],
            "imputed": bool(row["imputed"]),
            "evidence": orjson.loads(row["evidence"]),
            "number": row["journey"],
        }
        for row in decisions.transitions(db, contact_id)
    ]


def _stages(db: Database, rules: Rules, score: Score, contact_id: str) -> list[Document]:
    """Every stage with its criteria, true or not: why it is reached, what is missing."""
    standing = standing_of(db, rules, contact_id)
    signals = signals_of(db, contact_id, standing.epoch_at, score.as_of)
    looked = view(rules, score, standing.reached, witness_of(db, rules, contact_id), signals)
    documents = []
    for stage in rules.workflow.stages:
        needs, parts = criteria(stage)
        said = [
            {"says": words(part, score, looked.kinds, rules.mapping.language), "true": holds(part, looked)}
            for part in parts
        ]
        documents.append(
            {
                "stage": stage.id,
                "reached": stage.id in standing.reached,
                "rule": str(stage.place),
                "needs": needs,
                "criteria": said,
            }
        )
    return documents


# -- points --------------------------------------------------------------------------------------------


def _lines(db: Database, scorer: Scorer, subject: Subject, score: Score) -> list[Document]:
    """One line per rule that gives points, then caps, floors and the rounding: they add up to the total."""
    by_rule = {n: list(points) for n, points in groupby(scorer.points(db, subject), key=lambda p: p.rule)}
    shown = engagement.labels(db, subject.contact_id, [p.signal for some in by_rule.values() for p in some])
    order = {rule.id: n for n, rule in enumerate(scorer.rules.workflow.rules())}
    lines: list[Document] = []
    for axis in scorer.rules.workflow.axes:
        before = 0
        for group in axis.groups:
            for rule in group.rules:
                signals = by_rule.get(order[rule.id], [])
                if score.parts.get(rule.id) or signals:
                    lines += _rule(scorer.rules, axis.id, group.id, rule, score, signals, shown)
            raw = sum(score.parts.get(rule.id, 0) for rule in group.rules)
            capped = score.groups.get(f"{axis.id}.{group.id}", 0)
            lines += _limit(axis.id, group.id, "cap", str(group.place), capped - raw)
            before += capped
        after = score.axes[axis.id]
        lines += _limit(
            axis.id, None, "floor" if after > before else "ceiling", str(axis.place), after - before
        )
    total = scorer.rules.workflow.total
    lines += _limit(None, None, "floor", str(total.place), score.total - sum(score.axes[a] for a in total.of))
    return lines + _limit(None, None, "rounded", str(total.place), score.points * POINT - score.total)


def _rule(
    rules: Rules,
    axis: str,
    group: str,
    rule: Rule,
    score: Score,
    signals: Sequence[Point],
    shown: dict[str, str],
) -> list[Document]:
    """The rule's points as its signals bring them, then what its cap takes off."""
    points = score.parts.get(rule.id, 0)
    counting = isinstance(rule, SignalRule)
    raw = sum(point.points for point in signals) if counting else points
    said = label(rule.label, rules.mapping.language, rule.id)
    line = {
        "kind": "rule",
        "axis": axis,
        "group": group,
        "rule": rule.id,
        "label": said,
        "place": str(rule.place),
        "points": number(raw),
        "each": rule.points / 1000,
        "counted": sum(point.counted for point in signals),
        "of": len(signals),
        "signals": [_signal(point, shown) for point in signals] if counting else [],
    }
    return [line, *_limit(axis, group, "cap", str(rule.place), points - raw, of=said)]


def _signal(point: Point, shown: dict[str, str]) -> Document:
    return {
        "id": point.signal,
        "kind": point.kind,
        "at": iso(point.at),
        "label": shown.get(point.signal, ""),
        "percent": point.percent,
        "points": number(point.points),
        "counted": point.counted,
        "why_not": point.why_not,
    }


def _limit(
    axis: str | None, group: str | None, kind: str, place: str, points: int, of: str = ""
) -> list[Document]:
    if points == 0:
        return []
    return [
        {
            "kind": kind,
            "axis": axis,
            "group": group,
            "rule": None,
            "label": f"{kind} of {of or group or axis or 'the total'}" if kind != "rounded" else "rounded",
            "place": place,
            "points": number(points),
            "each": None,
            "counted": 0,
            "of": 0,
            "signals": [],
        }
    ]


def _next(db: Database, scorer: Scorer, subject: Subject, score: Score) -> Document | None:
    """The next moment at which the total changes by itself, and to what."""
    before, moment = score, score.next_change_at
    for _ in range(BOUNDARIES):
        if moment is None:
            return None
        [after] = scorer.scores(db, [Subject(subject.contact_id, moment, subject.epoch_at)])
        if after.points != score.points:
            return {
                "at": iso(moment),
                "points": after.points,
                "from": score.points,
                "because": _because(scorer.rules, before, after),
            }
        before, moment = after, after.next_change_at
    return None


def _because(rules: Rules, before: Score, after: Score) -> list[str]:
    """Which rules give other points then."""
    return [
        f"{label(rule.label, rules.mapping.language, rule.id)} "
        f"{decimal(before.parts.get(rule.id, 0))} -> {decimal(after.parts.get(rule.id, 0))}"
        for rule in _changed(rules.workflow.rules(), before, after)
    ]


def _changed(rules: Iterable[Rule], before: Score, after: Score) -> list[Rule]:
    return [rule for rule in rules if before.parts.get(rule.id, 0) != after.parts.get(rule.id, 0)]
