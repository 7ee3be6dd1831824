"""mappings/*.yaml to MappingRules: what the CRM's fields and events mean to us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Literal

from connector.diagnostics import Place
from connector.rules import reading, scalars
from connector.rules.bots import read_bots
from connector.rules.comparison import Comparable
from connector.rules.nodes import Block, Entry, Hole, Mistakes, Node, Scalar, quoted
from connector.rules.properties import property_name
from connector.rules.reading import Kind
from connector.rules.signal import read_signals
from connector.rules.source import Section
from connector.rules.suggest import close
from connector.rules.tree import Field, FieldType, MappingRules, SignalKind, WriteBack
from connector.rules.vocabulary import ACCOUNT, RESERVED
from connector.rules.write_back import read_write_back

CRMS = ("hubspot",)
LANGUAGES = ("en", "fr")
TYPES: tuple[FieldType, ...] = ("text", "number", "bool", "date", "datetime", "choice")
OBJECTS: Mapping[str, Literal["contacts", "companies"]] = {"contact": "contacts", "company": "companies"}
# fields of a deal that mean the same everywhere have their type without saying so
DEAL_TYPES: Mapping[str, FieldType] = {
    "probability": "number",
    "amount": "number",
    "close_date": "datetime",
    "is_won": "bool",
}

_TOP = Kind(
    "mappings/",
    ("version", "crm", "timezone", "language", "contact", "deal", "signals", "bots", "write_back"),
    ("crm", "timezone", "contact"),
    elsewhere=dict.fromkeys(
        (
            *("name", "define", "scores", "total", "accounts", "methods"),
            *("temperature", "stages", "overrides", "recycle", "disqualify"),
            *("calendar", "notify", "suppress", "alert_horizon"),
        ),
        "a file of workflows/",
    ),
)
_CONTACT = Kind("`contact`", ("key", "fields"), ("fields",))
_DEAL = Kind("`deal`", ("fields",), ("fields",))
_SLIPS = {"from": "property", "name": "property", "of": "object", "options": "values", "choices": "values"}
_FIELD = Kind(
    "a field", ("property", "object", "type", "optional", "provision", "values"), ("property",), _SLIPS
)
_DEAL_FIELD = Kind("a field of a deal", ("property", "type", "optional"), ("property",), _SLIPS)
_TYPE_SLIPS = {
    **dict.fromkeys(("string", "str", "varchar", "email"), "text"),
    **dict.fromkeys(("integer", "int", "float", "decimal", "numeric", "currency"), "number"),
    **dict.fromkeys(("boolean", "checkbox", "flag"), "bool"),
    **dict.fromkeys(("timestamp", "time"), "datetime"),
    **dict.fromkeys(("enum", "enumeration", "select", "dropdown", "picklist"), "choice"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """What workflows/ calls things; None where it could not be read."""

    axes: tuple[str, ...] | None
    stages: tuple[str, ...] | None

    def reserved(self) -> dict[str, str]:
        """Words that no field may be called, each with what it is."""
        return {
            **dict.fromkeys(self.stages or (), "a stage"),
            **dict.fromkeys(self.axes or (), "a score"),
            **{ACCOUNT + axis: "the score of an account" for axis in self.axes or ()},
            **RESERVED,
        }


def read(section: Section, names: Names, mistakes: Mistakes) -> MappingRules:
    """All of mappings/. What could not be read is missing from it, and told in `mistakes`."""
    top = top_level(section, _TOP, mistakes)
    zone = _timezone(top.get("timezone"), mistakes)
    _option(top.get("crm"), "a CRM that we know", CRMS, mistakes)
    language = _option(top.get("language"), "a language that we write", LANGUAGES, mistakes)
    reserved = names.reserved()
    key, fields = _contact(top.get("contact"), reserved, mistakes)
    signals = read_signals(top.get("signals"), zone or UTC, mistakes)
    back = top.get("write_back")
    return MappingRules(
        timezone=str(zone or "UTC"),
        language=language or "en",
        fields=fields,
        deal_fields=_deal(top.get("deal"), reserved, mistakes),
        signals=signals,
        write_back=read_write_back(back, names.axes, names.stages, mistakes) if back else _NOTHING,
        key=key[0] if key else "",
        key_place=key[1] if key else None,
        bots=read_bots(top.get("bots"), mistakes),
    )


_NOTHING = WriteBack({}, None, {})


def top_level(section: Section, kind: Kind, mistakes: Mistakes) -> dict[str, Node]:
    """A folder's values by top-level key, its version checked; unknown and missing keys are told."""
    for version in section.versions:
        found = reading.scalar(version, "`version`", mistakes)
        if found is not None and found.text != "1":
            mistakes.add(
                "unknown-version",
                found,
                f"{quoted(found.text)} is not a version of these files that we know",
                label="this is version 1",
                why="another version may read the same words differently.",
                fix="write `version: 1`.",
            )
    top = {entry.key.text: entry.value for entry in section.entries if entry.key.text in kind.keys}
    for entry in section.entries:
        if entry.key.text not in kind.keys:
            meant = reading.unknown_key(entry.key, kind, mistakes)
            if meant is not None:
                top.setdefault(meant, Hole(entry.value.place, entry.value.width))
    for key in kind.required:
        if key not in top and section.whole:
            reading.missing_key(section.start, key, f"{section.folder}/", mistakes)
    return top


