"""Has two published pullers read the contacts of a sandbox account, and compares what they got.

    .venv/bin/python bench/peers/pullers.py

First an account as it is, its limits on: nobody may lose a contact or read one twice. Then what real accounts
do while they are read, as information, with the connector beside them. README.md says what the figures mean.
Exit code: 0 nobody lost a contact of the quiet account, 1 somebody did, 2 a puller could not be installed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import weather
from ours import Ours
from strangers import PULLERS, Stranger, install
from tally import Gap, Reader, Run, Traffic, gap, living, table, traffic

from connector import sandbox
from connector.sandbox import Portal

CACHE = Path(__file__).parents[2] / "build" / "peers"

Make = Callable[[Path, Portal], Reader]
Scenario = Callable[[Portal, Reader], list[Run]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one reader in one scenario."""

    name: str
    contacts: int
    runs: list[Run]
    gap: Gap
    traffic: Traffic


class Bench:
    """One account, made once and copied for every reader and scenario."""

    def __init__(self, folder: Path, contacts: int) -> None:
        self._folder = folder
        self._master = folder / "master.db"
        self._number = 0
        sandbox.start(contacts, state=self._master).close()

    @contextmanager
    def account(self) -> Iterator[tuple[Path, Portal]]:
        """A fresh copy with the limits of the professional tier, and a folder beside it."""
        self._number += 1
        home = self._folder / str(self._number)
        home.mkdir()
        for file in self._folder.glob("master.db*"):
            shutil.copy(file, home / file.name.replace("master", "portal"))
        with sandbox.start(state=home / "portal.db") as portal:
            portal.knobs(tier="professional")
            yield home, portal
        shutil.rmtree(home)

    def take(self, make: Make, scenario: Scenario, **knobs: int) -> Outcome:
        with self.account() as (home, portal):
            portal.knobs(**knobs)
            reader = make(home / "reader", portal)
            portal.clear_journal()  # what it asked to set itself up is not reading
            runs = scenario(portal, reader)
            there = living(portal)
            return Outcome(reader.name, len(there), runs, gap(reader.held, there), traffic(portal))


def plain(_: Portal, reader: Reader) -> list[Run]:
    return [reader.run()]


def read_whole(bench: Bench, readers: Sequence[Make]) -> bool:
    """The quiet account. False if a contact was lost."""
    found = [bench.take(make, plain) for make in readers]
    rows = [
        (
            one.name,
            one.contacts,
            one.runs[0].read,
            one.gap.never,
            one.gap.stale,
            len(one.runs[0].doubled),
            one.traffic.requests,
            one.traffic.refused,
            one.runs[0].seconds,
        )
        for one in found
    ]
    heads = ("puller", "contacts", "read", "lost", "stale", "doubled", "requests", "429s", "seconds")
    print(table(heads, rows))
    for one in found:
        print(f"\n{one.name} asked for")
        for endpoint, times in one.traffic.endpoints.most_common():
            print(f"  {times:5,}  {endpoint}")
        _complain(one)
    return all(not (one.gap.never or one.gap.stale or one.runs[0].code) for one in found)


def read_in_weather(
    bench: Bench, readers: Sequence[Make], title: str, scenario: Scenario, **knobs: int
) -> None:
    """`knobs`: how the account behaves where HubSpot's documents and its users disagree."""
    found = []
    for make in readers:
        found.append(bench.take(make, scenario, **knobs))
        print(".", end="", flush=True)
    rows = [
        (
            one.name,
            one.gap.never,
            one.gap.stale,
            one.gap.gone,
            sum(len(run.doubled) for run in one.runs),
            one.traffic.requests,
            one.traffic.refused,
            one.traffic.cut,
            "  ".join(f"{run.seconds:.1f}" for run in one.runs),
            " ".join(str(run.code) for run in one.runs),
        )
        for one in found
    ]
    heads = ("puller", "lost", "stale", "gone", "doubled", "requests", "429s", "cuts", "seconds", "exit")
    print(f"\r\n{title}\n\n{table(heads, rows)}")
    for one in found:
        _complain(one)


def _complain(one: Outcome) -> None:
    for run in one.runs:
        if run.doubled:
            print(f"\n{one.name} gave twice or more: {', '.join(run.doubled[:20])}")
        if run.code:
            print(f"\n{one.name} ended with {run.code}:\n{run.said.strip()[-600:]}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--contacts", type=int, default=5_000)
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the pullers' environments are kept")
    parser.add_argument("--plain", action="store_true", help="the quiet account alone")
    return parser.parse_args()


def main() -> int:
    said = arguments()
    try:
        programs = [install(puller, said.cache) for puller in PULLERS]
    except subprocess.CalledProcessError as error:
        print(f"a puller cannot be installed: {error}\n{error.stderr}", file=sys.stderr)
        return 2
    strangers: list[Make] = [
        partial(Stranger, puller, program) for puller, program in zip(PULLERS, programs, strict=True)
    ]
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        bench = Bench(Path(folder), said.contacts)
        whole = read_whole(bench, [*strangers, Ours])
        if not said.plain:
            for title, scenario in WEATHER:
                read_in_weather(bench, [*strangers, Ours], title, scenario, search_body_limit=0)
            read_in_weather(bench, [*strangers, Ours], BODIES, weather.quiet)
    return 0 if whole else 1


WEATHER: tuple[tuple[str, Scenario], ...] = (
    (
        "A busy account: search 30 s behind; 40 edits, a merge, a 429 and a cut connection in the first\n"
        "run; 30 edits just before the second; one contact edited every second; then a third, all quiet",
        weather.busy,
    ),
    (
        "One page half full and one page empty in the first run, each with a next page; then a second run",
        weather.empty_page,
    ),
)
BODIES = "Search bodies over 3,000 characters refused, as HubSpot documents; 20 edits between two runs"


if __name__ == "__main__":
    sys.exit(main())
