"""Robots that open and click e-mails (QUALIFICATION.md 2.10 rows 8 to 10, section 4 rows 12 to 14).

tests/cases/bots are data. A file has `case` (numbers of 2.10), `complaints` (of section 4), `title`, the
blocks `bots` and `reject_if` where they are not the default ones, and `mail`: what contact 1 (or `contact`)
did with the e-mail `newsletter` (or `email`) on one morning, and what became of it `then`: it `counts`, or
the reason why it is rejected. `points` and `stage` of contact 1 in the end; `rejected` as `doctor` counts.

`edits`: other `bots` or `reject_if`, one after the other, each with what becomes of the mail `then`, what
is `rejected`, and what the next `plan` changes. Nothing is pulled again.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from accounts import CHECKOUT, NOW, rules_in
from ruamel.yaml import YAML
from sqlite_utils import Database

from connector import report, signals
from connector.decide import accept, fit, preview
from connector.errors import BadRules
from connector.model import Engagement, Record
from connector.rules.tree import Bots, Rules
from connector.store import decisions, engagement, plans, records
from connector.store.schema import open_store, write

CASES = sorted((Path(__file__).parent / "cases" / "bots").glob("*.yaml"))
PARIS = ZoneInfo("Europe/Paris")
BLOCK = re.search(r"^bots:.*\Z", (CHECKOUT / "mappings/signals.yaml").read_text("utf-8"), re.M | re.S)[0]  # type: ignore[index]
REJECT = "reject_if: [bot, crm_filtered]"
Said = dict[str, Any]


@cache
def rules(bots: str, reject_if: str) -> Rules:
    """The default rules with another block `bots`, and unsubscribes as signals."""
    left = "  email_left: {event: email_unsubscribe}\n  email_open:  "
    edits = [
        (BLOCK, f"bots: {bots}\n"),
        ("  email_open:  ", left),
        *[
            (f"{{event: {event}, {REJECT}}}", f"{{event: {event}, reject_if: {reject_if}}}")
            for event in ("email_open", "email_click")
        ],
    ]
    with TemporaryDirectory() as folder:
        return rules_in(Path(folder), {"mappings/signals.yaml": edits})


def rules_of(said: Said) -> Rules:
    return rules(json.dumps(said.get("bots", {})), json.dumps(said.get("reject_if", ["bot", "crm_filtered"])))


# -- cases as data ------------------------------------------------------------------------------------

ACTS = {"opens": "email_open", "clicks": "email_click", "unsubscribes": "email_unsubscribe"}


def events(mail: list[Said]) -> list[Engagement]:
    """Each line of `mail`; the id is its number."""
    told = []
    for n, said in enumerate(mail):
        at = round(
            datetime.fromisoformat(f"2026-11-16T{said['at']}").replace(tzinfo=PARIS).timestamp() * 1000
        )
        [act] = [act for act in ACTS if act in said]
        email = said.get("email", "newsletter" if act == "clicks" else said[act])
        attrs = {"email": email, "url": said["clicks"] if act == "clicks" else None}
        attrs |= {name: said[name] for name in ("agent", "crm_filtered") if name in said}
        told.append(Engagement("mail", str(n), ACTS[act], at, str(said.get("contact", 1)), None, attrs))
    return told


def became(db: Database, count: int) -> list[str]:
    rows = dict(db.execute("SELECT id, coalesce(rejected, 'counts') FROM signal").fetchall())
    return [rows[f"mail:{n}"] for n in range(count)]


def telling(mail: list[Said]) -> Iterator[list[list[Engagement]]]:
    """The events all at once, and one by one as they come."""
    told = events(mail)
    yield [told]
    yield [[one] for one in random.Random(7).sample(told, len(told))]


def opened(rules: Rules) -> Database:
    db = open_store(":memory:")
    fit(db, rules)
    with write(db):
        made = [Record(id, {"email": f"c{id}@acme.fr", "lifecyclestage": "lead"}) for id in ("1", "2")]
        decisions.mark_dirty(db, records.put(db, "contacts", made, rules.mapping, NOW))
    return db


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_case(file: Path) -> None:
    case = YAML(typ="safe", pure=True).load(file.read_text("utf-8"))
    agreed = rules_of(case)
    for batches in telling(case["mail"]):
        with closing(opened(agreed)) as db:
            for batch in batches:
                with write(db):
                    engagement.put(db, batch, NOW)
                signals.derive(db, agreed.mapping)
            then(db, agreed, case, [said["then"] for said in case["mail"]])
    with closing(opened(agreed)) as db:
        with write(db):
            engagement.put(db, events(case["mail"]), NOW)
        plan(db, agreed, case)
        for edit in case.get("edits", ()):
            edited = rules_of({**case, **edit})
            shown = plan(db, edited, {})
            then(db, edited, edit, edit["then"])
            if "plan" in edit:
                assert shown == edit["plan"]


def then(db: Database, rules: Rules, said: Said, expected: list[str]) -> None:
    """What became of the mail, and that it is what everything made anew would be."""
    assert became(db, len(expected)) == expected
    assert signals.differences(db, rules.mapping) == (len(expected), [])
    if "rejected" in said:
        assert {one["of"]: one["rejected"] for one in report.robots(db, rules)} == said["rejected"]


def plan(db: Database, rules: Rules, said: Said) -> Said:
    """What a plan changes of contact 1, before it is accepted."""
    made = preview(db, rules, NOW)
    [item] = [one for one in plans.items(db, made.seq) if one["contact"] == "1"] or [None]
    accept(db, made, NOW)
    shown = {name: item[name]["to"] for name in ("points", "stage")} if item else {}
    assert {name: shown[name] for name in ("points", "stage") if name in said} == {
        name: said[name] for name in ("points", "stage") if name in said
    }
    moved = {name: [item[name]["from"], item[name]["to"]] for name in shown}
    return {name: both for name, both in moved.items() if both[0] != both[1]}


def test_every_edge_case_of_robots_has_a_file() -> None:
    said = [YAML(typ="safe", pure=True).load(file.read_text("utf-8")) for file in CASES]
    assert {n for one in said for n in one["case"]} == {8, 9, 10}
    assert {n for one in said for n in one.get("complaints", ())} == {12, 13, 14}


# -- the block `bots` -----------------------------------------------------------------------------------


def complaints(folder: Path, block: str) -> list[tuple[str, str]]:
    """(code, what) of what is wrong with a block."""
    try:
        rules_in(folder, {"mappings/signals.yaml": [(BLOCK, block)]})
    except BadRules as error:
        return [(found.code, found.what) for found in error.diagnostics]
    return []


def test_the_block_of_the_default_rules_says_what_holds_without_it(tmp_path: Path) -> None:
    assert rules_in(tmp_path / "with").mapping.bots == Bots()
    without = rules_in(tmp_path / "without", {"mappings/signals.yaml": [(BLOCK, "")]})
    assert without.mapping.bots == Bots()


def test_what_is_not_said_stays_and_patterns_are_folded(tmp_path: Path) -> None:
    block = 'bots: {burst: {within: 2m}, honeypot: "*/Piège*", agents: []}\n'
    found = rules_in(tmp_path, {"mappings/signals.yaml": [(BLOCK, block)]}).mapping.bots
    assert found == Bots(links=3, within=120_000, honeypot=("*/piege*",), agents=())


@pytest.mark.parametrize(
    ("block", "code", "what"),
    [
        ("{burst: {links: 1}}", "out-of-range", "`links` takes a number between 2 and 100"),
        ("{burst: {within: 10}}", "missing-unit", "`within` needs a unit"),
        (
            "{burst: {within: 10 seconds}}",
            "not-a-duration",
            "`within` takes a time, and `10 seconds` is not one",
        ),
        ("{burst: {within: 2h}}", "not-a-duration", "`within` takes a time, and `2h` is not one"),
        ("{burst: {within: 0s}}", "out-of-range", "`within` takes a time between 1s and 60m"),
        ("{burst: {within: 61m}}", "out-of-range", "`within` takes a time between 1s and 60m"),
        ("{burst: {clicks: 3}}", "unknown-key", "`clicks` is not a key of `burst`"),
        ("{burst: 3}", "wrong-shape", "`burst` is a block of `key: value` lines"),
        ("{robots: 1}", "unknown-key", "`robots` is not a key of `bots`"),
        ("[]", "wrong-shape", "`bots` is a block of `key: value` lines"),
        ("{agents: [[x]]}", "wrong-shape", "`agents` is one value"),
        ('{honeypot: [""]}', "missing-value", "`honeypot` has no value"),
        (f"{{honeypot: {'x' * 1_001}}}", "too-long", "this pattern has 1,001 characters"),
        (f"{{agents: [{', '.join('x' * 501)}]}}", "too-long", "`agents` has 501 patterns"),
    ],
)
def test_a_mistake_in_the_block_is_told(tmp_path: Path, block: str, code: str, what: str) -> None:
    assert complaints(tmp_path, f"bots: {block}\n") == [(code, what)]


def test_a_condition_may_ask_what_opened_the_mail(tmp_path: Path) -> None:
    asks = (
        f"{{event: email_open, {REJECT}}}",
        "{event: email_open, where: {agent: {matches: ['*iPhone*']}}}",
    )
    asked = rules_in(tmp_path, {"mappings/signals.yaml": [asks]})
    with closing(opened(asked)) as db:
        agents = ("Mozilla/5.0 (iPhone)", "Mozilla/5.0 (Windows)", None)
        mail = [{"at": f"09:0{n}:00", "opens": "x", "agent": agent} for n, agent in enumerate(agents)]
        with write(db):
            engagement.put(db, events(mail), NOW)
        signals.derive(db, asked.mapping)
        assert db.execute("SELECT id FROM signal").fetchall() == [("mail:0",)]
