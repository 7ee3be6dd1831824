"""A copy of the whole file, whole at one moment, while others write."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database

from connector.store.leftovers import sweep
from connector.store.schema import trouble


def copy(db: Database, to: Path) -> int:
    """Writes the cache as it is at this moment to `to`, which has its name when it is whole; only its owner
    may read it. Gives its size. What copies that were killed left there goes: nobody else would find it.

    :raises StoreTrouble: the disk is full, or the folder cannot be written to
    """
    with trouble(to):
        mine = f".{to.name}.copy-"
        sweep(to.parent, mine)
        handle, made = tempfile.mkstemp(prefix=f"{mine}{os.getpid()}-", dir=to.parent)
        os.close(handle)
        try:
            with closing(sqlite3.connect(made, isolation_level=None)) as target:
                db.conn.backup(target)
                target.execute("PRAGMA journal_mode = delete")  # one file: no log beside it
            Path(made).replace(to)
        except BaseException:
            Path(made).unlink(missing_ok=True)
            raise
        return to.stat().st_size
