"""`notify:` and `suppress:` of a workflow: who is told of a stage and how, and what stops there.

Addresses and secrets do not stand in the files: a webhook names the environment variables that hold them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from connector.rules import reading, scalars
from connector.rules.nodes import Block, Entry, Hole, Items, Mistakes, Node, Scalar, listed, quoted
from connector.rules.reading import Kind
from connector.rules.scoring import LANGUAGES
from connector.rules.suggest import close
from connector.rules.tree import Notify, Suppress, TaskNotice, WebhookNotice

PLACEHOLDERS = ("name", "company", "stage", "score")  # what a subject has in braces
_SLIPS: Mapping[str, str] = {
    **dict.fromkeys(("nom", "contact", "first_name", "prenom"), "name"),
    **dict.fromkeys(("societe", "entreprise", "account"), "company"),
    **dict.fromkeys(("etape", "statut"), "stage"),
    **dict.fromkeys(("points", "total"), "score"),
}

_NOTICE = Kind(
    "a notice",
    ("task", "lead_status", "webhook"),
    slips={"status": "lead_status", "todo": "task", "url": "webhook", "hook": "webhook"},
)
_TASK = Kind(
    "`task`",
    ("to", "fallback", "subject", "due"),
    ("to", "subject", "due"),
    {"title": "subject", "text": "subject", "owner": "to", "else": "fallback", "within": "due", "in": "due"},
)
_WEBHOOK = Kind(
    "`webhook`",
    ("url_from", "secret_from"),
    ("url_from", "secret_from"),
    {"url": "url_from", "secret": "secret_from", "key": "secret_from", "token": "secret_from"},
)
_SUPPRESSION = Kind(
    "a suppression",
    ("leave_list", "join_list"),
    slips={"leave": "leave_list", "remove_from": "leave_list", "join": "join_list", "add_to": "join_list"},
)
_NOTIFY_EXAMPLE = "ops: {webhook: {url_from: OPS_WEBHOOK_URL, secret_from: OPS_WEBHOOK_SECRET}}"
_SUPPRESS_EXAMPLE = 'marketing_email: {leave_list: "Nurturing"}'
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_NEARLY = re.compile(r"\$?\{?([A-Za-z]+(?:[_-][A-Za-z]+)+)\}?")  # `$OPS_URL`, `ops_url`
_LONGEST_VARIABLE = 100  # characters
_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+[.][^@\s,;<>.]+")
_BRACES = re.compile(r"\{([^{}]*)\}")


def read_notify(node: Node, mistakes: Mistakes) -> dict[str, Notify]:
    """The notices by name, without those that cannot be read."""
    entries = reading.entries(node, "`notify`", mistakes, _NOTIFY_EXAMPLE)
    made = {entry.key.text: _notice(entry, mistakes) for entry in entries}
    return {name: notice for name, notice in made.items() if notice is not None}


def read_suppress(node: Node, mistakes: Mistakes) -> dict[str, Suppress]:
    """The suppressions by name, without those that cannot be read."""
    entries = reading.entries(node, "`suppress`", mistakes, _SUPPRESS_EXAMPLE)
    made = {entry.key.text: _suppression(entry, mistakes) for entry in entries}
    return {name: suppression for name, suppression in made.items() if suppression is not None}


def _said(entry: Entry, what: str, kind: Kind, example: str, mistakes: Mistakes) -> dict[str, Node] | None:
    """The values of a named block that has at least one of its keys."""
    name = reading.name(entry.key, what, mistakes)
    said = reading.keys(entry.value, kind, mistakes, example)
    if isinstance(entry.value, Block) and not entry.value.entries:
        reading.empty_list(entry.value, kind.name, mistakes)
    return said if name and said else None


def _suppression(entry: Entry, mistakes: Mistakes) -> Suppress | None:
    said = _said(entry, "the name of a suppression", _SUPPRESSION, _SUPPRESS_EXAMPLE, mistakes)
    if said is None:
        return None
    leave, join = (
        reading.text(said[key], quoted(key), mistakes) if key in said else None
        for key in ("leave_list", "join_list")
    )
    return Suppress(leave, join, entry.key.place)


def _notice(entry: Entry, mistakes: Mistakes) -> Notify | None:
    said = _said(entry, "the name of a notice", _NOTICE, _NOTIFY_EXAMPLE, mistakes)
    if said is None:
        return None
    task = _task(said["task"], mistakes) if "task" in said else None
    status = reading.text(said["lead_status"], "`lead_status`", mistakes) if "lead_status" in said else None
    webhook = _webhook(said["webhook"], mistakes) if "webhook" in said else None
    return Notify(task, status, webhook, entry.key.place)


# -- tasks --------------------------------------------------------------------------------------------


def _task(node: Node, mistakes: Mistakes) -> TaskNotice | None:
    example = 'task: {to: owner, subject: "New MQL: {name}", due: 4h}'
    said = reading.keys(node, _TASK, mistakes, example) or {}
    if "to" in said:
        why = "a task is for whoever owns the contact; for contacts without one, `fallback` is an address."
        reading.option(said["to"], "somebody that a task can be for", ("owner",), mistakes, why=why)
    fallback = _address(said["fallback"], mistakes) if "fallback" in said else None
    subject = _subject(said["subject"], mistakes) if "subject" in said else {}
    due = scalars.duration(said["due"], "`due`", mistakes) if "due" in said else None
    return TaskNotice(subject, due, fallback, node.place) if subject and due else None


def _address(node: Node, mistakes: Mistakes) -> str | None:
    found = reading.scalar(node, "`fallback`", mistakes, 'fallback: "sales@acme.fr"')
    if found is None or _ADDRESS.fullmatch(found.text.strip()):
        return found.text.strip() if found else None
    mistakes.add(
        "not-an-address",
        found,
        f"`fallback` takes one e-mail address, and {quoted(found.text)} is not one",
        why="it is by their address that the CRM's owners are found.",
        fix='write the address of an owner in the CRM, such as `"sales@acme.fr"`.',
    )
    return None


def _subject(node: Node, mistakes: Mistakes) -> dict[str, str]:
    """Language -> text; one text stands for all languages."""
    if isinstance(node, Scalar | Items | Hole):
        said = _text(node, mistakes)
        return dict.fromkeys(LANGUAGES, said) if said else {}
    texts = reading.keys(node, Kind("`subject`", LANGUAGES), mistakes) or {}
    if not node.entries:
        reading.empty_list(node, "`subject`", mistakes)
    read = {language: _text(one, mistakes) for language, one in texts.items()}
    return {language: said for language, said in read.items() if said}


def _text(node: Node, mistakes: Mistakes) -> str | None:
    said = reading.text(node, "`subject`", mistakes, 'subject: "New MQL: {name}"')
    if said is None:
        return None
    strange = [word for word in _BRACES.findall(said) if word not in PLACEHOLDERS]
    loose = sorted(set("{}") & set(_BRACES.sub("", said)))
    if not strange and not loose:
        return said
    near = close(strange[0], PLACEHOLDERS, _SLIPS) if strange else None
    what = [*(quoted(f"{{{word}}}") for word in strange), *(f"a single {quoted(brace)}" for brace in loose)]
    mistakes.add(
        "unknown-placeholder",
        node,
        f"`subject` has {listed(what)}, which nothing can be put in place of",
        label=f"did you mean {quoted(f'{{{near}}}')}?" if near else "",
        why=f"what a subject can have in braces: {listed(f'{{{word}}}' for word in PLACEHOLDERS)}.",
        fix=f"write {quoted(f'{{{near}}}')}." if near else "use one of these, or leave out the braces.",
    )
    return None


# -- webhooks -----------------------------------------------------------------------------------------


def _webhook(node: Node, mistakes: Mistakes) -> WebhookNotice | None:
    _cover(node, mistakes)
    example = "webhook: {url_from: OPS_WEBHOOK_URL, secret_from: OPS_WEBHOOK_SECRET}"
    said = reading.keys(node, _WEBHOOK, mistakes, example) or {}
    url = _variable(said["url_from"], "url_from", "address", mistakes) if "url_from" in said else None
    secret = (
        _variable(said["secret_from"], "secret_from", "secret", mistakes) if "secret_from" in said else None
    )
    return WebhookNotice(url, secret, node.place) if url and secret else None


def _cover(node: Node, mistakes: Mistakes) -> None:
    """Puts stars in place of what may be an address or a secret: a mistake shows the line it stands in."""
    for entry in node.entries if isinstance(node, Block) else ():
        one = entry.value
        if not isinstance(one, Scalar) or _VARIABLE.fullmatch(one.text) or _NEARLY.fullmatch(one.text):
            continue
        start, end = one.place.col - 1, one.place.col - 1 + one.width
        lines = list(mistakes.lines.get(one.place.file, ()))
        for line in lines[one.place.line - 1 : one.place.line]:
            lines[one.place.line - 1] = line[:start] + "*" * len(line[start:end]) + line[end:]
        mistakes.know(one.place.file, tuple(lines))


def _variable(node: Node, key: str, holds: str, mistakes: Mistakes) -> str | None:
    """The name of an environment variable. What else stands there may be a secret: it is not repeated."""
    found = reading.scalar(node, quoted(key), mistakes, f"{key}: OPS_WEBHOOK_{key[:-5].upper()}")
    if found is None:
        return None
    if _VARIABLE.fullmatch(found.text) and len(found.text) <= _LONGEST_VARIABLE:
        return found.text
    nearly = _NEARLY.fullmatch(found.text)
    better = nearly.group(1).upper().replace("-", "_") if nearly else ""
    mistakes.add(
        "not-a-variable",
        found,
        f"{quoted(key)} takes the name of an environment variable: the letters A to Z, digits and _",
        label=f"did you mean {quoted(better)}?" if better else "",
        why=f"these files are shared and kept for good: the {holds} of a webhook does not stand in them.",
        fix=f"write {quoted(better)}, and set that variable to the {holds}."
        if better
        else f"put the {holds} into `.env`, such as `OPS_WEBHOOK_{key[:-5].upper()}=...`, and write that "
        "name here; if this was a secret, make a new one.",
    )
    return None
