"""A person is forgotten at our user's word: here, not in the CRM, and kept out while the CRM has them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database

from connector.errors import BadCommand
from connector.model import mask
from connector.reconcile.counting import FORGOTTEN, VAINLY
from connector.store import bookmarks, erasure, identity
from connector.store.schema import write


@dataclass(frozen=True, slots=True)
class Known:
    """Who is meant: the ids in the cache that an id or an address stands for, or the address alone."""

    ids: list[str]
    addresses: list[str]
    rows: dict[str, int]  # that name them, by table


@dataclass(frozen=True, slots=True)
class Forgotten:
    """`rows` that went, by table; `clean`: nothing of them is left in the file. While somebody reads it that
    cannot be done: the next sync does it."""

    rows: dict[str, int]
    clean: bool


def known(db: Database, who: str) -> Known:
    """Nobody in it: a run that died had erased them, and the file is still to be looked through.

    :raises BadCommand: where nobody is known by this id or address, or several are
    """
    ids = erasure.whose(db, who)
    address = [who.strip().lower()] if "@" in who else []
    if len(ids) > 1:
        raise BadCommand(f"{_shown(who)} belongs to several contacts.", f"Name one by id: {', '.join(ids)}")
    rows = erasure.count(db, ids, address)
    begun = erasure.owed(db) and identity.forgotten(db, who) is not None
    if not ids and not rows and not begun:
        raise BadCommand(
            f"Nobody in the cache is known as {_shown(who)}.",
            "Check the id or the address; who is in the CRM alone is not here to be forgotten.",
        )
    return Known(ids, address, rows)


def forget(db: Database, who: Known, now: int) -> Forgotten:
    """Everything goes but salted hashes of ids and addresses, by which pulls know whom to leave out."""
    if not who.ids and not who.rows:
        return Forgotten({}, erasure.scrub(db))
    with write(db):
        done = erasure.erase(db, who.ids, now, asked=True, addresses=who.addresses)
        bookmarks.set_fact(db, FORGOTTEN, _there(db) + done.rows.get("contact", 0))
    return Forgotten(done.rows, erasure.scrub(db, done.texts))


def remember(db: Database, who: str) -> None:
    """The way back: the next sync reads them again, as somebody new.

    :raises BadCommand: where nobody of this id or address was forgotten
    """
    person = identity.forgotten(db, who)
    if person is None:
        raise BadCommand(
            f"Nobody known as {_shown(who)} was forgotten.", "Type the id or the address that they had."
        )
    with write(db):
        identity.remember(db, person)
        bookmarks.set_fact(db, FORGOTTEN, max(0, _there(db) - 1))
        bookmarks.drop_fact(db, VAINLY)


def _there(db: Database) -> int:
    return int(bookmarks.fact(db, FORGOTTEN) or 0)


def _shown(who: str) -> str:
    return mask(who) if "@" in who else who
