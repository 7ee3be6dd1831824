"""forget and backup: a person out of the cache, and a copy of it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from connector.cli.door import Door, verb
from connector.cli.walk import alone, recorded
from connector.errors import BadCommand
from connector.model import mask
from connector.views import Result, count


@verb("forget")
@click.argument("contact")
@click.option("--undo", is_flag=True, help="The way back: the next sync reads them again.")
def forget(door: Door, contact: str, undo: bool) -> Result:
    """Erase CONTACT (id or e-mail) here, and keep them out. The CRM is not touched."""
    from connector.reconcile import forgetting
    from connector.store import identity

    shown = mask(contact) if "@" in contact and not door.verbose else contact
    summary = {"contact": shown, "removed": {}, "hashes": 0, "clean": True}
    with closing(door.open(must_exist=True)) as db, alone(door):
        if undo:
            forgetting.remember(db, contact)
        else:
            who = forgetting.known(db, contact)
            events = count(who.rows.get("engagement", 0), "event")
            door.confirm(f"Erase {shown} with {events} and all that was decided on them, here alone?")
            with recorded(door, db, "") as book:
                done = forgetting.forget(db, who, door.clock().now())
                book["said"] = "1 contact forgotten"
            summary |= {
                "removed": done.rows,
                "hashes": identity.count_hashes(db, contact),
                "clean": done.clean,
            }
        summary["forgotten"] = identity.count_forgotten(db)
    return Result("forget", "undone" if undo else "done", summary)


@verb("backup")
@click.argument("file", type=click.Path(path_type=Path))
def backup(door: Door, file: Path) -> Result:
    """Copy the cache to FILE, whole at one moment, while a daemon goes on."""
    from connector.store.copying import copy

    if not file.absolute().parent.is_dir():
        raise BadCommand(f"There is no folder {file.absolute().parent}.", "Make it, or name another file.")
    if file.is_dir() or (file.exists() and file.samefile(door.settings().db)):
        raise BadCommand(f"{file} is no file that a copy may be written to.", "Name another file.")
    with closing(door.open(must_exist=True)) as db:
        if file.exists() and not door.yes:
            raise BadCommand(f"{file} is there already.", "Name another file, or add --yes to write over it.")
        size = copy(db, file)
    return Result("backup", summary={"file": str(file), "bytes": size})