def _option(node: Node | None, what: str, known: tuple[str, ...], mistakes: Mistakes) -> str | None:
    return None if node is None else reading.option(node, what, known, mistakes)


def _timezone(node: Node | None, mistakes: Mistakes) -> tzinfo | None:
    from zoneinfo import ZoneInfo, available_timezones

    found = reading.scalar(node, "`timezone`", mistakes) if node is not None else None
    if found is None:
        return None
    try:
        return ZoneInfo(found.text)
    except (KeyError, ValueError, OSError):  # unknown, a path, a folder
        known = tuple(sorted(available_timezones()))
    near = close(found.text, known, {"paris": "Europe/Paris", "cet": "Europe/Paris"})
    mistakes.add(
        "unknown-timezone",
        found,
        f"{quoted(found.text)} is not a time zone",
        label=f"did you mean {quoted(near)}?" if near else "",
        why="it decides where a day ends; zones are named by continent and city, as the IANA lists them.",
        fix=f"write `timezone: {near or 'Europe/Paris'}`" + ("." if near else ", or your own."),
    )
    return None


# -- fields -------------------------------------------------------------------------------------------


def _contact(
    node: Node | None, reserved: Mapping[str, str], mistakes: Mistakes
) -> tuple[tuple[str, Place] | None, dict[str, Field]]:
    found = reading.keys(node, _CONTACT, mistakes) if node is not None else None
    if not found:
        return None, {}
    key = found.get("key")
    name = property_name(key, mistakes) if key is not None else None
    return (name, key.place) if name and key else None, _fields(
        found.get("fields"), _FIELD, reserved, mistakes
    )


def _deal(node: Node | None, reserved: Mapping[str, str], mistakes: Mistakes) -> dict[str, Field]:
    found = reading.keys(node, _DEAL, mistakes) if node is not None else None
    return _fields(found.get("fields"), _DEAL_FIELD, reserved, mistakes) if found else {}


def _fields(
    node: Node | None, kind: Kind, reserved: Mapping[str, str], mistakes: Mistakes
) -> dict[str, Field]:
    if node is None or (found := reading.block(node, "`fields`", mistakes, "email: email")) is None:
        return {}
    made: dict[str, Field] = {}
    for entry in found.entries:
        name = reading.name(entry.key, "a field name", mistakes, reserved)
        field = _field(entry, kind, mistakes)
        if name is not None and field is not None:
            made[name] = field
    return made


