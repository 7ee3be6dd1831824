"""What a property definition may be (HUBSPOT.md 6): type and field type, options, group, how many, when it may go."""

from __future__ import annotations

import re
from typing import Any

from connector.sandbox.kinds import KINDS
from connector.sandbox.state import Account
from connector.sandbox.state.definitions import Definition, Option
from connector.sandbox.wire import Body, Refusal, Unimitated, bad_json, integer, refuse

PAIRS = {
    "bool": {"booleancheckbox", "calculation_equation"},
    "enumeration": {"booleancheckbox", "checkbox", "radio", "select", "calculation_equation"},
    "date": {"date"},
    "datetime": {"date"},
    "number": {"number", "calculation_equation"},
    "string": {"text", "textarea", "html", "file", "phonenumber", "calculation_equation"},
    "phone_number": {"phonenumber"},
}
MOST_UNIQUE = 10  # properties of one object with values of their own
# Custom properties of one object by subscription. The figures are not in HUBSPOT.md: HubSpot's price list.
MOST = {"free": 10, "starter": 1_000, "professional": 1_000, "enterprise": 1_000}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")


def _wrong(message: str, code: str = "") -> Refusal:
    more = {"subCategory": f"PropertyValidationError.{code}"} if code else {}
    return refuse(400, message, "VALIDATION_ERROR", **more)


def imitated(body: Body) -> None:
    """Raises Unimitated for properties that the account would calculate, or keep secret."""
    if body.get("calculationFormula") or body.get("fieldType") == "calculation_equation":
        raise Unimitated("calculated properties of the account's own")
    if body.get("dataSensitivity") not in (None, "non_sensitive"):
        raise Unimitated(f"{body['dataSensitivity']} properties")


def options(given: Any) -> tuple[Option, ...]:
    """The options of a request. Raises Refusal (400)."""
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise bad_json("Cannot deserialize value of type `java.util.ArrayList`")
    found = tuple(_option(one, place) for place, one in enumerate(given))
    for what in ("value", "label"):
        texts = [getattr(one, what) for one in found]
        if twice := sorted({text for text in texts if texts.count(text) > 1}):
            raise _wrong(f"Property option {what}s must be unique. Duplicate {what}: {twice[0]}")
    return found


def _option(one: Body, place: int) -> Option:
    texts = [name for name in ("label", "value") if not isinstance(one.get(name), str) or not one[name]]
    if missing := texts + [name for name in ("hidden",) if not isinstance(one.get(name), bool)]:
        raise bad_json(f"Some required fields were not set: [{', '.join(missing)}]")
    return Option(one["value"], one["label"], integer(one, "displayOrder", place), one["hidden"])


def fits(account: Account, new: Definition) -> None:
    """Raises Refusal (400) for a definition that cannot be."""
    if new.field_type not in PAIRS.get(new.type, ()):
        raise _wrong(
            f"Property type {new.type} and field type {new.field_type} are not a valid pair.",
            "INVALID_FIELD_TYPE",
        )
    if new.type in ("enumeration", "bool") and not new.external and not new.options:
        raise _wrong(f"Property {new.name} of type {new.type} must have options.", "MISSING_OPTIONS")
    if new.type == "bool" and not new.external and sorted(new.values) != ["false", "true"]:
        raise _wrong(f"Property {new.name} of type bool must have the options true and false.")
    if new.group not in account.definitions.groups(new.kind):
        raise _wrong(f"Property group {new.group} does not exist.", "GROUP_DOES_NOT_EXIST")


def may_be_made(account: Account, new: Definition) -> None:
    """Raises Refusal (400) for a name that cannot be, or one property too many."""
    if not _NAME.fullmatch(new.name) or new.name.startswith("hs_"):
        raise _wrong(f"Property name {new.name} is not valid.")
    own = [one for one in custom(account, new.kind) if one.name != new.name]
    if len(own) >= MOST[account.knobs.tier]:
        raise _wrong(f"You have reached the limit of {MOST[account.knobs.tier]} custom properties.")
    if new.unique and sum(one.unique for one in own) >= MOST_UNIQUE:
        raise _wrong(f"An object can have at most {MOST_UNIQUE} properties with unique values.")


def custom(account: Account, kind: str) -> list[Definition]:
    """The account's own properties of a kind, without the archived ones."""
    return [one for one in account.definitions.of(kind).values() if not one.hubspot and one.archived is None]


def may_go(account: Account, old: Definition) -> None:
    """Raises Refusal (400) for HubSpot's own, and for one that a list or a form works with."""
    if old.hubspot:
        raise _wrong(f"Property {old.name} cannot be deleted.")
    if old.kind != KINDS["contacts"].plural:
        return
    users = [f"list {name}" for name in account.engagement.filtering(old.name)]
    users += [f"form {name}" for name in account.engagement.asking(old.name)]
    if users:
        raise _wrong(
            f"Property {old.name} cannot be deleted because it is used in: {', '.join(users)}.",
            "CANNOT_DELETE_PROPERTY_IN_USE",
        )
