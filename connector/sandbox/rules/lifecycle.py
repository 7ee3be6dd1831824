"""The lifecycle rule (HUBSPOT.md 4.2, 4.3).

Through the API a stage goes forward only, in the order of the account's options. A step back answers 200, the
stage stays, the answer shows the stage that stayed. Cleared first, any stage may be set. A deal moves its
contacts and companies forward: made, to `opportunity`; won, to `customer`.
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.sandbox.clock import iso
from connector.sandbox.state import Account
from connector.sandbox.state.records import Record, Writer

STAGE = "lifecyclestage"
PIPELINE = Writer("PIPELINE_SETTINGS", "LCS-set-on-Deal-association")


def forward_only(account: Account, record: Record, changes: dict[str, str]) -> bool:
    """Takes a step back out of `changes`; True if there was one."""
    wanted, now = changes.get(STAGE), record.props.get(STAGE)
    if not wanted or not now or wanted == now:
        return False
    stages = account.definitions.stages(record.kind)
    if now not in stages or stages.index(wanted) > stages.index(now):
        return False
    del changes[STAGE]
    return True


def stamps(account: Account, record: Record, stage: str) -> dict[str, str]:
    """The dates that go with entering a stage (and leaving the one before)."""
    now, old = iso(account.clock.now()), record.props.get(STAGE)
    entered = (
        f"hs_lifecyclestage_{stage}_date",
        f"hs_v2_date_entered_{stage}",
        "hs_v2_date_entered_current_stage",
    )
    dates = dict.fromkeys(entered, now) if stage else {}
    if old and old != stage:
        dates[f"hs_v2_date_exited_{old}"] = now
    known = account.definitions.of(record.kind)
    return {name: when for name, when in dates.items() if name in known}


def follow_deal(account: Account, deal: Record) -> None:
    """Moves the deal's contacts and companies as far as the deal is."""
    won = deal.props.get("hs_is_closed_won") == "true"
    for kind in ("contacts", "companies"):
        for id in account.links.ids("deals", deal.id, kind):
            record = account.records.find(kind, id)
            if record is not None:
                advance(account, record, "customer" if won else "opportunity")


def advance(account: Account, record: Record, stage: str, writer: Writer = PIPELINE) -> None:
    """Forward to a stage, if the account has it and it is forward."""
    if stage not in account.definitions.stages(record.kind):
        return
    changes = {STAGE: stage}
    forward_only(account, record, changes)
    if changes and record.props.get(STAGE) != stage:
        changes.update(stamps(account, record, stage))
        account.records.change(record, changes, writer)


def furthest(account: Account, kind: str, stages: Mapping[int, str | None]) -> str:
    """The stage furthest down the funnel, as a merge keeps it (3.8)."""
    order = account.definitions.stages(kind)
    known = [stage for stage in stages.values() if stage in order]
    return max(known, key=order.index) if known else ""
