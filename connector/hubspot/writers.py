"""Who wrote a property's value, as far as the CRM's history tells (HUBSPOT.md 4.8)."""

from __future__ import annotations

from collections.abc import Sequence

from connector.model import Version, Writer

# the sources are an open set: one that is not here is an app
_PEOPLE = {"CRM_UI", "CRM_UI_BULK_ACTION", "CONTACTS_WEB", "MOBILE_IOS", "MOBILE_ANDROID"}
_MERGED = "MERGE_OBJECTS"
_AUTOMATIC = {"PIPELINE_SETTINGS", "DEALS", "COMPANIES", "CALCULATED", _MERGED}
_DEFAULTS = {"IMPORT", "FORM", "FORMS", "ANALYTICS", "EMAIL", "INTERNAL_PROCESSING", "MIGRATION", "GDPR"}
AT_CREATION = 5_000  # ms: a stage stamped this soon after its contact was made is the account's default


def writer_of(history: Sequence[Version], created_at: int | None, ours: Sequence[Version] = ()) -> Writer:
    """The writer of the newest of `history` (newest first). A first value that came with the record itself
    is a default, whoever made the record.

    `ours` is the history of a property that we alone write: its app is we.
    """
    newest = history[0]
    first = len([version for version in history if version.value]) == 1
    if newest.value and first and created_at is not None and newest.at <= created_at + AT_CREATION:
        return "default"
    if newest.source in _PEOPLE:
        return "person"
    if newest.source in _AUTOMATIC:
        return "crm"
    if newest.source in _DEFAULTS:
        return "default"
    return "ours" if (newest.source, newest.source_id) in _apps(ours) else "app"


def word_of(history: Sequence[Version]) -> Sequence[Version]:
    """The history from the version on that says whose value the newest is. A merge that leaves the newest
    word about either of the two standing only passes it on; one that sets it aside is the CRM's own."""
    said = next((n for n, one in enumerate(history) if one.source != _MERGED), 0)
    return history[said:] if history[said].value == history[0].value else history


def _apps(history: Sequence[Version]) -> set[tuple[str, str]]:
    return {(version.source, version.source_id) for version in history if version.source_id}
