"""The account that a pull reads from: the one that the cache belongs to, with what the mapping names."""

from __future__ import annotations

from sqlite_utils import Database

from connector.errors import BadRules, WrongPortal
from connector.hubspot import account, objects
from connector.model import Account
from connector.pull.pulling import Pulling
from connector.rules import against
from connector.rules.tree import Rules
from connector.store import bookmarks, columns
from connector.store.schema import write


async def look_at_account(p: Pulling) -> Account:
    """The account's schema, checked against the mapping; its portal is pinned to the cache."""
    found = await account.account(p.t)
    pinned = bookmarks.fact(p.db, "portal")
    if pinned is not None and pinned["id"] != found.portal_id:
        raise WrongPortal(
            f"This cache belongs to portal {pinned['id']}; the token opens portal {found.portal_id}.",
            "Use the token of the first, or another cache with --db.",
        )
    wrong = [d for d in against(p.rules, found, objects.PROPERTY_LEAD_STATUS) if d.severity == "error"]
    if wrong:
        raise BadRules(wrong)
    remember(p.db, p.rules, found)
    return found


def remember(db: Database, rules: Rules, found: Account) -> None:
    lifecycle = rules.mapping.write_back.lifecycle
    stages = list(found.stage_order(lifecycle.property)) if lifecycle else []
    schema = {
        object_type: {
            name: [d.label, d.type, d.field_type, d.read_only, [list(o) for o in d.options]]
            for name, d in some.items()
        }
        for object_type, some in found.properties.items()
    }
    with write(db):
        columns.ensure_columns(db, rules.mapping)
        bookmarks.set_fact(
            db, "portal", {"id": found.portal_id, "ui_domain": found.ui_domain, "time_zone": found.time_zone}
        )
        bookmarks.set_fact(db, "stages", stages)
        bookmarks.set_fact(db, "owners", dict(found.owners))
        bookmarks.set_fact(db, "schema", schema)
