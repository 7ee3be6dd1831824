"""Up to a hundred records at once, with partial failures (HUBSPOT.md 3.3, 3.6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random

from connector.sandbox import refusals
from connector.sandbox.clock import iso
from connector.sandbox.kinds import Kind
from connector.sandbox.rules import leaving
from connector.sandbox.services import objects
from connector.sandbox.services.rendering import View
from connector.sandbox.state import Account
from connector.sandbox.state.records import Record
from connector.sandbox.wire import Body, Call, Refusal, Reply, bad_json, completed, refuse, route, texts

MOST = 100
_TRACED = ("id", "idProperty", "properties", "objectWriteTraceId", "associations")


def outcome(account: Account, results: list[Body], errors: list[Body], ok: int = 200) -> Reply:
    """The answer to a batch: 207 as soon as there is an error; results in no order that a client may use."""
    if account.knobs.shuffle:
        Random(account.seed * 31 + len(results)).shuffle(results)
    return completed(iso(account.clock.now()), results, errors, ok)


def _id_of(item: Body) -> str:
    if "id" not in item or item["id"] is None:
        raise bad_json("Some required fields were not set: [id]")
    return str(item["id"])


def read(account: Account, call: Call) -> Reply:
    """Ids (or the values of one unique property) to records; those that are missing make it a 207."""
    kind = call.kind()
    body = call.json(("inputs", "properties", "propertiesWithHistory", "idProperty"))
    history = texts(body, "propertiesWithHistory")
    inputs = call.inputs(50 if history else MOST, ("properties", "propertiesWithHistory", "idProperty"))
    ids = list(dict.fromkeys(_id_of(item) for item in inputs))
    found, missing = _find(account, call, kind, ids, str(body.get("idProperty") or ""))
    view = View(account, kind.plural, texts(body, "properties"), history)
    errors = [refusals.missing_objects(kind.label, missing)] if missing else []
    return outcome(account, [view.show(record) for record in found], errors)


def _find(
    account: Account, call: Call, kind: Kind, ids: list[str], id_property: str
) -> tuple[list[Record], list[str]]:
    """(records, ids of none): a survivor once, however many of its ids were asked for (knob)."""
    if id_property in ("", "hs_object_id"):
        numbers = {
            id: account.records.canonical(kind.plural, min(int(id[:25]), 2**62))
            for id in ids
            if id.isdecimal()
        }
    else:
        found = {id: objects.resolve(account, kind, id, id_property) for id in ids}
        numbers = {id: record.id for id, record in found.items() if record is not None}
    records = account.records.some(kind.plural, set(numbers.values()), archived=call.flag("archived"))
    missing = [id for id in ids if numbers.get(id) not in records]
    if account.knobs.batch_read_repeats_merged:
        return [records[numbers[id]] for id in ids if numbers.get(id) in records], missing
    return list(records.values()), missing


def create(account: Account, call: Call) -> Reply:
    """New records; one conflict refuses the whole batch and names only the first (3.5)."""
    kind = call.kind()
    inputs = call.inputs(MOST, ())
    results, errors = [], []
    traced = _traced(inputs)
    for item in inputs:
        _known(item)
        try:
            with account.db.transaction():
                made = objects.make(account, call, kind, item)
            results.append({**made, **_trace(item)})
        except Refusal as refusal:
            if not traced or refusal.status == 409:
                raise
            errors.append(_failed(refusal.body, item))
    return outcome(account, results, errors, ok=201)


def update(account: Account, call: Call) -> Reply:
    """Changes to records by id. With a trace id on every input the good ones are written and the bad ones
    listed; without, one bad property refuses all (knobs batch_update_*)."""
    kind = call.kind()
    inputs = call.inputs(MOST, ())
    for item in inputs:
        _known(item)
    ids = [_id_of(item) for item in inputs]
    _one_property(account, kind, inputs)
    _no_duplicates({id: _survivor(account, kind, id) for id in ids}, ids)
    traced = account.knobs.batch_update_trace_ids_207 and _traced(inputs)
    results, errors = [], []
    for item in inputs:
        record = _target(account, kind, item)
        if record is None:
            if _no_id(item):
                results += _dropped(account, item)
            else:
                errors.append(_missing(account, kind, item))
            continue
        try:
            with account.db.transaction():
                results.append(_write(account, call, record, item))
        except Refusal as refusal:
            if not traced:
                raise
            errors.append(_failed(refusal.body, item))
    return outcome(account, results, errors)


def _known(item: Body) -> None:
    odd = sorted(set(item) - set(_TRACED))
    if odd:
        raise bad_json(f'Unrecognized field "{odd[0]}"')


def _one_property(account: Account, kind: Kind, inputs: list[Body]) -> None:
    for name in {str(item["idProperty"]) for item in inputs if item.get("idProperty")}:
        definition = account.definitions.find(kind.plural, name)
        # An update takes no address as the key, although it is unique for an upsert (3.6).
        if definition is None or not definition.unique or definition.hubspot:
            raise refusals.not_unique(kind.type_id, name, account.portal_id)


def _survivor(account: Account, kind: Kind, id: str) -> str:
    """The id that an id stands for now, if a merged-away id counts as a second name of the survivor (knob)."""
    if not account.knobs.merged_ids_are_duplicates or not id.isdecimal():
        return id
    return str(account.records.canonical(kind.plural, min(int(id[:25]), 2**62)))


def _no_duplicates(means: Mapping[str, int | str], ids: list[str]) -> None:
    """Raises Refusal (400) where two inputs are one record; `means`: id as given -> what it stands for."""
    number = Counter(means[id] for id in ids)
    repeated = [id for id in means if number[means[id]] > 1]
    if repeated:
        raise refusals.duplicates(repeated)


def _traced(inputs: list[Body]) -> bool:
    """True if every input has a trace id of its own: then the bad ones are listed and the good ones written."""
    traces = [item.get("objectWriteTraceId") for item in inputs]
    return all(traces) and len({str(trace) for trace in traces}) == len(traces)


def _target(account: Account, kind: Kind, item: Body) -> Record | None:
    """The record itself: a merged-away id is not followed here (3.6)."""
    id, name = str(item["id"]), item.get("idProperty")
    if name:
        number = account.records.by_value(kind.plural, str(name), id)
        return None if number is None else account.records.find(kind.plural, number)
    return account.records.find(kind.plural, min(int(id[:25]), 2**62)) if id.isdecimal() else None


def _no_id(item: Body) -> bool:
    """An id that is no number, and no word of what else it is."""
    return not item.get("idProperty") and not str(item["id"]).isdecimal()


def _dropped(account: Account, item: Body) -> list[Body]:
    """HubSpot's silent failure (3.6): nothing written and no error; no result, or one without properties."""
    if account.knobs.malformed_input == "dropped":
        return []
    now = iso(account.clock.now())
    dates = {"createdAt": now, "updatedAt": now, "archived": False}
    return [{"id": str(item["id"]), "properties": {}, **dates, **_trace(item)}]


