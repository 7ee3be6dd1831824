"""Writing a record as HubSpot does: the checked values, the stage rule, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.sandbox import refusals
from connector.sandbox.clock import iso
from connector.sandbox.kinds import ACTIVITIES
from connector.sandbox.refusals import Problem
from connector.sandbox.rules import conditions, lifecycle, validation
from connector.sandbox.state import Account, derived
from connector.sandbox.state.records import Record, Writer, addresses
from connector.sandbox.wire import Body, refuse


def checked(
    account: Account,
    kind: str,
    values: Mapping[str, Any],
    record: Record | None,
    warnings: list[Body] | None = None,
) -> dict[str, str]:
    """The changes of one write. Raises Refusal (400) with every problem, 409 for an address taken.

    `warnings` is given for writes on the 2026-09 paths: they demand more and forgive dates (3.9).
    """
    old = record.props if record else None
    changes, problems = validation.check(account, kind, values, old, warnings)
    if kind == "contacts":
        problems += _blocked(account, changes)
    problems += taken(account, kind, changes, record)
    if problems:
        raise refusals.invalid_properties(problems, account.portal_id)
    if warnings is not None and (missing := conditions.missing(account, kind, changes, old)):
        raise conditions.refusal(missing)
    if kind == "contacts":
        free_addresses(account, changes, record)
    return changes


def _blocked(account: Account, changes: Mapping[str, str]) -> list[Problem]:
    """An address that was erased before anybody had it (3.8); how HubSpot refuses it is unverified."""
    email = changes.get("email", "")
    if account.knobs.blocklisted_email == "201" or not email or not account.records.blocked(email):
        return []
    return [Problem("email", "INVALID_EMAIL", f"Email address {email} is invalid")]


def taken(account: Account, kind: str, changes: Mapping[str, str], record: Record | None) -> list[Problem]:
    """Values of unique properties that another record has (6); the words are unverified."""
    problems = []
    for name, value in changes.items():
        definition = account.definitions.find(kind, name)
        if value and name != "email" and definition is not None and definition.unique:
            owner = account.records.by_value(kind, name, value)
            if owner is not None and (record is None or owner != record.id):
                said = f"Cannot set {name} to {value}: {owner} already has that value."
                problems.append(Problem(name, "CONFLICTING_UNIQUE_VALUE", said))
    return problems


def free_addresses(account: Account, changes: Mapping[str, str], record: Record | None) -> None:
    """Raises Refusal (409) for an address that another contact has."""
    for email in addresses(changes):
        owner = account.records.by_email(email)
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
    """What follows from a change: dates, calculated values, the contacts of a deal or a company."""
    values = dict(more)
    if record.kind == "contacts":
        values.update(_calculated(record, moved))
        if "hubspot_owner_id" in moved:
            values["hubspot_owner_assigneddate"] = iso(account.clock.now())
    if record.kind == "deals":
        values.update(_of_stage(account, record))
    if values:
        account.records.change(record, values, Writer("CALCULATED"), bump=False)
    if record.kind == "contacts" and "email" in moved:
        account.derived.refresh("contacts", record.id)
    if record.kind == "deals":
        account.derived.around("deals", record.id)
        if "dealstage" in moved:
            lifecycle.follow_deal(account, record)
    if record.kind == "companies" and lifecycle.STAGE in moved:
        lifecycle.follow_company(account, record)


def _calculated(record: Record, moved: set[str]) -> dict[str, str]:
    """A contact's values that follow from its address and numbers."""
    values = derived.address(record.props) if "email" in moved else {}
    others = record.props.get("hs_additional_emails", "").split(";")
    if "email" in moved and record.props.get("email") in others:
        kept = [email for email in others if email != record.props["email"]]
        values["hs_additional_emails"] = ";".join(kept)
    return values | derived.phones(record.props) if moved.intersection(derived.PHONES) else values


def _of_stage(account: Account, deal: Record) -> dict[str, str]:
    """A deal's calculated values, unless they show only later."""
    if seconds := account.knobs.calculated_lag:
        account.later.put(seconds, "deal", "deals", deal.id)
        return {}
    return derived.deal(deal.props, account.probabilities())


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
    if kind in ("contacts", "companies"):
        stage = account.knobs.default_stage
        return {lifecycle.STAGE: stage} if stage in account.definitions.stages(kind) else {}
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
