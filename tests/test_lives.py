"""Whole lives against an account on a socket, synced step by step; again with the cache lost on the way."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from pathlib import Path

import pytest
from life_diary import CASES, Case, living, load
from town_diary import town

NAMES = sorted(path.stem for path in CASES.glob("*.yaml"))
TWICE = [name for name in NAMES if "cache_deleted_after" in load(name)]


@pytest.mark.parametrize("name", NAMES)
async def test_a_life_goes_as_its_file_says(name: str, tmp_path: Path) -> None:
    await tell(load(name), tmp_path)


@pytest.mark.parametrize("name", TWICE)
async def test_asleep_and_with_the_cache_deleted_on_the_way_it_goes_the_same_way(
    name: str, tmp_path: Path
) -> None:
    case = load(name)
    assert set(case["cache_deleted_after"]) <= moments(case)
    await tell(case, tmp_path, forget=case["cache_deleted_after"], asleep=True)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
async def test_with_the_cache_deleted_after_each_step_it_goes_the_same_way(name: str, tmp_path: Path) -> None:
    case = load(name)
    await tell(case, tmp_path, forget=moments(case))


def test_every_edge_case_names_where_it_is_told() -> None:
    """tests/cases/README.md: what it names is there, and a file that tells a case is named beside it."""
    table = (CASES.parent / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| (\d+) \|.*\| ([^|]*) \|$", table, re.MULTILINE))
    assert list(map(int, rows)) == list(range(1, 33))
    for number, where in rows.items():
        for name in where.split(", "):
            assert (CASES.parent / name if "/" in name else CASES.parent.parent / name).is_file(), number
    for number, path in edges():
        assert path in rows[number].split(", "), path


def edges() -> Iterator[tuple[str, str]]:
    for file in sorted(CASES.parent.glob("*/*.yaml")):
        found = re.search(r"^(?:edge|case): \[?([\d, ]+)\]?$", file.read_text("utf-8"), re.MULTILINE)
        for number in found[1].split(", ") if found else []:
            yield number, str(file.relative_to(CASES.parent))


def moments(case: Case) -> set[str]:
    """Of the entries after which there is a sync, and nothing is kept back."""
    return {entry["on"] for entry in case["life"] if entry.get("sync") not in ("no", "held")}


async def tell(case: Case, folder: Path, forget: Container[str] = (), *, asleep: bool = False) -> None:
    """A life, or that of a town, and then silence. The cache is deleted after the moments of `forget`; those,
    and the last, are synced, however `asleep` we are."""
    async with (town if "people" in case else living)(folder, case) as life:
        for entry in case["life"]:
            awake = entry["on"] in forget or entry is case["life"][-1]
            await life.goes_on(entry, asleep=asleep and not awake)
            if entry["on"] in forget:
                await life.forget()
        await life.rests()
