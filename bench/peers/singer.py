"""The two taps that speak Singer's protocol: discovery, a catalog, and state from run to run."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar

import orjson
from strangers import Row, Stranger
from tally import WITNESS


class Tap(Stranger):
    """`token`: what its settings call the key; `flag`: the one for the catalog."""

    token: ClassVar[str]
    flag: ClassVar[str]
    more: ClassVar[dict[str, str]] = {}

    def _settings(self, token: str) -> Any:
        return {self.token: token, **self.more}

    def _catalog(self, wanted: Collection[str] | None) -> Any:
        """Discovery, then the contacts and their fields, as its documentation has a user choose."""
        done, output = self._start("--config", "config.json", "--discover")
        if done.code:
            raise RuntimeError(f"{self.name} --discover: {done.said[-2_000:]}")
        catalog = orjson.loads(output.read_bytes())
        streams = [one for one in catalog["streams"] if one["tap_stream_id"] == "contacts"]
        for entry in streams[0]["metadata"]:
            entry["metadata"]["selected"] = wanted is None or _is_wanted(entry["breadcrumb"], wanted)
        return {"streams": streams}

    def _reading(self) -> list[str | Path]:
        state = self._handed_on(self._state) if self._state else []
        return ["--config", "config.json", self.flag, "catalog.json", *state]

    def _row(self, message: Any) -> Row | None:
        if message["type"] == "STATE":
            self._state = message["value"]
        if message["type"] != "RECORD" or message["stream"] != "contacts":
            return None
        row = message["record"]
        return row["id"], row["properties"].get(WITNESS) or ""


def _is_wanted(breadcrumb: list[str], wanted: Collection[str]) -> bool:
    """The contact itself, what stands beside its properties, and the properties that are wanted."""
    name = breadcrumb[-1] if breadcrumb else ""
    return not name.startswith("property_") or name.removeprefix("property_") in wanted


class SingerTap(Tap):
    package, version = "tap-hubspot", "4.5.0"
    token, flag = "api_key", "--properties"
    more: ClassVar = {"start_date": "2000-01-01T00:00:00Z"}


class MeltanoTap(Tap):
    package, version = "meltano-tap-hubspot", "0.10.1"
    token, flag = "access_token", "--catalog"
