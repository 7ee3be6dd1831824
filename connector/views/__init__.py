"""One result record per verb; text and JSON are views of it. The text is drawn from the document."""

from __future__ import annotations

from connector.views import changes, health, people, setup
from connector.views.ink import Draw, Ink, count, table
from connector.views.result import VERSION, Result, diagnostic

__all__ = ["VERSION", "Draw", "Ink", "Result", "count", "diagnostic", "table", "text"]

DRAW: dict[str, Draw] = {**changes.DRAW, **people.DRAW, **health.DRAW, **setup.DRAW}


def text(result: Result, ink: Ink) -> str:
    """The human view of a result; '' where there is nothing to say. Notes come last."""
    notes = [
        f"Note: {said['what']} See: {said['fix']}"
        for said in result.diagnostics
        if said["code"] == "no-duckdb"
    ]
    return "\n".join([*DRAW[result.command](result.document(), ink), *notes])
