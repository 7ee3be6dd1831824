"""Any CSV as contacts: what loads, under which names and types, and what is refused with its line."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from connector.sandbox import csvload
from connector.sandbox.rows import Object, PropertyDef

NOW = 1_795_219_200_000


def load(tmp_path: Path, content: str | bytes) -> csvload.Loaded:
    path = tmp_path / "leads.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return csvload.read(path, NOW)


def contacts(loaded: csvload.Loaded) -> list[Object]:
    return [row for row in loaded.rows if isinstance(row, Object)]


def values(loaded: csvload.Loaded, name: str) -> list[str | None]:
    return [row.properties.get(name) for row in contacts(loaded)]


def types(loaded: csvload.Loaded) -> dict[str, str]:
    return {row.name: row.type for row in loaded.rows if isinstance(row, PropertyDef)}


def test_a_column_is_a_property_and_a_row_a_contact(tmp_path: Path) -> None:
    loaded = load(tmp_path, "Email,Prénom,Budget prévu (k€)\nZoe@Acme.FR,Zoë,12.5\nnoel@acme.fr,,3\n")
    assert loaded.properties == {"Email": "email", "Prénom": "prenom", "Budget prévu (k€)": "budget_prevu_k"}
    assert types(loaded) == {"prenom": "string", "budget_prevu_k": "number"}
    assert [row.properties for row in contacts(loaded)] == [
        {"email": "zoe@acme.fr", "prenom": "Zoë", "budget_prevu_k": "12.5", "lifecyclestage": "lead"},
        {"email": "noel@acme.fr", "budget_prevu_k": "3", "lifecyclestage": "lead"},
    ]
    assert not loaded.refused


def test_order_of_the_file_is_order_of_id_and_time(tmp_path: Path) -> None:
    made = contacts(load(tmp_path, "n\n" + "\n".join(map(str, range(500)))))
    assert [row.properties["n"] for row in made] == [str(n) for n in range(500)]
    assert all(a.id < b.id and a.created < b.created for a, b in pairwise(made))
    assert NOW - 366 * 86_400_000 < made[0].created < made[-1].created < NOW
    assert all(len(str(row.id)) == 11 and row.modified < NOW for row in made)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-2.50", " 3 "], "number"),
        (["1", "N/A"], "string"),
        (["01000", "75001"], "string"),  # a postcode is not a number
        (["0612345678"], "string"),
        (["1,5"], "string"),
        (["1e5"], "string"),
        (["12345678901234567890"], "string"),  # more digits than a double keeps
        (["true", "FALSE"], "bool"),
        (["true", "1"], "string"),
        (["yes", "no"], "string"),
        (["2026-02-28", "2025-12-01"], "date"),
        (["2026-02-30"], "string"),
        (["28/02/2026"], "string"),
        ([], "string"),
    ],
)
def test_types_follow_the_values(tmp_path: Path, cells: list[str], expected: str) -> None:
    loaded = load(tmp_path, "name;value\n" + "".join(f"x;{cell}\nx;\n" for cell in cells))
    assert types(loaded)["value"] == expected


def test_typed_values_are_written_as_the_crm_has_them(tmp_path: Path) -> None:
    loaded = load(tmp_path, "n\tflag\ttext\n 7 \tTRUE\t  kept as is \n")
    assert contacts(loaded)[0].properties == {
        "n": "7",
        "flag": "true",
        "text": "  kept as is ",
        "lifecyclestage": "lead",
    }
    flag = next(row for row in loaded.rows if isinstance(row, PropertyDef) and row.name == "flag")
    assert (flag.field_type, [value for value, _ in flag.options]) == ("booleancheckbox", ["true", "false"])


def test_names_are_folded_unique_and_never_the_crms_own(tmp_path: Path) -> None:
    header = (
        "Name,name,NAME 2,,Createdate,hs_object_id,2024 sales,Œuvre & Straße,日本語,num_notes,lq_score,"
        + "x" * 150
    )
    loaded = load(tmp_path, header + "\n" + ",".join("abcdefghijkl") + "\n")
    names = list(loaded.properties.values())
    assert names[:11] == [
        "name", "name_2", "name_2_2", "column_4", "csv_createdate", "csv_hs_object_id", "csv_2024_sales",
        "oeuvre_strasse", "column_9", "csv_num_notes", "csv_lq_score",
    ]  # fmt: skip
    assert names[11] == "x" * 100
    assert len(set(names)) == len(names) == len(loaded.properties)
    assert [contacts(loaded)[0].properties[name] for name in names] == list("abcdefghijkl")


def test_long_names_that_collide_stay_apart_and_short_enough(tmp_path: Path) -> None:
    loaded = load(tmp_path, f"{'a' * 120}b,{'a' * 120}c\n1,2\n")
    names = list(loaded.properties.values())
    assert len(set(names)) == 2
    assert max(map(len, names)) <= 100


def test_two_columns_of_one_name_are_both_kept(tmp_path: Path) -> None:
    loaded = load(tmp_path, "Note,Note,\na,b,c\n")
    assert loaded.properties == {"Note": "note", "Note (2)": "note_2", "(column 3)": "column_3"}


@pytest.mark.parametrize("heading", ["email", "E-mail", "EMAIL", "Adresse e-mail", "Courriel"])
def test_the_email_column(tmp_path: Path, heading: str) -> None:
    loaded = load(tmp_path, f"{heading},Mail\n Zoe@Acme.FR ,boîte 3\n")
    assert loaded.properties[heading] == "email"
    assert values(loaded, "email") == ["zoe@acme.fr"]
    assert values(loaded, "mail") == ["boîte 3"]


def test_a_stage_column_is_the_stage_only_if_all_its_values_are_stages(tmp_path: Path) -> None:
    good = load(tmp_path, "email,lifecyclestage\na@b.fr,customer\nc@d.fr,\n")
    assert values(good, "lifecyclestage") == ["customer", "lead"]
    assert [row.history["lifecyclestage"][0].value for row in contacts(good)] == ["customer", "lead"]
    odd = load(tmp_path, "email,lifecyclestage\na@b.fr,warm\n")
    assert odd.properties["lifecyclestage"] == "csv_lifecyclestage"
    assert values(odd, "lifecyclestage") == ["lead"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters_and_quotes(tmp_path: Path, delimiter: str) -> None:
    rows = [["nom", "note"], ["O'Brien", '"dit ""oui"", puis; non"'], ["Noël", '"deux\nlignes"'], ["x", "y"]]
    loaded = load(tmp_path, "\r\n".join(delimiter.join(row) for row in rows))
    assert loaded.delimiter == delimiter
    assert values(loaded, "note") == ['dit "oui", puis; non', "deux\nlignes", "y"]


def test_prose_with_commas_does_not_hide_a_semicolon_file(tmp_path: Path) -> None:
    loaded = load(tmp_path, "email;note\na@b.fr;un, deux, trois\nc@d.fr;rien\n")
    assert loaded.delimiter == ";"
    assert len(contacts(loaded)) == 2


@pytest.mark.parametrize(
    ("codec", "told"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("cp1252", "cp1252"), ("utf-16", "utf-16")],
)
def test_encodings(tmp_path: Path, codec: str, told: str) -> None:
    loaded = load(tmp_path, "Prénom;Ville\nÉtienne;Besançon\n".encode(codec))
    assert loaded.encoding == told
    assert loaded.properties == {"Prénom": "prenom", "Ville": "ville"}
    assert contacts(loaded)[0].properties["prenom"] == "Étienne"


def test_rows_that_cannot_be_contacts_are_listed_and_the_rest_load(tmp_path: Path) -> None:
    content = "\n".join(
        [
            "email,note",
            'ok@acme.fr,"on two',
            'lines"',
            "a@b.fr",
            "a@b.fr,x,y",
            "not an address,x",
            "OK@acme.fr,again",
            "",
            ",",
            f"long@acme.fr,{'é' * 65_537}",
            "nul@acme.fr,a\0b",
            f"edge@acme.fr,{'é' * 65_536}",
            ",nobody",
        ]
    )
    loaded = load(tmp_path, content)
    assert values(loaded, "email") == ["ok@acme.fr", "edge@acme.fr", None]
    assert loaded.refused == [
        (4, "1 cells, where the first line names 2 columns"),
        (5, "3 cells, where the first line names 2 columns"),
        (6, "the e-mail is not an address"),
        (7, "the e-mail is the same as on line 2"),
        (9, "every cell is empty"),
        (10, "column `note` has 65,537 characters; a property holds at most 65,536"),
        (11, "column `note` has a NUL character"),
    ]


@pytest.mark.parametrize(
    "address",
    ["@acme.fr", "jane", "jane@", "jane@acme", "jane@@acme.fr", "ja ne@acme.fr", "jane@acme..fr",
     "jane@10.0.0.1", "a@b.fr,c@d.fr", "N/A", "jane@.fr", "x" * 65 + "@acme.fr"],
)  # fmt: skip
def test_impossible_addresses(tmp_path: Path, address: str) -> None:
    loaded = load(tmp_path, f"email;n\n{address};1\n")
    assert loaded.refused == [(2, "the e-mail is not an address")]


@pytest.mark.parametrize(
    "address", ["o'brien@acme.fr", "jane+tag@acme.co.uk", "zoë@müller.de", "a@xn--e1aybc.xn--p1ai"]
)
def test_possible_addresses(tmp_path: Path, address: str) -> None:
    assert values(load(tmp_path, f"email;n\n{address};1\n"), "email") == [address]


@pytest.mark.parametrize(
    "bad",
    ['2,"Acme, Lyon', '"2,Acme', '2,"Acme"x', '2,"'],
    ids=["open to the end", "open from the start", "text after a quote", "a lone quote"],
)
def test_a_stray_quote_costs_at_most_its_own_line(tmp_path: Path, bad: str) -> None:
    rest = [f'{n},"name {n}"' if n % 2 else f"{n},plain" for n in range(3, 60)]
    loaded = load(tmp_path, "\n".join(["n,name", "1,first", bad, *rest]))
    kept = [n for n in values(loaded, "n") if n != "2"]
    assert kept == ["1", *map(str, range(3, 60))]
    assert {line for line, _ in loaded.refused} <= {3}


def test_a_quote_left_open_on_the_last_line(tmp_path: Path) -> None:
    loaded = load(tmp_path, 'n,name\n1,a\n2,"b')
    assert loaded.refused == [(3, "a quote is opened and not closed")]
    assert len(contacts(loaded)) == 1


def test_only_a_header_gives_properties_and_nobody(tmp_path: Path) -> None:
    loaded = load(tmp_path, "email,score\n")
    assert not contacts(loaded)
    assert types(loaded) == {"score": "string"}


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", "  \n"])
def test_an_empty_file_is_refused_with_a_sentence(tmp_path: Path, content: str) -> None:
    with pytest.raises(
        csvload.CsvError, match=r"leads\.csv is empty: its first line must name the columns\."
    ):
        load(tmp_path, content)


def test_a_header_that_never_ends_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a quote in the names of the columns \(line 1\) does not close"):
        load(tmp_path, 'a,"b\n1,2\n3,4\n')


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(csvload.CsvError, match="cannot be read"):
        csvload.read(tmp_path / "nothing.csv", NOW)


def test_bytes_that_are_no_table_do_not_stop_it(tmp_path: Path) -> None:
    loaded = load(tmp_path, bytes(range(256)) * 50)
    assert loaded.encoding == "cp1252"
    assert len(contacts(loaded)) + len(loaded.refused) > 0


def test_ten_megabytes(tmp_path: Path) -> None:
    line = "{0},personne{0}@acme.fr,Étienne Lefèvre n° {0}," + "abcdefghij" * 10 + "\n"
    loaded = load(tmp_path, "n,email,nom,note\n" + "".join(line.format(n) for n in range(70_000)))
    assert len(contacts(loaded)) == 70_000
    assert not loaded.refused
    assert contacts(loaded)[-1].properties["nom"] == "Étienne Lefèvre n° 69999"
