"""contacts and explain: who stands where, and why."""

from __future__ import annotations

import csv
import sys

import click

from connector.cli.door import Door, verb
from connector.cli.when import moment
from connector.errors import BadCommand
from connector.model import OUT, Document, mask
from connector.views import Result

CSV = (
    "contact",
    "email",
    "stage",
    "stage_since",
    "stage_why",
    "journey",
    "temperature",
    "points",
    "why",
    "held",
    "handoff",
)
SHOWN = 50


@verb("contacts")
@click.option("--stage", help="Only this stage of ours (mql, sql, ...).")
@click.option("--band", help="Only this temperature (hot, warm, cold).")
@click.option("--held", is_flag=True, help="Only those that are held.")
@click.option("--breached", is_flag=True, help="Only those that wait for sales longer than agreed.")
@click.option("--csv", "as_csv", is_flag=True, help="Print all as CSV, addresses in full.")
@click.option("--limit", type=click.IntRange(1), default=SHOWN, show_default=True, help="At most so many.")
def contacts(
    door: Door, stage: str | None, band: str | None, held: bool, breached: bool, as_csv: bool, limit: int
) -> Result | None:
    """List contacts, the hottest first."""
    from connector import report

    rules = door.rules()
    _known("stage", stage, [*rules.workflow.stages_named(), OUT])
    _known("temperature", band, [b.name for b in rules.workflow.bands])
    db = door.open(must_exist=True)
    found, items = report.contacts(
        db,
        rules,
        door.clock().now(),
        stage=stage,
        band=band,
        held=held,
        breached=breached,
        limit=None if as_csv else limit,
    )
    db.close()
    if as_csv and not door.json:
        if not door.quiet:
            _print_csv(items)
        return None
    if not (door.verbose or as_csv):
        items = [{**item, "email": mask(item["email"])} for item in items]
    return Result("contacts", summary={"found": found, "stage": stage, "band": band}, items=items)


def _known(what: str, name: str | None, names: list[str]) -> None:
    if name is not None and name not in names:
        raise BadCommand(f"`{name}` is no {what} of these rules.", f"Use one of {', '.join(names)}.")


def _print_csv(items: list[Document]) -> None:
    writer = csv.DictWriter(sys.stdout, CSV, lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {**item, "why": ", ".join(item["why"]), "held": _held(item), "handoff": _handoff(item)}
        for item in items
    )


def _held(item: Document) -> str:
    return f"until {item['held']['until']}: {item['held']['why']}" if item["held"] else ""


def _handoff(item: Document) -> str:
    said = item["handoff"]
    return f"{said['stage']} {said['state']}{', late' if said['breached_at'] else ''}" if said else ""


@verb("explain")
@click.argument("contact")
@click.option("--at", help="At this moment: a date, a time, or 30d ago.")
def explain(door: Door, contact: str, at: str | None) -> Result:
    """Every point of CONTACT (id or e-mail) with its rule and signals, its stage and why, and what is next."""
    from connector import explain as explaining

    rules = door.rules()
    now = door.clock().now()
    db = door.open(must_exist=True)
    found = explaining.explain(db, rules, contact, moment(at, now, door.zone) if at else now)
    db.close()
    summary = found.summary if door.verbose else _masked(found.summary)
    return Result("explain", summary=summary, items=found.items)


def _masked(summary: Document) -> Document:
    handoffs = [{**one, "owner": one["owner"] and mask(one["owner"])} for one in summary["handoffs"]]
    return {**summary, "email": mask(summary["email"]), "handoffs": handoffs}
