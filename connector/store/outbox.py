"""Changes and actions on their way to the CRM.

             put                claim              settle
  (plan) ----------> pending ----------> sending ----------> sent
                                            |-------------> pending  it had not arrived: again
                                            |-------------> held     the CRM refused it: a person decides
                                            |-------------> dropped  its contact is gone, or somebody set the stage (or may have)
  held -- retry ---> pending      held -- drop ------------> dropped
  pending or held ------ put or withdraw of a newer plan --> dropped

A row is a value of a property, or an action: a task, a step onto or off a list, a webhook. A newer plan
replaces a value or a step; a task or webhook tells of one thing that happened: it is put once, ever.

A row in `sending` when a run starts was in flight when the last one died: it is read back before anything
is sent again. Two unique indexes hold the promise that nothing is done twice: one row per (plan, contact,
kind, key) for ever (the plan's number: plans with the same content have the same id), and one *open* row
per (contact, kind, key).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
from sqlite_utils import Database

from connector.model import MINUTE
from connector.store import bookmarks
from connector.store.plans import PlanRow

PROPERTY, TASK, LIST, WEBHOOK = "property", "task", "list", "webhook"  # the kinds
_ONCE = (TASK, WEBHOOK)


class State(StrEnum):
    PENDING = "pending"  # decided, not sent yet
    SENDING = "sending"  # claimed; may or may not have reached the CRM
    SENT = "sent"  # the CRM holds it
    HELD = "held"  # refused, or left alone for a person's sake
    DROPPED = "dropped"  # no longer wanted


@dataclass(frozen=True, slots=True)
class Row:
    seq: int
    plan_id: str
    contact_id: str
    kind: str
    key: str  # the property's name; what an action is about
    old: str | None  # what the CRM held when it was decided
    new: str  # the property's value; of an action: JSON


@dataclass(frozen=True, slots=True)
class Put:
    contact_id: str
    kind: str
    key: str
    old: str | None
    new: str


def put(db: Database, plan: PlanRow, rows: Iterable[Put], now: int) -> int:
    """Takes decided changes in; a pending or held row of an older plan for the same thing is replaced, but
    for tasks and webhooks: one that is on its way or was sent stays, and the new one is left out.
    To be called inside the transaction that accepts the plan."""
    new = [row for row in rows if row.kind not in _ONCE or not _told(db, row)]
    for row in _replaced(db, plan, new):
        db.execute(
            "UPDATE outbox SET state = 'dropped', said = ?, settled_at = ? WHERE contact_id = ? AND kind = ? "
            "AND key = ? AND state IN ('pending', 'held') AND plan <> ?",
            [f"replaced by plan {plan.id}", now, row.contact_id, row.kind, row.key, plan.seq],
        )
    before = db.conn.total_changes
    db.conn.executemany(
        "INSERT OR IGNORE INTO outbox (plan, plan_id, rules, contact_id, kind, key, old, new, state, put_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?)",
        [(plan.seq, plan.id, plan.rules, r.contact_id, r.kind, r.key, r.old, r.new, now) for r in new],
    )
    return db.conn.total_changes - before


def _replaced(db: Database, plan: PlanRow, rows: Sequence[Put]) -> list[Put]:
    """Those for which a row of an older plan waits: of most contacts none does."""
    waiting = {
        (contact_id, kind, key)
        for contact_id in {row.contact_id for row in rows}
        for kind, key in db.execute(
            "SELECT kind, key FROM outbox WHERE contact_id = ? AND state IN ('pending', 'held') AND plan <> ?",
            [contact_id, plan.seq],
        )
    }
    return [row for row in rows if (row.contact_id, row.kind, row.key) in waiting]


def _told(db: Database, row: Put) -> bool:
    """Whether this very thing is on its way, or was sent."""
    open_or_sent = (
        "SELECT 1 FROM outbox WHERE contact_id = ?1 AND kind = ?2 AND key = ?3 AND state IN ('pending', 'sending', 'held') "
        "UNION ALL SELECT 1 FROM outbox WHERE contact_id = ?1 AND kind = ?2 AND key = ?3 AND state = 'sent' LIMIT 1"
    )
    return db.execute(open_or_sent, [row.contact_id, row.kind, row.key]).fetchone() is not None


def withdraw(
    db: Database,
    plan: PlanRow,
    contact_id: str,
    wanted: Mapping[str, str],
    now: int,
    *,
    kept: Collection[str] = (),
    kinds: Collection[str] = (),
) -> None:
    """Pending and held rows of older plans that are not right any more are dropped: sent now or after a
    retry, they would undo what is decided today. Those are values of properties other than `wanted` (key ->
    value), but for the properties in `kept`; and actions of these `kinds`."""
    rows = db.execute(
        "SELECT seq, kind, key, new FROM outbox WHERE state IN ('pending', 'held') AND contact_id = ? AND plan <> ?",
        [contact_id, plan.seq],
    ).fetchall()
    said = f"no longer wanted: plan {plan.id}"
    wrong = [
        seq
        for seq, kind, key, new in rows
        if kind in kinds or (kind == PROPERTY and key not in kept and wanted.get(key) != new)
    ]
    settle(db, [(seq, State.DROPPED, said) for seq in wrong], now)


# A task whose answer was lost may still be on its way: until it must have arrived it is neither there nor not,
# and its contact waits, since values are written after the tasks that they lead to.
ARRIVED = 2 * MINUTE
# The tasks of a contact that was merged are its own again only after a while (up to half an hour, the CRM says):
# until then one that may be there (its answer was lost, or the cache that knew of it) is neither there nor not.
JOINED = 45 * MINUTE
_READY = (
    "state = 'pending' AND contact_id NOT IN (SELECT contact_id FROM outbox INDEXED BY outbox_task WHERE "
    "state = 'pending' AND kind = 'task' AND unsure_at > :now - :arrived) "
    "AND contact_id NOT IN (SELECT o.contact_id FROM outbox o INDEXED BY outbox_task JOIN alias a ON a.id = o.contact_id WHERE "
    "o.state = 'pending' AND o.kind = 'task' AND (o.unsure_at IS NOT NULL OR a.at <= :begun) "
    "AND a.at > :now - :joined)"
)


_ACTING = (
    "SELECT contact_id FROM outbox INDEXED BY outbox_action WHERE state = 'pending' AND kind <> 'property'"
)
_AMONG = {  # about whom something is to be done; of whom there are values alone; whoever
    True: ("outbox INDEXED BY outbox_action", "kind <> 'property'"),
    False: ("outbox", f"contact_id NOT IN ({_ACTING})"),
    None: ("outbox", "TRUE"),
}


def claim(db: Database, contacts: int, now: int, after: str = "", *, acting: bool | None = None) -> list[Row]:
    """The pending rows of the next contacts whose ids come after `after`, now `sending`; not of those to
    whom something may still arrive. `acting`: only of those about whom something is to be done (or, False,
    of the others). To be called inside a transaction."""
    table, among = _AMONG[acting]
    begun = bookmarks.fact(db, "decided_since") or 0  # another cache may have told of what was merged before
    asked = {"after": after, "contacts": contacts, "now": now, "arrived": ARRIVED, "joined": JOINED}
    asked |= {"begun": begun}
    ids = [
        row[0]
        for row in db.execute(
            f"SELECT DISTINCT contact_id FROM {table} WHERE {_READY} AND {among} AND contact_id > :after "
            "ORDER BY contact_id LIMIT :contacts",
            asked,
        )
    ]
    if not ids:
        return []
    db.execute(
        f"UPDATE outbox SET state = 'sending', tries = tries + 1 WHERE {_READY} "
        "AND contact_id IN (SELECT value FROM json_each(:ids))",
        asked | {"ids": orjson.dumps(ids).decode()},
    )
    return in_flight(db, ids)


def in_flight(db: Database, ids: Sequence[str] | None = None, limit: int = 10_000) -> list[Row]:
    """Rows in `sending`: of these contacts, or all."""
    only = "" if ids is None else f"AND contact_id IN ({', '.join('?' * len(ids))})"
    found = db.query(
        f"SELECT seq, plan_id, contact_id, kind, key, old, new FROM outbox WHERE state = 'sending' {only} "
        f"ORDER BY contact_id, kind, key LIMIT {int(limit)}",
        list(ids or []),
    )
    return [Row(**row) for row in found]


def put_at(db: Database, rows: Sequence[int]) -> dict[int, int]:
    """When each of these was decided (ms, our clock)."""
    sql = "SELECT seq, put_at FROM outbox WHERE seq IN (SELECT value FROM json_each(?))"
    return dict(db.execute(sql, [orjson.dumps(list(rows)).decode()]).fetchall())


def settle(db: Database, rows: Iterable[tuple[int, State, str]], now: int) -> None:
    """What became of rows: (seq, state, what the CRM or we say)."""
    db.conn.executemany(
        "UPDATE outbox SET state = ?1, said = ?2, settled_at = iif(?1 = 'pending', NULL, ?3), "
        "unsure_at = iif(?1 = 'pending', ?3, unsure_at) WHERE seq = ?4",
        [(state.value, said[:2000], now, seq) for seq, state, said in rows],
    )


def put_back(db: Database, seqs: Iterable[int], said: str) -> None:
    """Rows that were claimed and then not sent: nothing of them is on its way."""
    sql = "UPDATE outbox SET state = 'pending', said = ?, settled_at = NULL WHERE seq = ?"
    db.conn.executemany(sql, [(said[:2000], seq) for seq in seqs])


def last_sent(db: Database, ids: Sequence[str], keys: Iterable[str]) -> dict[str, dict[str, str]]:
    """What we last put there: contact -> property (of `keys`) -> value."""
    rows = db.execute(
        "SELECT i.value, k.value, (SELECT new FROM outbox WHERE state = 'sent' AND contact_id = i.value "
        "AND key = k.value AND kind = 'property' ORDER BY seq DESC LIMIT 1) FROM json_each(?) i, json_each(?) k",
        [orjson.dumps(list(ids)).decode(), orjson.dumps(sorted(keys)).decode()],
    )
    found: dict[str, dict[str, str]] = {}
    for contact_id, key, new in rows:
        if new is not None:
            found.setdefault(contact_id, {})[key] = new
    return found


def refused(db: Database, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Held rows: contact -> property -> the value that the CRM refused."""
    marks = ", ".join("?" * len(ids))
    rows = db.execute(
        "SELECT contact_id, key, new FROM outbox WHERE state = 'held' AND kind = 'property' "
        f"AND contact_id IN ({marks})",
        list(ids),
    )
    found: dict[str, dict[str, str]] = {}
    for contact_id, key, new in rows:
        found.setdefault(contact_id, {})[key] = new
    return found


