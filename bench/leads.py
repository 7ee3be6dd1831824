"""Takes a file of leads the whole way and measures how well the rules rank them.

    .venv/bin/python bench/leads.py ../shared/data/xeducation_leads_clean.csv

The file's rows become contacts of a sandbox (real HTTP on loopback, its usual limits on); then provision,
pull, plan, apply, a second sync. Everything that is judged here is read back from the account by a client
that shares no code with ours. Exit code: 0 all checks hold, 1 one does not, 2 the file cannot be used.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import math
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson

from connector import rules as rulebook
from connector import sandbox, signals
from connector.clock import SystemClock
from connector.decide import preview
from connector.errors import ConnectorError
from connector.hubspot import account
from connector.hubspot.transport import Transport
from connector.model import Secret
from connector.provision import properties
from connector.pull import Pulling, pull
from connector.rules.tree import Rules
from connector.store import decisions
from connector.store.schema import open_store
from connector.sync import Synced, Way, apply, sync

RULES = Path(__file__).parents[1] / "examples" / "online-school"
ID, ORDER, OUTCOME = "Prospect ID", "Lead Number", "Converted"
OLDEST_PERCENT = 70  # the rules were chosen on these; the rest is the test
MOST_RULES, LEAST_AREA = 15, 0.80
Z95 = 1.959964  # of a normal distribution, for 95 % in the middle

# fmt: off
LEAKS = frozenset({  # written after somebody spoke to the lead, or because of it: no rule may see them
    "converted", "tags", "lead_quality", "lead_profile", "last_activity", "last_notable_activity",
    "asymmetrique_activity_index", "asymmetrique_profile_index", "asymmetrique_activity_score",
    "asymmetrique_profile_score",
})
# fmt: on

Lead = Mapping[str, str]  # a row of the file, by column
Contact = Mapping[str, str | None]  # a contact's properties, as the account tells them


class UnusableFile(ValueError):
    """The file cannot be measured; the text says why."""


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    seconds: float
    requests: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What the way gave. `cached`: points by contact id; `contacts`: the account's own, by contact id."""

    steps: Sequence[Step]
    refused: Sequence[tuple[int, str]]
    cached: Mapping[str, int]
    contacts: Mapping[str, Contact]
    second: Synced


@dataclass(frozen=True, slots=True)
class Check:
    holds: bool
    said: str


# -- the file ------------------------------------------------------------------------------------------


def read_leads(path: Path) -> list[Lead]:
    """:raises UnusableFile: it cannot be read, or lacks a column that is needed"""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            leads: list[Lead] = [*csv.DictReader(file)]
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableFile(f"{path} cannot be read: {error}") from error
    missing = [name for name in (ID, ORDER, OUTCOME) if not leads or name not in leads[0]]
    if missing:
        raise UnusableFile(f"{path} has no rows, or no column {', '.join(missing)}.")
    if any(not lead[ORDER].strip().isdecimal() or lead[OUTCOME] not in ("0", "1") for lead in leads):
        raise UnusableFile(f"{path}: every `{ORDER}` is a whole number and every `{OUTCOME}` 0 or 1.")
    return leads


def with_addresses(leads: Sequence[Lead], path: Path) -> None:
    """Writes the leads with an e-mail address each, made of their id where the file has none."""
    has = any(name.strip().lower() in ("email", "e-mail") for name in leads[0])
    rows = leads if has else [{"Email": f"{lead[ID].strip()}@lead.example", **lead} for lead in leads]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def split(leads: Sequence[Lead]) -> tuple[list[Lead], list[Lead]]:
    """(oldest 70 %, newest 30 %)."""
    ordered = sorted(leads, key=lambda lead: int(lead[ORDER]))
    cut = len(ordered) * OLDEST_PERCENT // 100
    return ordered[:cut], ordered[cut:]


# -- the way -------------------------------------------------------------------------------------------


def take(leads: Sequence[Lead], rules: Rules) -> Taken:
    """The leads through a sandbox and back. :raises ConnectorError: as the steps do"""
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "leads.csv"
        with_addresses(leads, file)
        began = clock.monotonic()
        with sandbox.start(load=file) as portal:
            loaded = Step("sandbox", clock.monotonic() - began, 0)
            return asyncio.run(_walk(portal, rules, Path(folder) / "cache.db", loaded))


async def _walk(portal: sandbox.Portal, rules: Rules, file: Path, loaded: Step) -> Taken:
    clock, steps, db = SystemClock(), [loaded], open_store(file)
    try:
        # all of the burst limit: nobody else lives in this account
        async with Transport(portal.url, Secret(portal.token), clock, rate_share=1.0) as t:
            way = Way(t, db, rules, clock, brake=0.2)
            with _step(steps, "provision", way):
                await account.provision(t, properties(rules))
            with _step(steps, "pull", way):
                pulled = await pull(Pulling(t, db, rules, clock.now()))
            with _step(steps, "plan", way):
                signals.derive(db, rules.mapping)
                plan = preview(db, rules, clock.now())
            with _step(steps, "apply", way):
                await apply(way, plan, pulled)
            with _step(steps, "second sync", way):
                second = await sync(way)
        contacts = await _read_back(portal, rules)
        cached = decisions.last_points(db, decisions.everyone(db))
    finally:
        db.close()
    return Taken(steps, portal.refused, cached, contacts, second)


