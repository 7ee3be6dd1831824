"""Airbyte's source: a configured catalog, its own protocol, and state from run to run."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from running import Done
from strangers import Row, Stranger
from tally import WITNESS

ID, CURSOR = ["id"], ["updatedAt"]
CONTACTS = {  # as `discover` would give them, but for the schema, which `read` finds out for itself
    "name": "contacts",
    "json_schema": {},
    "supported_sync_modes": ["full_refresh", "incremental"],
    "source_defined_cursor": True,
    "default_cursor_field": CURSOR,
    "source_defined_primary_key": [ID],
}


class AirbyteSource(Stranger):
    package, version, program = "airbyte-source-hubspot", "5.7.0", "source-hubspot"

    def _settings(self, token: str) -> Any:
        return {"credentials": {"credentials_title": "Private App Credentials", "access_token": token}}

    def _catalog(self, wanted: Collection[str] | None) -> Any:  # noqa: ARG002 it reads all properties
        """Incremental, append and deduplicate; `check` first, as its platform does."""
        done, output = self._start("check", "--config", "config.json")
        if done.code or b'"SUCCEEDED"' not in output.read_bytes():
            raise RuntimeError(f"{self.name} check: {output.read_text('utf-8')[-2_000:]}")
        modes = {"sync_mode": "incremental", "destination_sync_mode": "append_dedup"}
        return {"streams": [{"stream": CONTACTS, **modes, "cursor_field": CURSOR, "primary_key": [ID]}]}

    def _reading(self) -> list[str | Path]:
        self._errors = list[str]()
        state = self._handed_on([self._state]) if self._state else []
        return ["read", "--config", "config.json", "--catalog", "catalog.json", *state]

    def _row(self, message: Any) -> Row | None:
        kind = message["type"]
        if kind == "STATE":
            self._state = message["state"]
        elif kind == "LOG" and message["log"]["level"] in ("ERROR", "FATAL"):
            self._errors.append(message["log"]["message"])
        if kind != "RECORD" or message["record"]["stream"] != "contacts":
            return None
        row = message["record"]["data"]
        return row["id"], row.get(f"properties_{WITNESS}") or ""

    def _said(self, done: Done) -> str:
        """It complains among its messages."""
        return "\n".join([*self._errors, done.said])
