"""Merge (HUBSPOT.md 3.8).

A merge makes a new record with a new id; both old ids stand for it from then on and are found nowhere else. The
first record's values win, the second's fill what is blank. Exceptions: the stage is the furthest of the two, the
dates of making and the original source are the older one's, opt-outs and the marketing status are kept, counters
are those of both together (the last is a guess: `_either`).
"""

from __future__ import annotations

from connector.sandbox import refusals
from connector.sandbox.kinds import ACTIVITIES
from connector.sandbox.rules import lifecycle
from connector.sandbox.state import Account
from connector.sandbox.state.records import Record, Writer, addresses
from connector.sandbox.wire import Refusal, refuse

MOST_IDENTITIES = 250
_ORIGINAL = ("hs_analytics_source", "hs_analytics_source_data_1", "hs_analytics_source_data_2")
_COUNTERS = (
    "hs_analytics_num_page_views",
    "hs_analytics_num_visits",
    "hs_analytics_num_event_completions",
    "hs_email_delivered",
    "hs_email_open",
    "hs_email_click",
    "hs_email_bounce",
    "hs_email_replied",
    "num_notes",
    "num_contacted_notes",
)
_KEPT_FLAGS = ("hs_marketable_status", "hs_email_optout")


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
        raise refuse(414, f"Cannot have more than {MOST_IDENTITIES} identities on a profile")
    return _replace(account, kept, gone, props, writer)


def _together(account: Account, kept: Record, gone: Record) -> dict[str, str]:
    props = {**gone.props, **{name: value for name, value in kept.props.items() if value}}
    props["hs_merged_object_ids"] = ";".join(_merged_ids(kept, gone))
    if kept.kind == "contacts":
        props.update(_identities(account, kept, gone, props))
        props.update(_original(kept, gone))
        props.update(_either(kept, gone))
    if lifecycle.STAGE in props:
        stages = {kept.id: kept.props.get(lifecycle.STAGE), gone.id: gone.props.get(lifecycle.STAGE)}
        props[lifecycle.STAGE] = lifecycle.furthest(account, kept.kind, stages) or props[lifecycle.STAGE]
    return {name: value for name, value in props.items() if value}


def _identities(account: Account, kept: Record, gone: Record, props: dict[str, str]) -> dict[str, str]:
    emails = list(dict.fromkeys([*addresses(kept.props), *addresses(gone.props)]))
    merged_at = f"{gone.id}:{account.clock.now()}"
    earlier = kept.props.get("hs_calculated_merged_vids")
    return {
        "hs_additional_emails": ";".join(email for email in emails if email != props.get("email")),
        "hs_all_contact_vids": props["hs_merged_object_ids"],
        "hs_calculated_merged_vids": ";".join(filter(None, [earlier, merged_at])),
    }


def _original(kept: Record, gone: Record) -> dict[str, str]:
    """Where the person came from at first: what the older record says."""
    older = gone if gone.created < kept.created else kept
    return {name: older.props.get(name, "") for name in _ORIGINAL} if older.props.get(_ORIGINAL[0]) else {}


def _either(kept: Record, gone: Record) -> dict[str, str]:
    """Flags that one of them is enough for, and counters: the engagement of both is the new record's."""
    names = {*kept.props, *gone.props}
    flags = [name for name in names if name in _KEPT_FLAGS or name.startswith("hs_email_optout_")]
    values = {name: "true" for name in flags if "true" in (kept.props.get(name), gone.props.get(name))}
    for name in names.intersection(_COUNTERS):
        total = float(kept.props.get(name) or 0) + float(gone.props.get(name) or 0)
        values[name] = str(int(total)) if total.is_integer() else str(total)
    return values


def _merged_ids(kept: Record, gone: Record) -> list[str]:
    ids: list[str] = []
    for record in (kept, gone):
        ids += [id for id in record.props.get("hs_merged_object_ids", "").split(";") if id]
        ids.append(str(record.id))
    return list(dict.fromkeys(ids))


def _replace(account: Account, kept: Record, gone: Record, props: dict[str, str], writer: Writer) -> Record:
    """Puts the new record in the place of both, with their history, associations and engagement."""
    records, merging = account.records, Writer("MERGE_OBJECTS", writer.source_id)
    new = records.create(kept.kind, {}, merging)
    for old in (gone, kept):
        records.move_history(old, new.id)
        _hold_back(account, old, new.id)
        account.links.move(kept.kind, old.id, new.id)
        if kept.kind == "contacts":
            account.engagement.move(old.id, new.id)
            account.participations.move(old.id, new.id)
        records.remove(kept.kind, old.id)
        sql = "insert into aliases values (?, ?, ?, ?)"
        account.db.run(sql, kept.kind, old.id, new.id, account.clock.now())
    new.created = min(kept.created, gone.created)
    changed = {
        name: value
        for name, value in props.items()
        if kept.props.get(name) != value or records.newest(new, name) not in (None, value)
    }
    new.props = {name: value for name, value in props.items() if name not in changed}
    records.change(new, changed, merging)
    account.derived.refresh(kept.kind, new.id)
    account.derived.around(kept.kind, new.id)
    return records.find(kept.kind, new.id) or new


def _hold_back(account: Account, old: Record, new: int) -> None:
    """With the knob, a contact's activities are joined to the new record only after a while."""
    seconds = account.knobs.merge_activity_lag
    if not seconds or old.kind != "contacts":
        return
    for kind in sorted(ACTIVITIES):
        for id in account.links.ids("contacts", old.id, kind):
            account.links.remove("contacts", old.id, kind, id)
            account.later.put(seconds, "rejoin", kind, id, new)
