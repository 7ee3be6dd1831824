"""One line on a terminal while it works: what is being done, how much so far, how fast, and what is left."""

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
MINUTE = 60  # seconds between two lines where there is no terminal
FORM = "{desc}: {n_fmt} in {elapsed} ({rate_fmt}){postfix}"


class Progress:
    """Silent where nobody looks, and for the first second."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._step = ""
        self._told: float | None = None
        self._rows = 0

    def tick(self, source: str, number: int, ahead: str = "") -> None:
        self._rows += number
        if not sys.stderr.isatty():
            return
        step = source if source in OWN else "pull"
        if self._bar is None or step != self._step:
            self.close()
            self._bar, self._step = _bar(), step
        self._bar.set_description_str(step if step == source else f"{step} ({source})", refresh=False)
        self._bar.set_postfix_str(ahead, refresh=False)
        self._bar.update(number)

    def tell(self, line: str, at: float) -> None:
        """Where there is no terminal (a log of cron): a line a minute, the first after one."""
        if self._told is None:
            self._told = at
        if at - self._told >= MINUTE and not sys.stderr.isatty():
            self._told = at
            print(f"{self._rows:,} rows: {line}", file=sys.stderr, flush=True)

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

    return tqdm(unit=" rows", delay=DELAY, miniters=1, smoothing=0, leave=False, bar_format=FORM)
