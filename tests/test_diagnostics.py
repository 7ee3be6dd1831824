"""A mistake in a file: data, and a drawing of it."""

from __future__ import annotations

from connector.diagnostics import Diagnostic, Note, Place, draw, in_order

WRONG = Diagnostic(
    "mappings/contact.yaml",
    7,
    5,
    4,
    "unknown-key",
    "`form` is not a key of a field",
    why="a field has the keys from, type, default and values; a key we do not know would be ignored, and "
    "company_size would stay empty.",
    fix="rename `form` to `from`.",
    label="did you mean `from`?",
    text="    form: numberofemployees",
)


def test_it_is_drawn_with_a_caret_under_the_word_a_why_and_a_fix() -> None:
    assert draw(WRONG) == (
        "mappings/contact.yaml:7:5: error[unknown-key]: `form` is not a key of a field\n"
        "  |\n"
        "7 |     form: numberofemployees\n"
        "  |     ^^^^ did you mean `from`?\n"
        "  = why: a field has the keys from, type, default and values; a key we do not know would be\n"
        "         ignored, and company_size would stay empty.\n"
        "  = fix: rename `form` to `from`."
    )


def test_a_second_place_is_shown_first_and_the_gutter_fits_the_longest_number() -> None:
    first = Note(Place("m.yaml", 4, 3), 5, "first `email`", "  email:")
    found = Diagnostic(
        "m.yaml", 120, 3, 5, "duplicate-key", "twice", "", "", "second", "  email:", notes=(first,)
    )
    assert draw(found).splitlines() == [
        "m.yaml:120:3: error[duplicate-key]: twice",
        "    |",
        "  4 |   email:",
        "    |   ----- first `email`",
        "...",
        "120 |   email:",
        "    |   ^^^^^ second",
    ]


def test_a_tab_is_kept_so_that_the_caret_stands_below_its_word() -> None:
    found = Diagnostic("m.yaml", 1, 2, 0, "c", "w", "", "", text="\tx")
    assert draw(found).splitlines()[2:] == ["1 | \tx", "  | \t^"]


def test_without_a_line_there_is_no_drawing_and_a_note_says_so() -> None:
    found = Diagnostic("m.yaml", 1, 1, 1, "c", "what", "", "do this", severity="note")
    assert draw(found) == "m.yaml:1:1: note[c]: what\n  = fix: do this"


def test_mistakes_are_told_in_the_order_of_the_files() -> None:
    def at(file: str, line: int, col: int) -> Diagnostic:
        return Diagnostic(file, line, col, 1, "c", "", "", "")

    wanted = [at("a", 2, 9), at("a", 10, 1), at("a", 10, 3), at("b", 1, 1)]
    assert in_order(reversed(wanted)) == wanted
    assert str(wanted[1].place) == "a:10"
