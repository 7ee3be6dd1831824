"""The edge cases of scores (QUALIFICATION.md 2.10), as data: tests/cases/scores, through the real cache.

A file has `case` (its numbers), `title`, `start` (day 0, local time), the rules (`mappings` and `workflows`
as text; the default ones where they are not given) and a `story`, told in order:

contact, company, deal   a record as the CRM shows it: `id` (1 if not said), its properties; a contact's
                         `company`, a deal's `contacts`; `times: 3` makes three with ids from `id` on
events                   each with `kind`, `at`, its attributes, `id` (a new one if not said), `contact` (1),
                         `times: 50` and `apart: 1m`; {n} in a text is the number of the time
scores                   what the rules say at each `at`: any of `points`, `next`, other fields of a score
runs                     at each `at`, plans are made (`plans`, 1) and accepted one after the other; then what
                         is stored of `contact`: `points`, `stage`, `temperature`, `entered` (stages and when
                         they were decided), and of the last plan: `judged`

Moments are local times or `day 30`, `day 30 - 1ms`. With `any_order: true` events arrive in many orders.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from accounts import rules_in
from ruamel.yaml import YAML
from sqlite_utils import Database

from connector import rules as reading
from connector.decide import accept, fit, preview
from connector.errors import BadRules
from connector.model import POINT, Engagement, Link, Record, Score
from connector.rules.tree import Rules
from connector.score import Scorer, Subject
from connector.store import decisions, engagement, records
from connector.store.schema import open_store, write

CASES = sorted((Path(__file__).parent / "cases" / "scores").glob("*.yaml"))
PARIS = ZoneInfo("Europe/Paris")
UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
Said = dict[str, Any]


class Teller:
    """Tells one story to one cache."""

    def __init__(self, case: Said, rules: Rules, db: Database) -> None:
        self.case, self.rules, self.db = case, rules, db
        self.scorer = Scorer(rules)
        self.start = self.moment(case.get("start", "2026-11-16 09:00"))
        self.told = 0
        fit(db, rules)

    def moment(self, text: str) -> int:
        found = re.fullmatch(r"day (-?\d+)(?: ([+-]) (\d+)(ms|s|m|h))?", text)
        if found is None:
            return round(datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp() * 1000)
        day, sign, number, unit = found.groups()
        beside = int(f"{sign}{number}") * UNITS[unit] if sign else 0
        return self.start + int(day) * UNITS["d"] + beside

    def tell(self, step: Said) -> None:
        [(what, said)] = step.items()
        for one in said if isinstance(said, list) else [said]:
            getattr(self, f"_{what}")(dict(one))

    def _contact(self, said: Said) -> None:
        company = said.pop("company", None)
        for record in self._put("contacts", said):
            with write(self.db):
                links = {record: [Link(str(company))] if company else []}
                decisions.mark_dirty(self.db, records.put_companies(self.db, links))

    def _company(self, said: Said) -> None:
        self._put("companies", said)

    def _deal(self, said: Said) -> None:
        contacts = [Link(str(one)) for one in said.pop("contacts", [1])]
        for record in self._put("deals", said):
            with write(self.db):
                decisions.mark_dirty(self.db, records.put_deal_contacts(self.db, {record: contacts}))

    def _put(self, kind: str, said: Said) -> list[str]:
        first, times = int(said.pop("id", 1)), said.pop("times", 1)
        since = said.pop("since", {})
        made = [Record(str(first + n), said) for n in range(times)]
        with write(self.db):
            changed = records.put(self.db, kind, made, self.rules.mapping, self.start)
            for record in made if since else []:
                records.date_values(self.db, record.id, {k: self.moment(v) for k, v in since.items()})
            decisions.mark_dirty(self.db, records.members(self.db, kind, changed))
        return [record.id for record in made]

    def _events(self, said: Said) -> None:
        times, apart = said.pop("times", 1), said.pop("apart", "0s")
        number, unit = re.fullmatch(r"(\d+)(\D+)", apart).groups()
        at, kind, contact = self.moment(said.pop("at")), said.pop("kind"), said.pop("contact", 1)
        with write(self.db):
            for n in range(times):
                self.told += 1
                attrs = {k: v.format(n=n) if isinstance(v, str) else v for k, v in said.items()}
                id_ = str(attrs.pop("id", f"event-{self.told}"))
                who = str(contact).format(n=n)
                then = at + n * int(number) * UNITS[unit]
                engagement.put(self.db, [Engagement("s", id_, kind, then, who, None, attrs)], self.start)

    # -- what is expected ------------------------------------------------------------------------------

    def _scores(self, said: Said) -> None:
        fit(self.db, self.rules)
        at, who = self.moment(said.pop("at")), str(said.pop("contact", 1))
        [score] = self.scorer.scores(self.db, [Subject(who, at)])
        assert self._shown(score, said) == said, at
        lines = self.scorer.points(self.db, Subject(who, at))
        for n, rule in enumerate(self.rules.workflow.rules()):
            mine = [line for line in lines if line.rule == n]
            assert sum(line.counted for line in mine) == score.counted.get(rule.id, 0)

    def _shown(self, score: Score, said: Said) -> Said:
        """The fields that were said; of dicts the keys, in points."""
        shown: Said = {}
        for name, want in said.items():
            if name == "next":
                shown[name] = want if self._same(want, score.next_change_at) else score.next_change_at
            elif isinstance(want, dict):
                unit = 1 if name == "counted" else POINT
                shown[name] = {key: getattr(score, name).get(key, 0) / unit for key in want}
            else:
                shown[name] = list(score.facts) if name == "facts" else getattr(score, name)
        return shown

    def _same(self, want: str | None, at: int | None) -> bool:
        return at is None if want is None else at == self.moment(want)

    def _runs(self, said: Said) -> None:
        at, who = self.moment(said.pop("at")), str(said.pop("contact", 1))
        plans = [preview(self.db, self.rules, at) for _ in range(said.pop("plans", 1))]
        for plan in plans:
            accept(self.db, plan, at)
        shown: Said = {"judged": plans[-1].summary["judged"]}
        shown |= next(self.db.query("SELECT points FROM score WHERE contact_id = ?", [who]))
        standing = decisions.standings(self.db, [who])[who]
        shown |= {"stage": standing.stage, "temperature": standing.temperature}
        shown["entered"] = [
            [row["to_stage"], row["decided_at"]] for row in decisions.transitions(self.db, who)
        ]
        if "entered" in said:
            said["entered"] = [[stage, self.moment(decided)] for stage, decided in said["entered"]]
        assert {name: shown[name] for name in said} == said, at


def orders(case: Said) -> Iterator[list[Said]]:
    """The story, with its first events in as many orders as are worth a try."""
    yield case["story"]
    if case.get("any_order"):
        r = random.Random(7)
        for _ in range(8):
            yield [
                {what: r.sample(said, len(said)) if what == "events" else said}
                for step in case["story"]
                for what, said in step.items()
            ]


def rules_of(case: Said, folder: Path) -> Rules:
    if "workflows" not in case:
        return rules_in(folder)
    for name in ("mappings", "workflows"):
        (folder / name).mkdir()
        (folder / name / "rules.yaml").write_text(case[name], "utf-8")
    try:
        return reading.load(folder)
    except BadRules as error:
        pytest.fail("\n".join(map(str, error.diagnostics)))


def read(file: Path) -> Said:
    return YAML(typ="safe", pure=True).load(file.read_text("utf-8"))


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_case(file: Path, tmp_path: Path) -> None:
    case = read(file)
    rules = rules_of(case, tmp_path)
    for n, story in enumerate(orders(case)):
        with closing(open_store(tmp_path / f"{n}.db")) as db:
            teller = Teller(case, rules, db)
            for step in story:
                teller.tell(step)


def test_every_case_is_in_the_table() -> None:
    """tests/cases/README.md says of each of the 32 where it is; those here name their file."""
    table = (Path(__file__).parent / "cases" / "README.md").read_text("utf-8")
    rows = {int(n): where for n, where in re.findall(r"^\| (\d+) \|.*\| ([^|]*) \|$", table, re.MULTILINE)}
    assert sorted(rows) == list(range(1, 33))
    here = {file.name: read(file)["case"] for file in CASES}
    for name, numbers in here.items():
        for number in numbers:
            assert name in rows[number], (name, number)
    for number, where in rows.items():
        for name in re.findall(r"scores/([\w-]+\.yaml)", where):
            assert number in here[name], (name, number)
