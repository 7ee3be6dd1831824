"""The ways back by others' word, and out of a stage: set back, undone by the CRM, left when it no longer holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from connector.model import DAY, OUT, Standing, Transition
from connector.stage.climb import Moment
from connector.stage.criteria import holds, view
from connector.stage.evidence import IN_CRM, Because, because
from connector.stage.witness import Witness, adopted, index, our_stage, says

PING_PONG = DAY  # the CRM undoes what we do twice within it: somebody's automation works against ours
Moved = tuple[Standing, list[Transition]]


@dataclass(frozen=True, slots=True)
class Held:
    why: str
    since: int
    until: int


def held(standing: Standing, at: int) -> Held | None:
    """What is left alone for a person's sake, as long as it lasts."""
    if standing.held_until is None or standing.held_since is None or standing.held_until <= at:
        return None
    return Held(standing.held_why, standing.held_since, standing.held_until)


def released(m: Moment, before: Standing) -> Standing:
    """A later word that says where the contact stands ends what an earlier one held; one more step back by the
    CRM's automation does not."""
    word = m.witness
    if before.held_since is None or word is None or adopted(m.rules, word) is None:
        return before
    if word.at <= before.held_since or word.at == before.heard_at:
        return before
    return replace(before, held_since=None, held_until=None, held_why="")


def taken_back(m: Moment, before: Standing) -> Moved:
    """The CRM's own automation undid a stage: a deal that was won no longer is."""
    stage = _behind(m, before)
    if m.witness is None or stage is None or m.witness.writer != "crm" or _ping_pong(before, m.witness):
        return before, []
    move = m.move(before, stage, Because(says(m.rules, m.witness), (IN_CRM,)), actor="crm")
    return replace(before, stage=stage, stage_since=m.at, leaving_since=None, heard_at=m.witness.at), [move]


def set_back(m: Moment, before: Standing) -> Moved:
    """A person or another app set the contact back: this journey ends there, and for a while nothing moves.

    What happened before counts no more: to come back it takes fresh evidence.
    """
    overrides, word, to = m.rules.workflow.overrides, m.witness, _behind(m, before)
    if word is None or to is None or not overrides.sales_wins:
        return before, []
    if word.writer not in ("person", "app") and not _ping_pong(before, word):
        return before, []
    actor: Literal["sales", "crm"] = "sales" if word.writer == "person" else "crm"
    move = m.move(before, to, Because(set_back_by(word), (IN_CRM,)), actor=actor)
    opened = replace(opened_at(m, before, to, word.at), held_since=None, held_until=None, held_why="")
    until = word.at + overrides.hold
    if until > m.at:
        opened = replace(opened, held_since=word.at, held_until=until, held_why=set_back_by(word))
    return opened, [move]


def set_back_by(word: Witness) -> str:
    """Who set a contact back, and to what."""
    who = {
        "person": "by hand in the CRM",
        "app": f"by another app {f'({word.by})' if word.by else ''}".strip(),
        "crm": "by the CRM's own automation, twice within a day",
    }
    return f"set back to {word.value or 'nothing'} {who[word.writer]}"


def _behind(m: Moment, before: Standing) -> str | None:
    """Our stage for a word that undoes one; None where there is no such word. Cleared is the first stage."""
    if m.witness is None or not m.witness.undone or before.stage in (None, OUT):
        return None
    to = m.rules.workflow.stages[max(0, index(m.rules, our_stage(m.rules, m.witness.value)))].id
    return to if index(m.rules, to) < index(m.rules, before.stage) else None


def _ping_pong(before: Standing, word: Witness) -> bool:
    return word.writer == "crm" and before.heard_at is not None and word.at - before.heard_at <= PING_PONG


def opened_at(m: Moment, before: Standing, stage: str, epoch: int | None) -> Standing:
    """The next journey, which begins at a stage. Signals count from `epoch` on."""
    stages = m.rules.workflow.stages
    return replace(
        before,
        journey=before.journey + 1,
        epoch_at=epoch,
        stage=stage,
        stage_since=m.at,
        reached=frozenset(s.id for s in stages[: index(m.rules, stage) + 1]),
        leaving_since=None,
        cool_until=None,
    )


def left(m: Moment, before: Standing) -> Moved:
    """Out of a stage that has not held for long enough, to the one before; and from there too, if so."""
    standing, moves = leaving(m, before), list[Transition]()
    while (move := _leave(m, standing)) is not None:
        moves.append(move)
        reached = standing.reached - {standing.stage or ""}
        gone = replace(standing, stage=move.to_stage, stage_since=m.at, reached=reached, leaving_since=None)
        standing = leaving(m, gone)
    return standing, moves


def leaving(m: Moment, standing: Standing) -> Standing:
    """Since when the stage's `leave_when` holds; never of one that sales accepted, or that nobody leaves."""
    n = index(m.rules, standing.stage)
    asked = m.rules.workflow.stages[n].leave_when if n > 0 else None
    if asked is None or accepted(m, standing) or not _holds(m, standing, n, "leave_when"):
        return replace(standing, leaving_since=None)
    return standing if standing.leaving_since is not None else replace(standing, leaving_since=m.at)


def _leave(m: Moment, standing: Standing) -> Transition | None:
    """Not while its own rule holds, nor while somebody else's word keeps it there."""
    n = index(m.rules, standing.stage)
    stage = m.rules.workflow.stages[n]
    if standing.leaving_since is None or stage.leave_when is None:
        return None
    if m.at < standing.leaving_since + stage.leave_for or _holds(m, standing, n, "enter_when"):
        return None
    if index(m.rules, adopted(m.rules, m.witness)) >= n:
        return None
    looked = view(m.rules, m.score, standing.reached, m.witness, m.signals)
    why = because(stage.leave_when, looked, m.score)
    return m.move(standing, m.rules.workflow.stages[n - 1].id, why, rule=str(stage.place))


def _holds(m: Moment, standing: Standing, n: int, name: Literal["enter_when", "leave_when"]) -> bool:
    asked = getattr(m.rules.workflow.stages[n], name)
    return asked is not None and holds(asked, view(m.rules, m.score, standing.reached, m.witness, m.signals))


def accepted(m: Moment, standing: Standing) -> bool:
    """Whether sales took the contact on: it accepted what it was handed; from `sql` on it did."""
    stages = m.rules.workflow.stages_named()
    return m.taken or ("sql" in stages and index(m.rules, standing.stage) >= stages.index("sql"))
