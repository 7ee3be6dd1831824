"""Everything that a run needs, small: an account on a socket, rules, the cache, one clock for both sides."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from driven_clock import DrivenClock
from sqlite_utils import Database

from connector import rules as reading
from connector import sandbox, signals
from connector.decide import Accepted, accept, preview
from connector.hubspot.transport import Transport
from connector.model import Secret
from connector.provision import properties
from connector.pull import Pulled, Pulling, pull
from connector.rules.tree import Rules
from connector.sandbox import Portal
from connector.sandbox.rows import Form, Object, PropertyDef, Row, Submission
from connector.store.plans import PlanRow
from connector.store.schema import open_store
from connector.sync import Synced, Way, apply, sync

CHECKOUT = Path(__file__).parent.parent
NOW = 1_794_819_600_000  # 2026-11-16T09:00Z
DAY = 86_400_000
Edits = Mapping[str, Iterable[tuple[str, str]]]  # file -> (old, new)


WORKFLOW = "workflows/qualification.yaml"


def _quiet() -> tuple[str, str]:
    """The default stages, and the same without what they lead to."""
    text = (CHECKOUT / WORKFLOW).read_text("utf-8")
    stages = text[text.index("\nstages:") :]
    kept = re.sub(r"^    (?:leave_when|notify|sla|suppress):.*\n", "", stages, flags=re.M)
    return stages, kept[: kept.index("\nrecycle:")]


QUIET = _quiet()  # an edit: nobody is told of anything, and no stage is left


def rules_in(folder: Path, edits: Edits | None = None) -> Rules:
    """The default rules, edited as a person would."""
    for name in ("mappings", "workflows"):
        shutil.copytree(CHECKOUT / name, folder / name, dirs_exist_ok=True)
    for file, changes in (edits or {}).items():
        text = (folder / file).read_text("utf-8")
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
            text = text.replace(old, new)
        (folder / file).write_text(text, "utf-8")
    return reading.load(folder)


def contact(id: int, *, age: int = 10 * DAY, **values: str) -> Object:
    """A contact of the CRM, made `age` ago; the stage that is given is the account's default."""
    given = {"email": f"c{id}@acme.fr", "lifecyclestage": "lead", **values}
    return Object("contacts", id, {k: v for k, v in given.items() if v}, NOW - age, NOW - age)


def form(name: str) -> Form:
    return Form(f"guid-{name}", name, NOW - 300 * DAY)


def submission(name: str, address: str, age: int) -> Submission:
    return Submission(f"guid-{name}", NOW - age, {"email": address}, "https://acme.fr/x")


def ours(rules: Rules) -> list[PropertyDef]:
    """What `provision` makes, as rows."""
    return [
        PropertyDef("contacts", p.name, p.label, p.type, p.field_type, p.options) for p in properties(rules)
    ]


@dataclass
class House:
    portal: Portal
    rules: Rules
    db: Database
    t: Transport
    clock: DrivenClock
    marks: list[int] = field(default_factory=list)

    def way(self, **more: Any) -> Way:
        return Way(self.t, self.db, self.rules, self.clock, **{"brake": 1.0, **more})

    def pulling(self) -> Pulling:
        return Pulling(self.t, self.db, self.rules, self.clock.now())

    async def pull(self, only: Iterable[str] | None = None) -> Pulled:
        return await pull(self.pulling(), list(only) if only else None)

    async def sync(self, **more: Any) -> Synced:
        return await sync(self.way(**more))

    def plan(self, **more: Any) -> PlanRow:
        signals.derive(self.db, self.rules.mapping)
        return preview(self.db, self.rules, self.clock.now(), **more)

    def accept(self, plan: PlanRow) -> Accepted:
        return accept(self.db, plan, self.clock.now())

    async def apply(self, plan: PlanRow) -> Synced:
        return await apply(self.way(), plan, Pulled({}, {}, {}))

    def held(self, id: int, name: str) -> str | None:
        """What the CRM holds."""
        value = self.portal.record("contacts", id)["properties"].get(name)
        return None if value is None else str(value)

    def seconds(self, number: float) -> None:
        self.clock.advance(number)

    def requests(self) -> list[dict[str, Any]]:
        """Requests since the last time that this was asked."""
        since = self.marks[-1] if self.marks else 0
        found = self.portal.journal(since, bodies=True)
        self.marks.append(found[-1]["n"] if found else since)
        return found

    def writes(self) -> list[dict[str, Any]]:
        """Those of them that change contacts."""
        return [r for r in self.requests() if r["path"].endswith("/contacts/batch/update")]

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        return list(self.db.query(sql, list(values)))

    def tables(self, *but: str) -> dict[str, list[tuple[Any, ...]]]:
        """Everything in the cache but these tables."""
        names = sorted(set(self.db.table_names()) - set(but))
        return {name: sorted(self.db.execute(f"SELECT * FROM {name}"), key=repr) for name in names}


@asynccontextmanager
async def house(
    folder: Path,
    rows: Iterable[Row] = (),
    *,
    edits: Edits | None = None,
    contacts: int = 0,
    provisioned: bool = True,
) -> AsyncIterator[House]:
    """An account with these rows (or a population), provisioned; everything stands at NOW."""
    rules = rules_in(folder, edits)
    made = ours(rules) if provisioned else []
    with sandbox.start(contacts, now=NOW, driven=True, rows=[*made, *rows]) as portal:
        portal.knobs(burst_limit=0, search_limit=0, associations_limit=0)
        async with beside(portal, rules, folder / "connector.db") as found:
            yield found


@asynccontextmanager
async def beside(portal: Portal, rules: Rules, file: Path) -> AsyncIterator[House]:
    """A cache of its own for an account that runs."""
    cache = open_store(file)
    clock = DrivenClock(portal)
    try:
        async with Transport(portal.url, Secret(portal.token), clock) as t:
            yield House(portal, rules, cache, t, clock)
    finally:
        cache.close()
