"""The words of plan, apply and sync."""

from __future__ import annotations

from collections import Counter

from connector.model import Document
from connector.views.ink import Draw, Ink, count, table

SHOWN = 20  # contacts of a plan that are drawn; `-v` draws all


def plan(document: Document, ink: Ink) -> list[str]:
    if document["status"] == "compared":
        return _compared(document, ink)
    summary = document["summary"]
    lines = [
        f"{count(summary['contacts'], 'contact')} as of {ink.minute(summary['as_of'])}. "
        f"Rules {summary['rules'][:7]}."
    ]
    if document["status"] == "empty" or not (summary["changed"] or summary["held"]):
        return [*lines, "No changes. The CRM already says what the rules want."]
    ordered = sorted(document["items"], key=_most_moved_first)
    shown = ordered if ink.verbose else ordered[:SHOWN]
    lines.append("")
    for item in shown:
        lines += _contact(item, ink)
    if len(document["items"]) > len(shown):
        lines.append(f"  ... and {len(document['items']) - len(shown):,} more (-v shows all)")
    lines += ["", *(_moves(document["items"]) if len(document["items"]) > SHOWN else [])]
    lines.append(f"Plan {ink.bold(summary['plan'])}: {_totals(summary)}.")
    if summary["overwritten"]:
        lines.append(f"{_overwritten(summary)} and will be put back.")
    if summary["changed"]:
        lines.append(f"To send exactly these changes: connector apply {summary['plan']}")
    return lines


def _overwritten(summary: Document) -> str:
    return f"{count(summary['overwritten'], 'value of ours was', 'values of ours were')} changed by others"


def _most_moved_first(item: Document) -> tuple[bool, int, str]:
    """Those who change stage before those who only change points."""
    stage, points = item["stage"], item["points"]
    return stage["from"] == stage["to"], -abs(points["to"] - (points["from"] or 0)), item["contact"]


def _moves(items: list[Document]) -> list[str]:
    """How many go from which stage to which."""
    moved = Counter((item["stage"]["from"] or "new", item["stage"]["to"]) for item in items)
    said = [f"{number:,} {old} -> {new}" for (old, new), number in moved.most_common() if old != new]
    return [f"Stages: {', '.join(said)}."] if said else []


def _compared(document: Document, ink: Ink) -> list[str]:
    """Two folders of rules side by side."""
    about = document["summary"]
    here, there = about["stages_here"], about["stages_there"]
    names = [*here, *(name for name in there if name not in here)]
    rows = [["stage", "here", "there", ""]]
    for name in names:
        mine, theirs = here.get(name, 0), there.get(name, 0)
        rows.append([name, f"{mine:,}", f"{theirs:,}", f"{theirs - mine:+,}" if mine != theirs else ""])
    shown = document["items"] if ink.verbose else document["items"][:SHOWN]
    lines = [
        f"Rules here {about['rules'][:7]}, there {about['against'][:7]}, as of {ink.minute(about['as_of'])}.",
        "",
    ]
    lines += [*table(rows, right=(1, 2, 3)), ""]
    for item in shown:
        here, there = item["here"], item["there"]
        said = [f"{name} {here[name]} -> {there[name]}" for name in here if here[name] != there[name]]
        lines.append(
            f"  {ink.good('~')} {ink.bold(item['contact'])}  {item['email'] or '(no e-mail)'}  {', '.join(said)}"
        )
    if len(document["items"]) > len(shown):
        lines.append(f"  ... and {len(document['items']) - len(shown):,} more (-v shows all)")
    return [
        *lines,
        f"{count(about['differ'], 'contact')} of {about['contacts']:,} would stand elsewhere. Nothing was sent.",
    ]


def _totals(summary: Document) -> str:
    return f"{summary['changed']:,} to change, {summary['held']:,} held, {summary['unchanged']:,} unchanged"


