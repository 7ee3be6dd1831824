"""What only a property's history tells: who wrote the stage that stands in the CRM, where it is not what we
last sent, and since when the evidence for a method stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connector.hubspot import objects
from connector.hubspot.writers import word_of, writer_of
from connector.model import Record, Version
from connector.pull.pulling import Pulling
from connector.store import bookmarks, columns, decisions, outbox, records
from connector.store.schema import write


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked of histories: who wrote the stage, and since when the dated fields (ours -> the CRM's)
    stand. `ours`: a property that we alone write and that the account has: it tells which app we are."""

    stage: str
    dated: Mapping[str, str]
    ours: Sequence[str]
    order: Sequence[str]  # of the stages

    @property
    def names(self) -> list[str]:
        return sorted({*self.dated.values(), *([self.stage] if self.stage else [])})

    @property
    def histories(self) -> list[str]:
        return [*self.names, *self.ours] if self.names else []


def questions(p: Pulling) -> Questions:
    back = p.rules.mapping.write_back
    have = bookmarks.fact(p.db, "schema")["contacts"]
    return Questions(
        back.lifecycle.property if back.lifecycle else "",
        {field.name: field.property for field in columns.dated_fields(p.rules.mapping)},
        [name for name in back.fields.values() if name in have][:1],
        bookmarks.fact(p.db, "stages") or [],
    )


def expect(p: Pulling, rows: Sequence[Record]) -> None:
    """Of contacts that are new or changed: whose history is to be read. What came with its history is
    learned at once. To be called inside a transaction."""
    asked = questions(p)
    strange = {
        *_with_strange_stage(p, asked.stage, rows),
        *records.undated(p.db, [r.id for r in rows], p.rules.mapping),
    }
    for record in rows:
        if record.id in strange and record.history:
            _learn(p, asked, record)
            strange.remove(record.id)
    decisions.expect_notes(p.db, sorted(strange))


def _with_strange_stage(p: Pulling, stage: str, rows: Sequence[Record]) -> list[str]:
    """Contacts whose stage in the CRM is not the one whose writer we know."""
    if not stage:
        return []
    ids = [record.id for record in rows]
    sent, notes = outbox.last_sent(p.db, ids, [stage]), decisions.notes(p.db, ids)
    found = []
    for record in rows:
        note = notes.get(record.id)
        known = note.value if note else sent.get(record.id, {}).get(stage, "")
        if (record.properties.get(stage) or "") != known:
            found.append(record.id)
    return found


async def read_histories(p: Pulling) -> None:
    """Those that are still to be read."""
    asked = questions(p)
    while asked.names and (ids := decisions.unwitnessed(p.db, 10 * objects.HISTORY_PAGE)):
        found = await objects.read(p.t, "contacts", ids, asked.names, history=asked.histories)
        with write(p.db):
            for record in found.records.values():
                _learn(p, asked, record)
            decisions.mark_dirty(p.db, [r.id for r in found.records.values()])
            decisions.witnessed(p.db, ids)
        p.count("property history", len(found.records), 0)


def _learn(p: Pulling, asked: Questions, record: Record) -> None:
    history = record.history.get(asked.stage, ())
    if history:
        mine = [version for name in asked.ours for version in record.history.get(name, ())]
        decisions.put_note(p.db, record.id, _witness(asked, record, history, mine))
    since = {name: _stands_since(record, prop) for name, prop in asked.dated.items()}
    records.date_values(p.db, record.id, since)


def _stands_since(record: Record, prop: str) -> int | None:
    """When the value that stands was set; without a history, at the latest when the record was changed."""
    value, since = record.properties.get(prop), None
    for version in record.history.get(prop, ()):  # newest first
        if version.value != (value or ""):
            break
        since = version.at
    return since if since is not None or not value else record.modified_at


def _witness(
    asked: Questions, record: Record, history: Sequence[Version], ours: Sequence[Version]
) -> decisions.StageNote:
    history = word_of(history)
    newest, earlier = history[0], [v.value for v in history[1:] if v.value in asked.order]
    return decisions.StageNote(
        newest.value,
        newest.at,
        writer_of(history, record.created_at, ours),
        newest.source,
        newest.source_id,
        before=max(earlier, key=asked.order.index, default=""),
    )
