"""A record as JSON: what is shown, in which words (HUBSPOT.md 3.2, 4.6, 4.8)."""

from __future__ import annotations

from collections.abc import Iterable

from connector.sandbox.clock import iso
from connector.sandbox.kinds import KINDS, Kind
from connector.sandbox.state import Account
from connector.sandbox.state.records import Record
from connector.sandbox.wire import Body


class View:
    """The properties asked for, worked out once for a page of records."""

    def __init__(
        self, account: Account, kind: str, names: Iterable[str], history: Iterable[str] = ()
    ) -> None:
        self._account = account
        self._kind = kind
        self._history = account.definitions.known(kind, history)
        shown = self._wanted(names)
        columns = _columns(KINDS[kind])
        self._columns = [name for name in shown if name in columns]
        self._values = [name for name in shown if name not in columns]

    def _wanted(self, names: Iterable[str]) -> list[str]:
        asked = self._account.definitions.known(self._kind, names)
        kind = KINDS[self._kind]
        if not asked and not self._history:
            return list(kind.shown)
        return sorted({*asked, *self._history, kind.created, kind.modified, "hs_object_id"})

    def show(self, record: Record) -> Body:
        props: dict[str, str | None] = {name: record.value(name) for name in self._columns}
        for name in self._values:
            props[name] = record.props.get(name)
        body = envelope(record, props)
        if self._account.knobs.createdate_without_ms:
            _shorten(body)
        if self._history:
            body["propertiesWithHistory"] = {
                name: [entry.wire() for entry in self._account.records.history(record, name)]
                for name in self._history
            }
        return body


def _shorten(body: Body) -> None:
    """Dates of making are seen without milliseconds now and then (4.6)."""
    body["createdAt"] = body["createdAt"].replace(".000Z", "Z")
    for name in ("createdate", "hs_createdate"):
        if name in body["properties"]:
            body["properties"][name] = body["createdAt"]


def envelope(record: Record, props: dict[str, str | None]) -> Body:
    """The record around its properties."""
    body: Body = {
        "id": str(record.id),
        "properties": props,
        "createdAt": iso(record.created),
        "updatedAt": iso(record.modified),
        "archived": record.archived is not None,
    }
    if record.archived is not None:
        body["archivedAt"] = iso(record.archived)
    return body


def written(account: Account, record: Record, names: Iterable[str]) -> Body:
    """The answer to a write: what was written, as it is now, and a set that HubSpot adds (3.5)."""
    kind = KINDS[record.kind]
    shown = {*account.definitions.known(record.kind, names), kind.created, "hs_object_id", kind.modified}
    if record.kind == "contacts" and not account.knobs.patch_response_includes_lastmodified:
        shown.discard(kind.modified)
    return envelope(record, {name: record.value(name) for name in sorted(shown)})


def _columns(kind: Kind) -> frozenset[str]:
    return frozenset({kind.created, kind.modified, "hs_object_id", "hs_lastmodifieddate", "hs_createdate"})