def _missing(account: Account, kind: Kind, item: Body) -> Body:
    trace = _trace(item)
    context = {"objectWriteTraceId": [trace["objectWriteTraceId"]]} if trace else {}
    error = refusals.missing_objects(kind.label, [str(item["id"])], **context)
    if account.knobs.batch_update_missing_id == "400":
        raise refuse(400, error["message"], "OBJECT_NOT_FOUND", context=error["context"])
    return error


def _write(account: Account, call: Call, record: Record, item: Body) -> Body:
    return {**objects.rewrite(account, call, record, objects.properties_of(item)), **_trace(item)}


def _trace(item: Body) -> dict[str, str]:
    trace = item.get("objectWriteTraceId")
    return {"objectWriteTraceId": str(trace)} if trace else {}


def _failed(body: Body, item: Body) -> Body:
    """An item of `errors`: the whole-request body without its parts, with the trace id (3.6)."""
    return {
        "status": "error",
        "category": body.get("category", "VALIDATION_ERROR"),
        "message": body["message"],
        "context": {"objectWriteTraceId": [str(item["objectWriteTraceId"])]},
    }


def upsert(account: Account, call: Call) -> Reply:
    """Creates or changes by one unique property; `new` says which (3.6).

    "Partial upserts are not supported when using email" may mean that one bad input refuses all of them, or that
    the address must stand among the properties too: knob partial_upsert_by_email.
    """
    kind = call.kind()
    inputs = call.inputs(MOST, ())
    ids = [_id_of(item) for item in inputs]
    meant = {_id_of(item): _named(account, kind, item) for item in inputs}
    _no_duplicates(meant, ids)
    traced = _traced(inputs) and not _all_or_nothing(account, inputs)
    results, errors = [], []
    for item in inputs:
        _known(item)
        if _no_id(item):
            results += _dropped(account, item)
            continue
        try:
            with account.db.transaction():
                results.append(_upsert_one(account, call, kind, item, meant[str(item["id"])]))
        except Refusal as refusal:
            if not traced:
                raise
            errors.append(_failed(refusal.body, item))
    return outcome(account, results, errors)


