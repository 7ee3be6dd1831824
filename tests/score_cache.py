"""The tables that the score query reads, in memory, and the oracle's plain rules as the product's nouns."""

from __future__ import annotations

import itertools
import sqlite3
from typing import Any

from connector.diagnostics import Place
from connector.model import DAY
from connector.rules import compile as compiler
from connector.rules import tree
from connector.rules.tree import Rules, Test, WorkflowRules

SIGNAL = """CREATE TABLE signal(contact_id TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL,
    id TEXT NOT NULL, day INTEGER, email TEXT, form TEXT, rejected TEXT,
    PRIMARY KEY (contact_id, kind, at, id)) WITHOUT ROWID"""
TABLES = (
    "CREATE TABLE subject(contact_id TEXT PRIMARY KEY, as_of INTEGER, epoch_at INTEGER)",
    "CREATE TABLE contact(id TEXT PRIMARY KEY, company_id TEXT)",
    "CREATE TABLE company(id TEXT PRIMARY KEY)",
    "CREATE TABLE deal(id TEXT PRIMARY KEY)",
    "CREATE TABLE deal_contact(deal_id TEXT, contact_id TEXT)",
    "CREATE INDEX deal_contact_contact ON deal_contact(contact_id)",
    SIGNAL,
)
COLUMN = {"text": "TEXT", "choice": "TEXT", "number": "REAL"}


class ScoreCache:
    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.row_factory = sqlite3.Row
        for statement in TABLES:
            self.db.execute(statement)
        on = {"contacts": "contact", "companies": "company", "deals": "deal"}
        for field in [*rules.mapping.fields.values(), *rules.mapping.deal_fields.values()]:
            typed = COLUMN.get(field.type, "INTEGER")
            self.db.execute(f"ALTER TABLE {on[field.object]} ADD COLUMN {quoted(f'f_{field.name}')} {typed}")

    def __del__(self) -> None:
        self.db.close()  # from 3.13 on Python says so where one is left open

    def add(self, table: str, **row: Any) -> None:
        names = ", ".join(quoted(name) for name in row)
        marks = ", ".join("?" * len(row))
        self.db.execute(f"INSERT INTO {table}({names}) VALUES ({marks})", tuple(row.values()))

    def add_person(self, contact_id: str, person: dict) -> None:
        """A person as the oracle knows them; what lives on the company goes there."""
        on_company = {n for n, f in self.rules.mapping.fields.items() if f.object == "companies"}
        here = {f"f_{n}": v for n, v in person["fields"].items() if n not in on_company}
        there = {f"f_{n}": v for n, v in person["fields"].items() if n in on_company}
        self.add("contact", id=contact_id, company_id=f"co-{contact_id}", **here)
        self.add("company", id=f"co-{contact_id}", **there)
        for n, deal in enumerate(person["deals"]):
            self.add("deal", id=f"{contact_id}-{n}", **{f"f_{name}": v for name, v in deal.items()})
            self.add("deal_contact", deal_id=f"{contact_id}-{n}", contact_id=contact_id)
        for signal in person["signals"]:
            self.add("signal", contact_id=contact_id, **signal)

    def at(self, moments: dict[str, int], epochs: dict[str, int | None] | None = None) -> None:
        """Whom to score, and as of when."""
        self.db.execute("DELETE FROM subject")
        rows = [(who, moment, (epochs or {}).get(who)) for who, moment in moments.items()]
        self.db.executemany("INSERT INTO subject VALUES (?, ?, ?)", rows)

    def scores(self) -> dict[str, dict[str, Any]]:
        rows = self.db.execute(compiler.score_select(self.rules)).fetchall()
        assert len(rows) == self.db.execute("SELECT count(*) FROM subject").fetchone()[0]
        return {row["contact_id"]: dict(row) for row in rows}

    def lines(self) -> list[dict[str, Any]]:
        return [dict(row) for row in self.db.execute(compiler.points_select(self.rules))]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


# -- plain rules as nouns -----------------------------------------------------------------------------


