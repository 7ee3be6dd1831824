"""Pipelines and their stages, for reading (HUBSPOT.md 5.9)."""

from __future__ import annotations

from typing import Any

import orjson

from connector.sandbox.clock import iso
from connector.sandbox.state import Account
from connector.sandbox.wire import Body, Call, Reply, refuse, route

READ = "crm.objects.deals.read"


def _dated(one: Body) -> Body:
    born = iso(0)
    return {"createdAt": born, "updatedAt": born, **one}


def _all(account: Account, call: Call) -> list[Body]:
    rows = account.db.rows("select definition from pipelines where kind = ? order by id", call.kind().plural)
    pipelines: list[Any] = [orjson.loads(text) for (text,) in rows]
    return [_dated({**one, "stages": [_dated(stage) for stage in one["stages"]]}) for one in pipelines]


def every(account: Account, call: Call) -> Reply:
    """In their order; those of one place by label."""
    found = sorted(_all(account, call), key=lambda one: (one["displayOrder"], one["label"]))
    return Reply(200, {"results": found})


def _one(account: Account, call: Call) -> Body:
    for pipeline in _all(account, call):
        if pipeline["id"] == call.args["id"]:
            return pipeline
    raise refuse(404, f"Pipeline {call.args['id']} was not found", "OBJECT_NOT_FOUND")


def get(account: Account, call: Call) -> Reply:
    return Reply(200, _one(account, call))


def stages(account: Account, call: Call) -> Reply:
    return Reply(200, {"results": _one(account, call)["stages"]})


def _stage(account: Account, call: Call) -> Body:
    for stage in _one(account, call)["stages"]:
        if stage["id"] == call.args["stage"]:
            return dict(stage)
    raise refuse(404, f"Pipeline stage {call.args['stage']} was not found", "OBJECT_NOT_FOUND")


def stage(account: Account, call: Call) -> Reply:
    return Reply(200, _stage(account, call))


def audit(account: Account, call: Call) -> Reply:
    """Nobody has changed a pipeline of this account: HubSpot's own come without an entry."""
    if "stage" in call.args:
        _stage(account, call)
    else:
        _one(account, call)
    return Reply(200, {"results": []})


_ONE = "/crm/pipelines/{kind}/{id}"
ROUTES = (
    route("GET", "/crm/pipelines/{kind}", every, scopes=READ),
    route("GET", _ONE, get, scopes=READ),
    route("GET", _ONE + "/audit", audit, scopes=READ),
    route("GET", _ONE + "/stages", stages, scopes=READ),
    route("GET", _ONE + "/stages/{stage}", stage, scopes=READ),
    route("GET", _ONE + "/stages/{stage}/audit", audit, scopes=READ),
)
