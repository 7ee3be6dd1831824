"""The rules: YAML that people edit, read into frozen nouns, or one error with every mistake."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from connector.errors import BadRules
from connector.rules.against import against
from connector.rules.tree import Rules

__all__ = ["against", "load"]


def load(folder: Path) -> Rules:
    """The rules of `folder/mappings` and `folder/workflows`.

    :raises BadRules: with every mistake of every file, in the order of the files
    """
    from connector.rules import mapping, source, workflow
    from connector.rules.nodes import Mistakes
    from connector.rules.vocabulary import Vocabulary

    mistakes = Mistakes()
    found = source.read(folder, mistakes)
    names = workflow.names(found.workflows)
    meanings = mapping.read(found.mappings, names, mistakes)
    known = Vocabulary(
        fields=mapping.known_fields(found.mappings, "contact", meanings.fields),
        deal_fields=mapping.known_fields(found.mappings, "deal", meanings.deal_fields),
        signals=mapping.known_signals(found.mappings, meanings.signals),
        axes=names.axes,
        stages=names.stages,
        zone=mapping.zone(meanings),
    )
    process = workflow.read(found.workflows, known, meanings, mistakes)
    if mistakes:
        raise BadRules(tuple(mistakes))
    dated = frozenset(name for fields in process.methods.values() for name in fields)
    return Rules(replace(meanings, dated=dated), process, found.hash, found.files, mistakes.lines)
