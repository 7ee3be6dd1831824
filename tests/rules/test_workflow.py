"""workflows/: scores, temperature, stages."""

from __future__ import annotations

from pathlib import Path

import pytest
from rulebook import codes, load, mistakes

from connector.model import DAY
from connector.rules.tree import PropertyRule, SignalRule


def scores(rules: str, group: str = "", axis: str = "") -> str:
    return (
        f"scores:\n  fit:\n    {axis}\n    groups:\n      g:\n        {group}\n        rules: [{rules}]\n"
        "total: {of: [fit], floor: 0}\n"
    )


def told(folder: Path, rules: str, group: str = "", axis: str = "") -> list[str]:
    return codes(folder, scores=scores(rules, group, axis))


def test_scores_are_read_in_thousandths(tmp_path: Path) -> None:
    body = """
scores:
  fit:
    floor: -50
    ceiling: 50.125
    groups:
      profile:
        rules:
          - {id: large, label: Large, when: {company_size: {above: 200}}, points: -2.5}
  engagement:
    groups:
      intent:
        cap: 25
        decay: {after: 30d, to: [50%, 0%], every: 2w}
        rules:
          - id: demo
            label: {fr: Démo, en: "The  demo"}
            signal: demo_download
            points: 25
            at_most: 3
            per: 90d
            once_per: form
          - {id: open_mail, signal: email_open, points: 1_000, once_per: email}
total: {of: [fit, engagement], floor: 0}
"""
    made = load(tmp_path, scores=body).workflow
    fit, engagement = made.axes
    assert (fit.id, fit.floor, fit.ceiling) == ("fit", -50_000, 50_125)
    large, demo, opened = made.rules()
    assert isinstance(large, PropertyRule) and large.points == -2_500
    assert dict(large.label) == {"en": "Large", "fr": "Large"}
    assert isinstance(demo, SignalRule)
    assert (demo.points, demo.at_most, demo.per, demo.once_per) == (25_000, 3, 90 * DAY, "form")
    assert dict(demo.label) == {"fr": "Démo", "en": "The demo"}
    assert demo.decay is not None and demo.cap is None
    assert demo.decay.steps() == ((0, 100), (30 * DAY, 50), (44 * DAY, 0))
    assert isinstance(opened, SignalRule)
    assert (opened.points, dict(opened.label)) == (1_000_000, {"en": "open mail"})
    assert engagement.groups[0].cap == 25_000
    assert (made.total.of, made.total.floor) == (("fit", "engagement"), 0)
    assert str(large.place) == "workflows/scores.yaml:10"


GOOD = "{id: r, signal: demo_download, points: 1}"


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("{id: r, signal: demo_download, points: 10000.001}", "out-of-range"),
        ("{id: r, signal: demo_download, points: 0.0001}", "out-of-range"),
        ("{id: r, signal: demo_download, points: 5 points}", "not-a-number"),
        ("{id: r, signal: demo_download}", "missing-key"),
        ("{signal: demo_download, points: 5}", "missing-key"),
        ("{id: R, signal: demo_download, points: 5}", "unusable-name"),
        ("{id: r, signal: demo, points: 5}", "unknown-signal"),
        ("{id: r, signal: demo_download, points: 5, at_most: 1.5}", "out-of-range"),
        ("{id: r, signal: demo_download, points: 5, per: month}", "not-a-duration"),
        ("{id: r, signal: demo_download, points: 5, once_per: email}", "uncountable"),
        ("{id: r, signal: email_open, points: 5, once_per: form}", "uncountable"),
        ("{id: r, signal: demo_download, points: 5, label: {de: Demo}}", "unknown-key"),
        ("{id: r, signal: demo_download, points: 5, label: [Demo]}", "wrong-shape"),
        ("{id: r, signal: demo_download, points: 5, notify: sales}", "unknown-key"),
        ("{id: r, signal: demo_download, points: 5, cap: -1}", "out-of-range"),
        ("{id: r, signal: demo_download, points: 5, for: 60d}", "misplaced-key"),
        ("{id: r, when: {company_size: {above: 5}}, points: 5, cap: 5}", "misplaced-key"),
        ("{id: r, when: {company_size: {above: 5}}, points: 5, for: 60d}", "misplaced-key"),
        ("{id: r, without: demo_download, for: 60d, points: 5, per: 60d}", "misplaced-key"),
        ("{id: r, without: demo_download, points: 5}", "missing-key"),
        ("{id: r, without: demo_download, within: 60d, points: 5}", "unknown-key"),
        ("{id: r, without: demo_download, fro: 60d, points: 5}", "unknown-key"),
        ("{id: r, without: [demo_download, demo], for: 60d, points: 5}", "unknown-signal"),
        ("{id: r, without: [], for: 60d, points: 5}", "empty-list"),
        ("{id: r, without: demo_download, for: 60, points: 5}", "missing-unit"),
        ("{id: r, without: demo_download, for: 60d, signal: email_open, points: 5}", "unclear-rule"),
        ("{id: r, points: 5}", "unclear-rule"),
        ("{id: r, when: {stage: {reached: lead}}, points: 5}", "misplaced-condition"),
        ("{id: r, when: {deal: {amount: {above: 5}}}, points: 5}", "misplaced-condition"),
        ("{id: r, when: {fit: {above: 5}}, points: 5}", "misplaced-condition"),
        (f"{GOOD}, {GOOD}", "duplicate-id"),
    ],
)
def test_mistakes_in_rules(tmp_path: Path, rule: str, code: str) -> None:
    assert told(tmp_path, rule) == [code]


