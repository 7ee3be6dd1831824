"""Conditions: what is read, with which values, and where it may stand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from rulebook import codes, load, mistakes

from connector.model import DAY, HOUR, MINUTE
from connector.rules.tree import (
    All,
    AnyOf,
    AnySignal,
    Condition,
    DealIs,
    Not,
    Reached,
    SalesSet,
    Test,
    leaves,
)

Test.__test__ = False  # type: ignore[attr-defined]  # a noun of ours, not a test of pytest's
MIDNIGHT = int(datetime(2026, 10, 1, tzinfo=UTC).timestamp() * 1000)


def stages(condition: str) -> str:
    return f"stages:\n  - id: contact\n  - id: lead\n  - id: mql\n    enter_when: {condition}\n"


def read(folder: Path, condition: str) -> Condition:
    made = load(folder, stages=stages(condition)).workflow.stages[2].enter_when
    assert made is not None
    return made


def told(folder: Path, condition: str) -> list[str]:
    return codes(folder, stages=stages(condition))


@pytest.mark.parametrize(
    ("condition", "op", "values"),
    [
        ("{job_title: {is: Étudiant}}", "is", ("etudiant",)),
        ("{job_title: {is: no}}", "is", ("no",)),
        ("{job_title: {is: 1_000}}", "is", ("1_000",)),
        ("{job_title: {is: 2026-10-01}}", "is", ("2026-10-01",)),
        ("{job_title: {in: [NO, on, 1:30, no]}}", "in", ("no", "on", "1:30")),
        ("{job_title: {in: Chef}}", "in", ("chef",)),
        ('{job_title: {matches: ["*ÉTUDIANT*", "a b"]}}', "matches", ("*etudiant*", "a b")),
        ("{job_title: {known: true}}", "known", ()),
        ("{job_title: {unknown: yes}}", "unknown", ()),
        ("{company_size: {between: [50, 1_000]}}", "between", (50.0, 1000.0)),
        ('{company_size: {at_least: "2.5"}}', "at_least", (2.5,)),
        ("{company_size: {is: -1e3}}", "is", (-1000.0,)),
        ("{newsletter: {is: NO}}", "is", (False,)),
        ("{newsletter: {is: true}}", "is", (True,)),
        ("{decision_on: {at_least: 2026-10-01}}", "at_least", (MIDNIGHT - 2 * HOUR,)),
        ("{decision_on: {within_next: 180d}}", "within_next", (180 * DAY,)),
        ("{last_call: {within: 4h}}", "within", (4 * HOUR,)),
        ("{last_call: {within: 90m}}", "within", (90 * MINUTE,)),
        ("{last_call: {within: 2w}}", "within", (14 * DAY,)),
        ("{last_call: {above: 2026-10-01}}", "above", (MIDNIGHT - 2 * HOUR,)),  # midnight in Paris
        ('{last_call: {above: "2026-10-01T00:00Z"}}', "above", (MIDNIGHT,)),
        ('{last_call: {below: "2026-10-01 02:00"}}', "below", (MIDNIGHT,)),
        ("{reason: {is: COMPETITOR}}", "is", ("competitor",)),
    ],
)
def test_values_are_what_they_are_compared_with(
    tmp_path: Path, condition: str, op: str, values: tuple[object, ...]
) -> None:
    made = read(tmp_path, condition)
    assert isinstance(made, Test)
    assert (made.scope, made.op, made.values) == ("contact", op, values)
    assert [type(one) for one in made.values] == [type(one) for one in values]


def test_a_tree_of_everything(tmp_path: Path) -> None:
    made = read(
        tmp_path,
        """
      all:
        - stage: {reached: lead}
        - total: {at_least: 100}
        - fit: {above: -1.5}
        - not: {any: [{company_size: {below: 5}}, {any_signal: email_open}]}
        - any_signal: [demo_download, pricing_visit, demo_download]
        - sales_set: mql
        - deal: {all: [{probability: {above: 0}}, {amount: {known: true}}]}
