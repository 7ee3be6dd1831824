"""What a YAML reader complains of, in plain words: the usual slips, each with what to type instead."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Said:
    """`at_opening`: the mistake is where the thing began, not where the reader gave up."""

    what: str
    why: str
    fix: str
    at_opening: bool = False


_NEVER_CLOSED = "everything after it was read as part of it, to the end of the file."
_INDENT = "the lines of one block begin in the same column; this one stands between two."

_SLIPS: tuple[tuple[str, Said], ...] = (
    (
        r"'\\t'",
        Said(
            "a tab stands where YAML wants spaces",
            "tabs look different in every editor, so YAML does not take them as indentation.",
            "replace the tab by spaces, two for each level.",
        ),
    ),
    (
        r"character '([%@`])'",
        Said(
            "text cannot begin with this character unless it is quoted",
            "YAML keeps this character for itself.",
            'put the whole text between quotes, such as "@acme.fr".',
        ),
    ),
    (
        r"while scanning a quoted scalar.*end of stream",
        Said(
            "the quote that opens here is never closed",
            _NEVER_CLOSED,
            "add the closing quote at the end of the text.",
            at_opening=True,
        ),
    ),
    (
        r"unknown escape",
        Said(
            "a backslash between double quotes begins a special character, and this is none",
            "between double quotes `\\` changes the meaning of what follows.",
            "use single quotes, or write the backslash twice.",
        ),
    ),
    (
        r"(while parsing a flow mapping|flow mapping.*expected ',')",
        Said(
            "the `{` that opens here is never closed, or a comma is missing in it",
            "between { and } entries look like `key: value`, with commas between them.",
            "close it with `}`, or add the comma.",
            at_opening=True,
        ),
    ),
    (
        r"(while parsing a flow sequence|flow sequence.*expected ',')",
        Said(
            "the `[` that opens here is never closed, or a comma is missing in it",
            "between [ and ] stand values with commas between them.",
            "close it with `]`, or add the comma.",
            at_opening=True,
        ),
    ),
    (
        r"while parsing a flow node",
        Said(
            "the file ends in the middle of a list or block",
            "a `[` or `{` was opened and nothing follows.",
            "finish the line and close it with `]` or `}`.",
        ),
    ),
    (
        r"mapping values are not allowed",
        Said(
            "there is a `:` too many here",
            "a line has one key and one value; a text with `: ` in it needs quotes. Or the line above has no "
            "`:`, or has its value already and this one stands deeper than it.",
            'quote the text ("like: this"), or line this key up with its neighbours.',
        ),
    ),
    (
        r"sequence entries are not allowed|found '-'",
        Said(
            "a list begins here, where a key was expected",
            "the lines of a list (`- ...`) stand below their key, each on its own line.",
            "put the `- ` on the next line, indented under its key.",
        ),
    ),
    (
        r"could not find expected ':'",
        Said(
            "this line has no `:` after its key",
            "every line of a block is `key: value`.",
            "add the `:` (and a space) after the key.",
            at_opening=True,
        ),
    ),
    (
        r"expected <block end>, but found '<scalar>'",
        Said(
            "something stands behind a text that has already ended",
            "the quotes close before the end of the line, so the rest belongs to nothing.",
            "put one pair of quotes around the whole text.",
        ),
    ),
    (
        r"expected <block end>",
        Said("this line does not fit the indentation above it", _INDENT, "line it up with its neighbours."),
    ),
    (
        r"expected '<document start>'",
        Said(
            "something is left over after the end of the content",
            "a bracket or a line too many; what follows it would not be read.",
            "delete it, or line it up with the content above.",
        ),
    ),
    (
        r"special characters are not allowed",
        Said(
            "there is a character that cannot be seen",
            "it usually comes from copying out of another program.",
            "delete it and type the text again.",
        ),
    ),
)
_UNKNOWN = Said(
    "the file stops making sense here",
    "YAML cannot be read past this place, so the rest of the file is not checked.",
    "compare the line and the one above it with the examples of the default rules.",
)


def said(complaint: str) -> Said:
    """The plain words for what a YAML reader reported (its context and problem, joined)."""
    return next((words for pattern, words in _SLIPS if re.search(pattern, complaint, re.S)), _UNKNOWN)
