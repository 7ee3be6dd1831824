"""The one record that a verb gives, and its JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from connector.diagnostics import Diagnostic
from connector.model import Document

VERSION = 1  # of the documents: fields are added, never renamed


@dataclass(frozen=True, slots=True)
class Result:
    """What a verb did: `status` in a word, figures in `summary`, one row each in `items`."""

    command: str
    status: str = "done"
    summary: Document = field(default_factory=dict)
    items: Sequence[Document] = ()
    diagnostics: Sequence[Document] = ()
    exit_code: int = 0

    def document(self) -> Document:
        return {
            "version": VERSION,
            "command": self.command,
            "status": self.status,
            "summary": self.summary,
            "items": list(self.items),
            "diagnostics": list(self.diagnostics),
        }

    def json(self, *, indent: bool = True) -> str:
        return orjson.dumps(self.document(), option=orjson.OPT_INDENT_2 if indent else None).decode()


def diagnostic(found: Diagnostic) -> Document:
    """A mistake in a file, as documents carry it."""
    return {
        "severity": found.severity,
        "code": found.code,
        "file": found.file,
        "line": found.line,
        "col": found.col,
        "what": found.what,
        "why": found.why,
        "fix": found.fix,
    }
