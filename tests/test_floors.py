"""The house: a file imports only what stands above it in `connector.FLOORS`, and the rules of the house.

Imports for types alone and imports inside functions count like any other.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import connector
from connector import FLOORS

ROOT = Path(connector.__file__).parent
CHECKOUT = ROOT.parent
FILES = sorted(ROOT.rglob("*.py"))
OURS = [file for file in FILES if "sandbox" not in file.relative_to(ROOT).parts]
ORDER = [name for name, _ in FLOORS]
TOLD_TO_SANDBOX = {"cli"}  # who may import the sandbox, besides tests and bench

BANNED_NAMES = {"utils", "helpers", "common", "misc", "base", "manager"}
VENDOR_WORDS = ("/crm/", "hs_", "marketingqualifiedlead", "salesqualifiedlead")
SQL = re.compile(
    r"\b(SELECT\s+.+\s+FROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM"
    r"|(CREATE|ALTER|DROP)\s+(TEMP\s+)?(TABLE|INDEX)|PRAGMA\s)",
    re.DOTALL,
)
OUTSIDE = {  # modules through which a file, a socket, another process, the clock or chance is reached
    *("asyncio", "fcntl", "glob", "http", "io", "logging", "os", "random", "secrets", "shutil", "signal"),
    *("socket", "sqlite3", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid"),
    *("click", "dotenv", "httpx", "hubspot", "sqlite_utils", "tenacity", "tqdm"),
}
CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter"}


def name_of(file: Path) -> str:
    parts = file.relative_to(CHECKOUT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(file): file for file in FILES}


def floor_of(module: str) -> str:
    """The entry of FLOORS that a module belongs to; the package itself stands above everything."""
    return module.split(".")[1] if "." in module else ""


def where(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def imports(file: Path) -> Iterator[str]:
    """Modules of ours that a file imports anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "connector")
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "connector":
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else node.module


def outside(file: Path) -> set[str]:
    """First names of the modules that a file imports from elsewhere."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found - {"connector"}


def texts(file: Path) -> Iterator[tuple[int, str]]:
    """Line and value of every text in the code that is no docstring."""
    tree = ast.parse(file.read_text("utf-8"))
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    said = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, holders) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.lineno, node.value


def broken(files: list[Path], wrong: Callable[[str], bool]) -> list[str]:
    """`file:line` of texts that break a rule."""
    return [
        f"{where(file)}:{line}: {text[:60]}" for file in files for line, text in texts(file) if wrong(text)
    ]


# -- the order -----------------------------------------------------------------------------------------


def test_the_map_names_every_module_and_nothing_else() -> None:
    there = {floor_of(name) for name in MODULES} - {""}
    assert set(ORDER) == there
    assert len(ORDER) == len(set(ORDER))
    assert all(sentence and not sentence.endswith(".") for _, sentence in FLOORS)


@pytest.mark.parametrize("file", FILES, ids=where)
def test_a_file_imports_only_what_stands_above_it(file: Path) -> None:
    mine = floor_of(name_of(file))
    if not mine:
        assert list(imports(file)) == []
        return
    below = [
        name for name in imports(file) if floor_of(name) and ORDER.index(floor_of(name)) > ORDER.index(mine)
    ]
    assert below == []


def test_no_two_files_know_each_other() -> None:
    """Within a floor as well: no rings, however long."""
    graph = {name: {other for other in imports(file) if other != name} for name, file in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as ring:
        pytest.fail(" -> ".join(ring.args[1]))


def test_the_sandbox_stands_apart() -> None:
    inside = [file for file in FILES if file not in OURS]
    assert {floor_of(name) for file in inside for name in imports(file)} <= {"sandbox", ""}
    told = {floor_of(name_of(file)) for file in OURS for name in imports(file) if floor_of(name) == "sandbox"}
    assert told <= TOLD_TO_SANDBOX


# -- the rules of the house ----------------------------------------------------------------------------


def pure() -> list[Path]:
    floors = {"rules", "business", "hand_off", "stage", "plan"}
    return [file for file in OURS if floor_of(name_of(file)) in floors and file.name != "source.py"]


@pytest.mark.parametrize("file", pure(), ids=where)
def test_the_pure_steps_reach_nothing_outside(file: Path) -> None:
    """No file, no clock, no environment, no chance: values in, values out."""
    assert outside(file) & OUTSIDE == set()
    tree = ast.parse(file.read_text("utf-8"))
    called = {
        node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
    }
    assert called & {"open", "print", "input", "read_text", "write_text", "read_bytes", *CLOCKS} == set()


def test_the_vendors_words_stand_in_its_own_floor() -> None:
    files = [file for file in OURS if floor_of(name_of(file)) != "hubspot"]
    assert broken(files, lambda text: any(word in text for word in VENDOR_WORDS)) == []


def test_sql_has_an_address() -> None:
    homes = ("store/", "signals.py", "score/", "rules/compile")
    files = [file for file in OURS if not where(file).startswith(homes)]
    assert broken(files, lambda text: bool(SQL.search(text))) == []


def test_only_the_settings_read_the_environment() -> None:
    reads = re.compile(r"\b(os\.environ|os\.getenv|getenv|environb)\b")
    readers = [where(file) for file in FILES if reads.search(_code(file))]
    assert readers == ["settings.py"]


def test_only_the_clocks_read_the_time() -> None:
    """`now` is an argument: nothing but the two clocks asks the system, and nobody else sleeps for real."""
    asks = re.compile(
        r"^\s*(import time\b|from time import)|\b(datetime|date)\.(now|utcnow|today)\("
        r"|asyncio\.sleep\((?!0\))",
        re.MULTILINE,
    )
    readers = [where(file) for file in FILES if asks.search(_code(file))]
    assert readers == ["clock.py", "sandbox/clock.py"]


def _code(file: Path) -> str:
    """The file without its docstrings and comments."""
    return ast.unparse(_undocumented(ast.parse(file.read_text("utf-8"))))


def _undocumented(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(...)
    return tree


def test_the_official_client_has_one_address() -> None:
    """The vendor's own client serves the rare and typed calls, from the account's files alone."""
    users = [where(file) for file in OURS if "hubspot" in outside(file)]
    assert set(users) <= {"hubspot/account.py", "hubspot/official.py"}


# -- files ---------------------------------------------------------------------------------------------


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [
        where(file) for file in FILES if BANNED_NAMES & set(file.relative_to(ROOT).with_suffix("").parts)
    ] == []


@pytest.mark.parametrize("folder", ["connector", "bench"])
def test_a_file_has_at_most_400_lines(folder: str) -> None:
    sizes = {
        file.relative_to(CHECKOUT).as_posix(): len(file.read_text("utf-8").splitlines())
        for file in (CHECKOUT / folder).rglob("*.py")
    }
    assert {name: lines for name, lines in sizes.items() if lines > 400} == {}


def test_the_version_stands_in_one_place_twice_alike() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    assert connector.__version__ == project["version"]
