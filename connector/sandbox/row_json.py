"""Rows from JSON: `{"row": "WebEvent", ...its fields}`, checked against the fields' types (`rows`)."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from connector.sandbox import rows
from connector.sandbox.kinds import KINDS

MAKERS: dict[str, type] = {kind.__name__: kind for kind in get_args(rows.Row)}
_WORDS = {str: "text", int: "a whole number", bool: "true or false", tuple: "a list", dict: "an object"}
_LARGEST = 2**63 - 1  # as much as SQLite holds


def row_of(given: Any) -> rows.Row:
    """A row. Raises ValueError that names what it should be."""
    if not isinstance(given, dict):
        raise ValueError('a row should be an object: {"row": "Object", ...its fields}')
    values = dict(given)
    name = values.pop("row", "")
    if not isinstance(name, str) or name not in MAKERS:
        raise ValueError(f"{name or 'nothing'} is no kind of row; there are {', '.join(MAKERS)}")
    row: rows.Row = _made(MAKERS[name], values, name)
    for key in ("kind", "from_kind", "to_kind"):
        if getattr(row, key, "contacts") not in KINDS:
            raise ValueError(f"{name}.{key} is {getattr(row, key)}; it should be one of {', '.join(KINDS)}")
    return row


def _made(kind: type, values: dict[str, Any], where: str) -> Any:
    known = {one.name: one for one in fields(kind)}
    if odd := sorted(set(values) - set(known)):
        raise ValueError(f"{where} has no {', '.join(odd)}; it has {', '.join(known)}")
    needed = [name for name, one in known.items() if one.default is one.default_factory is MISSING]
    if missing := [name for name in needed if name not in values]:
        raise ValueError(f"{where} needs {', '.join(missing)}")
    hints = get_type_hints(kind)
    return kind(**{name: _value(hints[name], value, f"{where}.{name}") for name, value in values.items()})


def _value(kind: Any, value: Any, where: str) -> Any:
    """The value as a field of this type holds it: lists become tuples, objects the rows inside of rows."""
    if is_dataclass(kind) and isinstance(kind, type) and isinstance(value, dict):
        return _made(kind, value, where)
    outer, inner = get_origin(kind), get_args(kind)
    if outer is dict and isinstance(value, dict):
        return {name: _value(inner[1], one, f"{where}.{name}") for name, one in value.items()}
    if outer is tuple and isinstance(value, list):
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else list(inner)
        if len(kinds) == len(value):
            return tuple(_value(one, part, where) for one, part in zip(kinds, value, strict=True))
    elif type(value) is kind and not (kind is int and abs(value) > _LARGEST):
        return value
    word = _WORDS.get(outer or kind, "an object")
    raise ValueError(f"{where} is {value!r}; it should be {word}")
