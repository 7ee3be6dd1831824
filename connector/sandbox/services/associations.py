"""Associations (HUBSPOT.md 5.2): batch read with a page per input, batch writes, one by one, inline in lists."""

from __future__ import annotations

from typing import Any

from connector.sandbox import kinds, refusals
from connector.sandbox.clock import iso
from connector.sandbox.kinds import Kind
from connector.sandbox.rules import joining
from connector.sandbox.services import association_types
from connector.sandbox.services.association_types import READ, WRITE
from connector.sandbox.state import Account
from connector.sandbox.state.links import DEFAULT, PRIMARY, Target, label
from connector.sandbox.wire import Body, Call, Refusal, Reply, Unimitated, bad_json, completed, refuse, route

MOST_READ, MOST_WRITTEN, INLINE = 1_000, 2_000, 100


def kind_of(name: str) -> Kind:
    """The type that a parameter names. Raises Refusal (400) or Unimitated."""
    found = kinds.find(name)
    if found is None and name.lower() in kinds.ABSENT:
        raise Unimitated(f"associations with {name}")
    if found is None:
        raise refuse(400, f"Unable to infer object type from: {name}", "VALIDATION_ERROR")
    return found


def inline(account: Account, kind: Kind, ids: list[int], other: Kind) -> dict[int, Body]:
    """What a list page carries: a row per label, so that ids repeat (3.2); only those that have any."""
    found = account.links.batch(kind.plural, dict.fromkeys(ids, 0), other.plural, INLINE + 1)
    return {id: _inlined(kind, id, other, targets) for id, targets in found.items() if targets}


def _inlined(kind: Kind, id: int, other: Kind, targets: list[Target]) -> Body:
    plain = f"{kind.singular}_to_{other.singular}"
    rows = [
        {"id": str(target.id), "type": plain if _named(kind, other, type_id) else f"{plain}_unlabeled"}
        for target in targets[:INLINE]
        for type_id in target.type_ids
    ]
    body: Body = {"results": rows}
    if len(targets) > INLINE:
        after = str(targets[INLINE].id)
        link = f"https://api.hubapi.com/crm/v3/objects/{kind.plural}/{id}/associations/{other.plural}"
        body["paging"] = {"next": {"after": after, "link": f"{link}?after={after}"}}
    return body


def _named(kind: Kind, other: Kind, type_id: int) -> bool:
    """Types that have a primary label call the plain one `_unlabeled`."""
    return label(type_id) is not None or (kind.plural, other.plural) not in PRIMARY


def read(account: Account, call: Call) -> Reply:
    """Inputs without associations are errors of a 207 that mean nothing bad."""
    kind, other = call.kind("from"), call.kind("to")
    starts = dict(_start(item) for item in call.inputs(MOST_READ, ()))
    size = account.knobs.association_page
    found = account.links.batch(kind.plural, starts, other.plural, size + 1)
    pair = kind.plural, other.plural
    results = [_ends(account, pair, id, targets, size) for id, targets in found.items() if targets]
    errors = [_none(kind, other, id) for id, targets in found.items() if not targets]
    return completed(iso(account.clock.now()), results, errors)


def _start(item: Body) -> tuple[int, int]:
    return _id(item.get("id")), _id(item.get("after") or "0")


def _side(item: Body, side: str) -> int:
    """The id of one end of an association. Raises Refusal (400) where there is none."""
    end = item.get(side)
    if not isinstance(end, dict):
        raise bad_json(f"Some required fields were not set: [{side}]")
    return _id(end.get("id"))


def _id(value: Any) -> int:
    text = str(value if value is not None else "")
    if not text:
        raise bad_json("Some required fields were not set: [id]")
    if not text.isdecimal() or len(text) > 18:
        raise refusals.not_numeric(text)
    return int(text)


def _ends(account: Account, pair: tuple[str, str], id: int, targets: list[Target], size: int) -> Body:
    number = account.knobs.to_object_id_type == "number"
    to = [
        {
            "toObjectId": target.id if number else str(target.id),
            "associationTypes": association_types.spec(account, *pair, target.type_ids),
        }
        for target in targets[:size]
    ]
    body: Body = {"from": {"id": str(id)}, "to": to}
    if len(targets) > size:
        after = str(targets[size].id)
        body["paging"] = {"next": {"after": after, "link": f"?after={after}"}}
    return body


def _none(kind: Kind, other: Kind, id: int) -> Body:
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {other.singular} is associated with {kind.singular} {id}.",
        "context": {
            "fromObjectId": [str(id)],
            "fromObjectType": [kind.singular],
            "toObjectType": [other.singular],
        },
    }


