"""What stands in the files or comes from the CRM is data: it breaks no statement and is scored as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from score_duck import ScoreDuck
from sqlite_utils import Database

from connector import rules as reading
from connector.decide import accept, fit, preview
from connector.errors import BadRules
from connector.explain import explain
from connector.model import POINT, Engagement, Record
from connector.rules.compile import score_select
from connector.rules.tree import Rules
from connector.score import Scorer, Subject
from connector.store import decisions, engagement, records
from connector.store.schema import open_store, write

NOW = 1_794_819_600_000
NASTY = (
    "'); DROP TABLE contact; --",
    'robert"); DELETE FROM "signal',
    "' OR '1'='1",
    '" OR ""="',
    "o''hara",
    "back\\slash\\'",
    "100%_sure!",
    "[a-z]?{0}",
    "🙂 ça va 日本",
    ":name ?1 @x $y %s",
    "line\nbreak\ttab",
    "-- comment /* // # */",
    "$$; SELECT 1; $$",
    "N'x' X'00' E'\\n'",
    "`select`",
    "\u202eright to left\u2066",
)
LONG = "l'" + "été 🙂 " * 9_500  # over 64 KB


def quoted(text: str) -> str:
    """A text as JSON, which is YAML."""
    return json.dumps(text, ensure_ascii=False)


def mapping(texts: tuple[str, ...]) -> str:
    fields = [f"    prop_{n}: p_{n}" for n in range(len(texts))]
    kinds = [
        f"  kind_{n}:\n    - {{event: form_submission, where: {{form: {{is: {quoted(text)}}}}}}}\n"
        f"    - {{event: list_membership, where: {{list: {{in: [{quoted(text)}]}}}}}}"
        for n, text in enumerate(texts)
    ]
    head = ["version: 1", "crm: hubspot", "timezone: Europe/Paris"]
    deal = "deal: {fields: {name: dealname}}"
    tail = "write_back: {fields: {score: lq_score}}"
    said = [*head, "contact:", "  fields:", "    job: jobtitle", *fields, deal, "signals:", *kinds, tail]
    return "\n".join(said)


def workflow(texts: tuple[str, ...]) -> str:
    rules = []
    for n, text in enumerate(texts):
        label = f"label: {{fr: {quoted(text[:90])}, en: {quoted(text[:90])}}}"
        star = quoted("*" + text + "*")
        asked = {
            "is": f"when: {{job: {{is: {quoted(text)}}}}}, points: 1",
            "in": f"when: {{prop_{n}: {{in: [{quoted(text)}, other]}}}}, points: 2",
            "like": f"when: {{job: {{matches: [{star}]}}}}, points: 4",
            "done": f"signal: kind_{n}, points: 16",
        }
        rules += [f"          - {{id: {name}_{n}, {label}, {rest}}}" for name, rest in asked.items()]
    head = ["version: 1", f"name: {quoted(texts[0])}", "scores:", "  texts:", "    groups:", "      only:"]
    deals = [
        f"  - {{id: s_{n}, enter_when: {{deal: {{name: {{is: {quoted(text)}}}}}}}}}"
        for n, text in enumerate(texts)
    ]
    tail = ["total: {of: [texts]}", "temperature: [{band: hot, enter: 9, leave: 8}, {band: cold}]"]
    return "\n".join([*head, "        rules:", *rules, *tail, "stages:", "  - {id: contact}", *deals])


def load(folder: Path, texts: tuple[str, ...], mappings: str = "") -> Rules:
    for name, text in (("mappings", mappings or mapping(texts)), ("workflows", workflow(texts))):
        (folder / name).mkdir()
        (folder / name / "rules.yaml").write_text(text, "utf-8")
    try:
        return reading.load(folder)
    except BadRules as error:
        pytest.fail("\n".join(f"{found.what}: {found.text[:90]}" for found in error.diagnostics))


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    return load(tmp_path_factory.mktemp("rules"), NASTY)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with closing(open_store(tmp_path / "connector.db")) as made:
        yield made


def fill(db: Database, rules: Rules, texts: tuple[str, ...]) -> None:
    """Contact n has text n in every place, and nobody else has it."""
    fit(db, rules)
    with write(db):
        for n, text in enumerate(texts):
            values = {"jobtitle": f"x{text}y" if n % 2 else text, f"p_{n}": text}
            records.put(db, "contacts", [Record(str(n), values)], rules.mapping, NOW)
            records.put(db, "deals", [Record(f"9{n}", {"dealname": text})], rules.mapping, NOW)
            db.execute("INSERT INTO deal_contact VALUES (?, ?)", [str(n), f"9{n}"])
            for event, name in (("form_submission", "form"), ("list_membership", "list")):
                told = Engagement(
                    "s", f"{text[:60]}{name}{n}", event, NOW - 1, str(n), None, {name: text}, text
                )
                engagement.put(db, [told], NOW)
        decisions.mark_everyone(db)
    fit(db, rules)


def expected(n: int) -> dict[str, int]:
    parts = {f"in_{n}": 2, f"like_{n}": 4, f"done_{n}": 32}
    return {name: points * POINT for name, points in parts.items()} | ({} if n % 2 else {f"is_{n}": POINT})


def rows_of(db: Database, rules: Rules) -> dict[str, dict[str, Any]]:
    return {row["contact_id"]: row for row in db.query(score_select(rules))}


def in_duck(db: Database, rules: Rules) -> dict[str, dict[str, Any]]:
    duck = ScoreDuck()
    duck.take(SimpleNamespace(rules=rules, db=db.conn))
    with closing(duck):
        return duck.scores()


def test_every_text_is_scored_where_it_stands_and_nowhere_else(db: Database, rules: Rules) -> None:
    fill(db, rules, NASTY)
    tables = db.table_names()
    found = Scorer(rules).scores(db, [Subject(str(n), NOW) for n in range(len(NASTY))])
    assert {score.contact_id: dict(score.parts) for score in found} == {
        str(n): expected(n) for n in range(len(NASTY))
    }
    for n, score in enumerate(sorted(found, key=lambda score: int(score.contact_id))):
        assert score.facts == tuple(m == n for m in range(len(NASTY)))
    assert in_duck(db, rules) == rows_of(db, rules)
    assert db.table_names() == tables
    assert records.count(db) == len(NASTY)


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
def test_no_property_is_called_like_that(tmp_path: Path, name: str) -> None:
    """The names of properties become names of columns; the CRM's own are plain."""
    with pytest.raises(pytest.fail.Exception, match="cannot be the internal name of a property"):
        load(tmp_path, ("x",), mapping(("x",)).replace(": p_0", f": {quoted(name)}"))


