"""Pipelines and their stages (HUBSPOT.md 5.9)."""

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
    return Reply(200, {"results": _all(account, call)})


def _one(account: Account, call: Call) -> Body:
    for pipeline in _all(account, call):
        if pipeline["id"] == call.args["id"]:
            return pipeline
    raise refuse(404, f"Pipeline {call.args['id']} was not found", "OBJECT_NOT_FOUND")


def get(account: Account, call: Call) -> Reply:
    return Reply(200, _one(account, call))


def stages(account: Account, call: Call) -> Reply:
    return Reply(200, {"results": _one(account, call)["stages"]})


ROUTES = (
    route("GET", "/crm/pipelines/{kind}", every, scopes=READ),
    route("GET", "/crm/pipelines/{kind}/{id}", get, scopes=READ),
    route("GET", "/crm/pipelines/{kind}/{id}/stages", stages, scopes=READ),
)
