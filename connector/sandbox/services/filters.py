"""Search filters to SQL over the index (HUBSPOT.md 3.4).

Dates are compared in whole milliseconds, numbers as numbers, options with their case; text is indexed in lower
case, so that `IN` and `NOT_IN` find nothing for operands that are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from connector.sandbox import kinds, refusals
from connector.sandbox.clock import iso, parse
from connector.sandbox.kinds import Kind
from connector.sandbox.state import Account
from connector.sandbox.state.definitions import Definition
from connector.sandbox.wire import Body, Refusal, bad_json, refuse

_COMPARE = {"EQ": "=", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
_QUERY = {
    "contacts": (
        "firstname",
        "lastname",
        "email",
        "phone",
        "hs_additional_emails",
        "fax",
        "mobilephone",
        "company",
        "hs_marketable_until_renewal",
    ),
    "companies": ("website", "phone", "name", "domain"),
    "deals": ("dealname", "pipeline", "dealstage", "description", "dealtype"),
}
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def expression(account: Account, kind: Kind, name: str) -> str:
    """The SQL of one property; the dates of making and change and the id are indexed columns."""
    columns = {
        kind.modified: "modified",
        "hs_lastmodifieddate": "modified",
        kind.created: "created",
        "hs_createdate": "created",
        "hs_object_id": "id" if account.knobs.object_id_compares_as == "number" else "cast(id as text)",
    }
    if name == "email" and kind.plural == "contacts":
        return "email"
    if not _NAME.fullmatch(name):
        raise refusals.bare()
    return columns.get(name) or f"nullif(json_extract(props, '$.{name}'), '')"


def comparable(account: Account, kind: Kind, definition: Definition) -> str:
    """The property in the form in which it is compared and sorted."""
    by = expression(account, kind, definition.name)
    if definition.name == "hs_object_id":
        return by
    if definition.type == "number":
        return f"cast({by} as real)"
    return f"lower({by})" if definition.type == "string" else by


class Conditions:
    """Filters become SQL one by one; their operands are collected in `values`."""

    def __init__(self, account: Account, kind: Kind) -> None:
        self._account = account
        self._kind = kind
        self.values: list[Any] = []

    def add(self, one: Body) -> str:
        """SQL of one filter. Raises Refusal (400) for an unknown property, operator or operand."""
        name, operator = str(one.get("propertyName") or ""), str(one.get("operator") or "")
        if not name or not operator:
            missing = [key for key in ("propertyName", "operator") if not one.get(key)]
            raise bad_json(f"Some required fields were not set: [{', '.join(missing)}]")
        if name.startswith("associations."):
            return self._associated(name.removeprefix("associations."), operator, one)
        definition = self._account.definitions.find(self._kind.plural, name)
        if definition is None:
            raise refusals.bare()
        make = _OPERATORS.get(operator)
        if make is None:
            raise bad_json(f'Cannot deserialize value of type `Operator` from String "{operator}"')
        return make(self, definition, operator, one)

    def words(self, text: str) -> str:
        """The free-text `query`: every word in one of the default fields."""
        names = _QUERY.get(self._kind.plural, ())
        parts = []
        for word in text.lower().split():
            fields = [f"instr(lower({expression(self._account, self._kind, name)}), ?)" for name in names]
            self.values += [word] * len(fields)
            parts.append(f"({' or '.join(fields)})" if fields else "0")
        return " and ".join(parts) or "1"

    def _sql(self, definition: Definition) -> str:
        return comparable(self._account, self._kind, definition)

    def compare(self, definition: Definition, operator: str, one: Body) -> str:
        sign = _COMPARE[operator]
        if definition.field_type == "checkbox" and operator in ("EQ", "NEQ"):
            self.values.append(f";{_given(one, 'value')};")
            has = f"instr(';' || {self._sql(definition)} || ';', ?)"
            return f"{has} > 0" if operator == "EQ" else f"{has} = 0"
        self.values.append(self.operand(definition, _given(one, "value")))
        return f"{self._sql(definition)} {sign} ?"

    def between(self, definition: Definition, _operator: str, one: Body) -> str:
        low, high = _given(one, "value"), _given(one, "highValue")
        self.values += [self.operand(definition, low), self.operand(definition, high)]
        return f"{self._sql(definition)} between ? and ?"

    def among(self, definition: Definition, operator: str, one: Body) -> str:
        given = one.get("values")
        if not isinstance(given, list) or not given:
            raise refuse(400, f"values is required for operator {operator}", "VALIDATION_ERROR")
        # Not folded: an operand in upper case meets only folded text, and finds nothing.
        plain = definition.type == "string"
        self.values += [str(value) if plain else self.operand(definition, str(value)) for value in given]
        word = "in" if operator == "IN" else "not in"
        return f"{self._sql(definition)} {word} ({', '.join('?' * len(given))})"

    def known(self, definition: Definition, operator: str, _one: Body) -> str:
        by = expression(self._account, self._kind, definition.name)
        return f"{by} is {'not ' if operator == 'HAS_PROPERTY' else ''}null"

    def token(self, definition: Definition, operator: str, one: Body) -> str:
        """Words of the text that follow one another; `*` stands for any letters, in a word or over all."""
        pattern = _given(one, "value").lower()
        text = f"lower({expression(self._account, self._kind, definition.name)})"
        words = f"' ' || {_SPLIT.format(text)} || ' '"
        if "*" in pattern:
            pattern = pattern.replace("[", "[[]").replace("?", "[?]")
            self.values += [pattern, pattern]
            found = f"({text} glob ? or {words} glob '* ' || {_SPLIT.format('?')} || ' *')"
        else:
            self.values.append(pattern)
            found = f"instr({words}, ' ' || {_SPLIT.format('?')} || ' ') > 0"
        return found if operator == "CONTAINS_TOKEN" else f"not coalesce({found}, 0)"

    def operand(self, definition: Definition, text: str) -> Any:
        """What a property is compared with. Raises Refusal (400) for what does not read as its type."""
        if definition.name == "hs_object_id":
            return self._id(text)
        if definition.type == "datetime":
            return self._moment(definition, text)
        if definition.type == "date":
            moment = parse(text)
            return text if moment is None else iso(moment)[:10]
        if definition.type == "number":
            return _number(text)
        return text.lower() if definition.type in ("string", "bool") else text

    def _id(self, text: str) -> int | str:
        if self._account.knobs.object_id_compares_as == "text":
            return text
        if not text.isdecimal():
            raise refusals.bare()
        return min(int(text[:25]), 2**62)

    def _moment(self, definition: Definition, text: str) -> int | str:
        moment = parse(text)
        if moment is None:
            raise refusals.bare()
        if moment == 0 and self._account.knobs.epoch_bound_500:
            raise Refusal(500, {"status": "error", "message": "internal error"})  # 3.2, and row 40 of 10
        moment = max(min(moment, 2**52), -(2**45))
        by = expression(self._account, self._kind, definition.name)
        return moment if by in ("modified", "created") else iso(min(max(moment, 0), 253_402_300_799_999))

    def _associated(self, name: str, operator: str, one: Body) -> str:
        other = kinds.find(name)
        if other is None or operator not in ("EQ", "IN"):
            raise refusals.bare()
        ids = [_given(one, "value")] if operator == "EQ" else [str(id) for id in one.get("values") or []]
        if not all(id.isdecimal() and len(id) < 19 for id in ids):
            raise refusals.bare()
        self.values += [other.plural, self._kind.plural, *map(int, ids)]
        return (
            "id in (select to_id from links where from_kind = ? and to_kind = ? and from_id in "
            f"({', '.join('?' * len(ids))}))"
        )


# Text to words: what separates words becomes a space.
_SPLIT = "replace(replace(replace(replace({}, '@', ' '), '.', ' '), '-', ' '), '_', ' ')"


def _given(one: Body, name: str) -> str:
    value = one.get(name)
    if value is None or isinstance(value, dict | list):
        raise refuse(400, f"{name} is required for operator {one.get('operator')}", "VALIDATION_ERROR")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise refusals.bare() from None


_OPERATORS: dict[str, Callable[[Conditions, Definition, str, Body], str]] = {
    **dict.fromkeys(_COMPARE, Conditions.compare),
    "BETWEEN": Conditions.between,
    "IN": Conditions.among,
    "NOT_IN": Conditions.among,
    "HAS_PROPERTY": Conditions.known,
    "NOT_HAS_PROPERTY": Conditions.known,
    "CONTAINS_TOKEN": Conditions.token,
    "NOT_CONTAINS_TOKEN": Conditions.token,
}
