"""Records as we last saw them: typed columns beside the CRM's own text, and what does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from score_cache import to_mapping
from sqlite_utils import Database

from connector.diagnostics import Place
from connector.model import Link, Record
from connector.rules.tree import Field, FieldType, MappingRules
from connector.store import columns, decisions, records
from connector.store.columns import Unfit, typed
from connector.store.schema import open_store, write

PARIS = ZoneInfo("Europe/Paris")
DAY = 86_400_000
FIELDS = {
    "title": ("contacts", "text"),
    "size": ("contacts", "number"),
    "opted": ("contacts", "bool"),
    "timing": ("contacts", "date"),
    "called": ("contacts", "datetime"),
    "sector": ("companies", "text"),
    "amount": ("deals", "number"),
}


def field(kind: FieldType) -> Field:
    return Field("f", "f", "contacts", kind, Place("m.yaml", 1))


def ms(*parts: int) -> int:
    return round(datetime(*parts, tzinfo=PARIS).timestamp() * 1000)  # type: ignore[misc, arg-type]


@pytest.fixture
def db() -> Iterator[Database]:
    opened = open_store(":memory:")
    yield opened
    opened.close()


@pytest.fixture
def mapping(db: Database) -> MappingRules:
    made = to_mapping(FIELDS)
    fit(db, made)
    return made


def fit(db: Database, mapping: MappingRules) -> None:
    with write(db):
        columns.ensure_columns(db, mapping)


def put(
    db: Database,
    mapping: MappingRules,
    id: str,
    kind: str = "contacts",
    modified: int | None = 7,
    **values: str | None,
) -> list[str]:
    with write(db):
        return records.put(db, kind, [Record(id, values, 5, modified)], mapping, 9)


def column(db: Database, name: str, id: str = "1", table: str = "contact") -> object:
    return db.execute(f'SELECT "f_{name}" FROM {table} WHERE id = ?', [id]).fetchone()[0]


def odd(db: Database) -> list[tuple[str, str, str]]:
    return [(row["record_id"], row["property"], row["value"]) for row in records.oddities(db)]


# -- one value -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("text", " Étudiante à l'École ", "etudiante a l'ecole"),
        ("text", "CŒUR de Métier", "coeur de metier"),
        ("choice", "Decision_Maker", "decision_maker"),
        ("text", "  ", None),
        ("text", "", None),
        ("text", None, None),
        ("number", "12.5", 12.5),
        ("number", " 12.0 ", 12.0),
        ("number", "-1e3", -1000.0),
        ("number", "", None),
        ("bool", "true", 1),
        ("bool", "False", 0),
        ("date", "2026-03-29", ms(2026, 3, 29)),
        ("date", "1774742400000", ms(2026, 3, 29)),  # midnight UTC of that day
        ("date", "2026-10-25", ms(2026, 10, 25)),
        ("datetime", "2026-11-20T08:01:02.345Z", 1_795_161_662_345),
        ("datetime", "2026-11-20T08:01:02Z", 1_795_161_662_000),
        ("datetime", "2026-11-20T09:01:02.345+01:00", 1_795_161_662_345),
        ("datetime", "2026-11-20T08:01:02.345", 1_795_161_662_345),
        ("datetime", "1795161662345", 1_795_161_662_345),
    ],
)
def test_a_value_as_its_column_holds_it(kind: FieldType, text: str | None, value: object) -> None:
    assert typed(text, field(kind), PARIS) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("number", "12,5"),  # French
        ("number", "1 200"),
        ("number", "N/A"),
        ("number", "nan"),
        ("number", "1e999"),
        ("number", "0x10"),
        ("number", "١٢٣٤,"),
        ("bool", "oui"),
        ("bool", "1"),
        ("date", "29/03/2026"),
        ("date", "demain"),
        ("datetime", "99999999999999999999999"),
        ("datetime", "²²²²²²²²²"),
        ("datetime", "2026-13-01T00:00:00Z"),
    ],
)
def test_a_value_that_is_not_of_its_type(kind: FieldType, text: str) -> None:
    with pytest.raises(Unfit, match=r"^is "):
        typed(text, field(kind), PARIS)


@given(st.text(), st.sampled_from(["text", "number", "bool", "date", "datetime", "choice"]))
def test_any_text_is_a_value_or_a_sentence_and_fits_its_column(text: str, kind: FieldType) -> None:
    try:
        value = typed(text, field(kind), PARIS)
    except Unfit:
        return
    assert value is None or isinstance(value, str | float) or -(2**63) <= value < 2**63


@given(st.dates(min_value=datetime(1970, 1, 2).date(), max_value=datetime(2100, 1, 1).date()))  # noqa: DTZ001
def test_a_date_is_the_start_of_its_day_in_the_zone_however_it_is_spelt(day: datetime) -> None:
    spelt = round(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("UTC")).timestamp() * 1000)
    value = typed(day.isoformat(), field("date"), PARIS)
    assert value == ms(day.year, day.month, day.day)
    if spelt >= 1e9:
        assert typed(str(spelt), field("date"), PARIS) == value


def test_local_days_change_at_midnight_of_the_zone_also_in_the_nights_of_the_clock_change() -> None:
    for before in (ms(2026, 3, 28, 23, 59), ms(2026, 10, 24, 23, 59), ms(2026, 7, 1, 23, 59)):
        assert records.local_day(before + 60_000, PARIS) == records.local_day(before, PARIS) + 1
    spring, autumn = ms(2026, 3, 29), ms(2026, 10, 25)
    assert records.local_day(spring + 23 * 3_600_000 - 1, PARIS) == records.local_day(spring, PARIS)
    assert records.local_day(spring + 23 * 3_600_000, PARIS) == records.local_day(spring, PARIS) + 1
    assert records.local_day(autumn + 25 * 3_600_000 - 1, PARIS) == records.local_day(autumn, PARIS)
    assert records.local_day(autumn + 25 * 3_600_000, PARIS) == records.local_day(autumn, PARIS) + 1


# -- records -------------------------------------------------------------------------------------------


def test_put_tells_what_is_new_or_different(db: Database, mapping: MappingRules) -> None:
    assert put(db, mapping, "1", title="Étudiant", size="12") == ["1"]
    assert put(db, mapping, "1", title="Étudiant", size="12", modified=8) == []
    assert put(db, mapping, "1", title="Étudiant", size="13") == ["1"]
    assert (column(db, "title"), column(db, "size")) == ("etudiant", 13.0)
    assert records.seen(db, ["1", "2"]) == {"1": (None, {"title": "Étudiant", "size": "13"})}


def test_a_value_that_does_not_fit_is_unknown_kept_and_listed_until_a_good_one_comes(
    db: Database, mapping: MappingRules
) -> None:
    put(db, mapping, "1", size="12,5", opted="oui", title="ok")
    assert (column(db, "size"), column(db, "opted"), column(db, "title")) == (None, None, "ok")
    assert records.seen(db, ["1"])["1"][1]["size"] == "12,5"
    assert odd(db) == [("1", "opted", "oui"), ("1", "size", "12,5")]
    assert records.count_oddities(db) == 2
    put(db, mapping, "1", size="12.5", opted="oui", title="ok")
    assert odd(db) == [("1", "opted", "oui")]
    put(db, mapping, "1", size="12.5", opted=None, title="ok")
    assert odd(db) == []


def test_a_record_without_a_modification_date_is_kept_and_said(db: Database, mapping: MappingRules) -> None:
    put(db, mapping, "1", modified=None, title="x")
    assert [(row["property"], row["why"]) for row in records.oddities(db)] == [
        ("(modified)", "the CRM gave no modification date")
    ]
    assert records.stamps(db, "contacts", ["1", "2"]) == {"1": None}


def test_a_record_that_was_read_in_the_moment_of_its_change_is_not_taken_for_known(
    db: Database, mapping: MappingRules
) -> None:
    put(db, mapping, "1", modified=8)  # read at 9
    put(db, mapping, "2", modified=9)
    put(db, mapping, "3", modified=10)  # the CRM's clock is ahead of ours
    assert records.stamps(db, "contacts", ["1", "2", "3", "4"]) == {"1": 8, "2": None, "3": None}


# -- a mapping that changes ----------------------------------------------------------------------------


def test_a_new_field_is_read_from_what_is_kept_and_everybody_is_judged_again(db: Database) -> None:
    fit(db, to_mapping({"title": ("contacts", "text")}))
    put(db, to_mapping({"title": ("contacts", "text")}), "1", title="x", size="12", modified=None)
    with write(db):
        decisions.clear_dirty(db, ["1"], decisions.stamp_now(db))
    fit(db, to_mapping(FIELDS))
    assert column(db, "size") == 12.0
    assert decisions.to_judge(db, 0) == ["1"]
    assert odd(db) == [("1", "(modified)", "")]


def test_a_changed_type_is_read_again_and_compares_as_its_type(db: Database) -> None:
    text = to_mapping({"size": ("contacts", "text")})
    number = to_mapping({"size": ("contacts", "number")})
    fit(db, text)
    put(db, text, "1", size="9")
    put(db, text, "2", size="12,5")
    fit(db, number)
    assert column(db, "size") == 9.0
    assert db.execute("SELECT id FROM contact WHERE f_size < 10").fetchall() == [("1",)]
    assert odd(db) == [("2", "size", "12,5")]
    fit(db, text)
    assert (column(db, "size"), odd(db)) == ("9", [])


def test_a_changed_property_is_read_again(db: Database) -> None:
    before = to_mapping({"size": ("contacts", "number")})
    after = replace(before, fields={"size": replace(before.fields["size"], property="employees")})
    fit(db, before)
    put(db, before, "1", size="9", employees="50")
    fit(db, after)
    assert column(db, "size") == 50.0


def test_another_time_zone_moves_the_dates(db: Database, mapping: MappingRules) -> None:
    put(db, mapping, "1", timing="2026-03-29", called="2026-03-29T10:00:00Z")
    called = column(db, "called")
    fit(db, replace(mapping, timezone="America/Montreal"))
    there = datetime(2026, 3, 29, tzinfo=ZoneInfo("America/Montreal"))
    assert column(db, "timing") == round(there.timestamp() * 1000)
    assert column(db, "called") == called


def test_an_unchanged_mapping_changes_nothing(db: Database, mapping: MappingRules) -> None:
    put(db, mapping, "1", size="12")
    stamp = decisions.stamp_now(db)
    assert columns.fitted(db, mapping)
    fit(db, mapping)
    assert decisions.stamp_now(db) == stamp
    assert not columns.fitted(db, to_mapping({**FIELDS, "more": ("deals", "text")}))


# -- our own writes ------------------------------------------------------------------------------------


def test_what_we_wrote_is_known_before_its_echo_comes(db: Database, mapping: MappingRules) -> None:
    put(db, mapping, "1", size="9", title="x")
    with write(db):
        assert records.patch(db, "1", {"size": "10", "title": "x"}, mapping) == ["size"]
        assert records.patch(db, "1", {"other": "y"}, mapping) == []
        assert records.patch(db, "404", {"size": "10"}, mapping) == []
    assert column(db, "size") == 10.0
    assert records.stamps(db, "contacts", ["1"]) == {"1": 7}  # what came before our write is still to be seen
    assert put(db, mapping, "1", modified=8, size="10", title="x", other="y") == []


def test_a_contact_that_is_gone_is_nobodys_to_judge(db: Database, mapping: MappingRules) -> None:
    put(db, mapping, "1", size="a")
    with write(db):
        decisions.mark_dirty(db, ["1"])
        records.remove(db, "1")
    assert (records.count(db), decisions.to_judge(db, 0), odd(db)) == (0, [], [])


# -- links, addresses ----------------------------------------------------------------------------------


def test_the_company_of_a_contact_is_the_primary_one_else_the_first(
    db: Database, mapping: MappingRules
) -> None:
    put(db, mapping, "1")
    put(db, mapping, "9", "companies", sector="École")
    for links, changed in (
        ([Link("8"), Link("9", primary=True)], ["1"]),
        ([Link("9", primary=True), Link("8")], []),
        ([Link("8"), Link("9")], ["1"]),
        ([], ["1"]),
        ([], []),
    ):
        with write(db):
            assert records.put_companies(db, {"1": links}) == changed
    assert column(db, "sector", "9", "company") == "ecole"


def test_contacts_that_join_or_leave_a_deal_are_told_and_so_are_members(
    db: Database, mapping: MappingRules
) -> None:
    put(db, mapping, "1")
    with write(db):
        assert records.put_deal_contacts(db, {"7": [Link("1"), Link("2")]}) == ["1", "2"]
        assert records.put_deal_contacts(db, {"7": [Link("2"), Link("3")]}) == ["1", "3"]
        records.put_companies(db, {"1": [Link("9")]})
    assert records.members(db, "deals", ["7"]) == ["2", "3"]
    assert records.members(db, "companies", ["9", "8"]) == ["1"]
    assert records.members(db, "contacts", ["5"]) == ["5"]


def test_a_contact_is_found_by_id_and_by_any_of_its_addresses(db: Database, mapping: MappingRules) -> None:
    put(db, mapping, "1")
    with write(db):
        records.put_email(db, {"1": "jane@acme.fr"})
        records.put_addresses(db, {"jane@acme.fr": "1", "jane@home.fr": "1"})
    for who in ("1", " Jane@Acme.fr ", "jane@home.fr"):
        assert [row["id"] for row in records.find(db, who)] == ["1"]
    assert records.find(db, "nobody@acme.fr") == []
