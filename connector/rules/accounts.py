"""`accounts:` of a workflow: the scores of which a company's people are added up."""

from __future__ import annotations

from connector.rules import reading, scalars
from connector.rules.nodes import Entry, Mistakes, Node
from connector.rules.reading import Kind
from connector.rules.tree import AccountScore

TOP = 3
MOST_PEOPLE = 100

_ACCOUNT = Kind(
    "a score of `accounts`",
    ("top", "cap"),
    slips={"of": "top", "best": "top", "first": "top", "max": "cap", "ceiling": "cap"},
)
_EXAMPLE = "engagement: {top: 3}"


def read_accounts(node: Node, axes: tuple[str, ...] | None, mistakes: Mistakes) -> tuple[AccountScore, ...]:
    """:param axes: of `scores`; None where they are not known"""
    entries = reading.entries(node, "`accounts`", mistakes, _EXAMPLE)
    return reading.each(entries, lambda entry: _account(entry, axes, mistakes))


def _account(entry: Entry, axes: tuple[str, ...] | None, mistakes: Mistakes) -> AccountScore | None:
    axis: str | None = entry.key.text
    if axes is not None:
        axis = reading.option(entry.key, "one of the scores", axes, mistakes, "unknown-axis")
    said = reading.keys(entry.value, _ACCOUNT, mistakes, _EXAMPLE)
    if said is None:
        return None
    top = scalars.whole(said["top"], "`top`", mistakes, 1, MOST_PEOPLE) if "top" in said else TOP
    cap = scalars.thousandths(said["cap"], "`cap`", mistakes, least=0) if "cap" in said else None
    return AccountScore(axis, top, entry.key.place, cap) if axis and top else None
