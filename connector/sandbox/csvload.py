"""Any CSV as contacts: a column is a property, a row is a record; what cannot be one is listed with its line.

The file's own conventions are found out, not asked for: its encoding, its delimiter (`,` `;` or tab), the type of
each column. Nothing is guessed about a value: text stays as it stands, an empty cell is an unset property.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from connector.sandbox.rows import Object, PropertyDef, Row, Version

FIRST_ID = 90_000_000_001  # above every id that `population` gives
LONGEST = 65_536  # characters of a text property (HUBSPOT.md 4.7)
LONGEST_NAME = 100
_YEAR = 365 * 86_400_000

# fmt: off
_STAGES = (
    "subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist",
    "other",
)
# the CRM's own properties that any text fits: no definition, never typed by their values
_STANDARD = frozenset({
    "email", "firstname", "lastname", "jobtitle", "company", "phone", "mobilephone", "city", "country", "address",
    "state", "zip", "website", "fax", "salutation", "message", "lifecyclestage",
})
# names that the CRM computes, or gives a type that a column of a file need not have (HUBSPOT.md 4.5)
_TAKEN = frozenset({
    "createdate", "lastmodifieddate", "closedate", "numemployees", "hubspotscore", "hubspot_owner_id",
    "hubspot_owner_assigneddate", "hubspot_team_id", "associatedcompanyid", "days_to_close", "total_revenue",
    "first_deal_created_date",
})
# fmt: on
_TAKEN_STARTS = ("hs_", "num_", "recent_", "first_conversion_", "notes_", "engagements_last_", "lq_")
_EMAIL_COLUMNS = (
    "email",
    "e_mail",
    "email_address",
    "e_mail_address",
    "adresse_email",
    "adresse_e_mail",
    "courriel",
    "mail",
)

_PART = r"[^\s@,;:<>()\[\]\"\\]"
_ADDRESS = re.compile(rf"{_PART}{{1,64}}@(?![-.]){_PART}+\.(?!\d+$)(?:(?!\.){_PART}){{2,}}")
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NOT_DECOMPOSED = str.maketrans(
    {"ß": "ss", "œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l"}
)
_TRUTH = (("true", "True"), ("false", "False"))
_FIELDS = {"string": "text", "number": "number", "bool": "booleancheckbox", "date": "date"}


class CsvError(ValueError):
    """The file as a whole cannot be read; the text is a sentence for whoever gave it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a file.

    `rows`: definitions, then contacts in the order of the file. `refused`: physical line (from 1) and reason.
    `properties`: column to property; a column without a heading is `(column 3)`, the second of a name `Name (2)`.
    """

    rows: list[Row]
    refused: list[tuple[int, str]]
    properties: dict[str, str]
    encoding: str
    delimiter: str


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    cells: list[str]
    broken: bool = False  # a quote opens in it that does not close


def read(path: Path, now: int) -> Loaded:
    """Reads `path`. Its contacts were created in the order of the file, within the year before `now` (epoch ms).

    Raises CsvError if there is no header in it or it cannot be read at all.
    """
    text, encoding = _text(path)
    lines = list(io.StringIO(text, newline=""))
    with _long_cells(len(text)):
        delimiter = _delimiter(lines)
        records = [each for each in _records(lines, delimiter) if not _blank(each.cells)]
    if not records:
        raise CsvError(f"{path.name} is empty: its first line must name the columns.")
    header, rest = records[0], records[1:]
    if header.broken:
        raise CsvError(
            f"{path.name}: a quote in the names of the columns (line {header.line}) does not close."
        )
    columns = _columns(header.cells)
    names = _properties(columns, rest)
    accepted, refused = _sort(rest, columns, names)
    kinds = [_kind(name, number, accepted) for number, name in enumerate(names)]
    rows: list[Row] = list(_definitions(columns, names, kinds, accepted))
    rows += _contacts(accepted, names, kinds, now)
    return Loaded(rows, refused, dict(zip(columns, names, strict=True)), encoding, delimiter)


def _text(path: Path) -> tuple[str, str]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CsvError(f"{path} cannot be read: {error.strerror}.") from error
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if raw.startswith(mark):
            return raw.decode(encoding, errors="replace"), encoding
    try:
        return raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace"), "cp1252"


@contextmanager
def _long_cells(size: int) -> Iterator[None]:
    """The csv module gives up on a file with a cell over its limit; we list that row and go on."""
    before = csv.field_size_limit(max(size + 1, csv.field_size_limit()))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _delimiter(lines: list[str]) -> str:
    """The one that gives the most rows as wide as the header, then the widest; a comma if none divides it."""
    best, chosen = (0.0, 1), ","
    for delimiter in ",;\t":
        widths = [len(cells) for cells in csv.reader(lines[:60], delimiter=delimiter) if not _blank(cells)]
        if not widths or widths[0] < 2:
            continue
        score = (sum(width == widths[0] for width in widths) / len(widths), widths[0])
        if score > best:
            best, chosen = score, delimiter
    return chosen


def _records(lines: list[str], delimiter: str) -> Iterator[_Record]:
    """The records with their first line. A quote that does not close costs its own line, not the rest."""
    start = 0
    while start < len(lines):
        feed = _Feed(lines, start)
        for cells in csv.reader(feed, delimiter=delimiter):
            several = feed.at - start > 1
            broken = (several or feed.at == len(lines)) and _unclosed(lines[start : feed.at], delimiter)
            yield _Record(start + 1, cells, broken)
            start = start + 1 if broken else feed.at
            if broken:
                break


class _Feed:
    """Lines from a place on; `at` is the number of the next."""

    def __init__(self, lines: list[str], at: int) -> None:
        self._lines = lines
        self.at = at

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if self.at == len(self._lines):
            raise StopIteration
        self.at += 1
        return self._lines[self.at - 1]


def _unclosed(lines: list[str], delimiter: str) -> bool:
    """Whether one record's lines hang together only by a stray quote.

    One line: a line put after it is swallowed. Several: text follows a closing quote, or the file ends within.
    """
    if len(lines) == 1:
        return len(list(csv.reader([*lines, "end"], delimiter=delimiter))) == 1
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return True
    return False


def _blank(cells: list[str]) -> bool:
    return len(cells) < 2 and not any(cell.strip() for cell in cells)


def _columns(cells: list[str]) -> list[str]:
    """A label for each column that no other has."""
    labels: list[str] = []
    for number, cell in enumerate(cells, start=1):
        wanted = cell.replace("\0", "").strip() or f"(column {number})"
        label, again = wanted, 1
        while label in labels:
            again += 1
            label = f"{wanted} ({again})"
        labels.append(label)
    return labels


def _properties(columns: list[str], records: list[_Record]) -> list[str]:
    """The property of each column: folded, at most 100 characters, none twice, none that the CRM writes itself."""
    folded = [_fold(column) or f"column_{number}" for number, column in enumerate(columns, start=1)]
    email = next((folded.index(name) for name in _EMAIL_COLUMNS if name in folded), -1)
    names: list[str] = []
    for number, name in enumerate(folded):
        wanted = "email" if number == email else _allowed(name, number, records)
        chosen, again = wanted, 1
        while chosen in names or (chosen == "email" and number != email):
            again += 1
            chosen = f"{wanted[: LONGEST_NAME - 8]}_{again}"
        names.append(chosen)
    return names


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.translate(_NOT_DECOMPOSED)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:LONGEST_NAME].rstrip("_")


def _allowed(name: str, number: int, records: list[_Record]) -> str:
    reserved = name in _TAKEN or name.startswith(_TAKEN_STARTS) or not name[0].isalpha()
    if name == "lifecyclestage":
        reserved = any(
            each.cells[number].strip() not in ("", *_STAGES) for each in records if len(each.cells) > number
        )
    return f"csv_{name}"[:LONGEST_NAME] if reserved else name


def _sort(
    records: list[_Record], columns: list[str], names: list[str]
) -> tuple[list[list[str]], list[tuple[int, str]]]:
    """The cells of the rows that can be contacts, and the others with their line and the reason."""
    email = names.index("email") if "email" in names else -1
    seen: dict[str, int] = {}
    accepted: list[list[str]] = []
    refused: list[tuple[int, str]] = []
    for record in records:
        address = record.cells[email].strip().lower() if 0 <= email < len(record.cells) else ""
        reason = _refusal(record, columns, address, seen)
        if reason:
            refused.append((record.line, reason))
            continue
        if address:
            seen[address] = record.line
        accepted.append(record.cells)
    return accepted, refused


def _refusal(record: _Record, columns: list[str], address: str, seen: dict[str, int]) -> str:
    """Why the record cannot be a contact, or nothing. No address in it: it is shown to people."""
    if record.broken:
        return "a quote is opened and not closed"
    if len(record.cells) != len(columns):
        return f"{len(record.cells)} cells, where the first line names {len(columns)} columns"
    for column, cell in zip(columns, record.cells, strict=True):
        if len(cell) > LONGEST:
            return f"column `{column}` has {len(cell):,} characters; a property holds at most {LONGEST:,}"
        if "\0" in cell:
            return f"column `{column}` has a NUL character"
    if not any(cell.strip() for cell in record.cells):
        return "every cell is empty"
    if address and not (_ADDRESS.fullmatch(address) and len(address) <= 254 and ".." not in address):
        return "the e-mail is not an address"
    return f"the e-mail is the same as on line {seen[address]}" if address in seen else ""


def _kind(name: str, number: int, accepted: list[list[str]]) -> str:
    """The type that all values of a column share: number, bool, date, else string."""
    if name in _STANDARD:
        return "string"
    values = [value for cells in accepted if (value := cells[number].strip())]
    if not values:
        return "string"
    if all(map(_NUMBER.fullmatch, values)):
        return "number"
    if all(value.lower() in ("true", "false") for value in values):
        return "bool"
    return "date" if all(map(_is_date, values)) else "string"


def _is_date(value: str) -> bool:
    if not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _definitions(
    columns: list[str], names: list[str], kinds: list[str], accepted: list[list[str]]
) -> Iterator[PropertyDef]:
    for number, (column, name, kind) in enumerate(zip(columns, names, kinds, strict=True)):
        if name in _STANDARD:
            continue
        field, options = _FIELDS[kind], _TRUTH if kind == "bool" else ()
        if kind == "string" and any("\n" in cells[number] or len(cells[number]) > 500 for cells in accepted):
            field = "textarea"
        yield PropertyDef("contacts", name, column, kind, field, options)


def _contacts(accepted: list[list[str]], names: list[str], kinds: list[str], now: int) -> Iterator[Object]:
    """The rows as the CRM's own import would leave them: the stage is `lead` where the file says none."""
    step = max(1, _YEAR // (len(accepted) + 1))
    for number, cells in enumerate(accepted):
        created = now - (len(accepted) - number) * step
        properties = {
            name: _value(name, kind, cell)
            for name, kind, cell in zip(names, kinds, cells, strict=True)
            if cell.strip()
        }
        stage = properties.setdefault("lifecyclestage", "lead")
        history: dict[str, tuple[Version, ...]] = {
            "lifecyclestage": (Version(stage, created, "IMPORT", "1"),)
        }
        yield Object("contacts", FIRST_ID + number, properties, created, created, history)


def _value(name: str, kind: str, cell: str) -> str:
    if name == "email" or kind == "bool":
        return cell.strip().lower()
    return cell.strip() if kind != "string" or name == "lifecyclestage" else cell
