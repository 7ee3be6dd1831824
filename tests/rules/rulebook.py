"""Folders of rules for the tests: a small one that loads, with some files replaced, and an account."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from connector import rules
from connector.diagnostics import Diagnostic, draw
from connector.errors import BadRules
from connector.model import Account, PropertyDef
from connector.rules.codes import CODES
from connector.rules.tree import Rules

ROOT = Path(__file__).parents[2]  # the default rules stand here
CASES = Path(__file__).parent / "cases"


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """`tests/rules/cases/base` in `folder`, with these files in place of its own or beside them. A folder
    that holds rules already keeps them."""
    if not (folder / "mappings").exists():
        shutil.copytree(CASES / "base", folder, dirs_exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def load(folder: Path, **files: str) -> Rules:
    """The base rules with some files replaced: `contact="fields: ..."` is the body of contact.yaml."""
    return rules.load(write(folder, named(files)))


def mistakes(folder: Path, **files: str) -> list[Diagnostic]:
    """What `load` complains of; [] if it loads."""
    try:
        load(folder, **files)
    except BadRules as error:
        return list(error.diagnostics)
    return []


def codes(folder: Path, **files: str) -> list[str]:
    return [found.code for found in mistakes(folder, **files)]


def judge(files: dict[str, bytes]) -> Rules | None:
    """The rules, or None if they do not load; any other exception is the test's failure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in files.items():
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_bytes(content)
        try:
            return rules.load(folder)
        except BadRules as error:
            assert error.diagnostics
            for one in error.diagnostics:
                assert one.code in CODES
                assert draw(one)
            return None


def named(files: Mapping[str, str]) -> dict[str, str]:
    """{"stages": "stages: ..."} as file names and contents, `version: 1` put before each."""
    folders = {path.stem: path.parent.name for path in CASES.glob("base/*/*.yaml")}
    return {f"{folders[stem]}/{stem}.yaml": f"version: 1\n{body}" for stem, body in files.items()}


def _property(
    name: str, label: str, type_: str, *options: tuple[str, str], read_only: bool = False
) -> PropertyDef:
    return PropertyDef(name, label, type_, "", read_only, options)


_LIFECYCLE = (
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("marketingqualifiedlead", "Marketing Qualified Lead"),
    ("salesqualifiedlead", "Sales Qualified Lead"),
    ("customer", "Customer"),
)
_CONTACT = (
    _property("email", "Email", "string"),
    _property("jobtitle", "Job Title", "string"),
    _property("newsletter_consent", "Newsletter", "enumeration", ("true", "Yes"), ("false", "No")),
    _property("decision_date", "Decision date", "date"),
    _property("last_call_at", "Last call", "datetime"),
    _property(
        "rejection_reason",
        "Rejection reason",
        "enumeration",
        ("not_now", "Not now"),
        ("competitor", "Competitor"),
    ),
    _property("lifecyclestage", "Lifecycle Stage", "enumeration", *_LIFECYCLE),
    _property("hs_object_id", "Record ID", "number", read_only=True),
    _property("visits", "Number of Pageviews", "number", read_only=True),
    _property("lead_status", "Lead Status", "enumeration", ("NEW", "New"), ("OPEN", "Open")),
    _property("lq_score", "Score", "number"),
    _property("lq_stage", "Stage", "enumeration", ("contact", "Contact"), ("lead", "Lead"), ("mql", "MQL")),
)
LEAD_STATUS = "lead_status"  # the property of that account with a lead's status
ACCOUNT = Account(
    portal_id="4711",
    ui_domain="app.hubspot.com",
    time_zone="Europe/Paris",
    properties={
        "contacts": {one.name: one for one in _CONTACT},
        "companies": {
            "numberofemployees": _property("numberofemployees", "Employees", "number"),
            "country": _property("country", "Country", "string"),
        },
        "deals": {
            "amount": _property("amount", "Amount", "number"),
            "probability": _property("probability", "Probability", "number"),
        },
    },
    owners={"7": "sales@acme.fr"},
    lists={"À nourrir": "absent", "Visited pricing page": "dynamic", "Sales owned": "static"},
)
