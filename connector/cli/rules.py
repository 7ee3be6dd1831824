"""init and check: the files that people edit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.cli.door import Door, verb
from connector.errors import BadCommand, BadRules
from connector.model import Account, Document, PropertyDef
from connector.views import Result, diagnostic

if TYPE_CHECKING:
    from sqlite_utils import Database


def default_files() -> dict[str, str]:
    """The default rules and settings, by their path in a rules folder: they lie beside the package in a
    checkout, inside it once it is installed."""
    package = Path(__file__).parent.parent
    root = package / "defaults" if (package / "defaults").is_dir() else package.parent
    files = sorted([*root.glob("mappings/*.yaml"), *root.glob("workflows/*.yaml")])
    found = {str(file.relative_to(root)): file.read_text("utf-8") for file in files}
    return {".env": (root / ".env.example").read_text("utf-8"), **found}


def write_defaults(folder: Path) -> list[Document]:
    """Writes what is not there yet; overwrites nothing. The .env is readable by its owner alone."""
    done = []
    try:
        for name, content in default_files().items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if file.exists():
                done.append({"file": name, "became": "kept"})
                continue
            file.touch(mode=0o600 if name == ".env" else 0o644)
            file.write_text(content, "utf-8")
            done.append({"file": name, "became": "written"})
    except OSError as error:
        raise BadCommand(f"{folder}: {error.strerror}", "Name a folder that you may write to.") from error
    return done


@verb("init")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
def init(door: Door, folder: Path) -> Result:  # noqa: ARG001 every verb takes a Door
    """Write `.env`, mappings/ and workflows/ to start from into FOLDER (may exist); overwrites nothing."""
    items = write_defaults(folder)
    written = sum(item["became"] == "written" for item in items)
    return Result("init", summary={"folder": str(folder), "written": written}, items=items)


@verb("check")
@click.option("--crm", is_flag=True, help="Also ask the account for its properties and stages.")
def check(door: Door, crm: bool) -> Result:
    """Read the rules and print every mistake."""
    rules = door.rules()
    suppressed = rules.workflow.suppress.values()
    lists = {name for one in suppressed for name in (one.leave_list, one.join_list) if name is not None}
    account, source = _account(door, crm, sorted(lists))
    found = []
    if account is not None:
        from connector.hubspot.objects import PROPERTY_LEAD_STATUS
        from connector.rules import against

        found = against(rules, account, PROPERTY_LEAD_STATUS)
        if any(d.severity == "error" for d in found):
            raise BadRules([d for d in found if d.severity == "error"])
    workflow, mapping = rules.workflow, rules.mapping
    summary = {
        "hash": rules.hash,
        "files": len(rules.files),
        "fields": len(mapping.fields) + len(mapping.deal_fields),
        "signals": len(mapping.signals),
        "rules": len(workflow.rules()),
        "stages": len(workflow.stages),
        "checked_against": source,
        "portal": account.portal_id if account else None,
    }
    return Result("check", summary=summary, diagnostics=[diagnostic(d) for d in found])


def _account(door: Door, crm: bool, lists: Sequence[str]) -> tuple[Account | None, str]:
    """The account to check against: asked, with these lists of its; or as the last pull saw it."""
    if crm:
        from connector.hubspot import account
        from connector.hubspot.lists import kinds_of

        async def ask() -> Account:
            async with door.transport() as t:
                return replace(await account.account(t), lists=await kinds_of(t, lists))

        return door.run(ask()), "crm"
    if not door.settings().db.exists():
        return None, "none"
    db = door.open()
    found = remembered_account(db)
    db.close()
    return found, "cache" if found else "none"


def remembered_account(db: Database) -> Account | None:
    from connector.store import bookmarks

    portal, schema = bookmarks.fact(db, "portal"), bookmarks.fact(db, "schema")
    if portal is None or schema is None:
        return None
    properties = {
        kind: {
            name: PropertyDef(name, d[0], d[1], d[2], d[3], tuple((o[0], o[1]) for o in d[4]))
            for name, d in some.items()
        }
        for kind, some in schema.items()
    }
    return Account(portal["id"], portal["ui_domain"], portal["time_zone"], properties)