def page(account: Account, call: Call) -> Reply:
    """The associations of one record, at most 500 a page; the v3 form has other words."""
    kind, other, id = call.kind(), call.kind("to"), _id(call.args["id"])
    if account.records.find(kind.plural, id) is None:
        raise refusals.not_found()
    size = call.whole("limit", 500, 500)
    targets = account.links.targets(kind.plural, id, other.plural, _id(call.one("after", "0")), size + 1)
    body = _ends(account, (kind.plural, other.plural), id, targets, size)
    results = body["to"]
    if call.version == "v3":
        name = f"{kind.singular}_to_{other.singular}"
        results = [{"id": str(target.id), "type": name} for target in targets[:size]]
    paging = {"paging": body["paging"]} if "paging" in body else {}
    return Reply(200, {"results": results, **paging})


def create(account: Account, call: Call) -> Reply:
    """Those whose records are there; the others are the errors of a 207."""
    kind, other = call.kind("from"), call.kind("to")
    results, errors = [], []
    for item in call.inputs(MOST_WRITTEN, ()):
        id, to_id = (_side(item, side) for side in ("from", "to"))
        types = association_types.wanted(account, kind, other, item.get("types"))
        try:
            results.append(_labelled(account, kind, id, other, to_id, types))
        except Refusal as refusal:
            if refusal.status != 404:
                raise
            errors.append(refusal.body)
    return completed(iso(account.clock.now()), results, errors, ok=201)


def _labelled(
    account: Account, kind: Kind, id: int, other: Kind, to_id: int, types: set[int], *, follow: bool = True
) -> Body:
    """Joins two records with these types beside the plain one."""
    primary = PRIMARY.get((kind.plural, other.plural)) in types
    join(account, kind, id, other, to_id, primary=primary, follow=follow)
    for type_id, own in account.links.labels(kind.plural, other.plural).items():
        if type_id in types:
            account.links.put_label(kind.plural, id, other.plural, to_id, own)
    return {
        "fromObjectTypeId": kind.type_id,
        "fromObjectId": str(id),
        "toObjectTypeId": other.type_id,
        "toObjectId": str(to_id),
        "labels": association_types.names(account, kind.plural, other.plural, types),
    }


def create_default(account: Account, call: Call) -> Reply:
    kind, other = call.kind("from"), call.kind("to")
    results = []
    for item in call.inputs(MOST_WRITTEN, ()):
        ids = [_side(item, side) for side in ("from", "to")]
        join(account, kind, ids[0], other, ids[1], primary=False)
        results += _defaults(kind, ids[0], other, ids[1])
    return completed(iso(account.clock.now()), results, [])


def put_default(account: Account, call: Call) -> Reply:
    """The unlabelled association; again is harmless."""
    kind, other = call.kind(), call.kind("to")
    id, to_id = _id(call.args["id"]), _id(call.args["to_id"])
    join(account, kind, id, other, to_id, primary=False)
    return completed(iso(account.clock.now()), _defaults(kind, id, other, to_id), [])


def put(account: Account, call: Call) -> Reply:
    kind, other = call.kind(), call.kind("to")
    id, to_id = _id(call.args["id"]), _id(call.args["to_id"])
    types = association_types.wanted(account, kind, other, call.array())
    return Reply(201, _labelled(account, kind, id, other, to_id, types))


def delete(account: Account, call: Call) -> Reply:
    """Every association between the two; none is no mistake."""
    kind, other = call.kind(), call.kind("to")
    _part(account, kind, _id(call.args["id"]), other, _id(call.args["to_id"]))
    return Reply(204)


def _part(account: Account, kind: Kind, id: int, other: Kind, to_id: int) -> None:
    if account.links.remove(kind.plural, id, other.plural, to_id):
        account.derived.refresh(kind.plural, id)
        account.derived.refresh(other.plural, to_id)


def archive(account: Account, call: Call) -> Reply:
    """v4 answers 204, the dated paths 200 (5.2)."""
    kind, other = call.kind("from"), call.kind("to")
    for item in call.inputs(MOST_WRITTEN, ()):
        to = item.get("to")
        if not isinstance(to, list) or not all(isinstance(one, dict) for one in to):
            raise bad_json("Some required fields were not set: [to]")
        id = _side(item, "from")
        for one in to:
            _part(account, kind, id, other, _id(one.get("id")))
    if not call.dated:
        return Reply(204)
    now = iso(account.clock.now())
    return Reply(200, {"status": "COMPLETE", "startedAt": now, "completedAt": now})


