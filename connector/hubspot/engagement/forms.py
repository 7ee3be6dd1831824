"""Form submissions (HUBSPOT.md 5.4): every form's, newest first, joined by the e-mail address typed in."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import orjson

from connector.errors import Refused
from connector.hubspot import paths, wire
from connector.hubspot.answers import rows
from connector.hubspot.engagement.newest_first import Feed, FeedPage, walk
from connector.hubspot.engagement.source import EngagementPage, Wanted, allowed, resuming
from connector.hubspot.paging import Cursor, after
from connector.hubspot.transport import Params, Transport
from connector.model import DAY, Document, Engagement

_FORMS_PAGE = 500
_SUBMISSIONS_PAGE = 50  # the endpoint's maximum
_GONE = frozenset({400, 404})  # a form whose type keeps no submissions; a form deleted since it was listed


@dataclass(frozen=True, slots=True)
class Forms:
    name: str = "forms"
    events: frozenset[str] = frozenset({"form_submission"})
    late: int = DAY

    def read_up_to(self, moment: int, since: int) -> tuple[Document, int]:
        return {}, max(moment, since)

    async def pages(
        self,
        t: Transport,
        *,
        bookmark: Document | None,
        progress: Document | None,
        since: int,
        until: int,
        wanted: Wanted,  # noqa: ARG002 (one event: who asks wants it)
    ) -> AsyncIterator[EngagementPage]:
        """See Source.pages. attrs: form (its name), form_id, path, domain."""
        with allowed("Form submissions", ["forms"]):
            feeds = [
                Feed(str(form["id"]), partial(_submissions, t, form), wire.moment(form.get("createdAt")))
                for form in await _forms(t)
            ]
            once = partial(walk, feeds, bookmark, since, until)
            async for page in resuming(once, bookmark=bookmark, progress=progress, since=since):
                yield page


async def _forms(t: Transport) -> list[Document]:
    """Every form but those of blog comments, by id. Without formTypes the CRM gives its own kind alone."""
    found: list[Document] = []
    cursor = Cursor("forms")
    while True:
        at: Params = {} if cursor.at is None else {"after": cursor.at}
        params = {"limit": _FORMS_PAGE, "formTypes": "all", **at}
        document = await t.call("GET", paths.FORMS, params=params)
        found += (row for row in rows(document) if row.get("formType") != "blog_comment")
        if cursor.turn(document) is None:
            return sorted(found, key=lambda row: str(row["id"]))


async def _submissions(t: Transport, form: Document, cursor: str | None) -> FeedPage:
    at: Params = {} if cursor is None else {"after": cursor}
    path = paths.SUBMISSIONS.format(form=form["id"])
    try:
        document = await t.call("GET", path, params={"limit": _SUBMISSIONS_PAGE, **at})
    except Refused as no:
        if no.status not in _GONE or cursor is not None:
            raise
        return FeedPage([], None)
    found = rows(document)
    given = [row for row in (_submission(form, row) for row in found) if row is not None]
    return FeedPage(given, after(document), len(found) - len(given))


def _submission(form: Document, row: Document) -> Engagement | None:
    at = wire.moment(row.get("submittedAt"))
    if at is None:
        return None
    values = [value for value in row.get("values") or () if isinstance(value, dict)]
    typed = next((v.get("value") for v in values if str(v.get("name")).lower() == "email"), None)
    path, domain = wire.page(row.get("pageUrl"))
    name = str(form.get("name") or form["id"])
    return Engagement(
        source="forms",
        id=str(row.get("conversionId") or _print_of(str(form["id"]), at, values)),
        event="form_submission",
        at=at,
        contact_id=None,
        address=wire.address(typed),
        attrs={"form": name, "form_id": str(form["id"]), "path": path, "domain": domain},
        label=name,
    )


def _print_of(form: str, at: int, values: list[Document]) -> str:
    """An identity for submissions without a conversionId (the field is not documented)."""
    typed = sorted((str(v.get("name")), str(v.get("value"))) for v in values)
    return hashlib.sha256(orjson.dumps([form, at, typed])).hexdigest()
