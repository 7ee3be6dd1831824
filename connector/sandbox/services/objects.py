"""Records one by one and in pages (HUBSPOT.md 3.2, 3.3, 3.5, 3.8)."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import urlencode

from connector.sandbox import refusals
from connector.sandbox.kinds import ABSENT, KINDS, Kind
from connector.sandbox.rules import happening, leaving, lifecycle, merging, writing
from connector.sandbox.services import associations
from connector.sandbox.services.rendering import View, envelope, written
from connector.sandbox.state import Account, Token
from connector.sandbox.state.records import Record
from connector.sandbox.wire import Body, Call, Reply, Unimitated, bad_json, refuse, route

READ = "crm.objects.{object}.read"
WRITE = "crm.objects.{object}.write"

ID_DIGITS = 18  # as many as surely fit into 64 bits


def list_page(account: Account, call: Call) -> Reply:
    """One page in the order of ids; `after` is the id of the next record (knob list_after_is_id)."""
    kind = call.kind()
    history = call.many("propertiesWithHistory")
    limit = call.whole("limit", 10, 50 if history else 100)
    archived = call.flag("archived")
    start = _start(account, call)
    records = account.records.page(kind.plural, start, limit + 1, archived=archived)
    shown = records[: _fill(account, limit, records, start)]
    view = View(account, kind.plural, call.many("properties"), history)
    results = [view.show(record) for record in shown]
    _inline(account, call, kind, shown, results)
    body: Body = {"results": results}
    if len(records) > len(shown):
        body["paging"] = _paging(account, call, _next(account, records, shown))
    return Reply(200, body)


def _fill(account: Account, limit: int, records: list[Record], start: int) -> int:
    """How many of the page are shown: all, or with the knob half, and none if the cursor is in a gap."""
    if not account.knobs.short_or_empty_pages_with_next:
        return limit
    return 0 if records and 0 < start < records[0].id else max(1, limit // 2)


def _next(account: Account, records: list[Record], shown: list[Record]) -> int:
    """The id that the next page starts at: the next record's, or with the knob the gap before it."""
    if account.knobs.short_or_empty_pages_with_next and shown:
        return shown[-1].id + 1
    return records[len(shown)].id


def _start(account: Account, call: Call) -> int:
    after = call.one("after")
    if not after:
        return 0
    if account.knobs.list_after_is_id and after.isdecimal() and len(after) <= ID_DIGITS:
        return int(after)
    try:
        id, check = urlsafe_b64decode(after).decode().split(".")
        if not account.knobs.list_after_is_id and check == _seal(account, int(id)):
            return int(id)
    except (ValueError, binascii.Error):
        pass
    raise refuse(400, f"Invalid after: {after}", "VALIDATION_ERROR")


def _seal(account: Account, id: int) -> str:
    return f"{(id * 2_654_435_761 + account.portal_id) % 1_000_003}"


def _paging(account: Account, call: Call, next_id: int) -> Body:
    after = str(next_id)
    if not account.knobs.list_after_is_id:
        after = urlsafe_b64encode(f"{next_id}.{_seal(account, next_id)}".encode()).decode()
    query = [(name, value) for name, values in call.query.items() for value in values if name != "after"]
    link = f"https://api.hubapi.com{call.path}?{urlencode([('after', after), *query], safe=',')}"
    return {"next": {"after": after, "link": link}}


def _inline(account: Account, call: Call, kind: Kind, records: list[Record], results: list[Body]) -> None:
    """`associations=companies`: inlined, one row per label, itself paged (3.2)."""
    ids = [record.id for record in records]
    for name in call.many("associations"):
        if name.lower() in ABSENT:  # the account has none, so none are inlined
            continue
        other = associations.kind_of(name)
        found = associations.inline(account, kind, ids, other)
        for id, body in zip(ids, results, strict=True):
            if id in found:
                body.setdefault("associations", {})[other.plural] = found[id]


def resolve(account: Account, kind: Kind, id: str, id_property: str) -> Record | None:
    """The record that an id, an address or a unique value means; merged-away ids mean the survivor (3.3)."""
    if id_property == "email" and kind.plural == "contacts":
        number = account.records.by_email(id)
    elif id_property and id_property != "hs_object_id":
        number = _by_unique(account, kind, id, id_property)
    elif not id.isdecimal():
        raise refusals.not_numeric(id)
    else:
        number = account.records.canonical(kind.plural, _number(id))
    return None if number is None else account.records.find(kind.plural, number)


def _number(id: str) -> int:
    return min(int(id[:25]), 2**62)


def _by_unique(account: Account, kind: Kind, value: str, name: str) -> int | None:
    definition = account.definitions.find(kind.plural, name)
    if definition is None or not definition.unique:
        raise refusals.not_unique(kind.type_id, name, account.portal_id)
    return account.records.by_value(kind.plural, name, value)


def get(account: Account, call: Call) -> Reply:
    kind, id = call.kind(), call.args["id"]
    record = resolve(account, kind, id, call.one("idProperty"))
    binned = call.flag("archived") or account.knobs.archived_get_without_flag == "200"
    if record is None and id.isdecimal() and binned:
        record = account.records.find(kind.plural, _number(id), archived=True)
    if record is None:
        raise refusals.not_found()
    view = View(account, kind.plural, call.many("properties"), call.many("propertiesWithHistory"))
    body = view.show(record)
    _inline(account, call, kind, [record], [body])
    return Reply(200, body)