def _contact(item: Document, ink: Ink) -> list[str]:
    mark = ink.good("~") if item["changes"] or item.get("actions") else ink.warn("!")
    lines = [f"  {mark} {ink.bold(item['contact'])}  {item['email'] or '(no e-mail)'}"]
    stage, points = item["stage"], item["points"]
    if stage["from"] != stage["to"]:
        crm = f" (CRM: {stage['crm']})" if stage["crm"] else ""
        where = f" ({stage['rule']})" if stage["rule"] else ""
        lines.append(f"      stage   {stage['from'] or 'new'} -> {stage['to']}{crm}   {stage['why']}{where}")
    if points["from"] != points["to"]:
        was = "new" if points["from"] is None else points["from"]
        lines.append(f"      score   {was} -> {points['to']}   {', '.join(points['parts'][:3])}".rstrip())
    if item["hold"]:
        lines.append(f"      stage   held until {ink.day(item['hold']['until'])}: {item['hold']['why']}")
    lines += [f"      {one['kind']:<7} {_says(one, ink)}" for one in item.get("actions", ())]
    if status := item.get("lead_status"):
        lines.append(f"      lead status   {_flat(status['old'])} -> {status['new']}")
    if offer := item.get("handoff"):
        due = f", first touch due {ink.minute(offer['due_at'])}" if offer["due_at"] else ""
        lines.append(
            f"      sales   {offer['stage']} {offer['state']}{due if offer['state'] == 'offered' else ''}"
        )
    if len(lines) == 1:
        lines += [f"      {c['property']}   {_flat(c['old'])} -> {_flat(c['new'])}" for c in item["changes"]]
    if item["note"]:
        lines.append(f"      note    {item['note']}")
    return lines


def _says(action: Document, ink: Ink) -> str:
    """`task for Ana: ...` under the heading `task`."""
    due = f", due {ink.minute(action['due_at'])}" if action["due_at"] else ""
    return str(action["says"]).removeprefix(f"{action['kind']} ") + due


def _flat(value: str | None) -> str:
    return ", ".join(value.splitlines()) if value else "nothing"


def apply(document: Document, ink: Ink) -> list[str]:
    summary = document["summary"]
    if document["status"] == "already":
        return [f"already applied {summary['plan']}; nothing sent"]
    if document["status"] == "empty":
        return [f"Plan {summary['plan']} has no changes; nothing was sent."]
    lines = _exceptions(document, ink)
    if summary["stale"]:
        lines.append(
            f"{summary['stale']:,} of the {count(summary['changed'], 'contact')} of plan {summary['plan']} changed "
            f"since it was made; they were left out (listed above). Run connector plan again for them."
        )
    lines.append(f"Applied {summary['plan']}: {_sent(summary)}.")
    return [*lines, _look(document)] if summary["held"] else lines


def _look(document: Document) -> str:
    """Where a person goes on: rows that the CRM refused, or contacts left alone for a person's sake."""
    refused = any(item["became"] == "held" and not item["until"] for item in document["items"])
    return f"See them: connector {'outbox list' if refused else 'contacts --held'}"


def _sent(summary: Document) -> str:
    sent = f"{summary['sent']:,} sent, {summary['held']:,} held, {summary['dropped']:,} dropped"
    more = (("actions", "actions done"), ("waiting", "waiting"), ("already", "already there"))
    told = [f"{summary[name]:,} {words}" for name, words in more if summary.get(name)]
    return ", ".join([sent, *told]).replace(" 1 actions done", " 1 action done")


def _exceptions(document: Document, ink: Ink) -> list[str]:
    marks = {"held": ink.warn("!"), **dict.fromkeys(("dropped", "stale", "waiting"), ink.warn("-"))}
    return [
        f"  {marks[item['became']]} {item['contact']}  {item['became']}{_until(item, ink)}: {item['why']}"
        for item in document["items"]
    ]


def _until(item: Document, ink: Ink) -> str:
    return f" until {ink.day(item['until'])}" if item["until"] else ""


def sync(document: Document, ink: Ink) -> list[str]:
    summary = document["summary"]
    lines = [
        f"Pulled {count(summary['seen'], 'row')} ({summary['changed_rows']:,} new or changed) "
        f"with {count(summary['requests'], 'request')}.",
        *[f"  {ink.warn('-')} {name}: {why}" for name, why in summary["absent"].items()],
    ]
    if document["status"] == "braked":
        share = f"{summary['share']:.0%}"
        return [
            *lines,
            f"Plan {summary['plan']} would change {share} of contacts (limit {summary['brake']:.0%}). Nothing was sent.",
            "To see what it would do: connector plan",
            f"If this is intended: connector apply {summary['plan']}",
        ]
    if document["status"] == "planned":
        return [*lines, f"Plan {summary['plan']}: {_totals(summary)}. Nothing was sent (--dry-run)."]
    lines += _exceptions(document, ink)
    if summary["overwritten"]:
        lines.append(f"{_overwritten(summary)} and put back.")
    if not any(summary.get(name) for name in ("sent", "held", "dropped", "already", "actions", "waiting")):
        return [*lines, "No changes. The CRM already says what the rules want."]
    lines.append(f"Plan {summary['plan']}: {_sent(summary)}.")
    return [*lines, _look(document)] if summary["held"] else lines


DRAW: dict[str, Draw] = {"plan": plan, "apply": apply, "sync": sync}
