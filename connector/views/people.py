"""The words of contacts and explain."""

from __future__ import annotations

from connector.model import Document
from connector.views.ink import Draw, Ink, count, table


def contacts(document: Document, ink: Ink) -> list[str]:
    items = document["items"]
    if not items:
        return ["No contact fits."]
    rows = [["contact", "e-mail", "stage", "temperature", "score", "since", "why"]]
    for item in items:
        why = ", ".join(item["why"][:2])
        if item["held"]:
            why = f"held until {ink.day(item['held']['until'])}: {item['held']['why']}"
        rows.append(
            [
                item["contact"],
                item["email"] or "(no e-mail)",
                item["stage"] or "-",
                item["temperature"] or "-",
                str(item["points"]),
                ink.day(item["stage_since"]),
                why,
            ]
        )
    more = document["summary"]["found"] - len(items)
    end = [f"... and {more:,} more (--limit, or --csv for all)"] if more else []
    return [*table(rows, right=(4,)), *end, f"{count(document['summary']['found'], 'contact')}."]


def explain(document: Document, ink: Ink) -> list[str]:
    about = document["summary"]
    head = f"{ink.bold(about['contact'])}  {about['email'] or '(no e-mail)'}"
    where = f"{about['stage'] or 'not judged yet'}"
    since = f" since {ink.day(about['stage_since'])}" if about["stage_since"] else ""
    lines = [
        f"{head}: {ink.bold(str(about['points']))} points, {about['temperature'] or 'no temperature'}, {where}{since}.",
        f"As of {ink.minute(about['as_of'])}; seen in the CRM {ink.minute(about['seen_at'])}. "
        f"Rules {about['rules'][:7]}.",
        "",
        *_points(document["items"], about["points"], ink),
        "",
        *_stages(about["stages"], ink),
    ]
    if about["journey"]:
        lines += [
            "",
            "Its journey so far:",
            *[_entered(step, ink) for step in about["journey"] if not step["imputed"]],
        ]
    if about["hold"]:
        lines.append(f"{ink.warn('!')} held until {ink.day(about['hold']['until'])}: {about['hold']['why']}")
    if about["note"]:
        lines.append(f"Note: {about['note']}.")
    return [*lines, "", _next(about["next"], ink)]


def _points(items: list[Document], total: int, ink: Ink) -> list[str]:
    rows = []
    for item in items:
        times = f" ({item['counted']} of {item['of']} counted)" if item["of"] else ""
        where = f"{item['rule']}, {item['place']}" if item["rule"] else item["place"]
        rows.append((_signed(item["points"]), f"{item['label']}{times}", where, item["signals"]))
    if not rows:
        return ["No rule gives points."]
    wide = max(len(row[0]) for row in rows)
    text = max(len(row[1]) for row in rows)
    lines = []
    for points, words, where, signals in rows:
        lines.append(f"  {points:>{wide}}  {words:<{text}}  {where}")
        told = table([_signal(signal, ink) for signal in _shown(signals, ink)])
        lines += [f"  {'':>{wide}}    {line}" for line in told]
        if not ink.verbose and len(signals) > len(_shown(signals, ink)):
            lines.append(
                f"  {'':>{wide}}    ... and {len(signals) - len(_shown(signals, ink))} more (-v shows all)"
            )
    return [*lines, f"  {'-' * wide}", f"  {total:>{wide}}  total"]


def _shown(signals: list[Document], ink: Ink) -> list[Document]:
    return signals if ink.verbose else signals[:5]


def _signal(signal: Document, ink: Ink) -> list[str]:
    """Day, what it was, what it is worth."""
    said = {
        "once_per": "not counted: one like it is newer",
        "at_most": "not counted: enough are newer",
        None: "",
    }
    faded = f" ({signal['percent']} %)" if signal["percent"] != 100 else ""
    worth = f"{_signed(signal['points'])}{faded}" if signal["counted"] else said[signal["why_not"]]
    return [ink.day(signal["at"]), signal["label"] or signal["kind"], worth]


def _signed(points: float) -> str:
    return f"{points:+.5f}".rstrip("0").rstrip(".")


def _stages(stages: list[Document], ink: Ink) -> list[str]:
    lines = ["Stages:"]
    for stage in stages:
        mark = ink.good("✔") if stage["reached"] else " "
        lines.append(f"  {mark} {ink.bold(stage['stage'])}  {stage['rule']}")
        if not stage["reached"]:
            one_will_do = stage["needs"] == "any" and len(stage["criteria"]) > 1
            lines += ["      one of these is needed:"] if one_will_do else []
            lines += [f"      {'✔' if c['true'] else '✘'} {c['says']}" for c in stage["criteria"]]
    return lines


def _entered(step: Document, ink: Ink) -> str:
    where = f" ({step['rule']})" if step["rule"] else ""
    return f"  {ink.day(step['at']):<11} {step['from'] or 'new'} -> {step['to']}: {step['why']}{where}"


def _next(found: Document | None, ink: Ink) -> str:
    if found is None:
        return "Without a new act, nothing will change."
    because = "; ".join(found["because"])
    return (
        f"Next: {found['from']} -> {found['points']} on {ink.day(found['at'])} without a new act ({because})."
    )


DRAW: dict[str, Draw] = {"contacts": contacts, "explain": explain}
