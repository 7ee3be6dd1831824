"""Every error we raise, sorted by what happens next.

ConnectorError
  Retry               later, the same row: the network or the CRM may answer next time
    Unreachable         no answer, or an answer cut short
    RateLimited         the account's limit is used up for now
    ServerFault         the CRM failed (5xx)
  Hold                this row waits for a human; the run goes on
    Refused             the CRM says no to this one request or record
  Stop                nothing more is sent
    BadCommand          the command line asks for something that is not there
    BadSettings         the environment or .env lacks something or says something we cannot read
    BadRules            mappings/ or workflows/ do not load
    WrongPortal         the token belongs to another account than the cache
    Unauthorised        the CRM does not know the token
    MissingScope        the token may not do this
    Unavailable         the account's tier or scopes do not have this source
    Locked              another run is at work on this cache
    StoreTrouble        the cache file cannot be read or written
    Interrupted         a person stopped it; safe to run again

Exit codes: DESIGN says 2 for what a person must correct here first (nothing was sent), 4 for what
lies with the CRM or the machine (safe to run again), 5 for the lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from connector.diagnostics import Diagnostic


class ConnectorError(Exception):
    """What went wrong, in one sentence; `fix` is what to do about it."""

    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix

    @property
    def code(self) -> str:
        """The error's kebab-case name, as `--json` shows it."""
        name = type(self).__name__
        return "".join(f"-{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


class Retry(ConnectorError):
    """It may go through later; nothing needs a decision."""


class Unreachable(Retry):
    """The CRM did not answer, or its answer was cut short."""


class RateLimited(Retry):
    """The account's request limit is used up; `after` is in seconds."""

    def __init__(self, message: str, fix: str = "", *, after: float | None = None, policy: str = "") -> None:
        super().__init__(message, fix)
        self.after = after
        self.policy = policy


class ServerFault(Retry):
    """The CRM failed on its side; `after` is in seconds where the CRM asked for a pause."""

    def __init__(self, message: str, fix: str = "", *, after: float | None = None, status: int = 500) -> None:
        super().__init__(message, fix)
        self.after = after
        self.status = status


class Hold(ConnectorError):
    """This row waits for a human; the others go on."""

    exit_code = 1


class Refused(Hold):
    """The CRM refused the request: `status` and `category` are the CRM's own."""

    def __init__(
        self, message: str, fix: str = "", *, status: int = 400, category: str = "", correlation_id: str = ""
    ) -> None:
        super().__init__(message, fix)
        self.status = status
        self.category = category
        self.correlation_id = correlation_id


class Stop(ConnectorError):
    """Nothing more is sent."""


class BadCommand(Stop):
    """The command line asks for something that is not there."""

    exit_code = 2


class BadSettings(Stop):
    """A setting is missing or cannot be read."""

    exit_code = 2


class BadRules(Stop):
    """The rules do not load; `diagnostics` holds every mistake of every file."""

    exit_code = 2

    def __init__(self, diagnostics: Sequence[Diagnostic], fix: str = "") -> None:
        files = len({d.file for d in diagnostics})
        mistakes = "1 mistake" if len(diagnostics) == 1 else f"{len(diagnostics)} mistakes"
        super().__init__(f"{mistakes} in {files} {'file' if files == 1 else 'files'}. Nothing was sent.", fix)
        self.diagnostics = tuple(diagnostics)


class WrongPortal(Stop):
    """The token belongs to another account than the cache was filled from."""

    exit_code = 2


class Unauthorised(Stop):
    """The CRM does not know the token, or it was revoked."""


class MissingScope(Stop):
    """The token lacks a scope; `scopes` are the CRM's names of those that would do."""

    def __init__(self, message: str, fix: str = "", *, scopes: Sequence[str] = ()) -> None:
        super().__init__(message, fix)
        self.scopes = tuple(scopes)


class Unavailable(Stop):
    """The account's tier or the token's scopes do not have this source; the others go on."""


class Locked(Stop):
    """Another run is at work on this cache; `lets_in`: a long one, that lets others in between two pages."""

    exit_code = 5

    def __init__(self, message: str, fix: str = "", *, lets_in: bool = False) -> None:
        super().__init__(message, fix)
        self.lets_in = lets_in


class StoreTrouble(Stop):
    """The cache file cannot be read or written."""


class Interrupted(Stop):
    """A person stopped it."""

    exit_code = 130