def _all_or_nothing(account: Account, inputs: list[Body]) -> bool:
    by_email = any(item.get("idProperty") == "email" for item in inputs)
    return by_email and account.knobs.partial_upsert_by_email == "all_or_nothing"


def _named(account: Account, kind: Kind, item: Body) -> int | str:
    """What an input of an upsert means: the id of a record that is there, else the value as it would be kept."""
    id, name = str(item["id"]), str(item.get("idProperty") or "")
    definition = account.definitions.find(kind.plural, name)
    if definition is None or not definition.unique or name == "hs_object_id":
        return id
    record = objects.resolve(account, kind, id, name)
    if record is not None:
        return record.id
    return id.strip().lower() if name == "email" else id


def _upsert_one(account: Account, call: Call, kind: Kind, item: Body, meant: int | str) -> Body:
    name, id = str(item.get("idProperty") or "hs_object_id"), str(item["id"])
    definition = account.definitions.find(kind.plural, name)
    if definition is None or not definition.unique or name == "hs_object_id":
        raise refusals.not_unique(kind.type_id, name, account.portal_id)
    values = objects.properties_of(item)
    if name == "email" and not values.get("email") and account.knobs.partial_upsert_by_email == "needs_email":
        raise refuse(400, "Partial upserts are not supported when using email", "VALIDATION_ERROR")
    record = account.records.find(kind.plural, meant) if isinstance(meant, int) else None
    if record is not None:
        if _racing(account, record):
            raise refusals.conflict(record.id)
        return {**_write(account, call, record, item), "new": False}
    made = objects.make(account, call, kind, {"properties": {name: id, **values}})
    return {**made, **_trace(item), "new": True}


def _racing(account: Account, record: Record) -> bool:
    """True while the upsert that made the record counts as still under way (knob upsert_race)."""
    return account.clock.now() - record.created < account.knobs.upsert_race * 1000


def archive(account: Account, call: Call) -> Reply:
    kind = call.kind()
    for item in call.inputs(MOST, ()):
        id = _id_of(item)
        record = _target(account, kind, {"id": id})
        if record is not None:
            leaving.archive(account, record)
    return Reply(204)


_PATH = "/crm/objects/{kind}/batch/"
ROUTES = (
    route("POST", _PATH + "read", read, "archived", scopes=objects.READ),
    route("POST", _PATH + "create", create, scopes=objects.WRITE),
    route("POST", _PATH + "update", update, scopes=objects.WRITE),
    route("POST", _PATH + "upsert", upsert, scopes=objects.WRITE),
    route("POST", _PATH + "archive", archive, scopes=objects.WRITE),
)
