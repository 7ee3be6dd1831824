"""The words of conditions, the names that all files give, and what may be asked where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo

from connector.rules.comparison import Comparable
from connector.rules.nodes import Mistakes, Node, Scalar, listed, quoted
from connector.rules.suggest import close
from connector.rules.tree import AnySignal, DealIs, Leaf, MethodMet, Reached, SalesSet, Scope, Test, Without

WORDS = ("all", "any", "not", "use")
SPECIAL = ("total", "stage", "deal", "any_signal", "sales_set", "without", "method")
RESERVED: Mapping[str, str] = dict.fromkeys((*WORDS, *SPECIAL, "for"), "a word of conditions")
ACCOUNT = "account_"  # and the id of an axis: what the company's people have of it together

_OF_A_RULE: Mapping[str, str] = {
    "total": "the total is the sum of these rules: it would depend on itself.",
    "stage": "points come first; stages are decided on them.",
    "sales_set": "points come first; stages are decided on them.",
    "any_signal": "a rule counts signals with `signal:` in place of `when:`.",
    "deal": "points are given for who somebody is and what they do; a deal is asked in a stage.",
}


@dataclass(frozen=True, slots=True)
class Where:
    """Where a condition stands, and what it may ask there.

    `words`: what can be compared, by name; None if the files that say so could not be read (then
    nothing is told about names). `special`: which of SPECIAL may be asked, `total` standing for the axes
    too, and "account" for what `accounts` adds up. `before`: the stages that stand earlier; None where that
    is not asked. `own`: the stage that is asked whether to leave it. `reasons`: why something special may
    not be asked.
    """

    name: str  # "a rule that gives points"
    subject: str  # "a contact field"
    scope: Scope
    words: Mapping[str, Comparable] | None
    special: tuple[str, ...] = ()
    can_use: bool = False
    before: tuple[str, ...] | None = None
    own: str = ""
    code: str = "unknown-field"
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names of all files. None: the file that gives them could not be read.

    `accounts`: the axes that `accounts` adds up. `methods`: each with its fields, None for a method whose
    fields could not be read. `notices`, `suppressions`, `calendars`: the names under `notify`, `suppress`
    and `calendar`.
    """

    fields: Mapping[str, Comparable] | None = None
    deal_fields: Mapping[str, Comparable] | None = None
    signals: tuple[str, ...] | None = None
    axes: tuple[str, ...] | None = None
    stages: tuple[str, ...] | None = None
    zone: tzinfo = UTC
    accounts: tuple[str, ...] | None = None
    methods: Mapping[str, tuple[str, ...] | None] | None = None
    notices: tuple[str, ...] | None = None
    suppressions: tuple[str, ...] | None = None
    calendars: tuple[str, ...] | None = None

    def rule(self, axis: str) -> Where:
        """A rule that gives points on this axis."""
        added_up = axis in (self.accounts or ())
        special = ("without", "method") if added_up else ("without", "method", "account")
        own = (
            f"`accounts` adds up {quoted(axis)}, which this rule gives points to: what an account has would "
            "depend on itself."
        )
        name, reasons = "a rule that gives points", {**_OF_A_RULE, "account": own}
        return Where(name, "a contact field", "contact", self.fields, special, can_use=True, reasons=reasons)

    def stage(self, before: tuple[str, ...] | None) -> Where:
        special = (*SPECIAL, "account")
        return Where("a stage", "a contact field", "contact", self.fields, special, True, before)

    def leaving(self, before: tuple[str, ...] | None, own: str | None) -> Where:
        """`leave_when` of the stage `own`."""
        where = self.stage(before if own else None)
        return replace(where, name="`leave_when`", own=own or "")

    def ending(self, name: str) -> Where:
        """A rule that ends a journey, wherever the contact stands."""
        return replace(self.stage(None), name=name)

    def deal(self) -> Where:
        return Where("`deal`", "a field of a deal", "deal", self.deal_fields)

    def kind(self, word: str, where: Where) -> str:
        """What a word asks: one of SPECIAL, "account", or the word itself."""
        if where.scope != "contact":
            return word
        if word in (self.axes or ()):
            return "total"
        return "account" if self.account_axis(word) is not None else word

    def account_axis(self, word: str) -> str | None:
        """The axis that `account_<axis>` asks for."""
        axis = word.removeprefix(ACCOUNT)
        return axis if axis != word and axis in (self.axes or ()) else None

    def can_ask(self, word: str, where: Where) -> bool:
        """Whether a condition can begin with the word, allowed here or not."""
        kind = self.kind(word, where)
        return kind in (*WORDS, *SPECIAL, "account") or word in (where.words or ())


def asked(leaf: Leaf) -> tuple[str, str] | None:
    """What a leaf asks, as `Vocabulary.kind` calls it, and the word it is asked with; None for a contact's
    field."""
    match leaf:
        case Test(scope="score", name=name):
            return "total", name
        case Test(scope="account", name=name):
            return "account", ACCOUNT + name
        case AnySignal():
            return "any_signal", "any_signal"
        case Without():
            return "without", "without"
        case MethodMet():
            return "method", "method"
        case Reached():
            return "stage", "stage"
        case SalesSet():
            return "sales_set", "sales_set"
        case DealIs():
            return "deal", "deal"
    return None


# -- what may not be asked ------------------------------------------------------------------------------


def misplaced(at: Node, where: Where, why: str, mistakes: Mistakes, word: str = "") -> None:
    """:param word: what a named condition asks; `at` is its name then"""
    said = at.text if isinstance(at, Scalar) else ""
    asks = f"{quoted(said)} asks {quoted(word)}, which" if word else quoted(said)
    mistakes.add(
        "misplaced-condition",
        at,
        f"{asks} cannot be asked in {where.name}",
        why=why or f"here only {where.subject} can be compared: {listed(where.words or (), 20)}.",
        fix="delete it here, or ask it in `enter_when` of a stage.",
    )


def unknown(key: Scalar, where: Where, known: Vocabulary, mistakes: Mistakes) -> None:
    words = tuple(where.words or ())
    special = tuple(word for word in where.special if word in SPECIAL)
    extra = (*WORDS, *special) if where.scope == "contact" else WORDS[:3]
    scores = list(known.axes or ()) if "total" in where.special else []
    if "account" in where.special:
        scores += [ACCOUNT + axis for axis in known.accounts or ()]
    near = close(key.text, (*words, *extra, *scores))
    mistakes.add(
        where.code,
        key,
        f"{quoted(key.text)} is not {where.subject}",
        label=f"did you mean {quoted(near)}?" if near else "",
        why=f"here can be asked: {listed((*words, *scores, *extra), 40)}.",
        fix=f"write {quoted(near)}."
        if near
        else "use one of these"
        + (", or add the field to mappings/." if where.scope in ("contact", "deal") else "."),
    )
