"""Reasons in the languages that a mapping may name."""

from __future__ import annotations

from pathlib import Path

import pytest
from rulebook import load

from connector.rules.mapping import LANGUAGES
from connector.rules.phrases import PHRASES
from connector.rules.words import leaving, words

STAGES = """stages:
  - id: contact
  - id: lead
    enter_when: {any_signal: [demo_download]}
    leave_when: {any: [{total: {below: 70}}, {not: {total: {at_least: 30}}}], for: 14d}
  - id: mql
    enter_when:
      all:
        - stage: {reached: lead}
        - total: {between: [100, 1000]}
        - not: {without: demo_download, for: 1h}
        - deal: {amount: {above: 1500}}
"""


def test_every_language_says_everything() -> None:
    assert set(PHRASES) == set(LANGUAGES)
    [names] = {frozenset(phrases) for phrases in PHRASES.values()}
    for name in names:
        assert len({phrases[name].count("{}") for phrases in PHRASES.values()}) == 1, name


@pytest.mark.parametrize(
    ("language", "mql", "left"),
    [
        (
            "en",
            "lead reached and total is between 100 and 1000 and demo_download within the last 1 hour "
            "and a deal whose amount is over 1500",
            "(total is under 70 or not (total is at or over 30)) for 14 days",
        ),
        (
            "fr",
            "lead atteint et total est entre 100 et 1000 et demo_download depuis moins de 1 heure "
            "et une affaire dont amount est au-dessus de 1500",
            "(total est au-dessous de 70 ou non (total est à 30 ou plus)) pendant 14 jours",
        ),
    ],
)
def test_criteria_in_words(tmp_path: Path, language: str, mql: str, left: str) -> None:
    _, lead, last = load(tmp_path, stages=STAGES).workflow.stages
    assert last.enter_when is not None
    assert words(last.enter_when, language=language) == mql
    assert leaving(lead, language=language) == left
