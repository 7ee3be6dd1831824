"""A HubSpot account on this machine: real HTTP on loopback, state in one SQLite file, its own clock.

What it does not imitate: the app's screens, workflows, webhooks and their journal, tickets, products, custom
objects, subscription types, custom event definitions, form editing, calculated properties of
the account's own, sensitive data, and HubSpot's speed. What is known of HubSpot's behaviour and what is guessed
stands in HUBSPOT.md; guesses have a knob (`state/knobs`). A path, a query parameter or a body key that it does
not know is a 501 that names it, and is in the journal. It listens on loopback only.

It imports nothing of the connector and only the command line and tests import it: it must not share a mistake.

    with sandbox.start(contacts=200, seed=7) as portal:
        ...  # a client of portal.url with portal.token, or with the OAuth app portal.app
        portal.advance(60)
        portal.faults([{"method": "PATCH", "cut": "after"}])

What may be done to the account from outside (`Controls`) is also there over HTTP: `GET /__sandbox__/` lists it.

`services/` is HTTP in and out, one file per service, all of one shape; `rules/` what may be changed how;
`state/` the file; `desk` one request's way, with `limits`, `faults` and the `journal`; `control` what a test does
to the account, `control_routes` its HTTP; `rows` what it is loaded with, `fill` and `csvload` from where.
"""

from __future__ import annotations

from connector.sandbox.app import portal_app
from connector.sandbox.control import Controls
from connector.sandbox.desk import Desk
from connector.sandbox.faults import Fault
from connector.sandbox.portal import Portal, serve, start
from connector.sandbox.state import Account, load
from connector.sandbox.state.records import Writer

__all__ = ["Account", "Controls", "Desk", "Fault", "Portal", "Writer", "load", "portal_app", "serve", "start"]
