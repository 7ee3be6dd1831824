"""The internal name of a property of the CRM, as a file writes it."""

from __future__ import annotations

import re

from connector.rules import reading
from connector.rules.nodes import Mistakes, Node, quoted

_PROPERTY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-.]{0,199}")


def property_name(node: Node, mistakes: Mistakes) -> str | None:
    """The internal name of a property of the CRM."""
    found = reading.scalar(node, "a property", mistakes, "email: email")
    if found is None or _PROPERTY.fullmatch(found.text):
        return found.text if found else None
    mistakes.add(
        "unusable-name",
        found,
        f"{quoted(found.text)} cannot be the internal name of a property",
        why="the CRM has a label for people and an internal name without spaces or accents; this takes the "
        "internal name.",
        fix="in the CRM, open the property and copy the name behind the </> sign.",
    )
    return None
