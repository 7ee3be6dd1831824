"""The default rules load and say what the team agreed; whatever else stands in a file, there is one
kind of error."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from rulebook import CASES, ROOT, judge, write
from unlucky_edits import edited

from connector import rules
from connector.diagnostics import draw, in_order
from connector.errors import BadRules
from connector.model import DAY
from connector.rules.codes import CODES
from connector.rules.tree import AnySignal, PropertyRule, Rules, SignalRule, leaves

DEFAULTS = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for folder in ("mappings", "workflows")
    for path in sorted((ROOT / folder).glob("*.yaml"))
}


@pytest.fixture(scope="module")
def defaults() -> Rules:
    return rules.load(ROOT)


def test_the_default_rules_are_four_files(defaults: Rules) -> None:
    assert defaults.files == (
        "mappings/fields.yaml",
        "mappings/signals.yaml",
        "mappings/write_back.yaml",
        "workflows/qualification.yaml",
    )
    assert defaults.hash == rules.load(ROOT).hash


def test_the_points_of_the_default_rules(defaults: Rules) -> None:
    points = {rule.id: rule.points for rule in defaults.workflow.rules()}
    assert points == {
        "student": -50_000,
        "decision_maker": 20_000,
        "target_size": 10_000,
        "pricing": 15_000,
        "demo": 25_000,
        "open": 5_000,
        "click": 5_000,
    }
    demo = next(rule for rule in defaults.workflow.rules() if rule.id == "demo")
    assert isinstance(demo, SignalRule) and demo.decay is not None
    assert demo.decay.steps() == ((0, 100), (30 * DAY, 50), (60 * DAY, 25), (90 * DAY, 0))
    assert (demo.at_most, demo.per, demo.once_per) == (3, 90 * DAY, "day")


def test_the_stages_of_the_default_rules(defaults: Rules) -> None:
    stages = {stage.id: stage.enter_when for stage in defaults.workflow.stages}
    assert list(stages) == ["contact", "lead", "mql", "sql", "qualified_prospect", "customer"]
    lead = stages["lead"]
    assert isinstance(lead, AnySignal)
    assert {"newsletter_signup", "whitepaper_download", "webinar_signup", "trade_fair_visit"} < set(
        lead.kinds
    )
    assert "email_open" not in lead.kinds  # an open enriches a contact; a click makes a lead
    assert [band.name for band in defaults.workflow.bands] == ["hot", "warm", "cold"]


def test_everything_that_we_write_has_a_property(defaults: Rules) -> None:
    assert dict(defaults.mapping.write_back.fields) == {
        word: f"lq_{word}"
        for word in ("score", "fit", "engagement", "temperature", "stage", "why", "epoch", "rules")
    }


def test_every_node_has_its_place_in_the_files(defaults: Rules) -> None:
    for rule in defaults.workflow.rules():
        line = defaults.lines[rule.place.file][rule.place.line - 1]
        assert line.strip() == f"- id: {rule.id}"
    for field in defaults.mapping.fields.values():
        line = defaults.lines[field.place.file][field.place.line - 1]
        assert line[field.place.col - 1 :].startswith(field.property)


# -- the error ----------------------------------------------------------------------------------------


def test_all_mistakes_of_all_files_come_in_order(tmp_path: Path) -> None:
    files = {
        "workflows/temperature.yaml": "version: 1\ntemperature: [{band: cold, enter: 5}]\n",
        "mappings/account.yaml": "version: 3\ncrm: hubspot\ntimezone: Paris\nlanguage: fr\ncolour: red\n",
        "workflows/name.yaml": "version: 1\nname:\n",
    }
    with pytest.raises(BadRules) as caught:
        rules.load(write(tmp_path, files))
    found = caught.value.diagnostics
    assert [one.code for one in found] == [
        "unknown-version",
        "unknown-timezone",
        "unknown-key",
        "missing-value",
        "last-band",
    ]
    assert list(found) == in_order(found)
    assert str(caught.value) == "5 mistakes in 3 files. Nothing was sent."


def test_a_very_long_line_is_not_repeated_in_every_message(tmp_path: Path) -> None:
    long = "version: 1\nname: x\ndefine: {" + ", ".join(f"A{n}: {{x: y}}" for n in range(3_000)) + "}\n"
    with pytest.raises(BadRules) as caught:
        rules.load(write(tmp_path, {"workflows/name.yaml": long}))
    assert max(len(draw(one)) for one in caught.value.diagnostics) < 5_000


# -- whatever stands in the files ---------------------------------------------------------------------


BASE = {
    str(path.relative_to(CASES / "base")): path.read_bytes() for path in (CASES / "base").glob("*/*.yaml")
}
YAML_BITS = st.one_of(
    st.sampled_from("{}[]:,-#&*!|'\"> \t\n?~%é\x85\\\ufeff"),
    st.sampled_from(
        ["version: 1\n", "name: ", "define:\n  ", "- ", "&a ", "*a", "---\n", "...\n", "<<: ", "%YAML 1"]
    ),
)


@settings(max_examples=80, deadline=None)
@given(st.one_of(st.text(), st.binary().map(bytes), st.lists(YAML_BITS, max_size=30).map("".join)))
def test_any_text_gives_rules_or_bad_rules(text: str | bytes) -> None:
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    judge({**BASE, "workflows/name.yaml": raw})


@settings(max_examples=80, deadline=None)
@given(edited(DEFAULTS))
def test_an_edited_file_loads_in_full_or_not_at_all(files: dict[str, str]) -> None:
    loaded = judge({name: text.encode() for name, text in files.items()})
    if loaded is not None:
        assert counted(loaded) == stated(files)


def counted(loaded: Rules) -> dict[str, int]:
    """How much of everything was understood."""
    conditions = [one.enter_when for one in loaded.workflow.stages if one.enter_when is not None]
    conditions += [one.when for one in loaded.workflow.rules() if isinstance(one, PropertyRule)]
    return {
        "fields": len(loaded.mapping.fields) + len(loaded.mapping.deal_fields),
        "sources": sum(len(one.sources) for one in loaded.mapping.signals.values()),
        "wheres": sum(s.where is not None for one in loaded.mapping.signals.values() for s in one.sources),
        "rules": len(loaded.workflow.rules()),
        "stages": len(loaded.workflow.stages),
        "bands": len(loaded.workflow.bands),
        "written": len(loaded.mapping.write_back.fields),
        "criteria": len(conditions),
        "leaves": sum(1 for one in conditions for _ in leaves(one)),
    }


def stated(files: dict[str, str]) -> dict[str, int]:
    """The same, counted in the YAML by another reader."""
    top: dict[str, Any] = {}
    for text in files.values():
        top.update(YAML(typ="safe", pure=True).load(text))
    sources = [
        s for one in top.get("signals", {}).values() for s in (one if isinstance(one, list) else [one])
    ]
    groups = [group for axis in top["scores"].values() for group in axis["groups"].values()]
    stated_rules = [rule for group in groups for rule in group["rules"]]
    conditions = [one["enter_when"] for one in top["stages"] if "enter_when" in one]
    conditions += [one["when"] for one in stated_rules if "when" in one]
    conditions += [{"without": one["without"]} for one in stated_rules if "without" in one]
    return {
        "fields": len(top["contact"]["fields"]) + len(top.get("deal", {}).get("fields", {})),
        "sources": len(sources),
        "wheres": sum("where" in one for one in sources),
        "rules": len(stated_rules),
        "stages": len(top["stages"]),
        "bands": len(top["temperature"]),
        "written": len(top.get("write_back", {}).get("fields", {})),
        "criteria": len(conditions),
        "leaves": sum(1 for one in conditions for _ in _leaves(one)),
    }


def _leaves(condition: dict[str, Any]) -> Iterator[str]:
    word, inside = next(iter(condition.items()))  # those of several keys are one leaf
    if word in ("all", "any"):
        for one in inside:
            yield from _leaves(one)
    elif word == "not":
        yield from _leaves(inside)
    else:
        yield word


def test_half_of_a_file_that_is_being_written(tmp_path: Path) -> None:
    for folder in ("mappings", "workflows"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    path = tmp_path / "workflows" / "qualification.yaml"
    text = path.read_text()
    outcomes = set()
    for end in range(0, len(text), 97):
        path.write_text(text[:end])
        try:
            rules.load(tmp_path)
        except BadRules as error:
            outcomes.update(one.code for one in error.diagnostics)
    assert {"empty-file", "broken-yaml", "missing-key"} <= outcomes <= set(CODES)
