"""The words of contacts and explain."""

from __future__ import annotations

from connector.model import OUT, Document
from connector.views.ink import Draw, Ink, count, lasting, table


def contacts(document: Document, ink: Ink) -> list[str]:
    items = document["items"]
    if not items:
        return ["No contact fits."]
    rows = [["contact", "e-mail", "stage", "temperature", "score", "since", "why"]]
    for item in items:
        why = _why(item)
        if item["handoff"] and item["handoff"]["breached_at"] and item["handoff"]["state"] == "offered":
            why = f"waits for sales, late since {ink.minute(item['handoff']['breached_at'])}"
        if item["held"]:
            why = f"held until {ink.day(item['held']['until'])}: {item['held']['why']}"
        rows.append(
            [
                item["contact"],
                item["email"] or "(no e-mail)",
                _numbered(item["stage"] or "-", item["journey"]),
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
    since += f", in journey {about['journey_number']}" if about["journey_number"] > 1 else ""
    lines = [
        f"{head}: {ink.bold(str(about['points']))} points, {about['temperature'] or 'no temperature'}, {where}{since}.",
        f"As of {ink.minute(about['as_of'])}; seen in the CRM {ink.minute(about['seen_at'])}. "
        f"Rules {about['rules'][:7]}.",
        *_situation(about, ink),
        "",
        *_points(document["items"], about["points"], ink),
        "",
        *_stages(about["stages"], ink),
    ]
    if about["journey"]:
        lines += [
            "",
            "Its journey so far:",
            *_journeys([step for step in about["journey"] if not step["imputed"]], ink),
        ]
    if about["handoffs"]:
        lines += ["", "Handed to sales:", *(line for one in about["handoffs"] for line in _handoff(one, ink))]
    if about["hold"]:
        lines.append(f"{ink.warn('!')} held until {ink.day(about['hold']['until'])}: {about['hold']['why']}")
    if about["note"]:
        lines.append(f"Note: {about['note']}.")
    timed = about["leaving"] or about["cooling_until"] or about["hold"]
    return [*lines, "", _next(about["next"], ink, "its points stay" if timed else "nothing will change")]


def _why(item: Document) -> str:
    """Its points, or how it came to stand outside them."""
    told = item["stage"] == OUT or item["stage_why"].startswith("recycled: ")
    return item["stage_why"] if told and item["stage_why"] else ", ".join(item["why"][:2])


def _numbered(stage: str, journey: int) -> str:
    """From the second journey on it is told which."""
    return f"{stage} ({journey})" if journey > 1 else stage


def _situation(about: Document, ink: Ink) -> list[str]:
    """What a journey's end, or its beginning anew, means for now."""
    lines = []
    if about["stage"] == OUT:
        why = next((step["why"] for step in reversed(about["journey"]) if step["to"] == OUT), "")
        reason = f" ({why})" if why else ""
        lines.append(
            f"{ink.warn('!')} Disqualified{reason}: outside the funnel until that is no longer so, or until "
            "a person sets a stage in the CRM."
        )
    if about["counts_since"]:
        lines.append(
            f"What was done up to {ink.minute(about['counts_since'])} belongs to an earlier journey, and counts "
            f"no more{':' if about['earlier'] else '.'}"
        )
        lines += _earlier(about["earlier"], ink)
    if about["cooling_until"]:
        lines.append(f"Recycled: no stage is entered by rules before {ink.minute(about['cooling_until'])}.")
    if about["leaving"]:
        lines.append(
            f"It leaves {about['stage']} on {ink.day(about['leaving']['until'])} unless that changes: "
            f"{about['leaving']['when']} (since {ink.day(about['leaving']['since'])})."
        )
    return lines


def _earlier(signals: list[Document], ink: Ink) -> list[str]:
    rows = [[ink.day(one["at"]), one["label"] or one["kind"]] for one in _shown(signals, ink)]
    more = len(signals) - len(rows)
    return [f"  {line}" for line in table(rows)] + ([f"  ... and {more} more (-v shows all)"] if more else [])


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


def _journeys(steps: list[Document], ink: Ink) -> list[str]:
    """Step by step, with a word where the next journey begins."""
    lines, number, stands = list[str](), 1, None
    for step in steps:
        if step["number"] != number:
            number = step["number"]
            lines.append(f"  Journey {number}:")
        lines.append(_entered(step, stands or step["from"], ink))
        stands = step["to"]
    return lines


def _entered(step: Document, before: str | None, ink: Ink) -> str:
    """`before`: the stage that was told last; those passed over are not."""
    edited = "the rules were edited, " if step["actor"] == "edit" else ""
    where = f" ({edited}{step['rule']})" if step["rule"] else ""
    return f"  {ink.day(step['at']):<11} {before or 'new'} -> {step['to']}: {step['why']}{where}"


def _handoff(one: Document, ink: Ink) -> list[str]:
    whose = f" to {one['owner']}" if one["owner"] else ""
    due = f", first touch due {ink.minute(one['due_at'])}" if one["due_at"] else ""
    lines = [f"  {ink.minute(one['offered_at'])}  {one['stage']} offered{whose}{due}"]
    if one["breached_at"]:
        lines.append(f"  {ink.warn('!')} nobody of sales was in touch by {ink.minute(one['breached_at'])}")
    if one["settled_at"]:
        lines.append(f"  {ink.minute(one['settled_at'])}  {one['state']}: {one['why']}")
    if one["first_touch_at"] and not one["under_way"] and one["first_touch_at"] != one["settled_at"]:
        lines.append(f"  {ink.minute(one['first_touch_at'])}  first touch on record")
    if one["buyer_wait"] is not None:
        waited = f"the buyer waited {lasting(one['buyer_wait'])}, sales took {lasting(one['rep_response'])}"
        lines.append(f"  {waited}")
    return lines


def _next(found: Document | None, ink: Ink, nothing: str) -> str:
    if found is None:
        return f"Without a new act, {nothing}."
    because = "; ".join(found["because"])
    return (
        f"Next: {found['from']} -> {found['points']} on {ink.day(found['at'])} without a new act ({because})."
    )


DRAW: dict[str, Draw] = {"contacts": contacts, "explain": explain}
