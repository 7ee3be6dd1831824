"""Associations that people make and take away in the account over which the storm goes."""

from __future__ import annotations

from random import Random

from connector.sandbox import Portal
from connector.sandbox.rules.joining import joined

JOINED = ("companies", "deals", "calls", "meetings")  # what a contact is associated with


def associate(portal: Portal, contact: int, kind: str, id: int) -> None:
    """As the app does it: a deal moves its people's stage, a company's size counts for them."""
    account = portal.account
    with account.db.lock, account.db.transaction():
        account.links.add("contacts", contact, kind, id)
        joined(account, "contacts", contact, kind, id)


def dissociate(portal: Portal, dice: Random, kind: str) -> None:
    """:raises ValueError: nobody is associated with any of the kind"""
    account = portal.account
    with account.db.lock, account.db.transaction():
        pairs = account.db.rows(
            "select distinct from_id, to_id from links where from_kind = 'contacts' and to_kind = ? "
            "order by from_id, to_id",
            kind,
        )
        if not pairs:
            raise ValueError(kind)
        contact, id = dice.choice(pairs)
        account.links.remove("contacts", contact, kind, id)
        account.derived.refresh("contacts", contact)
        account.derived.refresh(kind, id)
