"""Writing a record as HubSpot does: the checked values, the stage rule, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.sandbox import refusals
from connector.sandbox.kinds import ACTIVITIES
from connector.sandbox.rules import lifecycle, validation
from connector.sandbox.state import Account, derived
from connector.sandbox.state.records import Record, Writer
from connector.sandbox.wire import refuse


def checked(account: Account, kind: str, values: Mapping[str, Any], record: Record | None) -> dict[str, str]:
    """The changes of one write. Raises Refusal (400) with every problem, 409 for an address taken."""
    changes, problems = validation.check(account, kind, values, record.props if record else {})
    if problems:
        raise refusals.invalid_properties(problems, account.portal_id)
    _free_address(account, kind, changes, record)
    return changes


def _free_address(account: Account, kind: str, changes: Mapping[str, str], record: Record | None) -> None:
    if kind != "contacts" or not changes.get("email"):
        return
    owner = account.records.by_email(changes["email"])
    if owner is not None and (record is None or owner != record.id):
        raise refusals.conflict(owner)


def update(account: Account, record: Record, changes: dict[str, str], writer: Writer) -> None:
    """Changes a record through the API: the stage goes forward only (4.2)."""
    knobs = account.knobs
    held_back = lifecycle.forward_only(account, record, changes)
    moved = put(account, record, changes, writer)
    bumped = knobs.backward_stage_bumps_lastmodified if held_back else knobs.no_op_bumps_lastmodified
    if not moved and bumped:
        account.records.touch(record)


def put(account: Account, record: Record, changes: dict[str, str], writer: Writer) -> set[str]:
    """Changes a record without the stage rule, as a person in the app may; gives what really changed."""
    stage = changes.get(lifecycle.STAGE)
    if stage is not None and stage != record.props.get(lifecycle.STAGE, ""):
        calculated = lifecycle.stamps(account, record, stage)
    else:
        calculated = {}
    moved = account.records.change(record, changes, writer)
    if moved:
        follow(account, record, moved, calculated)
    return moved


def follow(account: Account, record: Record, moved: set[str], more: Mapping[str, str]) -> None:
    """What follows from a change: dates, calculated values, the contacts of a deal."""
    values = dict(more)
    if record.kind == "deals":
        values.update(derived.deal(record.props, account.probabilities()))
    elif record.kind == "contacts" and "email" in moved:
        values.update(derived.address(record.props))
    if values:
        account.records.change(record, values, Writer("CALCULATED"), bump=False)
    if record.kind == "contacts" and "email" in moved:
        account.derived.contacts([record.id])
    if record.kind == "deals" and "dealstage" in moved:
        lifecycle.follow_deal(account, record)


def create(account: Account, kind: str, changes: dict[str, str], writer: Writer) -> Record:
    """A new record with HubSpot's own values beside the given ones (3.5)."""
    if kind in ACTIVITIES and not changes.get("hs_timestamp"):
        raise refuse(
            400,
            "Property values were not valid: hs_timestamp is required",
            "VALIDATION_ERROR",
            errors=[
                {
                    "message": "hs_timestamp is required",
                    "code": "REQUIRED_FIELD",
                    "context": {"propertyName": ["hs_timestamp"]},
                }
            ],
        )
    given = {**_defaults(account, kind), **changes}
    record = account.records.create(kind, changes, writer)
    own = {"hs_object_source": writer.source, "hs_object_source_id": writer.source_id}
    account.records.change(record, {**given, **_marks(kind), **own}, Writer("INTERNAL_PROCESSING"))
    stage = record.props.get(lifecycle.STAGE, "")
    # The record has just entered its stage; there is none that it left.
    dates = lifecycle.stamps(account, replace(record, props={}), stage) if stage else {}
    follow(account, record, set(given), dates)
    return record


def _defaults(account: Account, kind: str) -> dict[str, str]:
    if kind in ("contacts", "companies") and account.knobs.default_stage:
        return {lifecycle.STAGE: account.knobs.default_stage}
    if kind == "deals":
        return {"pipeline": "default"}
    return {}


def _marks(kind: str) -> dict[str, str]:
    """What HubSpot writes on every new contact."""
    if kind != "contacts":
        return {}
    return {
        "hs_is_contact": "true",
        "hs_is_unworked": "true",
        "hs_marketable_status": "false",
        "hs_pipeline": "contacts-lifecycle-pipeline",
    }
