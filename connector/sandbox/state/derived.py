"""Properties that follow from others (HUBSPOT.md 4.6): they change without moving the date of the last change.

Deals: closed, won, lost, probability, from stage and pipeline. Contacts: form counters and dates, deals, the
domain of the address; companies: how many contacts and deals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from connector.sandbox.clock import iso
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


def _bool(value: bool) -> str:
    return "true" if value else "false"


class Derived:
    """Works the derived values out again and puts them in place."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def everything(self) -> None:
        """All contacts and companies, after a bulk load."""
        deals = dict(self._db.rows(_COUNT, "contacts", "deals"))
        for id, values in self._submissions().items():
            self._merge("contacts", id, values)
        for id, number in deals.items():
            self._merge("contacts", id, {"num_associated_deals": str(number)})
        self._companies()

    def contacts(self, ids: Iterable[int]) -> None:
        """Some contacts, after a submission, a deal or a merge."""
        for id in ids:
            emails = [row[0] for row in self._db.rows("select email from emails where id = ?", id)]
            values = _forms([row for email in emails for row in self._db.rows(_OF_EMAIL, email)])
            number = self._db.value(_COUNT_ONE, "contacts", id, "deals")
            self._merge("contacts", id, {**values, "num_associated_deals": str(number) if number else ""})

    def _companies(self) -> None:
        for kind in ("contacts", "deals"):
            for id, number in self._db.rows(_COUNT, "companies", kind):
                self._merge("companies", id, {f"num_associated_{kind}": str(number)})

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
        new = {name: value for name, value in {**old, **values}.items() if value}
        if new != old:
            sql = "update objects set props = ? where kind = ? and id = ?"
            self._db.run(sql, orjson.dumps(new).decode(), kind, id)


_COUNT = (
    "select from_id, count(distinct to_id) from links where from_kind = ? and to_kind = ? group by from_id"
)
_COUNT_ONE = "select count(distinct to_id) from links where from_kind = ? and from_id = ? and to_kind = ?"
_OF_ALL = (
    "select emails.id, form, coalesce(name, form), at from submissions join emails using (email)"
    " left join forms on guid = form order by at, n"
)
_OF_EMAIL = (
    "select form, coalesce(name, form), at from submissions left join forms on guid = form"
    " where email = ? order by at, n"
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