def to_rules(plain: dict, fields: dict[str, tuple[str, str]]) -> Rules:
    """`fields`: name -> (object, type). Every criterion becomes a stage with that one leaf."""
    place = (Place("workflows/q.yaml", n) for n in itertools.count(1))
    types = {name: kind for name, (_, kind) in fields.items()}
    ids = (f"rule{n}" for n in itertools.count())

    def rule(one: dict, decay: tree.Decay | None) -> tree.Rule:
        if "when" in one:
            when = to_condition(one["when"], types, place)
            return tree.PropertyRule(next(ids), {}, one["points"], when, next(place))
        options = {k: one.get(k) for k in ("at_most", "per", "once_per")}
        return tree.SignalRule(
            next(ids), {}, one["points"], one["signal"], next(place), decay=decay, **options
        )

    def group(one: dict, n: int) -> tree.Group:
        said = one.get("decay")
        decay = tree.Decay(said["after"], tuple(said["to"]), said["every"]) if said else None
        return tree.Group(f"g{n}", tuple(rule(r, decay) for r in one["rules"]), next(place), one.get("cap"))

    def axis(one: dict) -> tree.Axis:
        groups = tuple(group(g, n) for n, g in enumerate(one["groups"]))
        return tree.Axis(one["id"], groups, next(place), one.get("floor"), one.get("ceiling"))

    stages = tuple(
        tree.StageRule(f"s{n}", next(place), to_condition(one, types, place))
        for n, one in enumerate(plain["criteria"])
    )
    total = tree.Total(tuple(plain["total"]["of"]), next(place), plain["total"].get("floor"))
    workflow = WorkflowRules(
        "q", tuple(axis(a) for a in plain["axes"]), total, (), stages, tree.Overrides(True, 0)
    )
    return Rules(to_mapping(fields), workflow, "0" * 12, ())


def to_mapping(
    fields: dict[str, tuple[str, str]], signals: dict[str, tree.SignalKind] | None = None
) -> tree.MappingRules:
    place = Place("mappings/m.yaml", 1)
    made = {name: tree.Field(name, name, where, kind, place) for name, (where, kind) in fields.items()}
    return tree.MappingRules(
        "Europe/Paris",
        "fr",
        {name: f for name, f in made.items() if f.object != "deals"},
        {name: f for name, f in made.items() if f.object == "deals"},
        signals or {},
        tree.WriteBack({}, None, {}),
    )


def to_condition(plain: tuple, types: dict[str, str], place: Any) -> tree.Condition:
    match plain:
        case ("all", items):
            return tree.All(tuple(to_condition(i, types, place) for i in items), next(place))
        case ("any", items):
            return tree.AnyOf(tuple(to_condition(i, types, place) for i in items), next(place))
        case ("not", item):
            return tree.Not(to_condition(item, types, place), next(place))
        case ("deal", item):
            return tree.DealIs(to_condition(item, types, place), next(place))
        case ("any_signal", kinds):
            return tree.AnySignal(tuple(kinds), next(place))
        case ("test", scope, name, op, values):
            kind = "number" if scope == "score" else types[name]
            return Test(scope, name, kind, op, tuple(values), next(place))
    raise ValueError(plain)


# -- one person under a few rules -----------------------------------------------------------------------

NOW = 1_790_000_000_000
FIELDS = {
    "job_title": ("contacts", "text"),
    "persona": ("contacts", "choice"),
    "opted": ("contacts", "bool"),
    "timing": ("contacts", "date"),
    "size": ("companies", "number"),
    "probability": ("deals", "number"),
    "amount": ("deals", "number"),
    "is_won": ("deals", "bool"),
    "closing": ("deals", "datetime"),
}


def rule_set(axes: list[dict], criteria: list[tuple] | None = None, floor: int | None = 0) -> dict:
    return {
        "axes": axes,
        "total": {"of": [axis["id"] for axis in axes], "floor": floor},
        "criteria": criteria or [],
    }


def one_group(*rules: dict, **more) -> list[dict]:
    return [{"id": "only", "groups": [{"rules": list(rules), **more}]}]


def cache_for(plain: dict, fields: dict[str, tuple[str, str]] = FIELDS) -> ScoreCache:
    return ScoreCache(to_rules(plain, fields))


def signal(kind: str, at: int, *, n: int = 0, email: str | None = None, rejected: str | None = None) -> dict:
    made = {"id": f"{kind}-{at}-{n}", "kind": kind, "at": at, "day": at // DAY}
    return made | {"email": email, "form": None, "rejected": rejected}


def person(signals: list[dict], deals: list[dict] | None = None, **fields) -> dict:
    return {"fields": fields, "deals": deals or [], "signals": signals}


def score_of(plain: dict, who: dict, at: int = NOW, epoch: int | None = None) -> dict:
    cache = cache_for(plain)
    cache.add_person("c1", who)
    cache.at({"c1": at}, {"c1": epoch})
    return cache.scores()["c1"]


def criterion(leaf: tuple, who: dict, at: int = NOW) -> bool:
    return bool(score_of(rule_set(one_group({"points": 0, "signal": "x"}), [leaf]), who, at)["c_0"])