def create(account: Account, call: Call) -> Reply:
    kind = call.kind()
    body = call.json(("properties", "associations", "objectWriteTraceId"))
    made = make(account, call, kind, body)
    return Reply(201, made, {"Location": f"https://api.hubapi.com{call.path}/{made['id']}"})


def make(account: Account, call: Call, kind: Kind, body: Body) -> Body:
    """One new record with its associations, as it is shown. Raises Refusal (400, 404, 409)."""
    warnings = gathered(call)
    changes = writing.checked(account, kind.plural, properties_of(body), None, warnings)
    record = writing.create(account, kind.plural, changes, writer_of(call).writer)
    wanted = body.get("associations") or []
    if not isinstance(wanted, list):
        raise bad_json("Cannot deserialize value of type `array`")
    for one in wanted:
        associations.attach(account, kind, record.id, one)
    happening.noted(account, record)
    if kind.plural == "deals" and wanted:
        lifecycle.follow_deal(account, record)
    return warned(created(account.records.find(kind.plural, record.id) or record), warnings)


def gathered(call: Call) -> list[Body] | None:
    """Where the warnings of a write go: the 2026-09 paths demand more and forgive dates (3.9)."""
    return [] if call.version == "2026-09" else None


def warned(body: Body, warnings: list[Body] | None) -> Body:
    return {**body, "warnings": warnings} if warnings else body


def created(record: Record) -> Body:
    """Everything that stands on a new record (3.5)."""
    names = {*record.props, KINDS[record.kind].created, KINDS[record.kind].modified, "hs_object_id"}
    return envelope(record, {name: record.value(name) for name in sorted(names)})


def properties_of(body: Body) -> dict[str, object]:
    values = body.get("properties")
    if values is None:
        raise bad_json("Some required fields were not set: [properties]")
    if not isinstance(values, dict):
        raise bad_json(
            "Cannot deserialize value of type `java.util.LinkedHashMap<java.lang.String,java.lang.String>`"
        )
    if any(isinstance(value, dict | list) for value in values.values()):
        raise bad_json("Cannot deserialize value of type `java.lang.String`")
    return values


def writer_of(call: Call) -> Token:
    if call.token is None:
        raise refusals.unauthenticated()
    return call.token


def update(account: Account, call: Call) -> Reply:
    """PATCH: a merged-away id works here (and not in a batch, 3.6)."""
    kind = call.kind()
    values = properties_of(call.json(("properties", "objectWriteTraceId")))
    record = resolve(account, kind, call.args["id"], call.one("idProperty"))
    if record is None:
        raise refusals.not_found()
    if not values:
        raise refusals.nothing_to_update()
    return Reply(200, rewrite(account, call, record, values))


def rewrite(account: Account, call: Call, record: Record, values: dict[str, object]) -> Body:
    """Changes one record and shows what was written. Raises Refusal (400, 409)."""
    warnings = gathered(call)
    changes = writing.checked(account, record.kind, values, record, warnings)
    writing.update(account, record, changes, writer_of(call).writer)
    return warned(written(account, record, values), warnings)


def archive(account: Account, call: Call) -> Reply:
    """204 for any number, whether it was there or not."""
    kind = call.kind()
    if not call.args["id"].isdecimal():
        raise refusals.not_numeric(call.args["id"])
    record = account.records.find(
        kind.plural, account.records.canonical(kind.plural, _number(call.args["id"]))
    )
    if record is not None:
        leaving.archive(account, record)
    return Reply(204)


def merge(account: Account, call: Call) -> Reply:
    kind = call.kind()
    body = call.json(("primaryObjectId", "objectIdToMerge"))
    ids = [str(body.get(name, "")) for name in ("primaryObjectId", "objectIdToMerge")]
    if not all(id.isdecimal() for id in ids):
        raise bad_json("Some required fields were not set: [primaryObjectId, objectIdToMerge]")
    record = merging.merge(account, kind.plural, _number(ids[0]), _number(ids[1]), writer_of(call).writer)
    return Reply(200, created(record))


def erase(account: Account, call: Call) -> Reply:
    """gdpr-delete of a contact, by id or address; an address that nobody has may not be used from then on."""
    if call.kind().plural != "contacts":
        raise Unimitated(f"gdpr-delete of {call.kind().plural}")
    body = call.json(("objectId", "idProperty"))
    text = str(body.get("objectId") or "")
    if not text:
        raise bad_json("Some required fields were not set: [objectId]")
    if body.get("idProperty") == "email":
        leaving.erase_address(account, text)
    elif text.isdecimal():
        leaving.erase(account, account.records.canonical("contacts", _number(text)))
    else:
        raise refuse(400, f"Invalid objectId: {text}")
    return Reply(204)


_SHOWN = ("properties", "propertiesWithHistory", "associations", "archived")
_SORT = ("sort", "order_by")  # published pullers send them; the order stays that of the ids
ROUTES = (
    route("GET", "/crm/objects/{kind}", list_page, "limit", "after", *_SHOWN, *_SORT, scopes=READ),
    route("POST", "/crm/objects/{kind}", create, scopes=WRITE),
    route("POST", "/crm/objects/{kind}/merge", merge, scopes=WRITE),
    route("POST", "/crm/objects/{kind}/gdpr-delete", erase, scopes=WRITE),
    route("GET", "/crm/objects/{kind}/{id}", get, "idProperty", *_SHOWN, scopes=READ),
    route("PATCH", "/crm/objects/{kind}/{id}", update, "idProperty", scopes=WRITE),
    route("DELETE", "/crm/objects/{kind}/{id}", archive, scopes=WRITE),
)
