"""Who wrote a value, as far as the CRM's history tells."""

from __future__ import annotations

import pytest

from connector.hubspot.writers import AT_CREATION, word_of, writer_of
from connector.model import Version

MADE = 1_000_000
LATER = MADE + AT_CREATION + 1


def version(value: str, source: str, at: int = LATER, source_id: str = "") -> Version:
    return Version(value, at, source, source_id)


@pytest.mark.parametrize(
    ("source", "writer"),
    [
        ("CRM_UI", "person"),
        ("MOBILE_IOS", "person"),
        ("PIPELINE_SETTINGS", "crm"),
        ("MERGE_OBJECTS", "crm"),
        ("IMPORT", "default"),
        ("FORM", "default"),
        ("INTEGRATION", "app"),
        ("AUTOMATION_PLATFORM", "app"),
        ("SOMETHING_NEW", "app"),
        ("", "app"),
    ],
)
def test_the_source_of_the_newest_version_tells(source: str, writer: str) -> None:
    assert writer_of([version("lead", source), version("subscriber", "CRM_UI", MADE)], MADE) == writer


@pytest.mark.parametrize("source", ["CRM_UI", "INTEGRATION", "FORM"])
def test_a_first_value_that_came_with_the_record_is_a_default_whoever_made_it(source: str) -> None:
    assert writer_of([version("lead", source, MADE + AT_CREATION)], MADE) == "default"
    assert writer_of([version("lead", source, LATER)], MADE) != "default" or source == "FORM"
    assert writer_of([version("lead", source, MADE)], None) != "default" or source == "FORM"


def test_a_stage_that_a_person_cleared_and_set_again_is_theirs() -> None:
    cleared = [version("", "CRM_UI", MADE + 2), version("lead", "FORM", MADE + 1)]
    assert writer_of(cleared, MADE) == "person"
    assert writer_of([version("lead", "CRM_UI", MADE + 3), *cleared], MADE) == "person"


def test_our_app_is_the_one_that_wrote_our_property() -> None:
    ours = [version("12", "INTEGRATION", source_id="77"), version("11", "CRM_UI", source_id="userId:1")]
    before = version("lead", "FORM", MADE)
    assert writer_of([version("mql", "INTEGRATION", source_id="77"), before], MADE, ours) == "ours"
    assert writer_of([version("mql", "INTEGRATION", source_id="78"), before], MADE, ours) == "app"
    assert writer_of([version("mql", "INTEGRATION"), before], MADE, [version("1", "INTEGRATION")]) == "app"
    assert writer_of([version("mql", "CRM_UI", source_id="userId:1"), before], MADE, ours) == "person"


def test_a_merge_passes_on_the_newest_word_about_either() -> None:
    hand, app = version("mql", "CRM_UI", MADE + 9), version("sql", "INTEGRATION", MADE + 8)
    assert word_of([hand, app]) == [hand, app]
    assert word_of([version("mql", "MERGE_OBJECTS"), hand, app])[0] == hand
    assert word_of([version("mql", "MERGE_OBJECTS"), version("sql", "MERGE_OBJECTS"), hand])[0] == hand


def test_a_merge_that_takes_the_further_stage_says_so_itself() -> None:
    merged, hand = version("sql", "MERGE_OBJECTS"), version("mql", "CRM_UI", MADE + 9)
    assert word_of([merged, hand, version("sql", "INTEGRATION", MADE + 8)])[0] == merged
    assert word_of([merged]) == [merged]
