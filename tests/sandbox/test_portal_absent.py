"""What HubSpot has and the sandbox has not is said so, instead of a 404 or a 405."""

from __future__ import annotations

import re

import httpx
import pytest
from served_routes import name

from connector import sandbox
from connector.sandbox.services import absent

# Where each canonical path stands when a client asks (HUBSPOT.md 2).
PREFIXES = {
    "/crm/pipelines": "/crm/pipelines/2026-03",
    "/crm/lists": "/crm/lists/2026-03",
    "/crm/limits": "/crm/limits/2026-03",
    "/marketing/forms": "/marketing/v3/forms",
    "/marketing/marketing-events": "/marketing/v3/marketing-events",
}


@pytest.mark.parametrize("shape", [name(route) for route in absent.ROUTES])
def test_it_is_named(portal: sandbox.Portal, client: httpx.Client, shape: str) -> None:
    method, _, path = shape.partition(" ")
    (prefix,) = (old for old in PREFIXES if path.startswith(old))
    kinds = path.replace("{kind}", "deals").replace(prefix, PREFIXES[prefix])
    answer = client.request(method, re.sub(r"\{\w+\}", "default", kinds), json={})
    assert (answer.status_code, answer.json()["status"]) == (501, "error")
    (what,) = (what for what, shapes in absent.ABSENT.items() if shape in shapes)
    assert what in answer.json()["message"]
    assert portal.journal()[-1]["status"] == 501
