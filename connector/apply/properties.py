"""Values of contacts' properties: looked at again, sent together, compared with the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.apply.sending import Sending, Sent, Verdict
from connector.hubspot import objects
from connector.model import MINUTE, Outcome, Record, Update
from connector.plan import same
from connector.store import decisions, outbox, records
from connector.store.outbox import Row, State

_CLOCKS = 5 * MINUTE  # that the CRM's clock and ours may be apart
ByContact = Mapping[str, Sequence[Row]]


def record_verdicts(s: Sending, rows: Sequence[Row], verdicts: Sequence[Verdict]) -> None:
    """Of a stage that the CRM took from us we know the writer; of one that it had already, its history tells.
    To be called inside a transaction."""
    outbox.settle(s.db, verdicts, s.now)
    sent = {seq: said for seq, state, said in verdicts if state is State.SENT}
    ours = [r for r in rows if (r.kind, r.key) == (outbox.PROPERTY, s.lifecycle) and r.seq in sent]
    decisions.drop_notes(s.db, [row.contact_id for row in ours if not sent[row.seq]])
    decisions.expect_notes(s.db, [row.contact_id for row in ours if sent[row.seq]])


def learn(s: Sending, contact: str, said: Record | None, rows: Sequence[Row]) -> None:
    """The CRM has been heard on these rows: the cache need not wait for the echo. To be called inside a
    transaction."""
    if said is None or said.id != contact:
        return
    values = {row.key: said.properties.get(row.key, row.new) for row in rows}
    read = records.patch(s.db, contact, values, s.rules.mapping)
    if s.judged.intersection(read):
        decisions.mark_dirty(s.db, [contact])


async def read_back(s: Sending, rows: Sequence[Row]) -> tuple[list[Verdict], Mapping[str, Record]]:
    """Rows that were in flight: what the CRM holds by now is sent, the rest pending again; but for a stage
    that had arrived, and was taken back since: that is decided anew. And what was read for it."""
    keys = sorted({row.key for row in rows})
    history = [s.lifecycle] if s.lifecycle in keys else []
    found = await objects.read(s.t, "contacts", sorted({r.contact_id for r in rows}), keys, history)
    put = outbox.put_at(s.db, [row.seq for row in rows if row.key == s.lifecycle])
    verdicts = []
    for row in rows:
        record = found.records.get(row.contact_id)
        if record is not None and _holds(s, record, row):
            verdicts.append((row.seq, State.SENT, "read back"))
        elif record is not None and row.seq in put and _came_by(record, row, put[row.seq]):
            verdicts.append((row.seq, State.DROPPED, "it arrived, and was taken back: decided anew"))
        else:
            verdicts.append((row.seq, State.PENDING, ""))
    return verdicts, found.records


def _came_by(record: Record, row: Row, since: int) -> bool:
    """Whether the value stood there since the row was put, by the CRM's clock, which need not be ours."""
    versions = record.history.get(row.key, ())
    return any(one.value == row.new and one.at >= since - _CLOCKS for one in versions)


def look_again(
    s: Sending, rows: ByContact, fresh: Mapping[str, Record], done: Sent
) -> tuple[dict[str, list[Row]], list[Verdict]]:
    """Which rows of each contact still are to be sent, and what became of the others."""
    to_send: dict[str, list[Row]] = {}
    settled: list[Verdict] = []
    for contact, some in rows.items():
        wanted, verdicts = _look_again(s, contact, some, fresh[contact], done)
        settled += verdicts
        if wanted:
            to_send[contact] = wanted
    return to_send, settled


def _look_again(
    s: Sending, contact: str, rows: Sequence[Row], fresh: Record, done: Sent
) -> tuple[list[Row], list[Verdict]]:
    wanted: list[Row] = []
    settled: list[Verdict] = []
    for row in rows:
        stands = fresh.properties.get(row.key) or None
        said = f"somebody set {row.key} to {stands or 'nothing'} since the plan"
        if _holds(s, fresh, row):
            settled.append((row.seq, State.SENT, "the CRM already said so"))
        elif row.key == s.lifecycle and stands != row.old:
            settled.append((row.seq, State.DROPPED, said))
            done.dropped[contact] = said
        elif row.key == objects.PROPERTY_LEAD_STATUS and stands != row.old:
            settled.append((row.seq, State.DROPPED, said))  # theirs; the rest of the contact is ours
        else:
            wanted.append(row)
    done.already += bool(rows) and not wanted and contact not in done.dropped
    return wanted, settled


async def send_properties(s: Sending, to_send: ByContact) -> list[Outcome]:
    updates = [Update(contact, {row.key: row.new for row in some}) for contact, some in to_send.items()]
    return await objects.update(s.t, "contacts", updates) if updates else []


def settle(s: Sending, outcome: Outcome, rows: Sequence[Row], done: Sent) -> list[Verdict]:
    """What an answer means for each row. To be called inside a transaction."""
    if not outcome.ok or outcome.record is None:
        gone = outcome.category == "OBJECT_NOT_FOUND"
        done.gone |= {outcome.id} if gone else set()
        (done.dropped if gone else done.held)[outcome.id] = outcome.message
        return [(row.seq, State.DROPPED if gone else State.HELD, outcome.message) for row in rows]
    verdicts = [_compare(s, outcome.record, row) for row in rows]
    learn(s, outcome.id, outcome.record, rows)
    kept = next((said for _, state, said in verdicts if state is State.HELD), None)
    if kept:
        done.held[outcome.id] = kept
    done.sent += 1
    done.values += sum(state is State.SENT for _, state, _ in verdicts)
    return verdicts


def _compare(s: Sending, answered: Record, row: Row) -> Verdict:
    """A 2xx is not yet success: a stage that the CRM did not take stands unchanged in its answer."""
    if row.key not in answered.properties or _holds(s, answered, row):
        return row.seq, State.SENT, ""
    kept = answered.properties.get(row.key) or "nothing"
    return row.seq, State.HELD, f"the CRM answered that {row.key} is {kept}, not {row.new}"


def _holds(s: Sending, record: Record, row: Row) -> bool:
    """Whether the CRM holds what the row wants; for the CRM's own stage, that or a later one."""
    value = record.properties.get(row.key)
    if row.key == s.lifecycle:
        return _at_or_after(s.order, value, row.new)
    return same(value, row.new, s.kinds.get(row.key, "text"))


def _at_or_after(order: Sequence[str], value: str | None, wanted: str) -> bool:
    return value == wanted or (
        value in order and wanted in order and order.index(value) >= order.index(wanted)
    )
