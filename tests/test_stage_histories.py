"""Whatever happens to a contact, and whenever we look: the same journey and the same hand-offs, told once,
never backward unsaid, and not lost with the cache. Random diaries by small rules, through a real cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hand_off_diary import HandOffDiary
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from journey_diary import WHO, local, moment
from random_lives import subject, to_tell

from connector import rules as reading
from connector.decide import scorer_of
from connector.model import DAY, HOUR, OUT, HandOff, Standing
from connector.rules.tree import Rules
from connector.score import Scorer
from connector.store import decisions

MAPPING = """version: 1
crm: hubspot
timezone: Europe/Paris
language: en
contact:
  fields:
    reason: {property: reason, type: choice, provision: true, values: [not_now, no_hurry, competitor]}
deal:
  fields: {amount: {property: amount, type: number}}
signals:
  visit: {event: page_view}
  request: {event: form_submission}
write_back:
  fields: {score: lq_score, temperature: lq_temperature, stage: lq_stage, epoch: lq_epoch}
  lifecycle:
    property: lifecyclestage
    only: forward
    stages: {lead: lead, mql: marketingqualifiedlead, sql: salesqualifiedlead, customer: customer}
"""
WORKFLOW = """version: 1
name: small
scores:
  engagement:
    groups:
      web:
        decay: {after: 4d, to: [50%, 0%], every: 4d}
        rules: [{id: visit, label: {en: Visit}, signal: visit, points: 40, at_most: 3}]
total: {of: [engagement]}
temperature:
  - {band: hot, enter: 100, leave: 70}
  - {band: warm, enter: 40, leave: 30}
  - {band: cold}
stages:
  - id: contact
  - id: lead
    enter_when: {any_signal: [visit, request]}
    leave_when: {total: {below: 10}, for: 2d}
  - id: mql
    enter_when: {total: {at_least: 80}}
    leave_when: {total: {below: 50}, for: 3d}
    notify: [sales, ops]
    sla: {first_touch: 4h, calendar: business}
  - id: sql
    enter_when: {any: [{any_signal: [request]}, {sales_set: sql}]}
    notify: [sales, ops, chief]
    sla: {first_touch: 1h}
    suppress: mail
  - id: customer
    enter_when: {sales_set: customer}
    suppress: mail
overrides: {sales_wins: true, hold: 6d}
recycle:
  - {when: {reason: {is: not_now}}, to: lead, reset: engagement, cool_down: 4d}
  - {when: {reason: {is: no_hurry}}, to: contact, cool_down: 2d}
disqualify:
  - {when: {reason: {is: competitor}}}
notify:
  sales: {task: {to: owner, subject: {en: "{stage}: {name}"}, due: 4h}}
  ops: {webhook: {url_from: OPS_URL, secret_from: OPS_SECRET}}
  chief: {task: {to: owner, subject: {en: "Look at {name}"}, due: 1h}}
suppress:
  mail: {leave_list: Nurturing, join_list: Sales owned}
