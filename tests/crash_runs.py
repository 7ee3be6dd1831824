"""What the files of the crash matrix share: the driver at our command, what a cache holds, and the number of
places that each of them kills at."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from command_line import Folder, on

from connector import sandbox

PROMISED = {  # way -> places at which it is killed at least, whole
    "first way": 590,
    "actions": 110,
    "leaving at the count": 175,
    "leaving on the day's walk": 235,
    "leaving in mid-send": 145,
    "backfill in ranges": 165,
    "backfill with one cursor": 150,
    "engagement of a span": 95,
    "fields": 45,
    "forget": 10,
    "backup": 5,
}
LEAST = 500
End = dict[str, Counter[Any]]  # what there is of each thing, and how often


class Driver:
    """`crash_driver.py` at our command."""

    def __init__(self, folder: Path) -> None:
        script = Path(__file__).with_name("crash_driver.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(folder / "ledger")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def __call__(self, folder: Folder, *args: str, kill: int | None = None) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        order = {"cwd": str(folder.path), "args": args, "kill": kill}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert isinstance(answer, dict)
        return answer

    def close(self) -> None:
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    made = Driver(tmp_path_factory.mktemp("driver"))
    yield made
    made.close()


@dataclass(frozen=True)
class Way:
    """The files before a verb, the boundaries that it passes undisturbed, the end that it comes to."""

    before: Path
    passed: list[str]
    after: End
    known: dict[str, Any] = field(default_factory=dict)  # what else the cases go by


def opened(files: Path, rules: Callable[[Path], None], **settings: str) -> tuple[sandbox.Portal, Folder]:
    """The account with an empty journal, and the folder with its rules."""
    portal = sandbox.start(state=files / "portal.db", driven=True)
    portal.clear_journal()
    for name in ("mappings", "workflows"):
        shutil.rmtree(files / "rules" / name, ignore_errors=True)
    folder = on(portal, files / "rules", **settings)
    rules(folder.path)
    return portal, folder


def went_well(done: Mapping[str, Any], at: str = "", codes: Sequence[int] = (0,)) -> None:
    assert done["code"] in codes, f"{at}\n{done['said']}"


def killed_at(done: Mapping[str, Any], number: int, passed: Sequence[str]) -> str:
    """Says where a run was killed. Requests that run at once are now a few more, now a few less: then the
    last boundaries of the undisturbed run are not reached."""
    at = f"killed at {number} of {len(passed)}: {done['passed'][-3:]}"
    late = number > 0.8 * len(passed) and done["code"] == 0
    assert done["code"] == -9 or late, f"{at}\n{done['said']}"
    return at


def cached(folder: Folder, tables: Mapping[str, str]) -> End:
    """These columns of these tables, without an order."""
    with closing(sqlite3.connect(folder.path / "connector.db")) as db:
        return {
            table: Counter(db.execute(f"SELECT {columns} FROM {table}").fetchall())
            for table, columns in tables.items()
        }


def facts(folder: Folder, aside: Path) -> dict[str, str]:
    """The cache's facts, by a copy of what a killed run left: what it left is not touched."""
    aside.mkdir()
    for file in folder.path.glob("connector.db*"):
        shutil.copy(file, aside)
    with closing(sqlite3.connect(aside / "connector.db")) as db:
        made = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'fact'").fetchone()
        return dict(db.execute("SELECT name, value FROM fact").fetchall()) if made else {}


def differences(got: End, wanted: End) -> list[str]:
    """What is not as it was after the undisturbed run, in few words."""
    found: list[str] = []
    for name in wanted:
        found += [f"{name}, {n} too many: {what}" for what, n in (got[name] - wanted[name]).items()]
        found += [f"{name}, {n} missing: {what}" for what, n in (wanted[name] - got[name]).items()]
    return found[:10]


def left(folder: Path, texts: Iterable[str]) -> dict[str, list[str]]:
    """Which texts stand in the bytes of which files, hidden ones too."""
    raw = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    found = {text: [name for name, said in raw.items() if text.encode() in said] for text in texts}
    return {text: names for text, names in found.items() if names}


def sampled(passed: Sequence[str], must: Iterable[str], samples: int) -> list[int]:
    """Boundaries to stop at, by their number: the last of each that `must` be one, and some evenly apart."""
    last = len(passed)
    ends = {max(n for n, name in enumerate(passed, 1) if name.endswith(one)) for one in must}
    return sorted(ends | {1 + round(n * (last - 1) / (samples - 1)) for n in range(samples)})


def enough(name: str, way: Way) -> None:
    """The number of places is what is promised; the long profile shows it."""
    print(f"\n{name}: {len(way.passed)} places")
    assert len(way.passed) >= PROMISED[name], (name, len(way.passed))


def every(numbers: Iterable[int], case: Callable[[int], object]) -> None:
    """All cases, those after one that failed as well: what fails side by side tells where the mistake is."""
    wrong = []
    for number in numbers:
        try:
            case(number)
        except AssertionError as error:
            wrong.append(str(error)[:600])
    assert not wrong, "\n\n".join([f"{len(wrong)} cases", *wrong])
