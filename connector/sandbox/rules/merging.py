"""Merge, archive, erase (HUBSPOT.md 3.8).

A merge makes a new record with a new id; both old ids stand for it from then on and are found nowhere else.
The first record's values win, the second's fill what is blank; the stage is the furthest of the two.
"""

from __future__ import annotations

from connector.sandbox import refusals
from connector.sandbox.rules import lifecycle
from connector.sandbox.state import Account
from connector.sandbox.state.records import Record, Writer, addresses
from connector.sandbox.wire import Refusal

MOST_IDENTITIES = 250
_OWN = frozenset(
    {"hs_merged_object_ids", "hs_additional_emails", "hs_calculated_merged_vids", "hs_all_contact_vids"}
)


def merge(account: Account, kind: str, first: int, second: int, writer: Writer) -> Record:
    """Merges the second into the first and gives the new record. Raises Refusal (404, 400, 414)."""
    kept = account.records.find(kind, account.records.canonical(kind, first))
    gone = account.records.find(kind, account.records.canonical(kind, second))
    if kept is None or gone is None:
        raise refusals.not_found()
    if kept.id == gone.id:
        raise Refusal(400, {"status": "error", "message": f"Cannot merge object {first} with itself"})
    props = _together(account, kept, gone)
    if len(addresses(props)) > MOST_IDENTITIES:
        raise Refusal(
            414,
            {
                "status": "error",
                "message": f"Cannot have more than {MOST_IDENTITIES} identities on a profile",
            },
        )
    return _replace(account, kept, gone, props, writer)


def _together(account: Account, kept: Record, gone: Record) -> dict[str, str]:
    props = {**gone.props, **{name: value for name, value in kept.props.items() if value}}
    props["hs_merged_object_ids"] = ";".join(_merged_ids(kept, gone))
    if kept.kind == "contacts":
        emails = list(dict.fromkeys([*addresses(kept.props), *addresses(gone.props)]))
        props["hs_additional_emails"] = ";".join(email for email in emails if email != props.get("email"))
        props["hs_all_contact_vids"] = props["hs_merged_object_ids"]
        stamp = f"{gone.id}:{account.clock.now()}"
        props["hs_calculated_merged_vids"] = ";".join(
            filter(None, [kept.props.get("hs_calculated_merged_vids"), stamp])
        )
    if lifecycle.STAGE in props:
        stages = {kept.id: kept.props.get(lifecycle.STAGE), gone.id: gone.props.get(lifecycle.STAGE)}
        props[lifecycle.STAGE] = lifecycle.furthest(account, kept.kind, stages) or props[lifecycle.STAGE]
    return {name: value for name, value in props.items() if value}


def _merged_ids(kept: Record, gone: Record) -> list[str]:
    ids: list[str] = []
    for record in (kept, gone):
        ids += [id for id in record.props.get("hs_merged_object_ids", "").split(";") if id]
        ids.append(str(record.id))
    return list(dict.fromkeys(ids))


def _replace(account: Account, kept: Record, gone: Record, props: dict[str, str], writer: Writer) -> Record:
    records, db = account.records, account.db
    new = records.create(kept.kind, {}, Writer("MERGE_OBJECTS", writer.source_id))
    for old in (gone, kept):
        records.move_history(kept.kind, old.id, new.id)
        account.links.move(kept.kind, old.id, new.id)
        if kept.kind == "contacts":
            account.engagement.move(old.id, new.id)
        records.remove(kept.kind, old.id)
        db.run("insert into aliases values (?, ?, ?, ?)", kept.kind, old.id, new.id, account.clock.now())
    db.run(
        "update objects set created = ? where kind = ? and id = ?",
        min(kept.created, gone.created),
        kept.kind,
        new.id,
    )
    new.created = min(kept.created, gone.created)
    changed = {name: value for name, value in props.items() if kept.props.get(name) != value}
    new.props = {name: value for name, value in props.items() if name not in changed}
    records.change(new, changed, Writer("MERGE_OBJECTS", writer.source_id))
    if kept.kind == "contacts":
        account.derived.contacts([new.id])
    return records.find(kept.kind, new.id) or new


def erase(account: Account, id: int) -> None:
    """gdpr-delete: the person and everything of theirs is gone, also from the bin; no trace but the absence."""
    record = account.records.find("contacts", id) or account.records.find("contacts", id, archived=True)
    if record is None:
        return
    account.engagement.forget(record.id, addresses(record.props))
    account.links.forget("contacts", record.id)
    account.records.remove("contacts", record.id)
    account.db.run("delete from aliases where kind = 'contacts' and survivor = ?", record.id)
