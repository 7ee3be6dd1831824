"""Read by a puller's Python before anything else: sends what is meant for HubSpot to the sandbox instead.

The puller's code is not touched: the host is exchanged as a request leaves. Any other host is refused, so
that nothing of a run leaves this machine.
"""

from __future__ import annotations

import os
from typing import Any

import requests

VENDOR, SANDBOX = "https://api.hubapi.com/", os.environ["PEERS_SANDBOX"] + "/"
_send = requests.Session.send


def send(self: requests.Session, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
    address = request.url or ""
    if not address.startswith(VENDOR):
        raise RuntimeError(f"a puller of the sandbox speaks to {VENDOR} alone, not to {address}")
    there = request.copy()  # a puller that tries again sends its own request once more
    there.url = SANDBOX + address.removeprefix(VENDOR)
    return _send(self, there, **kwargs)


requests.Session.send = send  # type: ignore[method-assign]
