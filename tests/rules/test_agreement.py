"""A whole agreement on stages and the hand-off, as two teams write it; after any edit it loads in full or
not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from ruamel.yaml import YAML
from rulebook import CASES, judge, write
from unlucky_edits import edited

from connector import rules
from connector.model import DAY, HOUR
from connector.rules.tree import Rules

STAGES = """version: 1
stages:
  - id: contact
  - id: lead
    enter_when: {any_signal: [demo_download]}
  - id: mql
    enter_when: {all: [{stage: {reached: lead}}, {total: {at_least: 100}}, {fit: {at_least: 0}}]}
    leave_when: {total: {below: 70}, for: 14d}
    notify: sales
    sla: {first_touch: 4h, calendar: business}
  - id: sql
    enter_when: {any: [{sales_set: sql}, {newsletter: {is: true}}]}
    leave_when: {without: email_open, for: 365d}
    suppress: [marketing_email]
  - id: customer
    enter_when: {deal: {amount: {above: 0}}}
    notify: [sales, ops]
"""
AGREEMENT = """version: 1
name: qualification-b2b-fr
recycle:
  - {when: {reason: {is: not_now}}, to: lead, reset: engagement, cool_down: 30d}
disqualify:
  - {when: {reason: {in: [competitor]}}}
calendar: {business: {days: [mon, tue, wed, thu, fri], hours: "09:00-18:00", holidays: ["2026-12-25"]}}
notify:
  sales:
    task:
      to: owner
      fallback: "sales@acme.fr"
      subject: {fr: "Nouveau MQL : {name}", en: "New MQL: {name}"}
      due: 4h
    lead_status: OPEN
  ops:   {webhook: {url_from: OPS_WEBHOOK_URL, secret_from: OPS_WEBHOOK_SECRET}}
suppress:
  marketing_email: {leave_list: "Nurturing", join_list: "Sales owned"}
alert_horizon: 24h
"""
MINE = {"workflows/stages.yaml": STAGES, "workflows/name.yaml": AGREEMENT}
FILES = {
    **{str(path.relative_to(CASES / "base")): path.read_text() for path in (CASES / "base").glob("*/*.yaml")},
    **MINE,
}


def test_the_agreement_says_what_was_agreed(tmp_path: Path) -> None:
    made = rules.load(write(tmp_path, MINE)).workflow
    mql, sql, customer = made.stages[2:]
    assert (mql.leave_for, mql.notify, mql.suppress) == (14 * DAY, ("sales",), ())
    assert mql.sla is not None and (mql.sla.first_touch, mql.sla.calendar) == (4 * HOUR, "business")
    assert (sql.leave_for, sql.notify, sql.suppress, sql.sla) == (0, (), ("marketing_email",), None)
    assert customer.notify == ("sales", "ops")
    assert [(one.to, one.reset, one.cool_down) for one in made.recycle] == [("lead", True, 30 * DAY)]
    assert (len(made.disqualify), made.alert_horizon) == (1, DAY)
    business = made.calendars["business"]
    assert (business.days, business.opens, business.closes) == (frozenset(range(5)), 540, 1_080)
    assert (list(made.notify), list(made.suppress)) == (["sales", "ops"], ["marketing_email"])
    # all that the score query is asked for: entries, leaves, recycle and disqualify alike
    assert len(made.stage_leaves()) == 9


@settings(max_examples=80, deadline=None)
@given(edited(FILES, tuple(MINE)))
def test_after_an_edit_it_loads_in_full_or_not_at_all(files: dict[str, str]) -> None:
    loaded = judge({name: text.encode() for name, text in files.items()})
    if loaded is not None:
        assert understood(loaded) == stated(files)


def understood(loaded: Rules) -> dict[str, Any]:
    made = loaded.workflow
    named = {"notify": made.notify, "suppress": made.suppress, "calendar": made.calendars}
    return {
        **{key: sorted(some) for key, some in named.items()},
        "left": [one.leave_when is not None for one in made.stages],
        "lasting": [one.leave_for > 0 for one in made.stages],
        "told": [(sorted(one.notify), sorted(one.suppress)) for one in made.stages],
        "calendars used": [one.sla.calendar if one.sla else None for one in made.stages],
        "ends": (len(made.recycle), len(made.disqualify)),
        "to": [(one.to, one.reset, one.cool_down > 0) for one in made.recycle],
        "parts": [
            sum(part is not None for part in (one.task, one.lead_status, one.webhook))
            for _, one in sorted(made.notify.items())
        ],
        "texts": [sorted(one.task.subject) if one.task else [] for _, one in sorted(made.notify.items())],
        "days": [
            (len(one.days), one.opens < one.closes, sorted(one.holidays))
            for _, one in sorted(made.calendars.items())
        ],
        "lists": [
            [one for one in (some.leave_list, some.join_list) if one]
            for _, some in sorted(made.suppress.items())
        ],
    }


def stated(files: Mapping[str, str]) -> dict[str, Any]:
    """The same, by another reader of YAML."""
    top: dict[str, Any] = {}
    for text in files.values():
        top.update(YAML(typ="safe", pure=True).load(text))
    stages = top["stages"]
    notices, calendars = _sorted(top, "notify"), _sorted(top, "calendar")
    return {
        **{key: sorted(top.get(key, {})) for key in ("notify", "suppress", "calendar")},
        "left": ["leave_when" in one for one in stages],
        "lasting": [_waits(one.get("leave_when", {})) for one in stages],
        "told": [(_names(one.get("notify")), _names(one.get("suppress"))) for one in stages],
        "calendars used": [one.get("sla", {}).get("calendar") for one in stages],
        "ends": (len(top.get("recycle", ())), len(top.get("disqualify", ()))),
        "to": [
            (one["to"], one.get("reset", "none") != "none", one.get("cool_down", "0")[0] != "0")
            for one in top.get("recycle", ())
        ],
        "parts": [len(one) for one in notices],
        "texts": [_languages(one.get("task", {}).get("subject", {})) for one in notices],
        "days": [(len(_names(one["days"])), True, _names(one.get("holidays"))) for one in calendars],
        "lists": [
            [" ".join(str(some[key]).split()) for key in ("leave_list", "join_list") if key in some]
            for some in _sorted(top, "suppress")
        ],
    }


def _sorted(top: Mapping[str, Any], key: str) -> list[Any]:
    return [one for _, one in sorted(top.get(key, {}).items())]


def _waits(condition: Mapping[str, Any]) -> bool:
    return "for" in condition and "without" not in condition


def _names(said: Any) -> list[str]:
    listed: Iterable[Any] = said if isinstance(said, list) else [said] if said is not None else []
    return sorted({str(one) for one in listed})


def _languages(said: Any) -> list[str]:
    return sorted(said) if isinstance(said, dict) else ["en", "fr"]
