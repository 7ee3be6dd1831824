"""The words of status, runs, doctor and outbox."""

from __future__ import annotations

from connector.model import Document
from connector.views.ink import Draw, Ink, count, lasting, table

SHOWN = 200  # values and contacts that `status -v` lists


def status(document: Document, ink: Ink) -> list[str]:
    about = document["summary"]
    lines = [_portal(about, ink), *_last(about, ink), *_broken(document, ink)]
    if about["stages"]:
        rows = [["stage", "contacts"], *[[name, f"{number:,}"] for name, number in about["stages"].items()]]
        lines += ["", *table(rows, right=(1,))]
        warm = ", ".join(f"{number:,} {name}" for name, number in about["temperatures"].items())
        lines.append(f"Temperatures: {warm}.")
    lines += _handed_over(about["handoffs"])
    lines += ["", "Sources:", *_sources(about["sources"], ink)]
    lines += _reconciled(about["reconciled"], ink)
    lines += _attention(about, document["items"], ink)
    if about["clock"] == "held":
        lines.append(f"The clock is held at {ink.minute(about['as_of'])} (CONNECTOR_NOW).")
    return lines


def _handed_over(about: Document) -> list[str]:
    """What became of what sales was offered, and how fast it was."""
    if not (about["offered"] or about["open"]):
        return []
    names = ("offered", "open", "accepted", "rejected", "expired", "late")
    states = [f"{about[name]:,} {name}" for name in names if about[name]]
    lines = [f"Handed to sales in {about['days']} days: {', '.join(states)}."]
    for name, words in (("buyer_wait", "The buyer waited"), ("rep_response", "Sales took")):
        if about[name]["median"] is not None:
            usual, slow = (lasting(about[name][p]) for p in ("median", "p90"))
            lines.append(f"  {words} {usual} (median), 9 of 10 at most {slow}.")
    return lines


def _portal(about: Document, ink: Ink) -> str:
    if about["portal"] is None:
        return "Nothing was pulled yet. Next: connector backfill all"
    many = {"company": "companies", "engagement": "events"}
    cached = ", ".join(count(number, name, many.get(name, "")) for name, number in about["cached"].items())
    return f"Portal {ink.bold(about['portal'])}: {cached}."


def _last(about: Document, ink: Ink) -> list[str]:
    run = about["last_sync"]
    if run is None:
        return []
    word = {"done": ink.good("done"), "failed": ink.bad("failed"), "braked": ink.warn("braked")}
    said = f": {run['said']}" if run["said"] else ""
    return [f"Last sync {ink.minute(run['started_at'])}: {word.get(run['status'], run['status'])}{said}"]


def _broken(document: Document, ink: Ink) -> list[str]:
    return [
        f"{ink.bad('✘')} The rules do not load: {found['what']} See each of them: {found['fix']}"
        for found in document["diagnostics"]
    ]


def _sources(sources: list[Document], ink: Ink) -> list[str]:
    rows = []
    for source in sources:
        if " " in source["source"] and source["state"] == "ok":
            continue  # the place of a second look, or of a backfill on its way
        state = ink.good("ok") if source["state"] == "ok" else ink.warn(source["state"])
        when = (
            f"read up to {ink.minute(source['moved_at'])}" if source["moved_at"] else "never read to its end"
        )
        rows.append([f"  {source['source']}", state, source["said"] or when])
    return table(rows) if rows else ["  none read yet"]


def _reconciled(about: Document, ink: Ink) -> list[str]:
    """What the CRM did not announce."""
    lines = []
    if about["ended_at"]:
        words = {"merged": "merged away", "gone": "gone", "erased": "erased"}
        found = ", ".join(f"{about[name]:,} {said}" for name, said in words.items() if about[name])
        lines.append(
            f"All was read again up to {ink.minute(about['ended_at'])}: {found or 'nobody was gone'}."
        )
    if about["forgotten"]:
        lines.append(
            f"{count(about['forgotten'], 'person', 'people')} forgotten at your word: left out of every pull."
        )
    if not about["clean"]:
        lines.append(
            f"{ink.warn('!')} Somebody was erased while the file was in use: the next sync wipes what is left in it."
        )
    return lines


_OUTBOX = {
    "pending": "decided and not sent yet: the next sync sends them",
    "sending": "cut off on their way: the next sync reads them back before it sends anything",
    "held": "held in the outbox: the CRM refused them, a person decides (connector outbox list)",
}


