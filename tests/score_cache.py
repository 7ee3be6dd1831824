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
    "CREATE INDEX contact_company ON contact(company_id)",
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
        self.dated = sorted(compiler.dependencies(rules).dated)
        for name in self.dated:
            self.db.execute(f"ALTER TABLE contact ADD COLUMN {quoted(f't_{name}')} INTEGER")
        self.select = compiler.score_select(rules)
        self.accounts = account_selects(rules)

    def __del__(self) -> None:
        self.db.close()  # from 3.13 on Python says so where one is left open

    def add(self, table: str, how: str = "", /, **row: Any) -> None:
        names = ", ".join(quoted(name) for name in row)
        marks = ", ".join("?" * len(row))
        self.db.execute(f"INSERT {how} INTO {table}({names}) VALUES ({marks})", tuple(row.values()))

    def add_person(self, contact_id: str, person: dict) -> None:
        """A person as the oracle knows them; what lives on the company goes there. `company` is its id (one
        of their own, if it is not said), None for somebody who has none."""
        on_company = {n for n, f in self.rules.mapping.fields.items() if f.object == "companies"}
        here = {f"f_{n}": v for n, v in person["fields"].items() if n not in on_company}
        here |= {f"t_{n}": person.get("since", {}).get(n) for n in self.dated}
        there = {f"f_{n}": v for n, v in person["fields"].items() if n in on_company}
        company = person.get("company", f"co-{contact_id}")
        self.add("contact", id=contact_id, company_id=company, **here)
        if company is not None:
            self.add("company", "OR IGNORE", id=company, **there)
        for n, deal in enumerate(person["deals"]):
            self.add("deal", id=f"{contact_id}-{n}", **{f"f_{name}": v for name, v in deal.items()})
            self.add("deal_contact", deal_id=f"{contact_id}-{n}", contact_id=contact_id)
        for signal in person["signals"]:
            self.add("signal", contact_id=contact_id, **signal)

    def at(self, moments: dict[str, int], epochs: dict[str, int | None] | None = None) -> None:
        """Whom to score, and as of when. Where rules ask for accounts, everybody of a company is among them,
        at one moment."""
        self.db.execute("DELETE FROM subject")
        rows = [(who, moment, (epochs or {}).get(who)) for who, moment in moments.items()]
        self.db.executemany("INSERT INTO subject VALUES (?, ?, ?)", rows)
        if self.accounts:
            fill_accounts(self.db, *self.accounts)

    def scores(self) -> dict[str, dict[str, Any]]:
        rows = self.db.execute(self.select).fetchall()
        assert len(rows) == self.db.execute("SELECT count(*) FROM subject").fetchone()[0]
        return {row["contact_id"]: dict(row) for row in rows}

    def lines(self) -> list[dict[str, Any]]:
        return [dict(row) for row in self.db.execute(compiler.points_select(self.rules))]


def account_selects(rules: Rules, dialect: str = "sqlite") -> tuple[str, str] | None:
    """What scores a company's people and what adds them up; None where no rule asks for it."""
    if not compiler.dependencies(rules).accounts:
        return None
    return compiler.member_select(rules, dialect), compiler.account_select(rules, dialect)


def fill_accounts(db: Any, member_select: str, account_select: str) -> None:
    """The tables `member` and `account`, from the subjects: all the people of their companies. `db` is a
    connection of either engine."""
    for table in ("member", "account"):
        db.execute(f"DROP TABLE IF EXISTS {table}")
    db.execute(
        f"CREATE TABLE member AS SELECT c.company_id, s.* FROM ({member_select}) AS s "
        "JOIN contact c ON c.id = s.contact_id WHERE c.company_id IS NOT NULL"
    )
    db.execute(f"CREATE TABLE account AS {account_select}")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


# -- plain rules as nouns -----------------------------------------------------------------------------


def to_rules(plain: dict, fields: dict[str, tuple[str, str]]) -> Rules:
    """`fields`: name -> (object, type). Every criterion becomes a stage with that one leaf."""
    place = (Place("workflows/q.yaml", n) for n in itertools.count(1))
    types = {name: kind for name, (_, kind) in fields.items()}
    ids = (f"rule{n}" for n in itertools.count())

    def rule(one: dict, decay: tree.Decay | tree.HalfLife | None) -> tree.Rule:
        if "when" in one:
            when = to_condition(one["when"], types, place)
            return tree.PropertyRule(next(ids), {}, one["points"], when, next(place))
        options = {k: one.get(k) for k in ("at_most", "per", "once_per", "cap")}
        return tree.SignalRule(
            next(ids), {}, one["points"], one["signal"], next(place), decay=decay, **options
        )

    def group(one: dict, n: int) -> tree.Group:
        rules = tuple(rule(r, to_decay(one.get("decay"))) for r in one["rules"])
        return tree.Group(f"g{n}", rules, next(place), one.get("cap"))

    def axis(one: dict) -> tree.Axis:
        groups = tuple(group(g, n) for n, g in enumerate(one["groups"]))
        return tree.Axis(one["id"], groups, next(place), one.get("floor"), one.get("ceiling"))

    stages = tuple(
        tree.StageRule(f"s{n}", next(place), to_condition(one, types, place))
        for n, one in enumerate(plain["criteria"])
    )
    total = tree.Total(tuple(plain["total"]["of"]), next(place), plain["total"].get("floor"))
    accounts = tuple(
        tree.AccountScore(name, one["top"], next(place), one.get("cap"))
        for name, one in plain.get("accounts", {}).items()
    )
    axes = tuple(axis(a) for a in plain["axes"])
    workflow = WorkflowRules("q", axes, total, (), stages, tree.Overrides(True, 0), accounts)
    return Rules(to_mapping(fields), workflow, "0" * 12, ())


def to_decay(plain: dict | None) -> tree.Decay | tree.HalfLife | None:
    if plain is None:
        return None
    if "half_life" in plain:
        return tree.HalfLife(plain["half_life"])
    return tree.Decay(plain["after"], tuple(plain["to"]), plain["every"])


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
        case ("without", kinds, lasting):
            return tree.Without(tuple(kinds), lasting, next(place))
        case ("method", names, least, fresh):
            return tree.MethodMet("m", tuple(names), least, fresh, next(place))
        case ("test", scope, name, op, values):
            kind = "number" if scope in ("score", "account") else types[name]
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


def cache_with(plain: dict, people: dict[str, dict], fields: dict[str, tuple[str, str]]) -> ScoreCache:
    cache = cache_for(plain, fields)
    for who, one in people.items():
        cache.add_person(who, one)
    return cache


def scored_at(cache: ScoreCache, people: dict[str, dict], clock: dict[str, int]) -> dict[str, dict]:
    """Everybody at their moment, since their journey began."""
    cache.at(clock, {who: one["epoch"] for who, one in people.items()})
    return cache.scores()


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