def test_a_whole_tick_and_its_explanation_leave_every_text_alone(db: Database, rules: Rules) -> None:
    fill(db, rules, NASTY)
    accept(db, preview(db, rules, NOW), NOW)
    for n, text in enumerate(NASTY):
        lines = {line["rule"]: line for line in explain(db, rules, str(n), NOW).items}
        assert lines[f"done_{n}"]["label"] == " ".join(text.split())
        assert {signal["label"] for signal in lines[f"done_{n}"]["signals"]} == {text}


def test_sixty_four_kilobytes_from_the_crm_are_a_text_like_any_other(db: Database, rules: Rules) -> None:
    fit(db, rules)
    with write(db):
        for n, text in enumerate((LONG, NASTY[0] + LONG)):
            values = {"jobtitle": text, "p_0": NASTY[0]}
            records.put(db, "contacts", [Record(str(n), values)], rules.mapping, NOW)
    fit(db, rules)
    found = Scorer(rules).scores(db, [Subject("0", NOW), Subject("1", NOW)])
    assert [set(score.parts) for score in found] == [{"in_0"}, {"in_0", "like_0"}]
    assert in_duck(db, rules) == rows_of(db, rules)


@pytest.mark.parametrize(
    "text", ["a\0b", "half \ud83d a pair", "\x1b[2J"], ids=["nul", "surrogate", "escape"]
)
def test_what_no_text_may_hold_is_a_mistake_in_the_files(tmp_path: Path, text: str) -> None:
    """And so is never asked of an engine."""
    escaped = json.dumps(text)
    for name, body in (("mappings", mapping(("x",))), ("workflows", workflow(("x",)))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rules.yaml").write_text(body.replace('is: "x"', f"is: {escaped}"), "utf-8")
    with pytest.raises(BadRules) as caught:
        reading.load(tmp_path)
    assert {found.file for found in caught.value.diagnostics} == {
        "mappings/rules.yaml",
        "workflows/rules.yaml",
    }


def test_what_the_crm_says_with_a_nul_is_read_without_it(db: Database, rules: Rules) -> None:
    fit(db, rules)
    said = "\0".join(NASTY[0])
    with write(db):
        records.put(db, "contacts", [Record("1", {"jobtitle": said})], rules.mapping, NOW)
        told = Engagement("s", "1", "form_submission", NOW, "1", None, {"form": said}, said)
        engagement.put(db, [told], NOW)
    fit(db, rules)
    [score] = Scorer(rules).scores(db, [Subject("1", NOW)])
    assert dict(score.parts) == {"is_0": POINT, "like_0": 4 * POINT, "done_0": 16 * POINT}
    assert in_duck(db, rules) == rows_of(db, rules)
