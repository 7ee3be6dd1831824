"""Properties that follow from others (HUBSPOT.md 4.6): they change without moving the date of the last change.

Deals: closed, won, lost, probability, from stage and pipeline. Contacts: form counters and dates, deals and what
they brought, the domain of the address, the digits of the telephone numbers; companies: how many contacts and
deals. With the knob calculated_lag they show only after a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from connector.sandbox.clock import iso
from connector.sandbox.state.knobs import Settings
from connector.sandbox.state.later import Later
from connector.sandbox.state.schema import Database

Props = dict[str, str]

# HubSpot's own deal pipeline: (id, label, probability) (5.9)
STAGES = (
    ("appointmentscheduled", "Appointment Scheduled", "0.2"),
    ("qualifiedtobuy", "Qualified To Buy", "0.4"),
    ("presentationscheduled", "Presentation Scheduled", "0.6"),
    ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
    ("contractsent", "Contract Sent", "0.9"),
    ("closedwon", "Closed Won", "1.0"),
    ("closedlost", "Closed Lost", "0.0"),
)


def deal(props: Mapping[str, str], probabilities: Mapping[str, str]) -> Props:
    """What a deal's stage says. `probabilities`: stage id -> probability, of every pipeline."""
    probability = probabilities.get(props.get("dealstage", ""))
    if probability is None:
        return {}
    won, lost = float(probability) >= 1, float(probability) <= 0
    amount = props.get("amount", "")
    return {
        "hs_deal_stage_probability": probability,
        "hs_is_closed": _bool(won or lost),
        "hs_is_closed_won": _bool(won),
        "hs_is_closed_lost": _bool(lost),
        "amount_in_home_currency": amount,
        "hs_closed_amount": amount if won and amount else "0",
    }


def address(props: Mapping[str, str]) -> Props:
    """`hs_email_domain` of a contact."""
    return {"hs_email_domain": props.get("email", "").rpartition("@")[2]}


PHONES = {
    "phone": "hs_searchable_calculated_phone_number",
    "mobilephone": "hs_searchable_calculated_mobile_number",
}


def phones(props: Mapping[str, str]) -> Props:
    """What telephone numbers are sought by (3.4): area code and local number, digits only.

    Which digits belong to the country is not told by the number alone: the last ten are kept, without a zero
    in front.
    """
    digits = {name: "".join(filter(str.isdecimal, props.get(name, ""))) for name in PHONES}
    return {PHONES[name]: text[-10:].lstrip("0") for name, text in digits.items()}


def _bool(value: bool) -> str:
    return "true" if value else "false"


class Derived:
    """Works the derived values out again and puts them in place."""

    def __init__(self, db: Database, settings: Settings, later: Later) -> None:
        self._db = db
        self._settings = settings
        self._later = later

    def everything(self) -> None:
        """All contacts, companies and deals, after a bulk load: each record is written once."""
        found: dict[str, dict[int, Props]] = {kind: {} for kind in _COUNTED}
        found["contacts"].update(self._submissions())
        for id, values in self._sales().items():
            found["contacts"].setdefault(id, {}).update(values)
        for kind, others in _COUNTED.items():
            for other in others:
                for id, number in self._db.rows(_COUNT, kind, other):
                    found[kind].setdefault(id, {})[f"num_associated_{other}"] = str(number)
        self._db.con.executemany(
            "update objects set props = json_patch(props, ?) where kind = ? and id = ?",
            (
                (orjson.dumps({name: value or None for name, value in values.items()}).decode(), kind, id)
                for kind, some in found.items()
                for id, values in some.items()
            ),
        )

    def contacts(self, ids: Iterable[int]) -> None:
        """Some contacts, after a submission, a deal or a merge."""
        for id in ids:
            self.refresh("contacts", id)

    def around(self, kind: str, id: int) -> None:
        """Those who count a record, after it went to the bin or came back."""
        for other, counted in _COUNTED.items():
            if kind in counted:
                sql = "select distinct to_id from links where from_kind = ? and from_id = ? and to_kind = ?"
                for (number,) in self._db.rows(sql, kind, id, other):
                    self.refresh(other, number)

    def refresh(self, kind: str, id: int) -> None:
        """One record, now or after the lag."""
        if kind not in _COUNTED:
            return
        if seconds := self._settings.knobs.calculated_lag:
            self._later.put(seconds, "refresh", kind, id)
        else:
            self.now(kind, id)

    def now(self, kind: str, id: int) -> None:
        """One record at once; one in the bin has no addresses to count by, and waits until it comes back."""
        if self._db.value("select archived from objects where kind = ? and id = ?", kind, id) is not None:
            return
        counts = {other: self._db.value(_COUNT_ONE, kind, id, other) for other in _COUNTED[kind]}
        values = {f"num_associated_{other}": str(n) if n else "" for other, n in counts.items()}
        if kind == "contacts":
            emails = [row[0] for row in self._db.rows("select email from emails where id = ?", id)]
            values |= _NO_FORMS | _forms([row for email in emails for row in self._db.rows(_OF_EMAIL, email)])
            values |= _NO_SALES | _sales(self._db.rows(_DEALS_OF, id))
        self._merge(kind, id, values)

    def _sales(self) -> dict[int, Props]:
        by_contact: dict[int, list[tuple[Any, ...]]] = {}
        for id, *row in self._db.con.execute(_DEALS):
            by_contact.setdefault(id, []).append(tuple(row))
        return {
            id: {**_sales(rows), "num_associated_deals": str(len(rows))} for id, rows in by_contact.items()
        }

    def _submissions(self) -> dict[int, Props]:
        by_contact: dict[int, list[tuple[Any, ...]]] = {}
        for id, form, name, at in self._db.con.execute(_OF_ALL):
            by_contact.setdefault(id, []).append((form, name, at))
        return {id: _forms(rows) for id, rows in by_contact.items()}

    def _merge(self, kind: str, id: int, values: Mapping[str, str]) -> None:
        text = self._db.value("select props from objects where kind = ? and id = ?", kind, id)
        if text is None:
            return
        old = orjson.loads(text)
        new = {name: value for name, value in {**old, **values}.items() if value or name not in values}
        if new != old:
            sql = "update objects set props = ? where kind = ? and id = ?"
            self._db.run(sql, orjson.dumps(new).decode(), kind, id)


