"""The account's OAuth app from the outside: how it asks for tokens and what it is given."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from connector import sandbox

Tokens = Callable[..., httpx.Response]


def asking(portal: sandbox.Portal, web: httpx.Client) -> Tokens:
    """`asked(field=...)`: a form of the app itself to the token endpoint; a refresh unless it says more."""

    def asked(path: str = "/oauth/2026-03/token", **fields: str) -> httpx.Response:
        app = portal.app
        form = {"client_id": app.client_id, "client_secret": app.client_secret}
        if path.endswith("/token"):
            form |= {"grant_type": "refresh_token"}
            if fields.get("grant_type", "refresh_token") == "refresh_token":
                form |= {"refresh_token": app.refresh_token}
        return web.post(path, data=form | fields)

    return asked


def listing(web: httpx.Client, token: str) -> httpx.Response:
    """A page of contacts."""
    return web.get("/crm/v3/objects/contacts", headers={"Authorization": f"Bearer {token}"})


def access_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def refusal_of(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["status"], body["error"]