def _field(entry: Entry, kind: Kind, mistakes: Mistakes) -> Field | None:
    """One field. One that cannot be read in full is still known by name and type: conditions on it
    have no mistake of their own."""
    name = entry.key.text
    of_deal = kind is _DEAL_FIELD
    usual: FieldType = DEAL_TYPES.get(name, "text") if of_deal else "text"
    if isinstance(entry.value, Scalar):
        prop = property_name(entry.value, mistakes)
        return Field(name, prop or "", "deals" if of_deal else "contacts", usual, entry.value.place)
    if isinstance(entry.value, Hole):
        return Field(name, "", "contacts", usual, entry.value.place)
    said = reading.keys(entry.value, kind, mistakes, f"{name}: {{property: ..., type: number}}")
    if said is None:
        return None
    prop_node = said.get("property", entry.value)
    of = _option(said.get("object"), "a record that a field can live on", tuple(OBJECTS), mistakes)
    type_ = _type(said.get("type"), usual, mistakes)
    provision = bool(_flag(said, "provision", mistakes))
    if provision and of == "company":
        mistakes.add(
            "misplaced-key",
            said["provision"],
            "only properties of contacts are provisioned",
            why="this field is read off the company, where `connector provision` makes nothing.",
            fix="make the property in the CRM and delete `provision` here.",
        )
    return Field(
        name,
        (property_name(prop_node, mistakes) or "") if "property" in said else "",
        "deals" if of_deal else OBJECTS[of or "contact"],
        type_,
        prop_node.place,
        optional=bool(_flag(said, "optional", mistakes)),
        provision=provision,
        values=_values(said.get("values"), type_, provision, entry, mistakes),
    )


def _type(node: Node | None, usual: FieldType, mistakes: Mistakes) -> FieldType:
    if node is None:
        return usual
    why = f"types are {', '.join(TYPES[:-1])} and {TYPES[-1]}."
    said = reading.option(node, "a field type", TYPES, mistakes, "unknown-type", _TYPE_SLIPS, why)
    if said is None and isinstance(node, Scalar):  # the type that was meant keeps conditions quiet
        said = close(node.text, TYPES, _TYPE_SLIPS)
    return next((known for known in TYPES if known == said), usual)


def _flag(said: Mapping[str, Node], key: str, mistakes: Mistakes) -> bool | None:
    return scalars.flag(said[key], quoted(key), mistakes) if key in said else None


def _values(
    node: Node | None, type_: FieldType, provision: bool, entry: Entry, mistakes: Mistakes
) -> tuple[str, ...]:
    """The options of a choice; `provision` needs them to make the property."""
    if node is None:
        if type_ == "choice" and provision:
            what, example = "a choice that is provisioned", "values: [first, second]"
            reading.missing_key(entry.key, "values", what, mistakes, example)
        return ()
    if type_ != "choice":
        mistakes.add(
            "misplaced-key",
            node,
            f"`values` belong to a choice, and this field is a {type_}",
            why="only a choice has a list of options.",
            fix="add `type: choice`, or delete `values`.",
        )
        return ()
    nodes = reading.items(node, "`values`", mistakes, "values: [first, second]")
    return tuple(dict.fromkeys(reading.each(nodes, lambda n: reading.text(n, "a value", mistakes))))


# -- what the other files may ask -----------------------------------------------------------------------


def comparables(fields: Mapping[str, Field]) -> dict[str, Comparable]:
    return {name: Comparable(field.type, field.values) for name, field in fields.items()}


def zone(meanings: MappingRules) -> tzinfo:
    from zoneinfo import ZoneInfo

    return ZoneInfo(meanings.timezone)


def known_fields(section: Section, key: str, fields: Mapping[str, Field]) -> dict[str, Comparable] | None:
    """The fields by name; None if their block is missing, broken, or may stand in another place."""
    node = section.get(key)
    if isinstance(node, Block):  # its `fields` must be there; if they are not, that is told
        return comparables(fields) if isinstance(node.get("fields"), Block) else None
    return comparables(fields) if readable(section, node, _TOP) else None


def known_signals(section: Section, signals: Mapping[str, SignalKind]) -> tuple[str, ...] | None:
    """The signals by name; None as for fields."""
    return tuple(signals) if readable(section, section.get("signals"), _TOP) else None


def readable(section: Section, node: Node | None, kind: Kind) -> bool:
    """Whether what is not found in this block is nowhere: other mistakes need no echo in every condition."""
    if node is None:
        return section.whole and all(entry.key.text in kind.keys for entry in section.entries)
    return isinstance(node, Block)