@pytest.mark.parametrize(
    ("group", "code"),
    [
        ("cap: -1", "out-of-range"),
        ("decay: {after: 30d, every: 30d}", "missing-key"),
        ("decay: {after: 30d, to: [], every: 30d}", "empty-list"),
        ("decay: {after: 30d, to: [120%], every: 30d}", "out-of-range"),
        ("decay: {after: 30d, to: [50%, 60%], every: 30d}", "decay-rises"),
        ("decay: {after: 30, to: [50%], every: 30d}", "missing-unit"),
        ("decay: 30d", "wrong-shape"),
        ("decay: {half_life: 30d, to: [50%]}", "misplaced-key"),
        ("decay: {half_life: 23h}", "out-of-range"),
        ("decay: {half_life: 3651d}", "out-of-range"),
        ("decay: {half_life: 30}", "missing-unit"),
        ("decay: {halflife: 30d}", "unknown-key"),
    ],
)
def test_mistakes_in_groups(tmp_path: Path, group: str, code: str) -> None:
    assert told(tmp_path, GOOD, group) == [code]


def test_mistakes_in_scores(tmp_path: Path) -> None:
    assert told(tmp_path / "a", GOOD, axis="floor: 3\n    ceiling: 2") == ["floor-above-ceiling"]
    assert told(tmp_path / "b", "") == ["empty-list"]
    assert codes(tmp_path / "e", scores="scores: {}\ntotal: {of: []}") == ["empty-list", "empty-list"]
    assert codes(tmp_path / "f", scores="scores: {fit: {groups: {}}}\ntotal: {of: [fit]}") == ["empty-list"]
    total = "scores:\n  total: {groups: {g: {rules: [" + GOOD + "]}}}\ntotal: {of: [total, total]}"
    assert codes(tmp_path / "c", scores=total) == ["reserved-name", "duplicate-id"]
    assert codes(tmp_path / "d", scores="total: {of: [fit]}") == ["missing-key"]


def test_a_rule_id_is_unique_over_all_scores(tmp_path: Path) -> None:
    group = f"{{groups: {{g: {{rules: [{GOOD}]}}}}}}"
    both = f"scores:\n  fit: {group}\n  web: {group}\ntotal: {{of: [fit]}}"
    (found,) = mistakes(tmp_path, scores=both)
    assert (found.code, found.line, found.notes[0].place.line) == ("duplicate-id", 4, 3)


def test_temperatures(tmp_path: Path) -> None:
    bands = "{band: hot, enter: 100, leave: 85}, {band: warm, enter: 30, leave: 30}, {band: cold}"
    made = load(tmp_path, temperature=f"temperature: [{bands}]").workflow.bands
    assert [(band.name, band.enter, band.leave) for band in made] == [
        ("hot", 100, 85),
        ("warm", 30, 30),
        ("cold", None, None),
    ]


@pytest.mark.parametrize(
    ("bands", "expected"),
    [
        ("[{band: a, enter: 5, leave: 1}, {band: b, enter: 5, leave: 1}, {band: c}]", ["bands-out-of-order"]),
        ("[{band: a, enter: 9, leave: 1}, {band: b, enter: 5, leave: 2}, {band: c}]", ["bands-out-of-order"]),
        ("[{band: a, enter: 9, leave: 1}, {band: a}]", ["duplicate-id"]),
        ("[{band: a, enter: 9.5, leave: 1}, {band: c}]", ["out-of-range"]),
        ("[{band: a}, {band: c}]", ["missing-key", "missing-key"]),
        ("[{band: a, enter: 5, leave: 1}]", ["last-band", "last-band"]),
        ("[]", ["empty-list"]),
        ("{band: a}", ["wrong-shape"]),
    ],
)
def test_mistakes_in_temperatures(tmp_path: Path, bands: str, expected: list[str]) -> None:
    assert codes(tmp_path, temperature=f"temperature: {bands}") == expected


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ("[{id: a}, {id: a}]", ["duplicate-id"]),
        ("[{id: a}, {name: b}]", ["unknown-key"]),
        ("[{id: a}, {id: 1st}]", ["unusable-name"]),
        ("[{id: a}, {id: b, enter_when: {stage: {reached: c}}}, {id: c}]", ["later-stage"]),
        ("[{id: a}, {id: b, leave: {total: {below: 70}}}]", ["unknown-key"]),
        ("[a, b]", ["wrong-shape", "wrong-shape"]),
    ],
)
def test_mistakes_in_stages(tmp_path: Path, stages: str, expected: list[str]) -> None:
    assert (
        codes(tmp_path, stages=f"stages: {stages}", write_back="write_back: {fields: {score: x}}") == expected
    )


def test_a_stage_may_have_no_rule_of_its_own(tmp_path: Path) -> None:
    made = load(tmp_path, stages="stages: [{id: contact}, {id: lead}]").workflow.stages
    assert [(stage.id, stage.enter_when) for stage in made] == [("contact", None), ("lead", None)]


def test_overrides(tmp_path: Path) -> None:
    usual = load(tmp_path / "a").workflow.overrides
    said = load(tmp_path / "b", name="name: x\noverrides: {sales_wins: no, hold: 0d}").workflow.overrides
    assert (usual.sales_wins, usual.hold) == (True, 90 * DAY)
    assert (said.sales_wins, said.hold) == (False, 0)
    wrong = "name: x\noverrides: {sales_wins: 1, hold: 90}"
    assert codes(tmp_path / "c", name=wrong) == ["not-true-or-false", "missing-unit"]
