"""provision, sandbox and demo: the account itself, real or on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.cli.door import Door, verb
from connector.cli.when import moment
from connector.errors import BadCommand
from connector.model import Document
from connector.views import Result

if TYPE_CHECKING:
    from connector.hubspot.account import Provisioned
    from connector.sandbox import Portal


@verb("provision")
def provision(door: Door) -> Result:
    """Make our properties in the CRM (group Lead qualification), once; running it again changes nothing."""
    from connector.hubspot import account
    from connector.provision import properties

    rules = door.rules()

    async def work() -> list[Provisioned]:
        async with door.transport() as t:
            return await account.provision(t, properties(rules))

    found = door.run(work())
    items: list[Document] = [{"property": p.name, "became": p.action, "said": p.said} for p in found]
    differs = sum(item["became"] == "differs" for item in items)
    summary = {name: sum(item["became"] == name for item in items) for name in ("made", "there", "differs")}
    return Result(
        "provision",
        "held" if differs else "done",
        summary=summary,
        items=items,
        exit_code=1 if differs else 0,
    )


@verb("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="Or ::1 or localhost; loopback only.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on loopback; 0: a free one.")
@click.option("--contacts", type=click.IntRange(0), default=0, help="A made-up population of so many.")
@click.option("--seed", type=int, default=7, show_default=True, help="Which population.")
@click.option("--now", help="Hold the account's clock at this moment (UTC).")
@click.option("--load", type=click.Path(path_type=Path), help="Serve the rows of a CSV as contacts.")
@click.option("--state", type=click.Path(path_type=Path), help="Keep the account in this file between runs.")
def sandbox(
    door: Door,
    host: str,
    port: int,
    contacts: int,
    seed: int,
    now: str | None,
    load: Path | None,
    state: Path | None,
) -> None:
    """Serve a HubSpot account on this machine (loopback only) until Ctrl-C. It does not imitate the app's
    screens, workflows, webhooks and their journal, tickets, products, custom objects,
    subscription types, custom event definitions, form editing, calculated properties of the account's own,
    sensitive data, or HubSpot's speed; a path, parameter or body key that it does not know is answered 501.

    It prints its address, its token, its OAuth app and a first request once it listens. What can be done to the
    account from outside (time, faults, edits, merges, its state as a file) is listed at /__sandbox__/.
    """
    from connector.sandbox import serve

    held = moment(now, door.clock().now(), "UTC") if now else None
    try:
        serve(
            contacts,
            seed,
            held,
            state=state,
            load=load,
            port=port,
            host=host,
            listening=lambda portal: door.show(_served(portal)),
        )
    except (OSError, ValueError) as error:
        raise BadCommand(f"The sandbox could not start: {error}", "See connector sandbox --help.") from error


def _served(portal: Portal) -> Result:
    app = portal.app
    keys = {
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "refresh_token": app.refresh_token,
    }
    summary = {
        "url": portal.url,
        "token": portal.token,
        "port": portal.port,
        "app": keys,
        "controls": f"{portal.url}/__sandbox__/",
        "counts": portal.counts,
    }
    items = [{"line": line, "why": why} for line, why in portal.refused]
    return Result("sandbox", "listening", summary, items)


@verb("demo")
@click.argument("folder", default="demo", type=click.Path(path_type=Path))
@click.option("--contacts", type=click.IntRange(100), default=2000, show_default=True, help="How many.")
@click.option("--seed", type=int, default=7, show_default=True, help="Which population.")
@click.option(
    "--now", default="2026-11-16T09:00Z", show_default=True, help="The moment at which it all happens."
)
def demo(door: Door, folder: Path, contacts: int, seed: int, now: str) -> Result:
    """Sandbox, provision, backfill, plan, apply, and a silent sync, in one go; no account needed.

    FOLDER keeps the rules, the cache, the account and an .env that fits them, to go on from. Rules that are
    there already are used as they are.
    """
    from connector.cli.demo import show

    return show(door, folder, contacts, seed, moment(now, door.clock().now(), "UTC"))
