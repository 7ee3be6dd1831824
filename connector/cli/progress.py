"""One line on a terminal while it works: what is being done, how much so far, how fast."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

OWN = (
    "signals",
    "plan",
    "apply",
)  # steps with a count of their own; all others are sources that a pull reads at once
DELAY = 1  # seconds
FORM = "{desc}: {n_fmt} in {elapsed} ({rate_fmt})"


class Progress:
    """Silent where nobody looks, and for the first second."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._step = ""

    def tick(self, source: str, number: int) -> None:
        if not sys.stderr.isatty():
            return
        step = source if source in OWN else "pull"
        if self._bar is None or step != self._step:
            self.close()
            self._bar, self._step = _bar(), step
        self._bar.set_description_str(step if step == source else f"{step} ({source})", refresh=False)
        self._bar.update(number)

    def around(self, line: Callable[[], None]) -> None:
        """Prints a line where the bar stands, and the bar again below it."""
        if self._bar is not None:
            self._bar.clear()
        line()
        if self._bar is not None and self._bar.format_dict["elapsed"] > DELAY:
            self._bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _bar() -> tqdm[Any]:
    from tqdm import tqdm

    return tqdm(unit=" rows", delay=DELAY, miniters=1, leave=False, bar_format=FORM)
