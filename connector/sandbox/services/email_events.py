"""Marketing e-mail events, which only the v1 API has (HUBSPOT.md 5.3). No contact id: joined by recipient."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import orjson

from connector.sandbox.state import Account
from connector.sandbox.wire import Body, Call, Reply, refuse, route

APP_ID, APP_NAME, MOST = 113, "Batch", 1_000


def every(account: Account, call: Call) -> Reply:
    """Newest first; the end of the window belongs to it; `offset` goes on where the last page stopped."""
    where, values = _where(account, call)
    limit = call.whole("limit", 10, MOST)
    rows = account.engagement.email_events(where, tuple(values), limit + 1)
    shown = rows[:limit]
    more = len(rows) > limit
    offset = _offset(shown[-1]) if shown else call.one("offset")
    return Reply(200, {"hasMore": more, "offset": offset, "events": [_show(account, row) for row in shown]})


def _where(account: Account, call: Call) -> tuple[str, list[Any]]:
    # What arrives late is not told of before (5.3).
    parts: list[str] = ["visible <= ?"]
    values: list[Any] = [account.clock.now()]
    columns = (
        ("startTimestamp", "at >= ?"),
        ("endTimestamp", "at <= ?"),
        ("campaignId", "campaign = ?"),
    )
    for name, sql in columns:
        if call.one(name):
            parts.append(sql)
            values.append(call.whole(name, 0, 2**60, 0))
    if call.one("eventType"):
        parts.append("type = ?")
        values.append(call.one("eventType"))
    if call.one("recipient"):
        parts.append("recipient = ?")
        values.append(call.one("recipient").lower())
    if call.one("appId") and call.one("appId") != str(APP_ID):
        parts.append("0")
    if call.flag("excludeFilteredEvents"):
        parts.append("filtered = 0")
    if call.one("sentById") or call.one("sentByCreated"):
        part, more = _of_send(account, call)
        parts.append(part)
        values += more
    if offset := call.one("offset"):
        parts.append("(at, n) < (?, ?)")
        values += _read_offset(offset)
    return " and ".join(parts), values


def _of_send(account: Account, call: Call) -> tuple[str, list[Any]]:
    """What came of one SENT event, which takes both halves of its identity (id, created)."""
    if not call.one("sentById") or not call.one("sentByCreated"):
        raise refuse(400, "sentById and sentByCreated must be given together", "VALIDATION_ERROR")
    created = call.whole("sentByCreated", 0, 2**60, 0)
    found = account.engagement.sending(call.one("sentById"), created)
    if found is None:
        return "0", []
    recipient, campaign, until = found
    part = "recipient = ? and campaign = ? and type <> 'SENT' and at >= ? and at < ?"
    return part, [recipient, campaign, created, until]


def _offset(row: tuple[Any, ...]) -> str:
    return urlsafe_b64encode(f"{row[3]}.{row[0]}".encode()).decode().rstrip("=")


def _read_offset(text: str) -> list[int]:
    try:
        at, number = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(".")
        return [int(at), int(number)]
    except (ValueError, binascii.Error):
        raise refuse(400, f"Invalid offset: {text}", "VALIDATION_ERROR") from None


def _show(account: Account, row: tuple[Any, ...]) -> Body:
    number, id, kind, at, recipient, campaign, subject, url, filtered, agent, extra, _ = row
    body: Body = {
        **orjson.loads(extra),
        "id": id,
        "created": at,
        "type": kind,
        "recipient": recipient,
        "portalId": account.portal_id,
        "appId": APP_ID,
        "appName": APP_NAME,
        "emailCampaignId": campaign,
        "subject": subject,
        "filteredEvent": bool(filtered),
    }
    if kind == "UNBOUNCE":
        del body["type"]
    if kind == "CLICK":
        body |= {"url": url, "linkId": 0}
    if kind == "OPEN":
        body["duration"] = 1_000 + number % 9_000
    if kind in ("OPEN", "CLICK") and agent:
        body["userAgent"] = agent
    sent = account.engagement.sent_by(recipient, campaign, at) if kind != "SENT" else None
    if sent is not None:
        body["sentBy"] = {"id": sent[0], "created": sent[1]}
    return body


_PARAMETERS = [
    "startTimestamp",
    "endTimestamp",
    "limit",
    "offset",
    "eventType",
    "recipient",
    "appId",
    "campaignId",
    "sentById",
    "sentByCreated",
    "excludeFilteredEvents",
]
ROUTES = (route("GET", "/email/events", every, *_PARAMETERS, scopes="content"),)