@contextmanager
def _step(steps: list[Step], name: str, way: Way) -> Iterator[None]:
    began, sent = way.clock.monotonic(), way.t.requests
    yield
    steps.append(Step(name, way.clock.monotonic() - began, way.t.requests - sent))


async def _read_back(portal: sandbox.Portal, rules: Rules) -> dict[str, Contact]:
    """Every contact by its id, from the list endpoint, with a plain client."""
    back = rules.mapping.write_back.fields
    asked = {"limit": "100", "properties": ",".join([_property(ID), back["score"], back["temperature"]])}
    found: dict[str, Contact] = {}
    headers = {"Authorization": f"Bearer {portal.token}"}
    async with httpx.AsyncClient(base_url=portal.url, headers=headers, trust_env=False) as client:
        while True:
            page = await _page(client, asked)
            found |= {row["id"]: row["properties"] for row in page["results"]}
            if "paging" not in page:
                return found
            asked["after"] = page["paging"]["next"]["after"]


async def _page(client: httpx.AsyncClient, asked: Mapping[str, str]) -> Any:
    """One page; a 429 is waited out: the limit forgets a call after ten seconds."""
    for _ in range(12):
        answer = await client.get("/crm/v3/objects/contacts", params=asked)
        if answer.status_code != 429:
            break
        await SystemClock().sleep(1)
    return answer.raise_for_status().json()


def _property(column: str) -> str:
    return column.lower().replace(" ", "_")


# -- how well the scores rank --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ranking:
    """The area under the ROC curve over `leads` leads and its 95 % interval, each 0 to 1."""

    area: float
    low: float
    high: float
    leads: int


def ranking(scores: Sequence[float], outcomes: Sequence[bool]) -> Ranking | None:
    """How often a lead that was won scores above one that was not, a tie counting half (Mann-Whitney).

    The interval is DeLong's (1988), by midranks (Sun and Xu 2014). None with fewer than two won or two lost.
    """
    won = [s for s, y in zip(scores, outcomes, strict=True) if y]
    lost = [s for s, y in zip(scores, outcomes, strict=True) if not y]
    if len(won) < 2 or len(lost) < 2:
        return None
    joint = _midranks([*won, *lost])
    # For each won lead the share of the lost that it beats, and for each lost one the share of the won that
    # beats it: their means are the area, their variances its uncertainty.
    beats = [(r - own) / len(lost) for r, own in zip(joint, _midranks(won), strict=False)]
    beaten = [1 - (r - own) / len(won) for r, own in zip(joint[len(won) :], _midranks(lost), strict=True)]
    area = math.fsum(beats) / len(won)
    margin = Z95 * math.sqrt(_variance(beats) / len(won) + _variance(beaten) / len(lost))
    return Ranking(area, max(0.0, area - margin), min(1.0, area + margin), len(scores))


