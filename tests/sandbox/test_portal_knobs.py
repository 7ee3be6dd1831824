"""Every knob does what it says in each of its settings; the table is `knob_table` (HUBSPOT.md 11.3)."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import pytest
from knob_table import KNOBS, Knob

from connector import sandbox
from connector.sandbox.state.knobs import CHOICES, Knobs

# HUBSPOT.md 11.3
UNVERIFIED = {
    "no_op_bumps_lastmodified",
    "backward_stage_bumps_lastmodified",
    "batch_update_missing_id",
    "batch_update_trace_ids_207",
    "retry_after_on_429",
    "to_object_id_type",
    "archived_get_without_flag",
    "restore_bumps_lastmodified",
    "cleared_value",
    "search_counts_daily",
    "patch_response_includes_lastmodified",
    "search_keeps_sort",
    "short_or_empty_pages_with_next",
    "object_id_compares_as",
    "list_after_is_id",
}
# Turned in the tests of the OAuth endpoints, which have a flow of their own.
ELSEWHERE = dict.fromkeys(
    ("grant_limit", "refresh_token_rotates", "oauth_denial_status"), "test_portal_oauth.py"
)


@pytest.mark.parametrize(
    ("knob", "setting", "seen"),
    [(knob, setting, seen) for knob in KNOBS for setting, seen in knob.settings],
    ids=[f"{knob.name}={setting}" for knob in KNOBS for setting, _ in knob.settings],
)
def test_a_knob_does_what_it_says(
    portal: sandbox.Portal, client: httpx.Client, knob: Knob, setting: Any, seen: Any
) -> None:
    portal.knobs(**knob.also, **{knob.name: setting})
    for step in knob.before:
        if step[0].isupper():
            assert client.request(step[0], step[1], json=step[2]).status_code < 300
        else:
            getattr(portal, step[0])(*step[1:])
    method, path, body = knob.ask
    assert knob.seen(client.request(method, path, json=body)) == seen


def test_every_knob_is_in_the_table_with_each_of_its_settings() -> None:
    names = {one.name for one in fields(Knobs)}
    assert Counter(knob.name for knob in KNOBS) == Counter(names - set(ELSEWHERE)) and names >= UNVERIFIED
    for knob in KNOBS:
        settings = [setting for setting, _ in knob.settings]
        if isinstance(getattr(Knobs(), knob.name), bool):
            assert sorted(settings) == [False, True]
        elif knob.name in CHOICES and knob.name != "tier":
            assert sorted(settings) == sorted(CHOICES[knob.name])
        assert len({repr(seen) for _, seen in knob.settings}) > 1, knob.name


@pytest.mark.parametrize(("name", "file"), ELSEWHERE.items())
def test_a_knob_that_is_not_in_the_table_is_turned_in_a_test_of_its_own(name: str, file: str) -> None:
    assert f"{name}=" in Path(__file__).with_name(file).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("no_such_knob", True),
        ("tier", "gold"),
        ("cleared_value", "nil"),
        ("batch_update_missing_id", 207),
        ("shuffle", 1),
        ("burst_limit", -1),
        ("burst_limit", True),
        ("uri_limit", 1.5),
        ("calculated_lag", -1),
        ("upsert_race", "soon"),
    ],
)
def test_a_setting_that_is_none_is_refused_and_changes_nothing(
    portal: sandbox.Portal, name: str, value: Any
) -> None:
    before = portal.knobs()
    with pytest.raises(ValueError, match=name):
        portal.knobs(**{"no_op_bumps_lastmodified": True, name: value})
    assert portal.knobs() == before
