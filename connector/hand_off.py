"""How a hand-off to sales comes about and ends; values in, values out.

    offered --a--> accepted    a: the first human touch, a deal made since, a person's word of a later stage
            --b--> rejected    b: recycled, disqualified or set back meanwhile
            --c--> expired     c: the stage was left meanwhile

A call that reaches nobody is a touch as well: the clock asks whether somebody tried. What came to pass is
read off the evidence anew at each look, so that a late look, or a call that was logged late, gives the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from zoneinfo import ZoneInfo

from connector import business
from connector.model import DAY, HandOff, Standing, Transition
from connector.rules.tree import Calendar, Rules, StageRule, WorkflowRules

TOUCHES = frozenset({"call", "meeting", "sales_email"})  # events that may be one
UNDER_WAY = DAY  # sales that was in touch so short before is talking to them already
MEASURED = 90 * DAY  # of hand-offs that the clocks are told of
_NOT_SENT = {"bounced", "failed", "scheduled", "sending"}
_LIVE = ("offered", "accepted")


@dataclass(frozen=True, slots=True)
class Sales:
    """What sales did about a contact: when they were in touch, when deals were made, and their last word in
    the CRM (when, which stage of ours)."""

    touches: tuple[int, ...] = ()  # first to last
    deals: tuple[int, ...] = ()
    word: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """Business time in ms up to the first touch: the buyer's, from when the stage was entered; the rep's,
    from when that could be known."""

    buyer: int
    rep: int


def of_stage(handoffs: Iterable[HandOff], journey: int, stage: str) -> list[HandOff]:
    """In the order in which they were offered."""
    return [one for one in handoffs if (one.journey, one.stage) == (journey, stage)]


def asked(
    rules: Rules, handoffs: Iterable[HandOff], last: Transition, taken_on: str | None = None
) -> tuple[str, ...]:
    """The notices that ask somebody to act on the stage entered: none where sales set it themselves, and none
    by which sales was asked at an earlier stage of the journey and took the contact on. `taken_on`: one such
    stage, of which a new cache knows no hand-off."""
    stage = _stage(rules, last.to_stage)
    if stage is None or _by_sales(rules, last):
        return ()
    taken = [
        o for o in handoffs if (o.journey, o.state) == (last.journey, "accepted") and o.stage != stage.id
    ]
    stages = {o.stage for o in taken} | ({taken_on} - {stage.id} if taken_on else set())
    known = {name for one in stages if (earlier := _stage(rules, one)) for name in earlier.notify}
    return tuple(name for name in stage.notify if name not in known)


def _by_sales(rules: Rules, last: Transition) -> bool:
    """Set by hand, from the stage on that sales alone validates."""
    return last.actor == "sales" and _index(rules, last.to_stage) >= _index(rules, "sql") >= 0


def offers(workflow: WorkflowRules) -> bool:
    """Whether any stage is handed to sales."""
    return any(_offers(stage) for stage in workflow.stages)


def _offers(stage: StageRule) -> bool:
    return bool(stage.notify) or stage.sla is not None


def is_touch(event: str, attrs: Mapping[str, object]) -> bool:
    """Whether an event is a human's act towards the contact: an outbound call, whatever came of it, a meeting
    that was not called off, an e-mail from one person to another. Sequences send by themselves."""
    said = {name: str(value).lower() for name, value in attrs.items() if value}
    if event == "meeting":
        return said.get("outcome") != "canceled"
    if event == "sales_email" and ("sequence" in said or said.get("status") in _NOT_SENT):
        return False
    return event in TOUCHES and said.get("direction") == "outbound"


# -- what becomes of it ------------------------------------------------------------------------------


def seen(rules: Rules, handoffs: Iterable[HandOff], sales: Sales, at: int) -> tuple[HandOff, ...]:
    """The hand-offs as what sales did and said up to `at` makes them."""
    return tuple(_seen(rules, one, sales, at) for one in handoffs)


def _seen(rules: Rules, one: HandOff, sales: Sales, at: int) -> HandOff:
    if one.state in _LIVE:
        one = _with_first_touch(one, sales, at)
        ends = [(one.settled_at, one.why)] if one.settled_at is not None else []
        first = min([*ends, *_acceptances(rules, one, sales, at)], default=None)
        if first is not None:
            one = replace(one, state="accepted", settled_at=first[0], why=first[1])
    return replace(one, breached_at=one.due_at if _late(one, at) else None)


def _with_first_touch(one: HandOff, sales: Sales, at: int) -> HandOff:
    """An earlier touch that was logged late counts; one that vanished from the CRM counted once."""
    since = [t for t in sales.touches if one.offered_at - UNDER_WAY < t <= at]
    if not since or one.under_way:
        return one
    if since[0] <= one.offered_at:
        return replace(one, first_touch_at=one.offered_at, under_way=True)
    return replace(one, first_touch_at=min(since[0], one.first_touch_at or since[0]))


def _acceptances(rules: Rules, one: HandOff, sales: Sales, at: int) -> Iterable[tuple[int, str]]:
    """When and why sales took it on."""
    if one.first_touch_at is not None:
        yield one.first_touch_at, "sales was talking to them already" if one.under_way else "first touch"
    for made in sales.deals:
        if one.offered_at < made <= at:
            yield made, "a deal was made"
    if sales.word is not None:
        said_at, stage = sales.word
        if one.offered_at < said_at <= at and _index(rules, stage) > _index(rules, one.stage):
            yield said_at, f"set to {stage} by hand in the CRM"


def _late(one: HandOff, at: int) -> bool:
    """Whether it was still open when its time was up."""
    if one.due_at is None or one.due_at > at:
        return False
    return one.settled_at is None or one.settled_at > one.due_at


def taken(rules: Rules, handoffs: Sequence[HandOff], standing: Standing, sales: Sales, at: int) -> bool:
    """Whether sales took the contact on in this journey. Where nothing was offered (nobody is told of what is
    long past, and a new cache does not know), what sales did since the stage was entered says so as well."""
    mine = [one for one in handoffs if one.journey == standing.journey]
    if any(one.state == "accepted" for one in mine):
        return True
    stage = _stage(rules, standing.stage)
    if stage is None or not _offers(stage) or any(o.stage == stage.id and o.state == "offered" for o in mine):
        return False
    since = standing.stage_since or standing.epoch_at or 0
    under_way = any(since - UNDER_WAY < touch <= at for touch in sales.touches)
    return under_way or any(since < made <= at for made in sales.deals)


# -- how it comes about, and ends --------------------------------------------------------------------


def follow(
    rules: Rules,
    handoffs: Sequence[HandOff],
    after: Standing,
    moves: Sequence[Transition],
    sales: Sales,
    *,
    owner: str | None,
    tell: bool,
    taken_on: str | None = None,
) -> tuple[HandOff, ...]:
    """The hand-offs after one evaluation's transitions. `tell`: sales may be told of this contact at all;
    `taken_on`: as for `asked`."""
    ended = tuple(_ended(rules, one, after, moves) for one in handoffs)
    last = moves[-1] if moves else None
    offered = _offered(rules, ended, last, owner, taken_on) if last is not None and tell else None
    if last is None or offered is None:
        return ended
    return (*ended, _seen(rules, offered, sales, last.effective_at))


def _ended(rules: Rules, one: HandOff, after: Standing, moves: Sequence[Transition]) -> HandOff:
    if one.state != "offered":
        return one
    state: Literal["rejected", "expired"]
    if one.journey != after.journey or _stage(rules, after.stage) is None:
        state = "rejected"
    elif _index(rules, after.stage) < _index(rules, one.stage):
        state = "expired"
    else:
        return one
    back = next((move for move in reversed(moves) if not forward(rules, move)), None)
    why, at = (back.why, back.effective_at) if back else (after.held_why, after.stage_since)
    done = replace(one, state=state, why=why, settled_at=at)
    return replace(done, breached_at=done.due_at if _late(done, at or 0) else None)


def _offered(
    rules: Rules, handoffs: Sequence[HandOff], last: Transition, owner: str | None, taken_on: str | None
) -> HandOff | None:
    """Offered while it is news, where the contact came to rest; again in a journey only if nobody took it on
    before it expired."""
    stage = _stage(rules, last.to_stage)
    if stage is None or not _offers(stage) or last.imputed or not forward(rules, last):
        return None
    if last.actor == "edit" or last.decided_at - last.effective_at > rules.workflow.alert_horizon:
        return None
    if any(one.state != "expired" for one in of_stage(handoffs, last.journey, stage.id)):
        return None
    if _by_sales(rules, last) or (stage.notify and not asked(rules, handoffs, last, taken_on)):
        return None
    return HandOff(
        contact_id=last.contact_id,
        journey=last.journey,
        stage=stage.id,
        offered_at=last.effective_at,
        owner=owner,
        due_at=due(rules, stage, last.effective_at, stage.sla.first_touch) if stage.sla else None,
        told_at=last.decided_at,
    )


def due(rules: Rules, stage: StageRule, at: int, lasting: int) -> int:
    """So long after a moment, by the clock of the stage's hand-off."""
    calendar = _calendar(rules, stage)
    if calendar is None:
        return at + lasting
    return business.add(calendar, ZoneInfo(rules.mapping.timezone), at, lasting)


