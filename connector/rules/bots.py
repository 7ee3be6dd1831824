"""`bots:` of a mapping: how robots that open and click e-mails give themselves away."""

from __future__ import annotations

import re

from connector.model import HOUR, MINUTE, fold
from connector.rules import reading, scalars
from connector.rules.comparison import LONGEST_PATTERN, MOST_PATTERNS
from connector.rules.nodes import Items, Mistakes, Node, Scalar, quoted
from connector.rules.reading import Kind
from connector.rules.tree import Bots

SECOND = 1_000
MOST_LINKS = 100
_BOTS = Kind(
    "`bots`",
    ("burst", "honeypot", "agents"),
    slips={"agent": "agents", "user_agents": "agents", "honeypots": "honeypot", "links": "burst"},
)
_BURST = Kind("`burst`", ("links", "within"), slips={"clicks": "links", "per": "within"})
_SPAN = re.compile(r"([0-9]{1,9})(s|m)")
_SPAN_UNITS = {"s": SECOND, "m": MINUTE}


def read_bots(node: Node | None, mistakes: Mistakes) -> Bots:
    """What is not said stays at its default; an empty list of patterns means none."""
    usual = Bots()
    said = reading.keys(node, _BOTS, mistakes) if node is not None else None
    if not said:
        return usual
    links, within = _burst(said["burst"], mistakes) if "burst" in said else (None, None)
    return Bots(
        links=usual.links if links is None else links,
        within=usual.within if within is None else within,
        honeypot=_patterns(said["honeypot"], "`honeypot`", mistakes)
        if "honeypot" in said
        else usual.honeypot,
        agents=_patterns(said["agents"], "`agents`", mistakes) if "agents" in said else usual.agents,
    )


def _burst(node: Node, mistakes: Mistakes) -> tuple[int | None, int | None]:
    said = reading.keys(node, _BURST, mistakes, "burst: {links: 3, within: 10s}") or {}
    links = scalars.whole(said["links"], "`links`", mistakes, 2, MOST_LINKS) if "links" in said else None
    return links, _span(said["within"], mistakes) if "within" in said else None


def _span(node: Node, mistakes: Mistakes) -> int | None:
    """`10s` or `1m`: a burst lasts seconds, which no other duration of these files is counted in."""
    found = reading.scalar(node, "`within`", mistakes)
    match = _SPAN.fullmatch(found.text.strip()) if found is not None else None
    if found is None:
        return None
    if match is None:
        _not_a_span(found, mistakes)
        return None
    value = int(match.group(1)) * _SPAN_UNITS[match.group(2)]
    if SECOND <= value <= HOUR:
        return value
    mistakes.add(
        "out-of-range",
        found,
        "`within` takes a time between 1s and 60m",
        label=f"this is {quoted(found.text)}",
        why="a robot follows the links of an e-mail in seconds; a person may do so in an hour.",
        fix="write a time such as `10s`.",
    )
    return None


def _not_a_span(found: Scalar, mistakes: Mistakes) -> None:
    said = found.text.strip()
    bare = said.isascii() and said.isdigit()
    mistakes.add(
        "missing-unit" if bare else "not-a-duration",
        found,
        "`within` needs a unit" if bare else f"`within` takes a time, and {quoted(found.text)} is not one",
        label=f"did you mean {quoted(said + 's')}?" if bare else "",
        why="here a time is a whole number and a unit: s (seconds) or m (minutes).",
        fix=f"write {quoted(said + 's')}, or another unit." if bare else "write a time such as `10s`.",
    )


def _patterns(node: Node, name: str, mistakes: Mistakes) -> tuple[str, ...]:
    if isinstance(node, Items) and not node.items:
        return ()
    nodes = reading.one_or_more(node, name, mistakes) or ()
    if len(nodes) > MOST_PATTERNS:
        _too_long(
            node, f"{name} has {len(nodes)} patterns", f"at most {MOST_PATTERNS} are compared.", mistakes
        )
        return ()
    return tuple(dict.fromkeys(reading.each(nodes, lambda one: _pattern(one, name, mistakes))))


def _pattern(node: Node, name: str, mistakes: Mistakes) -> str | None:
    """Folded, as what it is compared with."""
    found = reading.scalar(node, name, mistakes, f'{name[1:-1]}: ["*...*"]')
    if found is None:
        return None
    if len(found.text) > LONGEST_PATTERN:
        what = f"this pattern has {len(found.text):,} characters"
        _too_long(found, what, f"{name} takes at most {LONGEST_PATTERN:,}.", mistakes)
        return None
    folded = fold(found.text)
    if not folded:
        reading.missing_value(found, name, mistakes)
    return folded or None


def _too_long(node: Node, what: str, why: str, mistakes: Mistakes) -> None:
    mistakes.add("too-long", node, what, why=why, fix="shorten it; * stands for anything.")
