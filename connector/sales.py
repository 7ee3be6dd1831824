"""What sales was offered and did about a few contacts: out of the cache, through `hand_off`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace

from sqlite_utils import Database

from connector import hand_off
from connector.hand_off import Sales
from connector.model import Document, HandOff, Standing
from connector.rules.tree import Rules
from connector.stage import Decision, Witness, our_stage
from connector.store import bookmarks, handoffs


class Desk:
    """The desk of sales, read at once for these contacts. `known`: whether a contact was judged before."""

    def __init__(
        self, db: Database, rules: Rules, ids: Sequence[str], known: Callable[[str], bool], now: int
    ) -> None:
        self._rules = rules
        self._recorded = handoffs.of(db, ids)
        self._known = dict(self._recorded)
        self._in_use = bool(self._recorded) or hand_off.offers(rules.workflow)
        self._touches = _touches(db, ids) if self._in_use else {}
        self._deals = _listed(handoffs.deals(db, ids)) if self._in_use else {}
        asked = self._in_use or any(stage.suppress for stage in rules.workflow.stages)
        self._news = _news(db, rules, ids, known, now) if asked else set()

    def taken(self, contact: str, standing: Standing, witness: Witness | None, at: int) -> bool:
        """Whether sales took the contact on by then."""
        if not self._in_use:
            return False
        did = self._did(contact, witness)
        return hand_off.taken(self._rules, self._seen(contact, did, at), standing, did, at)

    def follow(
        self, decision: Decision, properties: Mapping[str, str | None], witness: Witness | None, at: int
    ) -> Decision:
        """The decision with what it means for the hand-offs, and with their moments among those to wake at."""
        if not self._in_use:
            return decision
        standing = decision.standing
        contact = standing.contact_id
        did = self._did(contact, witness)
        after = hand_off.follow(
            self._rules,
            self._seen(contact, did, at),
            standing,
            decision.transitions,
            did,
            owner=self._owner(properties),
            tell=contact in self._news,
            taken_on=decision.taken_on,
        )
        moments = [m for m in (standing.wake_at, hand_off.wake_at(after, did, at)) if m is not None]
        return replace(
            decision, standing=replace(standing, wake_at=min(moments, default=None)), handoffs=after
        )

    def may_tell(self, contact: str) -> bool:
        """Whether people may be told of this contact at all."""
        return contact in self._news

    def now(self, contact: str) -> tuple[HandOff, ...]:
        """The hand-offs as far as they were looked at."""
        return self._known.get(contact, ())

    def start(self, contact: str, after: tuple[HandOff, ...]) -> None:
        """From here on a moment later is looked at."""
        self._known[contact] = after

    def document(self, decision: Decision) -> Document:
        """`handoff`: the last of the present journey; `handoffs`: those that are not as recorded."""
        standing = decision.standing
        mine = [one for one in decision.handoffs if one.journey == standing.journey]
        recorded = self._recorded.get(standing.contact_id, ())
        return {
            "handoff": asdict(mine[-1]) if mine else None,
            "handoffs": [asdict(one) for one in decision.handoffs if one not in recorded],
        }

    def _seen(self, contact: str, did: Sales, at: int) -> tuple[HandOff, ...]:
        return hand_off.seen(self._rules, self._known.get(contact, ()), did, at)

    def _owner(self, properties: Mapping[str, str | None]) -> str | None:
        """Whom the CRM says the contact belongs to."""
        field = self._rules.mapping.fields.get("owner")
        return properties.get(field.property) if field and field.object == "contacts" else None

    def _did(self, contact: str, witness: Witness | None) -> Sales:
        word = None
        if witness is not None and witness.writer == "person" and not witness.undone:
            stage = our_stage(self._rules, witness.value)
            word = (witness.at, stage) if stage else None
        return Sales(self._touches.get(contact, ()), self._deals.get(contact, ()), word)


def _touches(db: Database, ids: Sequence[str]) -> dict[str, tuple[int, ...]]:
    dealings = handoffs.dealings(db, ids)
    return _listed((contact, at) for contact, event, at, attrs in dealings if hand_off.is_touch(event, attrs))


def _listed(rows: Iterable[tuple[str, int]]) -> dict[str, tuple[int, ...]]:
    found: dict[str, list[int]] = {}
    for contact, at in rows:
        found.setdefault(contact, []).append(at)
    return {contact: tuple(moments) for contact, moments in found.items()}


def _news(db: Database, rules: Rules, ids: Sequence[str], known: Callable[[str], bool], now: int) -> set[str]:
    """Contacts that sales may be told of: the first run on an old account tells nobody of those in it."""
    since = bookmarks.fact(db, "decided_since")
    horizon = now - rules.workflow.alert_horizon
    first = horizon if since is None else min(since, horizon)
    made: Mapping[str, int | None] = handoffs.contacts(db, ids)
    return {i for i in ids if known(i) or (made.get(i) or 0) >= first}
