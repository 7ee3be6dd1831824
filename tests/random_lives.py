"""Small rules under which something happens at every step, and what people are to be told by them.

Everything that a stage can lead to is in them, each threshold a step or two away. Timers are days, so that a
life of a month passes all of them. What people do is a form that they send: one source is quick to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from connector import rules as reading
from connector.rules.tree import Rules

MAPPING = """version: 1
crm: hubspot
timezone: Europe/Paris
language: en
contact:
  fields:
    owner: hubspot_owner_id
    reason: {property: reason, type: choice, provision: true, values: [not_now, competitor]}
signals:
  demo: {event: form_submission, where: {form: {is: demo}}}
  request: {event: form_submission, where: {form: {is: devis}}}
write_back:
  fields: {score: lq_score, engagement: lq_engagement, temperature: lq_temperature, stage: lq_stage,
    why: lq_why, epoch: lq_epoch, rules: lq_rules}
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
        rules: [{id: demo, label: {en: Demo}, signal: demo, points: 40, at_most: 3}]
total: {of: [engagement]}
temperature:
  - {band: hot, enter: 100, leave: 70}
  - {band: warm, enter: 40, leave: 30}
  - {band: cold}
stages:
  - id: contact
  - id: lead
    enter_when: {any_signal: [demo, request]}
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
disqualify:
  - {when: {reason: {is: competitor}}}
notify:
  sales: {task: {to: owner, subject: {en: "{stage}: {name}"}, due: 4h}, lead_status: OPEN}
  ops: {webhook: {url_from: OPS_URL, secret_from: OPS_SECRET}}
  chief: {task: {to: owner, subject: {en: "Look at {name}"}, due: 1h}}
suppress:
  mail: {leave_list: Nurturing, join_list: Sales owned}
calendar: {business: {days: [mon, tue, wed, thu, fri], hours: "09:00-18:00"}}
alert_horizon: 24h
"""
STAGES = ("contact", "lead", "mql", "sql", "customer")


def write_rules(folder: Path) -> None:
    """The files of the small rules, in the place of any others."""
    for name, text in (("mappings", MAPPING), ("workflows", WORKFLOW)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "all.yaml").write_text(text, "utf-8")


def small_rules(folder: Path) -> Rules:
    write_rules(folder)
    return reading.load(folder)


def to_tell(transitions: Iterable[dict[str, Any]], horizon: int, kind: str) -> Iterator[tuple[str, str, str]]:
    """(contact, journey, stage) of which there is to be a task or a webhook, off recorded transitions in
    their order.

    By the words of the agreement: of what one run decided, the stage at which the contact came to rest, if
    that is a step forward, not passed over, and no older than the horizon. Nobody is given a task for what
    sales itself validated.
    """
    for (who, _), batch in groupby(transitions, key=lambda row: (row["contact_id"], row["plan_id"])):
        news = [row for row in batch if row["decided_at"] - row["effective_at"] <= horizon]
        last = news[-1] if news else None
        if last is None or not forward(last) or last["imputed"] or last["to_stage"] not in ("mql", "sql"):
            continue
        if kind == "webhook" or (last["actor"], last["to_stage"]) != ("sales", "sql"):
            yield who, str(last["journey"]), last["to_stage"]


def forward(row: dict[str, Any]) -> bool:
    if row["to_stage"] not in STAGES:
        return False
    return row["from_stage"] not in STAGES or STAGES.index(row["to_stage"]) > STAGES.index(row["from_stage"])


def subject(key: str) -> tuple[str, ...]:
    """The journey and the stage that a task or a webhook is about."""
    return tuple(key.split(":")[:2])