def wake_at(handoffs: Iterable[HandOff], sales: Sales, at: int) -> int | None:
    """When time alone changes something: a deadline, or an appointment in the calendar of sales."""
    live = [one for one in handoffs if one.state in _LIVE]
    moments = [one.due_at for one in live if one.state == "offered" and one.due_at is not None]
    if any(one.first_touch_at is None for one in live):
        moments += sales.touches
    return min((moment for moment in moments if moment > at), default=None)


# -- how fast ----------------------------------------------------------------------------------------


def waits(rules: Rules, one: HandOff) -> Waits | None:
    """None: not in touch yet, or taken on before any touch that is on record, which tells no time."""
    touched = one.first_touch_at
    if touched is None or (one.settled_at is not None and one.settled_at < touched):
        return None
    stage = _stage(rules, one.stage)
    calendar, zone = _calendar(rules, stage) if stage else None, ZoneInfo(rules.mapping.timezone)

    def passed(start: int) -> int:
        return business.between(calendar, zone, start, touched) if calendar else max(0, touched - start)

    return Waits(passed(one.offered_at), passed(one.told_at or one.offered_at))


def share(values: Sequence[int], percent: int) -> int | None:
    """The smallest of the values that so many per cent of them are not above."""
    rank = -(-len(values) * percent // 100)
    return sorted(values)[max(rank, 1) - 1] if values else None


# -- the rules ---------------------------------------------------------------------------------------


def _stage(rules: Rules, name: str | None) -> StageRule | None:
    return next((stage for stage in rules.workflow.stages if stage.id == name), None)


def _index(rules: Rules, name: str | None) -> int:
    return next((n for n, stage in enumerate(rules.workflow.stages) if stage.id == name), -1)


def forward(rules: Rules, move: Transition) -> bool:
    return _index(rules, move.to_stage) > _index(rules, move.from_stage)


def _calendar(rules: Rules, stage: StageRule) -> Calendar | None:
    name = stage.sla.calendar if stage.sla else None
    return rules.workflow.calendars.get(name) if name else None
