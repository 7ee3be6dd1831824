"""May this value be written to this property? (HUBSPOT.md 3.7, 4.7)

Values come as JSON (text, number, boolean, null) and are kept as text. `null` is no change, `""` clears. Writes on
the 2026-09 paths are forgiven a date that can be read otherwise, with a warning (3.9).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from connector.sandbox.clock import DAY, iso, parse
from connector.sandbox.refusals import Problem
from connector.sandbox.rules import constraints
from connector.sandbox.state import Account
from connector.sandbox.state.definitions import Definition
from connector.sandbox.wire import Body

EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s.,;<>\"]{2,}")
LONGEST = 65_536


def check(
    account: Account,
    kind: str,
    values: Mapping[str, Any],
    old: Mapping[str, str] | None,
    warnings: list[Body] | None = None,
) -> tuple[dict[str, str], list[Problem]]:
    """(changes as text, problems): every value of a write, one after the other.

    `old` are the values of the record, None while it is made. With `warnings` dates are read leniently, and what
    was made of them is put there.
    """
    changes: dict[str, str] = {}
    problems: list[Problem] = []
    for name, value in values.items():
        definition = account.definitions.find(kind, name)
        if definition is None:
            problems.append(Problem(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'))
        elif definition.read_only and not _at_create(account, name, old):
            problems.append(_read_only(definition))
        elif value is not None:
            found = _checked(account, definition, _text(value), (old or {}).get(name, ""), warnings)
            if isinstance(found, Problem):
                problems.append(found)
            else:
                changes[name] = found
    return changes, problems


def _at_create(account: Account, name: str, old: Mapping[str, str] | None) -> bool:
    """Additional addresses may be given to a new contact, if the knob says so (3.8)."""
    return old is None and name == "hs_additional_emails" and account.knobs.additional_emails_at_create


def _checked(
    account: Account, definition: Definition, text: str, old: str, warnings: list[Body] | None
) -> str | Problem:
    """One value by its type, then by the rules that admins set on the property."""
    found = _value(account, definition, text, old)
    if isinstance(found, Problem) and warnings is not None:
        normal = _normal(definition, text)
        if normal is not None:
            warnings.append(_normalized(definition.name, text, normal))
            found = normal
    if isinstance(found, Problem) or not found:
        return found
    return constraints.broken(account, definition.kind, definition.name, found) or found


def _normal(definition: Definition, text: str) -> str | None:
    """A date that is not of the wanted form but can be read."""
    moment = parse(text) if definition.type in ("date", "datetime") else None
    if moment is None or not _writable(moment):
        return None
    return iso(moment)[:10] if definition.type == "date" else iso(moment)


def _normalized(name: str, raw: str, normal: str) -> Body:
    """Text unverified; category and context are HubSpot's (3.9)."""
    return {
        "category": "PROPERTY_VALUE_NORMALIZED",
        "message": f"The value {raw} of {name} was normalized to {normal}.",
        "context": {"propertyName": [name], "rawValue": [raw], "normalizedValue": [normal]},
    }


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _read_only(definition: Definition) -> Problem:
    what = "a calculated property" if definition.calculated else "a read only property"
    return Problem(
        definition.name, "READ_ONLY_VALUE", f'"{definition.name}" is {what}; its value cannot be set.'
    )


def _value(account: Account, definition: Definition, text: str, old: str) -> str | Problem:
    if text == "":
        return ""
    if definition.name in ("hubspot_owner_id",):
        return _owner(account, definition, text)
    if definition.kind == "deals" and definition.name == "dealstage":
        return _stage(account, definition, text)
    if definition.name == "email" and definition.kind == "contacts":
        return _email(definition, text)
    if definition.name == "hs_additional_emails":
        return _emails(definition, text)
    check = _BY_TYPE.get(definition.type, _string)
    if definition.field_type == "checkbox":
        return _several(definition, text, old)
    return check(definition, text)