def any_in_flight(db: Database) -> bool:
    return db.execute("SELECT 1 FROM outbox WHERE state = 'sending' LIMIT 1").fetchone() is not None


def counts(db: Database) -> dict[str, int]:
    found = dict(db.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall())
    return {state.value: int(found.get(state.value, 0)) for state in State}


def olds(db: Database, plan_id: str) -> dict[str, dict[str, str | None]]:
    """What stood in the CRM before a plan was sent: contact -> property -> value."""
    rows = db.execute(
        "SELECT contact_id, key, old FROM outbox WHERE plan_id = ? AND state = 'sent' AND kind = 'property' "
        "ORDER BY contact_id",
        [plan_id],
    )
    found: dict[str, dict[str, str | None]] = {}
    for contact_id, key, old in rows:
        found.setdefault(contact_id, {})[key] = old
    return found


def decide(db: Database, seqs: Sequence[int], state: State, now: int) -> int:
    """A person's word about held rows (all, or these): send again, or drop. Gives how many."""
    only = f"AND seq IN ({', '.join('?' * len(seqs))})" if seqs else ""
    done = db.execute(
        f"UPDATE outbox SET state = ?, settled_at = ?, said = 'by hand' WHERE state = 'held' {only}",
        [state.value, None if state is State.PENDING else now, *seqs],
    )
    return done.rowcount


def listed(db: Database, limit: int = 1000) -> list[dict[str, Any]]:
    """Open rows, the held ones first."""
    return list(
        db.query(
            "SELECT o.seq, o.contact_id, c.email, o.kind, o.key, o.old, o.new, o.state, o.said, o.tries, o.put_at, o.plan_id "
            "FROM outbox o LEFT JOIN contact c ON c.id = o.contact_id WHERE o.state IN ('held', 'sending', 'pending') "
            "ORDER BY o.state = 'held' DESC, o.seq LIMIT ?",
            [limit],
        )
    )
