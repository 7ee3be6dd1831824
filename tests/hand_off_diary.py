"""A contact's diary with what sales does in it, and the hand-offs that come of it, a line each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from accounts import CHECKOUT
from journey_diary import WHO, Diary, agreed_rules, local, moment, sections
from ruamel.yaml import YAML

from connector import hand_off
from connector.model import Engagement, HandOff
from connector.rules.tree import Rules
from connector.score import Scorer
from connector.store import decisions, handoffs
from connector.store.schema import write
from connector.views.ink import lasting

CASES = CHECKOUT / "tests" / "cases" / "hand_off"
LETTERS: dict[str, dict[str, str | float | bool | None]] = {
    "outbound": {"direction": "outbound", "status": "SENT", "sequence": False},
    "inbound": {"direction": "inbound", "status": None, "sequence": False},
    "sequence": {"direction": "outbound", "status": "SENT", "sequence": True},
    "bounced": {"direction": "outbound", "status": "BOUNCED", "sequence": False},
}


def load(name: str) -> dict[str, Any]:
    found = YAML(typ="base", pure=True).load((CASES / f"{name}.yaml").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def agreed(change: str = "") -> tuple[Rules, Scorer]:
    """The agreement of these cases, with the sections of a case's own in their place."""
    agreement = (CASES / "rules" / "agreement.yaml").read_text("utf-8")
    return agreed_rules("".join({**sections(agreement), **sections(change)}.values()))


class HandOffDiary(Diary):
    """`wrote`: an e-mail of sales; `handed_over`: what the hand-offs are at a moment."""

    def __init__(self, folder: Path, awake: bool) -> None:
        super().__init__(folder, awake)
        self._made: dict[str, int] = {}  # when each deal was
        self._today = 0

    def happens(self, entry: dict[str, Any]) -> None:
        if "handed_over" in entry:
            at = moment(entry["on"])
            if self.awake:
                self.wait_for(at)
            self.judge(at)
            assert self.handed_over() == entry["handed_over"], entry["on"]
        else:
            self._today = moment(entry["on"])
            super().happens(entry)

    def _act(self, at: int, entry: dict[str, str]) -> None:
        if "wrote" not in entry:
            super()._act(at, entry)
            return
        letter = Engagement(
            "emails", str(len(self.events)), "sales_email", at, WHO, None, LETTERS[entry["wrote"]]
        )
        self.events.append(letter)

    def pull(self, now: int) -> None:
        super().pull(now)
        for name, at in self._made.items():
            self.db.execute("UPDATE deal SET created_at = ? WHERE id = ?", [at, name])
        done = [(WHO, event.at) for event in self.events if event.event in hand_off.TOUCHES]
        with write(self.db):  # as the pull does
            decisions.mark_dirty(self.db, handoffs.waiting_for(self.db, done, hand_off.UNDER_WAY))

    def _deal(self, values: dict[str, str]) -> None:
        before = set(self.deals)
        super()._deal(values)
        self._made |= dict.fromkeys(self.deals.keys() - before, self._today)

    def handed(self) -> tuple[HandOff, ...]:
        return handoffs.of(self.db, [WHO]).get(WHO, ())

    def handed_over(self) -> list[str]:
        return [self._line(one) for one in self.handed()]

    def _line(self, one: HandOff) -> str:
        whose = f" of {one.owner}" if one.owner else ""
        due = f", due {local(one.due_at)}" if one.due_at else ""
        done = f" {local(one.settled_at)} ({one.why})" if one.settled_at else ""
        late = ", late" if one.breached_at else ""
        waits = hand_off.waits(self.rules, one)
        waited = f"; the buyer waited {lasting(waits.buyer // 1000)}" if waits else ""
        return f"{one.stage}{whose}, {local(one.offered_at)}{due}: {one.state}{done}{late}{waited}"
