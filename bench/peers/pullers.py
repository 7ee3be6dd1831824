"""Has three published pullers read the contacts of a sandbox account beside the connector, and compares.

    .venv/bin/python bench/peers/pullers.py            # a quiet account, then what real ones do meanwhile
    .venv/bin/python bench/peers/pullers.py --plain    # the quiet account alone
    .venv/bin/python bench/peers/pullers.py --moving   # contacts that change while they are read
    .venv/bin/python bench/peers/pullers.py --speed    # against the clock, the limits and the latency on

README.md says what the figures mean. Exit code: 0 it is as it should be, 1 the connector lost something, or
somebody lost a contact of the quiet account, or was nearly as fast; 2 a puller could not be installed.
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
from airbyte import AirbyteSource
from ours import Ours
from singer import MeltanoTap, SingerTap
from strangers import Stranger
from tally import Address, Gap, Reader, Run, Traffic, gap, living, table, traffic

from connector import sandbox
from connector.sandbox import Portal

PULLERS: tuple[type[Stranger], ...] = (SingerTap, MeltanoTap, AirbyteSource)
CACHE = Path(__file__).parents[2] / "build" / "peers"
CONTACTS, MOVING, FAST = 5_000, 3_000, 20_000  # how many, if nothing else is said

Make = Callable[[Path, Address], Reader]
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
        folder.mkdir()
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
            reader = make(home / "reader", Address(portal.url, portal.token))
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
) -> bool:
    """False if the last reader, which is ours, lost something. `knobs`: how the account behaves where
    HubSpot's documents and its users disagree."""
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
            " ".join(run.end for run in one.runs),
        )
        for one in found
    ]
    heads = ("puller", "lost", "stale", "gone", "doubled", "requests", "429s", "cuts", "seconds", "end")
    print(f"\r\n{title}\n\n{table(heads, rows)}", flush=True)
    for one in found:
        _complain(one)
    ours = found[-1]
    return not (ours.gap.never or ours.gap.stale or any(run.code for run in ours.runs))


def _complain(one: Outcome) -> None:
    for run in one.runs:
        if run.doubled:
            print(f"\n{one.name} gave twice or more: {', '.join(run.doubled[:20])}")
        if run.code and not run.stopped:
            print(f"\n{one.name} ended with {run.code}:\n{run.said.strip()[-600:]}")


def read_in_all_weather(folder: Path, contacts: int, readers: Sequence[Make], *, plain: bool) -> bool:
    bench = Bench(folder / "accounts", contacts)
    good = read_whole(bench, readers)
    if plain:
        return good
    for title, scenario in WEATHER:
        good &= read_in_weather(bench, readers, title, scenario, search_body_limit=0)
    return good & read_in_weather(bench, readers, BODIES, weather.quiet)


def read_on_the_move(folder: Path, contacts: int, readers: Sequence[Make]) -> bool:
    many, few = Bench(folder / "many", contacts), Bench(folder / "few", FEW)
    good = read_in_weather(many, readers, MOVE, weather.moving, search_body_limit=0)
    return good & read_in_weather(few, readers, INSTANT, weather.one_millisecond, search_body_limit=0)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    usual = f"{CONTACTS:,}; with --moving {MOVING:,}, with --speed {FAST:,}"
    parser.add_argument("--contacts", type=int, help=usual)
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the pullers' environments are kept")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--plain", action="store_true", help="the quiet account alone")
    which.add_argument("--moving", action="store_true", help="contacts that change while they are read")
    which.add_argument("--speed", action="store_true", help="a first load against the clock")
    return parser.parse_args()


def main() -> int:
    said = arguments()
    try:
        programs = [puller.install(said.cache) for puller in PULLERS]
    except subprocess.CalledProcessError as error:
        print(f"a puller cannot be installed: {error}\n{error.stderr}", file=sys.stderr)
        return 2
    strangers = list(zip(PULLERS, programs, strict=True))
    readers: list[Make] = [*(partial(puller, program) for puller, program in strangers), Ours]
    with tempfile.TemporaryDirectory(prefix="peers-") as name:
        folder = Path(name)
        if said.speed:
            sys.path.insert(0, str(Path(__file__).parents[1]))  # what it shares with bench/sync.py
            from speed import compare

            good = compare(folder, said.contacts or FAST, strangers)
        elif said.moving:
            good = read_on_the_move(folder, said.contacts or MOVING, readers)
        else:
            good = read_in_all_weather(folder, said.contacts or CONTACTS, readers, plain=said.plain)
    return 0 if good else 1


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
MOVE = (
    "All contacts modified after the first run, 150 of them again while the second reads them; then a\n"
    "third, all quiet"
)
FEW = 50
INSTANT = (
    f"{weather.MANY:,} contacts modified in one millisecond between two runs; the second is stopped after "
    f"{weather.AT_ONCE:.0f} s"
)


if __name__ == "__main__":
    sys.exit(main())
