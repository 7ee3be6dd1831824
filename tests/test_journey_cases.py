"""Whole journeys out of files that a marketer could have written: decided awake, and asleep in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from journey_diary import CASES, Diary, agreed_rules, load, moment

NAMES = sorted(path.stem for path in CASES.glob("*.yaml"))


@pytest.fixture(params=["awake", "asleep"])
def diary(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Diary]:
    found = Diary(tmp_path, awake=request.param == "awake")
    yield found
    found.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_journey_goes_as_its_file_says(diary: Diary, name: str) -> None:
    case = load(name)
    diary.begin(agreed_rules(case.get("rules", "")), case["contact"], case.get("company", {}))
    for entry in case["diary"]:
        diary.happens(entry)
        if "expect" in entry:
            now = diary.stands(moment(entry["on"]))
            assert {key: now[key] for key in entry["expect"]} == entry["expect"], entry["on"]
    assert diary.steps() == case["transitions"]
    assert diary.judge(moment(entry["on"])).summary["changed"] == 0
