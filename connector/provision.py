"""The properties that we make in the CRM: those we write, and fields that the mapping says to provision."""

from __future__ import annotations

from connector.model import OUT, PropertyDef
from connector.rules.tree import Field, Rules

_TRUE_FALSE = (("true", "Yes"), ("false", "No"))
_MADE_AS = {  # our type -> the CRM's type and form control
    "text": ("string", "text"),
    "number": ("number", "number"),
    "bool": ("bool", "booleancheckbox"),
    "date": ("date", "date"),
    "datetime": ("datetime", "date"),
    "choice": ("enumeration", "select"),
}


def properties(rules: Rules) -> list[PropertyDef]:
    """Every property that `provision` makes sure of, in the order of the files."""
    back = rules.mapping.write_back.fields
    made = [_made(rules, word, name) for word, name in back.items()]
    fields = [field for field in rules.mapping.fields.values() if field.provision]
    return made + [_field(field) for field in fields]


def _made(rules: Rules, word: str, name: str) -> PropertyDef:
    label = f"Lead {word}"
    match word:
        case "stage":
            out = (OUT,) if rules.workflow.disqualify else ()
            stages = (*rules.workflow.stages_named(), *out)
            return PropertyDef(name, label, "enumeration", "select", options=_options(stages))
        case "temperature":
            bands = tuple(band.name for band in rules.workflow.bands)
            return PropertyDef(name, label, "enumeration", "select", options=_options(bands))
        case "why":
            return PropertyDef(name, "Why this lead score", "string", "textarea")
        case "rules":
            return PropertyDef(name, "Lead rules that decided", "string", "text")
        case "epoch":
            return PropertyDef(name, "Lead journey began", "datetime", "date")
        case _:
            return PropertyDef(name, label, "number", "number")


def _field(field: Field) -> PropertyDef:
    kind, control = _MADE_AS[field.type]
    label = field.name.replace("_", " ").capitalize()
    options = _TRUE_FALSE if field.type == "bool" else _options(field.values)
    return PropertyDef(field.property, label, kind, control, options=options)


def _options(values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((value, value.replace("_", " ").capitalize()) for value in values)
