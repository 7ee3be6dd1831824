"""A reader's program as a process of its own: its environment, its time, its end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PATIENCE = 600.0  # seconds after which a run is taken for stuck


@dataclass(frozen=True, slots=True)
class Done:
    """How it ended; `stopped` if it had to be."""

    code: int
    seconds: float
    said: str
    stopped: bool = False


def environment(**more: str) -> dict[str, str]:
    """What any program needs, and `more`; nothing else of the one that starts it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, **more}


def run(
    command: Sequence[str | Path],
    folder: Path,
    variables: dict[str, str],
    out: IO[bytes] | int = subprocess.DEVNULL,
    patience: float = PATIENCE,
) -> Done:
    """Its errors go to a file: a pipe that nobody reads would hold it up."""
    complaints = folder / "complaints.txt"
    with complaints.open("wb") as wrong:
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=wrong,
            start_new_session=True,  # what it starts itself ends with it
        )
        stopped = True
        try:
            process.wait(patience)
            stopped = False
        except subprocess.TimeoutExpired:
            pass
        finally:
            if stopped:
                os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        seconds = time.monotonic() - began
    return Done(code, seconds, complaints.read_text("utf-8", "replace"), stopped)
