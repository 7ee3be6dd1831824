"""How it is, what was done, who stands where: documents out of the cache, without a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlite_utils import Database

from connector import actions, signals, speed
from connector.model import Document, HandOff, iso, mask
from connector.plan import parts
from connector.rules.tree import READING, Rules, SignalKind
from connector.store import bookmarks, decisions, engagement, handoffs, outbox, plans, records


def status(db: Database, rules: Rules | None, now: int) -> tuple[Document, list[Document]]:
    """The summary of `status`, and its items: values that could not be read, contacts that lack something."""
    portal = bookmarks.fact(db, "portal")
    summary = {
        "portal": portal["id"] if portal else None,
        "as_of": iso(now),
        "rules": rules.hash if rules else None,
        "applied_rules": bookmarks.fact(db, "rules"),
        "cached": records.counts(db),
        "stages": _by(decisions.by_stage(db), [s.id for s in rules.workflow.stages] if rules else []),
        "temperatures": _by(
            decisions.by_temperature(db), [b.name for b in rules.workflow.bands] if rules else []
        ),
        "last_sync": _last_sync(db),
        "sources": [
            {"source": name, "state": mark.state, "moved_at": iso(mark.moved_at), "said": mark.said}
            for name, mark in bookmarks.everyone(db).items()
        ],
        "outbox": outbox.counts(db),
        "holds": decisions.count_holds(db, now),
        "handoffs": speed.figures(db, rules, now),
        "parked": engagement.parked(db),
        "oddities": records.count_oddities(db),
        "without_email": len(nameless := records.without_email(db)),
        "unknown_stages": len(strange := _unknown_stages(db, rules)),
        "to_judge": len(decisions.to_judge(db, now)),
    }
    items = [
        {
            "object": r["object"],
            "record": r["record_id"],
            "property": r["property"],
            "value": r["value"],
            "why": r["why"],
        }
        for r in records.oddities(db)
    ]
    items += [
        _odd(i, "email", None, "no e-mail address: e-mails and forms cannot be joined") for i in nameless
    ]
    items += [_odd(i, name, value, "no stage of this account: left alone") for i, name, value in strange]
    return summary, items


def _odd(contact: str, name: str, value: str | None, why: str) -> Document:
    return {"object": "contacts", "record": contact, "property": name, "value": value, "why": why}


def _unknown_stages(db: Database, rules: Rules | None) -> list[tuple[str, str, str]]:
    """Contacts whose stage in the CRM is none of the account's: (contact, property, value)."""
    lifecycle = rules.mapping.write_back.lifecycle if rules else None
    known = bookmarks.fact(db, "stages")
    if lifecycle is None or not known:
        return []
    name = lifecycle.property
    return [(i, name, value) for i, value in records.with_other_value(db, name, known)]


def _by(counts: Mapping[str, int], order: list[str]) -> dict[str, int]:
    """In the order of the rules; a name that they do not have any more comes last."""
    return {name: counts.get(name, 0) for name in order} | {n: c for n, c in counts.items() if n not in order}


def _last_sync(db: Database) -> Document | None:
    run = next((r for r in bookmarks.runs(db, 200) if r["verb"] in ("sync", "run")), None)
    return _run(run) if run else None


def _run(row: Mapping[str, Any]) -> Document:
    ended = row["ended_at"]
    return {
        "run": row["id"],
        "verb": row["verb"],
        "started_at": iso(row["started_at"]),
        "ended_at": iso(ended),
        "seconds": row["summary"].get("seconds"),
        "status": row["status"],
        "rules": row["rules"],
        "said": row["summary"].get("said", ""),
        "requests": row["summary"].get("requests", 0),
    }


def runs(db: Database, limit: int) -> list[Document]:
    return [_run(row) for row in bookmarks.runs(db, limit)]


_READ = {"email_open": "e-mail opens", "email_click": "e-mail clicks"}


