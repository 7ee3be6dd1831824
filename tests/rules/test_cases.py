"""Each page of tests/rules/cases is a mistake that people make: a file, and the exact message."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rulebook import ACCOUNT, CASES, LEAD_STATUS, ROOT, write

from connector import rules
from connector.diagnostics import Diagnostic, draw
from connector.errors import BadRules
from connector.rules.codes import CODES

PAGES = sorted(CASES.glob("*.md"))
# `mappings/contact.yaml`:          a file, its content in the fence that follows
# Without the folder `workflows/`:  it is taken away
# `connector check` says:           the message, in the fence that follows; with --crm, against the account
_LINE = re.compile(
    r"^(?:`(?P<file>[\w/.]+)`(?P<escaped> \(escaped\))?:|Without the folder `(?P<gone>\w+)/`:"
    r"|`(?P<check>connector check(?: --crm)?)` says:)$"
)


@dataclass
class Example:
    files: dict[str, bytes] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    command: str = ""
    expected: str = ""


def examples(page: str) -> list[Example]:
    found, lines = [Example()], iter(page.splitlines())
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        if match["gone"]:
            found[-1].gone.append(match["gone"])
        elif match["file"]:
            text = _fence(lines)
            raw = (
                text.encode().decode("unicode_escape").encode("latin-1")
                if match["escaped"]
                else text.encode()
            )
            found[-1].files[match["file"]] = raw
        else:
            found[-1].command, found[-1].expected = match["check"], _fence(lines)
            found.append(Example())
    return found[:-1]


def _fence(lines: object) -> str:
    assert hasattr(lines, "__next__")
    while not next(lines).startswith("```"):
        pass
    taken = []
    while not (line := next(lines)).startswith("```"):
        taken.append(line)
    return "".join(f"{line}\n" for line in taken)


def found_in(folder: Path, example: Example) -> list[Diagnostic]:
    write(folder, example.files)
    for name in example.gone:
        shutil.rmtree(folder / name)
    try:
        loaded = rules.load(folder)
    except BadRules as error:
        return list(error.diagnostics)
    return rules.against(loaded, ACCOUNT, LEAD_STATUS) if example.command.endswith("--crm") else []


def said(found: list[Diagnostic]) -> str:
    return "\n\n".join(map(draw, found)) + "\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_says_what_is_printed(page: Path, tmp_path: Path) -> None:
    cases = examples(page.read_text())
    assert cases, "a page has at least one example"
    for number, example in enumerate(cases):
        found = found_in(tmp_path / str(number), example)
        assert said(found) == example.expected
        assert page.stem in {one.code for one in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_opens_with_the_code_and_its_sentence(page: Path) -> None:
    assert page.read_text().startswith(f"# {page.stem}\n\n{CODES[page.stem]}\n")


def test_every_code_has_a_page_and_no_page_is_without_a_code() -> None:
    assert {page.stem for page in PAGES} == set(CODES)


def test_every_code_that_is_used_is_listed() -> None:
    sources = (ROOT / "connector" / "rules").glob("*.py")
    used = {code for path in sources for code in re.findall(r'"([a-z]+(?:-[a-z]+)+)"', path.read_text())}
    assert used - set(CODES) <= {"utf-8", "utf-8-sig"}
