"""A house whose stages lead to actions, and what became of them in the account."""

from __future__ import annotations

from typing import Any

from accounts import DAY, NOW, QUIET, WORKFLOW, Edits, House, contact, form, submission

from connector.apply import Sent
from connector.sandbox import Fault
from connector.sandbox.rows import ListDef, Membership, Owner
from connector.store import outbox
from connector.store.outbox import State
from connector.store.schema import write

AGREED = """
notify:
  sales:
    task:
      to: owner
      fallback: "sales@acme.fr"
      subject: {fr: "Nouveau : {name}", en: "New {stage}: {name} ({company}), {score}"}
      due: 4h
    lead_status: OPEN
  ops: {webhook: {url_from: OPS_URL, secret_from: OPS_SECRET}}
suppress:
  marketing_email: {leave_list: "Nurturing", join_list: "Sales owned"}
"""
OVERRIDES = "overrides: {sales_wins: true, hold: 90d}\n"


def edits(lead: str = "[sales]", sql: str = "", agreed: str = AGREED) -> Edits:
    """Who is told of a lead; what stops with an SQL."""
    said = [
        QUIET,
        ("        - meeting_request\n", f"        - meeting_request\n    notify: {lead}\n"),
        (OVERRIDES, OVERRIDES + agreed),
    ]
    suppress = ("        - sales_set: sql\n", f"        - sales_set: sql\n    suppress: {sql}\n")
    return {WORKFLOW: [*said, *([suppress] if sql else [])]}


TASKS, LISTS, HOOK = edits(), edits(sql="[marketing_email]"), edits("[ops]")
ROWS = (
    contact(101, firstname="Ana", lastname="Lima", company="Acme", hubspot_owner_id="8"),
    contact(102, lifecyclestage=""),
    form("newsletter"),
    form("devis"),
    Owner(7, "sales@acme.fr", "Zoé", "Dupont"),
    Owner(8, "ana.owner@acme.fr", "Olga", "Petit"),
    ListDef(1, "Nurturing"),
    ListDef(2, "Sales owned"),
    Membership(1, 101, NOW - 20 * DAY),
)
CREATE = Fault(method="POST", path="/objects/2026-03/tasks", cut="after")


async def known(here: House) -> None:
    """The account as it was before anything happened: nobody is told of what is in it."""
    first = await here.sync()
    assert first.sent is not None
    assert (first.sent.actions, tasks(here)) == (0, [])


def subscribes(here: House, *ids: int) -> None:
    """What makes a lead of a contact."""
    here.portal.happen([submission("newsletter", f"c{id}@acme.fr", -1000) for id in ids])
    here.seconds(60)


def asks_for_a_quote(here: House, id: int) -> None:
    """What makes an SQL of a contact."""
    here.portal.happen([submission("devis", f"c{id}@acme.fr", 0)])
    here.seconds(60)


def tasks(here: House) -> list[dict[str, Any]]:
    """Every task in the account."""
    kept = here.portal.account.records.page("tasks", 0, 100, archived=False)
    return [here.portal.record("tasks", record.id)["properties"] for record in kept]


def members(here: House, list_id: int) -> set[int]:
    return {id for id, _ in here.portal.account.engagement.members(list_id, 0, 100)}


def states(here: House, kind: str) -> list[tuple[str, str]]:
    rows = here.rows("SELECT contact_id, state FROM outbox WHERE kind = ? ORDER BY seq", kind)
    return [(row["contact_id"], row["state"]) for row in rows]


async def synced(here: House, **more: Any) -> Sent:
    done = await here.sync(**more)
    assert done.sent is not None
    return done.sent


def retried(here: House) -> None:
    with write(here.db):
        assert outbox.decide(here.db, [], State.PENDING, NOW) > 0