def robots(db: Database, rules: Rules) -> list[Document]:
    """How many of the opens and clicks of e-mails that are kept count for nothing, and why."""
    names = {kind.name: _read(kind) for kind in rules.mapping.signals.values()}
    kept = signals.kept(db, [kind for kind, name in names.items() if name])
    found: dict[str, Document] = {}
    for kind, some in kept.items():
        one = found.setdefault(names[kind], {"of": names[kind], "count": 0, "rejected": {}})
        one["count"] += some.count
        one["rejected"] |= {r: one["rejected"].get(r, 0) + n for r, n in some.rejected.items()}
    return [one for one in found.values() if one["count"]]


def _read(kind: SignalKind) -> str:
    """What the signals of a kind are, if they are opens or clicks and some source rejects any."""
    events = {event for source in kind.sources for event in source.events}
    if not events & set(READING) or not any(source.reject_if for source in kind.sources):
        return ""
    return _READ[events.pop()] if len(events) == 1 else f"signals `{kind.name}`"


def ahead(db: Database, rules: Rules, now: int, most: int) -> list[Document]:
    """Signals that are dated in the future, the latest first. Meetings are, while they are planned."""
    kinds = rules.mapping.signals.values()
    planned = [k.name for k in kinds if {e for source in k.sources for e in source.events} == {"meeting"}]
    found = signals.ahead(db, now, planned, most)
    return [{"contact": contact, "kind": kind, "at": iso(at)} for contact, kind, at in found]


def contacts(
    db: Database,
    rules: Rules,
    now: int,
    *,
    stage: str | None = None,
    band: str | None = None,
    held: bool = False,
    breached: bool = False,
    limit: int | None = None,
) -> tuple[int, list[Document]]:
    """How many contacts fit, and the hottest of them. Addresses in full."""
    found, rows = decisions.listed(db, now, stage=stage, band=band, held=held, breached=breached, limit=limit)
    offered = handoffs.of(db, [row["id"] for row in rows])
    last = {contact: speed.short(some[-1], now) for contact, some in offered.items()}
    return found, [{**_contact(row, rules), "handoff": last.get(row["id"])} for row in rows]


def _contact(row: Mapping[str, Any], rules: Rules) -> Document:
    return {
        "contact": row["id"],
        "email": row["email"],
        "stage": row["stage"],
        "stage_since": iso(row["stage_since"]),
        "stage_why": row["stage_why"] or "",
        "journey": row["journey"],
        "temperature": row["temperature"],
        "points": row["points"],
        "why": parts(rules, orjson.loads(row["parts"]), orjson.loads(row["counted"]))[:3],
        "held": {"why": row["held_why"], "until": iso(row["until"])} if row["until"] else None,
    }


def plan(db: Database, row: plans.PlanRow, *, verbose: bool) -> tuple[Document, list[Document]]:
    """A stored plan as its document; addresses masked unless `verbose`."""
    summary = {"plan": row.id, "as_of": iso(row.as_of), "rules": row.rules, **row.summary}
    found = plans.items(db, row.seq, changed_only=True)
    items = [_item(document, row.as_of, verbose=verbose) for document in found]
    return summary, items


def _item(document: Document, now: int, *, verbose: bool) -> Document:
    hold = document["hold"]
    return {
        "contact": document["contact"],
        "email": document["email"] if verbose else mask(document["email"]),
        "stage": document["stage"],
        "points": document["points"],
        "temperature": document["temperature"],
        "changes": document["changes"],
        "actions": [
            {
                "kind": one["kind"],
                "key": one["key"],
                "says": action(one, document["email"], verbose=verbose),
                "due_at": iso(actions.due_at(one["kind"], one["value"])),
            }
            for one in document["actions"]
        ],
        "lead_status": document["lead_status"],
        "handoff": speed.short(HandOff(**document["handoffs"][-1]), now) if document["handoffs"] else None,
        "hold": hold and {"why": hold["why"], "since": iso(hold["since"]), "until": iso(hold["until"])},
        "note": document["note"],
        "overwrites": document["overwrites"],
    }


def action(row: Mapping[str, Any], email: str | None, *, verbose: bool) -> str:
    """An action of a plan or of the outbox in words; addresses masked unless `verbose`."""
    value = row["value"] if "value" in row else row["new"]
    if verbose:
        return actions.says(row["kind"], row["key"], value)
    said = actions.says(row["kind"], row["key"], value, mask)
    return said.replace(email, mask(email)) if email else said  # a task names by it whoever has no name