def archive_labels(account: Account, call: Call) -> Reply:
    """Takes the named types away; what else joins the two stays, the plain association last of all."""
    kind, other = call.kind("from"), call.kind("to")
    pair, back = (kind.plural, other.plural), (other.plural, kind.plural)
    for item in call.inputs(MOST_WRITTEN, ()):
        id, to_id = (_side(item, side) for side in ("from", "to"))
        ways = {type_id: own.back_id for type_id, own in account.links.labels(*pair).items()}
        ways |= {table[pair]: table[back] for table in (DEFAULT, PRIMARY) if pair in table}
        for type_id in association_types.wanted(account, kind, other, item.get("types")):
            if type_id == DEFAULT[pair]:
                _part(account, kind, id, other, to_id)
            else:
                account.links.take(kind.plural, id, other.plural, to_id, type_id, ways[type_id])
    return Reply(204)


def attach(account: Account, kind: Kind, id: int, one: Any) -> None:
    """One item of `associations` when a record is created. Raises Refusal (400)."""
    to = one.get("to") if isinstance(one, dict) else None
    if not isinstance(to, dict):
        raise bad_json("Some required fields were not set: [to]")
    types = one.get("types")
    asked = {type_id for _, type_id in association_types.given(types)}
    for pair in DEFAULT:
        if pair[0] != kind.plural:
            continue
        known = {DEFAULT[pair], PRIMARY.get(pair), *account.links.labels(*pair)}
        if asked & known:
            other = kinds.KINDS[pair[1]]
            wanted = association_types.wanted(account, kind, other, types)
            _labelled(account, kind, id, other, _id(to.get("id")), wanted, follow=False)
            return
    raise refuse(
        400,
        "One or more associations are invalid",
        "VALIDATION_ERROR",
        context={"types": [str(type_id) for type_id in sorted(asked)]},
    )


def join(
    account: Account, kind: Kind, id: int, other: Kind, to_id: int, *, primary: bool, follow: bool = True
) -> None:
    """Joins two living records. Raises Refusal (400, 404)."""
    if (kind.plural, other.plural) not in DEFAULT:
        raise refuse(400, "One or more associations are invalid", "VALIDATION_ERROR")
    for one, number, side in ((kind, id, "FROM"), (other, to_id, "TO")):
        if account.records.find(one.plural, number) is None:
            raise refuse(
                404,
                f"No {one.singular} with ID {number} exists",
                "OBJECT_NOT_FOUND",
                subCategory=f"crm.associations.{side}_OBJECT_NOT_FOUND",
                context={"objectType": [one.singular], "id": [str(number)]},
            )
    account.links.add(kind.plural, id, other.plural, to_id, primary=primary)
    joining.joined(account, kind.plural, id, other.plural, to_id, follow=follow)


def _defaults(kind: Kind, id: int, other: Kind, to_id: int) -> list[Body]:
    pairs = ((kind, id, other, to_id), (other, to_id, kind, id))
    return [
        {
            "from": {"id": str(a_id)},
            "to": {"id": str(b_id)},
            "associationSpec": {
                "associationCategory": "HUBSPOT_DEFINED",
                "associationTypeId": DEFAULT[a.plural, b.plural],
            },
        }
        for a, a_id, b, b_id in pairs
    ]


_BATCH, _ONE = "/crm/associations/{from}/{to}/", "/crm/objects/{kind}/{id}/associations/"
ROUTES = (
    route("POST", _BATCH + "batch/read", read, scopes=READ, bucket="associations"),
    route("POST", _BATCH + "batch/create", create, scopes=WRITE, bucket="associations"),
    route("POST", _BATCH + "batch/archive", archive, scopes=WRITE, bucket="associations"),
    route("POST", _BATCH + "batch/associate/default", create_default, scopes=WRITE, bucket="associations"),
    route("POST", _BATCH + "batch/labels/archive", archive_labels, scopes=WRITE, bucket="associations"),
    route("GET", _ONE + "{to}", page, "limit", "after", scopes=READ, bucket="associations"),
    route("PUT", _ONE + "default/{to}/{to_id}", put_default, scopes=WRITE, bucket="associations"),
    route("PUT", _ONE + "{to}/{to_id}", put, scopes=WRITE, bucket="associations"),
    route("DELETE", _ONE + "{to}/{to_id}", delete, scopes=WRITE, bucket="associations"),
)
