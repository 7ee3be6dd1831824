"""What kinds of association there are between two object types: HubSpot's, and labels of the account's own
(HUBSPOT.md 5.2)."""

from __future__ import annotations

from typing import Any

from connector.sandbox.kinds import KINDS, Kind
from connector.sandbox.state import Account
from connector.sandbox.state.links import DEFAULT, PRIMARY, Label, label
from connector.sandbox.wire import Body, Call, Refusal, Reply, bad_json, refuse, route

READ = "crm.objects.contacts.read crm.objects.companies.read crm.objects.deals.read"
WRITE = "crm.objects.contacts.write crm.objects.companies.write crm.objects.deals.write"
CATEGORIES = frozenset({"HUBSPOT_DEFINED", "USER_DEFINED", "INTEGRATOR_DEFINED"})


def spec(account: Account, kind: str, other: str, type_ids: tuple[int, ...]) -> list[Body]:
    """Types as an answer shows them: category, id, label."""
    own = account.links.labels(kind, other)
    return [
        _spec(own[type_id])
        if type_id in own
        else {"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": label(type_id)}
        for type_id in type_ids
    ]


def _spec(own: Label) -> Body:
    return {"category": "USER_DEFINED", "typeId": own.type_id, "label": own.label}


def names(account: Account, kind: str, other: str, type_ids: set[int]) -> list[str]:
    """The labels among them."""
    return [one["label"] for one in spec(account, kind, other, tuple(sorted(type_ids))) if one["label"]]


def given(types: Any) -> set[tuple[str, int]]:
    """(category, id) of each type of a request. Raises Refusal (400)."""
    if not isinstance(types, list) or not all(isinstance(one, dict) for one in types):
        raise bad_json("Some required fields were not set: [types]")
    return {(_category(one), _type_id(one)) for one in types}


def _category(one: Body) -> str:
    category = one.get("associationCategory")
    if category is None:
        raise bad_json("Some required fields were not set: [associationCategory]")
    if not isinstance(category, str) or category not in CATEGORIES:
        raise bad_json(f'Cannot deserialize value of type `AssociationCategory` from "{category}"')
    return category


def _type_id(one: Body) -> int:
    text = str(one.get("associationTypeId", ""))
    if not text.isdecimal() or len(text) > 9:
        raise bad_json("Some required fields were not set: [associationTypeId]")
    return int(text)


def wanted(account: Account, kind: Kind, other: Kind, types: Any) -> set[int]:
    """The type ids of a write. Raises Refusal (400) for those of another pair of object types."""
    asked = given(types)
    pair = kind.plural, other.plural
    known = {("HUBSPOT_DEFINED", table[pair]) for table in (DEFAULT, PRIMARY) if pair in table}
    known |= {("USER_DEFINED", type_id) for type_id in account.links.labels(*pair)}
    if not asked or asked - known:
        raise _other_pair(kind, {type_id for _, type_id in asked - known})
    return {type_id for _, type_id in asked}


def _other_pair(kind: Kind, odd: set[int]) -> Refusal:
    owner = next((pair[0] for t in (DEFAULT, PRIMARY) for pair, n in t.items() if n in odd), kind.plural)
    return refuse(
        400,
        f"invalid from object type {kind.type_id} for associations to be created. "
        f"expected: {KINDS[owner].type_id}",
        "VALIDATION_ERROR",
    )


def every(account: Account, call: Call) -> Reply:
    pair = call.kind("from").plural, call.kind("to").plural
    own = tuple(table[pair] for table in (PRIMARY, DEFAULT) if pair in table)
    return Reply(200, {"results": spec(account, *pair, (*own, *account.links.labels(*pair)))})


def create(account: Account, call: Call) -> Reply:
    """A label of the account's own, both ways."""
    kind, other = call.kind("from").plural, call.kind("to").plural
    body = call.json(("name", "label", "inverseLabel"))
    if missing := [key for key in ("name", "label") if not isinstance(body.get(key), str) or not body[key]]:
        raise bad_json(f"Some required fields were not set: [{', '.join(missing)}]")
    if (kind, other) not in DEFAULT:
        raise refuse(400, "One or more associations are invalid", "VALIDATION_ERROR")
    if any(body["name"] == one.name for one in account.links.labels(kind, other).values()):
        raise refuse(
            409, f"An association label named '{body['name']}' already exists.", "OBJECT_ALREADY_EXISTS"
        )
    inverse = str(body.get("inverseLabel") or "")
    made = account.links.define(kind, other, body["name"], body["label"], inverse)
    return Reply(200, {"results": [_spec(one) for one in made]})


def update(account: Account, call: Call) -> Reply:
    body = call.json(("associationTypeId", "label", "inverseLabel"))
    if not isinstance(body.get("label"), str) or not body["label"]:
        raise bad_json("Some required fields were not set: [label]")
    one = _find(account, call, str(body.get("associationTypeId", "")))
    account.links.call(one.type_id, body["label"])
    if isinstance(body.get("inverseLabel"), str) and one.back_id != one.type_id:
        account.links.call(one.back_id, body["inverseLabel"])
    return Reply(204)


def remove(account: Account, call: Call) -> Reply:
    account.links.undefine(_find(account, call, call.args["type_id"]))
    return Reply(204)


def _find(account: Account, call: Call, text: str) -> Label:
    own = account.links.labels(call.kind("from").plural, call.kind("to").plural)
    found = own.get(int(text)) if text.isdecimal() and len(text) < 10 else None
    if found is None:
        raise refuse(404, f"Association type {text} does not exist.", "OBJECT_NOT_FOUND")
    return found


_LABELS = "/crm/associations/{from}/{to}/labels"
ROUTES = (
    route("GET", _LABELS, every, scopes=READ, bucket="associations"),
    route("POST", _LABELS, create, scopes=WRITE, bucket="associations"),
    route("PUT", _LABELS, update, scopes=WRITE, bucket="associations"),
    route("DELETE", _LABELS + "/{type_id}", remove, scopes=WRITE, bucket="associations"),
)
