"""What a process that is killed leaves beside a file: its name tells which process it belonged to."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path


def sweep(folder: Path, prefix: str) -> None:
    """Removes files and folders that are called `prefix`, the number of a process that is no more, and
    whatever follows (SQLite's journals beside them)."""
    for one in folder.iterdir():
        number = re.match(r"\d+", one.name.removeprefix(prefix)) if one.name.startswith(prefix) else None
        if number is None or _alive(int(number[0])):
            continue
        if one.is_dir():
            shutil.rmtree(one, ignore_errors=True)
        else:
            one.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # somebody else's
    return True