def _email(definition: Definition, text: str) -> str | Problem:
    email = text.strip().lower()
    if not EMAIL.fullmatch(email):
        return Problem(definition.name, "INVALID_EMAIL", f"Email address {text} is invalid")
    return email


def _emails(definition: Definition, text: str) -> str | Problem:
    found = [_email(definition, part) for part in text.split(";") if part.strip()]
    wrong = next((one for one in found if isinstance(one, Problem)), None)
    return wrong or ";".join(str(one) for one in found)


def _owner(account: Account, definition: Definition, text: str) -> str | Problem:
    number = int(text) if text.isdecimal() else -1
    if account.db.value("select 1 from owners where id = ? and archived = 0", number) is None:
        return Problem(definition.name, "INVALID_OWNER_ID", f"{text} is not a valid owner id.")
    return text


def _stage(account: Account, definition: Definition, text: str) -> str | Problem:
    stages = account.probabilities()
    if text in stages:
        return text
    listed = ", ".join(stages)
    return Problem(
        definition.name, "INVALID_OPTION", f"{text} was not one of the allowed options: [{listed}]"
    )


def _number(definition: Definition, text: str) -> str | Problem:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if number != number or "_" in text or number in (float("inf"), float("-inf")):
        return Problem(definition.name, "INVALID_INTEGER", f"{text} was not a valid number.")
    return text.strip()


def _writable(moment: int) -> bool:
    """Between the years 1 and 9999."""
    return -62_135_596_800_000 <= moment < 253_402_300_800_000


def _datetime(definition: Definition, text: str) -> str | Problem:
    moment = parse(text) if "T" in text or text.lstrip("-").isdecimal() else None
    if moment is None or not _writable(moment):
        return Problem(definition.name, "INVALID_LONG", f"{text} was not a valid long.")
    return iso(moment)


def _date(definition: Definition, text: str) -> str | Problem:
    moment = parse(text)
    if moment is None or not _writable(moment):
        return Problem(definition.name, "INVALID_LONG", f"{text} was not a valid long.")
    if moment % DAY:
        hours, rest = divmod(moment % DAY, 3_600_000)
        minutes, milli = divmod(rest, 60_000)
        at = f"{hours}:{minutes:02}:{milli / 1000:06.3f}"
        return Problem(definition.name, "INVALID_DATE", f"{text} is at {at} UTC, not midnight!")
    return iso(moment)[:10]


def _bool(definition: Definition, text: str) -> str | Problem:
    value = text.lower()
    return value if value in ("true", "false") else _no_option(definition, text)


def _option(definition: Definition, text: str) -> str | Problem:
    # An external list that nobody filled (currencies, pipelines) takes anything.
    if text in definition.values or (definition.external and not definition.options):
        return text
    return _no_option(definition, text)


def _several(definition: Definition, text: str, old: str) -> str | Problem:
    """`a;b` replaces, `;b` adds to what is there (4.7)."""
    parts = [part for part in text.split(";") if part]
    for part in parts:
        if isinstance(found := _option(definition, part), Problem):
            return found
    kept = [part for part in old.split(";") if part] if text.startswith(";") else []
    return ";".join(dict.fromkeys([*kept, *parts]))


def _no_option(definition: Definition, text: str) -> Problem:
    listed = ", ".join(f'label: "{option.label}"\nvalue: "{option.value}"\n' for option in definition.options)
    return Problem(
        definition.name, "INVALID_OPTION", f"{text} was not one of the allowed options: [{listed}]"
    )


def _string(definition: Definition, text: str) -> str | Problem:
    if len(text) > LONGEST:
        return Problem(
            definition.name, "MAX_LENGTH", f"Property value is too long. The maximum length is {LONGEST}."
        )
    return text


_BY_TYPE: dict[str, Callable[[Definition, str], str | Problem]] = {
    "number": _number,
    "datetime": _datetime,
    "date": _date,
    "bool": _bool,
    "enumeration": _option,
    "string": _string,
}
