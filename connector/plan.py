"""Wanted against last seen: the plan's documents. Values in, values out; nothing is decided here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import fields as fields_of
from typing import Any, Literal

import orjson

from connector.model import POINT, Action, Change, Document, Score, Standing, Transition, moment
from connector.rules.tree import Rules
from connector.stage import Decision, Held, crm_stage

FEW = 50  # contacts below which the brake is off


@dataclass(frozen=True, slots=True)
class Seen:
    """A contact as the CRM last showed it, and what we last put there."""

    contact_id: str
    email: str | None
    properties: Mapping[str, str | None]
    points: int | None = None  # of the last accepted score
    refused: Mapping[str, str] = field(default_factory=dict)  # property -> value that the CRM refused
    sent: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Led:
    """What else entering a stage leads to: actions, and the change of the contact's lead status. `overtaken`:
    kinds of earlier actions that are not right any more where they still wait."""

    actions: tuple[Action, ...] = ()
    status: Change | None = None
    overtaken: tuple[str, ...] = ()


NOTHING = Led()


def item(
    rules: Rules,
    seen: Seen,
    score: Score,
    decision: Decision,
    stage_order: Sequence[str],
    led: Led = NOTHING,
) -> Document:
    """What shall change of one contact, and everything that accepting it will record."""
    found = [*_changes(rules, seen, score, decision, stage_order), *([led.status] if led.status else [])]
    refused = {c.property: c.new for c in found if seen.refused.get(c.property) == c.new}
    changes = [c for c in found if c.property not in refused]
    if all(c.property == rules.mapping.write_back.fields.get("rules") for c in changes):
        changes = []  # the stamp of the rules goes with a change, never alone
    before, after = decision.transitions[0].from_stage if decision.transitions else None, decision.standing
    return {
        "contact": seen.contact_id,
        "email": seen.email,
        "points": {
            "from": seen.points,
            "to": score.points,
            "parts": parts(rules, score.parts, score.counted),
        },
        "stage": {
            "from": before if decision.transitions else after.stage,
            "to": after.stage,
            "crm": crm_stage(rules, after.stage),
            "why": decision.transitions[-1].why if decision.transitions else "",
            "rule": decision.transitions[-1].rule if decision.transitions else "",
        },
        "temperature": after.temperature,
        "changes": [_fields(change) for change in changes],
        "actions": [_fields(action) for action in led.actions],
        "lead_status": led.status and {"old": led.status.old, "new": led.status.new},
        "overtaken": list(led.overtaken),
        "hold": _fields(decision.hold) if decision.hold else None,
        "note": decision.note,
        "refused": refused,
        "overwrites": [c.property for c in changes if _was_ours(rules, seen, c)],
        "score": {**_fields(score), "facts": list(score.facts)},
        "standing": {
            **_fields(after),
            "reached": sorted(after.reached),
            "fired": None if after.fired is None else sorted(after.fired),
        },
        "transitions": [_fields(row) for row in decision.transitions],
    }


def _fields(noun: Score | Standing | Transition | Held | Change | Action) -> Document:
    """A noun as JSON; `asdict` would copy everything in it, for every contact of an account."""
    return {one.name: getattr(noun, one.name) for one in fields_of(noun)}


def _changes(
    rules: Rules, seen: Seen, score: Score, decision: Decision, stage_order: Sequence[str]
) -> Iterable[Change]:
    fields, kind = rules.mapping.write_back.fields, kinds(rules)
    ours = [
        Change(fields[word], seen.properties.get(fields[word]), value)
        for word, value in wanted(rules, score, decision).items()
        if word in fields and not same(seen.properties.get(fields[word]), value, kind[fields[word]])
    ]
    lifecycle = _forward(rules, seen, decision, stage_order)
    found = ([lifecycle] if lifecycle else []) + ours
    stamp = fields.get("rules")
    if found and stamp and seen.properties.get(stamp) != rules.hash:
        found.append(Change(stamp, seen.properties.get(stamp), rules.hash))
    return found


def wanted(rules: Rules, score: Score, decision: Decision) -> dict[str, str]:
    """Our words and what the CRM shall hold for them, in the order in which people read them."""
    standing = decision.standing
    words = {
        "stage": standing.stage or "",
        "temperature": standing.temperature or "",
        "score": str(score.points),
        **{axis: decimal(points) for axis, points in score.axes.items()},
        "why": "\n".join(parts(rules, score.parts, score.counted)[:3]),
    }
    # of a first journey nothing is to stand there: a new cache would believe it
    words["epoch"] = "" if standing.epoch_at is None else str(standing.epoch_at)
    return words


Kind = Literal["number", "moment", "text"]


def kinds(rules: Rules) -> dict[str, Kind]:
    """How the values of the properties that we write are compared."""
    words: dict[str, Kind] = {"score": "number", "epoch": "moment"}
    words |= {axis.id: "number" for axis in rules.workflow.axes}
    return {name: words.get(word, "text") for word, name in rules.mapping.write_back.fields.items()}


def same(now: str | None, value: str, kind: Kind = "text") -> bool:
    """Whether the CRM already says so: `12` is `12.0`, nothing is empty text, a moment may be spelt in
    milliseconds or as ISO-8601."""
    if (now or "") == value:
        return True
    if kind == "text" or not now:
        return False
    if kind == "moment":
        return moment(now) is not None and moment(now) == moment(value)
    try:
        return float(now) == float(value)
    except ValueError:
        return False


def _forward(rules: Rules, seen: Seen, decision: Decision, stage_order: Sequence[str]) -> Change | None:
    """The CRM's own stage, only ever forward; untouched where we do not know what stands there."""
    lifecycle = rules.mapping.write_back.lifecycle
    value = crm_stage(rules, decision.standing.stage)
    if lifecycle is None or value is None or decision.hold is not None or value not in stage_order:
        return None
    now = seen.properties.get(lifecycle.property)
    if now and now not in stage_order:
        return None
    if now and stage_order.index(now) >= stage_order.index(value):
        return None
    return Change(lifecycle.property, now, value)


