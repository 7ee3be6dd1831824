"""Random histories of people and their companies, as the oracle knows them, out of one seed."""

from __future__ import annotations

import random
from itertools import count

from random_rules import FIELDS, KINDS, NUMBERS, OF_CONTACT, TEXTS, now

PEOPLE = 50


def a_moment(r: random.Random, unit: int, low: int, high: int) -> int:
    """Mostly whole units, so that boundaries are hit; days now and then one millisecond beside."""
    beside = r.choice([-1, 0, 0, 0, 1]) if unit > 1 else 0
    return now(unit) + r.randint(low, high) * unit + beside


def a_value(r: random.Random, kind: str, unit: int) -> object:
    if r.random() < 0.25:
        return None
    match kind:
        case "number":
            return r.choice(NUMBERS)
        case "bool":
            return r.random() < 0.5
        case "date" | "datetime":
            return a_moment(r, unit, -60, 60)
    return r.choice(TEXTS)


def a_signal(r: random.Random, n: int, unit: int) -> dict:
    at = a_moment(r, unit, -60, 15)
    return {
        "id": f"s{r.randint(0, 9)}-{n}",
        "kind": r.choice(KINDS),
        "at": at,
        "day": at // (10 * unit),
        "email": r.choice([None, "e1", "e2"]),
        "form": r.choice([None, "f1"]),
        "rejected": "crm_filtered" if r.random() < 0.1 else None,
    }


def some(r: random.Random, on: str, unit: int) -> dict:
    return {name: a_value(r, kind, unit) for name, (where, kind) in FIELDS.items() if where == on}


def a_person(r: random.Random, unit: int, company: str | None, of_company: dict) -> dict:
    return {
        "company": company,
        "fields": some(r, "contacts", unit) | of_company,
        "since": {n: r.choice([None, *[a_moment(r, unit, -60, 15)] * 4]) for n in OF_CONTACT},
        "deals": [some(r, "deals", unit) for _ in range(r.choice([0, 0, 1, 2]))],
        "signals": [a_signal(r, n, unit) for n in range(r.choice([0, 1, 3, 6, 12]))],
        "epoch": r.choice([None, None, a_moment(r, unit, -50, 0)]),
    }


def people_of(seed: int, unit: int) -> dict[str, dict]:
    """Fifty people: some without a company, some alone in theirs, some with up to four colleagues."""
    r = random.Random(seed)
    names = (f"c{n}" for n in range(PEOPLE))
    people: dict[str, dict] = {}
    for n in count():
        of_company = some(r, "companies", unit)
        alone = r.random() < 0.15
        members = [
            (name, a_person(r, unit, None if alone else f"co{n}", {} if alone else of_company))
            for _, name in zip(range(1 if alone else r.choice([1, 1, 2, 5])), names, strict=False)
        ]
        for name, person in members:
            people[name] = person | {"colleagues": None if alone else [who for _, who in members]}
        if len(people) == PEOPLE:
            return people
    raise AssertionError


def companies_of(people: dict[str, dict]) -> dict[str, list[str]]:
    """Who has to be scored at one moment; somebody without a company, alone."""
    found: dict[str, list[str]] = {}
    for who, person in people.items():
        found.setdefault(person["company"] or who, []).append(who)
    return found


def a_clock(r: random.Random, people: dict[str, dict], unit: int) -> dict[str, int]:
    """A moment for everybody, the same for the people of a company."""
    clock: dict[str, int] = {}
    for members in companies_of(people).values():
        clock |= dict.fromkeys(members, a_moment(r, unit, -10, 30))
    return clock


def shuffled(r: random.Random, people: dict[str, dict]) -> dict[str, dict]:
    """The same evidence, arrived in another order."""
    return {
        who: person | {name: r.sample(person[name], len(person[name])) for name in ("signals", "deals")}
        for who, person in r.sample(list(people.items()), len(people))
    }
