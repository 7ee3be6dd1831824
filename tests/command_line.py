"""A folder of rules with its `.env`, and the command line run in it as a person does: in its own process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connector.sandbox import Portal

CHECKOUT = Path(__file__).parent.parent
PATIENCE = 60  # seconds after which a process is taken for stuck


@dataclass(frozen=True)
class Ran:
    """What a process left: exit code and both streams."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The one document that `--json` prints; anything else beside it is an error."""
        found = json.loads(self.stdout)
        assert isinstance(found, dict)
        return found

    @property
    def summary(self) -> dict[str, Any]:
        found = self.document["summary"]
        assert isinstance(found, dict)
        return found


@dataclass
class Folder:
    """Where the command line is run. `settings` are the lines of its `.env`."""

    path: Path
    settings: dict[str, str] = field(default_factory=dict)
    portal: Portal | None = None
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def write_env(self, **changes: str) -> None:
        self.settings.update(changes)
        lines = [f"{name}={value}\n" for name, value in self.settings.items() if value]
        (self.path / ".env").write_text("".join(lines), "utf-8")

    def rules(self) -> None:
        """The default rules, as `init` writes them."""
        for name in ("mappings", "workflows"):
            shutil.copytree(CHECKOUT / name, self.path / name)

    def edit(self, file: str, old: str, new: str) -> None:
        """A person edits a file of the rules."""
        said = (self.path / file).read_text("utf-8")
        assert said.count(old) == 1, f"{old!r} stands {said.count(old)} times in {file}"
        (self.path / file).write_text(said.replace(old, new), "utf-8")

    def advance(self, seconds: float) -> None:
        """Time goes on, for the account and for us."""
        assert self.portal is not None
        now = self.portal.advance(seconds)
        self.write_env(CONNECTOR_NOW=datetime.fromtimestamp(now / 1000, UTC).isoformat())

    def start(self, *args: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "connector", *args],
            cwd=self.path,
            env={**os.environ, "PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.started.append(process)
        return process

    def close(self) -> None:
        """Whatever a failed test left running ends here."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                finish(process)

    def __call__(self, *args: str) -> Ran:
        return finish(self.start(*args))

    def json(self, *args: str) -> dict[str, Any]:
        """The document of a verb that went well."""
        ran = self(*args, "--json")
        assert ran.stderr == "", ran.stderr
        return ran.document


def finish(process: subprocess.Popen[str]) -> Ran:
    """Waits for the end, or kills what hangs."""
    with process:
        try:
            stdout, stderr = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return Ran(process.returncode, stdout, stderr)


def stop(process: subprocess.Popen[str], number: signal.Signals) -> Ran:
    """Sends a signal and waits for the end."""
    process.send_signal(number)
    return finish(process)


def on(portal: Portal, path: Path, **settings: str) -> Folder:
    """A folder with the default rules that speaks to this account."""
    path.mkdir(parents=True, exist_ok=True)
    folder = Folder(path, portal=portal)
    now = datetime.fromtimestamp(portal.state()["now"] / 1000, UTC).isoformat()
    folder.write_env(
        HUBSPOT_BASE_URL=portal.url, HUBSPOT_ACCESS_TOKEN=portal.token, CONNECTOR_NOW=now, **settings
    )
    folder.rules()
    return folder