""",
    )
    assert isinstance(made, All)
    reached, total, fit, negated, signals, sales, deal = made.items
    assert isinstance(reached, Reached) and reached.stage == "lead"
    assert isinstance(total, Test) and (total.scope, total.name, total.values) == ("score", "total", (100.0,))
    assert isinstance(fit, Test) and (fit.scope, fit.name, fit.values) == ("score", "fit", (-1.5,))
    assert isinstance(negated, Not) and isinstance(negated.item, AnyOf)
    assert isinstance(signals, AnySignal) and signals.kinds == ("demo_download", "pricing_visit")
    assert isinstance(sales, SalesSet) and sales.stage == "mql"
    assert isinstance(deal, DealIs) and isinstance(deal.item, All)
    assert {leaf.scope for leaf in leaves(deal.item) if isinstance(leaf, Test)} == {"deal"}
    assert [leaf.place.line for leaf in leaves(made)] == [8, 9, 10, 11, 11, 12, 13, 14]


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("{company_size: {at_least: 1:30}}", "not-a-number"),
        ("{company_size: {at_least: nan}}", "not-a-number"),
        ("{company_size: {at_least: 1e999}}", "not-a-number"),
        ("{company_size: {at_least: ٣}}", "not-a-number"),
        ("{company_size: {between: [1, 2, 3]}}", "wrong-shape"),
        ("{company_size: {is: [1]}}", "wrong-shape"),
        ("{decision_on: {at_least: 2026-02-30}}", "not-a-date"),
        ("{decision_on: {at_least: 0001-01-01}}", "not-a-date"),
        ("{last_call: {above: 2026-10-01 25:00}}", "not-a-date"),
        ("{last_call: {is: 2026-10-01}}", "wrong-operator"),
        ("{last_call: {within: 0d}}", "out-of-range"),
        ("{last_call: {within: 99999w}}", "out-of-range"),
        ("{last_call: {within: 1.5d}}", "not-a-duration"),
        ("{total: {known: true}}", "wrong-operator"),
        ("{job_title: {is: ~}}", "missing-value"),
        ('{job_title: {is: "  "}}', "missing-value"),
        ("{job_title: }", "missing-operator"),
        ("{job_title: {}}", "missing-operator"),
        ("{}", "missing-value"),
        ("", "wrong-shape"),
        ("[{job_title: {known: true}}]", "wrong-shape"),
        ("{all: []}", "empty-list"),
        ("{not: [{job_title: {known: true}}]}", "wrong-shape"),
        ("{company_size: {at_least: 5, below: 10}}", "two-conditions"),
        ("{deal: {total: {above: 5}}}", "misplaced-condition"),
        ("{deal: {email: {known: true}}}", "unknown-field"),
        ("{stage: lead}", "wrong-shape"),
        ("{stage: {reached: mql}}", "later-stage"),
        ("{any_signal: [email_open, demo]}", "unknown-signal"),
        ("{sales_set: nobody}", "unknown-stage"),
        ("{use: nothing}", "unknown-condition"),
    ],
)
def test_mistakes_in_conditions(tmp_path: Path, condition: str, code: str) -> None:
    assert told(tmp_path, condition) == [code]


def test_every_mistake_of_a_condition_is_told_at_once(tmp_path: Path) -> None:
    condition = "{all: [{compny: {is: x}}, {company_size: {above: x}}, {not: {any_signal: [x, y]}}]}"
    assert told(tmp_path, condition) == ["unknown-field", "not-a-number", "unknown-signal", "unknown-signal"]


@pytest.mark.parametrize(("length", "expected"), [(1_000, []), (1_001, ["too-long"])])
def test_patterns_have_up_to_1000_characters(tmp_path: Path, length: int, expected: list[str]) -> None:
    assert told(tmp_path, f'{{job_title: {{matches: ["{"a" * length}"]}}}}') == expected


@pytest.mark.parametrize(("depth", "expected"), [(19, []), (20, ["too-deep"])])
def test_conditions_stand_twenty_deep_at_most(tmp_path: Path, depth: int, expected: list[str]) -> None:
    assert told(tmp_path, "{not: " * depth + "{job_title: {known: true}}" + "}" * depth) == expected


# -- named conditions ---------------------------------------------------------------------------------


def test_a_named_condition_is_put_where_it_is_used(tmp_path: Path) -> None:
    define = "define:\n  large: {company_size: {above: 200}}\n  target: {not: {use: large}}\n"
    loaded = load(tmp_path, name=f"name: x\n{define}", stages=stages("{all: [{use: target}, {use: large}]}"))
    made = loaded.workflow.stages[2].enter_when
    assert isinstance(made, All)
    first, second = made.items
    assert isinstance(first, Not) and first.item == second
    assert len(loaded.workflow.stage_leaves()) == 1  # the same leaf is asked once


def test_a_named_condition_may_be_used_in_a_rule_if_it_asks_for_fields_alone(tmp_path: Path) -> None:
    rule = (
        "scores:\n  fit: {groups: {g: {rules: [{id: r, when: {use: it}, points: 1}]}}}\ntotal: {of: [fit]}\n"
    )
    about = "name: x\ndefine:\n  it: "
    assert load(tmp_path / "a", scores=rule, name=about + "{company_size: {above: 200}}")
    (found,) = mistakes(tmp_path / "b", scores=rule, name=about + "{any_signal: [demo_download]}")
    assert (found.code, found.file) == ("misplaced-condition", "workflows/scores.yaml")


def test_a_named_condition_is_held_to_the_order_of_the_stages_where_it_is_used(tmp_path: Path) -> None:
    define = "name: x\ndefine:\n  ready: {stage: {reached: mql}}\n"
    assert codes(tmp_path, name=define, stages=stages("{use: ready}")) == ["later-stage"]


def test_an_unused_named_condition_is_read_too(tmp_path: Path) -> None:
    assert codes(tmp_path, name="name: x\ndefine:\n  large: {compny: {above: 200}}\n") == ["unknown-field"]


@pytest.mark.parametrize("define", ["a: {use: a}", "a: {use: b}\n  b: {not: {use: c}}\n  c: {use: a}"])
def test_circles_are_told_once(tmp_path: Path, define: str) -> None:
    assert codes(tmp_path, name=f"name: x\ndefine:\n  {define}\n") == ["circular-use"]


def test_a_long_chain_of_names_is_too_deep(tmp_path: Path) -> None:
    chain = "".join(f"  c{n}: {{not: {{use: c{n + 1}}}}}\n" for n in range(2_000))
    found = codes(tmp_path, name=f"name: x\ndefine:\n{chain}  c2000: {{job_title: {{known: true}}}}\n")
    assert set(found) == {"too-deep"}


def test_names_that_multiply_are_too_long(tmp_path: Path) -> None:
    doubling = "".join(f"  c{n}: {{all: [{', '.join([f'{{use: c{n + 1}}}'] * 10)}]}}\n" for n in range(8))
    found = codes(tmp_path, name=f"name: x\ndefine:\n{doubling}  c8: {{job_title: {{known: true}}}}\n")
    assert set(found) == {"too-long"}