# Who counts whom: `num_associated_<other>`. Contacts' deals are counted with what they brought.
_COUNTED = {"contacts": ("deals",), "companies": ("contacts", "deals"), "deals": ("contacts",)}
_LIVES = "exists (select 1 from objects where kind = to_kind and id = to_id and archived is null)"
_COUNT = (
    "select from_id, count(distinct to_id) from links where from_kind = ? and to_kind = ?"
    f" and {_LIVES} group by from_id"
)
_COUNT_ONE = (
    "select count(distinct to_id) from links where from_kind = ? and from_id = ? and to_kind = ?"
    f" and {_LIVES}"
)
_DEAL = (
    " created, json_extract(props, '$.hs_is_closed_won'), json_extract(props, '$.amount'),"
    " json_extract(props, '$.closedate') from (select distinct from_id, to_id from links"
    " where from_kind = 'contacts' and to_kind = 'deals'{}) join objects on kind = 'deals' and id = to_id"
    " and archived is null order by from_id, to_id"
)
_DEALS = "select from_id," + _DEAL.format("")
_DEALS_OF = "select" + _DEAL.format(" and from_id = ?")
_OF_ALL = (
    "select emails.id, form, coalesce(name, form), at from submissions join emails using (email)"
    " left join forms on guid = form order by at, n"
)
_OF_EMAIL = (
    "select form, coalesce(name, form), at from submissions left join forms on guid = form"
    " where email = ? order by at, n"
)


_NO_SALES = dict.fromkeys(
    ("total_revenue", "recent_deal_amount", "recent_deal_close_date", "first_deal_created_date"), ""
)


def _sales(rows: list[tuple[Any, ...]]) -> Props:
    """What the deals of one contact brought; `rows` are (created, won, amount, closedate)."""
    if not rows:
        return {}
    values = {"first_deal_created_date": iso(min(row[0] for row in rows))}
    won = sorted((row[3] or "", row[2] or "") for row in rows if row[1] == "true")
    if won:
        values |= {"recent_deal_close_date": won[-1][0], "recent_deal_amount": won[-1][1]}
        total = sum((float(amount) for _, amount in won if amount), 0.0)
        values["total_revenue"] = str(int(total)) if total.is_integer() else str(round(total, 2))
    return values


_NO_FORMS = dict.fromkeys(
    (
        "num_conversion_events",
        "num_unique_conversion_events",
        "first_conversion_date",
        "first_conversion_event_name",
        "recent_conversion_date",
        "recent_conversion_event_name",
    ),
    "",
)


def _forms(rows: list[tuple[Any, ...]]) -> Props:
    """Form counters and dates of one person; `rows` are (form, its name, at)."""
    if not rows:
        return {}
    rows = sorted(rows, key=lambda row: row[2])
    first, last = rows[0], rows[-1]
    return {
        "num_conversion_events": str(len(rows)),
        "num_unique_conversion_events": str(len({row[0] for row in rows})),
        "first_conversion_date": iso(first[2]),
        "first_conversion_event_name": first[1],
        "recent_conversion_date": iso(last[2]),
        "recent_conversion_event_name": last[1],
    }
