"""A clock that the tests drive, and the account's with it: waiting moves both, nobody waits for real."""

from __future__ import annotations

from manual_clock import ManualClock

from connector.sandbox import Portal


class DrivenClock(ManualClock):
    """For a driven sandbox, whose date it tells."""

    def __init__(self, portal: Portal) -> None:
        super().__init__()
        self._portal = portal

    def now(self) -> int:
        return int(self._portal.state()["now"])

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self._portal.advance(seconds)