def _attention(about: Document, items: list[Document], ink: Ink) -> list[str]:
    lines = []
    for state, words in _OUTBOX.items():
        if about["outbox"].get(state):
            lines.append(f"{ink.warn('!')} {count(about['outbox'][state], 'change')} {words}")
    if about["holds"]:
        lines.append(
            f"{ink.warn('!')} {count(about['holds'], 'contact')} held for a person's sake (connector contacts --held)"
        )
    if about["handoffs"]["breached"]:
        lines.append(
            f"{ink.warn('!')} {count(about['handoffs']['breached'], 'contact')} waiting for sales longer than agreed "
            "(connector contacts --breached)"
        )
    if about["parked"]:
        lines.append(
            f"- {count(about['parked'], 'event')} of addresses that no contact has; kept in case one comes"
        )
    if about["oddities"]:
        lines.append(
            f"{ink.warn('!')} {count(about['oddities'], 'value')} could not be read as the mapping says"
            + ("" if ink.verbose else " (-v lists them)")
        )
    if about["unknown_stages"]:
        lines.append(
            f"{ink.warn('!')} {count(about['unknown_stages'], 'contact')} at a stage that the account does not have"
            + ("" if ink.verbose else " (-v lists them)")
        )
    if about["without_email"]:
        lines.append(
            f"- {count(about['without_email'], 'contact')} without an e-mail address"
            + ("" if ink.verbose else " (-v lists them)")
        )
    if ink.verbose:
        lines += [f"    {_odd(item)}" for item in items[:SHOWN]]
        lines += [f"    ... and {len(items) - SHOWN:,} more (--json shows all)"] if len(items) > SHOWN else []
    needs = any(not line.startswith(("-", " ")) for line in lines)
    return ["", *lines] if needs else ["", *lines, "Nothing needs you."]


def _odd(item: Document) -> str:
    value = f" `{item['value']}`" if item["value"] else ""
    return f"{item['object']} {item['record']}: {item['property']}{value} {item['why']}"


def runs(document: Document, ink: Ink) -> list[str]:
    if not document["items"]:
        return ["Nothing was run yet."]
    rows = [["run", "verb", "started", "took", "status", "what"]]
    for item in document["items"]:
        took = "-" if item["seconds"] is None else f"{item['seconds']:.1f} s"
        rows.append(
            [
                str(item["run"]),
                item["verb"],
                ink.minute(item["started_at"]),
                took,
                item["status"],
                item["said"],
            ]
        )
    return table(rows, right=(0, 3))


def doctor(document: Document, ink: Ink) -> list[str]:
    lines = []
    for item in document["items"]:
        mark = {"ok": ink.good("✔"), "note": " ", "wrong": ink.bad("✘")}[item["state"]]
        lines.append(f"{mark} {item['what']}")
        lines += [f"    {item['fix']}"] if item["fix"] else []
    wrong = document["summary"]["wrong"]
    return [*lines, "", "All is well." if not wrong else f"{count(wrong, 'thing')} to mend."]


def outbox(document: Document, ink: Ink) -> list[str]:
    counts = ", ".join(f"{number:,} {state}" for state, number in document["summary"]["counts"].items())
    lines = []
    for item in document["items"]:
        said = f": {item['said']}" if item["said"] else ""
        what = f"{item['property']} {item['old'] or 'nothing'} -> " if item["property"] else ""
        lines.append(
            f"  {item['row']}  {ink.bold(item['contact'])} {item['email']}  {what}{item['new']}  {item['state']}{said}"
        )
    done = document["summary"].get("decided")
    return [
        *lines,
        f"{count(done, 'row')} {document['summary']['verb']}." if done is not None else f"Outbox: {counts}.",
    ]


def verify(document: Document, ink: Ink) -> list[str]:
    about, lines = document["summary"], []
    for item in document["items"][:SHOWN]:
        said = f"stored {item['stored']}, recomputed {item['recomputed']}"
        lines.append(f"{ink.bad('✘')} {item['contact']}  {item['kind']}  {item['what']}: {said}")
    more = len(document["items"]) - SHOWN
    lines += [f"... and {more:,} more (--json shows all)"] if more > 0 else []
    waiting = f"; {about['waiting']:,} wait for the next run" if about["waiting"] else ""
    compared = f"{count(about['compared'], 'score')} and {count(about['signals'], 'signal')} made anew"
    if document["status"] == "same":
        return [*lines, f"{ink.good('✔')} {compared}: each as stored, to the last digit{waiting}."]
    fix = "Next: connector backfill --rescore, then connector plan; and tell us: this must not happen."
    return [*lines, f"{compared}: {about['different']:,} differ{waiting}.", fix]


def forget(document: Document, ink: Ink) -> list[str]:
    about = document["summary"]
    who = ink.bold(about["contact"])
    if document["status"] == "undone":
        return [
            f"{who} is no longer kept out.",
            "Next: connector sync reads them again, if the CRM has them.",
        ]
    removed = ", ".join(f"{number:,} {table}" for table, number in about["removed"].items())
    lines = [f"{who} is erased here: {removed}."]
    if not about["clean"]:
        lines.append(f"{ink.warn('!')} Somebody reads the file: the next sync wipes what is left in its log.")
    return [
        *lines,
        f"Kept: {count(about['hashes'], 'salted hash', 'salted hashes')}, by which the next pulls leave them out.",
        "Not touched: the CRM, and copies that were made before. The way back: connector forget --undo.",
    ]


def backup(document: Document, ink: Ink) -> list[str]:
    about = document["summary"]
    return [f"{ink.good('✔')} {about['file']}: {about['bytes']:,} bytes, the cache as it was at one moment."]


DRAW: dict[str, Draw] = {
    "forget": forget,
    "backup": backup,
    "status": status,
    "runs": runs,
    "verify": verify,
    "doctor": doctor,
    "outbox": outbox,
}
