"""Did you mean: the known word that a mistyped one is closest to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from connector.model import fold

LONGEST = 100  # characters; what is longer is no slip of the finger


def close(word: str, known: Iterable[str], slips: Mapping[str, str] | None = None) -> str | None:
    """The known word nearest to `word`: a listed slip, the same folded, difflib's choice at its default
    cutoff, or the one that `word` abbreviates (`qp`: qualified_prospect)."""
    return close_labelled(word, [(name, name) for name in known], slips)


def close_labelled(
    word: str, options: Iterable[tuple[str, str]], slips: Mapping[str, str] | None = None
) -> str | None:
    """The same among (value, label) pairs: a label and its initials lead to the value as well."""
    import difflib

    pairs = list(options)
    typed = fold(word)
    if not typed or len(typed) > LONGEST:
        return None
    if slips and slips.get(typed) in {value for value, _ in pairs}:
        return slips[typed]
    names = {fold(text): value for value, label in reversed(pairs) for text in (label, value)}
    if typed in names:
        return names[typed]
    near = difflib.get_close_matches(typed, list(names), n=1)
    if near:
        return names[near[0]]
    return next((value for value, label in pairs if typed in (_initials(label), _initials(value))), None)


def _initials(text: str) -> str:
    words = [w for w in re.split(r"[\W_]+", fold(text)) if w]
    return "".join(w[0] for w in words) if len(words) > 1 else ""
