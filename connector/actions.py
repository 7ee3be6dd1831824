"""What entering a stage leads to: tasks, lead status and webhooks of `notify`, lists of `suppress`.

Somebody is told of the stage at which a contact came to rest, of nothing that is older than the alert
horizon, and of nobody whom the first run found in an old account. Values in, values out; what is done with
an action is told in its JSON, and all of it stands in the plan.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from connector.hand_off import asked, due, forward, of_stage
from connector.model import OUR_MARK, OUT, Action, Change, Document, Score, Transition, iso
from connector.plan import Led, label, parts
from connector.rules.phrases import phrase
from connector.rules.tree import Notify, Rules, TaskNotice, WebhookNotice
from connector.stage import Decision

_REASONS = 5  # parts of the score that a task names
_UNKNOWN_COMPANY = {"fr": "société inconnue", "en": "unknown company"}


@dataclass(frozen=True, slots=True)
class Office:
    """The account: who may be told (owners' ids and addresses), and which it is."""

    portal: str = ""
    owners: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Person:
    """What a notice says of a contact. `status` is the lead status that stands in the CRM, `status_sent` the
    one that we put there last; `status_property` is where."""

    id: str
    name: str
    company: str = ""
    owner: str | None = None
    page: str = ""
    status_property: str = ""
    status: str | None = None
    status_sent: str | None = None


def leads(rules: Rules) -> bool:
    """Whether any stage leads to anything."""
    return any(stage.notify or stage.suppress for stage in rules.workflow.stages)


def led_to(rules: Rules, office: Office, person: Person, score: Score, decision: Decision) -> Led:
    """What the transitions of a decision lead to, for a contact of whom people may be told."""
    recent = _recent(rules, decision.transitions)
    if not recent:
        return Led()
    told = _Telling(rules, office, person, score, decision, recent)
    return Led((*told.tasks(), *told.lists(), *told.webhooks()), told.status())


def _recent(rules: Rules, moves: Sequence[Transition]) -> list[Transition]:
    """Those that are news, from the last step back on."""
    news = [m for m in moves if m.decided_at - m.effective_at <= rules.workflow.alert_horizon]
    back = max((n for n, move in enumerate(news) if not forward(rules, move)), default=0)
    return [move for move in news[back:] if move.to_stage != OUT]


class _Telling:
    """One contact's transitions, the last of them being where it came to rest."""

    def __init__(
        self,
        rules: Rules,
        office: Office,
        person: Person,
        score: Score,
        decision: Decision,
        recent: Sequence[Transition],
    ) -> None:
        self._rules, self._office, self._person, self._score = rules, office, person, score
        self._recent, self._last = recent, recent[-1]
        self._stage = next(s for s in rules.workflow.stages if s.id == self._last.to_stage)
        self._epoch = decision.standing.epoch_at
        self._from = decision.transitions[0].from_stage
        offers = of_stage(decision.handoffs, self._last.journey, self._last.to_stage)
        self._offer = offers[-1] if offers else None
        self._asked = asked(rules, decision.handoffs, self._last, decision.taken_on)
        self._again = [str(len(offers))] if len(offers) > 1 else []  # it expired before

    def _notices(self) -> Iterator[tuple[str, Notify]]:
        if forward(self._rules, self._last) and not self._last.imputed and self._last.actor != "edit":
            yield from ((name, self._rules.workflow.notify[name]) for name in self._stage.notify)

    # -- tasks -------------------------------------------------------------------------------------------

    def tasks(self) -> Iterator[Action]:
        """One for each notice; the first goes by journey and stage alone, so that one name is as good as
        another."""
        journey, stage = self._last.journey, self._last.to_stage
        told = [(name, notice) for name, notice in self._notices() if name in self._asked]
        notices = [(name, notice.task) for name, notice in told if notice.task is not None]
        for number, (name, notice) in enumerate(notices):
            more = [*self._again, *([name] if number else [])]
            key = ":".join([str(journey), stage, *more])
            marker = " ".join([self._office.portal, self._person.id, str(journey), stage, *more])
            yield Action("task", key, _json(self._task(notice, f"{OUR_MARK}{marker}]")))

    def _task(self, notice: TaskNotice, marker: str) -> Document:
        owner = _owner(notice, self._office.owners, self._whose())
        return {
            "subject": self._subject(notice),
            "lines": [*self._reasons(), *([self._person.page] if self._person.page else [])],
            "marker": marker,
            "owner": owner,
            "to": self._office.owners.get(owner, "") if owner else "",
            "due_at": due(self._rules, self._stage, self._last.effective_at, notice.due),
            "since": self._epoch,
        }

    def _whose(self) -> str | None:
        return (self._offer.owner if self._offer else None) or self._person.owner

    def _subject(self, notice: TaskNotice) -> str:
        language = self._rules.mapping.language
        said = {
            "name": self._person.name,
            "company": self._person.company or label(_UNKNOWN_COMPANY, language, ""),
            "stage": self._last.to_stage,
            "score": str(self._score.points),
        }
        template = label(notice.subject, language, "{name}")
        for name, value in said.items():  # what a person is called may have braces in it
            template = template.replace(f"{{{name}}}", value.replace("{", "(").replace("}", ")"))
        return " ".join(template.split())

    def _reasons(self) -> list[str]:
        language = self._rules.mapping.language
        because = f"{self._from or phrase(language, 'new')} -> {self._last.to_stage}: {self._last.why}"
        found = ", ".join(parts(self._rules, self._score.parts, self._score.counted)[:_REASONS])
        return [because, f"{self._score.points} points" + (f": {found}" if found else "")]

    # -- lead status -------------------------------------------------------------------------------------

    def status(self) -> Change | None:
        """Set where nothing stands, or what we put there: a person's word about a lead is theirs."""
        told = [notice.lead_status for name, notice in self._notices() if name in self._asked]
        said = [status for status in told if status is not None]
        now, wanted = self._person.status or None, said[-1] if said else None
        ours = now is None or now == self._person.status_sent
        if wanted is None or wanted == now or not ours or not self._person.status_property:
            return None
        return Change(self._person.status_property, now, wanted)

    # -- lists -------------------------------------------------------------------------------------------

    def lists(self) -> Iterator[Action]:
        """Of every stage that was entered, passed over or not: what one stops, the later ones stop too."""
        entered = [move.to_stage for move in self._recent]
        stages = sorted(
            (stage for stage in self._rules.workflow.stages if stage.id in entered),
            key=lambda stage: entered.index(stage.id),
        )
        steps: dict[str, str] = {}
        for suppress in (self._rules.workflow.suppress[name] for stage in stages for name in stage.suppress):
            for name, do in ((suppress.leave_list, "leave"), (suppress.join_list, "join")):
                if name is not None:
                    steps[name] = do
        for name, do in steps.items():
            yield Action("list", name, _json({"do": do}))

    # -- webhooks ----------------------------------------------------------------------------------------

    def webhooks(self) -> Iterator[Action]:
        for name, notice in self._notices():
            if notice.webhook is not None:
                key = ":".join([str(self._last.journey), self._last.to_stage, *self._again, name])
                yield Action("webhook", key, _json(self._webhook(name, notice.webhook)))

    def _webhook(self, name: str, notice: WebhookNotice) -> Document:
        """The names of the variables, not what they hold."""
        last = self._last
        whom = (self._office.portal, self._person.id)
        about = (*whom, last.journey, self._epoch, last.to_stage, *self._again, name)
        body = {
            "id": hashlib.sha256(_json(about).encode()).hexdigest(),
            "contact": self._person.id,
            "stage": last.to_stage,
            "from": self._from,
            "score": self._score.points,
            "why": last.why,
            "effective_at": iso(last.effective_at),
            "rules": self._rules.hash,
        }
        return {
            "notice": name,
            "url_from": notice.url_from,
            "secret_from": notice.secret_from,
            "body": body,
        }


def _owner(notice: TaskNotice, owners: Mapping[str, str], whose: str | None) -> str | None:
    """Whose the contact is; else, or where they have left the account, whoever has the fallback address."""
    if whose and (whose in owners or not owners):
        return whose
    fallback = (notice.fallback or "").lower()
    return next((id for id, address in sorted(owners.items()) if fallback == address.lower() != ""), None)


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


# -- afterwards ------------------------------------------------------------------------------------------


def overtaken(rules: Rules, moves: Sequence[Transition]) -> tuple[str, ...]:
    """The kinds of actions that are not right any more where they still wait: a contact that went back is no
    news and belongs on its lists again. That it went there was true all the same: webhooks are told."""
    if any(move.to_stage == OUT for move in moves):
        return ("task",)
    return () if all(forward(rules, move) for move in moves) else ("task", "list")


def due_at(kind: str, value: str) -> int | None:
    """By when a task is to be done."""
    return int(orjson.loads(value)["due_at"]) if kind == "task" else None


def says(kind: str, key: str, value: str, shown: Callable[[str], str] = str) -> str:
    """An action in words; `shown` is how addresses are."""
    said = orjson.loads(value)
    match kind:
        case "task":
            whose = shown(said["to"]) if said["to"] else said["owner"] or "nobody in particular"
            return f"task for {whose}: {said['subject']}"
        case "list":
            return f"list {key}: {said['do']}"
        case _:
            return f"webhook {said['notice']} ({said['url_from']})"
