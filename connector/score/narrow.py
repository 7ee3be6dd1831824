"""What of the cache the rules can use: the statements that carry just that to another engine.

Every statement begins with a row of its own that nobody is called: the carrier takes a column's type from
the first rows, and a column that begins with NULLs would get the wrong one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from connector.rules.compile import dependencies
from connector.rules.compile.inputs import absences, any_signals, signal_kinds
from connector.rules.tree import Field, Rules, SignalRule

_EMPTY = {"text": "''", "choice": "''", "number": "CAST(0 AS REAL)"}


@dataclass(frozen=True, slots=True)
class Carried:
    """A table of the score query. `read` is SQLite's statement; `shown` the view of it that the query reads,
    in the words of the other engine, over the table `carried_<name>`; `key` the column that is empty in the
    first row, which is to be left out."""

    name: str
    read: str
    shown: str
    key: str


class Narrow:
    """The tables for a span of contact ids."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._needs = dependencies(rules)

    def tables(self, first: str, last: str, as_of: int) -> Iterator[Carried]:
        span = f"BETWEEN {literal(first)} AND {literal(last)}"
        fields, needs = self._rules.mapping.fields, self._needs
        mine = [(f"f_{name}", _empty(fields[name])) for name in sorted(needs.contact)]
        mine += [(f"t_{name}", "0") for name in sorted(needs.dated)]
        yield _table("contact", "id", [("company_id", "''"), *mine], f"id {span}")
        theirs = [(f"f_{name}", _empty(fields[name])) for name in sorted(needs.company)]
        employers = f"id IN (SELECT company_id FROM contact WHERE id {span})" if theirs else "0"
        yield _table("company", "id", theirs, employers)
        yield from self._deals(span)
        yield self._signals(span, as_of)

    def _deals(self, span: str) -> Iterator[Carried]:
        fields = self._rules.mapping.deal_fields
        asked = [(f"f_{name}", _empty(fields[name])) for name in sorted(self._needs.deal)]
        linked = f"contact_id {span}" if asked else "0"
        yield _table("deal_contact", "contact_id", [("deal_id", "''")], linked)
        dealt = f"id IN (SELECT deal_id FROM deal_contact WHERE {linked})"
        yield _table("deal", "id", asked, dealt)

    def _signals(self, span: str, as_of: int) -> Carried:
        """Accepted ones of the kinds that the rules name, no older than their windows; a day, an e-mail or
        a form only where a rule counts by it."""
        counted = {rule.once_per for rule in _signal_rules(self._rules)}
        keys = {"day": "0", "email": "''", "form": "''"}
        carried = [("kind", "''"), ("at", "0"), *((k, v) for k, v in keys.items() if k in counted)]
        lacking = [f"NULL::{'BIGINT' if k == 'day' else 'VARCHAR'} AS {k}" for k in keys if k not in counted]
        recent = " OR ".join(self._kinds(as_of)) or "0"
        where = f"contact_id {span} AND rejected IS NULL AND ({recent})"
        shown = ["*", "NULL AS rejected", *lacking]
        return _table("signal", "contact_id", carried, where, ", ".join(shown))

    def _kinds(self, as_of: int) -> Iterator[str]:
        for kind in signal_kinds(self._rules):
            oldest = self._horizon(kind)
            since = f' AND "at" > {as_of - oldest}' if oldest is not None else ""
            yield f"(kind = {literal(kind)}{since})"

    def _horizon(self, kind: str) -> int | None:
        """The age from which on no rule looks at signals of a kind; None where one looks at them all."""
        asked = {k for kinds in (*any_signals(self._rules), *absences(self._rules)) for k in kinds}
        windows = [rule.per for rule in _signal_rules(self._rules) if rule.signal == kind]
        if kind in asked or None in windows:
            return None
        return max(per for per in windows if per is not None)


def _table(name: str, key: str, columns: list[tuple[str, str]], where: str, shown: str = "*") -> Carried:
    names = ", ".join(f'"{column}"' for column, _ in [(key, ""), *columns])
    first = ", ".join(f'{empty} AS "{column}"' for column, empty in [(key, "''"), *columns])
    read = f"SELECT {first} UNION ALL SELECT {names} FROM {name} WHERE {where}"
    return Carried(name, read, shown, key)


def _signal_rules(rules: Rules) -> list[SignalRule]:
    return [rule for rule in rules.workflow.rules() if isinstance(rule, SignalRule)]


def _empty(field: Field) -> str:
    return _EMPTY.get(field.type, "0")


def literal(text: str) -> str:
    """A text as both engines read it, whatever is in it."""
    return exp.Literal.string(text).sql(dialect="sqlite")