calendar: {business: {days: [mon, tue, wed, thu, fri], hours: "09:00-18:00"}}
alert_horizon: HORIZON
"""
LAST = 29 * 24  # hours that a diary lasts
EVER = 30 * DAY  # no nap is as long
BEGAN = moment("2026-03-02 09:00")
STAGES = ("contact", "lead", "mql", "sql", "customer")


@cache
def small(horizon: int = DAY) -> tuple[Rules, Scorer]:
    workflow = WORKFLOW.replace("HORIZON", f"{horizon // DAY}d")
    with TemporaryDirectory() as folder:
        for name, text in (("mappings", MAPPING), ("workflows", workflow)):
            (Path(folder) / name).mkdir()
            (Path(folder) / name / "all.yaml").write_text(text, "utf-8")
        found = reading.load(Path(folder))
    return found, scorer_of(found)


acts = st.sampled_from([{"visits": "/"}, {"visits": "/"}, {"visits": "/"}, {"submits": "contact"}])
reasons = st.sampled_from(["", "not_now", "no_hurry", "competitor"])
facts = reasons.map(lambda reason: {"sets": {"reason": reason}})
words = st.fixed_dictionaries(
    {
        "stage_in_crm": st.sampled_from(["", *STAGES[1:]]),
        "by": st.sampled_from(["person", "person", "app", "crm", "default"]),
    }
)
sales = st.sampled_from(
    [{"called": "outbound"}, {"wrote": "outbound"}, {"wrote": "inbound"}, {"deal": {"amount": "5"}}]
)
hours = st.integers(1, LAST - 1)
diaries = st.dictionaries(hours, acts | acts | facts | words | sales, max_size=9)
looks = st.sets(hours, max_size=4)
some = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
many = settings(some, max_examples=250)


def entries(happened: dict[int, dict[str, Any]], looked: set[int]) -> list[dict[str, Any]]:
    """In order; to look is an entry of its own, a minute after what happened."""
    acted = [(BEGAN + hour * HOUR, act) for hour, act in happened.items()]
    look: dict[str, Any] = {"expect": {}}
    asked = [(BEGAN + hour * HOUR + 60_000, look) for hour in looked | {LAST}]
    return [{"on": local(at), **entry} for at, entry in sorted(acted + asked, key=lambda one: one[0])]


def lived(diary: HandOffDiary, written: list[dict[str, Any]], horizon: int = DAY) -> Iterator[Standing]:
    """Where the contact stands after each entry."""
    diary.begin(small(horizon), {"created": local(BEGAN)}, {})
    for entry in written:
        diary.happens(entry)
        found = decisions.standings(diary.db, [WHO]).get(WHO)
        if found is not None:
            yield found


@some
@example(
    {
        3: {"stage_in_crm": "sql", "by": "person"},
        24: {"stage_in_crm": "mql", "by": "person"},
        25: {"submits": "contact"},
        48: {"stage_in_crm": "lead", "by": "crm"},
        116: {"sets": {"reason": "no_hurry"}},
    },
    set(),
)
@example(
    {  # a word that set nothing back when it was said does not do so later either
        1: {"visits": "/"},
        2: {"stage_in_crm": "", "by": "person"},
        3: {"stage_in_crm": "", "by": "person"},
        4: {"visits": "/"},
    },
    set(),
)
@example({1: {"visits": "/"}, 2: {"called": "outbound"}, 3: {"visits": "/"}}, set())  # under way
@given(diaries, looks)
def test_awake_or_asleep_the_journey_is_the_same(
    happened: dict[int, dict[str, Any]], looked: set[int]
) -> None:
    for horizon in (EVER, DAY):
        awake_and_asleep(entries(happened, looked), horizon)


@pytest.mark.long
@many
@given(diaries, looks)
def test_awake_or_asleep_the_journey_is_the_same_at_length(
    happened: dict[int, dict[str, Any]], looked: set[int]
) -> None:
    for horizon in (EVER, DAY):
        awake_and_asleep(entries(happened, looked), horizon)


def awake_and_asleep(written: list[dict[str, Any]], horizon: int) -> None:
    """The same in the end, the hand-offs too if none of them came too late to be offered."""
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        awake, asleep = HandOffDiary(Path(one), awake=True), HandOffDiary(Path(other), awake=False)
        [*_], [*_] = lived(awake, written, horizon), lived(asleep, written, horizon)
        end = moment(written[-1]["on"])
        assert asleep.steps() == awake.steps()
        # the CRM's own stage may say less: what began and ended in one nap was never written
        where = [{**diary.stands(end), "stage_in_crm": ""} for diary in (awake, asleep)]
        assert where[0] == where[1]
        since = [diary.standing().temperature_since for diary in (awake, asleep)]
        assert since[0] == since[1]
        assert horizon < EVER or offered(asleep) == offered(awake)
        awake.close()
        asleep.close()


def offered(diary: HandOffDiary) -> list[HandOff]:
    """All but when it could be known."""
    return [replace(one, told_at=None) for one in diary.handed()]


@some
@example({1: {"visits": "/"}, 2: {"visits": "/"}, 30: {"stage_in_crm": "lead", "by": "crm"}}, set())
@given(diaries, looks)
def test_of_whatever_is_news_people_are_told_once(
    happened: dict[int, dict[str, Any]], looked: set[int]
) -> None:
    told_once(entries(happened, looked))


@pytest.mark.long
@many
@given(diaries, looks)
def test_of_whatever_is_news_people_are_told_once_at_length(
    happened: dict[int, dict[str, Any]], looked: set[int]
) -> None:
    told_once(entries(happened, looked))


def told_once(written: list[dict[str, Any]]) -> None:
    for awake in (True, False):
        with TemporaryDirectory() as folder:
            diary = HandOffDiary(Path(folder), awake)
            [*_] = lived(diary, written)
            moves = decisions.transitions(diary.db, WHO)
            put = [(row["kind"], row["key"]) for row in diary.db.query("SELECT * FROM outbox")]
            told = [one for one in put if one[0] in ("task", "webhook")]
            assert len(told) == len(set(told))
            for kind in ("task", "webhook"):
                subjects = {(WHO, *subject(key)) for what, key in told if what == kind}
                assert subjects == set(to_tell(moves, DAY, kind)), kind
            news = {(WHO, str(one.journey), one.stage) for one in diary.handed()}
            assert set(to_tell(moves, DAY, "task")) <= news
            diary.close()


@some
@given(diaries)
def test_nobody_goes_back_but_by_a_row_that_says_so(happened: dict[int, dict[str, Any]]) -> None:
    with TemporaryDirectory() as folder:
        diary = HandOffDiary(Path(folder), awake=True)
        before = Standing(WHO)
        for now in lived(diary, entries(happened, set())):
            rows = decisions.transitions(diary.db, WHO)
            if now.journey == before.journey:
                left = {row["from_stage"] for row in rows if row["decided_at"] >= (before.stage_since or 0)}
                assert before.reached - now.reached <= left
            before = now
        at: str | None = None
        for row in rows:
            assert row["from_stage"] == at
            assert row["why"]
            assert forward(row) or says_why(row), row
            at = row["to_stage"]
        assert at == before.stage
        moved = [row for row in rows if row["from_stage"] != row["to_stage"]]
        entered = [(row["effective_at"], row["journey"], row["to_stage"]) for row in moved]
        assert len(entered) == len(set(entered))
        diary.close()


def forward(row: dict[str, Any]) -> bool:
    if row["to_stage"] == OUT or row["from_stage"] == OUT:
        return False
    return STAGES.index(row["to_stage"]) == (STAGES.index(row["from_stage"]) + 1 if row["from_stage"] else 0)


def says_why(row: dict[str, Any]) -> bool:
    workflow = small()[0].workflow
    ending = {str(rule.place) for rule in workflow.recycle}
    ending |= {str(rule.place) for rule in workflow.disqualify}
    leaving = {str(stage.place): stage.id for stage in workflow.stages if stage.leave_when}
    by_rule = row["rule"] in ending or leaving.get(row["rule"]) == row["from_stage"]
    by_word = row["actor"] in ("sales", "crm") and ("set back" in row["why"] or "the CRM says" in row["why"])
    return by_rule or by_word or row["why"] == "nothing disqualifies any more"


# that a journey was closed without a reset is not among what the CRM keeps
resetting = st.sampled_from(["", "not_now", "competitor"]).map(lambda reason: {"sets": {"reason": reason}})


@some
@example({7: {"stage_in_crm": "mql", "by": "person"}, 8: {"stage_in_crm": "lead", "by": "crm"}})
@given(st.dictionaries(hours, acts | acts | resetting | words | sales, max_size=9))
def test_a_cache_that_is_lost_costs_nothing(happened: dict[int, dict[str, Any]]) -> None:
    with TemporaryDirectory() as folder:
        diary = HandOffDiary(Path(folder), awake=True)
        [*_, before] = lived(diary, entries(happened, set()))
        end = BEGAN + LAST * HOUR + 120_000
        before = diary.standing()
        diary.open(at_work=False)
        diary.pull(end)
        assert diary.judge(end).summary["changed"] == 0
        after = diary.standing()
        assert (after.stage, after.temperature, after.epoch_at) == (
            before.stage,
            before.temperature,
            before.epoch_at,
        )
        assert diary.steps() == []
        diary.close()
