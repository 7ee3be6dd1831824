"""The account itself: details, API usage (HUBSPOT.md 1.3)."""

from __future__ import annotations

from connector.sandbox.clock import iso
from connector.sandbox.limits import midnight, offset
from connector.sandbox.state import Account
from connector.sandbox.wire import Call, Reply, route


def details(account: Account, _call: Call) -> Reply:
    shift = offset(account.clock.now(), account.time_zone)
    hours, minutes = divmod(abs(shift) // 60_000, 60)
    return Reply(
        200,
        {
            "portalId": account.portal_id,
            "accountType": "STANDARD",
            "timeZone": account.time_zone,
            "companyCurrency": "EUR",
            "additionalCurrencies": [],
            "utcOffset": f"{'-' if shift < 0 else '+'}{hours:02}:{minutes:02}",
            "utcOffsetMilliseconds": shift,
            "uiDomain": "app-eu1.hubspot.com",
            "dataHostingLocation": "eu1",
        },
    )


def usage(account: Account, _call: Call) -> Reply:
    now = account.clock.now()
    used = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": account.knobs.daily,
        "currentUsage": account.used_today,
        "collectedAt": iso(now),
        "fetchStatus": "SUCCESS",
        "resetsAt": iso(midnight(now, account.time_zone)),
    }
    return Reply(200, {"results": [used]})


ROUTES = (
    route("GET", "/account-info/details", details),
    route("GET", "/account-info/api-usage/daily/private-apps", usage),
)
