"""The CRM's events as they were told, and the signals that the mapping makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson
from sqlite_utils import Database

from connector.model import Engagement, fold
from connector.store import identity
from connector.store.identity import Gate


def put(db: Database, rows: Iterable[Engagement], now: int) -> int:
    """Stores events by (source and id, party); one that is told again changes nothing. Gives how many are
    new or changed. An address that no contact has yet is parked; what is told of a merged-away id is the
    survivor's; of erased people nothing is kept. To be called inside a transaction."""
    stored, gate = 0, Gate(db)
    for row in rows:
        contact_id = row.contact_id and gate.survivor(row.contact_id)
        party = contact_id or row.address or ""
        contact = contact_id or _owner_of(db, row.address)
        if not gate.admits(row, contact):
            continue
        done = db.execute(
            "INSERT INTO engagement VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (id, party) DO UPDATE SET "
            "event = excluded.event, at = excluded.at, attrs = excluded.attrs, label = excluded.label, judged = 0 "
            "WHERE event <> excluded.event OR at <> excluded.at OR attrs <> excluded.attrs",
            [
                f"{row.source}:{row.id}",
                party,
                row.source,
                row.event,
                row.at,
                now,
                contact,
                row.address,
                _attrs(row),
                row.label,
            ],
        )
        stored += done.rowcount
    return stored


def _owner_of(db: Database, address: str | None) -> str | None:
    if not address:
        return None
    found = db.execute("SELECT contact_id FROM address WHERE address = ?", [address]).fetchone()
    return str(found[0]) if found else None


def _attrs(row: Engagement) -> str:
    folded = {name: fold(value) if isinstance(value, str) else value for name, value in row.attrs.items()}
    return orjson.dumps(folded, option=orjson.OPT_SORT_KEYS).decode()


def parked(db: Database) -> int:
    """Events of addresses that no contact has."""
    sql = "SELECT count(*) FROM engagement WHERE contact_id IS NULL AND address IS NOT NULL"
    return int(db.execute(sql).fetchone()[0])


def unjudged(db: Database) -> int:
    found = db.execute("SELECT count(*) FROM engagement WHERE judged = 0 AND contact_id IS NOT NULL")
    return int(found.fetchone()[0])


def ids_after(db: Database, source: str, after: str, limit: int) -> list[str]:
    """The ids, as the source has them, of its events that follow `after`, in their order."""
    rows = db.execute(
        "SELECT DISTINCT id FROM engagement WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
        [f"{source}:{after}", f"{source};", limit],
    )
    return [row[0].partition(":")[2] for row in rows]


def remove(db: Database, source: str, ids: Sequence[str]) -> list[str]:
    """The CRM does not have these events any more: they make no signal. Gives the contacts of whom they were.
    To be called inside a transaction."""
    touched: list[str] = []
    for name in (f"{source}:{one}" for one in ids):
        gone = db.execute("DELETE FROM engagement WHERE id = ? RETURNING contact_id", [name]).fetchall()
        mine = [row[0] for row in gone if row[0]]
        sql = "DELETE FROM signal WHERE contact_id = ? AND id = ?"  # few to a contact
        db.conn.executemany(sql, [(contact, name) for contact in mine])
        touched += mine
    return touched


def outlast(db: Database, contact_ids: Sequence[str]) -> None:
    """Of the activities of contacts who are erased the ids stay, as of those linked to nobody: somebody else
    may be linked to one, and nothing tells but the day's walk over them. To be called inside a transaction."""
    db.execute(
        "INSERT OR IGNORE INTO engagement SELECT id, '', source, event, at, ingested_at, NULL, NULL, '{}', '', 1 "
        "FROM engagement WHERE contact_id IN (SELECT value FROM json_each(?)) AND source IN "
        "('meetings', 'calls', 'emails', 'communications', 'notes', 'tasks')",
        [orjson.dumps(list(contact_ids)).decode()],
    )


