"""What the cache knows of the people whom actions are about: out of it, through `actions`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sqlite_utils import Database

from connector import actions
from connector.actions import Office, Person
from connector.hubspot import objects
from connector.model import Score
from connector.plan import NOTHING, Led
from connector.rules.tree import Rules
from connector.stage import Decision
from connector.store import bookmarks, outbox


class Notices:
    """For a few contacts, read at once. `may_tell`: whether people may be told of a contact at all."""

    def __init__(
        self, db: Database, rules: Rules, ids: Sequence[str], may_tell: Callable[[str], bool]
    ) -> None:
        self._rules, self._may_tell = rules, may_tell
        self._in_use = actions.leads(rules)
        portal = (bookmarks.fact(db, "portal") or {}) if self._in_use else {}
        self._portal, self._domain = portal.get("id", ""), portal.get("ui_domain", "")
        self._office = Office(self._portal, (bookmarks.fact(db, "owners") or {}) if self._in_use else {})
        self._sent = outbox.last_sent(db, ids, [objects.PROPERTY_LEAD_STATUS]) if self._in_use else {}

    def led_to(
        self,
        contact: str,
        email: str | None,
        properties: Mapping[str, str | None],
        score: Score,
        decision: Decision,
    ) -> Led:
        """What the decision's transitions lead to."""
        if not decision.transitions:
            return NOTHING
        over = actions.overtaken(self._rules, decision.transitions)
        if not (self._in_use and self._may_tell(contact)):
            return Led(overtaken=over)
        person = Person(
            contact,
            name=objects.name_of(properties) or email or contact,
            company=objects.company_of(properties),
            owner=objects.owner_of(properties),
            page=objects.page_of(self._domain, self._portal, contact) if self._domain else "",
            status_property=objects.PROPERTY_LEAD_STATUS,
            status=properties.get(objects.PROPERTY_LEAD_STATUS),
            status_sent=self._sent.get(contact, {}).get(objects.PROPERTY_LEAD_STATUS),
        )
        return replace(actions.led_to(self._rules, self._office, person, score, decision), overtaken=over)
