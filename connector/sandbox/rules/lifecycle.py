"""The lifecycle rule (HUBSPOT.md 4.2, 4.3).

Through the API a stage goes forward only, in the order of the account's options. A step back answers 200, the
stage stays, the answer shows the stage that stayed. Cleared first, any stage may be set. A deal moves its
contacts and companies forward: made, to `opportunity`; won, to `customer`. A company's stage moves its contacts
forward. All three are settings of the account (`state/knobs`).
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.sandbox.clock import iso, parse
from connector.sandbox.state import Account
from connector.sandbox.state.derived import deal as deal_values
from connector.sandbox.state.records import Record, Writer

STAGE = "lifecyclestage"
DEAL = Writer("PIPELINE_SETTINGS", "LCS-set-on-Deal-association")
COMPANY = Writer("PIPELINE_SETTINGS", "LCS-sync-from-Company")


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
    """The dates that go with entering a stage, and with leaving the one before how long it lasted."""
    now, old = account.clock.now(), record.props.get(STAGE)
    values = {"hs_v2_date_entered_current_stage": ""}
    if stage:
        values = {
            f"hs_lifecyclestage_{stage}_date": iso(now),
            f"hs_v2_date_entered_{stage}": iso(now),
            "hs_v2_date_entered_current_stage": iso(now),
        }
    if old and old != stage:
        values[f"hs_v2_date_exited_{old}"] = iso(now)
        values.update(_lasted(record, old, now))
    known = account.definitions.of(record.kind)
    return {name: value for name, value in values.items() if name in known}


def _lasted(record: Record, stage: str, now: int) -> dict[str, str]:
    entered = parse(record.props.get(f"hs_v2_date_entered_{stage}", ""))
    if entered is None:
        return {}
    total = f"hs_v2_cumulative_time_in_{stage}"
    before = int(float(record.props.get(total) or 0))
    return {f"hs_v2_latest_time_in_{stage}": str(now - entered), total: str(before + now - entered)}


def follow_deal(account: Account, deal: Record) -> None:
    """Moves the deal's contacts and companies as far as the deal is."""
    won = deal_values(deal.props, account.probabilities()).get("hs_is_closed_won") == "true"
    stage = account.knobs.deal_won_stage if won else account.knobs.deal_created_stage
    for kind in ("contacts", "companies"):
        for id in account.links.ids("deals", deal.id, kind):
            record = account.records.find(kind, id)
            if record is not None:
                advance(account, record, stage, DEAL)


def follow_company(account: Account, company: Record) -> None:
    """Moves the company's contacts as far as the company is."""
    stage = company.props.get(STAGE, "")
    if not stage or not account.knobs.company_stage_sync:
        return
    for id in account.links.ids("companies", company.id, "contacts"):
        contact = account.records.find("contacts", id)
        if contact is not None:
            advance(account, contact, stage, COMPANY)


def advance(account: Account, record: Record, stage: str, writer: Writer) -> None:
    """Forward to a stage, if the account has it and it is forward."""
    if stage not in account.definitions.stages(record.kind):
        return
    changes = {STAGE: stage}
    forward_only(account, record, changes)
    if changes and record.props.get(STAGE) != stage:
        changes.update(stamps(account, record, stage))
        account.records.change(record, changes, writer)
        if record.kind == "companies":
            follow_company(account, record)


def furthest(account: Account, kind: str, stages: Mapping[int, str | None]) -> str:
    """The stage furthest down the funnel, as a merge keeps it (3.8)."""
    order = account.definitions.stages(kind)
    known = [stage for stage in stages.values() if stage in order]
    return max(known, key=order.index) if known else ""
