"""The account's state: everything that is true of it, in one SQLite file; no HTTP here.

`Account` holds the parts; each part is a small class over the same `Database`. What may be changed how (the
stage rule, property validation, merges) stands in `rules/`, what the wire looks like in `services/`.
"""

from __future__ import annotations

from connector.sandbox.state.account import SCOPES, Account, Token
from connector.sandbox.state.load import load

__all__ = ["SCOPES", "Account", "Token", "load"]
