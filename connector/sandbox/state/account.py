"""The account: its parts over one file, its token, its clock. A new one is a function of the seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from connector.sandbox.clock import Clock
from connector.sandbox.state.definitions import Definitions
from connector.sandbox.state.derived import STAGES, Derived, deal
from connector.sandbox.state.engagement import Engagement
from connector.sandbox.state.grants import Grants
from connector.sandbox.state.index import Index
from connector.sandbox.state.knobs import Knobs, Settings
from connector.sandbox.state.later import Later
from connector.sandbox.state.links import Links
from connector.sandbox.state.participations import Participations
from connector.sandbox.state.records import Records, Writer
from connector.sandbox.state.requirements import Requirements
from connector.sandbox.state.schema import Database

SCOPES = [
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.objects.owners.read",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
    "crm.schemas.companies.read",
    "crm.schemas.companies.write",
    "crm.schemas.deals.read",
    "crm.schemas.deals.write",
    "crm.lists.read",
    "crm.lists.write",
    "crm.objects.marketing_events.read",
    "forms",
    "content",
    "sales-email-read",
]


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token: what it may do, and until when (milliseconds; None for ever)."""

    token: str
    app_id: int
    scopes: frozenset[str]
    expires: int | None = None
    use: str = ""  # of an OAuth app's: access_token or client_credentials; empty for a key

    @property
    def oauth(self) -> bool:
        return bool(self.use)

    @property
    def writer(self) -> Writer:
        """What its writes look like in the history (4.8)."""
        return Writer("INTEGRATION", str(self.app_id))


class Account:
    """One HubSpot account. Opens an existing file as it was, or makes a new one for the seed."""

    def __init__(
        self, path: Path | None = None, *, seed: int = 7, now: int | None = None, driven: bool = False
    ) -> None:
        self.db = Database(path)
        self.fresh = self.db.noted("portal") is None
        if self.fresh:
            self._found(seed, now)
        held, advanced = self.db.noted("held"), self.db.noted("advanced", 0)
        self.seed: int = self.db.noted("seed")
        self.portal_id: int = self.db.noted("portal")
        self.time_zone: str = self.db.noted("time zone")
        self.clock = Clock(held, driven=driven, advanced=advanced)
        self.settings = Settings(self.db)
        self.definitions = Definitions(self.db)
        self.index = Index(self.db, self.clock, self.settings)
        self.index.settle()
        self.records = Records(self.db, self.clock, self.definitions, self.index, self.settings)
        self.links = Links(self.db)
        self.engagement = Engagement(self.db)
        self.participations = Participations(self.db)
        self.later = Later(self.db, self.clock)
        self.later.hasten()
        self.derived = Derived(self.db, self.settings, self.later)
        self.requirements = Requirements(self.db)
        self.grants = Grants(self.db, self.seed, self.portal_id)
        self.used_today = 0  # calls, as `limits` counts them

    @property
    def knobs(self) -> Knobs:
        return self.settings.knobs

    @property
    def token(self) -> str:
        """The account's own token, the first that it had."""
        return f"pat-sandbox-{self.portal_id}"

    def find_token(self, text: str) -> Token | None:
        row = self.db.row("select * from tokens where token = ?", text)
        return None if row is None else Token(row[0], row[1], frozenset(orjson.loads(row[2])), *row[3:])

    def keep_token(self, token: Token) -> None:
        scopes = orjson.dumps(sorted(token.scopes)).decode()
        sql = "insert or replace into tokens values (?, ?, ?, ?, ?)"
        self.db.run(sql, token.token, token.app_id, scopes, token.expires, token.use)

    def advance(self, seconds: float) -> int:
        """Moves the clock forward; gives the new moment in milliseconds."""
        with self.db.lock:
            now = self.clock.advance(seconds)
            self.db.note("advanced", self.clock.advanced)
            return now

    def settle(self) -> None:
        """Lets show what has waited for its time (`later`)."""
        if self.later.any_due():
            with self.db.transaction():
                for what, kind, id, other in self.later.due():
                    self._settle(what, kind, id, other)

    def _settle(self, what: str, kind: str, id: int, other: int) -> None:
        if what == "refresh":
            self.derived.now(kind, id)
        elif what == "deal" and (record := self.records.find("deals", id)) is not None:
            values = deal(record.props, self.probabilities())
            self.records.change(record, values, Writer("CALCULATED"), bump=False)
            self.derived.around("deals", id)
        elif what == "rejoin":
            contact = self.records.canonical("contacts", other)
            if self.records.find("contacts", contact) and self.records.find(kind, id):
                self.links.add(kind, id, "contacts", contact)

    def probabilities(self) -> dict[str, str]:
        """Deal stage -> its probability, over all pipelines."""
        texts = self.db.rows("select definition from pipelines where kind = 'deals'")
        stages = (stage for (text,) in texts for stage in orjson.loads(text)["stages"])
        return {stage["id"]: stage["metadata"]["probability"] for stage in stages}

    def home_group(self, kind: str) -> str:
        """The property group of a kind that HubSpot puts things in by itself."""
        own = {
            "contacts": "contactinformation",
            "companies": "companyinformation",
            "deals": "dealinformation",
        }
        return own.get(kind, kind.removesuffix("s"))

    def counts(self) -> dict[str, int]:
        """How much there is of everything."""
        kinds = dict(self.db.rows("select kind, count(*) from objects where archived is null group by kind"))
        tables = [
            *("forms", "submissions", "email_events", "web_events", "lists", "memberships", "owners"),
            *("marketing_events", "participations"),
        ]
        own = {name: int(self.db.value(f"select count(*) from {name}")) for name in tables}
        return {**{kind: int(number) for kind, number in sorted(kinds.items())}, **own}

    def close(self) -> None:
        self.db.close()

    def _found(self, seed: int, now: int | None) -> None:
        """A new account: its number, its token, its pipelines are functions of the seed."""
        with self.db.transaction():
            portal = 140_000_000 + seed * 7_919 % 9_999_991
            noted: dict[str, Any] = {"seed": seed, "held": now, "time zone": "Europe/Paris", "portal": portal}
            for name, value in noted.items():
                self.db.note(name, value)
            token = Token(f"pat-sandbox-{portal}", 6_748_263 + seed, frozenset(SCOPES))
            self.keep_token(token)
            Grants(self.db, seed, portal).found(SCOPES)
            for kind, id, pipeline in _pipelines():
                text = orjson.dumps(pipeline).decode()
                self.db.run("insert into pipelines values (?, ?, ?)", kind, id, text)


def _pipelines() -> list[tuple[str, str, dict[str, Any]]]:
    stages = [
        {
            "label": label,
            "displayOrder": order,
            "metadata": {"isClosed": "true" if number in ("0.0", "1.0") else "false", "probability": number},
            "id": id,
            "archived": False,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        }
        for order, (id, label, number) in enumerate(STAGES)
    ]
    sales = {
        "label": "Sales Pipeline",
        "displayOrder": 0,
        "id": "default",
        "archived": False,
        "stages": stages,
    }
    return [("deals", "default", sales)]
