"""What an account is filled with: a made-up population, the rows of a CSV."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from connector.sandbox import csvload
from connector.sandbox.rows import Object, Row
from connector.sandbox.state import Account, load

Refused = list[tuple[int, str]]


def populate(account: Account, contacts: int, seed: int) -> None:
    """A population as of the account's present moment."""
    from connector.sandbox.population import populate as people

    load(account, people(contacts, seed, account.clock.now()))


def load_csv(account: Account, path: Path) -> Refused:
    """The rows of a file as contacts; gives the lines that cannot be one. Raises ValueError for no CSV at all."""
    loaded = csvload.read(path, account.clock.now())
    refused = list(loaded.refused)
    load(account, _new(account, loaded.rows, refused))
    return refused


def load_csv_bytes(account: Account, raw: bytes) -> Refused:
    """The same for a file that came as bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload.csv"
        path.write_bytes(raw)
        return load_csv(account, path)


def _new(account: Account, rows: list[Row], refused: Refused) -> Iterator[Row]:
    """The rows with ids above those there are; an address that the account has is refused, by no line (0)."""
    first = csvload.FIRST_ID
    top: int | None = account.db.value(
        "select max(id) from objects where kind = 'contacts' and id >= ?", first
    )
    shift = 0 if top is None else top + 1 - first
    for row in rows:
        if not isinstance(row, Object):
            yield row
        elif (email := row.properties.get("email")) and account.records.by_email(email) is not None:
            refused.append((0, f"the account has a contact with the address {email}"))
        else:
            kind, id = row.kind, row.id + shift
            yield Object(kind, id, row.properties, row.created, row.modified, row.history)