def _was_ours(rules: Rules, seen: Seen, change: Change) -> bool:
    """Whether somebody changed a property of ours behind our back."""
    kind, sent = kinds(rules).get(change.property), seen.sent.get(change.property)
    return kind is not None and sent is not None and not same(change.old, sent, kind)


def parts(rules: Rules, points: Mapping[str, int], counted: Mapping[str, int]) -> list[str]:
    """Points by rule id as lines in the language of the mapping, biggest first: `+50 Demo download ×2`."""
    found = [rule for rule in rules.workflow.rules() if points.get(rule.id)]
    found.sort(key=lambda rule: (-abs(points[rule.id]), rule.id))
    return [
        f"{signed(points[rule.id])} {label(rule.label, rules.mapping.language, rule.id)}"
        + (f" ×{counted[rule.id]}" if counted.get(rule.id, 0) > 1 else "")
        for rule in found
    ]


def label(labels: Mapping[str, str], language: str, fallback: str) -> str:
    return labels.get(language) or labels.get("en") or next(iter(labels.values()), fallback)


def decimal(points: int) -> str:
    """Points as people write them, as exact as they are: 12.5, -0.5, 100."""
    whole, rest = divmod(abs(points), POINT)
    text = f"{whole}.{rest:05d}".rstrip("0") if rest else str(whole)
    return f"-{text}" if points < 0 else text


def signed(points: int) -> str:
    return decimal(points) if points < 0 else f"+{decimal(points)}"


@dataclass
class Tally:
    """A plan's summary, counted item by item; `digest` gives the same plan the same id."""

    contacts: int
    judged: int = 0
    changed: int = 0
    held: int = 0
    touched: int = 0
    stage_changes: int = 0
    overwritten: int = 0
    told: int = 0
    moved: int = 0

    def __post_init__(self) -> None:
        self.digest = hashlib.sha256()

    def add(self, document: Document) -> None:
        self.judged += 1
        self.changed += bool(document["changes"] or document["actions"])
        self.held += document["hold"] is not None
        self.touched += bool(document["changes"] or document["actions"] or document["hold"])
        moved = document["stage"]["from"] != document["stage"]["to"]
        self.stage_changes += moved
        self.told += bool(document["actions"])
        self.moved += bool(moved or document["actions"])
        self.overwritten += len(document["overwrites"])
        self.digest.update(orjson.dumps(document, option=orjson.OPT_SORT_KEYS))

    def summary(self, *, rules_are_new: bool) -> dict[str, Any]:
        return {
            "contacts": self.contacts,
            "judged": self.judged,
            "changed": self.changed,
            "held": self.held,
            "unchanged": self.contacts - self.touched,
            "stage_changes": self.stage_changes,
            "actions": self.told,
            "moved": self.moved,
            "overwritten": self.overwritten,
            "rules_are_new": rules_are_new,
        }


def share_moved(summary: Mapping[str, Any]) -> float:
    """The share of all contacts that the brake looks at: those that change stage or cause an action,
    or, under rules that were never applied, those that change at all. 0 where the brake is off."""
    if summary["contacts"] < FEW:
        return 0.0
    moved = summary["changed"] if summary["rules_are_new"] else summary.get("moved", summary["stage_changes"])
    return float(moved) / float(summary["contacts"])
