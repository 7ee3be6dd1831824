"""After the storm: what the cache must say, by the account's own state and journal."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from accounts import House
from storm import Storm
from storm_account import FAIR, FIRST, NURTURING, OWNED, PEOPLE, STAGES, UPDATE

from connector.sandbox.state import Account

AUTOMATION = ("LCS-set-on-Deal-association", "LCS-sync-from-Company")
MARKER = re.compile(r"\[connector[^\]]*\]")
MAPPED = {  # what the rules of the storm read, by kind
    "contacts": "email hs_additional_emails jobtitle city firstname hs_persona hubspot_owner_id "
    "lifecyclestage bant_need_confirmed sales_rejection_reason lq_score lq_stage lq_temperature lq_fit "
    "lq_engagement lq_why lq_epoch lq_rules",
    "companies": "numberofemployees",
    "deals": "amount dealstage hs_is_closed_won hs_deal_stage_probability",
}
TABLES = {"contacts": "contact", "companies": "company", "deals": "deal"}
MAILS = {"OPEN": "email_open", "CLICK": "email_click"}
ACTIVITIES = {"calls": "call", "meetings": "meeting"}
Events = dict[str, Counter[tuple[str, ...]]]
Values = dict[str, str]


def agrees(here: House, storm: Storm, file: Path) -> None:
    """The cache says what the account says of records, links and events, and nothing of who is gone."""
    account = here.portal.account
    with account.db.lock:
        for kind in MAPPED:
            assert held(here, kind) == there(here, kind), kind
        assert companies_held(here) == companies_there(account), "companies of contacts"
        assert deals_held(here) == deals_there(account), "deals of contacts"
        mine = {(row["address"], int(row["contact_id"])) for row in here.rows("SELECT * FROM address")}
        alive = set(storm.ids("contacts"))
        wanted = {(email, id) for email, id in account.db.rows("select email, id from emails")}
        assert {one for one in mine if one[1] in alive} == wanted, "addresses"
        assert events_held(here, alive, storm) == events_there(account, alive, storm), "engagement"
        aliases(here, account)
    forgotten(storm, file)


HOUR = 3_600_000
EDITED = "jobtitle city firstname bant_need_confirmed hs_persona hubspot_owner_id sales_rejection_reason"


def heard(here: House, storm: Storm, began: int) -> None:
    """Amid the storm: what the index had time to show when a sync `began` is here already, not only after the
    day's walk. It may lose a row again until twice its lag has passed; where windows overlap by less than
    that, it takes the second look."""
    lag = here.portal.account.knobs.lag
    most = max(lag) if isinstance(lag, list) else lag
    waits = int(2000 * most) + 1000 if most <= 290 else 2 * HOUR
    until, names = began - waits, EDITED.split()
    mine = {
        int(row["id"]): _some(json.loads(row["properties"]), names)
        for row in here.rows("SELECT id, properties FROM contact")
    }
    with here.portal.account.db.lock:
        for id in mine.keys() & set(storm.ids("contacts")):
            newest = max((e.at for name in names for e in _versions(here, id, name)), default=0)
            if newest < until:
                values = here.portal.record("contacts", id)["properties"]
                assert mine[id] == _some(values, names), f"{id} is not as it was {waits} ms ago"


def _versions(here: House, id: int, name: str) -> list[Any]:
    found = here.portal.account.records.history(here.portal._find("contacts", id), name)
    return list(found)[:1]


def held(here: House, kind: str) -> dict[int, Values]:
    names = MAPPED[kind].split()
    rows = here.rows(f"SELECT id, properties FROM {TABLES[kind]}")
    return {int(row["id"]): _some(json.loads(row["properties"]), names) for row in rows}


def there(here: House, kind: str) -> dict[int, Values]:
    names = MAPPED[kind].split()
    page = here.portal.account.records.page(kind, 0, 10_000, archived=False)
    return {one.id: _some(here.portal.record(kind, one.id)["properties"], names) for one in page}


def _some(values: dict[str, Any], names: list[str]) -> Values:
    return {name: str(values[name]) for name in names if values.get(name)}


def companies_held(here: House) -> dict[int, int]:
    rows = here.rows("SELECT id, company_id FROM contact WHERE company_id IS NOT NULL")
    return {int(row["id"]): int(row["company_id"]) for row in rows}


def companies_there(account: Account) -> dict[int, int]:
    """The primary one, else the first."""
    found: dict[int, list[tuple[bool, int]]] = defaultdict(list)
    for contact, company, type_id in _links(account, "contacts", "companies"):
        found[contact].append((type_id != 1, company))
    return {contact: min(some)[1] for contact, some in found.items()}


def deals_held(here: House) -> set[tuple[int, int]]:
    alive = {int(row["id"]) for row in here.rows("SELECT id FROM contact")}
    rows = here.rows("SELECT contact_id, deal_id FROM deal_contact")
    return {pair for row in rows if (pair := (int(row["contact_id"]), int(row["deal_id"])))[0] in alive}


def deals_there(account: Account) -> set[tuple[int, int]]:
    return {(contact, deal) for contact, deal, _ in _links(account, "contacts", "deals")}


def _links(account: Account, one: str, other: str) -> list[tuple[int, int, int]]:
    """Between living records."""
    return account.db.rows(
        "select from_id, to_id, type_id from links where from_kind = ? and to_kind = ? "
        "and exists (select 1 from objects where kind = from_kind and id = from_id and archived is null) "
        "and exists (select 1 from objects where kind = to_kind and id = to_id and archived is null)",
        one,
        other,
    )


# -- engagement ------------------------------------------------------------------------------------------


def events_held(here: House, alive: set[int], storm: Storm) -> Events:
    rows = here.rows("SELECT * FROM engagement WHERE event <> 'deal_stage' AND contact_id IS NOT NULL")
    found: Events = defaultdict(Counter)
    for row in rows:
        contact, event = int(row["contact_id"]), row["event"]
        if contact in alive and not _blurred(contact, event, storm):
            name = row["id"] if row["source"] != "forms" else f"forms at {row['at']}"
            found[row["contact_id"]][event, name] += 1
    return dict(found)


def events_there(account: Account, alive: set[int], storm: Storm) -> Events:
    found: Events = defaultdict(Counter)
    for contact, event, name in _events(account):
        if contact in alive and not _blurred(contact, event, storm):
            found[str(contact)][event, name] += 1
    return dict(found)


def _blurred(contact: int, event: str, storm: Storm) -> bool:
    """Of two memberships of a list the account keeps one when their contacts are merged; the cache, both."""
    return event == "list_membership" and contact in storm.merged


def _events(account: Account) -> Iterator[tuple[int, str, str]]:
    rows, who = account.db.rows, dict(account.db.rows("select email, id from emails"))
    for at, email in rows("select at, email from submissions"):
        yield who.get(email, 0), "form_submission", f"forms at {at}"
    for id, kind, at, email in rows("select id, type, at, recipient from email_events"):
        yield who.get(email, 0), MAILS[kind], f"email_events:{id}:{at}"
    for id, contact in rows("select id, contact from web_events"):
        yield contact, "page_view", f"page_views:{id}"
    for contact, at in rows("select contact, at from memberships where list = ?", FAIR):
        yield contact, "list_membership", f"lists:{FAIR}:{at}"
    for kind, event in ACTIVITIES.items():
        for contact, id, _ in _links(account, "contacts", kind):
            yield contact, event, f"{kind}:{id}"


# -- who is gone -----------------------------------------------------------------------------------------


def aliases(here: House, account: Account) -> None:
    """Ids that were merged away lead to who they are now."""
    known = {int(row["old"]): int(row["id"]) for row in here.rows("SELECT old, id FROM alias")}
    for (old,) in account.db.rows("select id from aliases where kind = 'contacts'"):
        new = account.records.canonical("contacts", old)
        if account.records.find("contacts", new) is not None:
            assert known.get(old) == new, f"{old} is {new}"


def forgotten(storm: Storm, file: Path) -> None:
    """Nothing names who was erased: no row, no free page, no log."""
    raw = b"".join(one.read_bytes() for one in file.parent.glob(file.name + "*"))
    assert not [text for text in storm.gone if text.encode() in raw], "somebody who was erased is in the file"


# -- what we did -----------------------------------------------------------------------------------------


def behaved(here: House, storm: Storm) -> None:
    """The invariants, of the cache that saw it all."""
    binned = {int(row["contact_id"]) for row in here.rows("SELECT * FROM departed")}
    assert binned == set(storm.ids("contacts", bin=True)) - storm.unmet, "bin"
    journal = here.portal.journal(bodies=True)
    twice(storm, journal)
    forward(here, journal)
    seen_before_written(here, journal)
    tasks(here)
    lists(here, storm)
    left_alone(here, storm)
    as_decided(here)


def written(journal: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str, str, str]]:
    """(request, contact, property, value) of each value that we sent."""
    for one in journal:
        if one["path"].endswith(UPDATE):
            for row in json.loads(one["body"])["inputs"]:
                for name, value in row["properties"].items():
                    yield one, row["id"], name, value


def twice(storm: Storm, journal: list[dict[str, Any]]) -> None:
    """A value that the account took is not sent again, unless somebody wrote another in between."""
    last: dict[tuple[str, str], tuple[int, str]] = {}
    for one, contact, name, value in written(journal):
        n, before = last.get((contact, name), (0, None))
        others = [m for m in storm.written[contact, name] if n <= m < one["n"]]
        assert value != before or others, f"{name} of {contact} is {value} again, request {n} and {one['n']}"
        last.pop((contact, name), None)
        if one["status"] == 200 and not one["fault"]:
            last[contact, name] = one["n"], value


def forward(here: House, journal: list[dict[str, Any]]) -> None:
    """The account refuses a step back in silence: none is even asked for."""
    for one, contact, name, value in written(journal):
        if name == "lifecyclestage" and (stands := stood(here, contact, one["at"])) is not None:
            before = stands["value"]
            again = before == value and stands["source"] == "INTEGRATION"  # the first answer was lost
            later = before not in STAGES or STAGES.index(value) > STAGES.index(before)
            assert again or later, f"{contact} from {before} to {value}, request {one['n']}"


def stood(here: House, contact: str, at: int) -> dict[str, Any] | None:
    """The version of the stage that stood before a moment; None where the contact has another id by now."""
    account = here.portal.account
    if account.records.find("contacts", int(contact)) is None:
        return None
    entries = account.records.history(here.portal._find("contacts", contact), "lifecyclestage")
    return next(
        ({"value": e.value, "at": e.at, "source": e.writer.source} for e in entries if e.at < at), None
    )


def seen_before_written(here: House, journal: list[dict[str, Any]]) -> None:
    """What a person set was read before it was written over."""
    for one, contact, name, _ in written(journal):
        stands = stood(here, contact, one["at"]) if name == "lifecyclestage" else None
        if stands is None or stands["source"] != "CRM_UI":
            continue
        reads = [r["at"] for r in journal if r["n"] < one["n"] and _reads(r, contact)]
        assert reads and reads[-1] >= stands["at"], f"the stage of {contact} unseen, request {one['n']}"


def _reads(request: dict[str, Any], contact: str) -> bool:
    if request["status"] not in (200, 207) or not request["path"].endswith("/contacts/batch/read"):
        return False
    body = json.loads(request["body"])
    asked = [*body.get("properties", ()), *body.get("propertiesWithHistory", ())]
    return "lifecyclestage" in asked and contact in [row["id"] for row in body["inputs"]]


def tasks(here: House) -> None:
    page = here.portal.account.records.page("tasks", 0, 10_000, archived=False)
    bodies = [here.portal.record("tasks", task.id)["properties"]["hs_task_body"] for task in page]
    told = Counter(match[0] for body in bodies if (match := MARKER.search(body)))
    twice = [marker for marker, times in told.items() if times > 1]
    assert not twice, f"told twice: {twice}"


def lists(here: House, storm: Storm) -> None:
    """As what was sent says; a step that was withdrawn may have been made."""
    mine = set(storm.ids("contacts")) - storm.merged
    first = {id for id in mine if id < FIRST + PEOPLE}  # they were on the one list from the beginning
    joined, left = members(here, OWNED) & mine, first - members(here, NURTURING)
    for name, some, met in (("Sales owned", mine, joined), ("Nurturing", first, left)):
        rows = here.rows("SELECT contact_id, state FROM outbox WHERE kind = 'list' AND key = ?", name)
        steps = {(int(row["contact_id"]), row["state"]) for row in rows if int(row["contact_id"]) in some}
        moved, perhaps = {id for id, state in steps if state == "sent"}, {id for id, _ in steps}
        assert moved <= met <= perhaps, f"{name}: {moved} were moved, {perhaps} perhaps; {met} have"


def left_alone(here: House, storm: Storm) -> None:
    """Whom a person set back, behind where we had them, stays there, held until somebody says more."""
    held = {int(row["contact_id"]): row["since"] for row in here.rows("SELECT * FROM hold")}
    records = here.portal.account.records
    for id, at in storm.set_back.items():
        record = records.find("contacts", id)
        spoilt = id in storm.merged or (str(id), "lq_stage") in storm.written
        if record is None or spoilt or record.props.get("sales_rejection_reason"):
            continue
        newest, *_ = records.history(record, "lifecyclestage")
        if newest.at == at or newest.writer.source_id not in ("Zapier", "userId:1", *AUTOMATION):
            assert (newest.at, held.get(id)) == (at, at), f"{id} was set back at {at}"


def members(here: House, number: int) -> set[int]:
    return {id for id, _ in here.portal.account.engagement.members(number, 0, 1000)}


def as_decided(here: House) -> None:
    """The account holds what was decided last."""
    sql = "SELECT s.contact_id, stage, temperature, points FROM standing s JOIN score USING (contact_id)"
    for row in here.rows(f"{sql} WHERE s.contact_id IN (SELECT id FROM contact)"):
        values = here.portal.record("contacts", row["contact_id"])["properties"]
        there = values.get("lq_stage"), values.get("lq_temperature"), int(values.get("lq_score") or 0)
        assert there == (row["stage"], row["temperature"], row["points"]), row["contact_id"]


def writes(here: House) -> list[str]:
    """Requests since the last time that this was asked that change anything."""
    reading = ("/search", "/batch/read", "/oauth/2026-03/token")
    return [
        f"{one['method']} {one['path']} {one['body']}"
        for one in here.requests()
        if one["method"] != "GET" and not one["path"].endswith(reading)
    ]


def stands(here: House) -> dict[str, tuple[Any, ...]]:
    sql = "SELECT s.contact_id, stage, temperature, points FROM standing s JOIN score USING (contact_id)"
    rows = here.rows(f"{sql} WHERE s.contact_id IN (SELECT id FROM contact)")
    return {row["contact_id"]: (row["stage"], row["temperature"], row["points"]) for row in rows}