def _midranks(values: Sequence[float]) -> list[float]:
    """The rank of each value, from 1; equal values share the mean of their ranks."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            ranks[place] = (start + 1 + end) / 2
        start = end
    return ranks


def _variance(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((x - mean) ** 2 for x in values) / (len(values) - 1)


# -- what is said --------------------------------------------------------------------------------------


def measure(leads: Sequence[Lead], rules: Rules) -> tuple[dict[str, Any], list[Check]]:
    """The figures and the checks. :raises UnusableFile: too few leads, or rules that write no score"""
    oldest, newest = split(leads)
    if len({lead[OUTCOME] for lead in newest}) < 2:
        raise UnusableFile("The newest 30 % of the leads were all won, or all lost.")
    back = rules.mapping.write_back.fields
    if not {"score", "temperature"} <= set(back):
        raise UnusableFile("These rules do not write the score and the temperature into the CRM.")
    taken = take(leads, rules)
    by_lead = {str(c[_property(ID)]).strip(): c for c in taken.contacts.values()}
    scores = {i: float(c[back["score"]] or "nan") for i, c in by_lead.items() if c.get(back["score"])}
    bands = {i: str(c.get(back["temperature"])) for i, c in by_lead.items()}

    def ranked(some: Sequence[Lead]) -> Ranking | None:
        known = [lead for lead in some if lead[ID].strip() in scores]
        return ranking([scores[lead[ID].strip()] for lead in known], [lead[OUTCOME] == "1" for lead in known])

    by_hand = [lead for lead in newest if lead.get("Lead Origin") != "Lead Add Form"]
    rankings = {
        "newest": ranked(newest),
        "newest_without_hand_entered": ranked(by_hand),
        "oldest": ranked(oldest),
    }
    summary = {
        "leads": len(leads),
        "contacts": len(taken.contacts),
        "rules": len(rules.workflow.rules()),
        "scores_in_crm": len(scores),
        "area_under_roc": {name: r and _fields(r) for name, r in rankings.items()},
        "bands": [_band(band.name, bands, leads, newest) for band in rules.workflow.bands],
        "steps": [_fields(step) for step in taken.steps],
        "requests": sum(step.requests for step in taken.steps),
        "seconds": sum(step.seconds for step in taken.steps),
    }
    return summary, list(_checks(leads, rules, taken, scores, rankings["newest"]))


def _fields(noun: Step | Ranking) -> dict[str, Any]:
    return {name: getattr(noun, name) for name in noun.__dataclass_fields__}


def _band(
    name: str, bands: Mapping[str, str], leads: Sequence[Lead], newest: Sequence[Lead]
) -> dict[str, Any]:
    """Its share of all leads and of the newest, and how many of the latter were won (None: nobody in it)."""
    inside = [lead for lead in newest if bands.get(lead[ID].strip()) == name]
    number = sum(bands.get(lead[ID].strip()) == name for lead in leads)
    won = sum(lead[OUTCOME] == "1" for lead in inside)
    return {
        "band": name,
        "leads": number,
        "share": number / len(leads),
        "newest_share": len(inside) / len(newest),
        "newest_converted": won / len(inside) if inside else None,
    }


def _checks(
    leads: Sequence[Lead], rules: Rules, taken: Taken, scores: Mapping[str, float], newest: Ranking | None
) -> Iterator[Check]:
    total, back = len(leads), rules.mapping.write_back.fields
    refused = [f"line {line}: {why}" for line, why in taken.refused][:3]
    said = f"{len(taken.contacts):,} of {total:,} rows are contacts in the CRM" + "".join(
        f"; {r}" for r in refused
    )
    yield Check(len(taken.contacts) == total, said)
    there = {i for i, c in taken.contacts.items() if c.get(back["score"])}
    yield Check(len(scores) == total, f"{len(scores):,} of {total:,} leads have a score in the CRM")
    equal = sum(float(taken.contacts[i][back["score"]] or "nan") == taken.cached.get(i) for i in there)
    yield Check(equal == total == len(taken.cached), f"{equal:,} of {total:,} scores are those of the cache")
    again, wrote = taken.second.plan.summary["changed"], taken.second.sent.values if taken.second.sent else 0
    quiet = not again and not wrote and taken.second.sent is not None
    yield Check(quiet, f"a second sync changes {again:,} contacts and writes {wrote:,} values")
    seen = sorted(LEAKS & {field.property for field in rules.mapping.fields.values()})
    yield Check(
        not seen, f"columns that leak the outcome and that a rule could see: {', '.join(seen) or 'none'}"
    )
    number = len(rules.workflow.rules())
    yield Check(number <= MOST_RULES, f"{number} rules, at most {MOST_RULES}")
    area = newest.area if newest else math.nan
    yield Check(
        area >= LEAST_AREA, f"area under the ROC curve on the newest 30 %: {area:.4f}, at least {LEAST_AREA}"
    )


def _draw(summary: Mapping[str, Any], checks: Sequence[Check]) -> str:
    lines = ["step          seconds  requests"]
    lines += [f"{s['name']:<12}  {s['seconds']:7.1f}  {s['requests']:8,}" for s in summary["steps"]]
    lines += [f"{'together':<12}  {summary['seconds']:7.1f}  {summary['requests']:8,}", ""]
    lines += ["band    leads   share  of the newest  won of these"]
    for b in summary["bands"]:
        won = "-" if b["newest_converted"] is None else f"{b['newest_converted']:.1%}"
        lines.append(
            f"{b['band']:<6}  {b['leads']:5,}  {b['share']:6.1%}  {b['newest_share']:13.1%}  {won:>12}"
        )
    lines += [
        "",
        f"{summary['rules']} rules; area under the ROC curve of the total against {OUTCOME} (95 % interval):",
    ]
    names = {
        "newest": "newest 30 %",
        "newest_without_hand_entered": "  not entered by hand",
        "oldest": "oldest 70 %",
    }
    for name, r in summary["area_under_roc"].items():
        said = (
            f"{r['area']:.4f}  ({r['low']:.4f} to {r['high']:.4f})  {r['leads']:,} leads"
            if r
            else "too few leads"
        )
        lines.append(f"{names[name]:<22}  {said}")
    lines += ["", *(f"{'ok    ' if check.holds else 'FAILED'}  {check.said}" for check in checks)]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", type=Path, help="the leads as CSV")
    parser.add_argument(
        "--rules", type=Path, default=RULES, help="folder of the rules (examples/online-school)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    asked = parser.parse_args()
    try:
        summary, checks = measure(read_leads(asked.file), rulebook.load(asked.rules))
    except (UnusableFile, ConnectorError) as error:
        print(f"error: {error} {getattr(error, 'fix', '')}".rstrip(), file=sys.stderr)
        return 2 if isinstance(error, UnusableFile) else error.exit_code
    holds = all(check.holds for check in checks)
    if asked.json:
        document = {
            "version": 1,
            "command": "bench leads",
            "status": "done" if holds else "failed",
            "summary": summary,
            "items": [{"holds": check.holds, "said": check.said} for check in checks],
            "diagnostics": [],
        }
        print(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    else:
        print(_draw(summary, checks))
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
