"""What follows when two records are joined (HUBSPOT.md 4.3, 4.6): stages move forward, counters change without
moving their record's date."""

from __future__ import annotations

from connector.sandbox.rules import lifecycle
from connector.sandbox.state import Account


def joined(account: Account, kind: str, id: int, other: str, other_id: int, *, follow: bool = True) -> None:
    """After an association was made. Without `follow` a deal's stage is looked at later, with all its ends."""
    account.derived.refresh(kind, id)
    account.derived.refresh(other, other_id)
    ends = {kind: id, other: other_id}
    if not ends.keys() & {"contacts", "companies"}:
        return
    if "deals" in ends:
        deal = account.records.find("deals", ends["deals"]) if follow else None
        if deal is not None:
            lifecycle.follow_deal(account, deal)
    elif "contacts" in ends and "companies" in ends:
        _meet(account, ends["contacts"], ends["companies"])


def _meet(account: Account, contact_id: int, company_id: int) -> None:
    """A contact takes its new company's stage, if that is further."""
    contact = account.records.find("contacts", contact_id)
    company = account.records.find("companies", company_id)
    if contact is None or company is None or not account.knobs.company_stage_sync:
        return
    if stage := company.props.get(lifecycle.STAGE, ""):
        lifecycle.advance(account, contact, stage, lifecycle.COMPANY)
