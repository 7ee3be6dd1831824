"""A journey as a marketer would write it down: what happened when, where the contact then stands.

A case file (tests/cases/journeys/*.yaml) has a `contact`, a `company`, a `diary` and the `transitions` that
follow. What happens goes into a real cache, as a pull would leave it, and is decided by preview and accept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from accounts import CHECKOUT
from ruamel.yaml import YAML
from sqlite_utils import Database

from connector import rules as reading
from connector.decide import accept, preview, scorer_of
from connector.model import Engagement, Link, Record, Writer
from connector.rules.tree import Rules
from connector.score import Scorer
from connector.store import bookmarks, columns, decisions, engagement, outbox, plans, records
from connector.store.schema import open_store, write

CASES = CHECKOUT / "tests" / "cases" / "journeys"
FILES = (
    "mappings/fields.yaml",
    "mappings/signals.yaml",
    "mappings/write_back.yaml",
    "workflows/qualification.yaml",
)
STAGES_OF_THE_CRM = ["subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity"]
STAGES_OF_THE_CRM += ["customer", "evangelist", "other"]
PARIS = ZoneInfo("Europe/Paris")
WHO, COMPANY = "1", "10"
MEETINGS = {"booked": "SCHEDULED", "held": "COMPLETED", "missed": "NO_SHOW"}
UNDATED = {"sets", "deal", "rules", "forgets"}  # true since it was seen, as far as anybody knows


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp()) * 1000


def local(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, PARIS):%Y-%m-%d %H:%M}"


def load(name: str) -> dict[str, Any]:
    """A case file; every value is text, as it stands there."""
    found = YAML(typ="base", pure=True).load((CASES / f"{name}.yaml").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def rules_of(folder: Path, *changes: str) -> Rules:
    """The default rules with the sections of the agreement, then those of `changes`, in their place."""
    agreement = (CASES / "rules" / "agreement.yaml").read_text("utf-8")
    texts = {file: (CHECKOUT / file).read_text("utf-8") for file in FILES}
    for change in (agreement, *changes):
        for key, section in sections(change).items():
            file = next((f for f in FILES if key in sections(texts[f])), FILES[-1])
            before = sections(texts[file]).get(key)
            texts[file] = (
                texts[file].replace(before, section) if before else f"{texts[file].rstrip()}\n{section}"
            )
    for file, text in texts.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, "utf-8")
    return reading.load(folder)


@cache
def agreed_rules(change: str = "") -> tuple[Rules, Scorer]:
    """`rules_of`, read and compiled once."""
    with TemporaryDirectory() as folder:
        found = rules_of(Path(folder), change)
    return found, scorer_of(found)


def sections(text: str) -> dict[str, str]:
    """The text of each top-level key, comments between them left out."""
    found = re.finditer(r"^(\w+):.*\n(?:(?:[ #].*)?\n)*", text if text.endswith("\n") else text + "\n", re.M)
    return {match[1]: match[0] for match in found}


@dataclass
class Diary:
    """One contact's life. `awake`: decided on after whatever happens and whenever its time comes; else only
    where the CRM shows something that it does not date, before somebody answers what we wrote there, and when
    it is asked."""

    folder: Path
    awake: bool = True
    rules: Rules = field(init=False)
    scorer: Scorer = field(init=False)
    db: Database = field(init=False)
    crm: dict[str, str | None] = field(default_factory=dict)
    deals: dict[str, dict[str, str | None]] = field(default_factory=dict)
    events: list[Engagement] = field(default_factory=list)
    words: list[tuple[str, int, Writer]] = field(default_factory=list)
    created: int = 0
    company: dict[str, str | None] = field(default_factory=dict)
    caches: int = 0

    def open(self, *, at_work: bool = True) -> None:
        """A new cache; `at_work`: of an account on which decisions were made for long."""
        self.close()
        self.db = open_store(self.folder / f"cache{self.caches}.db")
        self.caches += 1
        with write(self.db):
            columns.ensure_columns(self.db, self.rules.mapping)
            bookmarks.set_fact(self.db, "stages", STAGES_OF_THE_CRM)
            if at_work:
                bookmarks.set_fact(self.db, "decided_since", 0)

    def close(self) -> None:
        if self.caches:
            self.db.close()

    # -- what happens ------------------------------------------------------------------------------------

    def begin(self, rules: tuple[Rules, Scorer], contact: dict[str, str], company: dict[str, str]) -> None:
        self.rules, self.scorer = rules
        self.created = moment(contact.pop("created"))
        self.crm = {"email": "ana@acme.fr", "lifecyclestage": "", **self._properties(contact)}
        self.company = self._properties(company)
        self.open()
        self.pull(self.created)
        if self.awake:
            self.judge(self.created)

    def _properties(self, values: dict[str, str]) -> dict[str, str | None]:
        """By the CRM's names."""
        fields = self.rules.mapping.fields
        return {fields[name].property: value or None for name, value in values.items()}

    def happens(self, entry: dict[str, Any]) -> None:
        at = moment(entry["on"])
        if self.awake:
            self.wait_for(at)
        elif {*UNDATED, "stage_in_crm"} & entry.keys() and at > self.created:
            self.judge(at - 1)
        match entry:
            case {"sets": values}:
                self.crm |= self._properties(values)
            case {"deal": values}:
                self._deal(dict(values))
            case {"stage_in_crm": stage, "by": writer}:
                self._word(stage, at, writer)
            case {"rules": change}:
                self.rules, self.scorer = agreed_rules(change)
            case {"forgets": _}:
                self.open(at_work=False)
            case {"expect": _}:
                self.judge(at)
                return
            case _:
                self._act(at, entry)
        self.pull(at)
        if self.awake or UNDATED & entry.keys():
            self.judge(at)

    def _act(self, at: int, entry: dict[str, str]) -> None:
        name, value = next((n, v) for n, v in entry.items() if n not in ("on", "because", "dated"))
        at = moment(entry.get("dated", entry["on"]))
        source, event, attrs = {
            "submits": ("forms", "form_submission", {"form": value, "form_id": value}),
            "visits": ("page_views", "page_view", {"path": value}),
            "opens": ("email_events", "email_open", {"email": value, "crm_filtered": False}),
            "clicks": ("email_events", "email_click", {"email": value, "crm_filtered": False}),
            "joins": ("lists", "list_membership", {"list": value}),
            "meeting": ("meetings", "meeting", {"outcome": MEETINGS.get(value, value)}),
            "called": ("calls", "call", {"direction": value}),
        }[name]
        self.events.append(
            Engagement(source, f"{event}-{len(self.events)}", event, at, WHO, None, attrs, value)
        )

    def _deal(self, values: dict[str, str]) -> None:
        name = values.pop("name", "1")
        fields = self.rules.mapping.deal_fields
        here = self.deals.setdefault(name, dict.fromkeys(f.property for f in fields.values()))
        here |= {fields[key].property: value for key, value in values.items()}

    def _word(self, stage: str, at: int, writer: Writer) -> None:
        """A stage of ours or the CRM's; '' clears it."""
        lifecycle = self.rules.mapping.write_back.lifecycle
        assert lifecycle is not None
        value = lifecycle.stages.get(stage, stage)
        self.crm["lifecyclestage"] = value
        self.words.append((value, at, writer))

    # -- what the connector makes of it --------------------------------------------------------------------

    def pull(self, now: int) -> None:
        """What there is to see, into the cache."""
        mapping = self.rules.mapping
        with write(self.db):
            columns.ensure_columns(self.db, mapping)
            dirty = records.put(self.db, "companies", [Record(COMPANY, self.company, 0, now)], mapping, now)
            dirty = records.put(
                self.db, "contacts", [Record(WHO, dict(self.crm), self.created, now)], mapping, now
            ) + [WHO] * bool(dirty)
            dirty += records.put_companies(self.db, {WHO: [Link(COMPANY, True)]})
            for name, values in self.deals.items():
                dirty += [WHO] * bool(
                    records.put(self.db, "deals", [Record(name, dict(values), 0, now)], mapping, now)
                )
                dirty += records.put_deal_contacts(self.db, {name: [Link(WHO)]})
            engagement.put(self.db, self.events, now)
            self._note()
            decisions.mark_dirty(self.db, dirty)

    def _note(self) -> None:
        """Whose stage stands in the CRM, as its history tells."""
        if not self.words or self.words[-1][2] == "ours":
            return
        value, at, writer = self.words[-1]
        known = decisions.notes(self.db, [WHO]).get(WHO)
        if known is not None and known.at == at:
            return
        earlier = [word for word, _, _ in self.words[:-1] if word in STAGES_OF_THE_CRM]
        before = max(earlier, key=STAGES_OF_THE_CRM.index, default="")
        note = decisions.StageNote(
            value, at, writer, "INTEGRATION", "Zapier" if writer == "app" else "", before
        )
        decisions.put_note(self.db, WHO, note)
        decisions.mark_dirty(self.db, [WHO])

    def judge(self, now: int) -> plans.PlanRow:
        """Plan, accept, and what was decided stands in the CRM."""
        plan = preview(self.db, self.rules, now, scorer=self.scorer)
        accept(self.db, plan, now)
        with write(self.db):
            rows = outbox.claim(self.db, 10, now)
            for row in rows:
                self.crm[row.key] = row.new
                if row.key == "lifecyclestage":
                    self.words.append((row.new, now, "ours"))
                    decisions.drop_notes(self.db, [WHO])
            records.patch(self.db, WHO, {row.key: row.new for row in rows}, self.rules.mapping)
            outbox.settle(self.db, [(row.seq, outbox.State.SENT, "") for row in rows], now)
        return plan

    def wait_for(self, at: int) -> None:
        """Every moment before `at` at which something changes by itself."""
        last = 0
        while found := decisions.due(self.db, [WHO], at):
            assert found[WHO] > last, "the moment was passed, and is due again"
            last = found[WHO]
            self.judge(last)

    # -- what came of it -----------------------------------------------------------------------------------

    def standing(self) -> decisions.Standing:
        return decisions.standings(self.db, [WHO])[WHO]

    def stands(self, now: int) -> dict[str, str]:
        """As a case file says it."""
        standing, hold = self.standing(), decisions.holds(self.db, [WHO], now).get(WHO)
        return {
            "stage": str(standing.stage),
            "temperature": str(standing.temperature),
            "points": str(decisions.last_points(self.db, [WHO])[WHO]),
            "journey": str(standing.journey),
            "held": f"{hold.why}, until {local(hold.until)[:10]}" if hold else "no",
            "stage_in_crm": self.crm["lifecyclestage"] or "",
        }

    def steps(self) -> list[str]:
        """The transitions, a line each."""
        return [_step(row) for row in decisions.transitions(self.db, WHO)]


def _step(row: dict[str, Any]) -> str:
    how = " (passed over)" if row["imputed"] else "" if row["actor"] == "rule" else f" by {row['actor']}"
    again = f" in journey {row['journey']}" if row["journey"] > 1 else ""
    return f"{local(row['effective_at'])} {row['from_stage'] or 'new'} -> {row['to_stage']}{again}{how}"
