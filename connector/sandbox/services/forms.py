"""Forms and their submissions (HUBSPOT.md 5.4): newest first, no time filter, no contact id."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import orjson

from connector.sandbox.clock import iso
from connector.sandbox.state import Account
from connector.sandbox.state.engagement import FormRow
from connector.sandbox.wire import Body, Call, Reply, refuse, route

_ON = {"createNewContactForNewEmail", "editable", "allowLinkToResetKnownValues", "prePopulateKnownValues"}
_OFF = {"cloneable", "notifyContactOwner", "recaptchaEnabled", "archivable"}
_STYLE = {
    "labelTextSize": "13px",
    "legalConsentTextColor": "#33475b",
    "fontFamily": "arial, helvetica, sans-serif",
    "legalConsentTextSize": "14px",
    "backgroundWidth": "100%",
    "helpTextSize": "11px",
    "submitFontColor": "#ffffff",
    "labelTextColor": "#33475b",
    "submitAlignment": "left",
    "submitSize": "12px",
    "helpTextColor": "#7C98B6",
    "submitColor": "#ff7a59",
}
TYPES = frozenset({"hubspot", "captured", "flow", "blog_comment"})


def _show(row: FormRow) -> Body:
    guid, name, kind, created, archived = row
    configuration: Body = {**dict.fromkeys(_ON, True), **dict.fromkeys(_OFF, False)}
    thanks = {"type": "thank_you", "value": "Thanks for submitting the form."}
    configuration |= {
        "language": "fr",
        "postSubmitAction": thanks,
        "notifyRecipients": [],
        "lifecycleStages": [],
    }
    display = {
        "renderRawHtml": False,
        "theme": "default_style",
        "submitButtonText": "Submit",
        "style": _STYLE,
    }
    return {
        "id": guid,
        "name": name,
        "createdAt": iso(created),
        "updatedAt": iso(created),
        "archived": bool(archived),
        "formType": kind,
        "fieldGroups": [],
        "configuration": configuration,
        "displayOptions": display,
        "legalConsentOptions": {"type": "none"},
    }


def every(account: Account, call: Call) -> Reply:
    """Those of type `hubspot` unless others are asked for."""
    types = set(call.many("formTypes")) or {"hubspot"}
    if odd := sorted(types - TYPES - {"all"}):
        raise refuse(400, f"Invalid form type: {odd[0]}", "VALIDATION_ERROR")
    limit = call.whole("limit", 50, 500)
    rows = account.engagement.forms(call.one("after"), 100_000, archived=call.flag("archived"))
    kept = [row for row in rows if "all" in types or row[2] in types]
    body: Body = {"results": [_show(row) for row in kept[:limit]]}
    if len(kept) > limit:
        after = kept[limit][0]
        body["paging"] = {
            "next": {"after": after, "link": f"https://api.hubapi.com{call.path}?after={after}"}
        }
    return Reply(200, body)


def get(account: Account, call: Call) -> Reply:
    row = account.engagement.form(call.args["guid"])
    if row is None or bool(row[4]) is not call.flag("archived"):
        raise refuse(404, f"No form found with guid {call.args['guid']}", "OBJECT_NOT_FOUND")
    return Reply(200, _show(row))


def submissions(account: Account, call: Call) -> Reply:
    guid = call.args["guid"]
    form = account.engagement.form(guid)
    if form is None:
        raise refuse(404, f"No form found with guid {guid}", "OBJECT_NOT_FOUND")
    if form[2] == "blog_comment":
        raise refuse(400, "Form type not allowed", "VALIDATION_ERROR", subCategory="FORM_TYPE_NOT_ALLOWED")
    limit, after = call.whole("limit", 20, 50), call.one("after", "0")
    if not after.isdecimal() or len(after) > 15:
        raise refuse(400, f"Invalid after: {after}", "VALIDATION_ERROR")
    rows = account.engagement.submissions(guid, int(after), limit + 1)
    body: Body = {"results": [_submission(account, guid, row) for row in rows[:limit]]}
    if len(rows) > limit:
        body["paging"] = {"next": {"after": str(int(after) + limit)}}
    return Reply(200, body)


def _submission(account: Account, guid: str, row: tuple[Any, ...]) -> Body:
    number, at, fields, page = row
    values = [
        {"name": name, "value": value, "objectTypeId": "0-1"} for name, value in orjson.loads(fields).items()
    ]
    body: Body = {"submittedAt": at, "values": values, "pageUrl": page}
    if account.knobs.form_conversion_id:
        digest = sha256(f"{account.portal_id}:{guid}:{number}".encode()).hexdigest()
        parts = (digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32])
        body = {"conversionId": "-".join(parts), **body}
    return body


ROUTES = (
    route("GET", "/marketing/forms", every, "limit", "after", "formTypes", "archived", scopes="forms"),
    route("GET", "/marketing/forms/{guid}", get, "archived", scopes="forms"),
    route("GET", "/form-submissions/{guid}", submissions, "limit", "after", scopes="forms"),
)
