"""Archive, restore, erase (HUBSPOT.md 3.8): those who count a record follow without moving their date."""

from __future__ import annotations

from connector.sandbox.rules import writing
from connector.sandbox.state import Account
from connector.sandbox.state.records import Record, addresses


def archive(account: Account, record: Record) -> None:
    """Into the bin, for ninety days."""
    account.records.archive(record)
    account.derived.around(record.kind, record.id)


def restore(account: Account, record: Record) -> None:
    """Back from the bin with its id, which only a person in the app can do (3.1). Raises ValueError if another
    has one of its addresses or unique values by now."""
    taken = [email for email in addresses(record.props) if account.records.by_email(email) is not None]
    if record.kind == "contacts" and taken:
        raise ValueError(f"another contact has {taken[0]} by now")
    for problem in writing.taken(account, record.kind, record.props, record):
        raise ValueError(problem.message)
    account.records.restore(record, bump=account.knobs.restore_bumps_lastmodified)
    account.derived.refresh(record.kind, record.id)
    account.derived.around(record.kind, record.id)


def erase(account: Account, id: int) -> None:
    """gdpr-delete: the person and everything of theirs is gone, also from the bin; no trace but the absence."""
    record = account.records.find("contacts", id) or account.records.find("contacts", id, archived=True)
    if record is None:
        return
    account.records.archive(record)
    account.derived.around("contacts", record.id)
    account.engagement.forget(record.id, addresses(record.props))
    account.participations.forget(record.id)
    account.links.forget("contacts", record.id)
    account.records.remove("contacts", record.id)
    account.db.run(_FORGET_ALIASES, record.id)


# Also those of records that were merged into one that was merged again.
_FORGET_ALIASES = """
with recursive gone(id) as (
  select ? union select aliases.id from aliases join gone on survivor = gone.id where kind = 'contacts')
delete from aliases where kind = 'contacts' and survivor in gone"""


def erase_address(account: Account, email: str) -> None:
    """The contact that has the address, in the bin or out of it; if there is none, no contact is to have it."""
    records = account.records
    id = records.by_email(email)
    if id is None:
        id = records.in_bin_by_email(email)
    if id is None:
        records.block(email)
    else:
        erase(account, id)
