"""The words of init, check, provision, pull, backfill, run, sandbox and demo."""

from __future__ import annotations

from connector.model import Document
from connector.views.ink import Draw, Ink, count, table


def init(document: Document, ink: Ink) -> list[str]:
    lines = [f"  {ink.good('+')} {item['file']}" for item in document["items"] if item["became"] == "written"]
    kept = len(document["items"]) - len(lines)
    if kept:
        lines.append(f"{count(kept, 'file was', 'files were')} there already; nothing was overwritten.")
    folder = document["summary"]["folder"]
    go = "" if folder == "." else f"cd {folder}, "
    return [*lines, "", f"Next: {go}put a token into .env, then: connector check --crm"]


def check(document: Document, ink: Ink) -> list[str]:
    about = document["summary"]
    against = {
        "crm": f"Checked against portal {about['portal']}.",
        "cache": f"Properties and stages checked against portal {about['portal']} as last pulled.",
        "none": "Properties and stages were not checked: nothing was pulled yet (connector check --crm asks the account).",
    }
    return [
        *_notes(document["diagnostics"]),
        f"{ink.good('No mistake')} in {count(about['files'], 'file')}: {count(about['fields'], 'field')}, "
        f"{count(about['signals'], 'signal')}, {count(about['rules'], 'rule')}, {count(about['stages'], 'stage')}. "
        f"Rules {about['hash'][:7]}.",
        against[about["checked_against"]],
    ]


def _notes(found: list[Document]) -> list[str]:
    """Notes with the same remedy stand together above it."""
    lines = []
    for fix in dict.fromkeys(d["fix"] for d in found):
        same = [d for d in found if d["fix"] == fix]
        lines += [f"  {d['file']}:{d['line']}: note: {d['what']}" for d in same]
        lines += [f"  = fix: {fix}", ""] if fix else [""]
    return lines


def provision(document: Document, ink: Ink) -> list[str]:
    marks = {"made": ink.good("+"), "there": " ", "differs": ink.bad("!")}
    lines = table(
        [
            [f"  {marks[item['became']]} {item['property']}", item["said"] or item["became"]]
            for item in document["items"]
        ]
    )
    about = document["summary"]
    differs = f", {about['differs']:,} there but different (left as it is)" if about["differs"] else ""
    lines.append(
        f"{count(about['made'], 'property', 'properties')} made, {about['there']:,} there already{differs}."
    )
    return [*lines, "Next: connector backfill all"] if about["made"] else lines


def pull(document: Document, ink: Ink) -> list[str]:
    about = document["summary"]
    rows = [["source", "seen", "new or changed"]]
    rows += [[i["source"], f"{i['seen']:,}", f"{i['changed']:,}"] for i in document["items"]]
    lines = table(rows, right=(1, 2)) if len(rows) > 1 else []
    lines += [f"{ink.warn('-')} {name}: {why}" for name, why in about["absent"].items()]
    done = f"{count(about['requests'], 'request')}, {about['seconds']:.1f} s. {count(about['signals'], 'event')} judged."
    if about.get("since"):
        done = f"Engagement from {ink.minute(about['since'])} to {ink.minute(about['until'])}: {done}"
    if about.get("rescored"):
        done += f" {count(about['rescored'], 'contact')} to be judged again."
    after = "Next: connector plan" if document["command"] == "backfill" else ""
    return [*lines, done, *([after] if after else [])]


def run(document: Document, ink: Ink) -> list[str]:
    about = document["summary"]
    said = about.get("said") or ""
    return [f"{ink.minute(about['at'])} {document['status']}{': ' + said if said else ''}"]


def sandbox(document: Document, _: Ink) -> list[str]:
    about = document["summary"]
    counts = ", ".join(f"{number:,} {name}" for name, number in about["counts"].items() if number)
    refused = [f"  line {item['line']}: {item['why']}" for item in document["items"]]
    return [
        *([f"{count(len(refused), 'row')} could not be loaded:", *refused] if refused else []),
        f"A HubSpot account on this machine: {counts or 'empty'}.",
        f"  HUBSPOT_BASE_URL={about['url']}",
        f"  HUBSPOT_ACCESS_TOKEN={about['token']}",
        "Or its OAuth app, in place of the token:",
        *(f"  HUBSPOT_{name.upper()}={value}" for name, value in about["app"].items()),
        "A first request, and what can be done to the account from outside:",
        f"  curl -H 'Authorization: Bearer {about['token']}' '{about['url']}/account-info/2026-09/details'",
        f"  curl {about['controls']}",
        "Ctrl-C stops it.",
    ]


def demo(document: Document, ink: Ink) -> list[str]:
    about = document["summary"]
    rows = [["stage", "in the CRM before", "after", "our lq_stage"]]
    rows += [
        [
            r["stage"],
            f"{r['before']:,}",
            f"{r['after']:,}",
            f"{r['ours']:,}" if r["ours"] is not None else "-",
        ]
        for r in about["stages"]
    ]
    warm = ", ".join(f"{number:,} {name}" for name, number in about["temperatures"].items())
    hot = [["score", "contact", "stage", "because"]]
    hot += [
        [str(i["points"]), i["email"] or i["contact"], i["stage"], ", ".join(i["why"])]
        for i in document["items"]
    ]
    second = about["second_sync"]
    silent = (
        "no changes, no writes"
        if not second["changed"] and not second["written"]
        else f"{second['changed']} changes"
    )
    return [
        f"{count(about['contacts'], 'contact')} and twelve months of history, as of {ink.minute(about['as_of'])}: "
        f"read with {count(about['read_requests'], 'request')}, judged by {count(about['rules'], 'rule')}, "
        f"{count(about['values'], 'value')} written to {count(about['written'], 'contact')} "
        f"with {count(about['write_requests'], 'request')}.",
        "",
        *table(rows, right=(1, 2, 3)),
        f"Temperatures: {warm}.",
        "The CRM stamps nearly everybody a lead; lq_stage says who really showed interest.",
        "",
        "The ten hottest leads:",
        *table(hot, right=(0,)),
        "",
        f"A second sync: {silent} ({count(second['requests'], 'request')}).",
        "",
        f"Everything is in {ink.bold(about['folder'])}. Try next:",
        *[f"  {line}" for line in about["next"]],
    ]


DRAW: dict[str, Draw] = {
    "init": init,
    "check": check,
    "provision": provision,
    "pull": pull,
    "backfill": pull,
    "run": run,
    "sandbox": sandbox,
    "demo": demo,
}