def unlink(db: Database, rows: Sequence[Engagement], since: int) -> list[str]:
    """Events, told anew with everybody whose they are, are nobody else's any more. Those of contacts in the bin
    stay theirs, and for a while (`since`) those of contacts that were merged: theirs are joined to the new id
    later. Gives the contacts of whom they were. To be called inside a transaction."""
    gate, whose = Gate(db), dict[tuple[str, str], set[str]]()
    for row in rows:
        mine = whose.setdefault((row.source, row.id), set())
        mine |= {gate.survivor(row.contact_id)} if row.contact_id else set()
    touched: list[str] = []
    for (source, id), mine in whose.items():
        name = f"{source}:{id}"
        parties = [row[0] for row in db.execute("SELECT party FROM engagement WHERE id = ?", [name])]
        gone = [one for one in parties if one not in mine and (mine if not one else _may_go(db, one, since))]
        for party in gone:
            db.execute("DELETE FROM engagement WHERE id = ? AND party = ?", [name, party])
            db.execute("DELETE FROM signal WHERE contact_id = ? AND id = ?", [party, name])
        touched += filter(None, gone)
    return touched


def _may_go(db: Database, contact_id: str, since: int) -> bool:
    binned = db.execute("SELECT 1 FROM departed WHERE contact_id = ?", [contact_id]).fetchone()
    return binned is None and not identity.merged_since(db, contact_id, since)


def strangers(db: Database, after: str, limit: int) -> tuple[list[str], str | None]:
    """Contacts of events that are neither here nor known to have left, among the next that follow an id; and
    where to go on. One seek for each contact: there are many events to each."""
    rows = db.execute(
        "WITH RECURSIVE ids(id) AS (SELECT min(contact_id) FROM engagement WHERE contact_id > ?1 UNION ALL "
        "SELECT (SELECT min(contact_id) FROM engagement WHERE contact_id > ids.id) FROM ids "
        "WHERE ids.id IS NOT NULL LIMIT ?2) "
        "SELECT id, EXISTS (SELECT 1 FROM contact c WHERE c.id = ids.id) "
        "OR EXISTS (SELECT 1 FROM departed d WHERE d.contact_id = ids.id) FROM ids WHERE id IS NOT NULL",
        [after, limit],
    ).fetchall()
    following = rows[-1][0] if len(rows) == limit else None
    return [id for id, known in rows if not known], following


def remove_of_deal(db: Database, deal_id: str) -> list[str]:
    """The same for the stages that a deal went through."""
    rows = db.execute(
        "SELECT DISTINCT id FROM engagement WHERE id > ? AND id < ?",
        [f"deals:{deal_id}:", f"deals:{deal_id};"],
    ).fetchall()
    return remove(db, "deals", [row[0].partition(":")[2] for row in rows])


def judge_again(db: Database) -> None:
    """Every signal is made anew: what an event means has changed."""
    db.execute("DELETE FROM signal")
    db.execute("UPDATE engagement SET judged = 0 WHERE judged = 1")


def accepted(
    db: Database, contact_id: str, until: int, since: int | None = None
) -> list[tuple[str, str, int]]:
    """(id, kind, when) of the accepted signals of a contact after `since`, up to `until`, newest first."""
    return db.execute(
        "SELECT id, kind, at FROM signal WHERE contact_id = ? AND at <= ? AND coalesce(at > ?, 1) "
        "AND rejected IS NULL ORDER BY at DESC, id",
        [contact_id, until, since],
    ).fetchall()


def labels(db: Database, contact_id: str, ids: Sequence[str]) -> dict[str, str]:
    """What the events behind signals show to people: a path, a form's name, a subject."""
    rows = db.execute(
        "SELECT id, label FROM engagement WHERE id IN (SELECT value FROM json_each(?)) AND contact_id = ?",
        [orjson.dumps(list(ids)).decode(), contact_id],
    )
    return dict(rows.fetchall())
