"""What crosses the house: an emptied environment, an account on a socket, a folder, the command line."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command_line import Folder, on
from driven_clock import DrivenClock

from connector import sandbox

NOW = 1_794_819_600_000  # 2026-11-16T09:00Z
CONTACTS = 150


@pytest.fixture(autouse=True)
def emptied_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's settings reaches a test or the processes that it starts."""
    for name in os.environ:
        if name.startswith(("HUBSPOT_", "CONNECTOR_")) or name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)


@pytest.fixture
def portal() -> Iterator[sandbox.Portal]:
    """A small account over a socket, its clock held, its limiters driven: it answers at any pace."""
    with sandbox.start(contacts=CONTACTS, now=NOW, driven=True) as running:
        running.knobs(burst_limit=0, search_limit=0, associations_limit=0)
        yield running


@pytest.fixture
def clock(portal: sandbox.Portal) -> DrivenClock:
    return DrivenClock(portal)


@pytest.fixture
def cli(portal: sandbox.Portal, tmp_path: Path) -> Iterator[Folder]:
    """The command line in a folder with the default rules and an `.env` for `portal`."""
    folder = on(portal, tmp_path / "rules")
    yield folder
    folder.close()


@pytest.fixture(scope="session")
def applied_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An account and a folder after provision, backfill, plan and apply; made once, copied by `applied`."""
    made = tmp_path_factory.mktemp("applied")
    with sandbox.start(contacts=CONTACTS, now=NOW, driven=True, state=made / "portal.db") as running:
        running.knobs(burst_limit=0, search_limit=0, associations_limit=0)
        folder = on(running, made / "rules")
        for verb in (["provision"], ["backfill", "all"], ["plan"], ["apply", "--yes"], ["sync"]):
            ran = folder(*verb)
            assert ran.code == 0, ran.stderr
        running.clear_journal()
    return made


@contextmanager
def copied(files: Path, to: Path) -> Iterator[Folder]:
    """A copy of the account and folder in `files`, running."""
    shutil.copytree(files, to, dirs_exist_ok=True)
    for name in ("mappings", "workflows"):
        shutil.rmtree(to / "rules" / name)
    with sandbox.start(driven=True, state=to / "portal.db") as running:
        folder = on(running, to / "rules")
        yield folder
        folder.close()


@pytest.fixture
def applied(applied_files: Path, tmp_path: Path) -> Iterator[Folder]:
    """The command line in a folder whose account was brought up to date a moment ago."""
    with copied(applied_files, tmp_path) as folder:
        yield folder
