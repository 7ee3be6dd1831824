"""What every verb shares: the common flags, the opened rules, cache and connection, one document out."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from connector import settings
from connector.cli.progress import Progress
from connector.clock import Clock
from connector.diagnostics import draw
from connector.errors import BadCommand, BadRules, ConnectorError, Hold, Interrupted
from connector.model import Document, Secret, iso
from connector.settings import Settings
from connector.views import Ink, Result, diagnostic, text

if TYPE_CHECKING:
    from sqlite_utils import Database

    from connector.hubspot.transport import Transport
    from connector.rules.tree import Rules
    from connector.store.lock import RunLock

T = TypeVar("T")
SHOWN = 20  # mistakes that are drawn at once
NEXT_ATTEMPT = "the next attempt"  # what the transport waits for after a failure
REFUSED = 4  # a refusal that held no row but stopped the verb


@dataclass
class Door:
    """A verb's way to everything outside; made of its flags."""

    verb: str
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: bool = True
    yes: bool = False
    db_path: Path | None = None
    rules_path: Path | None = None
    zone: str = "UTC"
    day_floor: float = 0.0  # the share of the day's requests that the verb leaves to others
    lets_in: bool = False  # whether others may have the run lock between two of its pages
    lock: RunLock | None = None
    on_stop: Callable[[], None] = lambda: None
    _settings: Settings | None = None
    _clock: Clock | None = None
    _progress: Progress = field(default_factory=Progress)
    _stopping: bool = False
    _paced: bool = False  # it is said how long all takes: that the limit has us wait is no news then

    # -- what it opens ---------------------------------------------------------------------------------

    def settings(self) -> Settings:
        """:raises BadSettings:"""
        if self._settings is None:
            self._settings = settings.load(db=self.db_path, rules=self.rules_path)
            for name in self._settings.unknown:
                self.say(f"note: {name} is set, but nothing reads it")
        return self._settings

    def forget_settings(self) -> None:
        """They are read anew when they are asked for next."""
        self._settings = None

    def variable(self, name: str) -> Secret | None:
        """What the environment says under a name that the rules give."""
        return settings.variable(name, self.settings().rules)

    def use(self, found: Settings) -> None:
        """Settings of the verb's own, whatever the environment says."""
        self._settings, self._clock = found, found.clock()

    def rules(self) -> Rules:
        """:raises BadRules: with every mistake"""
        from connector import rules

        found = rules.load(self.settings().rules)
        self.zone = found.mapping.timezone
        return found

    def clock(self) -> Clock:
        if self._clock is None:
            self._clock = self.settings().clock()
        return self._clock

    def open(self, *, must_exist: bool = False) -> Database:
        """The cache. :raises StoreTrouble: :raises BadCommand: where there is none, or no folder for it"""
        from connector.store.schema import open_store

        path = self.settings().db
        if must_exist and not path.exists():
            raise BadCommand(
                f"There is no cache at {path} yet.",
                "Run `connector backfill all` first, or name it with --db.",
            )
        if not path.parent.is_dir():
            raise BadCommand(
                f"{path}: there is no folder {path.parent}.", "Make it, or name another file with --db."
            )
        return open_store(path)

    @asynccontextmanager
    async def transport(self) -> AsyncIterator[Transport]:
        """A connection to the account. :raises BadSettings: without a token"""
        from connector.hubspot.transport import Transport

        found = self.settings()
        credentials = found.need_credentials()
        tokens = found.db.with_name("tokens.json")
        async with Transport(
            found.base_url,
            credentials,
            self.clock(),
            rate_share=found.rate_share,
            day_floor=self.day_floor,
            tokens_file=tokens,
            on_wait=self._waiting,
        ) as t:
            yield t

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs async work. The first Ctrl-C stops it after the page or batch in hand, the second at once."""

        async def watched() -> T:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self._interrupt)
            return await work

        try:
            return asyncio.run(watched())
        finally:
            self.close_progress()

    # -- what it says ----------------------------------------------------------------------------------

    def say(self, line: str) -> None:
        """A note beside the result."""
        if not self.quiet and not self.json:
            self._progress.around(lambda: click.echo(line, err=True))

    def tick(self, step: str, number: int, ahead: str = "") -> None:
        """Progress on a terminal, after a second; `ahead`: what is known of the rest, which others are told
        once a minute. :raises Interrupted: when a person asked to stop"""
        if self._stopping:
            raise Interrupted("Stopped at your word.", "Run it again: it goes on from here.")
        if not (self.quiet or self.json):
            self._progress.tick(step, number, ahead)
            if ahead:
                self._paced = True
                self._progress.tell(ahead, self.clock().monotonic())

    def close_progress(self) -> None:
        self._progress.close()

    def stopping(self) -> bool:
        return self._stopping

    def _waiting(self, what: str, seconds: float) -> None:
        if seconds >= 5 and not (self._paced and what != NEXT_ATTEMPT):
            self.say(f"waiting {seconds:.0f} s: {what}")

    def _interrupt(self) -> None:
        if self._stopping:
            self.close_progress()
            click.echo("stopped; safe to run again", err=True)
            os._exit(130)
        self._stopping = True
        self.on_stop()
        self.say("stopping after this batch; press again to stop now")

    def ink(self, *, err: bool = False) -> Ink:
        stream = sys.stderr if err else sys.stdout
        plain = bool(settings.no_color()) or not self.color or not stream.isatty()
        return Ink(color=not plain, verbose=self.verbose, quiet=self.quiet, zone=self.zone)

    def show(self, result: Result) -> None:
        if self.json:
            click.echo(result.json())
        elif not self.quiet:
            said = text(result, self.ink())
            if said:
                click.echo(said)

    def tell(self, status: str, said: str) -> None:
        """An event of the daemon: a line of text, or with --json one document a line."""
        result = Result(self.verb, status, {"at": iso(self.clock().now()), "said": said})
        self.close_progress()
        if self.json:
            click.echo(result.json(indent=False))
        elif not self.quiet:
            click.echo(text(result, self.ink()))

    def confirm(self, question: str) -> None:
        """:raises BadCommand: without a terminal to ask, or when the answer is not yes"""
        if self.yes:
            return
        if self.json or not sys.stdin.isatty():
            raise BadCommand(f"{question} There is nobody to ask here.", "Add --yes to answer yes.")
        answer = click.prompt(f"{question} Only 'yes' is accepted", default="", show_default=False)
        if answer.strip().lower() != "yes":
            raise BadCommand("Nothing was sent.")

    def failed(self, error: ConnectorError) -> int:
        """Says what went wrong: as a document, or in words with what to do. Gives the exit code."""
        if isinstance(error, BadRules):
            found = [diagnostic(d) for d in error.diagnostics]
            if not self.json:
                shown = error.diagnostics[:SHOWN]
                said = "\n\n".join(draw(d) for d in shown)
                more = len(error.diagnostics) - len(shown)
                click.echo(said + (f"\n\n... and {more} more" if more > 0 else "") + f"\n\n{error}", err=True)
        else:
            found = [{"severity": "error", "code": error.code, "what": str(error), "fix": error.fix}]
            if not self.json:
                click.echo(f"{self.ink(err=True).bad('error')}: {error}", err=True)
                if error.fix:
                    click.echo(f"  fix: {error.fix}", err=True)
        if self.json:
            status = "interrupted" if isinstance(error, Interrupted) else "failed"
            click.echo(Result(self.verb, status, diagnostics=found, exit_code=error.exit_code).json())
        return error.exit_code if not isinstance(error, Hold) else REFUSED


def slower(why: str) -> list[Document]:
    """A note where a pass over everybody had to go without the engine that is made for it, and why."""
    if not why:
        return []
    what = f"DuckDB could not score here ({why}): SQLite did it, several times slower."
    return [{"severity": "note", "code": "no-duckdb", "what": what, "fix": "connector doctor"}]


COMMON: list[Callable[[Any], Any]] = [
    click.option("--json", "json", is_flag=True, help="Print one JSON document."),
    click.option("-q", "quiet", is_flag=True, help="Say nothing but errors."),
    click.option("-v", "verbose", is_flag=True, help="Say more: addresses in full, every row."),
    click.option("--no-color", "no_color", is_flag=True, help="Without colour."),
    click.option("--yes", "yes", is_flag=True, help="Ask no question."),
    click.option("--db", "db_path", type=click.Path(path_type=Path), help="The cache (CONNECTOR_DB)."),
    click.option(
        "--rules",
        "rules_path",
        type=click.Path(path_type=Path),
        help="Folder of the rules (CONNECTOR_RULES).",
    ),
]


def verb(name: str) -> Callable[[Callable[..., Result | None]], click.Command]:
    """Makes a verb of a function that takes a Door and gives a Result (None: it has said everything)."""

    def make(function: Callable[..., Result | None]) -> click.Command:
        @wraps(function)
        def command(**flags: Any) -> int:
            shared = {
                key: flags.pop(key) for key in ("json", "quiet", "verbose", "yes", "db_path", "rules_path")
            }
            door = Door(name, color=not flags.pop("no_color"), **shared)
            try:
                result = function(door, **flags)
            except ConnectorError as error:
                return door.failed(error)
            if result is None:
                return 0
            door.show(result)
            return result.exit_code

        wrapped: Any = command
        for option in reversed(COMMON):
            wrapped = option(wrapped)
        return click.command(name, help=function.__doc__)(wrapped)

    return make
